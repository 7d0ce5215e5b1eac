/* SPDX-License-Identifier: MIT */
/*
 * The age of what a reader meets: stamping and judging.  Works on phases alone, takes no
 * lock, waits for nothing; compiled without TSan, so that a look hides no race.
 *
 * A grace period raises the machine's phase as it begins; a section notes the phase as it
 * begins (rcu.c).  An object unlinked in phase S must not be met by a section of a later
 * one.  This is never wrong about a legal reader:
 *
 *   - the unlinking store is sequenced before the stamp, a read-modify-write of `phase' that
 *     read S.  A section of phase P > S read `phase' from the chain of read-modify-writes
 *     that comes after that one.  So the store happens before everything in the section,
 *     which therefore finds what replaced the object, or nothing;
 *   - a reader sees the stamp of the life that it found the object in, or of a later one
 *     (type-stable memory), never an older: rcu_age_born() is before the release that
 *     publishes it.  A later life's stamp is a later phase, and no less legal;
 *   - "freed" is written after a grace period that began after the stamp.  A section begun
 *     before has ended by then; for one begun later the first point holds;
 *   - who is in no section holds the lock under which objects are unlinked, or one that
 *     keeps this one from it: every stamp is older than the lock, and wrong.
 *
 * It is not always right about an illegal one: a section that began after the unlinking,
 * but before any grace period did, has the stamp's phase; and memory that has become
 * another object of its kind is linked again.
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
	/* Not a plain load: that could be done before the unlinking store is seen by all. */
	return __atomic_fetch_add(&cpu->rcu.state->phase, 0, __ATOMIC_SEQ_CST);
}

struct rcu_meeting rcu_age_meet(const struct rcu_age *age)
{
	u64 word = __atomic_load_n(&age->word, __ATOMIC_RELAXED);
	struct rcu_meeting met = { .how = RCU_MET_LINKED };
	const struct rcu_cpu *rc;
	u64 now;

	if (likely(!word))
		return met;
	rc = &this_sched_cpu()->rcu;
	now = __atomic_load_n(&rc->state->phase, __ATOMIC_RELAXED);
	met.in_section = rc->nest;
	met.phase = rc->nest ? rc->last_phase : now;
	met.retired = word - 1;
	if (word == RCU_AGE_FREED)
		met.how = RCU_MET_FREED;
	else if (!met.in_section || met.phase > met.retired)
		met.how = RCU_MET_LATE;
	else
		met.how = now > met.retired ? RCU_MET_GRACE : RCU_MET_RETIRED;
	return met;
}
#endif
