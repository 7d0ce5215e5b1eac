/* SPDX-License-Identifier: MIT */
/*
 * The shadow of an address space: what each page of its window may hold and
 * allow, as far as completed calls and acknowledged stores promise it.
 *
 * Owns struct check_mm.  Takes only its own page locks, one at a time, never
 * around a scheduling point.  Must never ask the mm what is true: the shadow
 * knows from the calls alone, or it would repeat the mm's mistakes.
 */
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/err.h"
#include "base/point.h"
#include "check/shadow.h"
#include "hw/machine.h"
#include "hw/vcpu.h"
#include "kern/task.h"
#include "mm/mm_types.h"
#include "mm/uapi.h"
#include "sync/cpu_relax.h"

#define SHADOW_PAGE_SIZE	4096ul

void shadow_lock(struct shadow_page *page)
{
	if (RAW_READ_ONCE(page->lock) == SHADOW_LOCK_NEEDLESS) {
		/* What is judged depends on the order of who comes here (sync/exhaust.h). */
		sched_touch(&page->lock, true);
		return;
	}
	while (raw_xchg(&page->lock, SHADOW_LOCK_HELD))
		cpu_relax();
}

void shadow_unlock(struct shadow_page *page)
{
	if (RAW_READ_ONCE(page->lock) != SHADOW_LOCK_NEEDLESS)
		smp_store_release(&page->lock, SHADOW_LOCK_FREE);
}

struct shadow_page *shadow_page_at(struct check_mm *cm, unsigned long va)
{
	unsigned long nr;

	if (!cm || va < cm->base)
		return NULL;
	nr = (va - cm->base) / SHADOW_PAGE_SIZE;
	return nr < cm->nr_pages ? &cm->page[nr] : NULL;
}

/* Most pages of most windows are never stored to: their slots are one of these. */
static const struct shadow_slot zero_set[CHECK_SLOTS];
static const struct shadow_slot unknown_set[CHECK_SLOTS] = {
	[0 ... CHECK_SLOTS - 1] = { .lo = SLOT_UNKNOWN, .hi = SLOT_UNKNOWN },
};

struct shadow_slot *shadow_own_slots(struct shadow_page *page)
{
	if (!shadow_has_own_slots(page)) {
		shadow_copy_slots(page->own, page->slot);
		page->slot = page->own;
	}
	return page->own;
}

/* Stores under way stay announced: they may still land, in whatever is there. */
static void fill_slots(struct shadow_page *page, const struct shadow_slot *set)
{
	unsigned int i;

	if (!shadow_has_own_slots(page)) {
		page->slot = set;
		return;
	}
	for (i = 0; i < CHECK_SLOTS; i++) {
		page->own[i].lo = set[i].lo;
		page->own[i].hi = set[i].hi;
	}
}

void shadow_forget_slots(struct shadow_page *page)
{
	fill_slots(page, unknown_set);
}

/* But for words stored behind the back of the call that made the page new. */
static void zero_slots(struct shadow_page *page)
{
	unsigned int i;

	fill_slots(page, zero_set);
	for (i = 0; page->dirtied && i < CHECK_SLOTS; i++)
		if (page->dirtied & 1u << i)
			shadow_own_slots(page)[i].lo = page->own[i].hi = SLOT_UNKNOWN;
}

u32 shadow_truncates(struct check_state *st)
{
	u64 clock = atomic64_read(&st->truncates);

	return (clock & 0xffff) ? ~0u : (u32)(clock >> 16);
}

/* A private file page's words stand only while no truncation may drop them. */
void shadow_expire(struct check_state *st, struct shadow_page *page)
{
	u32 now;

	if (page->backing != CHECK_BACK_FILE)
		return;
	now = shadow_truncates(st);
	if (now == ~0u || now != page->truncates)
		shadow_forget_slots(page);
	page->truncates = now;
}

bool shadow_is_private(u8 backing)
{
	return backing == CHECK_BACK_ANON || backing == CHECK_BACK_FILE;
}

/*
 * Address spaces
 */

