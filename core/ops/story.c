/* SPDX-License-Identifier: MIT */
/*
 * Telling a controlled run: what each vCPU has done is looked for whenever it comes to its
 * next point.
 *
 * Owns struct story.  Between two points of a vCPU nobody else runs, so what is found
 * changed at the second was done by it after the first.  Compiled without ThreadSanitizer.
 * Must disturb nothing: no points, no events, nothing of the machine's is written.
 */
#include "ops/story.h"

#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/tsan.h"
#include "hw/machine.h"
#include "kern/sched.h"
#include "ops/text.h"
#include "phys/page.h"
#include "pgtable/pte.h"

#define LINES_MAX	20000

/* ---- lines ---- */

static struct story_line *new_line(struct story *s)
{
	size_t room = 2 * s->room + 64;
	struct story_line *more;

	if (s->nr == s->room && s->room < LINES_MAX) {
		more = realloc(s->line, room * sizeof(*more));
		if (more) {
			s->line = more;
			s->room = room;
		}
	}
	if (s->nr == s->room) {
		s->lost = true;
		return NULL;
	}
	memset(&s->line[s->nr], 0, sizeof(s->line[0]));
	return &s->line[s->nr++];
}

/* The vCPU's last line says the same already. */
static bool is_told(const struct story *s, const struct story_line *line)
{
	for (size_t i = s->nr; i--;)
		if (s->line[i].cpu == line->cpu)
			return s->line[i].op == line->op && !strcmp(s->line[i].text, line->text);
	return false;
}

static void tell(struct story *s, const struct story_line *line)
{
	struct story_line *out = is_told(s, line) ? NULL : new_line(s);

	if (out)
		*out = *line;
}

/* Locks of the mm's: what the allocators hold is nobody else's business. */
static void say_locks(const struct vcpu *cpu, const void *wanted, char *buf, size_t size)
{
#if MM_CHECK
	const struct sched_ctx *ctx = cpu->sched.ctx;
	size_t len = 0;

	for (unsigned int i = 0; i < ctx->locks.depth && len < size; i++) {
		const struct held_lock *h = &ctx->locks.held[i];

		if (h->lock == wanted || h->rank > LOCK_RANK_PTE_LOCK || h->rank == LOCK_RANK_OP)
			continue;
		len += (size_t)snprintf(buf + len, size - len, "%s%s%s", len ? " " : "", h->name,
					h->flags & LOCKDEP_READ ? "(r)" : "");
	}
#endif
}

static u16 slot_on(const struct story *s, const struct vcpu *cpu)
{
	struct explore_place at;

	if (cpu->sched.in_irq || !explore_at(s->machine, cpu->nr, &at) || at.coming)
		return STORY_NOBODY;
	return (u16)at.slot;
}

/* wanted: a lock that the vCPU stands before, noted by lockdep but not taken yet. */
static void place(const struct story *s, struct story_line *line, const struct vcpu *cpu,
		  const void *wanted)
{
	line->cpu = (u8)cpu->nr;
	line->slot = slot_on(s, cpu);
	line->op = line->slot == STORY_NOBODY ? 0 : s->slot[line->slot].op;
	say_locks(cpu, wanted, line->under, sizeof(line->under));
}

/* ---- ops ---- */

/* The line that a task has begun: it may be further by now, if nothing stood between. */
static const struct mm_op *line_begun(struct story *s, unsigned int slot, u64 at, u64 code)
{
	for (u64 i = s->slot[slot].next; i < s->list->nr && i <= at; i++) {
		const struct mm_op *op = &s->list->ops[i];

		if (op->task == slot && op->code == code) {
			s->slot[slot].next = i + 1;
			return op;
		}
	}
	return NULL;
}

static void begin_op(struct story *s, const struct vcpu *cpu, const struct trace_record *rec)
{
	const struct mm_op *op = NULL;
	struct story_line *line;
	struct explore_place at;
	char text[OP_TEXT_LINE];

	if (explore_at(s->machine, cpu->nr, &at))
		op = line_begun(s, at.slot, at.line, rec->arg[0]);
	if (!op)
		return;
	s->slot[at.slot].op = ++s->ops;
	s->slot[at.slot].what = op;
	s->slot[at.slot].va = (unsigned long)rec->arg[1];
	line = new_line(s);
	if (!line)
		return;
	place(s, line, cpu, NULL);
	op_text_print(op, text, sizeof(text));
	line->kind = STORY_BEGIN;
	snprintf(line->text, sizeof(line->text), "%s", strchr(text, ' ') + 1);
}

static void take_event(struct story *s, const struct vcpu *cpu, const struct trace_record *rec,
		       const void *wanted)
{
	struct story_line line = { .kind = STORY_DETAIL };

	if (rec->event == EV_OP_BEGIN) {
		begin_op(s, cpu, rec);
		return;
	}
	if (!story_event(s, rec, &line))
		return;
	place(s, &line, cpu, wanted);
	tell(s, &line);
	if (line.kind == STORY_END && line.slot != STORY_NOBODY)
		s->slot[line.slot].op = 0;
}

