/* SPDX-License-Identifier: MIT */
/*
 * vCPU threads: running, parked, idle.
 *
 * Owns struct vcpu's state, under ->lock, a raw lock: while a vCPU is not
 * RUNNING whoever holds the lock may act as it (hw/ipi.c).  Compiled without
 * ThreadSanitizer; the orders that a real CPU has are said by annotation:
 * everything a vCPU did before it parked happens before what another does in
 * its place, and that before everything it does afterwards (->sync).
 *
 * Must never hold ->lock across a scheduling point of the owner, nor take a
 * token with it held.
 */
#include "hw/vcpu.h"

#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/tsan.h"
#include "hw/hw_lock.h"
#include "hw/machine.h"
#include "sync/rcu.h"
#include "trace/trace.h"

/* ---- the raw lock ---- */

#define LOCK_SPINS	200

void hw_futex_wait(u32 *word, u32 expected)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

bool hw_futex_wait_ms(u32 *word, u32 expected, unsigned int ms)
{
	const struct timespec timeout = { ms / 1000, (long)(ms % 1000) * 1000000 };

	return syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, &timeout, NULL, 0) &&
	       errno == ETIMEDOUT;
}

void hw_futex_wake(u32 *word, int nr)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, nr, NULL, NULL, 0);
}

/* 0 free, 1 held, 2 held and somebody may sleep. */
void hw_lock_slow(u32 *lock)
{
	for (unsigned int i = 0; i < LOCK_SPINS; i++) {
		if (!raw_load_order(lock, __ATOMIC_RELAXED) && hw_trylock(lock))
			return;
		__builtin_ia32_pause();
	}
	while (raw_xchg_order(lock, 2, __ATOMIC_ACQUIRE))
		hw_futex_wait(lock, 2);
}

void hw_unlock_slow(u32 *lock)
{
	hw_futex_wake(lock, 1);
}

/* ---- creation ---- */

/* Spreads each vCPU's draws apart from the others' and from the tasks'. */
#define RNG_STREAM	0x76637075ULL

static void init_sched(struct machine *m, struct vcpu *cpu)
{
	bool jitter = m->config.mode == RUN_JITTER;

	sched_ctx_init(&cpu->host_ctx, "host");
	sched_cpu_init(&cpu->sched, cpu->nr, &cpu->host_ctx, &hw_sched_ops, &m->rcu, &m->lockdep,
		       jitter ? &m->jitter : NULL);
	cpu->sched.local.sink = &m->sink;
	cpu->sched.local.zoo = m->config.zoo;
	cpu->sched.local.vm_events = cpu->vm_events;
	if (jitter)
		cpu->sched.local.attn = ATTN_JITTER;
}

/* When the next speculative fill is due: after about 1000000 / ppm accesses. */
static u64 speculation_gap(struct vcpu *cpu)
{
	u64 ppm = cpu->machine->config.speculate_ppm;

	if (!ppm)
		return 1ULL << 62;
	return 1 + prng_below(&cpu->rng, 2 * ((1000000 + ppm - 1) / ppm));
}

void vcpu_next_speculation(struct vcpu *cpu)
{
	cpu->speculate_at = cpu->accesses + speculation_gap(cpu);
}

int vcpu_create(struct machine *m, unsigned int nr, struct vcpu **out)
{
	struct vcpu *cpu;

	if (posix_memalign((void **)&cpu, _Alignof(struct vcpu), sizeof(*cpu)))
		return -ENOMEM;
	memset(cpu, 0, sizeof(*cpu));
	cpu->machine = m;
	cpu->nr = nr;
	tlb_init(&cpu->tlb);
	cpu->root_pfn = NO_ROOT;
	cpu->exec = &cpu->host_exec;
	cpu->state = VCPU_IDLE;
	init_sched(m, cpu);
	prng_seed(&cpu->rng, hash64(m->config.seed, RNG_STREAM, nr));
	vcpu_next_speculation(cpu);
	vcpu_new_turn(cpu);
	if (m->config.trace) {
		unsigned int nr_events = m->config.trace_events;

		cpu->sched.local.trace = trace_ring_alloc(nr_events ? nr_events : 256);
		if (!cpu->sched.local.trace) {
			free(cpu);
			return -ENOMEM;
		}
		cpu->sched.local.trace->hashed = m->config.trace_hash;
	}
	*out = cpu;
	return 0;
}

void vcpu_destroy(struct vcpu *cpu)
{
	if (!cpu)
		return;
	MM_BUG_ON(cpu->state == VCPU_RUNNING);
	trace_ring_free(cpu->sched.local.trace);
	free(cpu);
}

/* ---- states ---- */

/*
 * Turns differ in length, so that vCPUs do not fall into step.  Where one thread runs
 * all vCPUs there are none: nobody waits for one, or (controlled) every point is an end.
 */
void vcpu_new_turn(struct vcpu *cpu)
{
	u64 turn = cpu->machine->turn;

	if (cpu->machine->parallel)
		cpu->sched.local.turn_end =
			cpu->sched.local.clock + turn / 2 + prng_below(&cpu->rng, turn);
	else
		cpu->sched.local.turn_end = cpu->sched.control ? 0 : U64_MAX;
}

