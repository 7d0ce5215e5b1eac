/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_CHECK_SHADOW_H
#define MMSTORM_CHECK_SHADOW_H

#include "base/atomic.h"
#include "base/types.h"
#include "check/check.h"
#include "hw/check_ops.h"
#include "mm/pin.h"

/*
 * The expected state of one window of one address space, private to check/.
 *
 * Every page has a lock of its own that orders its word, its slots and the
 * looks that accesses take at them.  It is a bare exchange in files that
 * ThreadSanitizer does not see: it can neither hide a race of the mm nor be
 * reported as one, and is never held across anything but a few loads.
 */

/* A slot whose content is not known: overlapping calls, a foreign store. */
#define SLOT_UNKNOWN	(~0ull)

/*
 * What a slot may hold is lo..hi, two tags of one writer (both the same but
 * after a fork that raced with a store, when any tag between is possible),
 * or `next', a store that was issued and not yet acknowledged.
 */
struct shadow_slot {
	u64 lo;
	u64 hi;
	u64 next;		/* 0: none */
	/*
	 * Of this tag's task, nothing up to it can come back: a call that made
	 * the page new began after it was acknowledged, and has returned.  Holds
	 * whatever other calls overlapped that one, as long as none of them can
	 * have brought contents from elsewhere.  0: nothing is known.
	 */
	u64 dead;
};

enum {
	WORD_KNOWN	= 1u << 0,	/* the bits below can be relied on */
	WORD_READ	= 1u << 1,
	WORD_WRITE	= 1u << 2,
	WORD_EXEC	= 1u << 3,
};

/* Accesses that a call takes away, each for itself. */
enum shadow_use { SHADOW_READ, SHADOW_WRITE, SHADOW_EXEC, NR_SHADOW_USES };

enum {
	SHADOW_LOCK_FREE,
	SHADOW_LOCK_HELD,
	/* Of a controlled machine, whose vCPUs are one host thread's: for good. */
	SHADOW_LOCK_NEEDLESS,
};

struct shadow_page {
	u32		lock;		/* SHADOW_LOCK_* */
	u16		pending;	/* calls under way on this page */
	u16		bringing;	/* of these, such as may bring contents */
	u32		brought;	/* moves with the begin and end of such */
	u8		rights;		/* WORD_* */
	u8		backing;	/* enum check_backing */
	u8		dirtied;	/* slots stored to while calls were under way */
	bool		advised;	/* a child does not get it as it is */
	u32		seq;		/* moves with every call's begin and end */
	u32		moved;		/* moves with the begin of calls that move pages */
	u32		truncates;	/* of the state, when slots were known */
	/* Stores of anything but a tag: under way, and ever begun. */
	u16		foreign;
	u32		foreign_seq;
	/* translation.c: no translation that is older may be used so any more. */
	u64		since[NR_SHADOW_USES];
	/* The newest frame seen in use here, and the stamp of its translation. */
	unsigned long	frame;
	u64		frame_stamp;	/* 0: none was seen */
	/* Where the last store through this page went, and when it had its translation. */
	unsigned long	stored_frame;
	u32		stored_gen;	/* of that frame */
	u64		stored_at;
	/*
	 * What to read: the page's own, or, as long as nobody has written to one of them, a
	 * set that it shares with all that are alike.  shadow_own_slots() before writing.
	 */
	const struct shadow_slot *slot;
	struct shadow_slot *own;	/* CHECK_SLOTS of them; not set while slot is not this */
};

struct check_mm {
	atomic_t	users;
	u32		id;		/* unique in the machine, from 1 */
	unsigned long	base;
	unsigned int	nr_pages;
	atomic_t	slots;		/* bits: slots that a task owns now */
	atomic_t	owners;		/* moves when one gets an owner */
	/*
	 * A stack is, or was, in the window: what no call has mapped may be
	 * there all the same.  Set before the call that makes it; never unset.
	 */
	u32		grows;
	struct shadow_page page[];	/* and behind them what they own */
};

/* A page as a call found it: its slots' newest tags, to be buried. */
struct shadow_note {
	u32		brought;
	bool		tagged;		/* a slot was written to: tag[] is set */
	u64		tag[CHECK_SLOTS];	/* 0: not known */
};