/* The events that a vCPU has noted since it was looked at last. */
static void drain(struct story *s, const struct vcpu *cpu, const void *wanted)
{
	const struct trace_ring *ring = cpu->sched.local.trace;
	struct trace_record rec[64];
	unsigned int nr;

	nr = (unsigned int)min(ring->head - s->cpu[cpu->nr].seen, (u64)ARRAY_SIZE(rec));
	if (!nr)
		return;
	nr = trace_read(ring, rec, nr);
	s->cpu[cpu->nr].seen = ring->head;
	for (unsigned int i = 0; i < nr; i++)
		take_event(s, cpu, &rec[i], wanted);
}

/* ---- entries ---- */

/* Which page the entry of a PTE table is for; tables lie around the window's middle. */
static bool page_of(const struct story *s, u64 index, unsigned long *va)
{
	const struct op_world *w = &s->list->world;
	unsigned long first = op_window_start(w) >> PAGE_SHIFT;
	unsigned long page = (index - first) & (PTRS_PER_TABLE - 1);

	*va = (first + page) << PAGE_SHIFT;
	return page < w->pages;
}

static void tell_entry(struct story *s, const struct vcpu *cpu, const u64 *slot, u64 old,
		       const void *wanted)
{
	const struct ram *ram = &s->machine->ram;
	u64 at = (u64)(slot - ram->tables);
	const struct page *table = machine_pfn_to_page(s->machine, at / PTRS_PER_TABLE);
	struct story_line *line;
	char was[64], is[64], name[40] = "a page";
	unsigned long va;

	/* Accessed and dirty are the hardware's, and no news. */
	if (!((old ^ *slot) & ~(u64)(_PAGE_ACCESSED | _PAGE_DIRTY)))
		return;
	line = new_line(s);
	if (!line)
		return;
	place(s, line, cpu, wanted);
	if (table->pt_level) {
		line->kind = STORY_DETAIL;
		snprintf(line->text, sizeof(line->text), "%s a page table, at level %lu",
			 *slot ? "links" : "unlinks", table->pt_level);
		return;
	}
	line->kind = STORY_STEP;
	if (page_of(s, at % PTRS_PER_TABLE, &va))
		story_page(s, va, name, sizeof(name));
	story_entry(old, was, sizeof(was));
	story_entry(*slot, is, sizeof(is));
	if (!*slot)
		snprintf(line->text, sizeof(line->text), "clears the entry of %s, which was %s",
			 name, was);
	else if (!old)
		snprintf(line->text, sizeof(line->text), "sets the entry of %s: %s", name, is);
	else
		snprintf(line->text, sizeof(line->text), "changes the entry of %s: %s, which was %s",
			 name, is, was);
}

/* Whoever stood before the same entry knows what is there now. */
static void note_value(struct story *s, const u64 *slot, u64 value)
{
	for (unsigned int i = 0; i < s->machine->nr_cpus; i++)
		for (unsigned int j = 0; j < s->cpu[i].nr_pending; j++)
			if (s->cpu[i].pending[j].slot == slot)
				s->cpu[i].pending[j].value = value;
}

static void look_at_entries(struct story *s, const struct vcpu *cpu, const void *wanted)
{
	unsigned int nr = s->cpu[cpu->nr].nr_pending;

	for (unsigned int i = 0; i < nr; i++) {
		const u64 *slot = s->cpu[cpu->nr].pending[i].slot;
		u64 old = s->cpu[cpu->nr].pending[i].value;

		if (*slot == old)
			continue;
		tell_entry(s, cpu, slot, old, wanted);
		note_value(s, slot, *slot);
	}
	/* In a handler: what was interrupted has still to be done. */
	if (!cpu->sched.in_irq)
		s->cpu[cpu->nr].nr_pending = 0;
}

/* Whatever is done to entries has a point with the entry as its object. */
static void stand_before(struct story *s, const struct vcpu *cpu, const void *obj)
{
	const u64 *slot = obj;
	const struct ram *ram = &s->machine->ram;
	unsigned int nr = s->cpu[cpu->nr].nr_pending;

	if (slot < ram->tables || slot >= ram->tables + ram->nr_frames * PTRS_PER_TABLE ||
	    nr == STORY_PENDING)
		return;
	s->cpu[cpu->nr].pending[nr].slot = slot;
	s->cpu[cpu->nr].pending[nr].value = *slot;
	s->cpu[cpu->nr].nr_pending = nr + 1;
}

/* ---- locks and accesses ---- */

