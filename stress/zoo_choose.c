/* SPDX-License-Identifier: MIT */
/*
 * What `mmstorm zoo' was asked for: bugs, detectors, storms or searches, builds.  Everything is
 * looked at before the first run, and what cannot be used is refused then.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "stress/exit_codes.h"
#include "stress/lists.h"
#include "stress/searched.h"
#include "stress/strategies.h"
#include "stress/zoo.h"
#include "zoo/zoo.h"

int zoo_refuse(const char *fmt, ...)
{
	va_list args;

	fprintf(stderr, "mmstorm zoo: ");
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fprintf(stderr, "\nTry 'mmstorm zoo --help'.\n");
	return -EINVAL;
}

/* The next word of a comma list in @list, which is written to; NULL after the last. */
static char *next_of(char **list)
{
	char *word;

	do
		word = strsep(list, ",");
	while (word && !*word);
	return word;
}

static int choose_detectors(bool asked[NR_DETECTORS], const char *list)
{
	char copy[128], *rest = copy, *word;
	unsigned int d;

	snprintf(copy, sizeof(copy), "%s", list);
	while ((word = next_of(&rest))) {
		for (d = 0; d < NR_DETECTORS && strcmp(detectors[d].slug, word); d++)
			;
		if (d == NR_DETECTORS)
			return zoo_refuse("--detector: '%s' is none of tsan, oracles, both, asan", word);
		asked[d] = true;
	}
	for (d = 0; d < NR_DETECTORS; d++)
		if (asked[d])
			return 0;
	return zoo_refuse("--detector: name one of tsan, oracles, both, asan");
}

/* How many of them take turns; one that is none is refused here. */
static int choose_scenarios(struct zoo_matrix *m, const char *words)
{
	struct searched_set set;
	int ret = searched_load(&set, "zoo", words);

	if (ret)
		return ret == EXIT_RESOURCES ? -ENOMEM : -EINVAL;
	m->scenarios = words;
	m->nr_scenarios = set.nr;
	searched_free(&set);
	return 0;
}

/* Names, in m->strategies; their row has looked at each. */
static int choose_strategies(struct zoo_matrix *m, const struct zoo_options *o,
			     const char *names[ZOO_STRATEGIES_MAX])
{
	struct named_strategy named;
	struct option_error err;
	char *rest, *word;
	int nr = 0, ret;

	if (!o->strategies)
		return 0;
	ret = choose_scenarios(m, o->scenarios ? o->scenarios : "all");
	if (ret)
		return ret;
	rest = m->strategies = strdup(o->strategies);
	if (!rest)
		return -ENOMEM;
	while ((word = next_of(&rest))) {
		if (nr == ZOO_STRATEGIES_MAX)
			return zoo_refuse("--strategy: '%s' is one too many", word);
		if (strategy_by_name(word, &named, &err))
			return zoo_refuse("--strategy: %s", err.what);
		if (named.kind == STRATEGY_PCT && !m->depth)
			m->depth = named.depth;
		names[nr++] = word;
	}
	return nr ? nr : zoo_refuse("--strategy: name one of random, sticky, pct:3, pos, portfolio");
}

static int choose_columns(struct zoo_matrix *m, const struct zoo_options *o)
{
	const char *all = o->strategies ? "oracles" : "tsan,oracles,both,asan";
	const char *names[ZOO_STRATEGIES_MAX] = { NULL };
	bool asked[NR_DETECTORS] = { false };
	int ret, nr = choose_strategies(m, o, names);

	if (nr < 0)
		return nr;
	ret = choose_detectors(asked, o->detectors ? o->detectors : all);
	if (ret)
		return ret;
	for (int d = 0; d < NR_DETECTORS; d++)
		for (int i = 0; asked[d] && i < max(nr, 1); i++)
			m->columns[m->nr_columns++] = (struct zoo_column){
				.detector = &detectors[d], .strategy = names[i],
			};
	return 0;
}

static int choose_storms(struct zoo_matrix *m, const char *list)
{
	int nr;

	if (list) {
		nr = parse_storms("zoo", list, m->storms);
		m->nr_storms = nr < 0 ? 0 : nr;
		return nr < 0 ? nr : 0;
	}
	while (storms[m->nr_storms] && m->nr_storms < STORMS_MAX) {
		m->storms[m->nr_storms] = storms[m->nr_storms];
		m->nr_storms++;
	}
	return 0;
}