/* A page as it was pinned. */
struct pin_page {
	struct shadow_page	*page;		/* NULL: outside the window */
	u32			seq;
	u32			moved;
	u32			brought;
	u32			truncates;
	u64			stamp;		/* machine_translation_stamp() when it was done */
	u8			rights;
	u8			backing;
	bool			alone;		/* no call was under way */
	bool			anchored;	/* nor came one: it is what was mapped there */
	bool			coherent;	/* it is the process's to write to and to read */
	bool			sound;		/* the slots say what there was in it */
	struct shadow_slot	slot[CHECK_SLOTS];
};

struct task_pin {
	unsigned int		nr;
	struct pin_page		page[PIN_PAGES_MAX];
};

struct check_task {
	struct check_mm	*mm;
	u32		id;		/* in tags; unique in the machine, from 1 */
	unsigned int	slot;		/* where its tags go */
	bool		judged;		/* and it owns that slot */
	u64		newest;		/* of its tags, by seq: an older one stored is a copy */
	/* Pages' seq at the begin of the call under way, from and to. */
	u32		*call_seq[2];
	/* What was acknowledged at that begin, `from' only. */
	struct shadow_note *notes;
	u64		call_stamp;	/* machine_translation_stamp() of that begin */
	struct task_pin	pin[PINS_MAX];
	struct task_pin	pinning;	/* from begin to end */
};

struct check_count {
	u64 conclusive[NR_CHECKS];
	u64 excused[NR_CHECKS];
	u64 met[NR_CHECK_OBJECTS][NR_RCU_MET];	/* age */
} __attribute__((aligned(64)));

/*
 * Whose mm a tag's writer had is remembered of the last so many tasks: by task id that,
 * and below it the check_mm's.  In parts, which most machines need one of.
 */
#define CHECK_TASKS	65536
#define CHECK_TASKS_PART 512

struct shadow_tasks {
	u64 mm[CHECK_TASKS_PART];
};

/* What is known of a frame since it left the allocator (frame.c); orders nothing. */
struct shadow_frame {
	u64 copied_at;		/* machine_translation_stamp() as it was begun; 0: it was not */
	u32 copied_from;	/* frame, */
	u32 copied_gen;		/* and its generation then */
	u8 stored;		/* an access stored to it */
};

struct check_state {
	u32		mask;
	struct check_ops ops;		/* the machine's, by mask */
	unsigned int	nr_cpus;
	atomic_t	next_mm;
	atomic_t	next_task;
	/* Odd-even truncation clock: pending in the low 16 bits. */
	atomic64_t	truncates;
	struct shadow_tasks *tasks[CHECK_TASKS / CHECK_TASKS_PART];	/* cmpxchg; NULL: nobody */
	struct shadow_frame *frames;	/* by frame number */
	struct check_count *count;	/* per vCPU, owner-written */
};

struct vcpu;

void shadow_lock(struct shadow_page *page);
void shadow_unlock(struct shadow_page *page);

struct shadow_page *shadow_page_at(struct check_mm *cm, unsigned long va);
void shadow_page_lost(struct shadow_page *page);
/* Contents from elsewhere begin, or have ended, to come into the page. */
void shadow_bring(struct shadow_page *page, bool begin);
void shadow_forget_slots(struct shadow_page *page);

/*
 * All slots of a page.  Word by word: ThreadSanitizer sees a memcpy() even of files that it
 * does not look into, but not the page lock that orders it.
 */
static inline void shadow_copy_slots(struct shadow_slot *to, const struct shadow_slot *from)
{
	for (unsigned int i = 0; i < CHECK_SLOTS; i++) {
		raw_store_order(&to[i].lo, from[i].lo, __ATOMIC_RELAXED);
		raw_store_order(&to[i].hi, from[i].hi, __ATOMIC_RELAXED);
		raw_store_order(&to[i].next, from[i].next, __ATOMIC_RELAXED);
		raw_store_order(&to[i].dead, from[i].dead, __ATOMIC_RELAXED);
	}
}

static inline bool shadow_has_own_slots(const struct shadow_page *page)
{
	return page->slot == page->own;
}

/* The page's slots, to be written to. */
struct shadow_slot *shadow_own_slots(struct shadow_page *page);

/* An address space's shadow; of its pages only lock and own are set.  NULL: no memory. */
struct check_mm *shadow_alloc(struct check_state *st, unsigned long base, unsigned int pages);

