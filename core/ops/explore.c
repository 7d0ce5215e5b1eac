/* SPDX-License-Identifier: MIT */
/*
 * One controlled run of a program: boot, run, recount, shut down, and what was seen.
 *
 * Owns the machine for that long; one thread, no locks.  Compiled without ThreadSanitizer:
 * what it notes of each op it notes as every vCPU in turn.  Must put nothing into a hash
 * that another build or host would have otherwise.
 */
#include "ops/explore.h"

#include <errno.h>
#include <setjmp.h>
#include <string.h>

#include "base/compiler.h"
#include "check/check.h"
#include "hw/machine.h"
#include "hw/sums.h"
#include "kern/boot.h"
#include "kern/sched.h"
#include "kern/task.h"
#include "ops/exec_int.h"
#include "ops/final_state.h"
#include "trace/trace.h"

struct exploration {
	struct machine		*machine;
	struct op_run		*run;
	struct explore_result	*result;
	const struct explore_watch *watch;	/* never NULL */
	struct strategy		*strategy;
	u64			nr_ops;
	bool			until_finding;
	bool			begun, over;	/* watch->begin and end were called */
	jmp_buf			out;		/* of a panic of the host's thread */
};

static void mix_in(struct explore_result *r, u64 word)
{
	r->hash = mix64(r->hash + word);
}

/* ---- what is seen ---- */

/* The run under way, from inside; returns where there is none. */
static void leave(struct machine *m)
{
	if (m->control && this_cpu())
		control_abandon(m);
}

static void on_finding(struct finding_sink *sink, const struct finding *f)
{
	struct exploration *e = sink->priv;

	if (e->begun && e->watch->finding)
		e->watch->finding(e->watch->arg, f);
	if (e->result->findings++)
		return;
	memcpy(e->result->title, f->title, sizeof(e->result->title));
	memcpy(e->result->detail, f->detail, sizeof(e->result->detail));
	if (e->until_finding)
		leave(container_of(sink, struct machine, sink));
}

/* A machine that cannot go on leaves its run; or its setting up, its shutting down. */
static void on_panic(struct finding_sink *sink, const struct finding *f)
{
	struct exploration *e = sink->priv;

	(void)f;
	e->machine = container_of(sink, struct machine, sink);
	leave(e->machine);
	this_cpu_bind(NULL);
	longjmp(e->out, 1);
}

static void on_op(void *arg, const struct op_place *place, const struct mm_op *op,
		  const struct op_result *result)
{
	struct exploration *e = arg;
	const u64 seen[] = {
		place->task, place->k, place->cpu, op->code, result->done, result->failed,
		(u64)result->ret, result->va, result->value, (u64)result->signo,
		(u64)result->code, result->address,
	};

	e->result->ops++;
	e->result->state += final_answer(place, op, result);
	/* The program is done; how its tasks and the machine go down is not what is searched. */
	if (e->result->ops == e->nr_ops)
		strategy_close(e->strategy);
	for (unsigned int i = 0; i < ARRAY_SIZE(seen); i++)
		mix_in(e->result, seen[i]);
}

static void on_quiet(void *arg, struct mm_struct *const *mms, unsigned int nr)
{
	struct exploration *e = arg;

	check_quiet(e->machine);
	e->result->state += final_memory(e->machine, mms, nr);
}

/* ---- the machine ---- */

/* Task slots that the program names. */
static unsigned int nr_slots(const struct op_list *list)
{
	unsigned int slots = list->world.tasks;

	for (size_t i = 0; i < list->nr; i++) {
		const struct mm_op *op = &list->ops[i];

		slots = max(slots, op->task + 1u);
		if (op->code == OP_FORK || op->code == OP_CLONE)
			slots = max(slots, (unsigned int)op->arg[0] + 1);
	}
	return slots;
}

/* Each task may copy the whole window, with the tables for it, and per-CPU lists are filled. */
static unsigned long frames_for(const struct op_list *list)
{
	const struct op_world *w = &list->world;

	return 256 + 64UL * w->cpus + nr_slots(list) * (w->pages + 32UL) +
	       (unsigned long)w->files * w->file_pages;
}

