/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_STRESS_PROCESS_H
#define MMSTORM_STRESS_PROCESS_H

#include <stdbool.h>
#include <stddef.h>

/* What the program has printed on standard output and error so far. */
struct process_output {
	char	*text;		/* ends with a zero */
	size_t	size;
	/* Called when there is more, and may be NULL. */
	void	(*more)(struct process_output *out);
};

/*
 * process_run() - run another program to its end
 * @argv: ended by NULL
 * @seconds: after which SIGALRM kills it
 * @out: its text is to be freed
 *
 * 0 and the status of waitpid(), or -errno.
 */
int process_run(const char *const argv[], unsigned int seconds, struct process_output *out,
		int *status);

/*
 * From now on Ctrl-C and SIGTERM do not end this program but the one that it runs, as
 * SIGTERM; a second one as SIGKILL.
 */
void process_take_signals(void);
bool process_interrupted(void);

#endif /* MMSTORM_STRESS_PROCESS_H */
