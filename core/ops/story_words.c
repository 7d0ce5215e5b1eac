/* SPDX-License-Identifier: MIT */
/*
 * A story's words: pages by the names that the program gives them, entries, events.
 *
 * Owns nothing; compiled without ThreadSanitizer, as all that looks on.
 */
#include <string.h>

#include "base/compiler.h"
#include "hw/machine.h"
#include "ops/story.h"
#include "pgtable/context.h"
#include "pgtable/pgtable.h"
#include "pgtable/swapops.h"
#include "pgtable/tlbflush.h"

#define PF_WRITE	2

void story_page(const struct story *s, unsigned long va, char *buf, size_t size)
{
	const struct op_world *w = &s->list->world;
	unsigned long start = op_window_start(w), rest = va & ~PAGE_MASK;
	char offset[16] = "";

	if (rest)
		snprintf(offset, sizeof(offset), "+%lu", rest);
	if (va >= start && va < op_window_end(w))
		snprintf(buf, size, "p%lu%s", (va - start) >> PAGE_SHIFT, offset);
	else if (va >= OP_HEAP_START && va < OP_HEAP_START + OP_HEAP_MAX)
		snprintf(buf, size, "b%lu%s", (va - OP_HEAP_START) >> PAGE_SHIFT, offset);
	else
		snprintf(buf, size, "0x%lx", va);
}

static void range(const struct story *s, u64 start, u64 end, char *buf, size_t size)
{
	char first[32], last[32];

	if (end == TLB_FLUSH_ALL) {
		snprintf(buf, size, "everything");
		return;
	}
	story_page(s, start, first, sizeof(first));
	story_page(s, end - PAGE_SIZE, last, sizeof(last));
	if (start + PAGE_SIZE >= end)
		snprintf(buf, size, "%s", first);
	else
		snprintf(buf, size, "%s to %s", first, last);
}

void story_entry(u64 entry, char *buf, size_t size)
{
	pte_t pte = __pte(entry);

	if (pte_none(pte))
		snprintf(buf, size, "nothing");
	else if (pte_present(pte))
		snprintf(buf, size, "frame %lu, %s", pte_pfn(pte),
			 pte_write(pte) ? "writable" : "read-only");
	else if (is_migration_entry(pte_to_swp_entry(pte)))
		snprintf(buf, size, "an entry that says: under migration");
	else
		snprintf(buf, size, "a marker");
}

static const char *signal_name(u64 signo)
{
	return signo == MM_SIGBUS ? "SIGBUS" : signo == MM_SIGSEGV ? "SIGSEGV" : "a signal";
}

static void op_end(const struct trace_record *rec, char *text)
{
	if (rec->arg[2])
		snprintf(text, STORY_TEXT, "raises %s", signal_name(rec->arg[2]));
	else if ((s64)rec->arg[1] < 0)
		snprintf(text, STORY_TEXT, "answers %lld", (s64)rec->arg[1]);
	else
		snprintf(text, STORY_TEXT, "done");
}

#define TELL(kind_, ...)						\
	do {								\
		line->kind = (kind_);					\
		snprintf(line->text, sizeof(line->text), __VA_ARGS__);	\
	} while (0)

/* Address spaces, interrupts, tasks: what is of no op. */
static bool aside(const struct trace_record *rec, struct story_line *line)
{
	const u64 *arg = rec->arg;

	switch (rec->event) {
	case EV_IPI_SEND:
		TELL(STORY_STEP, "interrupts %llu other%s, and waits for the answer", arg[0],
		     arg[0] == 1 ? "" : "s");
		return true;
	case EV_IPI_TAKE:
		TELL(STORY_ASIDE, "takes the interrupt of cpu%llu", arg[0]);
		return true;
	case EV_SWITCH_MM:
		TELL(STORY_ASIDE, "loads address space %llu, at flush generation %llu", arg[0],
		     arg[2]);
		return true;
	case EV_LAZY_TLB:
		TELL(STORY_ASIDE, "has nothing to run: keeps address space %llu loaded, lazily",
		     arg[0]);
		return true;
	default:
		return false;
	}
}

bool story_event(const struct story *s, const struct trace_record *rec, struct story_line *line)
{
	const u64 *arg = rec->arg;
	char page[72];

	story_page(s, arg[0] & PAGE_MASK, page, sizeof(page));
	switch (rec->event) {
	case EV_OP_END:
		line->kind = STORY_END;
		op_end(rec, line->text);
		return true;
	case EV_PAGE_FAULT:
		TELL(STORY_DETAIL, "page fault at %s: %s", page,
		     arg[1] & PF_WRITE ? "a write" : "a read");
		return true;
	case EV_TLB_FILL:
		TELL(STORY_STEP, "its TLB is filled: %s -> frame %llu", page, arg[1]);
		return true;
	case EV_TLB_SPECULATE:
		TELL(STORY_ASIDE, "the hardware fills its TLB, unasked: %s -> frame %llu", page,
		     arg[1]);
		return true;
	case EV_TLB_FLUSH_SEND:
		range(s, arg[0], arg[1], page, sizeof(page));
		TELL(STORY_STEP, "begins to flush %s: generation %llu", page, arg[2]);
		return true;
	case EV_TLB_FLUSH_FUNC:
		range(s, arg[0], arg[1], page, sizeof(page));
		TELL(STORY_STEP, "is asked to flush %s from its TLB", page);
		return true;
	case EV_COW:
		TELL(STORY_STEP, "copies %s: frame %llu to frame %llu", page, arg[1], arg[2]);
		return true;
	case EV_MIGRATE_PAGE:
		TELL(STORY_STEP, "frame %llu migrates to frame %llu%s", arg[0], arg[1],
		     arg[2] ? ": not done" : "");
		return true;
	case EV_PAGE_FREE:
		TELL(STORY_DETAIL, "frame %llu is free", arg[0]);
		return true;
	case EV_TABLE_ALLOC:
		TELL(STORY_DETAIL, "makes a page table of frame %llu", arg[0]);
		return true;
	case EV_TABLE_FREE:
		TELL(STORY_DETAIL, "the page table in frame %llu is free", arg[0]);
		return true;
	case EV_EXIT:
		TELL(STORY_ASIDE, "the task ends");
		return true;
	default:
		return aside(rec, line);
	}
}