void vcpu_publish_hits(struct vcpu *cpu)
{
	raw_store_order(&cpu->vm_events[MMS_TLB_HIT],
			 cpu->accesses - cpu->accesses_slow + cpu->hits_slow, __ATOMIC_RELAXED);
}

/* From here on others may act as this vCPU. */
static void leave_running(struct vcpu *cpu, enum vcpu_state state)
{
	vcpu_publish_hits(cpu);
	tsan_release(&cpu->sync);
	hw_lock(&cpu->lock);
	MM_BUG_ON(cpu->state != VCPU_RUNNING);
	raw_store_order(&cpu->state, state, __ATOMIC_SEQ_CST);
	hw_unlock(&cpu->lock);
}

/* Nobody acts as this vCPU when this returns.  Its thread holds a token. */
static void enter_running(struct vcpu *cpu)
{
	bool served;

	hw_lock(&cpu->lock);
	MM_BUG_ON(cpu->state == VCPU_RUNNING);
	raw_store_order(&cpu->state, VCPU_RUNNING, __ATOMIC_SEQ_CST);
	served = cpu->served;
	cpu->served = false;
	hw_unlock(&cpu->lock);
	if (served)
		tsan_acquire(&cpu->sync);
}

static void park(struct vcpu *cpu, enum vcpu_state state)
{
	cpu->parks++;
	trace_event(EV_PARK, state, 0, 0);
	leave_running(cpu, state);
}

static void unpark(struct vcpu *cpu)
{
	enter_running(cpu);
	vcpu_new_turn(cpu);
}

void vcpu_enter(struct vcpu *cpu)
{
	struct machine *m = cpu->machine;

	MM_BUG_ON(this_cpu_local());
	if (m->parallel)
		token_get(&m->tokens, cpu);
	unpark(cpu);
	/* Another thread may have been this vCPU before. */
	tsan_acquire(&cpu->sync);
	this_cpu_bind(&cpu->sched.local);
	rcu_cpu_online();
}

void vcpu_leave(struct vcpu *cpu)
{
	struct machine *m = cpu->machine;

	MM_BUG_ON(this_cpu() != cpu);
	rcu_cpu_offline();
	this_cpu_bind(NULL);
	leave_running(cpu, VCPU_IDLE);
	if (m->parallel)
		token_put(&m->tokens, cpu);
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *cpu = arg;

	vcpu_enter(cpu);
	cpu->main(cpu);
	vcpu_leave(cpu);
	return NULL;
}

int vcpu_start(struct vcpu *cpu, void (*main)(struct vcpu *))
{
	cpu->main = main;
	return pthread_create(&cpu->thread, NULL, vcpu_thread, cpu) ? -EAGAIN : 0;
}

void vcpu_join(struct vcpu *cpu)
{
	pthread_join(cpu->thread, NULL);
}

/* ---- waiting ---- */

void vcpu_idle_wait(struct vcpu *cpu)
{
	struct token_pool *tokens = &cpu->machine->tokens;

	if (raw_xchg_order(&cpu->kicked, 0, __ATOMIC_SEQ_CST))
		return;
	park(cpu, VCPU_IDLE);
	if (cpu->sched.control) {
		sched_changed(&cpu->state);
		sched_wait(&cpu->kicked, "work",
			   raw_xchg_order(&cpu->kicked, 0, __ATOMIC_SEQ_CST));
		enter_running(cpu);
		return;
	}
	token_put(tokens, cpu);
	/* Pairs with vcpu_kick(): IDLE is visible before the flag is looked at. */
	while (!raw_xchg_order(&cpu->kicked, 0, __ATOMIC_SEQ_CST))
		hw_futex_wait(&cpu->kicked, 0);
	token_get(tokens, cpu);
	unpark(cpu);
}

void vcpu_kick(struct vcpu *target)
{
	if (raw_xchg_order(&target->kicked, 1, __ATOMIC_SEQ_CST))
		return;
	if (target->sched.control) {
		target->sched.control->changed(&target->sched, &target->kicked);
		return;
	}
	if (raw_load_order(&target->state, __ATOMIC_SEQ_CST) == VCPU_IDLE)
		hw_futex_wake(&target->kicked, 1);
}

void vcpu_attn(struct vcpu *target, u32 bits)
{
	raw_fetch_or_order(&target->sched.local.attn, bits, __ATOMIC_SEQ_CST);
}

/* A turn, or less of one, is over. */
static bool yield(struct vcpu *cpu, unsigned int ticks)
{
	struct token_pool *tokens = &cpu->machine->tokens;
	bool waited;

	if (!token_wanted(tokens))
		return false;
	count_vm_event(MMS_TOKEN_WAIT);
	park(cpu, VCPU_PARKED);
	waited = token_hand_over(tokens, cpu, ticks);
	unpark(cpu);
	return waited;
}

bool vcpu_yield(struct vcpu *cpu)
{
	return yield(cpu, TOKEN_TURN);
}

