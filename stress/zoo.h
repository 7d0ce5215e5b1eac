/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_STRESS_ZOO_H
#define MMSTORM_STRESS_ZOO_H

#include <limits.h>
#include <stdio.h>

#include "base/types.h"
#include "stress/storm.h"

/*
 * `mmstorm zoo': bugs x detectors.  A detector is a build of this program and what of
 * it is switched on; the runs are other processes, so that what a bug does to one of
 * them, and what a sanitizer does about it, stays there.
 *
 * What a run does is a storm, and then what is measured is seconds; or a search of
 * scenarios (`mmstorm explore') by a strategy, and then it is schedules.
 */

enum detector_id {
	DETECT_TSAN,		/* alone: oracles off */
	DETECT_ORACLES,		/* alone: no sanitizer */
	DETECT_BOTH,
	DETECT_ASAN,		/* alone */
	NR_DETECTORS,
};

struct detector {
	const char	*slug;
	const char	*build;		/* folder below --builds */
	const char	*sanitizer;	/* that the build must have */
	const char	*checks;	/* of the run */
	const char	*what;
};

extern const struct detector detectors[NR_DETECTORS];

/* What a run was called to have found: titles without numbers or addresses. */
#define TITLES_MAX	32
#define TITLE_SIZE	256

struct titles {
	unsigned int	nr;
	char		text[TITLES_MAX][TITLE_SIZE];
	unsigned int	count[TITLES_MAX];	/* runs that found it */
};

void titles_add(struct titles *titles, const char *title);

/*
 * zoo_titles.c: reads the output of a run, line by line, and names what it reports.  A
 * sanitizer's report is called what scripts/triage calls it.
 */
enum title_tool { TOOL_NONE, TOOL_TSAN, TOOL_ASAN, TOOL_LSAN, TOOL_UBSAN };

struct title_site {
	int		rank;		/* how good the name is */
	char		function[80];
};

struct title_reader {
	struct titles	*titles;
	enum title_tool	tool;		/* whose report is open */
	char		kind[80];
	char		heading[80];	/* of the stack that comes next */
	struct title_site site[2];
	int		nr_sites;
	bool		in_site;	/* frames belong to the last of them */
	char		before[TITLE_SIZE];	/* the line before */
};

void title_line(struct title_reader *r, const char *line);
void title_end(struct title_reader *r);		/* no more lines */

/* zoo_hunt.c: one run that may find a bug. */
struct hunt {
	const struct detector	*detector;
	const char		*program;
	const char		*bug;
	u64			seed;
	const char		*logs;		/* folder for what finders print, or NULL */
	/* A storm, */
	const struct storm_info	*storm;
	double			budget;		/* seconds */
	unsigned int		cpus;
	/* or, with a strategy, a search. */
	const char		*strategy;
	const char		*scenarios;
	const char		*memory;
	u64			runs;
};

enum hunt_end { HUNT_FOUND, HUNT_MISSED, HUNT_INTERRUPTED, HUNT_FAILED };

struct hunt_result {
	enum hunt_end	end;
	double		seconds;	/* until the first report, or the end of the run */
	/* Of a search that has found it: */
	double		schedules;
	char		scenario[80];
	double		n, k;		/* PCT's, of that scenario */
	struct titles	titles;
	char		why[512];	/* HUNT_FAILED: the run's last words */
};

void hunt(const struct hunt *h, struct hunt_result *result);

/* A bug before a detector: what all its seeds came to. */
struct zoo_cell {
	unsigned int	seeds;		/* that have been tried */
	unsigned int	found;
	double		*took;		/* of those that found it: seconds, or schedules */
	double		*bound;		/* of a search: n k^(d-1), times the scenarios */
	struct titles	titles;
	struct titles	scenarios;	/* where it was found */
};

struct zoo_program {
	char		path[PATH_MAX];
	char		lacks[PATH_MAX + 64];	/* why it cannot run; empty: it can */
};

/* zoo_builds.c: looks for the detector's program, and whether it is what it should be. */
void zoo_find_program(const struct detector *d, const char *builds, const char *named,
		      struct zoo_program *program);
/* "/x/build" when this program is /x/build/release/stress/mmstorm. */
int zoo_default_builds(char *path, size_t size);

#define ZOO_STRATEGIES_MAX	8
#define ZOO_COLUMNS_MAX		(NR_DETECTORS * ZOO_STRATEGIES_MAX)

struct zoo_column {
	const struct detector	*detector;
	const char		*strategy;	/* NULL: storms */
	struct zoo_program	program;
};

struct zoo_matrix {
	/* what was asked for */
	const char		**bugs;
	unsigned int		nr_bugs;
	struct zoo_column	columns[ZOO_COLUMNS_MAX];
	unsigned int		nr_columns;
	char			*strategies;	/* the columns'; NULL: storms */
	const char		*scenarios;
	const char		*memory;	/* model */
	unsigned int		nr_scenarios;
	unsigned int		depth;		/* of its PCT; 0: there is none */
	u64			runs;		/* a seed's budget of schedules */
	const struct storm_info	*storms[STORMS_MAX];
	unsigned int		nr_storms;
	unsigned int		seeds;
	u64			first_seed;
	double			budget;
	unsigned int		cpus;

	struct zoo_cell		*cells;		/* nr_bugs x nr_columns */
	bool			interrupted;
};

static inline struct zoo_cell *zoo_cell(const struct zoo_matrix *m, unsigned int bug,
					unsigned int column)
{
	return &m->cells[bug * m->nr_columns + column];
}

/* "both", or "pct:3", or "tsan pct:3" */
const char *zoo_column_name(const struct zoo_matrix *m, unsigned int column, char *buf,
			    size_t size);

/* Has the cell been tried at all? */
static inline bool zoo_tried(const struct zoo_cell *cell)
{
	return cell->seeds > 0;
}

/* By at least 19 of 20 seeds, or that share of fewer, by one detector. */
bool zoo_bug_found(const struct zoo_matrix *m, unsigned int bug);
unsigned int zoo_bugs_found(const struct zoo_matrix *m);
const char *zoo_verdict(const struct zoo_matrix *m);

/* What the command line says. */
struct zoo_options {
	const char	*bugs;
	const char	*detectors;
	const char	*storms;
	const char	*strategies;
	const char	*scenarios;
	const char	*memory;
	u64		runs;
	const char	*builds;	/* folder */
	const char	*tsan;		/* programs */
	const char	*release;
	const char	*dev;
	const char	*json;
	const char	*svg;
	const char	*logs;
	double		budget;
	u64		seed;
	unsigned int	seeds;
	unsigned int	cpus;
	bool		all;
	bool		quiet;
	bool		help;
};

/* zoo_choose.c */
int zoo_refuse(const char *fmt, ...) __attribute__((format(printf, 1, 2)));	/* -EINVAL */
int zoo_choose(struct zoo_matrix *m, const struct zoo_options *o);
void zoo_forget(struct zoo_matrix *m);
/* Names the builds that are not there; how many detectors are left. */
int zoo_find_programs(struct zoo_matrix *m, const struct zoo_options *o);

/* Seconds as people read them: two digits that count, or hundredths.  Schedules whole. */
const char *zoo_took(char *buf, size_t size, const struct zoo_matrix *m, double took);

/* zoo_report.c, zoo_svg.c */
void zoo_report(FILE *out, const struct zoo_matrix *m);
void zoo_json(FILE *out, const struct zoo_matrix *m);
void zoo_svg(FILE *out, const struct zoo_matrix *m);

#endif /* MMSTORM_STRESS_ZOO_H */
