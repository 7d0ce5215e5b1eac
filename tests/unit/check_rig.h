/* SPDX-License-Identifier: MIT */
#ifndef TESTS_CHECK_RIG_H
#define TESTS_CHECK_RIG_H

/*
 * A watched address space on a serial machine, calls that are told to the
 * oracles as the executor tells them, and what they then object to.
 */

#include <stdlib.h>
#include <string.h>

#include "check/shadow.h"
#include "hw/tlb.h"
#include "mm_fixture.h"

#define WINDOW		64u
#define MAPPED		8u	/* pages from AT, private anonymous, read and write */

struct watch {
	struct mmfix	f;
	u64		tags;
	unsigned int	expected;	/* findings named by expect_finding() */
};

static inline void watch_mm(struct mm_struct *mm, struct task_struct *task)
{
	assert_int_equal(check_mm_create(mm, AT, WINDOW), 0);
	assert_int_equal(check_task_start(task), 0);
	check_mm_put(mm);
}

static inline struct check_call told(enum check_effect effect, unsigned long page,
				     unsigned long pages)
{
	return (struct check_call){
		.effect = effect, .start = PG(page), .len = pages * PAGE_SIZE,
		.prot = PROT_READ | PROT_WRITE, .backing = CHECK_BACK_ANON, .fixed = true,
	};
}

/* Not done; but what was translated before is gone, as after the call. */
static inline void tell_end(struct check_call *call, long result)
{
	tlb_flush_all(&this_cpu()->tlb);
	check_call_end(current, call, result);
}

/* Told, not done. */
static inline void tell(struct check_call call, long result)
{
	check_call_begin(current, &call);
	tell_end(&call, result);
}

static inline void tell_map(unsigned long page, unsigned long pages, unsigned int prot,
			    enum check_backing backing)
{
	struct check_call call = told(CHECK_EFFECT_MAP, page, pages);

	call.prot = prot;
	call.backing = backing;
	tell(call, (long)PG(page));
}

/* Told and done. */
static inline void watched_map(unsigned long page, unsigned long pages, unsigned long prot)
{
	struct check_call call = told(CHECK_EFFECT_MAP, page, pages);

	call.prot = (unsigned int)prot;
	check_call_begin(current, &call);
	check_call_end(current, &call, sys_mmap(PG(page), pages * PAGE_SIZE, prot,
						ANON | MAP_FIXED, NULL, 0));
}

static inline void watched_unmap(unsigned long page, unsigned long pages)
{
	struct check_call call = told(CHECK_EFFECT_UNMAP, page, pages);

	check_call_begin(current, &call);
	check_call_end(current, &call, sys_munmap(PG(page), pages * PAGE_SIZE));
}

static inline void watched_protect(unsigned long page, unsigned long pages, unsigned long prot)
{
	struct check_call call = told(CHECK_EFFECT_PROTECT, page, pages);

	call.prot = (unsigned int)prot;
	check_call_begin(current, &call);
	check_call_end(current, &call, sys_mprotect(PG(page), pages * PAGE_SIZE, prot));
}

static inline struct watch watch_open(void)
{
	struct watch w = { .f = mmfix_open_with(4096, 1024) };

	w.f.m->sink.on_finding = NULL;
	assert_int_equal(check_attach(w.f.m, CHECK_ALL), 0);
	watch_mm(w.f.mm, w.f.task);
	watched_map(0, MAPPED, RW);
	return w;
}

/* Everything was put right again, or not: nothing but what was expected. */
static inline void watch_close(struct watch *w)
{
	unsigned int i;

	if (finding_count(&w->f.m->sink) != w->expected) {
		for (i = 0; i < finding_count(&w->f.m->sink); i++)
			mmfix_print(&w->f.m->sink, finding_get(&w->f.m->sink, i));
		fail_msg("%u findings, %u expected", finding_count(&w->f.m->sink), w->expected);
	}
	kern_switch_to(NULL);
	check_task_exit(w->f.task);
	task_free(w->f.task);
	kern_release_mms(w->f.m);
	assert_int_equal(mmfix_free(w->f.m), w->f.free_at_start);
	check_detach(w->f.m);
	kern_shutdown(w->f.m);
}

/* The kind and the words, and that it is new. */
static inline void expect_finding(struct watch *w, enum finding_kind kind, const char *title)
{
	const struct finding *f;
	unsigned int i;

	for (i = 0; (f = finding_get(&w->f.m->sink, i)); i++) {
		if (strcmp(f->title, title))
			continue;
		assert_int_equal(f->kind, kind);
		assert_true(strlen(f->detail) > 0);
		/* Stable: nothing of this run in the title. */
		assert_null(strpbrk(f->title, "0123456789"));
		w->expected++;
		return;
	}
	for (i = 0; (f = finding_get(&w->f.m->sink, i)); i++)
		mmfix_print(&w->f.m->sink, f);
	fail_msg("not found: %s", title);
}

static inline void expect_silence(struct watch *w)
{
	assert_int_equal(finding_count(&w->f.m->sink), w->expected);
}

/* ---- tagged words ---- */

static inline unsigned long slot_of(unsigned long page)
{
	return PG(page) + check_slot_offset(current);
}

static inline u64 store_tag(struct watch *w, unsigned long page)
{
	u64 tag = check_tag(current, ++w->tags);

	poke(slot_of(page), tag);
	return tag;
}

/* The word in the frame, behind everybody's back. */
static inline u64 *word_behind(struct mm_struct *mm, unsigned long va)
{
	struct page *page = page_of(mm, va);

	assert_non_null(page);
	return (u64 *)((char *)page_address(page) + va % PAGE_SIZE);
}

static inline struct shadow_page *shadow(struct task_struct *task, unsigned long page)
{
	return shadow_page_at(((struct check_task *)task->check)->mm, PG(page));
}

/* Of @id, while @expression runs: how many checks were conclusive. */
#define conclusive_of(w, id, expression) ({				\
	u64 was_ = check_conclusive((w)->f.m, id);			\
	expression;							\
	check_conclusive((w)->f.m, id) - was_;				\
})
#define excused_of(w, id, expression) ({				\
	u64 was_ = check_excused((w)->f.m, id);				\
	expression;							\
	check_excused((w)->f.m, id) - was_;				\
})

#endif
