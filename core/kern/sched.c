/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: switching, sleeping and waking, the end of a turn, the idle
 * loop.
 *
 * A task is in one of five states (enum task_run) under its own raw lock.  A
 * vCPU switches with interrupts and preemption off; what must happen once the
 * old stack is left (finish_switch) is done on the new one.
 *
 * Compiled without ThreadSanitizer.  Orders it means, and says: a task's past
 * on one vCPU before its future on the next (task->sync); one task before the
 * next on the same vCPU (the fiber switch); a waker before the woken (sync/).
 *
 * Must never switch with a spinlock held, in a read section, in a handler or
 * with an access in flight, nor take a run-queue lock across a point.
 */
#include "kern/sched.h"

#include "base/bug.h"
#include "base/tsan.h"
#include "hw/hw_lock.h"
#include "hw/machine.h"
#include "hw/mmu.h"
#include "kern/internal.h"
#include "sync/irqflags.h"
#include "sync/rcu.h"
#include "sync/store_buffer.h"
#include "trace/counters.h"
#include "trace/trace.h"

/* One turn in so many ends with the task pushed to another vCPU. */
#define PUSH_ONE_IN	16

/* ---- address spaces ---- */

/*
 * The mm half of context_switch(): NULL is the idle loop.  A context without
 * an mm of its own borrows what is loaded and holds an mm_count for it.
 */
static void switch_mm(struct vcpu *cpu, struct task_struct *prev, struct task_struct *next)
{
	struct kern_cpu *kc = kern_cpu(cpu);
	const struct kern_mm_ops *ops = &cpu->machine->kern->mm_ops;
	struct mm_struct **from = prev ? &prev->active_mm : &kc->idle_mm;
	struct mm_struct **to = next ? &next->active_mm : &kc->idle_mm;
	struct mm_struct *loaded = *from;
	bool borrowed = !prev || !prev->mm;

	if (next && next->mm) {
		if (ops->switch_mm)
			ops->switch_mm(loaded, next->mm, next);
		if (borrowed) {
			*from = NULL;
			MM_BUG_ON(kc->drop_mm);
			kc->drop_mm = loaded;
		}
		return;
	}
	if (borrowed) {
		*from = NULL;
		*to = loaded;
	} else {
		*to = loaded;
		if (ops->mmgrab)
			ops->mmgrab(loaded);
	}
	if (loaded && ops->enter_lazy_tlb)
		ops->enter_lazy_tlb(loaded, next);
}

/* Interrupts on again. */
static void drop_borrowed(struct vcpu *cpu)
{
	struct kern_cpu *kc = kern_cpu(cpu);
	struct mm_struct *mm = kc->drop_mm;

	kc->drop_mm = NULL;
	if (mm && cpu->machine->kern->mm_ops.mmdrop)
		cpu->machine->kern->mm_ops.mmdrop(mm);
}

/* ---- switching ---- */

/* What runs here from now on, as far as the lower layers care. */
static void become(struct vcpu *cpu, struct task_struct *task)
{
	cpu->current_task = task;
	cpu->sched.ctx = task ? &task->sched : &cpu->host_ctx;
	cpu->exec = task ? &task->exec : &cpu->host_exec;
}

static void task_died(struct task_struct *task)
{
	struct kern *kern = task->machine->kern;

	kern_task_recycle(task);
	tsan_release(&kern->sync_exit);
	if (raw_fetch_sub_order(&kern->live, 1, __ATOMIC_SEQ_CST) == 1)
		hw_futex_wake(&kern->live, INT_MAX);
}

/*
 * @prev has left its stack.  It was preempted, or woken again before it got
 * here: runnable.  Or it sleeps, and the next wake finds it so.
 */
static void settle_prev(struct task_struct *prev, bool push)
{
	if (prev->run == TASK_DEAD) {
		task_died(prev);
		return;
	}
	hw_lock(&prev->lock);
	if (raw_load_order(&prev->sched.state, __ATOMIC_SEQ_CST) == CTX_RUNNING)
		kern_place(prev, push);
	else
		prev->run = TASK_BLOCKED;
	hw_unlock(&prev->lock);
}

