/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_STRESS_OPTIONS_H
#define MMSTORM_STRESS_OPTIONS_H

#include "ops/option.h"

/* The command line, by the rows of ops/option.h. */

/**
 * options_parse() - read argv[1..] into @out
 * @rows: ended by a row without a name
 *
 * Arguments that are no options are moved to the front of argv, from
 * argv[1] on.  Returns how many there are, or -EINVAL after a message
 * on standard error that says which argument is wrong and what would do.
 */
int options_parse(const char *command, const struct option_row *rows,
		  int argc, char **argv, void *out);

/* The same; bit n of *given says that the nth row was set. */
int options_parse_given(const char *command, const struct option_row *rows,
			int argc, char **argv, void *out, u64 *given);

/* Lines of help for the rows, on standard output. */
void options_help(const struct option_row *rows);

#endif /* MMSTORM_STRESS_OPTIONS_H */
