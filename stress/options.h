/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_STRESS_OPTIONS_H
#define MMSTORM_STRESS_OPTIONS_H

#include "base/types.h"

/*
 * Options as data: one row says how an option is spelled, what it takes, where
 * the value goes and what --help says.  The command line and the printed
 * resolved configuration come from the same rows.
 */

enum option_kind {
	OPTION_FLAG,		/* bool; --no-NAME clears it */
	OPTION_COUNT,		/* unsigned int in [min, max] */
	OPTION_U64,		/* decimal or 0x, with k, m, g for 1000s */
	OPTION_SEED,		/* u64; shown in hex */
	OPTION_SECONDS,		/* double; suffixes ms, s, m, h, d */
	OPTION_PROBABILITY,	/* double in [0, 1] */
	OPTION_STRING,		/* const char *, points into argv */
	OPTION_CHOICE,		/* unsigned int: index in `choices' */
};

struct option_row {
	const char		*name;
	char			letter;		/* 0: none */
	enum option_kind	kind;
	size_t			offset;		/* in the caller's struct */
	u64			min, max;	/* OPTION_COUNT, OPTION_U64 */
	const char *const	*choices;	/* ended by NULL */
	const char		*help;
};

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

/* Lines of help for the rows, on standard output. */
void options_help(const struct option_row *rows);

/* "--cpus 8 --seed 0x2a ...": what was resolved, enough to repeat the run. */
void options_print(const struct option_row *rows, const void *values,
		   char *buf, size_t size);

#endif /* MMSTORM_STRESS_OPTIONS_H */
