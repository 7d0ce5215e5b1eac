/* SPDX-License-Identifier: MIT */
/*
 * `mmstorm run': boot a machine, let a storm loose on it, judge it when it
 * is quiet again.
 */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/atomic.h"
#include "hw/machine.h"
#include "kern/boot.h"
#include "kern/sched.h"
#include "ops/swarm.h"
#include "stress/lists.h"
#include "stress/run.h"
#include "stress/sanitizer.h"

/* How often the whole machine is recounted while it lives. */
#define QUIET_OPS	100000

static const char *const sched_choices[] = { "free", "jitter", NULL };
static const char *const frame_bytes_choices[] = { "64", "4096", NULL };
static const char *const progress_choices[] = { "auto", "always", "never", NULL };

#define ROW(field) .offset = offsetof(struct run_options, field)

const struct option_row run_rows[] = {
	{ "cpus", 'c', OPTION_COUNT, ROW(cpus), 1, NR_CPUS, NULL,
	  "simulated CPUs" },
	{ "timeout", 't', OPTION_SECONDS, ROW(timeout), 0, 0, NULL,
	  "run that long (20s, 5m, 2h)" },
	{ "ops", 'n', OPTION_U64, ROW(ops), 1, ~0ull, NULL,
	  "or until that many ops" },
	{ "seed", 's', OPTION_SEED, ROW(seed), 0, 0, NULL,
	  "what every task does follows from it" },
	{ "sched", 0, OPTION_CHOICE, ROW(sched), 0, 0, sched_choices,
	  "how vCPUs run" },
	{ "jitter", 0, OPTION_COUNT, ROW(jitter_ppm), 0, 1000000, NULL,
	  "points disturbed per million (0: default)" },
	{ "speculate", 0, OPTION_COUNT, ROW(speculate_ppm), 0, 1000000, NULL,
	  "accesses followed by a speculative TLB fill, per million" },
	{ "tasks", 0, OPTION_COUNT, ROW(tasks), 0, OP_STORM_TASKS_MAX, NULL,
	  "tasks at the start (0: the storm's, by CPUs)" },
	{ "pages", 0, OPTION_COUNT, ROW(pages), 0, CHECK_WINDOW_PAGES, NULL,
	  "pages they fight over (0: the storm's)" },
	{ "frames", 0, OPTION_COUNT, ROW(frames), 0, 1u << 24, NULL,
	  "frames of RAM (0: enough)" },
	{ "frame-bytes", 0, OPTION_CHOICE, ROW(frame_bytes), 0, 0,
	  frame_bytes_choices, "bytes kept of a page's contents" },
	{ "tokens", 0, OPTION_COUNT, ROW(tokens), 0, NR_CPUS, NULL,
	  "vCPUs that run at once (0: host cores)" },
	{ "checks", 0, OPTION_STRING, ROW(checks), 0, 0, NULL,
	  "oracles: all, none, or a list (mmstorm list checks)" },
	{ "bug", 0, OPTION_STRING, ROW(bugs), 0, 0, NULL,
	  "plant bugs of the zoo (mmstorm list bugs)" },
	{ "without", 0, OPTION_STRING, ROW(without), 0, 0, NULL,
	  "leave these ops out (mmstorm list ops)" },
	{ "fail-prob", 0, OPTION_PROBABILITY, ROW(fail_prob), 0, 0, NULL,
	  "probability that an allocation fails" },
	{ "max-findings", 0, OPTION_COUNT, ROW(max_findings), 1, 256, NULL,
	  "stop after that many" },
	{ "stall", 0, OPTION_SECONDS, ROW(stall), 0, 0, NULL,
	  "no progress for that long is a stall" },
	{ "trace", 0, OPTION_FLAG, ROW(trace), 0, 0, NULL,
	  "keep the last events of every vCPU and show them in findings" },
	{ "any-windows", 0, OPTION_FLAG, ROW(any_windows), 0, 0, NULL,
	  "do not insist on the storm's windows and oracles" },
	{ "json", 'j', OPTION_STRING, ROW(json), 0, 0, NULL,
	  "write findings and summary as JSON lines to a file, or -" },
	{ "progress", 0, OPTION_CHOICE, ROW(progress), 0, 0, progress_choices,
	  "live line on standard error" },
	{ "quiet", 'q', OPTION_FLAG, ROW(quiet), 0, 0, NULL,
	  "no talk on standard error but findings" },
	{ "help", 'h', OPTION_FLAG, ROW(help), 0, 0, NULL, "this text" },
	{ .name = NULL },
};

