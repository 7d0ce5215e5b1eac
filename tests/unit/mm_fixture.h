/* SPDX-License-Identifier: MIT */
#ifndef TESTS_MM_FIXTURE_H
#define TESTS_MM_FIXTURE_H

/*
 * A serial machine with one task and an empty address space, for tests of
 * core/mm; and the checks that every one of them ends with: no finding, every
 * frame back, resident counters equal to what the tables say.
 */

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "base/err.h"
#include "base/finding.h"
#include "hw/access.h"
#include "hw/machine.h"
#include "kern/boot.h"
#include "kern/sched.h"
#include "kern/task.h"
#include "mm/filemap.h"
#include "mm/fork.h"
#include "mm/memory.h"
#include "mm/migrate.h"
#include "mm/mm.h"
#include "mm/mmap_lock.h"
#include "mm/rmap.h"
#include "mm/syscalls.h"
#include "mm/vma.h"
#include "pgtable/swapops.h"
#include "pgtable/walk.h"
#include "phys/fail.h"
#include "phys/page_alloc.h"
#include "sync/rcu.h"

#define RW	(PROT_READ | PROT_WRITE)
#define ANON	(MAP_PRIVATE | MAP_ANONYMOUS)
#define AT	0x7ffff0000000UL
#define PG(n)	(AT + (n) * PAGE_SIZE)

struct mmfix {
	struct machine *m;
	struct task_struct *task;
	struct mm_struct *mm;
	unsigned long free_at_start;
};

static inline unsigned long mmfix_free(struct machine *m)
{
	rcu_barrier();
	drain_all_pages(m);
	return nr_free_pages(m);
}

static inline void mmfix_print(struct finding_sink *sink, const struct finding *f)
{
	(void)sink;
	print_message("finding: %s\n%s\n", f->title, f->detail);
}

static inline struct mmfix mmfix_open_with(unsigned int frame_bytes, unsigned long frames)
{
	struct machine_config config = {
		.nr_cpus = 1, .nr_frames = frames, .frame_bytes = frame_bytes,
		.seed = 1, .mode = RUN_SERIAL, .run_tokens = 1,
	};
	struct mmfix f = { 0 };

	assert_int_equal(kern_boot(&config, &f.m), 0);
	f.m->sink.on_finding = mmfix_print;
	machine_bind_host(f.m, 0);
	f.free_at_start = mmfix_free(f.m);
	f.mm = mm_alloc(f.m, NULL);
	assert_non_null(f.mm);
	f.task = task_create(f.m, 1, 0, f.mm, NULL, NULL);
	assert_non_null(f.task);
	kern_switch_to(f.task);
	return f;
}

static inline struct mmfix mmfix_open(void)
{
	return mmfix_open_with(4096, 8192);
}

/* A second task that runs in @mm, whose reference it takes. */
static inline struct task_struct *mmfix_task(struct mmfix *f, u64 id, struct mm_struct *mm)
{
	struct task_struct *task = task_create(f->m, id, 1, mm, NULL, NULL);

	assert_non_null(task);
	return task;
}

static inline void mmfix_task_end(struct mmfix *f, struct task_struct *task)
{
	kern_switch_to(f->task);
	task_free(task);
}

static inline void mmfix_close(struct mmfix *f)
{
	kern_switch_to(NULL);
	task_free(f->task);
	kern_release_mms(f->m);
	assert_int_equal(mmfix_free(f->m), f->free_at_start);
	assert_int_equal(finding_count(&f->m->sink), 0);
	kern_shutdown(f->m);
}

/* ---- what a test does ---- */

static inline unsigned long map_at(unsigned long addr, unsigned long pages, unsigned long prot,
				   unsigned long flags, struct file *file, unsigned long off)
{
	long ret = sys_mmap(addr, pages * PAGE_SIZE, prot, flags | MAP_FIXED, file, off);

	assert_int_equal(ret, (long)addr);
	return addr;
}

static inline void poke(unsigned long va, u64 value)
{
	assert_int_equal(user_store(va, 8, value), 0);
}

static inline u64 peek(unsigned long va)
{
	u64 value = ~0ULL;

	assert_int_equal(user_load(va, 8, &value), 0);
	return value;
}

/* The access must be refused with this signal. */
static inline void expect_signal(int ret, int signo, int code, unsigned long addr)
{
	assert_int_equal(ret, -EFAULT);
	assert_int_equal(current_fault()->signo, signo);
	assert_int_equal(current_fault()->code, code);
	assert_true(current_fault()->addr == addr);
}

static inline pte_t pte_of(struct mm_struct *mm, unsigned long addr)
{
	pte_t *pte = pgtable_peek_pte(&mm->context, addr);

	return pte ? ptep_get(pte) : __pte(0);
}

/* The page that @addr maps, NULL for none and for the zero page. */
static inline struct page *page_of(struct mm_struct *mm, unsigned long addr)
{
	pte_t pte = pte_of(mm, addr);

	return pte_present(pte) && !pte_special(pte) ? pte_page(pte) : NULL;
}

static inline struct vm_area_struct *vma_at(struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *vma;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, addr);
	mmap_read_unlock(mm);
	return vma;
}

/* ---- what it must find ---- */

static void rss_visit(void *arg, pte_t *ptep, pte_t pte, unsigned long addr)
{
	long *rss = arg;

	(void)ptep;
	(void)addr;
	if (pte_present(pte) && !pte_special(pte))
		rss[mm_counter(pte_page(pte))]++;
	else if (is_swap_pte(pte) && is_migration_entry(pte_to_swp_entry(pte)))
		rss[mm_counter(pfn_swap_entry_to_page(pte_to_swp_entry(pte)))]++;
}

static inline void check_rss(struct mm_struct *mm)
{
	long rss[NR_MM_COUNTERS] = { 0 };
	struct pgtable_visit visit = { .pte = rss_visit, .arg = rss };
	int i;

	pgtable_visit(&mm->context, &visit);
	for (i = 0; i < NR_MM_COUNTERS; i++)
		assert_int_equal(atomic_long_read(&mm->rss_stat[i]), rss[i]);
}

static inline void check_counters(struct mm_struct *mm, long anon, long file, long shmem)
{
	assert_int_equal(get_mm_counter(mm, MM_ANONPAGES), anon);
	assert_int_equal(get_mm_counter(mm, MM_FILEPAGES), file);
	assert_int_equal(get_mm_counter(mm, MM_SHMEMPAGES), shmem);
	check_rss(mm);
}

#endif
