/* SPDX-License-Identifier: MIT */
/*
 * Run tokens.
 *
 * Owns struct token_pool, under its raw lock; the futex word of each waiting
 * vCPU belongs to who grants it the token.  Compiled without ThreadSanitizer:
 * a hand-over of a token orders nothing that the simulated machine may rely
 * on.  Must never be entered with a vCPU's state lock held.
 */
#include "hw/token.h"

#include <sched.h>

#include "base/bug.h"
#include "hw/hw_lock.h"
#include "hw/vcpu.h"
#include "trace/counters.h"

static unsigned int host_cores(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) || CPU_COUNT(&set) < 1)
		return 1;
	return (unsigned int)CPU_COUNT(&set);
}

void token_pool_init(struct token_pool *pool, unsigned int tokens, unsigned int vcpus)
{
	pool->lock = 0;
	pool->total = tokens ? tokens : host_cores();
	pool->free = pool->total;
	pool->nr_waiting = 0;
	pool->ticks = 0;
	pool->head = NULL;
	pool->tail = NULL;
	pool->held = NULL;
}

/* Pool lock held. */
static void set_waiting(struct token_pool *pool, unsigned int nr)
{
	__atomic_store_n(&pool->nr_waiting, nr, __ATOMIC_RELAXED);
}

static void append(struct token_pool *pool, struct vcpu *cpu)
{
	cpu->token_next = NULL;
	if (pool->tail)
		pool->tail->token_next = cpu;
	else
		pool->head = cpu;
	pool->tail = cpu;
}

static void enqueue(struct token_pool *pool, struct vcpu *cpu)
{
	append(pool, cpu);
	set_waiting(pool, pool->nr_waiting + 1);
}

static struct vcpu *dequeue(struct token_pool *pool)
{
	struct vcpu *cpu = pool->head;

	if (!cpu)
		return NULL;
	pool->head = cpu->token_next;
	if (!pool->head)
		pool->tail = NULL;
	set_waiting(pool, pool->nr_waiting - 1);
	return cpu;
}

/* The waiter's thread may go on, and free nothing of the vCPU, at once. */
static void grant(struct vcpu *cpu)
{
	__atomic_store_n(&cpu->token_granted, 1, __ATOMIC_RELEASE);
	hw_futex_wake(&cpu->token_granted, 1);
}

static void wait_granted(struct vcpu *cpu)
{
	while (!__atomic_load_n(&cpu->token_granted, __ATOMIC_ACQUIRE))
		hw_futex_wait(&cpu->token_granted, 0);
	cpu->token_granted = 0;
}

/*
 * Who asks has a token: would it be missed?  Others may lie idle, the last may not: what
 * is held is held for those who run meanwhile, and one after the other is enough.
 */
static bool needed(const struct token_pool *pool)
{
	return pool->free + 1 == pool->total;
}

/* ---- the held; pool lock held ---- */

static void unlink_held(struct token_pool *pool, struct vcpu *cpu)
{
	struct vcpu **link = &pool->held;

	while (*link != cpu)
		link = &(*link)->token_next;
	*link = cpu->token_next;
	__atomic_store_n(&cpu->held, false, __ATOMIC_RELAXED);
}

/* Its hold ends: it runs, or waits like the others. */
static void let_go(struct token_pool *pool, struct vcpu *cpu)
{
	unlink_held(pool, cpu);
	if (pool->free) {
		pool->free--;
		set_waiting(pool, pool->nr_waiting - 1);
		grant(cpu);
	} else {
		append(pool, cpu);
	}
}

static void pass_time(struct token_pool *pool, unsigned int ticks)
{
	struct vcpu *cpu, *next;

	pool->ticks += ticks;
	for (cpu = pool->held; cpu; cpu = next) {
		next = cpu->token_next;
		if (cpu->held_until <= pool->ticks)
			let_go(pool, cpu);
	}
}

/* A core would idle: the hold nearest to its end is over. */
static void let_first_go(struct token_pool *pool)
{
	struct vcpu *cpu, *first = pool->held;

	for (cpu = pool->held; cpu; cpu = cpu->token_next) {
		if (cpu->held_until < first->held_until)
			first = cpu;
	}
	if (first)
		let_go(pool, first);
}

void token_get(struct token_pool *pool, struct vcpu *cpu)
{
	hw_lock(&pool->lock);
	if (pool->free) {
		pool->free--;
		hw_unlock(&pool->lock);
		return;
	}
	enqueue(pool, cpu);
	hw_unlock(&pool->lock);
	wait_granted(cpu);
}

void token_put(struct token_pool *pool, struct vcpu *cpu)
{
	struct vcpu *next;

	(void)cpu;
	hw_lock(&pool->lock);
	pass_time(pool, TOKEN_TURN);
	if (!pool->head && needed(pool))
		let_first_go(pool);
	next = dequeue(pool);
	if (!next)
		pool->free++;
	MM_BUG_ON(pool->free > pool->total);
	hw_unlock(&pool->lock);
	if (next)
		grant(next);
}

bool token_hand_over(struct token_pool *pool, struct vcpu *cpu, unsigned int ticks)
{
	struct vcpu *next;

	hw_lock(&pool->lock);
	pass_time(pool, ticks);
	/* Whom a busy waiter waits for is held. */
	if (ticks < TOKEN_TURN && !pool->head && needed(pool))
		let_first_go(pool);
	next = dequeue(pool);
	if (next)
		enqueue(pool, cpu);
	hw_unlock(&pool->lock);
	if (!next)
		return false;
	grant(next);
	wait_granted(cpu);
	return true;
}

static void start_hold(struct token_pool *pool, struct vcpu *cpu, unsigned int ticks)
{
	__atomic_store_n(&cpu->held, true, __ATOMIC_SEQ_CST);
	cpu->held_until = pool->ticks + ticks;
	cpu->token_next = pool->held;
	pool->held = cpu;
	set_waiting(pool, pool->nr_waiting + 1);
}

void token_hold(struct token_pool *pool, struct vcpu *cpu, const u64 *word, u64 value,
		unsigned int ticks)
{
	struct vcpu *next;

	hw_lock(&pool->lock);
	if (__atomic_load_n(word, __ATOMIC_RELAXED) != value || (!pool->head && needed(pool))) {
		hw_unlock(&pool->lock);
		return;
	}
	next = dequeue(pool);
	if (!next)
		pool->free++;
	start_hold(pool, cpu, ticks);
	/* Who interrupts first raises the bit, then looks whether its target is held. */
	if (cpu->sched.irq_off && (__atomic_load_n(&cpu->sched.local.attn, __ATOMIC_SEQ_CST) &
				   ATTN_IRQ))
		let_go(pool, cpu);
	hw_unlock(&pool->lock);
	if (next)
		grant(next);
	wait_granted(cpu);
}

void token_unhold(struct token_pool *pool, struct vcpu *cpu)
{
	hw_lock(&pool->lock);
	if (cpu->held)
		let_go(pool, cpu);
	hw_unlock(&pool->lock);
}
