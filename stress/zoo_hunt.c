/* SPDX-License-Identifier: MIT */
/*
 * One run of a program that carries a bug, and what becomes of it.
 *
 * Reads what the run prints as it comes: a finder's time is when its first report began.
 * Must never look at the bug but to pass its name on.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "stress/document.h"
#include "stress/exit_codes.h"
#include "stress/process.h"
#include "stress/run.h"
#include "stress/zoo.h"

/* A run that has not ended that long after its budget never will: its own watchdog is gone. */
#define PATIENCE	180

/* What a run prints, as it comes. */
struct listener {
	struct process_output	out;
	size_t			heard;		/* of its text */
	struct title_reader	reader;
	char			last[256];	/* line that says something */
	u64			found_ns;	/* when the first report began */
	struct hunt_result	*result;	/* for what a search says of itself */
};

/*
 * "found by run 36, after 37 schedules, in exit-lazy (n=3 k=244); ...", or where
 * AddressSanitizer ends the program before that:
 * "mmstorm: repeat: ... --first 36 --runs 1 --bug SLUG # in exit-lazy (n=3 k=244)"
 */
static void hear_search(struct hunt_result *r, const char *line)
{
	const char *first = strstr(line, "--first ");
	double run;

	(void)sscanf(line, "found by run %*u, after %lf schedules, in %79s (n=%lf k=%lf)",
		     &r->schedules, r->scenario, &r->n, &r->k);
	if (first && sscanf(first, "--first %lf --runs 1 --bug %*s # in %79s (n=%lf k=%lf)", &run,
			    r->scenario, &r->n, &r->k) == 4)
		r->schedules = run + 1;
}

static void hear(struct listener *l, char *end)
{
	char *line = l->out.text + l->heard;

	*end = '\0';
	title_line(&l->reader, line);
	hear_search(l->result, line);
	if (*line)
		snprintf(l->last, sizeof(l->last), "%s", line);
	if (!l->found_ns && (l->reader.tool != TOOL_NONE || l->reader.titles->nr))
		l->found_ns = monitor_now_ns();
	*end = '\n';
	l->heard = end + 1 - l->out.text;
}

static void hear_lines(struct process_output *out)
{
	struct listener *l = container_of(out, struct listener, out);
	char *end;

	while ((end = memchr(out->text + l->heard, '\n', out->size - l->heard)))
		hear(l, end);
}

/* A program that a signal has ended has fallen over: that is a way to find a bug, too. */
static enum hunt_end judge_signal(int signo, struct hunt_result *result)
{
	char title[64];

	if (process_interrupted())
		return HUNT_INTERRUPTED;
	if (signo == SIGALRM || signo == SIGKILL || signo == SIGTERM) {
		snprintf(result->why, sizeof(result->why), "ended by signal %d (%s)", signo,
			 strsignal(signo));
		return HUNT_FAILED;
	}
	snprintf(title, sizeof(title), "CRASH: %s", strsignal(signo));
	titles_add(&result->titles, title);
	return HUNT_FOUND;
}

static enum hunt_end judge(int status, const char *last, struct hunt_result *result)
{
	if (WIFSIGNALED(status))
		return judge_signal(WTERMSIG(status), result);
	switch (WEXITSTATUS(status)) {
	case EXIT_CLEAN:
	case EXIT_NOT_EXERCISED:
		return HUNT_MISSED;
	case EXIT_INTERRUPTED:
		return HUNT_INTERRUPTED;
	case EXIT_FINDINGS:
	case EXIT_STALL:
	case 66:	/* ThreadSanitizer's own, AddressSanitizer's: they end the program */
	case 99:
		if (!result->titles.nr)
			titles_add(&result->titles, "a finding without a title");
		return HUNT_FOUND;
	default:
		snprintf(result->why, sizeof(result->why), "exit code %d: %s",
			 WEXITSTATUS(status), last);
		return HUNT_FAILED;
	}
}

/* Saves what a finder has printed; a folder that cannot be written to fails the hunt. */
static void save_log(const struct hunt *h, struct hunt_result *result,
		     const struct process_output *out)
{
	struct document file;
	char path[PATH_MAX];

	if (!h->logs || result->end != HUNT_FOUND)
		return;
	snprintf(path, sizeof(path), "%s/%s.%s.%s.%llu.txt", h->logs, h->bug, h->detector->slug,
		 h->strategy ? h->strategy : h->storm->name, (unsigned long long)h->seed);
	if (!document_open(&file, path)) {
		fwrite(out->text, 1, out->size, file.file);
		if (!document_close(&file))
			return;
	}
	result->end = HUNT_FAILED;
	snprintf(result->why, sizeof(result->why), "its output could not be saved");
}

/* A search of so many schedules takes no longer, under a sanitizer on a loaded host. */
#define SCHEDULES_PER_SECOND	20

static int search_it(const struct hunt *h, struct process_output *out, int *status)
{
	char seed[24], runs[24];
	const char *argv[] = {
		h->program, "explore", h->scenarios, "--bug", h->bug, "--seed", seed,
		"--strategy", h->strategy, "--runs", runs, "--checks", h->detector->checks,
		"--shorten", "0", "--memory", h->memory, NULL,
	};

	snprintf(seed, sizeof(seed), "%llu", (unsigned long long)h->seed);
	snprintf(runs, sizeof(runs), "%llu", (unsigned long long)h->runs);
	return process_run(argv, (unsigned int)(h->runs / SCHEDULES_PER_SECOND) + PATIENCE, out,
			   status);
}

static int run_it(const struct hunt *h, struct process_output *out, int *status)
{
	char seed[24], cpus[16], budget[32];
	const char *argv[] = {
		h->program, "run", h->storm->name, "--bug", h->bug, "--seed", seed,
		"--cpus", cpus, "--timeout", budget, "--checks", h->detector->checks,
		"--any-windows", "--progress", "never", NULL,
	};

	snprintf(seed, sizeof(seed), "%llu", (unsigned long long)h->seed);
	snprintf(cpus, sizeof(cpus), "%u", h->cpus);
	snprintf(budget, sizeof(budget), "%gs", h->budget);
	return process_run(argv, (unsigned int)h->budget + PATIENCE, out, status);
}

void hunt(const struct hunt *h, struct hunt_result *result)
{
	struct listener l = {
		.out.more = hear_lines, .reader.titles = &result->titles, .result = result,
	};
	u64 begin = monitor_now_ns();
	int status, ret;

	*result = (struct hunt_result){ .end = HUNT_FAILED };
	ret = h->strategy ? search_it(h, &l.out, &status) : run_it(h, &l.out, &status);
	if (ret) {
		snprintf(result->why, sizeof(result->why), "%s", strerror(-ret));
		return;
	}
	if (l.heard < l.out.size)	/* it was cut off in a line */
		hear(&l, l.out.text + l.out.size);
	title_end(&l.reader);
	result->end = judge(status, l.last, result);
	if (!l.found_ns || result->end != HUNT_FOUND)
		l.found_ns = monitor_now_ns();
	if (h->strategy && result->end == HUNT_FOUND && !result->schedules) {
		result->end = HUNT_FAILED;
		snprintf(result->why, sizeof(result->why), "it fell over: %s", l.last);
	}
	result->seconds = (l.found_ns - begin) / 1e9;
	save_log(h, result, &l.out);
	free(l.out.text);
}
