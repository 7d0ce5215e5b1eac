/* SPDX-License-Identifier: MIT */
/*
 * Litmus programs: small, each right or wrong in one known way.  ThreadSanitizer must
 * say nothing about the right ones and must report each wrong one.
 */
#ifndef TESTS_LITMUS_LITMUS_H
#define TESTS_LITMUS_LITMUS_H

#include "rig.h"

struct litmus {
	const char	*name;
	void		(*run)(void);
	bool		race;		/* a wrong program: to be reported */
};

/* rcu_litmus.c, lock_litmus.c: ended by a NULL name. */
extern const struct litmus rcu_litmus[];
extern const struct litmus lock_litmus[];

/* The program is functionally wrong: not a matter of TSan. */
void litmus_fail(const char *what);

#endif