struct check_mm *shadow_alloc(struct check_state *st, unsigned long base, unsigned int pages)
{
	const size_t slots = CHECK_SLOTS * sizeof(struct shadow_slot);
	u32 lock = this_machine()->config.mode == RUN_CONTROLLED ?
		   SHADOW_LOCK_NEEDLESS : SHADOW_LOCK_FREE;
	struct check_mm *cm;
	struct shadow_slot *own;
	unsigned int i;

	cm = machine_alloc(this_machine(),
			   sizeof(*cm) + pages * (sizeof(cm->page[0]) + slots), 0);
	if (!cm)
		return NULL;
	memset(cm, 0, sizeof(*cm));
	cm->id = raw_atomic_add_return(1, &st->next_mm);
	cm->base = base;
	cm->nr_pages = pages;
	own = (struct shadow_slot *)&cm->page[pages];
	for (i = 0; i < pages; i++) {
		cm->page[i].own = own + i * CHECK_SLOTS;
		cm->page[i].lock = lock;
	}
	return cm;
}

int check_mm_create(struct mm_struct *mm, unsigned long base,
		    unsigned int pages)
{
	struct check_state *st = this_machine()->chk;
	unsigned int i;

	if (!st)
		return 0;
	if (pages > CHECK_WINDOW_PAGES)
		return -EINVAL;
	mm->check = shadow_alloc(st, base, pages);
	if (!mm->check)
		return -ENOMEM;
	atomic_set(&mm->check->users, 1);
	for (i = 0; i < pages; i++) {
		struct shadow_page *page = &mm->check->page[i];

		*page = (struct shadow_page){
			.lock = page->lock, .rights = WORD_KNOWN,
			.slot = zero_set, .own = page->own,
		};
	}
	return 0;
}

void check_mm_put(struct mm_struct *mm)
{
	struct check_mm *cm = mm->check;

	if (cm && !raw_atomic_sub_return(1, &cm->users))
		machine_free(this_machine(), cm);
}

/* A child's, whose first task is not watched. */
static void drop_unused(struct mm_struct *mm)
{
	if (atomic_read(&mm->check->users))
		return;
	machine_free(this_machine(), mm->check);
	mm->check = NULL;
}

/* A slot that no running task owns, or false. */
static bool own_slot(struct check_mm *cm, unsigned int *slot)
{
	int used = atomic_read(&cm->slots);

	do {
		*slot = (unsigned int)__builtin_ctz(~(unsigned int)used);
		if (*slot >= CHECK_SLOTS)
			return false;
	} while (!raw_try_cmpxchg(&cm->slots.counter, &used,
				  used | 1 << *slot));
	raw_atomic_add(1, &cm->owners);
	return true;
}

/* The part that a task's id falls into; who makes it first makes it.  NULL: no memory. */
static struct shadow_tasks *tasks_part(struct check_state *st, u32 task)
{
	struct shadow_tasks **place = &st->tasks[task % CHECK_TASKS / CHECK_TASKS_PART];
	struct shadow_tasks *part = raw_load_order(place, __ATOMIC_ACQUIRE), *new;

	if (likely(part))
		return part;
	new = machine_zalloc(this_machine(), sizeof(*new), 0);
	if (!new || raw_try_cmpxchg(place, &part, new))
		return new;
	machine_free(this_machine(), new);
	return part;
}

/* Of what lies behind it nothing is looked at that the task has not written before. */
static struct check_task *alloc_task(struct check_mm *cm)
{
	struct check_task *ct = machine_alloc(this_machine(), sizeof(*ct) + cm->nr_pages *
					      (sizeof(ct->notes[0]) + 2 * sizeof(u32)), 0);

	if (ct)
		memset(ct, 0, sizeof(*ct));
	return ct;
}

