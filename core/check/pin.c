/* SPDX-License-Identifier: MIT */
/*
 * Pins in the shadow: which pages a task's device was given, and what was known of them.
 *
 * The shadow knows no frames.  It knows that until a call touches a page, what was pinned
 * is what is mapped; and of what came after, only whose words may be in the frame: those
 * that were there, and those of tasks of this process.  A page that moves takes its pins
 * along, the shadow cannot say where to.
 *
 * Takes pages' locks, one at a time.  Runs on the task itself; never asks the mm.
 */
#include <errno.h>

#include "arch/x86_64.h"
#include "base/compiler.h"
#include "base/finding.h"
#include "check/shadow.h"
#include "hw/check_ops.h"
#include "hw/machine.h"
#include "hw/vcpu.h"
#include "kern/task.h"

/* A word in it was stored: so it is no zero page, and no file's. */
static bool was_written(const struct shadow_page *page)
{
	unsigned int i;

	for (i = 0; i < CHECK_SLOTS; i++)
		if (page->slot[i].lo && page->slot[i].lo != SLOT_UNKNOWN)
			return true;
	return false;
}

/* What the mm promises of a pin that nothing disturbs. */
static bool stays_the_process_s(const struct shadow_page *page, unsigned int how)
{
	if (!shadow_is_private(page->backing) || how & PIN_GET)
		return false;
	return how & (PIN_WRITE | PIN_LONGTERM) || was_written(page);
}

/* Before the call. */
static void note_page(struct check_state *st, struct shadow_page *page, unsigned int how,
		      struct pin_page *pp)
{
	unsigned int i;

	shadow_lock(page);
	shadow_expire(st, page);
	pp->seq = page->seq;
	pp->moved = page->moved;
	pp->brought = page->brought;
	pp->truncates = shadow_truncates(st);
	pp->rights = page->rights;
	pp->backing = page->backing;
	pp->alone = !page->pending;
	pp->coherent = stays_the_process_s(page, how);
	pp->sound = !page->bringing && shadow_is_private(page->backing);
	for (i = 0; i < CHECK_SLOTS; i++)
		pp->slot[i] = page->slot[i];
	shadow_unlock(page);
}

void check_pin_begin(struct task_struct *task, const struct check_pin *pin)
{
	struct check_task *ct = task->check;
	unsigned int i;

	if (!ct)
		return;
	ct->pinning.nr = 0;
	for (i = 0; i < PIN_PAGES_MAX; i++) {
		unsigned long va = (pin->start & PAGE_MASK) + i * PAGE_SIZE;
		struct shadow_page *page = shadow_page_at(ct->mm, va);
		struct pin_page *pp = &ct->pinning.page[i];

		pp->page = page;
		if (page)
			note_page(task->machine->chk, page, pin->how, pp);
	}
}

static void judge_pin(struct check_task *ct, const struct pin_page *pp,
		      const struct check_pin *pin, unsigned int i)
{
	u8 need = pin->how & PIN_WRITE ? WORD_WRITE : WORD_READ;

	if (!pp->anchored || !(pp->rights & WORD_KNOWN) ||
	    (pp->backing == CHECK_BACK_NONE && READ_ONCE(ct->mm->grows)))
		return;
	check_count(this_cpu(), CHECK_RIGHTS, true);
	if (pp->rights & need)
		return;
	finding_report(FINDING_RIGHTS, "RIGHTS: a page was pinned with rights that were taken away",
		       "process %u's task %u, address 0x%lx, for %s", ct->mm->id, ct->id,
		       (pin->start & PAGE_MASK) + i * PAGE_SIZE,
		       pin->how & PIN_WRITE ? "writing" : "reading");
}

void check_pin_end(struct task_struct *task, const struct check_pin *pin, long result)
{
	struct check_task *ct = task->check;
	unsigned int i;

	/* Refused before anything was done: the place holds what it held. */
	if (!ct || pin->place >= PINS_MAX || result == -EINVAL)
		return;
	ct->pinning.nr = result > 0 ? (unsigned int)result : 0;
	for (i = 0; i < ct->pinning.nr; i++) {
		struct pin_page *pp = &ct->pinning.page[i];

		if (!pp->page)
			continue;
		pp->stamp = machine_translation_stamp(task->machine);
		shadow_lock(pp->page);
		pp->anchored = pp->alone && pp->page->seq == pp->seq;
		pp->sound &= pp->anchored && pp->page->brought == pp->brought &&
			     shadow_truncates(task->machine->chk) == pp->truncates;
		shadow_unlock(pp->page);
		if (check_enabled(this_cpu(), CHECK_RIGHTS))
			judge_pin(ct, pp, pin, i);
	}
	ct->pin[pin->place] = ct->pinning;
}

/* ---- the device's accesses ---- */

struct pin_page *check_pin_of(struct check_task *ct, const struct access_record *rec)
{
	struct task_pin *pin = &ct->pin[rec->pin];
	unsigned int i;

	/* By the page's address: what the device was told, as the record says. */
	for (i = 0; i < pin->nr; i++)
		if (pin->page[i].page && pin->page[i].page == shadow_page_at(ct->mm, rec->va))
			return &pin->page[i];
	return NULL;
}

bool check_pin_in_place(struct check_state *st, const struct pin_page *pp)
{
	if (!pp->anchored || pp->page->seq != pp->seq)
		return false;
	/* ~0: one was under way, and may have been another than now. */
	return pp->page->backing != CHECK_BACK_FILE ||
	       (pp->truncates != ~0u && pp->truncates == shadow_truncates(st));
}

/* It may land in any page of the process: everything is foreign's for the while. */
void check_pin_stray(struct check_task *ct, bool begin)
{
	unsigned int i;

	for (i = 0; i < ct->mm->nr_pages; i++)
		shadow_foreign(&ct->mm->page[i], begin);
}

bool check_pin_knows(const struct pin_page *pp, unsigned int slot)
{
	return pp->sound && pp->page->brought == pp->brought &&
	       pp->slot[slot].lo != SLOT_UNKNOWN;
}

/*
 * The pin's page, as long as no call has touched it, is the one that the process uses:
 * fork copies it for the child, and who writes to it finds it exclusive.  A translation
 * that is younger than the pin says which frame that is.
 */
void check_pin_frame(struct vcpu *cpu, const struct access_record *rec)
{
	const struct check_task *ct = cpu->current_task->check;
	const struct pin_page *pp = check_pin_of(cpu->current_task->check, rec);
	unsigned long frame;
	bool known;

	if (!check_enabled(cpu, CHECK_COW))
		return;
	shadow_lock(pp->page);
	frame = pp->page->frame;
	known = pp->coherent && check_pin_in_place(cpu->machine->chk, pp) &&
		pp->page->frame_stamp > pp->stamp;
	shadow_unlock(pp->page);
	check_count(cpu, CHECK_COW, known);
	if (!known || likely(frame == rec->pfn))
		return;
	finding_report(FINDING_COW, "COW: a device and its process use two copies of a pinned page",
		       "process %u's task %u, page pinned at 0x%lx: the device has frame %lu, the process uses frame %lu since",
		       ct->mm->id, ct->id, rec->va, rec->pfn, frame);
}
