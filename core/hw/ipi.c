/* SPDX-License-Identifier: MIT */
/*
 * Interrupts between vCPUs.
 *
 * Owns each vCPU's outgoing call (one at a time: senders wait) and the set of
 * senders that want something of it (irq_from).  A target that is not running
 * is at a point; if it has interrupts on, the sender takes the interrupt for
 * it under its state lock, acting as it.  A running target is told by ATTN_IRQ
 * and answers at its next point.  So a shootdown of parked vCPUs costs no
 * futex and no context switch.
 *
 * Locks: a target's state lock, one at a time, held over the handler that is
 * run in its place.  Compiled without ThreadSanitizer; the edges of a real
 * interrupt are said by annotation.  Must never serve with interrupts off,
 * with an access in flight, or from inside a handler.
 */
#include "hw/ipi.h"

#include "base/bug.h"
#include "base/point.h"
#include "base/tsan.h"
#include "hw/hw_lock.h"
#include "hw/machine.h"
#include "sync/irqflags.h"
#include "sync/store_buffer.h"
#include "trace/counters.h"
#include "trace/trace.h"

/* Virtual cost of taking an interrupt and returning from it. */
#define IRQ_COST	400

/* State lock held, target not running: would it take an interrupt now? */
static bool interruptible(const struct vcpu *target)
{
	return !target->sched.irq_off && !target->sched.in_irq && !target->in_access;
}

/* On @cpu as this_cpu(), in its interrupt context. */
static void handle(struct vcpu *cpu, struct ipi_call *call, unsigned int from, unsigned int by)
{
	struct cpu_local *local = &cpu->sched.local;
	u64 sent = raw_load_order(&call->clock, __ATOMIC_RELAXED);
	u64 ack;

	if (local->clock < sent)
		local->clock = sent;
	local->clock += IRQ_COST;
	trace_event(EV_IPI_TAKE, from, by, (u64)(uintptr_t)call->fn);
	call->fn(call->info);
	ack = raw_load_order(&call->ack_clock, __ATOMIC_RELAXED);
	while (ack < local->clock &&
	       !raw_try_cmpxchg_order(&call->ack_clock, &ack, local->clock, __ATOMIC_RELAXED,
				      __ATOMIC_RELAXED))
		;
}

/* @target's state lock held, @target interruptible: run the caller's call as it. */
static void take_for(struct vcpu *self, struct vcpu *target)
{
	struct sched_ctx *interrupted;

	tsan_acquire(&target->sync);
	this_cpu_bind(&target->sched.local);
	interrupted = sched_irq_enter(&target->sched, true);
	handle(target, &self->call, self->nr, self->nr);
	window_hit(WIN_IPI_TAKEN_FOR_PARKED);
	count_vm_event(MMS_IPI_TAKEN_FOR_PARKED);
	sched_irq_exit(&target->sched, interrupted);
	this_cpu_bind(&self->sched.local);
	tsan_release(&target->sync);
	target->served = true;
	self->ipi.for_others++;
}

static u64 sender_bit(const struct vcpu *sender)
{
	return 1ULL << (sender->nr % 64);
}

/*
 * Takes the interrupt for @target if it is parked and would take it.  With
 * @queued the call waits in its set already, and is taken out of it.
 */
static bool try_take_for(struct vcpu *self, struct vcpu *target, bool queued)
{
	u64 *from = &target->irq_from[self->nr / 64];
	bool taken;

	/* Under control the target takes it itself, when the schedule says so. */
	if (self->sched.control)
		return false;
	if (raw_load_order(&target->state, __ATOMIC_SEQ_CST) == VCPU_RUNNING)
		return false;
	hw_lock(&target->lock);
	taken = target->state != VCPU_RUNNING && interruptible(target);
	if (taken && queued)
		taken = raw_fetch_and_order(from, ~sender_bit(self), __ATOMIC_SEQ_CST) &
			sender_bit(self);
	if (taken)
		take_for(self, target);
	hw_unlock(&target->lock);
	return taken;
}

/* It will answer at a point; or the waiting loop finds it parked. */
static void queue_for(struct vcpu *self, struct vcpu *target)
{
	raw_fetch_add_order(&self->call.pending, 1, __ATOMIC_RELAXED);
	raw_fetch_or_order(&target->irq_from[self->nr / 64], sender_bit(self), __ATOMIC_SEQ_CST);
	vcpu_attn(target, ATTN_IRQ);
	/* Held with interrupts off it would answer late, for nothing. */
	if (raw_load_order(&target->held, __ATOMIC_SEQ_CST))
		token_unhold(&self->machine->tokens, target);
}

/* Targets that have parked since they were told. */
static void retry_parked(struct vcpu *self, const cpumask_t *queued)
{
	unsigned int nr;

	for_each_cpu(nr, queued) {
		struct vcpu *target = self->machine->cpus[nr];
		u64 from = raw_load_order(&target->irq_from[self->nr / 64], __ATOMIC_RELAXED);

		if ((from & sender_bit(self)) && try_take_for(self, target, true))
			raw_fetch_sub_order(&self->call.pending, 1, __ATOMIC_RELAXED);
	}
}

