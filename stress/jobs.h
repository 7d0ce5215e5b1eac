/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_STRESS_JOBS_H
#define MMSTORM_STRESS_JOBS_H

/*
 * The ready jobs, stress/jobs/NAME.job: the build puts their text into the program,
 * so that they are found wherever it is started.
 */
struct ready_job {
	const char	*name;
	const char	*text;
};

/* Ended by a NULL name. */
extern const struct ready_job ready_jobs[];

/* The text of the ready job of that name, or NULL. */
const char *ready_job(const char *name);

#endif /* MMSTORM_STRESS_JOBS_H */
