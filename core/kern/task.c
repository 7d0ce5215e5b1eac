/* SPDX-License-Identifier: MIT */
/*
 * Making and unmaking tasks.
 *
 * Owns the machine's list of tasks and the pool of dead ones, whose stacks
 * are used again, under kern's raw lock.  Must never run on the stack of the
 * task it frees.
 */
#include "kern/task.h"

#include <string.h>

#include "base/bug.h"
#include "base/tsan.h"
#include "hw/hw_lock.h"
#include "hw/machine.h"
#include "kern/internal.h"
#include "kern/sched.h"

/* Stacks kept for reuse; a stack costs what it has touched, some 10 KiB. */
#define POOL_MAX	256

static struct task_struct *from_pool(struct kern *kern)
{
	struct task_struct *task = NULL;

	hw_lock(&kern->lock);
	if (!list_empty(&kern->pool)) {
		task = list_first_entry(&kern->pool, struct task_struct, all_node);
		list_del(&task->all_node);
		kern->nr_pool--;
	}
	hw_unlock(&kern->lock);
	return task;
}

/* Memory and a stack; what is left of a former life is ordered before the new one. */
static struct task_struct *alloc_task(struct kern *kern)
{
	struct task_struct *task = from_pool(kern);
	struct fiber fiber;

	if (task) {
		tsan_acquire(&task->sync);
		fiber = task->fiber;
	} else {
		task = machine_alloc(kern->machine, sizeof(*task), 0);
		memset(&fiber, 0, sizeof(fiber));
	}
	if (!task)
		return NULL;
	memset(task, 0, sizeof(*task));
	task->fiber = fiber;
	return task;
}

static void free_task(struct kern *kern, struct task_struct *task)
{
	fiber_retire(&task->fiber, machine_spare_stacks(kern->machine));
	machine_free(kern->machine, task);
}

void kern_task_recycle(struct task_struct *task)
{
	struct kern *kern = task->machine->kern;
	bool keep;

	hw_lock(&kern->lock);
	list_del(&task->all_node);
	hw_unlock(&kern->lock);
	tsan_acquire(&kern->lock);
	fiber_reset(&task->fiber);
	tsan_release(&task->sync);
	hw_lock(&kern->lock);
	keep = task->fiber.map && kern->nr_pool < POOL_MAX;
	if (keep) {
		list_add(&task->all_node, &kern->pool);
		kern->nr_pool++;
	}
	hw_unlock(&kern->lock);
	if (!keep)
		free_task(kern, task);
}

void kern_pool_drain(struct kern *kern)
{
	struct task_struct *task;

	while ((task = from_pool(kern)))
		free_task(kern, task);
}

/* Their stacks, whatever they were doing on them; the rest goes with the machine's blocks. */
void kern_stacks_drop(struct kern *kern)
{
	struct fiber_stacks *spare = machine_spare_stacks(kern->machine);
	struct task_struct *task;

	list_for_each_entry(task, &kern->tasks, all_node)
		fiber_retire(&task->fiber, spare);
	list_for_each_entry(task, &kern->pool, all_node)
		fiber_retire(&task->fiber, spare);
	for (unsigned int i = 0; i < kern->machine->nr_cpus; i++)
		fiber_retire(&kern->cpus[i].idle, spare);
}

/* Where its maker is; under control at home, so that a program's tasks begin apart. */
static u32 first_cpu(const struct machine *m, u64 id)
{
	if (m->config.mode == RUN_CONTROLLED)
		return (u32)((id - 1) % m->nr_cpus);
	return this_cpu() ? this_cpu()->nr : (u32)(id % m->nr_cpus);
}

static int make_stack(struct machine *m, struct task_struct *task)
{
	size_t size = m->config.stack_size;

	if (m->serial)
		return 0;
	fiber_take_stack(&task->fiber, machine_spare_stacks(m), size);
	return fiber_create(&task->fiber, kern_task_entry, task, size);
}

struct task_struct *task_create(struct machine *m, u64 id, u64 parent, struct mm_struct *mm,
				void (*fn)(void *), void *arg)
{
	struct kern *kern = m->kern;
	struct task_struct *task = alloc_task(kern);

	if (!task)
		return NULL;
	if (make_stack(m, task)) {
		free_task(kern, task);
		return NULL;
	}
	sched_ctx_init(&task->sched, "task");
	task->sched.is_task = !m->serial;
	task->machine = m;
	task->id = id;
	task->parent = parent;
	task->fn = fn;
	task->arg = arg;
	task->mm = mm;
	task->active_mm = mm;
	task->run = TASK_NEW;
	task->last_cpu = first_cpu(m, id);
	memset(&task->cpus, 0xff, sizeof(task->cpus));
	tsan_release(&kern->tasks);
	hw_lock(&kern->lock);
	list_add_tail(&task->all_node, &kern->tasks);
	hw_unlock(&kern->lock);
	return task;
}

void task_free(struct task_struct *task)
{
	struct kern *kern = task->machine->kern;
	struct mm_struct *mm = task->mm;

	MM_BUG_ON(task->run != TASK_NEW);
	MM_BUG_ON(this_cpu() && this_cpu()->current_task == task);
	task->mm = NULL;
	task->active_mm = NULL;
	if (mm && kern->mm_ops.exit_mm)
		kern->mm_ops.exit_mm(mm);
	if (mm && kern->mm_ops.exit_pins)
		kern->mm_ops.exit_pins(task);
	kern_task_recycle(task);
}

/*
 * The lock orders a task's creation before the visit, and the visit before its end;
 * said apart, so that creations and ends are not ordered among themselves.
 */
void kern_for_each_task(struct machine *m, void (*fn)(struct task_struct *task, void *arg),
			void *arg)
{
	struct kern *kern = m->kern;
	struct task_struct *task;

	hw_lock(&kern->lock);
	tsan_acquire(&kern->tasks);
	list_for_each_entry(task, &kern->tasks, all_node)
		fn(task, arg);
	tsan_release(&kern->lock);
	hw_unlock(&kern->lock);
}
