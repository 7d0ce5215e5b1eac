/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_STRESS_EXIT_CODES_H
#define MMSTORM_STRESS_EXIT_CODES_H

/*
 * What mmstorm's exit codes say. 66 is ThreadSanitizer's own, 99 AddressSanitizer's, 77
 * libFuzzer's.
 */
enum exit_code {
	EXIT_CLEAN		= 0,
	EXIT_USAGE		= 1,	/* usage, set-up, input that cannot be used */
	EXIT_FINDINGS		= 2,
	EXIT_RESOURCES		= 3,	/* memory, threads, disk */
	EXIT_SKIPPED		= 4,	/* or not built in */
	EXIT_STALL		= 5,
	EXIT_DIVERGED		= 6,
	EXIT_NOT_EXERCISED	= 7,
	EXIT_INTERRUPTED	= 130,
};

#endif /* MMSTORM_STRESS_EXIT_CODES_H */