/* The lock that it stood before is taken: it has come to another point. */
static void look_at_lock(struct story *s, const struct vcpu *cpu, const void *wanted)
{
#if MM_CHECK
	const struct lockdep_stack *locks = &cpu->sched.ctx->locks;
	const struct held_lock *h = locks->depth ? &locks->held[locks->depth - 1] : NULL;
	const char *name = s->cpu[cpu->nr].wants;
	struct story_line *line;

	if (!name || (h && h->lock == wanted))
		return;
	s->cpu[cpu->nr].wants = NULL;
	if (!h || h->name != name)
		return;
	line = new_line(s);
	if (!line)
		return;
	place(s, line, cpu, wanted);
	line->kind = STORY_DETAIL;
	snprintf(line->text, sizeof(line->text), "takes %s for %s", name,
		 h->flags & LOCKDEP_READ ? "reading" : "writing");
#endif
}

/* Those for which one waits asleep; who is at the entries, the brackets say. */
static void want_lock(struct story *s, const struct vcpu *cpu, const void *lock)
{
#if MM_CHECK
	const struct lockdep_stack *locks = &cpu->sched.ctx->locks;
	const struct held_lock *h = locks->depth ? &locks->held[locks->depth - 1] : NULL;

	if (h && h->lock == lock && h->rank >= LOCK_RANK_I_RWSEM && h->rank <= LOCK_RANK_ANON_VMA)
		s->cpu[cpu->nr].wants = h->name;
#endif
}

/* An access has its translation in hand, and moves its bytes next. */
static void tell_access(struct story *s, const struct vcpu *cpu)
{
	u16 slot = slot_on(s, cpu);
	const struct mm_op *op = slot == STORY_NOBODY ? NULL : s->slot[slot].what;
	struct story_line line = { .kind = STORY_STEP };
	const struct tlb_entry *entry;
	char page[72];

	if (!op || (op->code != OP_LOAD && op->code != OP_STORE && op->code != OP_RMW))
		return;
	entry = tlb_lookup((struct tlb *)&cpu->tlb, cpu->pcid, s->slot[slot].va);
	if (!entry)
		return;
	place(s, &line, cpu, NULL);
	story_page(s, s->slot[slot].va, page, sizeof(page));
	snprintf(line.text, sizeof(line.text), "%s %s, as its TLB says: frame %lu",
		 op->code == OP_LOAD ? "reads" : "writes", page,
		 tlb_pfn(entry, s->slot[slot].va));
	tell(s, &line);
}

/* ---- looking on ---- */

static void on_begin(void *arg, struct machine *m)
{
	struct story *s = arg;

	s->machine = m;
}

static void catch_up(struct story *s, const struct vcpu *cpu, const void *wanted)
{
	look_at_entries(s, cpu, wanted);
	drain(s, cpu, wanted);
	for (unsigned int i = 0; i < s->machine->nr_cpus; i++)
		if (i != cpu->nr)
			drain(s, s->machine->cpus[i], NULL);
}

static void look_on(struct story *s, struct vcpu *cpu, enum sched_kind kind, const void *obj)
{
	const void *wanted = kind == SCHED_LOCK || kind == SCHED_WAIT ? obj : NULL;

	look_at_lock(s, cpu, wanted);
	catch_up(s, cpu, wanted);
	stand_before(s, cpu, obj);
	if (kind == SCHED_LOCK)
		want_lock(s, cpu, obj);
	else if (kind == SCHED_ACCESS && obj == cpu)
		tell_access(s, cpu);
}

/* Any vCPU may be the one that tells: to TSan they are threads without order. */
static void on_point(void *arg, struct vcpu *cpu, enum sched_kind kind, const void *obj)
{
	struct story *s = arg;

	if (s->over)
		return;
	tsan_ignore_writes_begin();
	look_on(s, cpu, kind, obj);
	tsan_ignore_writes_end();
}

static void tell_finding(struct story *s, const struct vcpu *cpu, const struct finding *f)
{
	struct story_line *line = new_line(s);

	if (!line)
		return;
	line->kind = STORY_FINDING;
	line->cpu = (u8)cpu->nr;
	line->slot = STORY_NOBODY;
	snprintf(line->text, sizeof(line->text), "%s", f->title);
	memcpy(s->detail, f->detail, sizeof(s->detail));
}

static void on_finding(void *arg, const struct finding *f)
{
	struct story *s = arg;
	const struct vcpu *cpu = f->vcpu < s->machine->nr_cpus ? s->machine->cpus[f->vcpu] :
			     s->machine->cpus[0];

	if (s->over)
		return;
	tsan_ignore_writes_begin();
	catch_up(s, cpu, NULL);
	if (cpu->in_access)
		tell_access(s, cpu);
	tell_finding(s, cpu, f);
	s->over = true;
	tsan_ignore_writes_end();
}

static void on_end(void *arg, struct machine *m)
{
	struct story *s = arg;

	if (!s->over)
		catch_up(s, m->cpus[0], NULL);
}

void story_init(struct story *s, const struct op_list *list)
{
	memset(s, 0, sizeof(*s));
	s->list = list;
	s->watch = (struct explore_watch){
		.begin = on_begin, .point = on_point, .finding = on_finding, .end = on_end,
		.arg = s,
	};
}

void story_free(struct story *s)
{
	free(s->line);
	s->line = NULL;
	s->nr = s->room = 0;
}
