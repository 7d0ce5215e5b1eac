/* SPDX-License-Identifier: MIT */
/*
 * The slow path of scheduling points, busy waits, sleeping and waking, and the
 * default way to wait: host threads blocked on a futex.
 *
 * Owns struct sched_cpu and struct sched_ctx but for their embedded parts.  No lock:
 * a vCPU's fields are its own; a context's state and wake_clock are atomics.
 *
 * Must never order two vCPUs in ThreadSanitizer's eyes beyond what a wake means:
 * the file is compiled without it, blocks by raw futexes, and annotates the wake.
 * Must not keep the current vCPU in a variable over anything that may switch tasks.
 */
#include "sync/sched.h"

#include <linux/futex.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/tsan.h"
#include "sync/cpu_relax.h"
#include "sync/irqflags.h"
#include "sync/rcu.h"
#include "sync/store_buffer.h"

/* Turns of a busy wait before a host thread lets others run. */
#define RELAX_SPINS	64
/* Length of a turn where nobody else says it. */
#define DEFAULT_TURN	100000

void sched_ctx_init(struct sched_ctx *ctx, const char *name)
{
	memset(ctx, 0, sizeof(*ctx));
	ctx->name = name;
}

void sched_cpu_init(struct sched_cpu *cpu, unsigned int id, struct sched_ctx *boot_ctx,
		    const struct sched_ops *ops, struct rcu_state *rcu,
		    struct lockdep_state *lockdep, struct jitter *jitter)
{
	memset(cpu, 0, sizeof(*cpu));
	cpu->local.id = id;
	cpu->local.turn_end = DEFAULT_TURN;
	cpu->ctx = boot_ctx;
	cpu->ops = ops ? ops : &sched_default_ops;
	cpu->rcu.state = rcu;
	cpu->rcu.process_at = RCU_BATCH;
	cpu->lockdep = lockdep;
	cpu->jitter = jitter;
	if (jitter) {
		prng_seed(&cpu->jitter_rng, hash64(jitter->seed, id, 0));
		cpu->local.attn = ATTN_JITTER;
	}
	sched_ctx_init(&cpu->irq_ctx, "irq");
	sched_ctx_init(&cpu->cb_ctx, "rcu");
}

static u32 attention(struct sched_cpu *cpu)
{
	return raw_load_order(&cpu->local.attn, __ATOMIC_ACQUIRE);
}

static void serve_irqs(struct sched_cpu *cpu)
{
	if (unlikely(attention(cpu) & ATTN_IRQ) && !cpu->irq_off && !cpu->in_irq &&
	    cpu->ops->serve_irqs)
		cpu->ops->serve_irqs();
}

/* It is over, or somebody says so. */
void sched_turn_over(void)
{
	struct sched_cpu *cpu = this_sched_cpu();

	/*
	 * Between prepare and sleep the context must not be set aside: it would count
	 * as asleep before it has looked at its condition, and miss its wake-up.
	 */
	if (raw_load_order(&cpu->ctx->state, __ATOMIC_RELAXED) != CTX_RUNNING)
		return;
	if (cpu->ops->turn_over)
		cpu->ops->turn_over();
	cpu = this_sched_cpu();
	/* Under control it never is over, and always: every point is the strategy's. */
	if (!cpu->control && cpu->local.clock >= cpu->local.turn_end)
		cpu->local.turn_end = cpu->local.clock + DEFAULT_TURN;
}

void sched_point_slow(enum sched_kind kind, const void *obj)
{
	struct sched_cpu *cpu = this_sched_cpu();

	cpu->points_slow++;
	if (cpu->control) {
		cpu->control->point(cpu, kind, obj);
		return;
	}
	if (cpu->in_irq)
		return;		/* handlers run to their end */
	serve_irqs(cpu);
	if (cpu->jitter)
		jitter_point(cpu, kind, obj);
	/* Neither of the two switches tasks. */
	if ((attention(cpu) & (ATTN_RESCHED | ATTN_STOP)) ||
	    cpu->local.clock >= cpu->local.turn_end)
		sched_turn_over();
}

void sched_touch_slow(void *obj, bool write)
{
	struct sched_cpu *cpu = this_sched_cpu();

	if (cpu->control)
		cpu->control->touch(cpu, obj, write);
}

void sched_relax(unsigned int spins)
{
	struct sched_cpu *cpu = this_sched_cpu();

	if (unlikely(cpu && cpu->control)) {
		cpu->control->yield(cpu);
		return;
	}
	cpu_relax();
	if (likely(cpu && !cpu->in_irq)) {
		serve_irqs(cpu);
		cpu->ops->relax(spins);
	} else if (spins > RELAX_SPINS) {
		sched_yield();
	}
}

bool sched_alone(void)
{
	struct sched_cpu *cpu = this_sched_cpu();

	return cpu && !cpu->control && cpu->ops->wanted && !cpu->ops->wanted();
}

void sched_wait_turn(const void *obj, const char *what, unsigned int spins)
{
	struct sched_cpu *cpu = this_sched_cpu();

	if (unlikely(cpu && cpu->control))
		cpu->control->wait(cpu, obj, what);
	else
		sched_relax(spins);
}

