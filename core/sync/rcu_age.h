/* SPDX-License-Identifier: MIT */
/*
 * The age of an object that an RCU reader meets.
 *
 * The object carries a struct rcu_age.  Its owner says when a life of it begins, when no
 * new reader can find it any more, and when its memory goes; a reader that has found it
 * asks which of these it met.  The oracle behind it is check/age.c.
 *
 * Nothing is written or asked unless MM_CHECK.  No function here is a scheduling point or
 * makes an order that ThreadSanitizer could see.
 */
#ifndef MM_SYNC_RCU_AGE_H
#define MM_SYNC_RCU_AGE_H

#include "base/atomic.h"
#include "sync/rcu_types.h"

/* Of freed memory; also what eight bytes of poison of an object cache read as. */
#define RCU_AGE_FREED	0x6b6b6b6b6b6b6b6bULL

static inline void rcu_age_set(struct rcu_age *age, u64 word)
{
#if MM_CHECK
	RAW_WRITE_ONCE(age->word, word);
#endif
}

/* A life begins: before the object is published.  Zeroed memory says so too. */
static inline void rcu_age_born(struct rcu_age *age)
{
	rcu_age_set(age, 0);
}

/*
 * For rcu_age_retire(), of as many objects as were unlinked together.  After the last store
 * that took them out of every reader's way, before call_rcu() or synchronize_rcu().  On a
 * vCPU.
 */
#if MM_CHECK
u64 rcu_age_stamp(void);
#else
static inline u64 rcu_age_stamp(void)
{
	return 0;
}
#endif

/* No section that begins now can find it. */
static inline void rcu_age_retire(struct rcu_age *age, u64 stamp)
{
	rcu_age_set(age, stamp);
}

/* After its grace period: its memory goes, or becomes something else. */
static inline void rcu_age_freed(struct rcu_age *age)
{
	rcu_age_set(age, RCU_AGE_FREED);
}

enum rcu_met {
	RCU_MET_LINKED,
	RCU_MET_RETIRED,	/* unlinked since the section began */
	RCU_MET_GRACE,		/* and a grace period waits for this section */
	RCU_MET_LATE,		/* wrong: unlinked before the section began */
	RCU_MET_FREED,		/* wrong: its grace period is over, or never was */
	NR_RCU_MET,
};

/* Short, lower case. */
const char *rcu_met_name(enum rcu_met how);

struct rcu_meeting {
	enum rcu_met	how;
	bool		in_section;	/* else a lock keeps the object linked */
	u64		retired;	/* which stamp it has, when it is retired */
	u64		given;		/* stamps, when the section began; now, without one */
};

/*
 * A reader has found the object and may touch it: in the section in which it found it, or
 * under a lock that keeps it linked.  On a vCPU.
 */
#if MM_CHECK
struct rcu_meeting rcu_age_meet(const struct rcu_age *age);
#else
static inline struct rcu_meeting rcu_age_meet(const struct rcu_age *age)
{
	return (struct rcu_meeting){ .how = RCU_MET_LINKED };
}
#endif

#endif
