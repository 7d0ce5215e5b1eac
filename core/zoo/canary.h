/* SPDX-License-Identifier: MIT */
#ifndef ZOO_CANARY_H
#define ZOO_CANARY_H

#include "zoo/zoo.h"

/*
 * The race of a canary: plain, unordered additions by whoever comes by.  Inlined
 * into its caller, so that it is instrumented exactly as the code around it is.
 *
 * ThreadSanitizer looks at an address until its first race there, and says nothing
 * of that one if it has forgotten where the other access was made.  So the additions
 * move on, a few at a time, over words that each are a chance of their own.  The
 * turn is relaxed: it orders nothing.
 */
#define CANARY_WORDS	1024
#define CANARY_TURNS	64	/* on one word */

struct canary {
	unsigned long	turn;
	long		word[CANARY_WORDS];
};

extern struct canary canaries[NR_ZOO_BUGS - ZOO_FIRST_CANARY];

static inline void canary(enum zoo_bug_id id)
{
	struct canary *c = &canaries[id - ZOO_FIRST_CANARY];

	if (zoo(id))
		c->word[__atomic_fetch_add(&c->turn, 1, __ATOMIC_RELAXED) / CANARY_TURNS %
			CANARY_WORDS]++;
}

#endif