/* On the new stack, interrupts and preemption off since before the switch. */
static void finish_switch(void)
{
	struct vcpu *cpu = this_cpu();
	struct kern_cpu *kc = kern_cpu(cpu);
	struct task_struct *prev = kc->prev, *task = cpu->current_task;
	bool push = kc->push;

	kc->prev = NULL;
	kc->push = false;
	if (task) {
		tsan_acquire(&task->sync);
		/* Its waker came before what is cleared away here, too. */
		tsan_acquire(&task->sched.wake_clock);
	}
	if (prev)
		settle_prev(prev, push);
	local_irq_enable();
	/* Not preemptible yet: turns that end here, one in the other, would fill the stack. */
	drop_borrowed(cpu);
	preempt_enable();
}

static void arrive(struct vcpu *cpu, struct task_struct *task)
{
	task->run = TASK_ON_CPU;
	task->nr_switches++;
	if (cpu->sched.local.clock < task->left_clock)
		cpu->sched.local.clock = task->left_clock;
	if (task->last_cpu == cpu->nr)
		return;
	trace_event(EV_TASK_MIGRATE, task->id, task->last_cpu, cpu->nr);
	count_vm_event(MMS_TASK_MIGRATED);
	if (task->nr_switches > 1) {
		task->nr_migrations++;
		if (task->in_op)
			window_hit(WIN_TASK_MIGRATED_IN_OP);
	}
	task->last_cpu = cpu->nr;
}

struct task_struct *kern_next_task(const struct vcpu *cpu)
{
	return cpu->kern->next;
}

/* NULL is the idle loop.  Returns when the caller's context runs again. */
static void context_switch(struct vcpu *cpu, struct task_struct *next)
{
	struct kern_cpu *kc = kern_cpu(cpu);
	struct task_struct *prev = cpu->current_task;

	kc->next = next;
	trace_event(EV_SWITCH_TASK, prev ? prev->id : 0, next ? next->id : 0, 0);
	count_vm_event(MMS_SWITCH_TASK);
	/* Before the task is said to be here: its lock was released by who queued it. */
	if (next) {
		hw_lock(&next->lock);
		arrive(cpu, next);
		hw_unlock(&next->lock);
		/* switch_mm reads its mm here, on the stack of who goes. */
		tsan_acquire(&next->sync);
	}
	switch_mm(cpu, prev, next);
	kc->prev = prev;
	if (prev) {
		prev->left_clock = cpu->sched.local.clock;
		tsan_release(&prev->sync);
	}
	if (cpu->sched.control && !kern_queued(kc))
		raw_fetch_and_order(&cpu->sched.local.attn, ~(u32)ATTN_RESCHED, __ATOMIC_RELAXED);
	/* Whoever runs it next, wherever, sees what it stored. */
	smp_store_barrier();
	become(cpu, next);
	kc->next = NULL;
	cpu->fiber = next ? &next->fiber : &kc->idle;
	fiber_switch(prev ? &prev->fiber : &kc->idle, next ? &next->fiber : &kc->idle,
		     prev && prev->run == TASK_DEAD);
	finish_switch();
}

/*
 * Preemption goes off first: until the switch is finished no point may switch
 * again, and from then on the vCPU stays the same.
 */
static struct vcpu *begin_switch(void)
{
	preempt_disable();
	local_irq_disable();
	return this_cpu();
}

static void abandon_switch(void)
{
	local_irq_enable();
	preempt_enable();
}

static bool stays_runnable(struct task_struct *task)
{
	return task->run != TASK_DEAD &&
	       raw_load_order(&task->sched.state, __ATOMIC_SEQ_CST) == CTX_RUNNING;
}

static void switch_away(bool push)
{
	struct vcpu *cpu = begin_switch();
	struct task_struct *self = cpu->current_task;
	struct task_struct *next = kern_dequeue(kern_cpu(cpu), cpu->nr);

	if (!next && !push && stays_runnable(self)) {
		abandon_switch();
		return;
	}
	kern_cpu(cpu)->push = push;
	context_switch(cpu, next);
}

void schedule(void)
{
	struct vcpu *cpu = this_cpu();

	MM_BUG_ON(!cpu->current_task || cpu->machine->serial);
	/* Lockdep has said who and where; there is no way to go on. */
	if (!vcpu_preemptible(cpu))
		mm_panic("BUG: scheduling while atomic", "irq_off %u preempt_count %u rcu nest %u",
			 cpu->sched.irq_off, cpu->sched.preempt_count, cpu->sched.rcu.nest);
	switch_away(false);
}

void kern_yield(void)
{
	struct vcpu *cpu = this_cpu();

	if (cpu->current_task && !cpu->machine->serial)
		schedule();
}

