/* SPDX-License-Identifier: MIT */
/* The ready jobs by name; ready_jobs.c, which the build writes, has them. */
#include "stress/jobs.h"

#include <string.h>

const char *ready_job(const char *name)
{
	const struct ready_job *job;

	for (job = ready_jobs; job->name; job++)
		if (!strcmp(job->name, name))
			return job->text;
	return NULL;
}