static int boot(struct exploration *e, const struct explore_config *config,
		struct strategy *strategy, struct schedule *record)
{
	const struct op_world *world = &config->list->world;
	struct machine_config mc = {
		.nr_cpus = world->cpus,
		.nr_frames = frames_for(config->list),
		.frame_bytes = 64,
		.seed = world->seed,
		.mode = RUN_CONTROLLED,
		.zoo = { config->zoo[0], config->zoo[1] },
		.checks = config->checks,
		.trace = true,
		.trace_events = 64,
		.trace_hash = true,
		.stack_size = 64 << 10,
		.control = {
			.strategy = strategy, .record = record,
			.max_points = config->max_points, .fills = config->fills,
			.memory = config->memory,
			.watch = e->watch->point, .watch_arg = e->watch->arg,
		},
		.stock = config->stock,
		.on_finding = on_finding, .on_panic = on_panic, .sink_priv = e,
	};
	struct op_run_config rc = {
		.world = *world, .observe = on_op, .quiet = on_quiet, .arg = e,
	};
	int err = kern_boot(&mc, &e->machine);

	if (err)
		return err;
	err = check_attach(e->machine, config->checks);
	if (!err) {
		rc.machine = e->machine;
		err = op_run_create(&rc, &e->run);
	}
	if (err)
		return err;
	e->begun = true;
	if (e->watch->begin)
		e->watch->begin(e->watch->arg, e->machine);
	return 0;
}

static void shut_down(struct exploration *e)
{
	op_run_destroy(e->run);
	check_detach(e->machine);
	kern_shutdown(e->machine);
}

/* The run is over: what the machine has to say of it. */
static void take_stock(struct exploration *e)
{
	const struct control_stats *stats = machine_control_stats(e->machine);
	struct explore_result *r = e->result;

	e->over = true;
	r->points = stats->points;
	r->decisions = stats->decisions;
	r->contested = e->strategy->contested;
	for (enum window_id id = 0; id < NR_WINDOWS; id++)
		r->windows[id] = windows_sum(e->machine, id);
	r->state += final_counts(e->machine);
	mix_in(r, stats->hash);
	for (unsigned int i = 0; i < e->machine->nr_cpus; i++)
		mix_in(r, e->machine->sched_cpus[i]->local.trace->hash);
	mix_in(r, r->findings);
	if (e->watch->end)
		e->watch->end(e->watch->arg, e->machine);
}

/* -EDEADLK: stuck, wherever: the machine is as it was then. */
static int run(struct exploration *e, const struct explore_config *config,
	       struct strategy *strategy, struct schedule *record)
{
	int err;

	if (setjmp(e->out))
		return -EDEADLK;
	err = boot(e, config, strategy, record);
	if (!err)
		err = op_run_program(e->run, config->list);
	if (err)
		return err;
	machine_bind_host(e->machine, 0);
	check_quiet(e->machine);
	machine_unbind_host(e->machine);
	take_stock(e);
	shut_down(e);
	return 0;
}

int explore_run(const struct explore_config *config, struct strategy *strategy,
		struct schedule *record, struct explore_result *result)
{
	static const struct explore_watch nobody;
	struct exploration e = {
		.result = result, .watch = config->watch ? config->watch : &nobody,
		.strategy = strategy, .nr_ops = config->list->nr,
		.until_finding = config->until_finding,
	};
	int err;

	memset(result, 0, sizeof(*result));
	if (record)
		schedule_clear(record);
	err = run(&e, config, strategy, record);
	result->stuck = err == -EDEADLK;
	if (err && e.machine) {
		if (result->stuck && e.begun && !e.over)
			take_stock(&e);
		kern_drop(e.machine);
	}
	if (record && record->lost)
		return -ENOMEM;
	return result->stuck ? 0 : err;
}

static bool place_of(const struct task_struct *task, struct explore_place *place)
{
	const struct op_task *t = task ? task->private : NULL;

	if (t)
		*place = (struct explore_place){ .slot = t->index, .line = t->line };
	return t;
}

bool explore_at(const struct machine *m, unsigned int cpu, struct explore_place *place)
{
	const struct task_struct *next = kern_next_task(m->cpus[cpu]);

	if (!place_of(next ? next : m->cpus[cpu]->current_task, place))
		return false;
	place->coming = next;
	return true;
}

bool explore_queued(const struct task_struct *task, struct explore_place *place,
		    unsigned int *cpu)
{
	*cpu = task->queue;
	return task->run == TASK_QUEUED && place_of(task, place);
}