/* ---- sched_ops ---- */

void kern_sleep(struct sched_ctx *self)
{
	if (!self->is_task) {
		hw_sleep(self);
		return;
	}
	trace_event(EV_SLEEP, current->id, 0, 0);
	while (raw_load_order(&self->state, __ATOMIC_SEQ_CST) == CTX_SLEEPING)
		schedule();
}

/*
 * The state is RUNNING already.  A task that is still on its way to sleep
 * sees that in settle_prev(), under this lock.
 */
void kern_wake(struct sched_ctx *ctx)
{
	struct task_struct *task = container_of(ctx, struct task_struct, sched);

	if (!ctx->is_task) {
		hw_wake(ctx);
		return;
	}
	hw_lock(&task->lock);
	if (task->run == TASK_BLOCKED)
		kern_place(task, false);
	hw_unlock(&task->lock);
}

/*
 * First whoever waits for a token, then the next task of this queue; now and
 * then the task is sent to another vCPU.
 */
void kern_turn_over(void)
{
	struct vcpu *cpu = this_cpu();
	bool may_switch = vcpu_preemptible(cpu) && cpu->current_task &&
			  cpu->current_task->sched.is_task && cpu->sched.ctx->is_task;
	bool push;

	/*
	 * A machine of one vCPU is the control group, in which nothing races: there an
	 * op is only left where it sleeps.  The task goes when it is done with the op.
	 */
	if (may_switch) {
		cpu->current_task->owes_turn =
			cpu->machine->parallel && cpu->machine->nr_cpus == 1 &&
			cpu->current_task->in_op;
		may_switch = !cpu->current_task->owes_turn;
	}
	hw_turn_over();
	if (!may_switch)
		return;
	push = cpu->machine->parallel && cpu->machine->nr_cpus > 1 &&
	       !prng_below(&cpu->rng, PUSH_ONE_IN);
	if (push || kern_queued(kern_cpu(cpu)))
		switch_away(push);
}

/* By a task of its queue; or its run token, by another vCPU. */
bool kern_wanted(void)
{
	struct vcpu *cpu = this_cpu();

	return kern_queued(kern_cpu(cpu)) || token_wanted(&cpu->machine->tokens);
}

void cond_resched(void)
{
	struct vcpu *cpu = this_cpu();
	struct cpu_local *local = &cpu->sched.local;
	u32 attn = raw_load_order(&local->attn, __ATOMIC_RELAXED);

	/* A decision of the schedule, at points. */
	if (cpu->sched.control)
		return;
	/* Without points this is where time passes. */
	if (!MM_POINTS)
		local->clock += 200;
	if (attn & ATTN_IRQ)
		ipi_serve(cpu);
	if ((attn & ATTN_RESCHED) || local->clock >= local->turn_end ||
	    current->owes_turn)
		cpu->sched.ops->turn_over();
}

/* ---- tasks ---- */

void kern_task_entry(void *arg)
{
	struct task_struct *task = arg;

	finish_switch();
	task->fn(task->arg);
	task_exit();
}

void task_start(struct task_struct *task)
{
	struct kern *kern = task->machine->kern;

	MM_BUG_ON(task->machine->serial);
	tsan_release(&task->sync);
	raw_fetch_add_order(&kern->live, 1, __ATOMIC_SEQ_CST);
	hw_lock(&task->lock);
	MM_BUG_ON(task->run != TASK_NEW);
	kern_place(task, false);
	hw_unlock(&task->lock);
}

void task_withdraw(struct task_struct *task)
{
	struct kern *kern = task->machine->kern;

	MM_BUG_ON(kern->running);
	kern_unplace(task);
	raw_fetch_sub_order(&kern->live, 1, __ATOMIC_SEQ_CST);
}

/*
 * exit_mm(): the mm stays loaded, lazily and counted, until the next switch.
 * While interrupts are off no flush handler sees the task between states.
 */
static void drop_mm(struct task_struct *task)
{
	const struct kern_mm_ops *ops = &task->machine->kern->mm_ops;
	struct mm_struct *mm = task->mm;

	if (!mm)
		return;
	if (ops->mmgrab)
		ops->mmgrab(mm);
	local_irq_disable();
	task->mm = NULL;
	if (ops->enter_lazy_tlb)
		ops->enter_lazy_tlb(mm, task);
	local_irq_enable();
	if (ops->exit_mm)
		ops->exit_mm(mm);
	/* As open files do, these go after it. */
	if (ops->exit_pins)
		ops->exit_pins(task);
}

