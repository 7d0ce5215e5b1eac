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
	return &page->slot[offset / 8];
}

static bool is_own_tag(const struct check_task *ct,
		       const struct shadow_page *page,
		       const struct shadow_slot *slot,
		       const struct access_record *rec)
{
	return rec->kind == CHECK_ACCESS_WRITE && ct->judged && slot &&
	       tag_task(rec->value) == ct->id &&
	       tag_seq(rec->value) > ct->newest &&
	       slot == &page->slot[ct->slot];
}

/* A private file page's words stand only while no truncation may drop them. */
static void expire_file_slots(struct vcpu *cpu, struct shadow_page *page)
{
	u32 now;

	if (page->backing != CHECK_BACK_FILE)
		return;
	now = shadow_truncates(cpu->machine->chk);
	if (now == ~0u || now != page->truncates)
		shadow_forget_slots(page);
	page->truncates = now;
}

/* Announce the store: from now on its word may be seen. */
static void issue(struct shadow_look *look, u64 tag)
{
	struct shadow_slot *slot = look->slot;

	if (slot->next)		/* two writers: nobody's word is sure */
		slot->lo = slot->hi = SLOT_UNKNOWN;
	slot->next = tag;
}

/*
 * A store of anything but a tag.  While it is under way, and over every look
 * that it overlaps, the page's words are not judged.
 */
static void foreign_begin(struct shadow_page *page)
{
	page->foreign++;
	page->foreign_seq++;
	shadow_bring(page, true);	/* a block copy: an old tag, perhaps */
}

static void foreign_end(struct shadow_page *page, struct shadow_slot *slot)
{
	page->foreign--;
	shadow_bring(page, false);
	page->dirtied |= slot ? 1u << (slot - page->slot) : 0xff;
	if (slot)
		slot->lo = slot->hi = SLOT_UNKNOWN;
	else
		shadow_forget_slots(page);
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

		if (!page)
			continue;
		shadow_lock(page);
		if (begin)
			foreign_begin(page);
		else
			foreign_end(page, NULL);
		shadow_unlock(page);
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

void check_access_begin(struct vcpu *cpu, struct access_record *rec)
{
	struct task_struct *task = cpu->current_task;
	struct check_task *ct = task ? task->check : NULL;
	struct shadow_look *look = shadow_look_of(rec);
	struct shadow_page *page;

	look->page = NULL;
	if (!ct)
		return;
	if (crosses(rec)) {
		crossing(ct, rec, true);
		return;
	}
	page = shadow_page_at(ct->mm, rec->va);
	if (!page)
		return;
	look->page = page;
	look->slot = slot_at(cpu, page, rec);
	look->tagged = is_own_tag(ct, page, look->slot, rec);
	if (look->tagged)
		ct->newest = tag_seq(rec->value);
	look->foreign = !look->tagged && is_store(rec) && meets_slots(cpu, rec);
	look->owners = (u32)atomic_read_acquire(&ct->mm->owners);
	shadow_lock(page);
	expire_file_slots(cpu, page);
	look->seq = page->seq;
	look->pending = page->pending;
	look->rights = page->rights;
	look->backing = page->backing;
	look->brought = page->brought + page->bringing;
	look->since = page->since[shadow_use(rec->kind)];
	if (look->slot)
		look->before = *look->slot;
	if (look->tagged)
		issue(look, rec->value);
	if (look->foreign)
		foreign_begin(page);
	look->foreign_seq = page->foreign_seq;
	look->crowded = page->foreign != 0;
	shadow_unlock(page);
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

	return task && task <= (u32)atomic_read(&st->next_task) &&
	       READ_ONCE(st->task_mm[task % CHECK_TASKS]) != ct->mm->id;
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

static bool is_private(u8 backing)
{
	return backing == CHECK_BACK_ANON || backing == CHECK_BACK_FILE;
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
	look->page->dirtied |= 1u << (slot - look->page->slot);
	/* In memory that no other process writes, our word is what is there. */
	if (ours && undisturbed && is_private(look->backing) &&
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
	       is_private(look->backing) && check_enabled(cpu, CHECK_VALUE);
}

/* A slot that changed hands may have held words of either. */
static bool same_owners(struct vcpu *cpu, const struct shadow_look *look)
{
	const struct check_task *ct = cpu->current_task->check;

	return (u32)atomic_read_acquire(&ct->mm->owners) == look->owners;
}

void check_access_end(struct vcpu *cpu, struct access_record *rec)
{
	struct shadow_look *look = shadow_look_of(rec);
	struct shadow_slot after = { 0 };
	bool undisturbed, known, judged, risen = false;

	if (!look->page) {
		if (cpu->current_task && cpu->current_task->check &&
		    crosses(rec))
			crossing(cpu->current_task->check, rec, false);
		return;
	}
	shadow_lock(look->page);
	expire_file_slots(cpu, look->page);
	undisturbed = !look->pending && look->page->seq == look->seq;
	if (look->slot)
		after = *look->slot;
	known = undisturbed && !look->crowded &&
		look->page->foreign_seq == look->foreign_seq &&
		same_owners(cpu, look);
	judged = judges_values(cpu, rec, look) && known &&
		 look->before.lo != SLOT_UNKNOWN && after.lo != SLOT_UNKNOWN;
	if (judges_values(cpu, rec, look) && !judged)
		risen = rises_from_the_dead(look, rec->value);
	if (look->tagged)
		settle_store(look, rec, known);
	else if (look->foreign)
		foreign_end(look->page, look->slot);
	if (judged)
		pin_seen(look, &after, rec->value);
	shadow_unlock(look->page);

	if (undisturbed && (look->rights & WORD_KNOWN))
		judge_rights(cpu, rec, look);
	else
		check_count(cpu, CHECK_RIGHTS, false);
	if (judged || risen)
		judge_value(cpu, rec, look, &after, risen);
	else if (judges_values(cpu, rec, look))
		check_count(cpu, CHECK_VALUE, false);
}
