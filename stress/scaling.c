/* SPDX-License-Identifier: MIT */
/*
 * `mmstorm explore --scaling STORM': what a storm would do on 1, 2, 4, ... 256 vCPUs that
 * run at once, by the cost model of hw/cost.h.
 *
 * Each number of vCPUs is a controlled machine of its own, in which the vCPU whose clock
 * is least goes next; a task starts on each vCPU, and the run ends when every clock has
 * passed the span.  Oracles are off: it is the mm's time that is counted.  All tasks do
 * all of the storm's ops: who only reads, or dwells on a page, is there for races, and
 * would be most of the ops and none of the work.
 */
#include "stress/scaling.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <string.h>

#include "hw/cpumask.h"
#include "mmstorm.h"
#include "ops/swarm.h"
#include "stress/document.h"
#include "stress/exit_codes.h"
#include "stress/lists.h"
#include "stress/options.h"

struct scaling_options {
	const char	*storm;
	unsigned int	cpus;
	unsigned int	threads;
	unsigned int	span;		/* us */
	u64		seed;
	const char	*weights;
	unsigned int	pages, files;
	struct cost_model model;
	const char	*json;
	const char	*svg;
	bool		help;
};

#define ROW(field)	.offset = offsetof(struct scaling_options, field)
#define COST(name, field, help) \
	{ name, 0, OPTION_COUNT, ROW(model.field), 0, 1000000000, NULL, help }

static const struct option_row rows[] = {
	{ "scaling", 0, OPTION_STRING, ROW(storm), 0, 0, NULL,
	  "the storm ('mmstorm list storms')" },
	{ "cpus", 0, OPTION_COUNT, ROW(cpus), 1, NR_CPUS, NULL,
	  "vCPUs, at most: 1, 2, 4, ... up to these" },
	{ "threads", 0, OPTION_COUNT, ROW(threads), 0, NR_CPUS, NULL,
	  "of a process, 1: each task is a process; 0: one process has them all" },
	{ "span", 0, OPTION_COUNT, ROW(span), 1, 1000000, NULL,
	  "microseconds of virtual time" },
	{ "weight", 0, OPTION_STRING, ROW(weights), 0, 0, NULL,
	  "shares of ops, where they are not the storm's: store=500,munmap=0", valid_weights },
	{ "pages", 0, OPTION_COUNT, ROW(pages), 1, OP_PAGES_MAX, NULL, "of the window" },
	{ "files", 0, OPTION_COUNT, ROW(files), 0, OP_FILES_MAX, NULL, "that are mapped" },
	{ "seed", 0, OPTION_SEED, ROW(seed), 0, 0, NULL, "of the tasks' ops" },
	COST("line", line, "ns: a cache line comes from another vCPU"),
	COST("hand-over", hand_over, "ns: a lock goes to a waiter"),
	COST("ipi", ipi, "ns: until an interrupt can be taken"),
	COST("wake", wake, "ns: until an idle vCPU goes on"),
	COST("grace", grace, "ns: a grace period, at least"),
	COST("slice", slice, "ns: a task's turn, from tick to tick"),
	{ "json", 0, OPTION_STRING, ROW(json), 0, 0, NULL, "JSON lines to a file, - for standard output" },
	{ "svg", 0, OPTION_STRING, ROW(svg), 0, 0, NULL, "the curve as a picture, to a file" },
	{ "help", 'h', OPTION_FLAG, ROW(help), 0, 0, NULL, "this text" },
	{ .name = NULL },
};

/* ---- one machine ---- */

struct experiment {
	struct scaling		*s;
	struct scaling_point	*point;
	struct op_mix		mix;
	struct op_world		world;
	struct cost_times	times;
	struct machine		*machine;
	struct op_run		*run;
};

static void time_is_over(void *arg)
{
	struct experiment *e = arg;

	op_run_stop(e->run);
}

static int boot(struct experiment *e)
{
	const struct op_world *w = &e->world;
	struct machine_config config = {
		.nr_cpus = w->cpus,
		.nr_frames = 4096 + op_mix_tasks_max(&e->mix, w->tasks) * (w->pages + 32) * 2 +
			     w->files * w->file_pages,
		.frame_bytes = 64,
		.seed = w->seed,
		.mode = RUN_CONTROLLED,
		.stack_size = 64 << 10,
		.control = { .max_points = U64_MAX, .times = &e->times },
	};
	struct op_run_config rc = { .world = *w };
	int err = cost_times_init(&e->times, &e->s->model, w->cpus);

	if (err)
		return err;
	e->times.end = e->s->span;
	e->times.over = time_is_over;
	e->times.arg = e;
	err = kern_boot(&config, &e->machine);
	if (err)
		return err;
	rc.machine = e->machine;
	return op_run_create(&rc, &e->run);
}

static void take_figures(struct experiment *e)
{
	struct op_counts counts;

	op_run_counts(e->run, -1, &counts);
	e->point->ops = counts.ops;
	e->point->ns = cost_now(&e->times);
	e->point->counts = e->times.counts;
}

