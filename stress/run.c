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
#include "base/compiler.h"
#include "hw/machine.h"
#include "kern/boot.h"
#include "kern/sched.h"
#include "ops/swarm.h"
#include "stress/document.h"
#include "stress/lists.h"
#include "stress/plan.h"
#include "stress/run.h"
#include "stress/sanitizer.h"

/* How often the whole machine is recounted while it lives. */
#define QUIET_OPS	100000

static const char *const sched_choices[] = { "free", "jitter", NULL };
static const char *const frame_bytes_choices[] = { "64", "4096", NULL };
static const char *const progress_choices[] = { "auto", "always", "never", NULL };

#define ROW(field) .offset = offsetof(struct run_options, field)

const struct option_row run_rows[] = {
	{ "storm", 0, OPTION_STRING, ROW(storm), 0, 0, NULL,
	  "what the tasks do: a list, or all; STORM is short for it", valid_storms },
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
	{ "files", 0, OPTION_COUNT, ROW(files), 0, OP_FILES_MAX, NULL,
	  "files that they map (0: the storm's)" },
	{ "file-pages", 0, OPTION_COUNT, ROW(file_pages), 0, OP_PAGES_MAX, NULL,
	  "pages of each file at the start (0: the storm's)" },
	{ "frames", 0, OPTION_COUNT, ROW(frames), 0, 1u << 24, NULL,
	  "frames of RAM (0: enough)" },
	{ "frame-bytes", 0, OPTION_CHOICE, ROW(frame_bytes), 0, 0,
	  frame_bytes_choices, "bytes kept of a page's contents" },
	{ "tokens", 0, OPTION_COUNT, ROW(tokens), 0, NR_CPUS, NULL,
	  "vCPUs that run at once (0: host cores)" },
	{ "checks", 0, OPTION_STRING, ROW(checks), 0, 0, NULL,
	  "oracles: all, none, or a list (mmstorm list checks)", valid_checks },
	{ "bug", 0, OPTION_STRING, ROW(bugs), 0, 0, NULL,
	  "plant bugs of the zoo (mmstorm list bugs)", valid_bugs },
	{ "weight", 0, OPTION_STRING, ROW(weights), 0, 0, NULL,
	  "shares of single ops, mmap=50,fork=2, instead of the storm's",
	  valid_weights },
	{ "without", 0, OPTION_STRING, ROW(without), 0, 0, NULL,
	  "leave these ops out (mmstorm list ops)", valid_without },
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
	{ "job", 0, OPTION_STRING, ROW(job), 0, 0, NULL,
	  "the runs of a job file, or of a ready job (mmstorm list jobs)",
	  .not_in_jobs = true },
	{ "section", 0, OPTION_STRING, ROW(section), 0, 0, NULL,
	  "of the job only these runs: a list", .not_in_jobs = true },
	{ "dry-run", 0, OPTION_FLAG, ROW(dry_run), 0, 0, NULL,
	  "print what would be run, as commands, and leave it at that",
	  .not_in_jobs = true },
	{ "json", 'j', OPTION_STRING, ROW(json), 0, 0, NULL,
	  "write findings and summary as JSON lines to a file, or -",
	  .not_in_jobs = true },
	{ "progress", 0, OPTION_CHOICE, ROW(progress), 0, 0, progress_choices,
	  "live line on standard error", .not_in_jobs = true },
	{ "quiet", 'q', OPTION_FLAG, ROW(quiet), 0, 0, NULL,
	  "no talk on standard error but findings", .not_in_jobs = true },
	{ "help", 'h', OPTION_FLAG, ROW(help), 0, 0, NULL, "this text",
	  .not_in_jobs = true },
	{ .name = NULL },
};
BUILD_BUG_ON(ARRAY_SIZE(run_rows) > OPTION_ROWS_MAX);

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
	struct run *run = sink->priv;

	if (run->ops && f->seq == 1)
		recent_look(run->ops, &run->recent);
	report_finding(stderr, run, f);
}

