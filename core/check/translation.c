/* SPDX-License-Identifier: MIT */
/*
 * The oracle of translations: stale.
 *
 * Six laws, of use and not of what a TLB may hold:
 *
 *	frame	what a translation leads to is the frame that it was when the
 *		translation was made, until the last byte has moved
 *	call	no access goes through a translation that was made before a call
 *		began which has taken that access away and has returned
 *	order	where a new frame of a page is in use, nobody uses its old one:
 *		break before make
 *	copy	what is stored through a page is in its frame, or was when a copy
 *		of it was begun that is the page's frame by now
 *	file	no access reaches a page that has left its file's cache: truncation
 *		unmaps it, with the page locked, before it takes it out
 *	table	the walker reads no table that was freed since it was walked to
 *
 * The second and third compare moments (machine_translation_stamp()).  A
 * translation's was asked for after its entry was read, a call's before it changed
 * any; so a translation whose moment is the earlier one was there when the call began,
 * and the call had to see it flushed, whoever else was clearing the same entries.
 *
 * Runs on the vCPU that makes the access, interrupts held off: a shootdown waits for
 * what is judged here.  Takes a page's shadow lock, reports after it has let go of it.
 */
#include "base/compiler.h"
#include "base/finding.h"
#include "check/shadow.h"
#include "hw/check_ops.h"
#include "hw/machine.h"
#include "hw/vcpu.h"
#include "phys/page.h"

static const char *use_name(const struct access_record *rec)
{
	static const char *const name[] = { "load", "store", "fetch" };

	return name[shadow_use(rec->kind)];
}

/* ---- frame ---- */

static void judge_frame(struct vcpu *cpu, struct access_record *rec, const char *when)
{
	static const char *const title[] = {
		"STALE: load through a translation of a freed frame",
		"STALE: store through a translation of a freed frame",
		"STALE: fetch through a translation of a freed frame",
	};
	u32 now = READ_ONCE(cpu->machine->ram.gen[rec->pfn]);

	check_count(cpu, CHECK_STALE, true);
	if (likely(now == rec->gen))
		return;
	if (rec->pin >= 0) {
		finding_report(FINDING_STALE, "STALE: a device reaches a frame that was freed under its pin",
			       "pinned at address 0x%lx, frame %lu: generation %u then, %u %s the bytes moved",
			       rec->va, rec->pfn, rec->gen, now, when);
		return;
	}
	finding_report(FINDING_STALE, title[shadow_use(rec->kind)],
		       "vCPU %u, address 0x%lx, frame %lu: translated at generation %u, %u %s the bytes moved%s",
		       cpu->nr, rec->va, rec->pfn, rec->gen, now,
		       when, rec->tlb_hit ? " (TLB hit)" : "");
}

/* ---- call ---- */

void shadow_take_away(struct shadow_page *page, u32 uses, u64 stamp)
{
	unsigned int i;

	for (i = 0; i < NR_SHADOW_USES; i++)
		if (uses & 1u << i)
			page->since[i] = max(page->since[i], stamp);
}

static void judge_call(struct vcpu *cpu, const struct access_record *rec,
		       const struct shadow_look *look)
{
	if (likely(rec->stamp >= look->since))
		return;
	finding_report(FINDING_STALE,
		       "STALE: access through a translation that a completed call took away",
		       "vCPU %u, %s at address 0x%lx, frame %lu: translated at moment %llu; a call that began at %llu took that away and has returned%s",
		       cpu->nr, use_name(rec), rec->va, rec->pfn, (unsigned long long)rec->stamp,
		       (unsigned long long)look->since, rec->tlb_hit ? " (TLB hit)" : "");
}

/* ---- order ---- */

/* Calls and truncations change frames without a break: of their pages anything may be seen. */
static bool is_open(struct vcpu *cpu, const struct shadow_page *page,
		    const struct shadow_look *look)
{
	if (look->pending || page->pending)
		return true;
	return look->backing != CHECK_BACK_ANON && shadow_truncates(cpu->machine->chk) == ~0u;
}

/*
 * Of the page's new frame: it was begun to be copied before a store through the page
 * had its translation, and that went to the frame that it is a copy of.
 */
static bool left_behind(const struct check_state *st, const struct shadow_page *page,
			const struct access_record *rec)
{
	const struct shadow_frame *f = &st->frames[rec->pfn];
	u64 copied_at = READ_ONCE(f->copied_at);

	return copied_at && READ_ONCE(f->copied_from) == page->stored_frame &&
	       READ_ONCE(f->copied_gen) == page->stored_gen && page->stored_at >= copied_at;
}

static void note_store(const struct access_record *rec, const struct shadow_look *look)
{
	struct shadow_page *page = look->page;

	shadow_lock(page);
	page->stored_frame = rec->pfn;
	page->stored_gen = rec->gen;
	page->stored_at = look->moment;
	shadow_unlock(page);
}

