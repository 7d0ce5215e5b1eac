/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_STRESS_LISTS_H
#define MMSTORM_STRESS_LISTS_H

#include "base/types.h"
#include "ops/option.h"
#include "stress/storm.h"
#include "zoo/zoo.h"

/*
 * Comma lists that several commands take.  A NULL list is an empty one, except that
 * of the oracles: it is all of them.
 */

/*
 * 0, or -errno and *err names the word, and says what would do.  What was given is
 * changed as far as the list was good.
 */
int list_checks(const char *list, u32 *mask, struct option_error *err);
int list_bugs(const char *list, u64 zoo[ZOO_WORDS], struct option_error *err);
/* Takes the ops of the list out of the mix; or gives each its weight, op=N. */
int list_without(const char *list, struct op_mix *mix, struct option_error *err);
int list_weights(const char *list, struct op_mix *mix, struct option_error *err);

/* How many they are, from 1; "all" are all.  Or -EINVAL, as above. */
int list_storms(const char *list, const struct storm_info *chosen[STORMS_MAX],
		struct option_error *err);

/* The same for rows: is the list good? */
int valid_storms(const char *list, struct option_error *err);
int valid_checks(const char *list, struct option_error *err);
int valid_bugs(const char *list, struct option_error *err);
int valid_without(const char *list, struct option_error *err);
int valid_weights(const char *list, struct option_error *err);

/* 0 (storms: how many), or -errno after a message that names the command and the option. */
int parse_storms(const char *command, const char *list,
		 const struct storm_info *chosen[STORMS_MAX]);
int parse_checks(const char *command, const char *list, u32 *mask);
int parse_bugs(const char *command, const char *list, u64 zoo[ZOO_WORDS]);

#endif /* MMSTORM_STRESS_LISTS_H */
