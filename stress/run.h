/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_STRESS_RUN_H
#define MMSTORM_STRESS_RUN_H

#include <stdio.h>

#include "base/types.h"
#include "base/finding.h"
#include "ops/exec.h"
#include "ops/recent.h"
#include "stress/exit_codes.h"
#include "stress/options.h"
#include "stress/storm.h"

struct machine;
struct document;

/* What `mmstorm run' was asked for. */
struct run_options {
	const char	*storm;		/* comma list, or "all": a run each */
	unsigned int	cpus;
	unsigned int	tasks;		/* 0: the storm's, by cpus */
	unsigned int	pages;		/* 0: the storm's */
	unsigned int	files;		/* 0: the storm's */
	unsigned int	file_pages;	/* 0: the storm's */
	unsigned int	frames;		/* 0: enough */
	unsigned int	frame_bytes;	/* index in frame_bytes_choices */
	unsigned int	tokens;		/* 0: host cores */
	unsigned int	sched;		/* index in sched_choices */
	unsigned int	jitter_ppm;	/* 0: default */
	unsigned int	speculate_ppm;
	unsigned int	max_findings;
	unsigned int	progress;	/* index in progress_choices */
	u64		ops;
	u64		seed;
	double		timeout;	/* seconds */
	double		stall;		/* seconds without progress */
	double		fail_prob;
	const char	*checks;	/* comma list, "all" or "none" */
	const char	*bugs;		/* comma list of zoo slugs */
	const char	*weights;	/* comma list of op=N, over the storm's mix */
	const char	*without;	/* comma list of ops that are left out */
	const char	*json;		/* file, or "-" */
	const char	*job;		/* file of a job, or the name of a ready one */
	const char	*section;	/* comma list of the job's sections; NULL: all */
	bool		trace;
	bool		quiet;
	bool		any_windows;	/* do not ask for the storm's windows */
	bool		dry_run;
	bool		help;
};

extern const struct option_row run_rows[];
void run_options_default(struct run_options *o);

/* Why a run ended before its own end; the first reason stands. */
enum run_stop {
	STOP_NONE,
	STOP_TIMEOUT,
	STOP_FINDINGS,		/* max_findings reached */
	STOP_SIGNAL,
	STOP_STALL,
};

struct verdict {
	enum exit_code	code;
	const char	*word;
	char		why[160];
};

/* One run, from set-up to verdict. */
struct run {
	const struct run_options *o;
	const struct storm_info	*storm;		/* one of the options' */
	const char		*section;	/* of a job; NULL: none */
	struct op_mix		mix;		/* the storm's, as dealt, with what was asked for */
	u32			checks;		/* mask */
	u64			zoo[2];		/* planted bugs */
	struct machine		*machine;
	struct op_run		*ops;
	struct op_world		world;
	struct document		*json;		/* where its lines go */
	char			*repeat;	/* the command that runs it again */
	unsigned int		reports_before;	/* of the sanitizer, in runs before this */

	/* Written by the monitor and by signal handlers, atomically. */
	u32			stop;		/* enum run_stop */
	u32			finished;	/* futex-free flag: the ops have ended */
	u64			started_ns;

	/* By who made the first finding. */
	struct recent		recent;

	/* After the run. */
	double			seconds;
	int			error;		/* of op_run_*, 0 or -errno */
	struct verdict		verdict;
	u64			ops_done;
	unsigned int		found;
};

/*
 * What follows from the options and the storm: mix, masks, the command that repeats it.
 * 0, or -errno and *err says why.  run_forget() frees it.
 */
int run_prepare(struct run *run, struct option_error *err);
void run_forget(struct run *run);

/* Boots, runs, judges, reports; fills what is known after the run.  json: open. */
void run_storm(struct run *run, struct document *json);

/* monitor.c: a host thread that shows progress, keeps time and sees stalls. */
int monitor_start(struct run *run);
void monitor_join(struct run *run);
bool monitor_interrupted(void);	/* by Ctrl-C or SIGTERM, since the first start */
u64 monitor_now_ns(void);

/* verdict.c */
struct verdict run_verdict(const struct run *run);
/* What a user must hear first: the higher the worse. */
unsigned int verdict_rank(enum exit_code code);
u64 run_ops(const struct run *run);
unsigned int run_findings(const struct run *run);
unsigned int run_sanitizer_reports(const struct run *run);

/* report.c: the summary that a person reads; report_json.c: the same as JSON lines. */
void report_summary(FILE *out, const struct run *run);
/* A swarm's runs differ: a line with this one's mix. */
void report_mix(FILE *out, const char *before, const struct run *run);
/* The last line, of a run or of several, which says it all in a word. */
void report_verdict(FILE *out, const char *word, u64 seed, u64 ops,
		    unsigned int findings);
/* That line, before the program ends here and now. */
void report_last_word(const struct run *run, const char *word);
void report_finding(FILE *out, const struct run *run, const struct finding *f);
void report_findings(FILE *out, const struct run *run);	/* a line each */
void report_machine(FILE *out, const struct run *run);
void report_json(FILE *out, const struct run *run);
/* Only the findings, of a machine that cannot go on. */
void report_json_findings(FILE *out, const struct run *run);

int cmd_run(int argc, char **argv);

#endif /* MMSTORM_STRESS_RUN_H */
