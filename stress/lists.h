/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_STRESS_LISTS_H
#define MMSTORM_STRESS_LISTS_H

#include "base/types.h"
#include "stress/storm.h"
#include "zoo/zoo.h"

/*
 * Comma lists that several commands take.  0, or -EINVAL after a message that
 * names the word and the option; -ENOSYS when the build has none.
 */
int parse_checks(const char *command, const char *list, u32 *mask);
int parse_bugs(const char *command, const char *list, u64 zoo[ZOO_WORDS]);

/* How many there are, from 1, or -EINVAL. */
int parse_storms(const char *command, const char *list,
		 const struct storm_info *chosen[STORMS_MAX]);

struct op_mix;
/* Takes the ops of the list out of the mix. */
int parse_without(const char *command, const char *list, struct op_mix *mix);

#endif /* MMSTORM_STRESS_LISTS_H */
