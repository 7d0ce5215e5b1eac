/* SPDX-License-Identifier: MIT */
/*
 * Lock order and lock context, checked at run time.
 *
 * Every lock has a rank.  A context may wait for a lock only if the ranks of all
 * locks it holds are outer to it; two of one rank nest only by a stated rule.
 * A lock is also of a class (rank and name): a class that an interrupt handler
 * ever waits for must never be taken with interrupts on, and a context that is
 * atomic (spinlock held, interrupts off, RCU read section, handler) must not
 * sleep.  A breach is a finding with a title free of addresses, such as
 * "LOCKDEP: order pte_lock -> mmap_lock": held, then wanted.
 *
 * The stack of held locks belongs to the execution context (struct sched_ctx).
 * The usage of the classes belongs to the machine (struct lockdep_state).
 * On a thread without a vCPU nothing is checked.  MM_CHECK=0 removes it all.
 *
 * Behaviour after the kernel's kernel/locking/lockdep.c, with the order fixed
 * beforehand (core/LOCKING.md) and not learned.
 */
#ifndef MM_SYNC_LOCKDEP_H
#define MM_SYNC_LOCKDEP_H

#include "base/compiler.h"
#include "base/types.h"

/* Outermost first.  Each line: rank, what may be said of it (lockdep.c reads both). */
#define MM_LOCK_RANKS(RANK)						\
	RANK(OP,		SLEEPS | SPINS)				\
	RANK(I_RWSEM,		SLEEPS | BY_ADDRESS)			\
	RANK(MMAP_LOCK,		SLEEPS)					\
	RANK(VMA_LOCK,		SLEEPS | BY_ADDRESS)			\
	RANK(INVALIDATE_LOCK,	SLEEPS | BY_ADDRESS)			\
	RANK(PAGE_LOCK,		SLEEPS | BY_ADDRESS)			\
	RANK(I_MMAP,		SLEEPS)					\
	RANK(ANON_VMA,		SLEEPS)					\
	RANK(PAGE_TABLE_LOCK,	SPINS)					\
	RANK(PMD_LOCK,		SPINS | BY_ADDRESS)			\
	RANK(PTE_LOCK,		SPINS | BY_ADDRESS)			\
	RANK(I_PAGES,		SPINS)					\
	RANK(ZONE,		SPINS)					\
	RANK(SLAB,		SLEEPS | SPINS)				\
	RANK(LEAF,		SLEEPS | SPINS)

enum lock_rank {
#define RANK(name, traits) LOCK_RANK_##name,
	MM_LOCK_RANKS(RANK)
#undef RANK
	NR_LOCK_RANKS
};

enum lock_trait {
	LOCK_TRAIT_SLEEPS	= 1,	/* its waiters may sleep: rwsem, mutex, page lock */
	LOCK_TRAIT_SPINS	= 2,	/* its waiters spin, its holder is atomic */
	LOCK_TRAIT_BY_ADDRESS	= 4,	/* two nest when the second has the higher address */
};

const char *lock_rank_name(enum lock_rank rank);
unsigned int lock_rank_traits(enum lock_rank rank);

/* How a lock is taken. */
enum lockdep_flag {
	LOCKDEP_READ	= 1,
	LOCKDEP_TRY	= 2,	/* could not wait: its place in the order is not judged */
	LOCKDEP_SPIN	= 4,	/* its holder is atomic */
};

#define LOCKDEP_DEPTH		40
#define LOCKDEP_CLASSES		128

/* One held lock. */
struct held_lock {
	const void	*lock;
	const char	*name;
	u8		rank;
	u8		subclass;
	u8		flags;		/* enum lockdep_flag */
	u8		class;		/* index into lockdep_state.class */
};

/* The held stack of one execution context; its owner alone touches it. */
struct lockdep_stack {
#if MM_CHECK
	unsigned int		depth;
	struct held_lock	held[LOCKDEP_DEPTH];
#endif
};

/* What a machine has seen of each class.  Filled by atomics, never shrinks. */
struct lockdep_state {
	bool		off;		/* the machine's switch: set before its vCPUs run */
	struct {
		u64		key;	/* name << 8 | rank; 0: free */
		u32		same;	/* 1 + class that keeps the usage; 0: not known yet */
		u32		usage;	/* seen in a handler, seen with interrupts on */
	} class[LOCKDEP_CLASSES];
};

struct sched_ctx;

#if MM_CHECK
/*
 * Judge and note an acquisition by the current context, before waiting for the
 * lock (or after a trylock succeeded).  For locks that are not of this folder
 * (PG_locked, the VMA lock) these two are the whole interface.
 */
void lockdep_acquire(const void *lock, enum lock_rank rank, unsigned int subclass,
		     unsigned int flags, const char *name);
void lockdep_release(const void *lock);
/* A held write lock became a read lock (downgrade_write). */
void lockdep_downgrade(const void *lock);

bool lockdep_is_held(const void *lock);
bool lockdep_is_held_write(const void *lock);
void lockdep_assert_failed(const char *what);

/* The current context is about to sleep, or might have. */
void might_sleep(void);
/* ... is about to wait for other vCPUs to acknowledge an interrupt. */
void lockdep_ipi_wait(void);
/* An op, or a task, ends: ctx must hold nothing. */
void lockdep_assert_none_held(struct sched_ctx *ctx);
/* "mmap_lock(r) pte_lock", outermost first; returns buf. */
const char *lockdep_held_text(const struct sched_ctx *ctx, char *buf, size_t size);

/* True on a thread without a vCPU: there is nothing to know. */
bool lockdep_unknown(void);

#define lockdep_assert_held(l)						\
	do {								\
		if (unlikely(!lockdep_is_held(l)))			\
			lockdep_assert_failed("held " #l);		\
	} while (0)
#define lockdep_assert_held_write(l)					\
	do {								\
		if (unlikely(!lockdep_is_held_write(l)))		\
			lockdep_assert_failed("held for writing " #l);	\
	} while (0)
#define lockdep_assert_not_held(l)					\
	do {								\
		if (unlikely(!lockdep_unknown() && lockdep_is_held(l)))	\
			lockdep_assert_failed("not held " #l);		\
	} while (0)
#define lockdep_assert(cond)						\
	do {								\
		if (unlikely(!lockdep_unknown() && !(cond)))		\
			lockdep_assert_failed(#cond);			\
	} while (0)
#else
static inline void lockdep_acquire(const void *lock, enum lock_rank rank, unsigned int subclass,
				   unsigned int flags, const char *name)
{
}
static inline void lockdep_release(const void *lock) { }
static inline void lockdep_downgrade(const void *lock) { }
static inline bool lockdep_is_held(const void *lock) { return true; }
static inline bool lockdep_is_held_write(const void *lock) { return true; }
static inline void might_sleep(void) { }
static inline void lockdep_ipi_wait(void) { }
static inline void lockdep_assert_none_held(struct sched_ctx *ctx) { }
static inline const char *lockdep_held_text(const struct sched_ctx *ctx, char *buf, size_t size)
{
	if (size)
		buf[0] = '\0';
	return buf;
}
static inline bool lockdep_unknown(void) { return true; }
#define lockdep_assert_held(l)		do { (void)(l); } while (0)
#define lockdep_assert_held_write(l)	do { (void)(l); } while (0)
#define lockdep_assert_not_held(l)	do { (void)(l); } while (0)
#define lockdep_assert(cond)		do { } while (0)
#endif

#endif
