/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_STRESS_SCENARIOS_H
#define MMSTORM_STRESS_SCENARIOS_H

#include <stddef.h>

/*
 * Scenarios: small programs of op text (stress/scenarios/NAME.ops), each about one
 * window, built into the program.  The first comment says which.
 */
struct scenario {
	const char	*name;
	const char	*text;
	size_t		len;
};

/* Ended by a NULL name; made by stress/CMakeLists.txt. */
extern const struct scenario scenarios[];

/* NULL when there is none. */
const struct scenario *scenario_find(const char *name);
/* Its first comment, at most size - 1 characters of it. */
void scenario_title(const struct scenario *s, char *buf, size_t size);

#endif /* MMSTORM_STRESS_SCENARIOS_H */