void run_options_default(struct run_options *o)
{
	*o = (struct run_options){
		.cpus = 8,
		.sched = 1,
		.speculate_ppm = 20000,
		.max_findings = 1,
		.stall = 60,
		.trace = true,
	};
	if (getrandom(&o->seed, sizeof(o->seed), 0) != sizeof(o->seed))
		o->seed = monitor_now_ns();
	o->seed >>= 16;		/* short enough to type */
}

static void on_finding(struct finding_sink *sink, const struct finding *f)
{
	report_finding(stderr, sink->priv, f);
}

/* The machine cannot go on: say what is known and leave. */
static void on_panic(struct finding_sink *sink, const struct finding *f)
{
	struct run *run = sink->priv;

	(void)f;
	report_machine(stderr, run);
	printf("mmstorm: FINDINGS seed=0x%llx ops=%llu findings=%u\n",
	       (unsigned long long)run->o->seed,
	       (unsigned long long)run_ops(run), run_findings(run));
	fflush(stdout);
	_exit(EXIT_FINDINGS);
}

/* Room for every process's window, tables and copies, and as much again. */
static unsigned long frames_needed(const struct run *run,
				   const struct op_world *world)
{
	unsigned long tasks = op_mix_tasks_max(&run->mix, world->tasks);

	return 4096 + tasks * (world->pages + 32) * 2 +
	       world->files * world->file_pages;
}

static struct op_world world_of(const struct run *run)
{
	const struct run_options *o = run->o;
	const struct storm_info *storm = run->storm;
	unsigned int most = storm->tasks_max ? storm->tasks_max : STORM_TASKS_MAX;
	unsigned int tasks = o->tasks ? o->tasks : min(storm->tasks_per_cpu * o->cpus, most);

	return (struct op_world){
		.cpus = o->cpus,
		.tasks = tasks,
		.procs = (tasks + storm->threads - 1) / storm->threads,
		.pages = o->pages ? o->pages : storm->pages,
		.files = storm->files,
		.file_pages = storm->file_pages,
		.seed = o->seed,
	};
}

static int boot(struct run *run, const struct op_world *world)
{
	const struct run_options *o = run->o;
	struct machine_config config = {
		.nr_cpus = o->cpus,
		.nr_frames = o->frames ? o->frames : frames_needed(run, world),
		.frame_bytes = o->frame_bytes ? 4096 : 64,
		.seed = o->seed,
		.mode = o->sched ? RUN_JITTER : RUN_FREE,
		.run_tokens = o->tokens,
		.speculate_ppm = o->speculate_ppm,
		.jitter_ppm = o->jitter_ppm,
		.checks = run->checks,
		.fail = { .prob = o->fail_prob },
		.trace = o->trace,
	};
	int ret;

	memcpy(config.zoo, run->zoo, sizeof(config.zoo));
	ret = kern_boot(&config, &run->machine);
	if (ret)
		return ret;
	run->machine->sink.priv = run;
	run->machine->sink.on_finding = on_finding;
	run->machine->sink.on_panic = on_panic;
	return check_attach(run->machine, run->checks);
}

static void unleash(struct run *run)
{
	if (monitor_start(run)) {
		run->error = -EAGAIN;
		return;
	}
	run->error = op_run_streams(run->ops, &run->mix, run->o->ops);
	monitor_join(run);
}

static void settle(struct run *run)
{
	machine_bind_host(run->machine, 0);
	check_quiet(run->machine);
	machine_unbind_host(run->machine);
}

/* Every task rests between two ops; its address spaces are alive. */
static void on_quiet(void *arg, struct mm_struct *const *mms, unsigned int nr)
{
	struct run *run = arg;

	(void)mms;
	(void)nr;
	check_quiet(run->machine);
}

static int set_up(struct run *run)
{
	struct op_run_config config = {
		.world = world_of(run),
		.quiet = run->checks ? on_quiet : NULL,
		.quiet_ops = QUIET_OPS,
		.arg = run,
	};
	int ret;

	ret = op_world_valid_storm(&config.world);
	if (!ret)
		ret = boot(run, &config.world);
	if (ret)
		return ret;
	config.machine = run->machine;
	return op_run_create(&config, &run->ops);
}

/* The document that was asked for may be JSON: then the summary is talk. */
static FILE *summary_of(const struct run_options *o)
{
	return o->json && !strcmp(o->json, "-") ? stderr : stdout;
}