/* ---- sched_ops ---- */

void hw_serve_irqs(void)
{
	ipi_serve(this_cpu());
}

/*
 * A busy waiter keeps its token, but is out of the way: its interrupts are taken for it,
 * so that a shootdown, perhaps by whom it waits for, need not wait for its answer; the
 * less so where the host has set its thread aside.
 */
#define DOZE_PAUSES	16

static void doze(struct vcpu *cpu, bool give_core)
{
	leave_running(cpu, VCPU_PARKED);
	if (give_core)
		sched_yield();
	for (unsigned int i = 0; i < DOZE_PAUSES; i++)
		__builtin_ia32_pause();
	enter_running(cpu);
}

/* Turns of a busy wait until it dozes; and until what it took costs as much as a hand-over. */
#define DOZE_SPINS	8
#define RELAX_SPINS	24

/* Whom a busy waiter waits for is running, or needs a token: then ours. */
void hw_relax(unsigned int spins)
{
	struct vcpu *cpu = this_cpu();

	__builtin_ia32_pause();
	if (spins < DOZE_SPINS)
		return;
	if (cpu->sched.in_irq || !cpu->machine->parallel) {
		if (spins % 64 == 63)
			sched_yield();
		return;
	}
	if (spins >= RELAX_SPINS && yield(cpu, 1))
		return;
	doze(cpu, spins % 64 == 63);
}

void hw_hold(const u64 *word, u64 value, unsigned int turns)
{
	struct vcpu *cpu = this_cpu();

	if (!cpu->machine->parallel || cpu->sched.in_irq)
		return;
	park(cpu, VCPU_PARKED);
	token_hold(&cpu->machine->tokens, cpu, word, value, turns * TOKEN_TURN);
	unpark(cpu);
}

void hw_unhold(unsigned int cpu_nr)
{
	struct machine *m = this_machine();

	if (m->parallel)
		token_unhold(&m->tokens, m->cpus[cpu_nr]);
}

/* Sixteenths of a turn by which one may be late; then even a deaf vCPU parks. */
#define OVERDUE_MAX	32

void hw_turn_over(void)
{
	struct vcpu *cpu = this_cpu();

	raw_fetch_and_order(&cpu->sched.local.attn, ~(u32)(ATTN_RESCHED | ATTN_STOP),
			   __ATOMIC_RELAXED);
	if (!vcpu_preemptible(cpu) && cpu->overdue++ < OVERDUE_MAX) {
		/* Soon again: a vCPU should not park with a spinlock or interrupts off. */
		cpu->sched.local.turn_end = cpu->sched.local.clock + cpu->machine->turn / 16 + 1;
		return;
	}
	cpu->overdue = 0;
	cpu->turns++;
	vcpu_new_turn(cpu);
	if (cpu->machine->parallel)
		vcpu_yield(cpu);
}

void hw_blocking_begin(void)
{
	struct vcpu *cpu = this_cpu();

	if (!cpu->machine->parallel || cpu->sched.in_irq)
		return;
	park(cpu, VCPU_PARKED);
	token_put(&cpu->machine->tokens, cpu);
}

void hw_blocking_end(void)
{
	struct vcpu *cpu = this_cpu();

	/*
	 * Did begin park us?  Only our own thread changes the state.  in_irq would
	 * not say: right now a sender may be acting as us.
	 */
	if (raw_load_order(&cpu->state, __ATOMIC_RELAXED) == VCPU_RUNNING)
		return;
	token_get(&cpu->machine->tokens, cpu);
	unpark(cpu);
}

void hw_sleep(struct sched_ctx *self)
{
	struct vcpu *cpu = this_cpu();

	if (raw_load_order(&self->state, __ATOMIC_SEQ_CST) != CTX_SLEEPING)
		return;
	if (cpu->machine->serial)
		mm_panic("BUG: a serial machine sleeps",
			 "%s waits for a wake that nobody is left to send", self->name);
	if (cpu->sched.control) {
		sched_wait(&self->state, "wake-up",
			   raw_load_order(&self->state, __ATOMIC_SEQ_CST) != CTX_SLEEPING);
		return;
	}
	hw_blocking_begin();
	while (raw_load_order(&self->state, __ATOMIC_SEQ_CST) == CTX_SLEEPING)
		hw_futex_wait(&self->state, CTX_SLEEPING);
	hw_blocking_end();
}

void hw_wake(struct sched_ctx *ctx)
{
	if (this_cpu() && this_cpu()->sched.control)
		sched_changed(&ctx->state);
	else
		hw_futex_wake(&ctx->state, 1);
}

bool hw_reclaim(void)
{
	return false;
}

const struct sched_ops hw_sched_ops = {
	.sleep		= hw_sleep,
	.wake		= hw_wake,
	.serve_irqs	= hw_serve_irqs,
	.relax		= hw_relax,
	.hold		= hw_hold,
	.unhold		= hw_unhold,
	.turn_over	= hw_turn_over,
	.blocking_begin	= hw_blocking_begin,
	.blocking_end	= hw_blocking_end,
	.reclaim	= hw_reclaim,
};