static void judge_order(struct vcpu *cpu, const struct access_record *rec,
			const struct shadow_look *look)
{
	struct shadow_page *page = look->page;
	unsigned long newest;
	bool old, lost = false;
	u64 since;

	if (likely(READ_ONCE(page->frame) == rec->pfn && READ_ONCE(page->frame_stamp)))
		return;
	shadow_lock(page);
	newest = page->frame;
	since = page->frame_stamp;
	old = newest != rec->pfn && rec->stamp < since && !is_open(cpu, page, look);
	if (rec->stamp > since && !is_open(cpu, page, look)) {
		lost = newest == page->stored_frame && left_behind(cpu->machine->chk, page, rec);
		page->frame = rec->pfn;
		page->frame_stamp = rec->stamp;
	}
	shadow_unlock(page);
	if (unlikely(lost))
		finding_report(FINDING_STALE, "STALE: a store to a page after its copy was begun",
			       "vCPU %u, address 0x%lx: stored to frame %lu when it was being copied to frame %lu, which the page has now: the store is lost",
			       cpu->nr, rec->va, newest, rec->pfn);
	if (likely(!old))
		return;
	finding_report(FINDING_STALE, "STALE: access to a frame of which a page has a newer one in use",
		       "vCPU %u, %s at address 0x%lx, frame %lu: translated at moment %llu; at %llu the page had frame %lu, which was used before%s",
		       cpu->nr, use_name(rec), rec->va, rec->pfn, (unsigned long long)rec->stamp,
		       (unsigned long long)since, newest, rec->tlb_hit ? " (TLB hit)" : "");
}

/* ---- file ---- */

/* A frame that was freed is the first law's; what the mm itself maps is never taken out. */
static bool left_its_file(const struct machine *m, const struct access_record *rec)
{
	const struct page *page = machine_pfn_to_page(m, rec->pfn);

	if (PageAnon(page) || READ_ONCE(page->mapping))
		return false;
	return !PageReserved(page) && !PageZero(page) && page_ref_count(page) > 0 &&
	       READ_ONCE(m->ram.gen[rec->pfn]) == rec->gen;
}

/*
 * A call that is unmapping the page may have dropped its map count, and keep the page
 * for the flush to come, when truncation looks.
 */
static void judge_file(struct vcpu *cpu, const struct access_record *rec,
		       const struct shadow_look *look)
{
	if (likely(!left_its_file(cpu->machine, rec)))
		return;
	if (look->pending || READ_ONCE(look->page->pending))
		return;
	finding_report(FINDING_STALE, "STALE: access to a page that has left its file",
		       "vCPU %u, %s at address 0x%lx, frame %lu: neither anonymous nor of any file%s",
		       cpu->nr, use_name(rec), rec->va, rec->pfn, rec->tlb_hit ? " (TLB hit)" : "");
}

/* ---- the listeners ---- */

/* A device goes by the frame: its page may have been unmapped, and it sets no D. */
static bool is_translated(const struct access_record *rec)
{
	return rec->pin < 0;
}

void check_access_translated(struct vcpu *cpu, struct access_record *rec)
{
	struct shadow_look *look = shadow_look_of(rec);

	look->moment = READ_ONCE(cpu->machine->translations);
	judge_frame(cpu, rec, "before");
	if (look->page && is_translated(rec))
		judge_call(cpu, rec, look);
}

void check_access_moved(struct vcpu *cpu, struct access_record *rec)
{
	const struct shadow_look *look = shadow_look_of(rec);

	if (shadow_use(rec->kind) == SHADOW_WRITE && is_translated(rec) &&
	    check_enabled(cpu, CHECK_DIRTY))
		check_stored(cpu, rec);
	if (!check_enabled(cpu, CHECK_STALE))
		return;
	judge_frame(cpu, rec, "after");
	if (!look->page || !is_translated(rec))
		return;
	judge_order(cpu, rec, look);
	judge_file(cpu, rec, look);
	if (shadow_use(rec->kind) == SHADOW_WRITE)
		note_store(rec, look);
}

/* The walker must not read a table that has been freed. */
void check_table_walked(struct vcpu *cpu, unsigned long va, unsigned long pfn, u32 gen)
{
	u32 now = READ_ONCE(cpu->machine->ram.gen[pfn]);

	/* Not counted: what is conclusive is a check of an access. */
	if (likely(now == gen))
		return;
	finding_report(FINDING_STALE, "STALE: a page walk through a freed page table",
		       "vCPU %u%s, address 0x%lx, table in frame %lu: walked to at generation %u, now %u",
		       cpu->nr, cpu->current_task ? "" : " (idle)", va, pfn, gen, now);
}