int check_task_start(struct task_struct *task)
{
	struct check_state *st = this_machine()->chk;
	struct check_mm *cm = task->mm ? task->mm->check : NULL;
	struct shadow_tasks *part;
	struct check_task *ct;
	u32 id;

	if (!st || !cm)
		return 0;
	id = raw_atomic_add_return(1, &st->next_task);
	part = tasks_part(st, id);
	ct = part ? alloc_task(cm) : NULL;
	if (!ct) {
		drop_unused(task->mm);
		return -ENOMEM;
	}
	ct->notes = (struct shadow_note *)(ct + 1);
	ct->call_seq[0] = (u32 *)(ct->notes + cm->nr_pages);
	ct->call_seq[1] = ct->call_seq[0] + cm->nr_pages;
	ct->mm = cm;
	ct->id = id;
	raw_atomic_add(1, &cm->users);
	ct->judged = own_slot(cm, &ct->slot);
	if (!ct->judged)
		ct->slot = ct->id % CHECK_SLOTS;
	WRITE_ONCE(part->mm[id % CHECK_TASKS_PART], (u64)id << 32 | cm->id);
	task->check = ct;
	return 0;
}

void check_task_exit(struct task_struct *task)
{
	struct check_task *ct = task->check;

	if (!ct)
		return;
	task->check = NULL;
	if (ct->judged)
		raw_atomic_and(~(1 << ct->slot), &ct->mm->slots);
	if (!raw_atomic_sub_return(1, &ct->mm->users))
		machine_free(task->machine, ct->mm);
	machine_free(task->machine, ct);
}

/*
 * Calls
 */

static struct check_range clip(const struct check_mm *cm, unsigned long start,
			       unsigned long len)
{
	unsigned long limit = cm->base + cm->nr_pages * SHADOW_PAGE_SIZE;
	unsigned long end = start + len;
	struct check_range r = { 0, 0 };

	if (end < start || end > limit)
		end = limit;
	if (start < cm->base)
		start = cm->base;
	start &= ~(SHADOW_PAGE_SIZE - 1);
	if (start >= end)
		return r;
	r.first = (start - cm->base) / SHADOW_PAGE_SIZE;
	r.nr = (end - start + SHADOW_PAGE_SIZE - 1) / SHADOW_PAGE_SIZE;
	return r;
}

/* Contents that were elsewhere: another page's, a file's. */
static bool brings(const struct check_call *call)
{
	return call->effect == CHECK_EFFECT_MOVE ||
	       (call->effect == CHECK_EFFECT_MAP &&
		call->backing != CHECK_BACK_ANON);
}

void shadow_bring(struct shadow_page *page, bool begin)
{
	unsigned int i;

	page->bringing += begin ? 1 : -1;
	page->brought++;
	for (i = 0; shadow_has_own_slots(page) && i < CHECK_SLOTS; i++)
		page->own[i].dead = 0;
}

/*
 * A store of anything but a tag.  While it is under way, and over every look
 * that it overlaps, the page's words are not judged.
 */
void shadow_foreign_begin(struct shadow_page *page)
{
	page->foreign++;
	page->foreign_seq++;
	shadow_bring(page, true);	/* a block copy: an old tag, perhaps */
}

void shadow_foreign_end(struct shadow_page *page, struct shadow_slot *slot)
{
	page->foreign--;
	shadow_bring(page, false);
	page->dirtied |= slot ? 1u << (slot - page->own) : 0xff;
	if (slot)
		slot->lo = slot->hi = SLOT_UNKNOWN;
	else
		shadow_forget_slots(page);
}

void shadow_foreign(struct shadow_page *page, bool begin)
{
	shadow_lock(page);
	if (begin)
		shadow_foreign_begin(page);
	else
		shadow_foreign_end(page, NULL);
	shadow_unlock(page);
}

static void take_note(const struct shadow_page *page, struct shadow_note *note)
{
	unsigned int i;

	note->brought = page->brought;
	note->tagged = shadow_has_own_slots(page);
	for (i = 0; note->tagged && i < CHECK_SLOTS; i++)
		note->tag[i] = page->slot[i].hi == SLOT_UNKNOWN ? 0 :
			       page->slot[i].hi;
}

static void pages_begin(struct check_mm *cm, struct check_range r, u32 *seq,
			struct shadow_note *notes, const struct check_call *call)
{
	unsigned int i;

