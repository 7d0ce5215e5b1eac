/* SPDX-License-Identifier: MIT */
/*
 * The oracles of an access: rights, value, cow, init.
 *
 * An access is judged by two looks at its page's shadow, one before and one
 * after.  If no call touched the page between them, the rights it had are the
 * rights it must have obeyed; if also no foreign store did, the word it saw is
 * one of those that had been acknowledged before or issued since.  Everything
 * else is excused, and counted as such.
 *
 * Runs on the vCPU that makes the access.  Never allocates, never waits but
 * for the page's own shadow lock, and reports after it has let go of that.
 */
#include <signal.h>

#include "arch/x86_64.h"
#include "base/compiler.h"
#include "base/finding.h"
#include "check/shadow.h"
#include "hw/access.h"
#include "hw/check_ops.h"
#include "hw/machine.h"
#include "hw/vcpu.h"
#include "kern/task.h"
#include "phys/poison.h"

void check_count(struct vcpu *cpu, enum check_id id, bool conclusive)
{
	struct check_count *count = &cpu->machine->chk->count[cpu->nr];
	u64 *word = conclusive ? &count->conclusive[id] : &count->excused[id];

	WRITE_ONCE(*word, *word + 1);
}

bool check_enabled(const struct vcpu *cpu, enum check_id id)
{
	return cpu->machine->chk->mask & (1u << id);
}

/*
 * Slots are folded as the frames are: where 64 bytes stand for a page, every
 * 64th byte is the same byte.
 */
static struct shadow_slot *slot_at(struct vcpu *cpu, struct shadow_page *page,
				   const struct access_record *rec)
{
	unsigned int offset = rec->va % cpu->machine->config.frame_bytes;

	offset %= 4096;
	if (rec->size != 8 || offset % 8 || offset >= 8 * CHECK_SLOTS)
		return NULL;
	return &page->own[offset / 8];
}

static bool is_own_tag(const struct check_task *ct,
		       const struct shadow_page *page,
		       const struct shadow_slot *slot,
		       const struct access_record *rec)
{
	return rec->kind == CHECK_ACCESS_WRITE && ct->judged && slot &&
	       tag_task(rec->value) == ct->id &&
	       tag_seq(rec->value) > ct->newest &&
	       slot == &page->own[ct->slot];
}

/* Announce the store: from now on its word may be seen. */
static void issue(struct shadow_look *look, u64 tag)
{
	struct shadow_slot *slot = look->slot;

	if (slot->next)		/* two writers: nobody's word is sure */
		slot->lo = slot->hi = SLOT_UNKNOWN;
	slot->next = tag;
}

static bool is_store(const struct access_record *rec)
{
	return rec->kind == CHECK_ACCESS_WRITE || rec->kind == CHECK_ACCESS_RMW;
}

/* A store over a page border is foreign to both pages. */
static void crossing(struct check_task *ct, const struct access_record *rec,
		     bool begin)
{
	unsigned long va[2] = { rec->va, rec->va + rec->size - 1 };
	unsigned int i;

	if (!is_store(rec))
		return;
	for (i = 0; i < 2; i++) {
		struct shadow_page *page = shadow_page_at(ct->mm, va[i]);

		if (page)
			shadow_foreign(page, begin);
	}
}

/* A whole frame has bytes beside its slots: what is stored there is nobody's word. */
static bool meets_slots(struct vcpu *cpu, const struct access_record *rec)
{
	return rec->va % cpu->machine->config.frame_bytes < 8 * CHECK_SLOTS;
}

static bool crosses(const struct access_record *rec)
{
	return (rec->va ^ (rec->va + rec->size - 1)) >> PAGE_SHIFT;
}

/*
 * Under the page's lock.  A device's access is as good as one of the process, until a
 * call has touched the page, and where the pin promises that much.  If the page was
 * moved, the device still knows where it is, but not we.
 */
static void look_at_pin(struct vcpu *cpu, const struct access_record *rec,
			struct shadow_look *look, const struct pin_page *pp)
{
	look->pending |= !pp->coherent || !check_pin_in_place(cpu->machine->chk, pp);
	look->stray = is_store(rec) && pp->moved != look->page->moved;
}

/* Where a device was sent that is no page of the window: its store is stray, too. */
static void begin_outside(struct check_task *ct, const struct access_record *rec,
			  struct shadow_look *look)
{
	look->stray = rec->pin >= 0 && is_store(rec);
	if (look->stray)
		check_pin_stray(ct, true);
}

