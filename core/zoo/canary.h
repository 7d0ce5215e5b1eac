/* SPDX-License-Identifier: MIT */
#ifndef ZOO_CANARY_H
#define ZOO_CANARY_H

#include "zoo/zoo.h"

/*
 * The race of a canary: plain, unordered additions by whoever comes by.  Inlined
 * into its caller, so that it is instrumented exactly as the code around it is.
 */
extern long canary_words[NR_ZOO_BUGS - ZOO_FIRST_CANARY];

static inline void canary(enum zoo_bug_id id)
{
	if (zoo(id))
		canary_words[id - ZOO_FIRST_CANARY]++;
}

#endif