/* The machine cannot go on: say what is known and leave. */
static void on_panic(struct finding_sink *sink, const struct finding *f)
{
	struct run *run = sink->priv;

	(void)f;
	report_machine(stderr, run);
	report_findings(stdout, run);
	printf("repeat    %s\n", run->repeat);
	report_last_word(run, "FINDINGS");
	if (run->json->file) {
		report_json_findings(run->json->file, run);
		document_close(run->json);
	}
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
	struct op_world world = storm_world(run->storm, o->cpus, o->tasks, o->seed);

	world.pages = o->pages ? o->pages : world.pages;
	world.files = o->files ? o->files : world.files;
	world.file_pages = o->file_pages ? o->file_pages : world.file_pages;
	return world;
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
		.window_ppm = run->storm->window_ppm,
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
		.world = run->world,
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

static struct verdict not_set_up(int err)
{
	struct verdict v = { .code = EXIT_RESOURCES, .word = "NO-RESOURCES" };

	if (err == -EINVAL || err == -ENOSYS)
		v = (struct verdict){ .code = EXIT_USAGE, .word = "NOT-SET-UP" };
	snprintf(v.why, sizeof(v.why), "the machine could not be set up: %s",
		 strerror(-err));
	fprintf(stderr, "mmstorm run: %s\n", v.why);
	return v;
}

static void judge(struct run *run)
{
	FILE *json = run->json->file;

	run->verdict = run_verdict(run);
	run->ops_done = run_ops(run);
	run->found = run_findings(run);
	report_summary(json == stdout ? stderr : stdout, run);
	if (json)
		report_json(json, run);
}

void run_storm(struct run *run, struct document *json)
{
	int ret;

	run->json = json;
	run->world = world_of(run);
	sanitizer_set_epitaph(run->repeat);
	run->reports_before = sanitizer_reports();
	ret = set_up(run);
	if (ret) {
		run->verdict = not_set_up(ret);
	} else {
		unleash(run);
		settle(run);
		judge(run);
		op_run_destroy(run->ops);
	}
	if (run->machine) {
		check_detach(run->machine);
		kern_shutdown(run->machine);
	}
	sanitizer_set_epitaph(NULL);
	run->ops = NULL;
	run->machine = NULL;
}

/* The command that does this run again, and nothing else. */
static char *repeat_line(const struct storm_info *storm, const struct run_options *o)
{
	struct run_options shown = *o, defaults;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	run_options_default(&defaults);
	shown.storm = shown.job = shown.section = NULL;
	shown.dry_run = false;
	fprintf(out, "mmstorm run %s", storm->name);
	options_print(run_rows, &shown, &defaults, out);
	if (!fclose(out))
		return text;
	free(text);
	return NULL;
}

/* A swarm's is dealt from the seed; what is asked for goes before what was dealt. */
static int prepare_mix(struct run *run, struct option_error *err)
{
	run->mix = run->storm->mix;
	if (run->storm->swarm)
		op_mix_swarm(&run->storm->mix, run->o->seed, &run->mix);
	if (list_weights(run->o->weights, &run->mix, err) ||
	    list_without(run->o->without, &run->mix, err))
		return -EINVAL;
	if (op_mix_valid(&run->mix))
		return option_refuse(err, "no op is left that every task may do: give one a weight");
	return 0;
}

int run_prepare(struct run *run, struct option_error *err)
{
	const struct run_options *o = run->o;

	if (o->frames && o->frames < MACHINE_FRAMES_MIN)
		return option_refuse(err, "frames: %u are too few, %d or more will do",
				     o->frames, MACHINE_FRAMES_MIN);
	if (list_checks(o->checks, &run->checks, err) ||
	    list_bugs(o->bugs, run->zoo, err) || prepare_mix(run, err))
		return -EINVAL;
	run->repeat = repeat_line(run->storm, o);
	return run->repeat ? 0 : -ENOMEM;
}

void run_forget(struct run *run)
{
	free(run->repeat);
	run->repeat = NULL;
}

static int usage(void)
{
	printf("usage: mmstorm run STORM[,STORM...] [options]\n"
	       "       mmstorm run --job JOB [--section NAME,...] [options]\n\n"
	       "Lets a storm of ops loose on a simulated machine and judges it; several, and\n"
	       "those of a job, one after the other, each with the whole time.\n"
	       "'mmstorm list storms' names the storms, 'mmstorm list jobs' the ready jobs.\n"
	       "Options given here go before those of a job.\n\n");
	options_help(run_rows);
	printf("\nExit: 0 SUCCESS, 1 usage, 2 FINDINGS, 3 out of resources, 5 STALL,\n"
	       "7 NOT-EXERCISED, 130 interrupted.  Of several runs: the worst one's.\n");
	return EXIT_CLEAN;
}

int cmd_run(int argc, char **argv)
{
	struct run_options o;
	int words;
	u64 given;

	run_options_default(&o);
	words = options_parse_given("run", run_rows, argc, argv, &o, &given);
	if (words < 0)
		return EXIT_USAGE;
	if (o.help)
		return usage();
	if (words > 1 || (words && o.storm)) {
		fprintf(stderr, "mmstorm run: name one storm, or several as STORM,STORM; 'mmstorm list storms' names them\n");
		return EXIT_USAGE;
	}
	if (words)
		o.storm = argv[1];
	if (o.job)
		return plan_job(&o, given);
	if (o.section) {
		fprintf(stderr, "mmstorm run: --section picks runs of a job: give --job too\n");
		return EXIT_USAGE;
	}
	return plan_line(&o);
}