void check_access_begin(struct vcpu *cpu, struct access_record *rec)
{
	struct task_struct *task = cpu->current_task;
	struct check_task *ct = task ? task->check : NULL;
	struct shadow_look *look = shadow_look_of(rec);
	const struct pin_page *pp = NULL;
	struct shadow_page *page;

	look->page = NULL;
	look->stray = false;
	if (!ct)
		return;
	if (crosses(rec)) {
		crossing(ct, rec, true);
		return;
	}
	page = shadow_page_at(ct->mm, rec->va);
	if (page && rec->pin >= 0) {
		pp = check_pin_of(ct, rec);
		if (!pp)
			page = NULL;
	}
	if (!page) {
		begin_outside(ct, rec, look);
		return;
	}
	look->page = page;
	look->slot = slot_at(cpu, page, rec);
	look->tagged = is_own_tag(ct, page, look->slot, rec);
	if (look->tagged)
		ct->newest = tag_seq(rec->value);
	look->foreign = !look->tagged && is_store(rec) && meets_slots(cpu, rec);
	look->owners = (u32)atomic_read_acquire(&ct->mm->owners);
	shadow_lock(page);
	shadow_expire(cpu->machine->chk, page);
	look->seq = page->seq;
	look->pending = page->pending;
	look->rights = page->rights;
	look->backing = page->backing;
	look->brought = page->brought + page->bringing;
	look->since = page->since[shadow_use(rec->kind)];
	look->truncates = page->truncates;
	if (pp)
		look_at_pin(cpu, rec, look, pp);
	if (look->slot)
		look->before = shadow_own_slots(page)[look->slot - page->own];
	if (look->tagged)
		issue(look, rec->value);
	if (look->foreign)
		shadow_foreign_begin(page);
	look->foreign_seq = page->foreign_seq;
	look->crowded = page->foreign != 0;
	shadow_unlock(page);
	if (look->stray)
		check_pin_stray(ct, true);
}

/*
 * rights
 */

static u8 right_needed(enum check_access kind)
{
	switch (kind) {
	case CHECK_ACCESS_READ:
		return WORD_READ;
	case CHECK_ACCESS_EXEC:
		return WORD_EXEC;
	default:
		return WORD_WRITE;
	}
}

static void judge_rights(struct vcpu *cpu, const struct access_record *rec,
			 const struct shadow_look *look)
{
	const struct check_task *ct = cpu->current_task->check;
	bool allowed = look->rights & right_needed(rec->kind);
	bool refused = rec->result != 0;

	if (!check_enabled(cpu, CHECK_RIGHTS))
		return;
	/* A stack may have grown there, or not. */
	if (look->backing == CHECK_BACK_NONE && READ_ONCE(ct->mm->grows)) {
		check_count(cpu, CHECK_RIGHTS, false);
		return;
	}
	/* Out of memory, and a file's end, refuse what rights allow. */
	if (refused && rec->fault && rec->fault->signo != SIGSEGV) {
		check_count(cpu, CHECK_RIGHTS, false);
		return;
	}
	check_count(cpu, CHECK_RIGHTS, true);
	if (allowed != refused)
		return;
	finding_report(FINDING_RIGHTS, refused ?
		       "RIGHTS: access refused that completed calls allow" :
		       look->backing == CHECK_BACK_NONE ?
		       "RIGHTS: access to a page that was unmapped" :
		       "RIGHTS: access with rights that were taken away",
		       "vCPU %u, task %llu, address 0x%lx, %s: the page has rights %s%s%s since its last completed call",
		       cpu->nr, (unsigned long long)cpu->current_task->id, rec->va,
		       rec->kind == CHECK_ACCESS_READ ? "load" :
		       rec->kind == CHECK_ACCESS_EXEC ? "fetch" : "store",
		       look->rights & WORD_READ ? "r" : "-",
		       look->rights & WORD_WRITE ? "w" : "-",
		       look->rights & WORD_EXEC ? "x" : "-");
}

/*
 * value and cow
 */

static bool between(u64 v, u64 lo, u64 hi)
{
	if (v == lo || v == hi)
		return true;
	if (!v || tag_task(v) != tag_task(hi))
		return false;
	if (lo && tag_task(lo) != tag_task(hi))
		return false;
	return tag_seq(v) > tag_seq(lo) && tag_seq(v) < tag_seq(hi);
}

/* A word that the writer of `hi' stored after `lo', whoever wrote that. */
static bool newer(u64 v, u64 lo, u64 hi)
{
	if (!v || !hi || tag_task(v) != tag_task(hi))
		return false;
	if (tag_seq(v) > tag_seq(hi))
		return false;
	return tag_task(lo) != tag_task(v) || tag_seq(v) >= tag_seq(lo);
}

static bool value_possible(u64 v, const struct shadow_slot *before,
			   const struct shadow_slot *after)
{
	if (between(v, before->lo, before->hi))
		return true;
	if (v == before->next || v == after->next || v == after->hi)
		return v != 0 || after->hi == 0;
	return newer(v, before->hi, after->next ? after->next : after->hi);
}

