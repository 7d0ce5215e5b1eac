/* SPDX-License-Identifier: MIT */
/*
 * The scheduler: run queues, switching, waking, placement, the idle loop.
 *
 * A task is in one of five states (enum task_run) under its own raw lock; a
 * run queue under its raw lock, taken inside the task's.  A vCPU switches
 * with interrupts and preemption off; what must happen once the old stack is
 * left (finish_switch) is done on the new one.
 *
 * Compiled without ThreadSanitizer.  Orders it means, and says: a task's past
 * on one vCPU before its future on the next (task->sync); one task before the
 * next on the same vCPU (the fiber switch); a waker before the woken (sync/).
 *
 * Must never switch with a spinlock held, in a read section, in a handler or
 * with an access in flight, nor take a run-queue lock across a point.
 */
#include "kern/sched.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/bug.h"
#include "base/tsan.h"
#include "hw/hw_lock.h"
#include "hw/machine.h"
#include "kern/boot.h"
#include "kern/internal.h"
#include "sync/irqflags.h"
#include "sync/rcu.h"
#include "trace/counters.h"
#include "trace/trace.h"

/* One wake in so many is placed on any vCPU, as a balancer would once in a while. */
#define WAKE_ANYWHERE	8
/* One turn in so many ends with the task pushed to another vCPU. */
#define PUSH_ONE_IN	16

/* ---- run queues ---- */

static void enqueue(struct kern_cpu *kc, struct task_struct *task)
{
	hw_lock(&kc->lock);
	list_add_tail(&task->rq_node, &kc->queue);
	__atomic_store_n(&kc->nr, kc->nr + 1, __ATOMIC_SEQ_CST);
	hw_unlock(&kc->lock);
}

static unsigned int queued(const struct kern_cpu *kc)
{
	return __atomic_load_n(&kc->nr, __ATOMIC_SEQ_CST);
}

/* The first task of @kc's queue that may run on @nr. */
static struct task_struct *dequeue(struct kern_cpu *kc, unsigned int nr)
{
	struct task_struct *task, *found = NULL;

	if (!queued(kc))
		return NULL;
	hw_lock(&kc->lock);
	list_for_each_entry(task, &kc->queue, rq_node) {
		if (cpumask_test_cpu(nr, &task->cpus)) {
			found = task;
			break;
		}
	}
	if (found) {
		list_del(&found->rq_node);
		__atomic_store_n(&kc->nr, kc->nr - 1, __ATOMIC_SEQ_CST);
	}
	hw_unlock(&kc->lock);
	return found;
}

static struct task_struct *steal(struct vcpu *cpu)
{
	struct machine *m = cpu->machine;
	unsigned int first = (unsigned int)prng_below(&cpu->rng, m->nr_cpus);

	for (unsigned int i = 0; i < m->nr_cpus; i++) {
		unsigned int victim = (first + i) % m->nr_cpus;
		struct task_struct *task;

		if (victim == cpu->nr)
			continue;
		task = dequeue(&m->kern->cpus[victim], cpu->nr);
		if (task) {
			kern_cpu(cpu)->stolen++;
			return task;
		}
	}
	return NULL;
}

/* ---- placement ---- */

static void set_idle(struct vcpu *cpu, bool idle)
{
	u64 *word = &cpu->machine->kern->idle[cpu->nr / 64];
	u64 bit = 1ULL << (cpu->nr % 64);

	if (idle)
		__atomic_fetch_or(word, bit, __ATOMIC_SEQ_CST);
	else
		__atomic_fetch_and(word, ~bit, __ATOMIC_SEQ_CST);
}

static bool is_idle(const struct kern *kern, unsigned int nr)
{
	return __atomic_load_n(&kern->idle[nr / 64], __ATOMIC_RELAXED) >> (nr % 64) & 1;
}

