/* SPDX-License-Identifier: MIT */
/*
 * The scheduler seen from outside: starting and stopping the vCPU threads,
 * waiting for tasks to end, and the scheduler's own boot.
 *
 * Owns struct kern's life.  Called by one host thread at a time; what it
 * shares with running vCPUs are single atomic words.  Compiled without
 * ThreadSanitizer like the rest of kern/: a task's end happens before
 * machine_wait() returns (kern->sync_exit).
 */
#include "kern/sched.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "base/bug.h"
#include "base/tsan.h"
#include "hw/hw_lock.h"
#include "hw/machine.h"
#include "kern/boot.h"
#include "kern/internal.h"
#include "sync/irqflags.h"

/* A vCPU's own stack. */
static struct fiber *idle_stack(struct vcpu *cpu)
{
	return &kern_cpu(cpu)->idle;
}

static void thread_main(struct vcpu *cpu)
{
	struct kern *kern = cpu->machine->kern;

	fiber_init_thread(idle_stack(cpu));
	/* All of them or none: no task has begun if one cannot be had. */
	hw_blocking_begin();
	while (!raw_load_order(&kern->go, __ATOMIC_SEQ_CST))
		hw_futex_wait(&kern->go, 0);
	hw_blocking_end();
	kern_idle_loop(cpu);
}

static void let_go(struct kern *kern)
{
	raw_store_order(&kern->go, 1, __ATOMIC_SEQ_CST);
	hw_futex_wake(&kern->go, INT_MAX);
}

static void halt_cpus(struct machine *m, unsigned int nr)
{
	raw_store_order(&m->kern->halt, 1, __ATOMIC_SEQ_CST);
	let_go(m->kern);
	for (unsigned int i = 0; i < nr; i++)
		vcpu_kick(m->cpus[i]);
	for (unsigned int i = 0; i < nr; i++)
		vcpu_join(m->cpus[i]);
	m->kern->running = false;
}

static int run_controlled(struct machine *m)
{
	int err = control_start(m, &m->config.control, kern_idle_loop, idle_stack);

	m->kern->running = !err;
	return err;
}

/* The idle loops leave their stacks: nobody cuts off a run that has come to its end. */
static bool halt_controlled(struct machine *m)
{
	m->control->config.max_points = U64_MAX;
	raw_store_order(&m->kern->halt, 1, __ATOMIC_SEQ_CST);
	for (unsigned int i = 0; i < m->nr_cpus; i++)
		vcpu_kick(m->cpus[i]);
	if (control_run(m->control) == CONTROL_ABANDONED) {
		m->kern->control = m->control->stats;
		control_freeze(m->control);
		return false;
	}
	control_stop(m, &m->kern->control);
	m->kern->running = false;
	return true;
}

static bool wait_controlled(struct machine *m)
{
	enum control_end end = control_run(m->control);

	m->kern->control = m->control->stats;
	if (end == CONTROL_QUIET && !kern_nr_tasks(m))
		return true;
	if (end != CONTROL_ABANDONED)
		kern_report_stuck(m, end);
	control_freeze(m->control);
	return false;
}

const struct control_stats *machine_control_stats(const struct machine *m)
{
	return &m->kern->control;
}

int machine_run(struct machine *m)
{
	if (m->serial || m->kern->running)
		return -EINVAL;
	raw_store_order(&m->kern->halt, 0, __ATOMIC_SEQ_CST);
	raw_store_order(&m->kern->go, 0, __ATOMIC_SEQ_CST);
	m->kern->running = true;
	if (m->config.mode == RUN_CONTROLLED)
		return run_controlled(m);
	for (unsigned int i = 0; i < m->nr_cpus; i++) {
		if (vcpu_start(m->cpus[i], thread_main)) {
			halt_cpus(m, i);
			return -EAGAIN;
		}
	}
	let_go(m->kern);
	return 0;
}

bool machine_stop(struct machine *m)
{
	if (!m->kern->running)
		return true;
	MM_BUG_ON(kern_nr_tasks(m));
	if (m->control)
		return halt_controlled(m);
	halt_cpus(m, m->nr_cpus);
	return true;
}

unsigned int kern_nr_tasks(struct machine *m)
{
	return raw_load_order(&m->kern->live, __ATOMIC_SEQ_CST);
}

#define WAIT_SLICE_MS	10u

bool machine_wait(struct machine *m, unsigned int ms)
{
	struct kern *kern = m->kern;
	unsigned int waited = 0;
	u32 live;

	if (m->control) {
		if (!wait_controlled(m))
			return false;
		tsan_acquire(&kern->sync_exit);
		return true;
	}
	while ((live = kern_nr_tasks(m))) {
		if (ms && waited >= ms)
			return false;
		if (!ms)
			hw_futex_wait(&kern->live, live);
		else if (hw_futex_wait_ms(&kern->live, live, WAIT_SLICE_MS))
			waited += WAIT_SLICE_MS;
	}
	tsan_acquire(&kern->sync_exit);
	return true;
}

void machine_ask_stop(struct machine *m)
{
	raw_store_order(&m->kern->stop, 1, __ATOMIC_RELAXED);
}

bool kern_should_stop(void)
{
	return raw_load_order(&this_machine()->kern->stop, __ATOMIC_RELAXED);
}

/* ---- boot ---- */

void kern_set_mm_ops(struct machine *m, const struct kern_mm_ops *ops)
{
	m->kern->mm_ops = *ops;
}

int kern_init(struct machine *m)
{
	struct kern *kern = machine_zalloc(m, sizeof(*kern), 0);

	if (!kern)
		return -ENOMEM;
	kern->cpus = machine_zalloc(m, m->nr_cpus * sizeof(*kern->cpus),
				    _Alignof(struct kern_cpu));
	if (!kern->cpus) {
		machine_free(m, kern);
		return -ENOMEM;
	}
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
	kern->sched_ops.wanted = kern_wanted;
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
	for (unsigned int i = 0; i < m->nr_cpus; i++) {
		/* A thread's own stack is not ours: it has no map. */
		fiber_retire(&kern->cpus[i].idle, machine_spare_stacks(m));
		m->cpus[i]->kern = NULL;
	}
	m->kern = NULL;
	machine_free(m, kern->cpus);
	machine_free(m, kern);
}