/* Its writer, a task of some process, stored a newer one here; or a call took it away. */
static bool goes_back(u64 v, const struct shadow_slot *before)
{
	u64 tag[] = { before->hi == SLOT_UNKNOWN ? 0 : before->hi, before->dead };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(tag); i++)
		if (tag[i] && tag_task(v) == tag_task(tag[i]) &&
		    tag_seq(v) <= tag_seq(tag[i]))
			return true;
	return false;
}

/* It names a task of another process. */
static bool is_of_another(struct vcpu *cpu, u64 v)
{
	struct check_state *st = cpu->machine->chk;
	const struct check_task *ct = cpu->current_task->check;
	u32 task = tag_task(v);
	u64 whose = shadow_task_mm(st, task);

	/* A task of long ago, whose place another has taken, may have been anybody's. */
	return task && whose >> 32 == task && (u32)whose != ct->mm->id;
}

/* What is wrong with a word that cannot be there. */
static const char *value_title(struct vcpu *cpu, u64 v,
			       const struct shadow_slot *before,
			       enum finding_kind *kind)
{
	if (v == POISON_FREE_WORD || v == POISON_ALLOC_WORD) {
		*kind = FINDING_INIT;
		return "INIT: a load returns poison";
	}
	*kind = FINDING_VALUE;
	if (!v)
		return "VALUE: an acknowledged write is lost";
	if (goes_back(v, before))
		return "VALUE: a word that goes back in time";
	if (!is_of_another(cpu, v))
		return "VALUE: a word that does not belong there";
	*kind = FINDING_COW;
	return "COW: a write of one process is seen in another";
}

static const char *backing_name(u8 backing)
{
	static const char *const name[] = {
		[CHECK_BACK_NONE] = "not mapped", [CHECK_BACK_ANON] = "anonymous",
		[CHECK_BACK_FILE] = "private file", [CHECK_BACK_SHARED] = "shared",
	};

	return name[backing];
}

static void judge_value(struct vcpu *cpu, const struct access_record *rec,
			const struct shadow_look *look,
			const struct shadow_slot *after, bool risen)
{
	const struct check_task *ct = cpu->current_task->check;
	u64 newest = after->next ? after->next : after->hi;
	enum finding_kind kind;
	const char *title;

	check_count(cpu, CHECK_VALUE, true);
	check_count(cpu, CHECK_COW, true);
	check_count(cpu, CHECK_INIT, true);
	if (!risen && likely(value_possible(rec->value, &look->before, after)))
		return;
	title = value_title(cpu, rec->value, &look->before, &kind);
	finding_report(kind, title,
		       "vCPU %u, process %u's task %u, address 0x%lx (%s, frame %lu%s): loaded task %u's word %llu; task %u's words %llu..%llu were acknowledged before, and task %u's %llu was issued at the end",
		       cpu->nr, ct->mm->id, ct->id, rec->va,
		       backing_name(look->backing), rec->pfn,
		       rec->tlb_hit ? ", TLB hit" : "", tag_task(rec->value),
		       (unsigned long long)tag_seq(rec->value),
		       tag_task(look->before.hi),
		       (unsigned long long)tag_seq(look->before.lo),
		       (unsigned long long)tag_seq(look->before.hi),
		       tag_task(newest), (unsigned long long)tag_seq(newest));
}

/*
 * What a completed call took out of the page is seen again: wrong, whatever
 * calls are under way now, as long as none of them brings contents along.
 */
static bool rises_from_the_dead(const struct shadow_look *look, u64 v)
{
	u64 dead = look->before.dead;

	return dead && v && tag_task(v) == tag_task(dead) &&
	       tag_seq(v) <= tag_seq(dead) && look->backing == CHECK_BACK_ANON &&
	       look->rights & WORD_KNOWN &&
	       look->brought == look->page->brought;
}

/* Under the page's lock: the store has been acknowledged, or has not been. */
static void settle_store(struct shadow_look *look, const struct access_record *rec,
			 bool undisturbed)
{
	struct shadow_slot *slot = look->slot;
	bool ours = slot->next == rec->value;

	if (ours)
		slot->next = 0;
	if (rec->result)
		return;
	look->page->dirtied |= 1u << (slot - look->page->own);
	/* In memory that no other process writes, our word is what is there. */
	if (ours && undisturbed && shadow_is_private(look->backing) &&
	    look->before.next == 0)
		slot->lo = slot->hi = rec->value;
	else
		slot->lo = slot->hi = SLOT_UNKNOWN;
}

/* After a fork a word may be one of several; once seen it must stay. */
static void pin_seen(struct shadow_look *look, const struct shadow_slot *after, u64 v)
{
	struct shadow_slot *slot = look->slot;

	if (after->lo != after->hi && !after->next &&
	    between(v, after->lo, after->hi))
		slot->lo = slot->hi = v;
}