	for (i = 0; i < r.nr; i++) {
		struct shadow_page *page = &cm->page[r.first + i];

		shadow_lock(page);
		if (notes)
			take_note(page, &notes[i]);
		if (brings(call))
			shadow_bring(page, true);
		if (call->effect == CHECK_EFFECT_MOVE)
			page->moved++;
		seq[i] = ++page->seq;
		if (page->pending++)
			seq[i]--;	/* not alone: can never match */
		else
			page->dirtied = 0;
		page->advised |= call->effect == CHECK_EFFECT_ADVISE;
		shadow_unlock(page);
	}
}

void check_call_begin(struct task_struct *task, struct check_call *call)
{
	struct check_task *ct = task->check;
	struct check_state *st = this_machine()->chk;

	if (!ct)
		return;
	if (call->effect == CHECK_EFFECT_TRUNCATE)
		raw_atomic64_add(1, &st->truncates);
	if (call->effect == CHECK_EFFECT_NONE ||
	    call->effect == CHECK_EFFECT_TRUNCATE)
		return;
	if (call->grows)
		WRITE_ONCE(ct->mm->grows, 1u);
	ct->call_stamp = machine_translation_stamp(this_machine());
	call->from_range = clip(ct->mm, call->start, call->len);
	pages_begin(ct->mm, call->from_range, ct->call_seq[0], ct->notes,
		    call);
	call->to_range = (struct check_range){ 0, 0 };
	if (call->effect != CHECK_EFFECT_MOVE)
		return;
	call->to_range = clip(ct->mm, call->to, call->to_len);
	pages_begin(ct->mm, call->to_range, ct->call_seq[1], NULL, call);
}

/* What the hardware enforces: x86 has no write-only and no exec-only page. */
static u8 rights_of(unsigned int prot)
{
	u8 rights = WORD_KNOWN;

	if (prot & (PROT_READ | PROT_WRITE | PROT_EXEC))
		rights |= WORD_READ;
	if (prot & PROT_WRITE)
		rights |= WORD_WRITE;
	if (prot & PROT_EXEC)
		rights |= WORD_EXEC;
	return rights;
}

static void page_map(struct shadow_page *page, const struct check_call *call)
{
	page->rights = rights_of(call->prot);
	page->backing = call->backing;
	page->advised = false;
	if (call->backing == CHECK_BACK_ANON)
		zero_slots(page);
	else
		shadow_forget_slots(page);
}

static void page_unmap(struct shadow_page *page)
{
	page->rights = WORD_KNOWN;
	page->backing = CHECK_BACK_NONE;
	shadow_forget_slots(page);
}

/* Rights, contents, and even whose they are: all of it is open. */
void shadow_page_lost(struct shadow_page *page)
{
	page->rights = 0;
	page->backing = CHECK_BACK_NONE;
	shadow_forget_slots(page);
}

/* The call was alone on the page and succeeded. */
static void page_apply(struct shadow_page *page, const struct check_call *call)
{
	switch (call->effect) {
	case CHECK_EFFECT_MAP:
		page_map(page, call);
		break;
	case CHECK_EFFECT_UNMAP:
		page_unmap(page);
		break;
	case CHECK_EFFECT_PROTECT:
		if (page->rights & WORD_KNOWN)
			page->rights = rights_of(call->prot);
		break;
	case CHECK_EFFECT_ZERO:
		if (page->backing == CHECK_BACK_ANON)
			zero_slots(page);
		else
			shadow_forget_slots(page);
		break;
	default:
		break;
	}
}

/* It was not alone, or failed half way: forget what it may have changed. */
static void page_doubt(struct shadow_page *page, const struct check_call *call)
{
	if (call->effect == CHECK_EFFECT_PROTECT)
		page->rights &= ~WORD_KNOWN;
	else if (call->effect == CHECK_EFFECT_ZERO)
		shadow_forget_slots(page);
	else
		shadow_page_lost(page);
}

enum outcome { OUTCOME_DONE, OUTCOME_UNCHANGED, OUTCOME_DOUBTFUL };

static enum outcome outcome_of(const struct check_call *call, long result)
{
	bool failed = result < 0 && result >= -4095;

