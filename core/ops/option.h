/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_OPS_OPTION_H
#define MMSTORM_OPS_OPTION_H

#include <stdio.h>

#include "base/types.h"

/*
 * Options as data: one row says how an option is spelled, what it takes, where
 * the value goes and what --help says.  The command line, job files (ops/job.h) and
 * the printed resolved configuration come from the same rows.
 */

enum option_kind {
	OPTION_FLAG,		/* bool; no-NAME clears it */
	OPTION_COUNT,		/* unsigned int in [min, max] */
	OPTION_U64,		/* decimal or 0x, with k, m, g for 1000s */
	OPTION_SEED,		/* u64; shown in hex */
	OPTION_SECONDS,		/* double; suffixes ms, s, m, h, d */
	OPTION_PROBABILITY,	/* double in [0, 1] */
	OPTION_STRING,		/* const char *, points into the text given */
	OPTION_CHOICE,		/* unsigned int: index in `choices' */
};

/* Why a value was refused, and what would do; without the option's name. */
struct option_error {
	char what[240];
};

struct option_row {
	const char		*name;
	char			letter;		/* 0: none */
	enum option_kind	kind;
	size_t			offset;		/* in the caller's struct */
	u64			min, max;	/* OPTION_COUNT, OPTION_U64 */
	const char *const	*choices;	/* ended by NULL */
	const char		*help;
	/* Of OPTION_STRING: 0, or -EINVAL and *err says why. */
	int			(*valid)(const char *text, struct option_error *err);
	bool			not_in_jobs;	/* the command line's alone */
};

/* Rows are ended by one without a name; there are at most that many. */
#define OPTION_ROWS_MAX		64

/* Fills *err; returns -EINVAL. */
int option_refuse(struct option_error *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The row of a name; of no-NAME too, for flags, and then *no is true.  Or NULL. */
const struct option_row *option_find(const struct option_row *rows,
				     const char *name, size_t len, bool *no);

/* Reads @text into the row's field of @out, which is unchanged when -EINVAL is returned. */
int option_set(const struct option_row *row, const char *text, void *out,
	       struct option_error *err);
void option_set_flag(const struct option_row *row, bool on, void *out);

/* The row's field, from one struct to the other. */
void option_copy(const struct option_row *row, const void *from, void *to);

/*
 * " --cpus 8 --seed 0x2a ...": what was resolved, quoted for a shell, enough to set
 * a struct that holds @defaults to @values.
 */
void options_print(const struct option_row *rows, const void *values,
		   const void *defaults, FILE *out);

#endif /* MMSTORM_OPS_OPTION_H */