/*
 * sched_relax() serves our own interrupts and, after a while, parks us: then
 * others take them for us.
 */
static void wait_acks(struct vcpu *self, const cpumask_t *queued)
{
	u64 parks = self->parks;

	if (self->sched.control)
		sched_wait(&self->call.pending, "acknowledgement of an IPI",
			   !raw_load_order(&self->call.pending, __ATOMIC_ACQUIRE));
	for (unsigned int spins = 0;; spins++) {
		if (!raw_load_order(&self->call.pending, __ATOMIC_ACQUIRE))
			break;
		if (spins % 4 == 3)
			retry_parked(self, queued);
		sched_relax(spins);
	}
	self->ipi.long_waits += self->parks != parks;
	tsan_acquire(&self->call.sync_end);
}

void ipi_call_many_cond(const cpumask_t *mask, void (*fn)(void *info), void *info,
			bool (*cond)(unsigned int cpu, void *info))
{
	struct vcpu *self = this_cpu();
	struct machine *m = self->machine;
	unsigned int nr, targets = 0, skipped = 0;
	cpumask_t queued = { { 0 } };

	sched_point(SCHED_IPI, mask);
	lockdep_ipi_wait();
	MM_BUG_ON(self->sched.in_irq);
	preempt_disable();
	self = this_cpu();
	self->call.fn = fn;
	self->call.info = info;
	self->call.clock = self->sched.local.clock;
	self->call.ack_clock = 0;
	tsan_release(&self->call.sync_begin);
	for_each_cpu(nr, mask) {
		if (nr == self->nr || nr >= m->nr_cpus)
			continue;
		if (cond && !cond(nr, info)) {
			skipped++;
			continue;
		}
		targets++;
		if (try_take_for(self, m->cpus[nr], false))
			continue;
		__cpumask_set_cpu(nr, &queued);
		queue_for(self, m->cpus[nr]);
	}
	if (targets) {
		trace_event(EV_IPI_SEND, targets, (u64)(uintptr_t)fn, 0);
		self->ipi.sent++;
		self->ipi.targets += targets;
		count_vm_event(MMS_IPI_SENT);
		wait_acks(self, &queued);
		sched_clock_advance(self->call.ack_clock);
	}
	self->ipi.skipped += skipped;
	count_vm_events(MMS_IPI_SKIPPED, skipped);
	preempt_enable();
}

void ipi_call_many(const cpumask_t *mask, void (*fn)(void *info), void *info)
{
	ipi_call_many_cond(mask, fn, info, NULL);
}

void ipi_call_one(unsigned int nr, void (*fn)(void *info), void *info)
{
	cpumask_t mask = { { 0 } };
	unsigned long flags;
	bool here;

	preempt_disable();
	here = this_cpu()->nr == nr;
	if (here) {
		local_irq_save(flags);
		fn(info);
		local_irq_restore(flags);
	} else {
		__cpumask_set_cpu(nr, &mask);
		ipi_call_many(&mask, fn, info);
	}
	preempt_enable();
}

/* One sender's call, on the target itself.  The sender may go on once pending has dropped. */
static void answer(struct vcpu *cpu, struct vcpu *sender)
{
	struct ipi_call *call = &sender->call;

	tsan_acquire(&call->sync_begin);
	handle(cpu, call, sender->nr, cpu->nr);
	cpu->ipi.by_self++;
	count_vm_event(MMS_IPI_SELF);
	tsan_release(&call->sync_end);
	smp_store_barrier();
	raw_fetch_sub_order(&call->pending, 1, __ATOMIC_RELEASE);
	sched_changed(&call->pending);
}

bool ipi_deliverable(const struct vcpu *cpu)
{
	return (raw_load_order(&cpu->sched.local.attn, __ATOMIC_RELAXED) & ATTN_IRQ) &&
	       interruptible(cpu);
}

void ipi_serve(struct vcpu *cpu)
{
	if (!cpu->sched.control && interruptible(cpu))
		ipi_take(cpu);
}

void ipi_take(struct vcpu *cpu)
{
	struct sched_ctx *interrupted;

	/* An interrupt empties the store buffer. */
	smp_store_barrier();
	/* RUNNING: no sender takes these for us meanwhile. */
	raw_fetch_and_order(&cpu->sched.local.attn, ~(u32)ATTN_IRQ, __ATOMIC_SEQ_CST);
	interrupted = sched_irq_enter(&cpu->sched, false);
	for (unsigned int word = 0; word < CPUMASK_WORDS; word++) {
		u64 from = raw_load_order(&cpu->irq_from[word], __ATOMIC_RELAXED);

		if (from)
			from = raw_xchg_order(&cpu->irq_from[word], 0, __ATOMIC_SEQ_CST);
		for (; from; from &= from - 1)
			answer(cpu, cpu->machine->cpus[word * 64 +
						       (unsigned int)__builtin_ctzll(from)]);
	}
	sched_irq_exit(&cpu->sched, interrupted);
}