/* The truncation clock's value, or ~0 while a truncation is under way. */
u32 shadow_truncates(struct check_state *st);

/* Words of a private file page stand only while no truncation may drop them. */
void shadow_expire(struct check_state *st, struct shadow_page *page);
bool shadow_is_private(u8 backing);
/* A store of anything but a tag; of all slots when @slot is NULL. */
void shadow_foreign_begin(struct shadow_page *page);
void shadow_foreign_end(struct shadow_page *page, struct shadow_slot *slot);
/* Of all slots, from its begin to its end; takes the page's lock. */
void shadow_foreign(struct shadow_page *page, bool begin);

/* What is remembered in a task's place, perhaps of another; 0: of nobody. */
static inline u64 shadow_task_mm(struct check_state *st, u32 task)
{
	u32 at = task % CHECK_TASKS;
	struct shadow_tasks *part = raw_load_order(&st->tasks[at / CHECK_TASKS_PART],
						   __ATOMIC_ACQUIRE);

	return part ? READ_ONCE(part->mm[at % CHECK_TASKS_PART]) : 0;
}

void check_count(struct vcpu *cpu, enum check_id id, bool conclusive);
bool check_enabled(const struct vcpu *cpu, enum check_id id);

#define TAG_TASK_SHIFT	40
#define TAG_NOBODY	0xffffffu

static inline u32 tag_task(u64 tag)
{
	return tag >> TAG_TASK_SHIFT;
}

static inline u64 tag_seq(u64 tag)
{
	return tag & ((1ull << TAG_TASK_SHIFT) - 1);
}

/* What an access leaves at its begin for its later steps, in access_record.cookie. */
struct shadow_look {
	struct shadow_page	*page;
	struct shadow_slot	*slot;		/* NULL: no whole slot is meant */
	struct shadow_slot	before;
	u32			seq;
	u32			foreign_seq;
	u32			brought;
	u32			owners;
	u32			truncates;
	u64			since;		/* of this use, see shadow_page */
	u64			moment;		/* of a store: before its bytes move */
	u8			rights;
	u8			backing;
	bool			pending;
	bool			tagged;		/* a store of this task's tag */
	bool			foreign;	/* a store of anything else */
	bool			crowded;	/* one was under way */
	bool			stray;		/* a device's store, into any page */
};

_Static_assert(sizeof(struct shadow_look) <= sizeof(((struct access_record *)0)->cookie),
	       "a look must fit in the record");

static inline struct shadow_look *shadow_look_of(struct access_record *rec)
{
	return (struct shadow_look *)rec->cookie;
}

static inline enum shadow_use shadow_use(enum check_access kind)
{
	switch (kind) {
	case CHECK_ACCESS_READ:
		return SHADOW_READ;
	case CHECK_ACCESS_EXEC:
		return SHADOW_EXEC;
	default:
		return SHADOW_WRITE;
	}
}

/* frame.c: the access has stored. */
void check_stored(struct vcpu *cpu, const struct access_record *rec);

/* A call that began at @stamp has returned: it took these uses (1 << enum shadow_use) away. */
void shadow_take_away(struct shadow_page *page, u32 uses, u64 stamp);

/* The listeners, in access.c, translation.c, frame.c and age.c. */
void check_access_begin(struct vcpu *cpu, struct access_record *rec);
void check_access_translated(struct vcpu *cpu, struct access_record *rec);
void check_table_walked(struct vcpu *cpu, unsigned long va, unsigned long pfn, u32 gen);
void check_access_moved(struct vcpu *cpu, struct access_record *rec);
void check_access_end(struct vcpu *cpu, struct access_record *rec);
void check_frame_alloc(struct machine *m, unsigned long pfn, unsigned int order);
void check_frame_copy(struct machine *m, unsigned long to, unsigned long from);
/* pin.c; @pp's page locked but in the first two. */
struct pin_page *check_pin_of(struct check_task *ct, const struct access_record *rec);
void check_pin_stray(struct check_task *ct, bool begin);
bool check_pin_in_place(struct check_state *st, const struct pin_page *pp);
/* At the end of a device's access to a page of the window. */
void check_pin_frame(struct vcpu *cpu, const struct access_record *rec);
bool check_pin_knows(const struct pin_page *pp, unsigned int slot);

void check_object_met(enum check_object what, const struct rcu_age *age);

#endif /* MMSTORM_CHECK_SHADOW_H */