void sched_changed(const void *obj)
{
	struct sched_cpu *cpu = this_sched_cpu();

	if (unlikely(cpu && cpu->control))
		cpu->control->changed(cpu, obj);
}

void sched_fresh(const void *obj, size_t size)
{
	struct sched_cpu *cpu = this_sched_cpu();

	if (unlikely(cpu && cpu->control))
		cpu->control->fresh(cpu, obj, size);
}

/* --- sleeping ------------------------------------------------------------- */

struct sched_ctx *sched_prepare_sleep(void)
{
	struct sched_cpu *cpu = this_sched_cpu();

	MM_BUG_ON(!cpu);
	smp_store_barrier();
	raw_xchg_order(&cpu->ctx->state, CTX_SLEEPING, __ATOMIC_SEQ_CST);
	return cpu->ctx;
}

void sched_sleep(const void *obj)
{
	struct sched_cpu *cpu = this_sched_cpu();
	struct sched_ctx *ctx = cpu->ctx;

	cpu->local.clock += sched_cost(SCHED_WAIT);
	ctx->waits_for = obj;
	if (raw_load_order(&ctx->state, __ATOMIC_ACQUIRE) == CTX_SLEEPING)
		cpu->ops->sleep(ctx);
	ctx->waits_for = NULL;
	/* Perhaps on another vCPU now. */
	if (raw_load_order(&ctx->state, __ATOMIC_ACQUIRE) == CTX_RUNNING) {
		tsan_acquire(&ctx->wake_clock);
		sched_clock_advance(raw_load_order(&ctx->wake_clock, __ATOMIC_RELAXED));
	}
}

void sched_finish_sleep(void)
{
	struct sched_ctx *ctx = this_sched_cpu()->ctx;

	raw_store_order(&ctx->state, CTX_RUNNING, __ATOMIC_RELAXED);
	ctx->waits_done++;
}

static void raise_wake_clock(struct sched_ctx *ctx, u64 clock)
{
	u64 old = raw_load_order(&ctx->wake_clock, __ATOMIC_RELAXED);

	while (old < clock && !raw_try_cmpxchg_order(&ctx->wake_clock, &old, clock,
						     __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

bool sched_wake(struct sched_ctx *ctx)
{
	struct sched_cpu *cpu = this_sched_cpu();

	smp_store_barrier();
	/* A read that is ordered after the waker's making the condition true. */
	if (raw_fetch_or_order(&ctx->state, 0, __ATOMIC_SEQ_CST) != CTX_SLEEPING)
		return false;
	if (cpu)
		raise_wake_clock(ctx, cpu->local.clock);
	tsan_release(&ctx->wake_clock);
	if (raw_xchg_order(&ctx->state, CTX_RUNNING, __ATOMIC_SEQ_CST) != CTX_SLEEPING)
		return false;
	(cpu ? cpu->ops : &sched_default_ops)->wake(ctx);
	return true;
}

bool sched_may_sleep(const struct sched_cpu *cpu)
{
	return !cpu->irq_off && !cpu->preempt_count && !cpu->in_irq && !cpu->rcu.nest;
}

void sched_clock_advance(u64 at_least)
{
	struct cpu_local *local = this_cpu_local();

	if (local && local->clock < at_least)
		local->clock = at_least;
}

u64 sched_clock(void)
{
	struct cpu_local *local = this_cpu_local();

	return local ? local->clock : 0;
}

/* --- interrupts -------------------------------------------------------------- */

struct sched_ctx *sched_irq_enter(struct sched_cpu *cpu, bool by_other)
{
	struct sched_ctx *interrupted = cpu->ctx;

	MM_BUG_ON(cpu->in_irq || cpu->irq_off);
	cpu->irq_off++;
	cpu->in_irq++;
	cpu->irq_by_other = by_other;
	cpu->ctx = &cpu->irq_ctx;
	return interrupted;
}

void sched_irq_exit(struct sched_cpu *cpu, struct sched_ctx *interrupted)
{
	lockdep_assert_none_held(&cpu->irq_ctx);
	cpu->ctx = interrupted;
	cpu->irq_by_other = false;
	cpu->in_irq--;
	cpu->irq_off--;
}

/* --- default ops: a host thread per context ------------------------------------ */

static void futex_sleep(struct sched_ctx *self)
{
	while (raw_load_order(&self->state, __ATOMIC_ACQUIRE) == CTX_SLEEPING)
		syscall(SYS_futex, &self->state, FUTEX_WAIT_PRIVATE, CTX_SLEEPING, NULL);
}

static void futex_wake(struct sched_ctx *ctx)
{
	syscall(SYS_futex, &ctx->state, FUTEX_WAKE_PRIVATE, 1);
}

static void yield_relax(unsigned int spins)
{
	if (spins > RELAX_SPINS)
		sched_yield();
}

const struct sched_ops sched_default_ops = {
	.sleep	= futex_sleep,
	.wake	= futex_wake,
	.relax	= yield_relax,
};
