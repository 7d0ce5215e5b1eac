/* SPDX-License-Identifier: MIT */
/*
 * The simulated side of a benchmark: one process, a task and a vCPU for each
 * worker, on a machine of its own that runs free.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/err.h"
#include "check/check.h"
#include "hw/access.h"
#include "hw/machine.h"
#include "hw/sums.h"
#include "kern/boot.h"
#include "kern/sched.h"
#include "kern/task.h"
#include "mm/fork.h"
#include "mm/mm.h"
#include "mm/syscalls.h"
#include "stress/bench.h"
#include "sync/sched.h"
#include "sync/wait.h"

#define REGION_BASE	(1ul << 32)
#define SPARE_FRAMES	8192

/* ---- memory ---- */

static bool sim_map(unsigned long at, unsigned long bytes)
{
	return sys_mmap(at, bytes, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0) == (long)at;
}

static bool sim_unmap(unsigned long at, unsigned long bytes)
{
	return !sys_munmap(at, bytes);
}

static bool sim_protect(unsigned long at, unsigned long bytes, bool writable)
{
	return !sys_mprotect(at, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ);
}

static bool sim_move(unsigned long from, unsigned long bytes, unsigned long to)
{
	return sys_mremap(from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to) == (long)to;
}

static bool sim_dontneed(unsigned long at, unsigned long bytes)
{
	return !sys_madvise(at, bytes, MADV_DONTNEED);
}

static bool sim_write(unsigned long at, unsigned long bytes)
{
	for (unsigned long end = at + bytes; at < end; at += PAGE_SIZE)
		if (user_store(at, 1, 1))
			return false;
	return true;
}

static bool sim_read(unsigned long at, unsigned long bytes)
{
	u64 value;

	for (unsigned long end = at + bytes; at < end; at += PAGE_SIZE)
		if (user_load(at, 1, &value))
			return false;
	return true;
}

/* ---- children ---- */

enum turn { TURN_PARENT, TURN_CHILD, TURN_END, TURN_GONE };

struct sim_child {
	struct task_struct	*task;
	bool			answers;
	u32			turn;	/* atomic, enum turn */
	unsigned long		page;
	wait_queue_head_t	wait;
};

static u32 turn_of(struct sim_child *c)
{
	return smp_load_acquire(&c->turn);
}

static void pass(struct sim_child *c, enum turn turn)
{
	smp_store_release(&c->turn, turn);
	wake_up_all(&c->wait);
}

static void child_main(void *arg)
{
	struct sim_child *c = arg;

	for (;;) {
		u64 value;

		wait_event(&c->wait, turn_of(c) != TURN_PARENT);
		if (turn_of(c) == TURN_END || user_load(c->page, 1, &value))
			break;
		pass(c, TURN_PARENT);
	}
	/* Its memory goes before it says so. */
	kern_exit_mm();
	pass(c, TURN_GONE);
}

static void start_on(struct task_struct *task, unsigned int cpu)
{
	cpumask_clear(&task->cpus);
	__cpumask_set_cpu(cpu, &task->cpus);
	task_start(task);
}

static bool sim_fork(struct bench_worker *w, bool answers)
{
	struct sim_child *c = w->child;
	struct mm_struct *mm;

	if (!c) {
		w->child = c = calloc(1, sizeof(*c));
		if (!c)
			return false;
		init_waitqueue_head(&c->wait);
	}
	c->page = w->base;
	c->answers = answers;
	c->turn = TURN_PARENT;
	mm = dup_mm(current->mm);
	if (IS_ERR(mm))
		return false;
	c->task = task_create(this_machine(), 1000 + w->nr, current->id, mm, child_main, c);
	if (!c->task) {
		mmput(mm);
		return false;
	}
	if (answers)
		start_on(c->task, smp_processor_id());
	return true;
}

/* A child that only sleeps was never let run. */
static void sim_reap(struct bench_worker *w)
{
	struct sim_child *c = w->child;

	if (!c->answers) {
		task_free(c->task);
		return;
	}
	pass(c, TURN_END);
	wait_event(&c->wait, turn_of(c) == TURN_GONE);
}