	switch (call->effect) {
	case CHECK_EFFECT_MAP:
		if (failed || (unsigned long)result != call->start)
			return OUTCOME_UNCHANGED;
		return OUTCOME_DONE;
	case CHECK_EFFECT_UNMAP:
		return failed ? OUTCOME_UNCHANGED : OUTCOME_DONE;
	case CHECK_EFFECT_ADVISE:
		return OUTCOME_UNCHANGED;
	case CHECK_EFFECT_ANY:
		return OUTCOME_DOUBTFUL;
	default:
		return failed ? OUTCOME_DOUBTFUL : OUTCOME_DONE;
	}
}

/* Alone or not: what was acknowledged before this call is gone for good. */
static void bury(struct shadow_page *page, const struct check_call *call,
		 const struct shadow_note *note)
{
	unsigned int i;

	/* Such a call under way now, or at any time since this one began. */
	if (page->bringing || page->brought != note->brought)
		return;
	if (page->backing == CHECK_BACK_FILE ||
	    page->backing == CHECK_BACK_SHARED)
		return;
	if (call->effect != CHECK_EFFECT_ZERO &&
	    call->effect != CHECK_EFFECT_UNMAP &&
	    call->effect != CHECK_EFFECT_MAP)
		return;
	for (i = 0; note->tagged && i < CHECK_SLOTS; i++)
		if (note->tag[i])
			shadow_own_slots(page)[i].dead = note->tag[i];
}

/* Which uses of [start, len) no older translation allows, now that the call has returned. */
static u32 taken_away(const struct check_call *call, long result)
{
	const u32 all = 1u << SHADOW_READ | 1u << SHADOW_WRITE | 1u << SHADOW_EXEC;
	u8 rights;

	switch (call->effect) {
	case CHECK_EFFECT_MOVE:
		return (unsigned long)result == call->to && call->to != call->start ? all : 0;
	case CHECK_EFFECT_PROTECT:
		rights = rights_of(call->prot);
		return (rights & WORD_READ ? 0 : 1u << SHADOW_READ) |
		       (rights & WORD_WRITE ? 0 : 1u << SHADOW_WRITE) |
		       (rights & WORD_EXEC ? 0 : 1u << SHADOW_EXEC);
	case CHECK_EFFECT_MAP:
	case CHECK_EFFECT_UNMAP:
	case CHECK_EFFECT_ZERO:
		return all;
	default:
		return 0;
	}
}

static void take_away(struct check_mm *cm, struct check_range r, u32 uses, u64 stamp)
{
	unsigned int i;

	for (i = 0; uses && i < r.nr; i++) {
		struct shadow_page *page = &cm->page[r.first + i];

		shadow_lock(page);
		shadow_take_away(page, uses, stamp);
		shadow_unlock(page);
	}
}

static void pages_end(struct check_mm *cm, struct check_range r,
		      const u32 *seq, const struct shadow_note *notes,
		      const struct check_call *call, enum outcome outcome)
{
	unsigned int i;

	for (i = 0; i < r.nr; i++) {
		struct shadow_page *page = &cm->page[r.first + i];

		shadow_lock(page);
		if (outcome == OUTCOME_DOUBTFUL)
			page_doubt(page, call);
		else if (outcome == OUTCOME_DONE && page->seq == seq[i])
			page_apply(page, call);
		else if (outcome == OUTCOME_DONE)
			page_doubt(page, call);
		if (brings(call))
			shadow_bring(page, false);
		else if (notes && outcome == OUTCOME_DONE)
			bury(page, call, &notes[i]);
		/* It may be another page by now, with a life of its own before. */
		page->stored_at = 0;
		page->seq++;
		page->pending--;
		shadow_unlock(page);
	}
}

/* What a page's state is made of, apart from calls under way. */
struct page_state {
	u8			rights;
	u8			backing;
	u8			dirtied;
	bool			advised;
	const struct shadow_slot *shared;	/* NULL: slot[] */
	struct shadow_slot	slot[CHECK_SLOTS];
};

