/* SPDX-License-Identifier: MIT */
/*
 * The simulated side of a benchmark: one process, a task and a vCPU for each
 * worker, on a machine of its own that runs free.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/atomic.h"
#include "check/check.h"
#include "hw/machine.h"
#include "kern/boot.h"
#include "kern/sched.h"
#include "kern/task.h"
#include "mm/mm.h"
#include "stress/bench.h"
#include "stress/run.h"
#include "stress/windows.h"

#define REGION_BASE	(1ul << 32)

struct sim_thread {
	struct bench_worker	worker;
	const struct bench_case	*c;
	u64			rounds;
	bool			failed;
};

static void sim_main(void *arg)
{
	struct sim_thread *t = arg;

	while (!kern_should_stop() && !t->failed) {
		t->failed = !t->c->sim(&t->worker);
		t->rounds++;
	}
}

static struct task_struct *make_task(struct machine *m, struct mm_struct *mm,
				     struct sim_thread *t)
{
	struct task_struct *task;

	mmget(mm);
	task = task_create(m, t->worker.nr + 1, 0, mm, sim_main, t);
	if (!task)
		mmput(mm);
	return task;
}

/* All tasks of one address space, made but not running. */
static int make_tasks(struct machine *m, struct sim_thread *t,
		      unsigned int threads)
{
	struct mm_struct *mm = mm_alloc(m, NULL);
	struct task_struct *task;
	unsigned int i;
	int ret = 0;

	if (!mm)
		return -ENOMEM;
	for (i = 0; i < threads && !ret; i++) {
		task = make_task(m, mm, &t[i]);
		if (task)
			task_start(task);
		else
			ret = -ENOMEM;
	}
	mmput(mm);
	return ret;
}

static void run_for(struct machine *m, double seconds)
{
	u64 deadline = monitor_now_ns() + (u64)(seconds * 1e9);
	struct timespec ts = { 0, 1000000 };

	while (monitor_now_ns() < deadline)
		nanosleep(&ts, NULL);
	machine_ask_stop(m);
	machine_wait(m, 0);
}

static int run_machine(struct machine *m, struct sim_thread *t,
		       unsigned int threads, double seconds,
		       struct bench_rate *out)
{
	u64 begin;
	int ret;

	machine_bind_host(m, 0);
	ret = make_tasks(m, t, threads);
	machine_unbind_host(m);
	begin = monitor_now_ns();
	if (machine_run(m))
		return -EAGAIN;
	run_for(m, ret ? 0 : seconds);
	out->per_second = (monitor_now_ns() - begin) / 1e9;
	machine_stop(m);
	vm_events_sum(m, out->events);
	return ret;
}

static void sum_up(const struct bench_case *c, const struct sim_thread *t,
		   unsigned int threads, struct bench_rate *out, int *ret)
{
	unsigned int i;

	for (i = 0; i < threads; i++) {
		out->done += t[i].rounds * c->per_round;
		if (t[i].failed && !*ret)
			*ret = -EIO;
	}
	out->per_second = out->done / out->per_second;
}

int bench_run_sim(const struct bench_case *c, unsigned int frame_bytes,
		  unsigned int threads, double seconds, u32 checks,
		  struct bench_rate *out)
{
	struct machine_config config = {
		.nr_cpus = threads,
		.nr_frames = 8192 + threads * (c->region >> 12) * 5 / 4,
		.frame_bytes = frame_bytes,
		.seed = 1,
		.mode = RUN_FREE,
		.checks = checks,
	};
	struct sim_thread *t;
	struct machine *m;
	unsigned int i;
	int ret;

	*out = (struct bench_rate){ 0 };
	t = calloc(threads, sizeof(*t));
	if (!t)
		return -ENOMEM;
	for (i = 0; i < threads; i++) {
		t[i].c = c;
		t[i].worker.nr = i;
		t[i].worker.base = REGION_BASE + i * (c->region + (1ul << 30));
	}
	ret = kern_boot(&config, &m);
	if (!ret) {
		ret = check_attach(m, checks);
		if (!ret)
			ret = run_machine(m, t, threads, seconds, out);
		sum_up(c, t, threads, out, &ret);
		check_detach(m);
		kern_shutdown(m);
	}
	free(t);
	return ret;
}
