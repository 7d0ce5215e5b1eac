/* SPDX-License-Identifier: MIT */
/*
 * What a child may know of its parent: the shadow across a fork.
 *
 * A store of another thread that overlaps the fork may or may not be seen by
 * the child.  So the parent's shadow is looked at twice, before the fork is
 * called and after it has returned: the child may read anything between what
 * was acknowledged at the first look and what was issued by the second.  A
 * page on which a call was under way, or came and went, starts unknown.
 *
 * Takes the parent's page locks one at a time.  Runs on the parent; the
 * child must not run before check_fork_end().
 */
#include <stdlib.h>
#include <string.h>

#include "check/shadow.h"
#include "hw/machine.h"
#include "hw/vcpu.h"
#include "kern/task.h"
#include "mm/mm_types.h"

static void copy_shadow(struct shadow_page *copy, struct shadow_page *from)
{
	struct shadow_slot *own = copy->own;
	u32 lock = copy->lock;

	shadow_lock(from);
	*copy = *from;
	copy->own = own;
	copy->lock = lock;
	if (shadow_has_own_slots(from)) {
		shadow_copy_slots(own, from->own);
		copy->slot = own;
	}
	shadow_unlock(from);
}

struct check_mm *check_fork_begin(struct task_struct *parent)
{
	struct check_state *st = this_machine()->chk;
	struct check_task *ct = parent->check;
	struct check_mm *from, *copy;
	unsigned int i;

	if (!ct)
		return NULL;
	from = ct->mm;
	copy = shadow_alloc(st, from->base, from->nr_pages);
	if (!copy)
		return NULL;
	atomic_set(&copy->owners, atomic_read_acquire(&from->owners));
	for (i = 0; i < from->nr_pages; i++)
		copy_shadow(&copy->page[i], &from->page[i]);
	return copy;
}

/* A slot's newest tag that the child can have been given. */
static u64 slot_newest(const struct shadow_slot *slot)
{
	return slot->next ? slot->next : slot->hi;
}

/* @steady: no slot of the parent got a new owner between the two looks. */
static void inherit_slot(struct shadow_slot *child,
			 const struct shadow_slot *parent, bool steady)
{
	u64 newest = slot_newest(parent);

	if (child->lo == SLOT_UNKNOWN || parent->lo == SLOT_UNKNOWN) {
		child->lo = child->hi = SLOT_UNKNOWN;
	} else if (newest != child->lo) {
		/* A range has one writer; zero is before every writer. */
		child->hi = newest;
		if (!steady ||
		    (child->lo && tag_task(child->lo) != tag_task(newest)))
			child->lo = child->hi = SLOT_UNKNOWN;
	} else {
		child->hi = child->lo;
	}
	child->next = 0;
}

static void inherit_slots(struct shadow_page *child, const struct shadow_page *parent, bool steady)
{
	struct shadow_slot *own;
	unsigned int i;

	/* All alike, of both, and the same: no store was between. */
	if (child->slot == parent->slot)
		return;
	own = shadow_own_slots(child);
	for (i = 0; i < CHECK_SLOTS; i++)
		inherit_slot(&own[i], &parent->slot[i], steady);
}

static void inherit_page(struct shadow_page *child, struct shadow_page *parent,
			 bool steady)
{
	shadow_lock(parent);
	if (child->pending || parent->seq != child->seq || child->advised) {
		shadow_page_lost(child);
		shadow_bring(child, true);
		/* Another page may be here than at the first look, as after the call. */
		child->stored_at = 0;
	} else if (child->foreign ||
		   parent->foreign_seq != child->foreign_seq) {
		/* A block copy may have brought old words back before the pages were copied. */
		shadow_forget_slots(child);
		shadow_bring(child, true);
	} else {
		inherit_slots(child, parent, steady);
	}
	shadow_unlock(parent);
	child->pending = 0;
	child->bringing = 0;
	child->foreign = 0;
	child->advised = false;
	child->seq = 0;
}

void check_fork_end(struct task_struct *parent, struct check_mm *token,
		    struct mm_struct *child)
{
	struct check_task *ct = parent->check;
	unsigned int i;
	bool steady;

	if (!token)
		return;
	if (!child) {
		machine_free(this_machine(), token);
		return;
	}
	steady = atomic_read(&token->owners) ==
		 atomic_read_acquire(&ct->mm->owners);
	/* Not at the first look: a stack mapped since may be the child's too. */
	token->grows = READ_ONCE(ct->mm->grows);
	for (i = 0; i < token->nr_pages; i++)
		inherit_page(&token->page[i], &ct->mm->page[i], steady);
	child->check = token;
}
