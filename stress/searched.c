/* SPDX-License-Identifier: MIT */
/*
 * The programs that a search goes through: scenarios by name, files of op text, what storms draw.
 */
#include "stress/searched.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/prng.h"
#include "ops/swarm.h"
#include "ops/text.h"
#include "ops/unroll.h"
#include "stress/exit_codes.h"
#include "stress/scenarios.h"
#include "stress/script.h"

#define STORM_PREFIX	"storm:"
#define AXIS_PROGRAM	0x70726f6772616dULL	/* keeps its seeds apart from the schedules' */

/* The next place of the set; NULL: no memory. */
static struct searched *another(struct searched_set *set, const char *name)
{
	struct searched *item = realloc(set->item, (set->nr + 1) * sizeof(*item));

	if (!item)
		return NULL;
	set->item = item;
	item += set->nr++;
	*item = (struct searched){ .name = name };
	return item;
}

static int add_scenario(struct searched_set *set, const struct scenario *scenario)
{
	struct searched *item = another(set, scenario->name);
	struct op_text_error err = { 0 };

	if (!item || op_text_parse(scenario->text, scenario->len, &item->list, &err))
		return EXIT_RESOURCES;
	return EXIT_CLEAN;
}

static int add_file(struct searched_set *set, const char *command, const char *path)
{
	struct searched *item;
	struct script script;
	int ret = script_load(&script, command, path);

	if (ret)
		return ret;
	item = another(set, path);
	if (!item) {
		op_list_free(&script.list);
		return EXIT_RESOURCES;
	}
	item->list = script.list;
	return EXIT_CLEAN;
}

static int add_storm(struct searched_set *set, const char *command, const char *word)
{
	const struct storm_info *storm = storm_find(word + strlen(STORM_PREFIX));
	struct searched *item;

	if (!storm) {
		fprintf(stderr, "mmstorm %s: there is no storm '%s'; 'mmstorm list storms' names them\n",
			command, word + strlen(STORM_PREFIX));
		return EXIT_USAGE;
	}
	item = another(set, word);
	if (!item)
		return EXIT_RESOURCES;
	item->storm = storm;
	return EXIT_CLEAN;
}

static int add(struct searched_set *set, const char *command, const char *word)
{
	const struct scenario *scenario = scenario_find(word);

	if (!strncmp(word, STORM_PREFIX, strlen(STORM_PREFIX)))
		return add_storm(set, command, word);
	if (scenario)
		return add_scenario(set, scenario);
	if (strchr(word, '/') || strchr(word, '.'))
		return add_file(set, command, word);
	fprintf(stderr, "mmstorm %s: there is no scenario '%s'; 'mmstorm list scenarios' names them, a file of op text will do too\n",
		command, word);
	return EXIT_USAGE;
}

static int add_all(struct searched_set *set)
{
	int ret = EXIT_CLEAN;

	for (const struct scenario *s = scenarios; s->name && !ret; s++)
		ret = add_scenario(set, s);
	return ret;
}

int searched_load(struct searched_set *set, const char *command, const char *words)
{
	int ret = EXIT_CLEAN;
	char *rest, *word;

	*set = (struct searched_set){ .words = strdup(words) };
	rest = set->words;
	if (!rest)
		return EXIT_RESOURCES;
	if (!strcmp(words, "all"))
		ret = add_all(set);
	else
		while (!ret && (word = strsep(&rest, ",")))
			ret = add(set, command, word);
	if (ret)
		searched_free(set);
	return ret;
}

int searched_load_text(struct searched_set *set, const char *command, const char *file,
		       const char *text)
{
	struct op_text_error err = { 0 };
	struct searched *item;

	*set = (struct searched_set){ .nr = 0 };
	item = another(set, file);
	if (!item)
		return EXIT_RESOURCES;
	if (!op_text_parse(text, strlen(text), &item->list, &err))
		return EXIT_CLEAN;
	fprintf(stderr, "mmstorm %s: %s: line %u of its program: %s\n", command, file, err.line,
		err.what);
	searched_free(set);
	return EXIT_USAGE;
}

void searched_free(struct searched_set *set)
{
	for (unsigned int i = 0; i < set->nr; i++)
		op_list_free(&set->item[i].list);
	free(set->item);
	free(set->words);
	*set = (struct searched_set){ .nr = 0 };
}

int searched_draw(struct searched *item, const struct searched_draw *draw, u64 seed, u64 run)
{
	u64 drawn = hash64(seed, AXIS_PROGRAM, run);
	struct op_world world;
	struct op_mix mix;

	if (!item->storm)
		return 0;
	world = storm_world(item->storm, draw->cpus, draw->tasks, drawn);
	mix = item->storm->mix;
	if (item->storm->swarm)
		op_mix_swarm(&item->storm->mix, drawn, &mix);
	op_list_free(&item->list);
	return op_unroll(&world, &mix, draw->ops, &item->list);
}