/* An idle vCPU for @task, searched from @start on; NR_CPUS when there is none. */
static unsigned int find_idle(const struct kern *kern, const struct task_struct *task,
			      unsigned int start)
{
	unsigned int nr_cpus = kern->machine->nr_cpus;

	for (unsigned int i = 0; i < nr_cpus; i++) {
		unsigned int nr = (start + i) % nr_cpus;

		if (is_idle(kern, nr) && cpumask_test_cpu(nr, &task->cpus))
			return nr;
	}
	return NR_CPUS;
}

/*
 * Where a task goes: back if that vCPU is idle, else to an idle one, else
 * back; now and then, or when it is pushed away, anywhere.
 */
static unsigned int select_cpu(struct kern *kern, struct task_struct *task, bool push)
{
	struct vcpu *cpu = this_cpu();
	unsigned int nr_cpus = kern->machine->nr_cpus, nr;
	u64 random = cpu ? prng_next(&cpu->rng) : task->id;

	if (push || !(random % WAKE_ANYWHERE)) {
		nr = (unsigned int)((random >> 8) % nr_cpus);
		if (cpumask_test_cpu(nr, &task->cpus))
			return nr;
	}
	if (is_idle(kern, task->last_cpu) && cpumask_test_cpu(task->last_cpu, &task->cpus))
		return task->last_cpu;
	nr = find_idle(kern, task, (unsigned int)((random >> 8) % nr_cpus));
	if (nr != NR_CPUS)
		return nr;
	if (cpumask_test_cpu(task->last_cpu, &task->cpus))
		return task->last_cpu;
	return cpumask_first(&task->cpus);
}

/* Task lock held: makes it runnable and finds it a vCPU. */
static void place(struct task_struct *task, bool push)
{
	struct kern *kern = task->machine->kern;
	unsigned int nr = select_cpu(kern, task, push);

	task->run = TASK_QUEUED;
	enqueue(&kern->cpus[nr], task);
	trace_event(EV_WAKE, task->id, nr, 0);
	vcpu_kick(task->machine->cpus[nr]);
}

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

/* Interrupts and preemption on again. */
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
	if (!__atomic_sub_fetch(&kern->live, 1, __ATOMIC_SEQ_CST))
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
	if (__atomic_load_n(&prev->sched.state, __ATOMIC_SEQ_CST) == CTX_RUNNING)
		place(prev, push);
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
	if (task)
		tsan_acquire(&task->sync);
	if (prev)
		settle_prev(prev, push);
	local_irq_enable();
	preempt_enable();
	drop_borrowed(cpu);
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

/* NULL is the idle loop.  Returns when the caller's context runs again. */
static void context_switch(struct vcpu *cpu, struct task_struct *next)
{
	struct kern_cpu *kc = kern_cpu(cpu);
	struct task_struct *prev = cpu->current_task;

	trace_event(EV_SWITCH_TASK, prev ? prev->id : 0, next ? next->id : 0, 0);
	count_vm_event(MMS_SWITCH_TASK);
	/* Before the task is said to be here: its lock was released by who queued it. */
	if (next) {
		hw_lock(&next->lock);
		arrive(cpu, next);
		hw_unlock(&next->lock);
	}
	switch_mm(cpu, prev, next);
	kc->prev = prev;
	if (prev) {
		prev->left_clock = cpu->sched.local.clock;
		tsan_release(&prev->sync);
	}
	become(cpu, next);
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
	       __atomic_load_n(&task->sched.state, __ATOMIC_SEQ_CST) == CTX_RUNNING;
}

