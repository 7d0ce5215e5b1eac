/* SPDX-License-Identifier: MIT */
/*
 * The age of what a reader meets: stamping and judging.  A count, no lock, no waiting;
 * compiled without TSan, so that a look hides no race.
 *
 * Who unlinks objects then draws a number for them, and a section notes how many were drawn
 * when it begins (rcu.c).  An object whose number had been drawn by then must not be met.
 * This is never wrong about a legal reader:
 *
 *   - the unlinking store is sequenced before the draw, a read-modify-write of `unlinked'.
 *     A section that noted n or more read it from the n-th draw or a later one, all
 *     read-modify-writes: so the store happens before everything in the section, which
 *     therefore finds what replaced the object, or nothing (where stores may be seen
 *     late, only what all see by then counts as drawn);
 *   - a reader sees the number of the life that it found the object in, or of a later one
 *     (type-stable memory), never an older: rcu_age_born() is before the release that
 *     publishes it.  A later life's number is higher, and no less legal;
 *   - "freed" is written after a grace period that began after the draw.  A section begun
 *     before has ended by then; for one begun later the first point holds;
 *   - who is in no section holds the lock under which objects are unlinked, or one that
 *     keeps this one from it: every number is older than the lock, and wrong.
 *
 * It is not always right about an illegal one: whose section began before the unlinking is
 * believed to have found the object then, and memory that has become another object of its
 * kind is linked again.
 */
#include "sync/rcu_age.h"

#include "sync/sched.h"

const char *rcu_met_name(enum rcu_met how)
{
	static const char *const name[NR_RCU_MET] = {
		[RCU_MET_LINKED] = "linked", [RCU_MET_RETIRED] = "retired",
		[RCU_MET_GRACE] = "grace", [RCU_MET_LATE] = "late", [RCU_MET_FREED] = "freed",
	};

	return name[how];
}

#if MM_CHECK
u64 rcu_age_stamp(void)
{
	struct sched_cpu *cpu = this_sched_cpu();

	if (!cpu || !cpu->rcu.state)
		return 0;
	return raw_fetch_add_order(&cpu->rcu.state->unlinked, 1, __ATOMIC_SEQ_CST) + 1;
}

struct rcu_meeting rcu_age_meet(const struct rcu_age *age)
{
	u64 word = raw_load_order(&age->word, __ATOMIC_RELAXED);
	struct rcu_meeting met = { .how = RCU_MET_LINKED };
	const struct rcu_cpu *rc;

	if (likely(!word))
		return met;
	rc = &this_sched_cpu()->rcu;
	met.in_section = rc->nest;
	met.given = rc->nest ? rc->entered :
			       raw_load_order(&rc->state->unlinked, __ATOMIC_RELAXED);
	met.retired = word;
	if (word == RCU_AGE_FREED)
		met.how = RCU_MET_FREED;
	else if (!met.in_section || met.given >= word)
		met.how = RCU_MET_LATE;
	else if (raw_load_order(&rc->state->in_grace, __ATOMIC_RELAXED) >= word)
		met.how = RCU_MET_GRACE;
	else
		met.how = RCU_MET_RETIRED;
	return met;
}
#endif