static int choose_bugs(struct zoo_matrix *m, const struct zoo_options *o)
{
	char *copy = o->bugs ? strdup(o->bugs) : NULL, *rest = copy, *word;
	unsigned int i;
	int id, ret = 0;

	m->bugs = calloc(NR_ZOO_BUGS, sizeof(*m->bugs));
	if (!m->bugs || (o->bugs && !copy))
		ret = -ENOMEM;
	for (i = 0; !ret && o->all && i < ZOO_FIRST_CANARY; i++)
		m->bugs[m->nr_bugs++] = zoo_bug(i)->slug;
	while (!ret && !o->all && (word = next_of(&rest))) {
		id = zoo_find(word);
		if (id < 0)
			ret = zoo_refuse("--bug: there is no bug '%s'; 'mmstorm list bugs' names them",
				     word);
		else if (m->nr_bugs == NR_ZOO_BUGS)
			ret = zoo_refuse("--bug: '%s' is one bug too many", word);
		else
			m->bugs[m->nr_bugs++] = zoo_bug(id)->slug;
	}
	free(copy);
	if (!ret && !m->nr_bugs)
		ret = zoo_refuse("say which bugs: --bug SLUG[,SLUG], or --all");
	return ret;
}

static int check_logs(const char *folder)
{
	struct stat st;

	if (!folder || (!stat(folder, &st) && S_ISDIR(st.st_mode)))
		return 0;
	return zoo_refuse("--logs: '%s' is no folder", folder);
}

static int make_cells(struct zoo_matrix *m)
{
	size_t i, nr = (size_t)m->nr_bugs * m->nr_columns;

	m->cells = calloc(nr, sizeof(*m->cells));
	if (!m->cells)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		m->cells[i].took = calloc(m->seeds, sizeof(double));
		m->cells[i].bound = calloc(m->seeds, sizeof(double));
		if (!m->cells[i].took || !m->cells[i].bound)
			return -ENOMEM;
	}
	return 0;
}

int zoo_choose(struct zoo_matrix *m, const struct zoo_options *o)
{
	int ret;

	m->seeds = o->seeds;
	m->first_seed = o->seed;
	m->budget = o->budget;
	m->runs = o->runs;
	m->memory = o->memory;
	m->cpus = o->cpus;
	if (o->bugs && o->all)
		return zoo_refuse("--bug and --all: one of them");
	if (!(o->budget > 0))
		return zoo_refuse("--budget: no time at all");
	ret = choose_bugs(m, o);
	if (!ret)
		ret = choose_columns(m, o);
	if (!ret)
		ret = choose_storms(m, o->storms);
	if (!ret)
		ret = check_logs(o->logs);
	return ret ? ret : make_cells(m);
}

void zoo_forget(struct zoo_matrix *m)
{
	size_t i;

	for (i = 0; m->cells && i < (size_t)m->nr_bugs * m->nr_columns; i++) {
		free(m->cells[i].took);
		free(m->cells[i].bound);
	}
	free(m->cells);
	free(m->strategies);
	free(m->bugs);
}

int zoo_find_programs(struct zoo_matrix *m, const struct zoo_options *o)
{
	const char *named[NR_DETECTORS] = {
		[DETECT_TSAN] = o->tsan, [DETECT_BOTH] = o->tsan,
		[DETECT_ORACLES] = o->release, [DETECT_ASAN] = o->dev,
	};
	char builds[PATH_MAX] = "";
	unsigned int i;
	int left = 0;

	if (o->builds)
		snprintf(builds, sizeof(builds), "%s", o->builds);
	else if (zoo_default_builds(builds, sizeof(builds)))
		builds[0] = '\0';
	for (i = 0; i < m->nr_columns; i++) {
		struct zoo_column *c = &m->columns[i];

		if (i && c[-1].detector == c->detector)
			c->program = c[-1].program;
		else
			zoo_find_program(c->detector, builds, named[c->detector - detectors],
					 &c->program);
		left += !c->program.lacks[0];
		if (c->program.lacks[0] && (!i || c[-1].detector != c->detector))
			fprintf(stderr, "mmstorm zoo: no detector %s: %s\n", c->detector->slug,
				c->program.lacks);
	}
	return left;
}
