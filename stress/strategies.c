/* SPDX-License-Identifier: MIT */
/*
 * Strategies and memory models by name.
 */
#include "stress/strategies.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"

#define DEPTH_DEFAULT	3

static int refuse(const char *name, struct option_error *err)
{
	return option_refuse(err, "there is no '%s'; random, sticky, pct:D (D from 1 to %d), pos or portfolio will do",
			     name, PCT_DEPTH_MAX);
}

static int pct_depth(const char *text, unsigned int *depth)
{
	unsigned long d;
	char *end;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	d = strtoul(text, &end, 10);
	if (*end || d < 1 || d > PCT_DEPTH_MAX)
		return -EINVAL;
	*depth = (unsigned int)d;
	return 0;
}

int strategy_by_name(const char *name, struct named_strategy *strategy,
		     struct option_error *err)
{
	static const char *const kinds[] = {
		[STRATEGY_RANDOM] = "random", [STRATEGY_STICKY] = "sticky",
		[STRATEGY_PCT] = "pct", [STRATEGY_POS] = "pos",
	};
	struct named_strategy found = { .depth = DEPTH_DEFAULT };
	size_t len = strcspn(name, ":");

	found.portfolio = !strcmp(name, "portfolio");
	while (!found.portfolio && found.kind < ARRAY_SIZE(kinds) &&
	       (strlen(kinds[found.kind]) != len || memcmp(kinds[found.kind], name, len)))
		found.kind++;
	if (found.kind == ARRAY_SIZE(kinds))
		return refuse(name, err);
	if (!found.portfolio && name[len] &&
	    (found.kind != STRATEGY_PCT || pct_depth(name + len + 1, &found.depth)))
		return refuse(name, err);
	*strategy = found;
	return 0;
}

int valid_strategies(const char *list, struct option_error *err)
{
	struct named_strategy strategy;
	char name[64];
	int ret = 0;

	while (!ret && *list) {
		size_t len = strcspn(list, ",");

		snprintf(name, sizeof(name), "%.*s", (int)len, list);
		if (len)
			ret = strategy_by_name(name, &strategy, err);
		list += len + (list[len] == ',');
	}
	return ret;
}

int memory_by_name(const char *name, enum memory_model *model, struct option_error *err)
{
	for (unsigned int i = 0; i < NR_MEMORY_MODELS; i++) {
		if (!strcmp(name, memory_model_name(i))) {
			*model = i;
			return 0;
		}
	}
	return option_refuse(err, "there is no '%s'; sc, tso or pso will do", name);
}

int valid_memory(const char *name, struct option_error *err)
{
	enum memory_model model;

	return memory_by_name(name, &model, err);
}

void strategy_start_named(struct strategy *s, const struct named_strategy *named, u64 turn,
			  u64 seed, u64 expected)
{
	if (named->portfolio)
		strategy_start_portfolio(s, turn, seed, expected);
	else
		strategy_start(s, named->kind, seed, named->depth, expected);
}
