/* SPDX-License-Identifier: MIT */
/*
 * The zoo: which bugs a machine carries, and what they are called.
 *
 * A machine's planted bugs are fixed when it is made (machine_config.zoo, one bit
 * each).  Only the code that a bug disables asks zoo(): no detector, storm or check does.
 * Builds with MM_ZOO=0 contain none: zoo() is the constant false.
 */
#ifndef ZOO_ZOO_H
#define ZOO_ZOO_H

#include "base/this_cpu.h"
#include "zoo/bugs.h"

#define ZOO_WORDS	2	/* u64s in a machine's set of bugs */

struct zoo_bug {
	const char *slug;
	const char *title;	/* one line: what goes wrong */
	const char *source;	/* where it happened, and the fix */
};

bool zoo_planted_call(enum zoo_bug_id id);

/* Does the machine this thread runs carry bug @id?  False outside a machine. */
static inline bool zoo(enum zoo_bug_id id)
{
#if !MM_ZOO
	return false;
#elif MM_TSAN
	return zoo_planted_call(id);
#else
	const struct cpu_local *cpu = this_cpu_local();

	return unlikely(cpu && cpu->zoo && (cpu->zoo[id / 64] >> (id % 64) & 1));
#endif
}

/* The bug @id, or NULL past the end. */
const struct zoo_bug *zoo_bug(unsigned int id);

/* The id that @slug names, or -ENOENT. */
int zoo_find(const char *slug);

/* Adds bug @id to a machine's set. */
static inline void zoo_plant(u64 set[ZOO_WORDS], enum zoo_bug_id id)
{
	set[id / 64] |= 1ULL << (id % 64);
}

#endif
