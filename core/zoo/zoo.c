/* SPDX-License-Identifier: MIT */
/*
 * The registry of planted bugs.  Constant data; compiled without ThreadSanitizer.
 * Must never be asked by a detector, a storm or a check whether a bug is planted.
 */
#include "zoo/canary.h"
#include "zoo/zoo.h"

#include <errno.h>
#include <string.h>

BUILD_BUG_ON(NR_ZOO_BUGS > ZOO_WORDS * 64);

static const struct zoo_bug bugs[] = {
#define __ZOO_BUG(id, slug_, title_, source_)					\
	[id] = { .slug = slug_, .title = title_, .source = source_ },
	ZOO_BUGS(__ZOO_BUG)
	ZOO_CANARIES(__ZOO_BUG)
#undef __ZOO_BUG
};

/* The one mutable global: its only use is to be raced for. */
struct canary canaries[NR_ZOO_BUGS - ZOO_FIRST_CANARY];

bool zoo_planted_call(enum zoo_bug_id id)
{
	const struct cpu_local *cpu = this_cpu_local_call();

	return cpu && cpu->zoo && (cpu->zoo[id / 64] >> (id % 64) & 1);
}

const struct zoo_bug *zoo_bug(unsigned int id)
{
	return id < ARRAY_SIZE(bugs) ? &bugs[id] : NULL;
}

int zoo_find(const char *slug)
{
	for (unsigned int id = 0; id < ARRAY_SIZE(bugs); id++)
		if (!strcmp(bugs[id].slug, slug))
			return (int)id;
	return -ENOENT;
}
