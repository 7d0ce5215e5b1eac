/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_HW_CHECK_MET_H
#define MMSTORM_HW_CHECK_MET_H

#include "hw/machine.h"
#include "sync/rcu_age.h"

/*
 * A reader has found an object that RCU, or the lock that the reader holds,
 * keeps from going away, and is about to rely on it: tell the age oracle.
 * In the section in which it was found.  Nothing unless MM_CHECK.
 */
static inline NO_TSAN void check_met(struct machine *m, enum check_object what,
				     const struct rcu_age *age)
{
#if MM_CHECK
	if (m->check && m->check->met)
		m->check->met(what, age);
#endif
}

/* Where no machine is at hand. */
static inline NO_TSAN void check_met_here(enum check_object what, const struct rcu_age *age)
{
#if MM_CHECK
	check_met(this_machine(), what, age);
#endif
}

#endif /* MMSTORM_HW_CHECK_MET_H */
