/* SPDX-License-Identifier: MIT */
/*
 * What `mmstorm zoo' was asked for: bugs, detectors, storms, builds.  Everything is
 * looked at before the first run, and what cannot be used is refused then.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "stress/lists.h"
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

static int choose_detectors(struct zoo_matrix *m, const char *list)
{
	char copy[128], *rest = copy, *word;
	unsigned int d;

	snprintf(copy, sizeof(copy), "%s", list ? list : "tsan,oracles,both,asan");
	while ((word = next_of(&rest))) {
		for (d = 0; d < NR_DETECTORS && strcmp(detectors[d].slug, word); d++)
			;
		if (d == NR_DETECTORS)
			return zoo_refuse("--detector: '%s' is none of tsan, oracles, both, asan", word);
		m->asked[d] = true;
	}
	for (d = 0; d < NR_DETECTORS; d++)
		if (m->asked[d])
			return 0;
	return zoo_refuse("--detector: name one of tsan, oracles, both, asan");
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
	size_t i, nr = (size_t)m->nr_bugs * NR_DETECTORS;

	m->cells = calloc(nr, sizeof(*m->cells));
	if (!m->cells)
		return -ENOMEM;
	for (i = 0; i < nr; i++) {
		m->cells[i].seconds = calloc(m->seeds, sizeof(double));
		if (!m->cells[i].seconds)
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
	m->cpus = o->cpus;
	if (o->bugs && o->all)
		return zoo_refuse("--bug and --all: one of them");
	if (!(o->budget > 0))
		return zoo_refuse("--budget: no time at all");
	ret = choose_bugs(m, o);
	if (!ret)
		ret = choose_detectors(m, o->detectors);
	if (!ret)
		ret = choose_storms(m, o->storms);
	if (!ret)
		ret = check_logs(o->logs);
	return ret ? ret : make_cells(m);
}

void zoo_forget(struct zoo_matrix *m)
{
	size_t i;

	for (i = 0; m->cells && i < (size_t)m->nr_bugs * NR_DETECTORS; i++)
		free(m->cells[i].seconds);
	free(m->cells);
	free(m->bugs);
}

int zoo_find_programs(struct zoo_matrix *m, const struct zoo_options *o)
{
	const char *named[NR_DETECTORS] = {
		[DETECT_TSAN] = o->tsan, [DETECT_BOTH] = o->tsan,
		[DETECT_ORACLES] = o->release, [DETECT_ASAN] = o->dev,
	};
	char builds[PATH_MAX] = "";
	int d, left = 0;

	if (o->builds)
		snprintf(builds, sizeof(builds), "%s", o->builds);
	else if (zoo_default_builds(builds, sizeof(builds)))
		builds[0] = '\0';
	for (d = 0; d < NR_DETECTORS; d++) {
		if (!m->asked[d])
			continue;
		zoo_find_program(&detectors[d], builds, named[d], &m->program[d]);
		left += !m->program[d].lacks[0];
		if (m->program[d].lacks[0])
			fprintf(stderr, "mmstorm zoo: no detector %s: %s\n", detectors[d].slug,
				m->program[d].lacks);
	}
	return left;
}
