/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_OPS_JOB_H
#define MMSTORM_OPS_JOB_H

#include "ops/option.h"

/*
 * Job files: runs that people write down, one section each.
 *
 *	# a remark; so is a line that begins with ;
 *	[global]			for the sections below it
 *	cpus = 8
 *	[faults]
 *	storm = fork-fault-munmap
 *	timeout = 20s
 *	no-trace
 *
 * A line is an option of the command line by its long name, without the dashes.  The
 * section [global], if there is one, comes first.  An option is given once in a section.
 *
 * This file knows how a job is written; which options there are, and what they mean, is
 * said by the caller's rows.
 */

#define JOB_SECTIONS_MAX	256
#define JOB_NAME_MAX		64

/* Where and why a text was refused; `what' also says what would do. */
struct job_error {
	unsigned int	line;		/* from 1 */
	char		what[320];
};

struct job_setting {
	const char	*name;
	const char	*value;		/* NULL: there is no `=' */
	unsigned int	line;
};

struct job_section {
	const char		*name;
	unsigned int		line;
	struct job_setting	*setting;
	size_t			nr_settings;
};

struct job {
	struct job_section	global;		/* line 0: there is none */
	struct job_section	*section;	/* in the order of the file */
	size_t			nr_sections;
	/* What all of it points into. */
	char			*text;
	struct job_setting	*settings;
};

/*
 * Reads a whole file; nothing of it is trusted.  `job' is overwritten, and empty
 * unless 0 is returned.  -EINVAL with *err filled, or -ENOMEM.
 */
int job_parse(const char *text, size_t len, struct job *job, struct job_error *err);
void job_free(struct job *job);

/* NULL: there is none of that name (len bytes). */
const struct job_section *job_section(const struct job *job, const char *name,
				      size_t len);

/*
 * Sets what the section says.  Strings point into the job.  0, or -EINVAL with *err
 * filled; what came before that line is set then.
 */
int job_apply(const struct job_section *section, const struct option_row *rows,
	      void *out, struct job_error *err);

#endif /* MMSTORM_OPS_JOB_H */