void kern_exit_mm(void)
{
	drop_mm(current);
}

void task_exit(void)
{
	struct task_struct *task = current;

	trace_event(EV_EXIT, task->id, 0, 0);
	drop_mm(task);
#if MM_CHECK
	lockdep_assert_none_held(&task->sched);
#endif
	task->run = TASK_DEAD;
	switch_away(false);
	MM_BUG();
}

void kern_use_mm(struct mm_struct *mm)
{
	struct task_struct *task = current;
	const struct kern_mm_ops *ops = &task->machine->kern->mm_ops;
	struct mm_struct *old = task->mm, *loaded = task->active_mm;

	preempt_disable();
	local_irq_disable();
	task->mm = mm;
	task->active_mm = mm;
	if (ops->switch_mm)
		ops->switch_mm(loaded, mm, task);
	local_irq_enable();
	preempt_enable();
	if (old && ops->exit_mm)
		ops->exit_mm(old);
	else if (!old && loaded && ops->mmdrop)
		ops->mmdrop(loaded);
}

void kern_switch_to(struct task_struct *task)
{
	struct vcpu *cpu = begin_switch();
	struct task_struct *prev = cpu->current_task;

	if (prev == task) {
		abandon_switch();
		return;
	}
	MM_BUG_ON(task && task->sched.is_task && cpu->machine->kern->running);
	switch_mm(cpu, prev, task);
	become(cpu, task);
	local_irq_enable();
	preempt_enable();
	drop_borrowed(cpu);
}

/* ---- the idle loop: a vCPU's thread ---- */

static bool halted(const struct kern *kern)
{
	return raw_load_order(&kern->halt, __ATOMIC_SEQ_CST);
}

static struct task_struct *next_task(struct vcpu *cpu)
{
	struct task_struct *task = kern_dequeue(kern_cpu(cpu), cpu->nr);

	return task ? task : kern_steal(cpu);
}

/* The idle bit is up before the queues are looked at again: pairs with kern_place(). */
static void wait_for_work(struct vcpu *cpu)
{
	struct kern *kern = cpu->machine->kern;

	kern_set_idle(cpu, true);
	kern_cpu(cpu)->idled++;
	if (!kern_queued(kern_cpu(cpu)) && !halted(kern))
		vcpu_idle_wait(cpu);
	/* Lazily loaded tables went on being walked by hardware. */
	mmu_speculate_idle(cpu);
	kern_set_idle(cpu, false);
}

/* Switches of all vCPUs so far. */
static u64 switches(const struct machine *m)
{
	u64 sum = 0;

	for (unsigned int i = 0; i < m->nr_cpus; i++)
		sum += raw_load_order(&m->cpus[i]->vm_events[MMS_SWITCH_TASK], __ATOMIC_RELAXED);
	return sum;
}

/* Whoever has been queued has been kicked for: the state changes once more when it is gone. */
static void wait_idle(struct vcpu *cpu)
{
	sched_wait(&cpu->state, "idle vCPU",
		   !kern_queued(kern_cpu(cpu)) &&
			   raw_load_order(&cpu->state, __ATOMIC_SEQ_CST) == VCPU_IDLE);
	tsan_acquire(&cpu->sync);
}

/*
 * A task that has not gone to sleep yet may be pushed to a vCPU that was found
 * idle: only a round in which nobody switched proves that all are.
 */
void kern_wait_idle(void)
{
	struct vcpu *self = this_cpu();
	struct machine *m = self->machine;
	u64 before;

	do {
		before = switches(m);
		for (unsigned int i = 0; i < m->nr_cpus; i++)
			if (m->cpus[i] != self)
				wait_idle(m->cpus[i]);
	} while (switches(m) != before);
}

static void run_task(struct vcpu *cpu, struct task_struct *task)
{
	begin_switch();
	context_switch(cpu, task);
}

void kern_idle_loop(struct vcpu *cpu)
{
	struct kern *kern = cpu->machine->kern;

	while (!halted(kern)) {
		struct task_struct *task = next_task(cpu);

		if (task)
			run_task(cpu, task);
		else if (rcu_batch_due())
			rcu_process_callbacks();
		else
			wait_for_work(cpu);
	}
}