static bool sim_call(struct bench_worker *w)
{
	struct sim_child *c = w->child;

	pass(c, TURN_CHILD);
	wait_event(&c->wait, turn_of(c) != TURN_CHILD);
	return turn_of(c) == TURN_PARENT && sim_read(w->base, PAGE_SIZE);
}

/* ---- the side ---- */

/* Whom a waiting worker waits for may need its run token: it passes no point by itself. */
#define GIVE_WAY	1000

static void sim_breathe(bool waits)
{
	if (waits)
		sched_relax(GIVE_WAY);
	cond_resched();
}

static const u64 *sim_counters(void)
{
	vcpu_publish_hits(this_cpu());
	return this_cpu()->vm_events;
}

static const struct bench_os sim_os = {
	.map = sim_map,
	.unmap = sim_unmap,
	.protect = sim_protect,
	.move = sim_move,
	.dontneed = sim_dontneed,
	.write = sim_write,
	.read = sim_read,
	.fork = sim_fork,
	.reap = sim_reap,
	.call = sim_call,
	.breathe = sim_breathe,
	.counters = sim_counters,
};

static void sim_main(void *arg)
{
	bench_worker_run(arg);
}

static struct task_struct *make_task(struct machine *m, struct mm_struct *mm,
				     struct bench_worker *w)
{
	struct task_struct *task;

	mmget(mm);
	task = task_create(m, w->nr + 1, 0, mm, sim_main, w);
	if (!task)
		mmput(mm);
	return task;
}

/* All tasks of one address space, one on each vCPU. */
static int make_tasks(struct machine *m, struct bench_worker *w,
		      unsigned int threads)
{
	struct mm_struct *mm = mm_alloc(m, NULL);
	struct task_struct *task;
	unsigned int i;
	int ret = 0;

	if (!mm)
		return -ENOMEM;
	for (i = 0; i < threads && !ret; i++) {
		task = make_task(m, mm, &w[i]);
		if (task)
			start_on(task, i);
		else
			ret = -ENOMEM;
	}
	if (ret)
		__atomic_store_n(&w->shared->failed, ret, __ATOMIC_RELAXED);
	mmput(mm);
	return ret;
}

static int run_machine(struct machine *m, struct bench_worker *w,
		       unsigned int threads, struct bench_rate *out)
{
	int ret;

	machine_bind_host(m, 0);
	ret = make_tasks(m, w, threads);
	machine_unbind_host(m);
	if (machine_run(m))
		return -EAGAIN;
	machine_wait(m, 0);
	machine_stop(m);
	return ret ? ret : bench_sum(w, threads, out);
}

static int boot_and_run(const struct machine_config *config, struct bench_worker *w,
			unsigned int threads, struct bench_rate *out)
{
	struct machine *m;
	int ret = kern_boot(config, &m);

	if (ret)
		return ret;
	ret = check_attach(m, config->checks);
	if (!ret)
		ret = run_machine(m, w, threads, out);
	check_detach(m);
	kern_shutdown(m);
	return ret;
}

int bench_run_sim(const struct bench_case *c, unsigned int frame_bytes,
		  unsigned int threads, double seconds, u32 checks,
		  struct bench_rate *out)
{
	struct machine_config config = {
		.nr_cpus = threads,
		.nr_frames = SPARE_FRAMES + threads * c->frames,
		.frame_bytes = frame_bytes,
		.seed = 1,
		.mode = RUN_FREE,
		.checks = checks,
	};
	struct bench_worker *w = calloc(threads, sizeof(*w));
	struct bench_shared shared = { .threads = threads };
	unsigned int i;
	int ret;

	*out = (struct bench_rate){ 0 };
	if (!w)
		return -ENOMEM;
	for (i = 0; i < threads; i++)
		w[i] = (struct bench_worker){
			.c = c, .os = &sim_os, .shared = &shared, .nr = i, .seconds = seconds,
			.base = REGION_BASE + i * ALIGN(c->region + (1ul << 30), 1ul << 30),
		};
	ret = boot_and_run(&config, w, threads, out);
	for (i = 0; i < threads; i++) {
		free(w[i].private);
		free(w[i].child);
	}
	free(w);
	return ret;
}