static void take_state(struct shadow_page *from, struct page_state *s)
{
	shadow_lock(from);
	s->rights = from->rights;
	s->backing = from->backing;
	/* No flush waits for a device's store. */
	s->dirtied = from->foreign ? 0xff : from->dirtied;
	s->advised = from->advised;
	s->shared = shadow_has_own_slots(from) ? NULL : from->slot;
	if (!s->shared)
		shadow_copy_slots(s->slot, from->slot);
	if (s->rights & WORD_KNOWN)
		page_unmap(from);
	else
		shadow_page_lost(from);
	shadow_unlock(from);
}

/* A store meanwhile may have come along, or gone to what was there before. */
static void move_slots(struct shadow_page *to, const struct page_state *s)
{
	const struct shadow_slot *from = s->shared ? s->shared : s->slot;
	u8 dirtied = s->dirtied | to->dirtied;
	struct shadow_slot *own;
	unsigned int i;

	if (s->shared && !dirtied) {
		fill_slots(to, s->shared);
		return;
	}
	own = shadow_own_slots(to);
	for (i = 0; i < CHECK_SLOTS; i++) {
		bool sure = !from[i].next && !(dirtied & 1u << i);

		own[i].lo = sure ? from[i].lo : SLOT_UNKNOWN;
		own[i].hi = sure ? from[i].hi : SLOT_UNKNOWN;
	}
}

/*
 * Both pages' states are ours alone to change: moves one onto the other.  A
 * hole in the old range leaves the new place as it was: since Linux 6.17 a
 * move of several VMAs unmaps the target of each, not the gaps between.
 */
static void page_move(struct shadow_page *from, struct shadow_page *to)
{
	struct page_state s;

	take_state(from, &s);
	if (s.rights & WORD_KNOWN && s.backing == CHECK_BACK_NONE)
		return;
	shadow_lock(to);
	if (s.rights & WORD_KNOWN) {
		to->rights = s.rights;
		to->backing = s.backing;
		to->advised = s.advised;
		move_slots(to, &s);
		to->truncates = ~0u;	/* a file page's slots: known again later */
	} else {
		shadow_page_lost(to);
	}
	shadow_unlock(to);
}

/* The part of a move's outcome that pages_end() cannot see page by page. */
static enum outcome move_contents(struct check_task *ct,
				  const struct check_call *call, long result)
{
	struct check_range from = call->from_range, to = call->to_range;
	unsigned int i;

	if ((unsigned long)result != call->to ||
	    call->len != call->to_len || from.nr != to.nr)
		return OUTCOME_DOUBTFUL;
	/* What is a hole and what is not must be known. */
	if (call->keeps || READ_ONCE(ct->mm->grows))
		return OUTCOME_DOUBTFUL;
	for (i = 0; i < from.nr; i++) {
		struct shadow_page *f = &ct->mm->page[from.first + i];
		struct shadow_page *t = &ct->mm->page[to.first + i];

		if (READ_ONCE(f->seq) != ct->call_seq[0][i] ||
		    READ_ONCE(t->seq) != ct->call_seq[1][i])
			return OUTCOME_DOUBTFUL;
	}
	for (i = 0; i < from.nr; i++)
		page_move(&ct->mm->page[from.first + i],
			  &ct->mm->page[to.first + i]);
	return OUTCOME_UNCHANGED;
}

void check_call_end(struct task_struct *task, struct check_call *call,
		    long result)
{
	struct check_task *ct = task->check;
	struct check_state *st = this_machine()->chk;
	enum outcome outcome;

	if (!ct || call->effect == CHECK_EFFECT_NONE)
		return;
	if (call->effect == CHECK_EFFECT_TRUNCATE) {
		/* One more finished, one fewer under way. */
		raw_atomic64_add((1 << 16) - 1, &st->truncates);
		return;
	}
	outcome = outcome_of(call, result);
	if (outcome == OUTCOME_DONE)
		take_away(ct->mm, call->from_range, taken_away(call, result), ct->call_stamp);
	if (call->effect == CHECK_EFFECT_MOVE && outcome == OUTCOME_DONE)
		outcome = move_contents(ct, call, result);
	pages_end(ct->mm, call->from_range, ct->call_seq[0], ct->notes, call,
		  outcome);
	pages_end(ct->mm, call->to_range, ct->call_seq[1], NULL, call, outcome);
}