static bool judges_values(struct vcpu *cpu, const struct access_record *rec,
			  const struct shadow_look *look)
{
	return look->slot && rec->kind == CHECK_ACCESS_READ && !rec->result &&
	       shadow_is_private(look->backing) && check_enabled(cpu, CHECK_VALUE);
}

/* A slot that changed hands may have held words of either. */
static bool same_owners(struct vcpu *cpu, const struct shadow_look *look)
{
	const struct check_task *ct = cpu->current_task->check;

	return (u32)atomic_read_acquire(&ct->mm->owners) == look->owners;
}

/*
 * A word that the process no longer answers for: in the frame there may be what there was
 * when it was pinned, and what tasks of this process stored since.
 */
static bool pinned_word_possible(struct vcpu *cpu, u64 v, const struct shadow_slot *then)
{
	if (between(v, then->lo, then->hi) || v == then->next)
		return true;
	return v && !is_of_another(cpu, v) && !goes_back(v, then) &&
	       tag_task(v) <= (u32)atomic_read(&cpu->machine->chk->next_task);
}

/* @pp's page locked, and unlocked. */
static void judge_pinned_word(struct vcpu *cpu, const struct access_record *rec,
			      const struct shadow_look *look)
{
	struct check_task *ct = cpu->current_task->check;
	const struct pin_page *pp = check_pin_of(ct, rec);
	struct shadow_slot then;
	enum finding_kind kind;
	const char *title;
	unsigned int nr;
	bool known;

	if (!look->slot || rec->kind != CHECK_ACCESS_READ || !check_enabled(cpu, CHECK_COW))
		return;
	nr = (unsigned int)(look->slot - look->page->own);
	shadow_lock(look->page);
	known = check_pin_knows(pp, nr);
	then = pp->slot[nr];
	shadow_unlock(look->page);
	check_count(cpu, CHECK_COW, known);
	if (!known || likely(pinned_word_possible(cpu, rec->value, &then)))
		return;
	then.dead = 0;
	title = value_title(cpu, rec->value, &then, &kind);
	finding_report(kind, title,
		       "process %u's task %u by a device, page pinned at 0x%lx, frame %lu: read task %u's word %llu; task %u's words %llu..%llu were there when it was pinned",
		       ct->mm->id, ct->id, rec->va, rec->pfn, tag_task(rec->value),
		       (unsigned long long)tag_seq(rec->value), tag_task(then.hi),
		       (unsigned long long)tag_seq(then.lo),
		       (unsigned long long)tag_seq(then.hi));
}

void check_access_end(struct vcpu *cpu, struct access_record *rec)
{
	struct shadow_look *look = shadow_look_of(rec);
	struct shadow_slot after = { 0 };
	bool undisturbed, known, judged, risen = false;

	if (look->stray)
		check_pin_stray(cpu->current_task->check, false);
	if (!look->page) {
		if (cpu->current_task && cpu->current_task->check &&
		    crosses(rec))
			crossing(cpu->current_task->check, rec, false);
		return;
	}
	shadow_lock(look->page);
	shadow_expire(cpu->machine->chk, look->page);
	undisturbed = !look->pending && look->page->seq == look->seq;
	if (look->slot)
		after = *look->slot;
	/* Truncation drops private copies, and is no call on the page. */
	known = undisturbed && !look->crowded &&
		(look->backing != CHECK_BACK_FILE || look->truncates == look->page->truncates) &&
		look->page->foreign_seq == look->foreign_seq &&
		same_owners(cpu, look);
	judged = judges_values(cpu, rec, look) && known &&
		 look->before.lo != SLOT_UNKNOWN && after.lo != SLOT_UNKNOWN;
	if (judges_values(cpu, rec, look) && !judged && rec->pin < 0)
		risen = rises_from_the_dead(look, rec->value);
	if (look->tagged)
		settle_store(look, rec, known);
	else if (look->foreign)
		shadow_foreign_end(look->page, look->slot);
	if (judged)
		pin_seen(look, &after, rec->value);
	shadow_unlock(look->page);

	if (rec->pin >= 0)
		check_pin_frame(cpu, rec);
	if (rec->pin >= 0 && !judged)
		judge_pinned_word(cpu, rec, look);
	else if (rec->pin < 0 && undisturbed && (look->rights & WORD_KNOWN))
		judge_rights(cpu, rec, look);
	else if (rec->pin < 0)
		check_count(cpu, CHECK_RIGHTS, false);
	if (judged || risen)
		judge_value(cpu, rec, look, &after, risen);
	else if (judges_values(cpu, rec, look))
		check_count(cpu, CHECK_VALUE, false);
}