static void switch_away(bool push)
{
	struct vcpu *cpu = begin_switch();
	struct task_struct *self = cpu->current_task;
	struct task_struct *next = dequeue(kern_cpu(cpu), cpu->nr);

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
		mm_panic("scheduling while atomic", "irq_off %u preempt_count %u rcu nest %u",
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

static void kern_sleep(struct sched_ctx *self)
{
	if (!self->is_task) {
		hw_sleep(self);
		return;
	}
	trace_event(EV_SLEEP, current->id, 0, 0);
	while (__atomic_load_n(&self->state, __ATOMIC_SEQ_CST) == CTX_SLEEPING)
		schedule();
}

/*
 * The state is RUNNING already.  A task that is still on its way to sleep
 * sees that in settle_prev(), under this lock.
 */
static void kern_wake(struct sched_ctx *ctx)
{
	struct task_struct *task = container_of(ctx, struct task_struct, sched);

	if (!ctx->is_task) {
		hw_wake(ctx);
		return;
	}
	hw_lock(&task->lock);
	if (task->run == TASK_BLOCKED)
		place(task, false);
	hw_unlock(&task->lock);
}

/*
 * First whoever waits for a token, then the next task of this queue; now and
 * then the task is sent to another vCPU.
 */
static void kern_turn_over(void)
{
	struct vcpu *cpu = this_cpu();
	bool may_switch = vcpu_preemptible(cpu) && cpu->current_task &&
			  cpu->current_task->sched.is_task && cpu->sched.ctx->is_task;
	bool push;

	hw_turn_over();
	if (!may_switch)
		return;
	push = cpu->machine->nr_cpus > 1 && !prng_below(&cpu->rng, PUSH_ONE_IN);
	if (push || queued(kern_cpu(cpu)))
		switch_away(push);
}

void cond_resched(void)
{
	struct vcpu *cpu = this_cpu();
	struct cpu_local *local = &cpu->sched.local;
	u32 attn = __atomic_load_n(&local->attn, __ATOMIC_RELAXED);

	/* Without points this is where time passes. */
	if (!MM_POINTS)
		local->clock += 200;
	if (attn & ATTN_IRQ)
		ipi_serve(cpu);
	if ((attn & ATTN_RESCHED) || local->clock >= local->turn_end)
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
	__atomic_fetch_add(&kern->live, 1, __ATOMIC_SEQ_CST);
	hw_lock(&task->lock);
	MM_BUG_ON(task->run != TASK_NEW);
	place(task, false);
	hw_unlock(&task->lock);
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
	return __atomic_load_n(&kern->halt, __ATOMIC_SEQ_CST);
}

static struct task_struct *next_task(struct vcpu *cpu)
{
	struct task_struct *task = dequeue(kern_cpu(cpu), cpu->nr);

	return task ? task : steal(cpu);
}

/* The idle bit is up before the queues are looked at again: pairs with place(). */
static void wait_for_work(struct vcpu *cpu)
{
	struct kern *kern = cpu->machine->kern;

	set_idle(cpu, true);
	kern_cpu(cpu)->idled++;
	if (!queued(kern_cpu(cpu)) && !halted(kern))
		vcpu_idle_wait(cpu);
	set_idle(cpu, false);
}

static void run_task(struct vcpu *cpu, struct task_struct *task)
{
	begin_switch();
	context_switch(cpu, task);
}

static void idle_loop(struct vcpu *cpu)
{
	struct kern *kern = cpu->machine->kern;

	fiber_init_thread(&kern_cpu(cpu)->idle);
	while (!halted(kern)) {
		struct task_struct *task = next_task(cpu);

		if (task)
			run_task(cpu, task);
		else if (rcu_callbacks_pending())
			rcu_process_callbacks();
		else
			wait_for_work(cpu);
	}
}

/* ---- the host side ---- */

static void halt_cpus(struct machine *m, unsigned int nr)
{
	__atomic_store_n(&m->kern->halt, 1, __ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < nr; i++)
		vcpu_kick(m->cpus[i]);
	for (unsigned int i = 0; i < nr; i++)
		vcpu_join(m->cpus[i]);
	m->kern->running = false;
}

int machine_run(struct machine *m)
{
	if (m->serial || m->kern->running)
		return -EINVAL;
	__atomic_store_n(&m->kern->halt, 0, __ATOMIC_SEQ_CST);
	m->kern->running = true;
	for (unsigned int i = 0; i < m->nr_cpus; i++) {
		if (vcpu_start(m->cpus[i], idle_loop)) {
			halt_cpus(m, i);
			return -EAGAIN;
		}
	}
	return 0;
}

void machine_stop(struct machine *m)
{
	if (!m->kern->running)
		return;
	MM_BUG_ON(kern_nr_tasks(m));
	halt_cpus(m, m->nr_cpus);
}

unsigned int kern_nr_tasks(struct machine *m)
{
	return __atomic_load_n(&m->kern->live, __ATOMIC_SEQ_CST);
}

#define WAIT_SLICE_MS	10u

/* Until @live changes or a slice has passed: true then. */
static bool wait_slice(u32 *word, u32 live, bool forever)
{
	const struct timespec slice = { .tv_nsec = WAIT_SLICE_MS * 1000000 };

	return syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, live, forever ? NULL : &slice, NULL,
		       0) && errno == ETIMEDOUT;
}

bool machine_wait(struct machine *m, unsigned int ms)
{
	struct kern *kern = m->kern;
	unsigned int waited = 0;
	u32 live;

	while ((live = kern_nr_tasks(m))) {
		if (ms && waited >= ms)
			return false;
		if (wait_slice(&kern->live, live, !ms))
			waited += WAIT_SLICE_MS;
	}
	tsan_acquire(&kern->sync_exit);
	return true;
}

void machine_ask_stop(struct machine *m)
{
	__atomic_store_n(&m->kern->stop, 1, __ATOMIC_RELAXED);
}

bool kern_should_stop(void)
{
	return __atomic_load_n(&this_machine()->kern->stop, __ATOMIC_RELAXED);
}

/* ---- boot ---- */

void kern_set_mm_ops(struct machine *m, const struct kern_mm_ops *ops)
{
	m->kern->mm_ops = *ops;
}

int kern_init(struct machine *m)
{
	struct kern *kern = calloc(1, sizeof(*kern));

	if (!kern)
		return -ENOMEM;
	if (posix_memalign((void **)&kern->cpus, _Alignof(struct kern_cpu),
			   m->nr_cpus * sizeof(*kern->cpus))) {
		free(kern);
		return -ENOMEM;
	}
	memset(kern->cpus, 0, m->nr_cpus * sizeof(*kern->cpus));
	for (unsigned int i = 0; i < m->nr_cpus; i++) {
		INIT_LIST_HEAD(&kern->cpus[i].queue);
		m->cpus[i]->kern = &kern->cpus[i];
	}
	INIT_LIST_HEAD(&kern->tasks);
	INIT_LIST_HEAD(&kern->pool);
	kern->machine = m;
	kern->sched_ops = hw_sched_ops;
	kern->sched_ops.sleep = kern_sleep;
	kern->sched_ops.wake = kern_wake;
	kern->sched_ops.turn_over = kern_turn_over;
	m->kern = kern;
	machine_set_sched_ops(m, &kern->sched_ops);
	return 0;
}

/* Bound; nobody runs.  Unloads what the idle loops still hold, each as its vCPU. */
void kern_release_mms(struct machine *m)
{
	const struct kern_mm_ops *ops = &m->kern->mm_ops;
	unsigned int here = this_cpu()->nr;

	kern_switch_to(NULL);
	for (unsigned int i = 0; i < m->nr_cpus; i++) {
		struct kern_cpu *kc = &m->kern->cpus[i];
		struct mm_struct *mm = kc->idle_mm;

		if (!mm)
			continue;
		machine_bind_host(m, i);
		kc->idle_mm = NULL;
		local_irq_disable();
		if (ops->leave_mm)
			ops->leave_mm(mm);
		local_irq_enable();
		if (ops->mmdrop)
			ops->mmdrop(mm);
	}
	if (this_cpu()->nr != here)
		machine_bind_host(m, here);
}

void kern_exit(struct machine *m)
{
	struct kern *kern = m->kern;

	machine_set_sched_ops(m, &hw_sched_ops);
	kern_pool_drain(kern);
	MM_WARN_ON_ONCE(!list_empty(&kern->tasks));
	for (unsigned int i = 0; i < m->nr_cpus; i++)
		m->cpus[i]->kern = NULL;
	m->kern = NULL;
	free(kern->cpus);
	free(kern);
}