/* -EDEADLK: it got stuck, which is printed. */
static int measure(struct experiment *e)
{
	const struct finding *f;
	int err = boot(e);

	if (!err)
		err = op_run_streams(e->run, &e->mix, 0);
	if (!err) {
		take_figures(e);
		op_run_destroy(e->run);
		kern_shutdown(e->machine);
	} else if (e->machine) {
		for (unsigned int i = 0; (f = finding_get(&e->machine->sink, i)); i++)
			printf("%s\n  %s\n", f->title, f->detail);
		kern_drop(e->machine);
	}
	if (!err && e->times.lost)
		err = -ENOMEM;
	cost_times_free(&e->times);
	return err;
}

static int choose_mix(const struct storm_info *storm, const struct scaling_options *o,
		      struct op_mix *mix)
{
	struct option_error err;

	*mix = storm->mix;
	if (storm->swarm)
		op_mix_swarm(&storm->mix, o->seed, mix);
	mix->readers = mix->writers = mix->dwell = mix->duel = 0;
	if (!list_weights(o->weights, mix, &err) && !op_mix_valid(mix))
		return 0;
	fprintf(stderr, "mmstorm explore: --weight: no op is left that every task may do: give one a weight\n");
	return -EINVAL;
}

static int run_point(struct scaling *s, const struct scaling_options *o,
		     const struct op_mix *mix, unsigned int cpus)
{
	const struct storm_info *storm = s->storm;
	struct experiment e = {
		.s = s,
		.point = &s->point[s->nr],
		.mix = *mix,
		.world = {
			.cpus = cpus, .tasks = cpus,
			.procs = o->threads ? DIV_ROUND_UP(cpus, o->threads) : 1,
			.pages = o->pages ? o->pages : storm->pages,
			.files = o->files == UINT_MAX ? storm->files : o->files,
			.file_pages = storm->file_pages, .seed = o->seed,
		},
	};
	int err;

	e.point->cpus = cpus;
	e.point->procs = e.world.procs;
	err = measure(&e);
	s->nr += !err;
	return err;
}

/* ---- the command ---- */

static int measure_all(struct scaling *s, const struct scaling_options *o,
		       const struct op_mix *mix)
{
	int err = 0;

	scaling_print_head(s);
	for (unsigned int cpus = 1; !err && cpus <= o->cpus; cpus *= 2) {
		err = run_point(s, o, mix, cpus);
		if (!err)
			scaling_print_point(s, &s->point[s->nr - 1]);
	}
	return err;
}

static int write_documents(const struct scaling *s, const struct scaling_options *o)
{
	struct document json, svg;

	if (document_open(&json, o->json))
		return EXIT_RESOURCES;
	if (json.file)
		scaling_write_json(json.file, s);
	if (document_close(&json) || document_open(&svg, o->svg))
		return EXIT_RESOURCES;
	if (svg.file)
		scaling_write_svg(svg.file, s);
	return document_close(&svg) ? EXIT_RESOURCES : EXIT_CLEAN;
}

static int report(struct scaling *s, const struct scaling_options *o, int err)
{
	int ret = EXIT_CLEAN;

	if (err == -EDEADLK)
		ret = EXIT_FINDINGS;
	else if (err)
		ret = err == -EINVAL ? EXIT_SKIPPED : EXIT_RESOURCES;
	if (ret > EXIT_FINDINGS)
		fprintf(stderr, "mmstorm explore: --scaling: the machine could not be set up: %s\n",
			strerror(-err));
	if (ret)
		return ret;
	scaling_print_curve(s);
	return write_documents(s, o);
}

static int scaling(const struct scaling_options *o)
{
	struct scaling s = {
		.storm = storm_find(o->storm), .model = o->model, .seed = o->seed,
		.span = (u64)o->span * 1000,
		.who = o->threads == 1 ? "each task a process" :
		       o->threads ? "processes of some threads" : "threads of one process",
	};
	struct op_mix mix;

	if (!s.storm) {
		fprintf(stderr, "mmstorm explore: --scaling: there is no storm '%s'; 'mmstorm list storms' names them\n",
			o->storm);
		return EXIT_USAGE;
	}
	if (!MM_POINTS) {
		fprintf(stderr, "mmstorm explore: this build has no scheduling points\n");
		return EXIT_SKIPPED;
	}
	if (choose_mix(s.storm, o, &mix))
		return EXIT_USAGE;
	return report(&s, o, measure_all(&s, o, &mix));
}

bool scaling_asked(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strncmp(argv[i], "--scaling", 9))
			return true;
	}
	return false;
}

int cmd_scaling(int argc, char **argv)
{
	struct scaling_options o = { .cpus = NR_CPUS, .span = 100, .seed = 1, .files = UINT_MAX };
	int words;

	cost_model_default(&o.model);
	words = options_parse("explore", rows, argc, argv, &o);
	if (words < 0)
		return EXIT_USAGE;
	if (o.help || words != 0 || !o.storm) {
		fprintf(o.help ? stdout : stderr,
			"usage: mmstorm explore --scaling STORM [options]\n");
		if (o.help)
			options_help(rows);
		return o.help ? EXIT_CLEAN : EXIT_USAGE;
	}
	return scaling(&o);
}