/* One storm; false when there was none, for want of a machine. */
static bool run_storm(struct run *run, FILE *json)
{
	int ret;

	if (!run->o->quiet)
		fprintf(stderr, "%s\n", run->repeat);
	sanitizer_set_epitaph(run->repeat);
	run->reports_before = sanitizer_reports();
	ret = set_up(run);
	if (ret) {
		fprintf(stderr, "mmstorm run: the machine could not be set up: %s\n",
			strerror(-ret));
		run->verdict.code = ret == -EINVAL || ret == -ENOSYS ? EXIT_USAGE : EXIT_RESOURCES;
		return false;
	}
	unleash(run);
	settle(run);
	run->verdict = run_verdict(run);
	run->nr_ops = run_ops(run);
	run->nr_findings = run_findings(run);
	report_summary(summary_of(run->o), run);
	if (json)
		report_json(json, run);
	op_run_destroy(run->ops);
	check_detach(run->machine);
	kern_shutdown(run->machine);
	return true;
}

/* One after the other, whatever the ones before have found; Ctrl-C ends them all. */
static int run_storms(struct run *runs, unsigned int nr, FILE *json)
{
	unsigned int i;

	for (i = 0; i < nr; i++)
		if (!run_storm(&runs[i], json))
			return runs[i].verdict.code;
		else if (runs[i].verdict.code == EXIT_INTERRUPTED)
			nr = i + 1;
	return report_storms(summary_of(runs->o), runs, nr);
}

static int run_and_save(struct run *runs, unsigned int nr)
{
	const char *path = runs->o->json;
	size_t size = 0;
	char *text = NULL;
	FILE *json = path ? open_memstream(&text, &size) : NULL;
	int code;

	if (path && !json)
		return EXIT_RESOURCES;
	code = run_storms(runs, nr, json);
	if (json && (fclose(json) || report_save(path, text, size)) && code != EXIT_FINDINGS)
		code = EXIT_USAGE;
	free(text);
	return code;
}

/* What the tasks do this time. */
static void deal(struct run *run)
{
	run->mix = run->storm->mix;
	if (run->storm->swarm)
		op_mix_swarm(&run->storm->mix, run->o->seed, &run->mix);
}

/* The command that does this run again. */
static void repeat_line(struct run *run)
{
	FILE *out = fmemopen(run->repeat, sizeof(run->repeat), "w");
	struct run_options defaults;

	if (!out)
		return;
	run_options_default(&defaults);
	fprintf(out, "mmstorm run %s", run->storm->name);
	options_print(run_rows, run->o, &defaults, out);
	fclose(out);
}

static int usage(void)
{
	printf("usage: mmstorm run STORM[,STORM...] [options]\n\n"
	       "Lets a storm of ops loose on a simulated machine and judges it; several one\n"
	       "after the other, each with the whole time.  'mmstorm list storms' names them.\n\n");
	options_help(run_rows);
	printf("\nExit: 0 SUCCESS, 1 usage, 2 FINDINGS, 3 out of resources, 5 STALL,\n"
	       "7 NOT-EXERCISED, 130 interrupted.\n");
	return EXIT_CLEAN;
}

/* What follows from the command line for one storm. */
static int prepare(struct run *run)
{
	deal(run);
	if (parse_checks("run", run->o->checks, &run->checks) ||
	    parse_bugs("run", run->o->bugs, run->zoo) ||
	    parse_without("run", run->o->without, &run->mix))
		return -EINVAL;
	repeat_line(run);
	return 0;
}

int cmd_run(int argc, char **argv)
{
	const struct storm_info *chosen[STORMS_MAX];
	struct run runs[STORMS_MAX];
	struct run_options o;
	int words, nr, i;

	run_options_default(&o);
	words = options_parse("run", run_rows, argc, argv, &o);
	if (words < 0)
		return EXIT_USAGE;
	if (o.help)
		return usage();
	if (words != 1) {
		fprintf(stderr, "mmstorm run: name one storm, or several as STORM,STORM; 'mmstorm list storms' names them\n");
		return EXIT_USAGE;
	}
	nr = parse_storms("run", argv[1], chosen);
	if (nr < 0)
		return EXIT_USAGE;
	if (!o.ops && o.timeout <= 0)
		o.timeout = 20;
	for (i = 0; i < nr; i++) {
		runs[i] = (struct run){ .o = &o, .storm = chosen[i] };
		if (prepare(&runs[i]))
			return EXIT_USAGE;
	}
	return run_and_save(runs, (unsigned int)nr);
}
