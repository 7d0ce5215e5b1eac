/* SPDX-License-Identifier: MIT */
/*
 * The simulated side of a benchmark: one process, a task and a vCPU for each
 * worker, on a machine of its own that runs free.
 */
#include <errno.h>
#include <stdlib.h>

#include "check/check.h"
#include "hw/machine.h"
#include "kern/boot.h"
#include "kern/sched.h"
#include "kern/task.h"
#include "mm/mm.h"
#include "stress/bench.h"
#include "stress/windows.h"

#define REGION_BASE	(1ul << 32)

static void sim_main(void *arg)
{
	struct bench_worker *w = arg;

	bench_worker_run(w, w->c->sim);
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

/* All tasks of one address space, made but not running. */
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
			task_start(task);
		else
			ret = -ENOMEM;
	}
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
	vm_events_sum(m, out->events);
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
		.nr_frames = 8192 + threads * (c->region >> 12) * 5 / 4,
		.frame_bytes = frame_bytes,
		.seed = 1,
		.mode = RUN_FREE,
		.checks = checks,
	};
	struct bench_worker *w = calloc(threads, sizeof(*w));
	unsigned int i;
	int ret;

	*out = (struct bench_rate){ 0 };
	if (!w)
		return -ENOMEM;
	for (i = 0; i < threads; i++)
		w[i] = (struct bench_worker){
			.nr = i, .c = c, .seconds = seconds,
			.base = REGION_BASE + i * (c->region + (1ul << 30)),
		};
	ret = boot_and_run(&config, w, threads, out);
	free(w);
	return ret;
}
