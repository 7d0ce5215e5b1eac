/* SPDX-License-Identifier: MIT */
/*
 * Run queues, and where a task goes when it becomes runnable.
 *
 * One queue per vCPU, under its raw lock, taken inside a task's.  Idle vCPUs
 * steal, wakes go to idle ones, now and then anywhere, so that tasks move.
 * Must never be entered with a run queue locked, nor pass a point with one.
 */
#include "kern/sched.h"

#include "base/atomic.h"
#include "base/bug.h"
#include "hw/hw_lock.h"
#include "hw/machine.h"
#include "kern/internal.h"
#include "sync/store_buffer.h"
#include "trace/trace.h"

/* One wake in so many is placed on any vCPU, as a balancer would once in a while. */
#define WAKE_ANYWHERE	8

/* Nothing but the schedule may draw lots. */
static bool controlled(const struct kern *kern)
{
	return kern->machine->config.mode == RUN_CONTROLLED;
}

/* ---- run queues ---- */

static void enqueue(struct kern_cpu *kc, struct task_struct *task)
{
	hw_lock(&kc->lock);
	list_add_tail(&task->rq_node, &kc->queue);
	raw_store_order(&kc->nr, kc->nr + 1, __ATOMIC_SEQ_CST);
	hw_unlock(&kc->lock);
}

unsigned int kern_queued(const struct kern_cpu *kc)
{
	return raw_load_order(&kc->nr, __ATOMIC_SEQ_CST);
}

/* The first task of @kc's queue that may run on @nr. */
struct task_struct *kern_dequeue(struct kern_cpu *kc, unsigned int nr)
{
	struct task_struct *task, *found = NULL;

	if (!kern_queued(kc))
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
		raw_store_order(&kc->nr, kc->nr - 1, __ATOMIC_SEQ_CST);
	}
	hw_unlock(&kc->lock);
	return found;
}

struct task_struct *kern_steal(struct vcpu *cpu)
{
	struct machine *m = cpu->machine;
	unsigned int first = controlled(m->kern) ? cpu->nr :
			     (unsigned int)prng_below(&cpu->rng, m->nr_cpus);

	for (unsigned int i = 0; i < m->nr_cpus; i++) {
		unsigned int victim = (first + i) % m->nr_cpus;
		struct task_struct *task;

		if (victim == cpu->nr)
			continue;
		task = kern_dequeue(&m->kern->cpus[victim], cpu->nr);
		if (task) {
			kern_cpu(cpu)->stolen++;
			return task;
		}
	}
	return NULL;
}

void kern_unplace(struct task_struct *task)
{
	struct kern_cpu *kc = &task->machine->kern->cpus[task->queue];

	MM_BUG_ON(task->run != TASK_QUEUED);
	hw_lock(&kc->lock);
	list_del(&task->rq_node);
	raw_store_order(&kc->nr, kc->nr - 1, __ATOMIC_SEQ_CST);
	hw_unlock(&kc->lock);
	task->run = TASK_NEW;
}

/* ---- placement ---- */

void kern_set_idle(struct vcpu *cpu, bool idle)
{
	u64 *word = &cpu->machine->kern->idle[cpu->nr / 64];
	u64 bit = 1ULL << (cpu->nr % 64);

	if (idle)
		raw_fetch_or_order(word, bit, __ATOMIC_SEQ_CST);
	else
		raw_fetch_and_order(word, ~bit, __ATOMIC_SEQ_CST);
}

static bool is_idle(const struct kern *kern, unsigned int nr)
{
	return raw_load_order(&kern->idle[nr / 64], __ATOMIC_RELAXED) >> (nr % 64) & 1;
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
	u64 random = cpu && !controlled(kern) ? prng_next(&cpu->rng) : task->id;

	if (push || (!controlled(kern) && !(random % WAKE_ANYWHERE))) {
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
void kern_place(struct task_struct *task, bool push)
{
	struct kern *kern = task->machine->kern;
	unsigned int nr = select_cpu(kern, task, push);

	/* Who will run it sees what was stored before. */
	smp_store_barrier();
	task->run = TASK_QUEUED;
	task->queue = nr;
	enqueue(&kern->cpus[nr], task);
	trace_event(EV_WAKE, task->id, nr, 0);
	vcpu_kick(task->machine->cpus[nr]);
	/* There the end of a turn is a decision: it can be made now. */
	if (controlled(kern))
		vcpu_attn(task->machine->cpus[nr], ATTN_RESCHED);
}
