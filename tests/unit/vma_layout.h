/* SPDX-License-Identifier: MIT */
#ifndef TESTS_VMA_LAYOUT_H
#define TESTS_VMA_LAYOUT_H

/*
 * The layout of a test's address space as text, in pages from AT: "0-2:rw-p 2-5:r--p". A file's
 * VMA also says its page offset: "0-2:rw-s@3". And calls on pages, shorter than the system's.
 */

#include <string.h>

#include "mm_fixture.h"
#include "mm/vma_tree.h"

#define READ	PROT_READ
#define NONE	PROT_NONE
#define RX	(PROT_READ | PROT_EXEC)
#define RWX	(PROT_READ | PROT_WRITE | PROT_EXEC)
#define SHANON	(MAP_SHARED | MAP_ANONYMOUS)

static inline void layout_text(struct mm_struct *mm, char *buf, size_t len)
{
	struct vma_view v;
	unsigned long addr;
	size_t used = 0;

	buf[0] = '\0';
	for (addr = 0; mm_view_vma(mm, addr, &v); addr = v.end) {
		used += (size_t)snprintf(buf + used, len - used, "%s%ld-%ld:%c%c%c%c",
					 used ? " " : "", (long)(v.start - AT) / (long)PAGE_SIZE,
					 (long)(v.end - AT) / (long)PAGE_SIZE,
					 v.flags & VM_READ ? 'r' : '-',
					 v.flags & VM_WRITE ? 'w' : '-',
					 v.flags & VM_EXEC ? 'x' : '-',
					 v.flags & VM_MAYSHARE ? 's' : 'p');
		if (v.file)
			used += (size_t)snprintf(buf + used, len - used, "@%lu", v.pgoff);
	}
}

/* The tree agrees with itself, with the VMAs and with the counts. */
static inline void check_tree(struct mm_struct *mm)
{
	unsigned long nr, pages = 0, addr;
	struct vma_view v;

	mmap_read_lock(mm);
	assert_null(vma_tree_check(mm, &nr));
	assert_int_equal(nr, mm->map_count);
	mmap_read_unlock(mm);
	for (addr = 0; mm_view_vma(mm, addr, &v); addr = v.end)
		pages += (v.end - v.start) >> PAGE_SHIFT;
	assert_int_equal(pages, mm->total_vm);
}

static inline void expect_layout_of(struct mm_struct *mm, const char *want)
{
	char have[4096];

	layout_text(mm, have, sizeof(have));
	assert_string_equal(have, want);
	check_tree(mm);
}
#define expect_layout(f, want)	expect_layout_of((f)->mm, want)

static inline void map(unsigned long page, unsigned long nr, unsigned long prot)
{
	map_at(PG(page), nr, prot, ANON, NULL, 0);
}

static inline void map_file(struct file *file, unsigned long page, unsigned long nr,
			    unsigned long prot, unsigned long flags, unsigned long pgoff)
{
	map_at(PG(page), nr, prot, flags, file, pgoff * PAGE_SIZE);
}

static inline long unmap(unsigned long page, unsigned long nr)
{
	return sys_munmap(PG(page), nr * PAGE_SIZE);
}

static inline long protect(unsigned long page, unsigned long nr, unsigned long prot)
{
	return sys_mprotect(PG(page), nr * PAGE_SIZE, prot);
}

static inline long remap(unsigned long page, unsigned long old, unsigned long nr,
			 unsigned long flags, unsigned long to)
{
	return sys_mremap(PG(page), old * PAGE_SIZE, nr * PAGE_SIZE, flags, PG(to));
}

static inline long advise(unsigned long page, unsigned long nr, int advice)
{
	return sys_madvise(PG(page), nr * PAGE_SIZE, advice);
}

/*
 * One call with its 1st, 2nd, ... allocation failing, each on a fresh machine, until none is left
 * to fail. A call that fails must say -ENOMEM (or -EAGAIN) and leave the layout as it was; one
 * that succeeds all the same, as it is after an undisturbed call.
 */
static inline void fail_nth_sweep(void (*setup)(struct mmfix *f), long (*call)(struct mmfix *f))
{
	char want[4096];
	u64 nth;

	/* 0 fails none. */
	for (nth = 0; nth < 200; nth++) {
		struct mmfix f = mmfix_open();
		char before[4096], after[4096];
		struct fail_nth fail;
		bool fired;
		long ret;

		setup(&f);
		layout_text(f.mm, before, sizeof(before));
		fail_nth_begin(&fail, nth, FAIL_SCOPE_ALL);
		ret = call(&f);
		fired = fail_nth_end(&fail);
		check_tree(f.mm);
		check_rss(f.mm);
		layout_text(f.mm, after, sizeof(after));
		if (IS_ERR_VALUE(ret)) {
			assert_true(fired);
			assert_true(ret == -ENOMEM || ret == -EAGAIN);
			assert_string_equal(after, before);
		} else if (nth) {
			assert_string_equal(after, want);
		} else {
			strcpy(want, after);
		}
		mmfix_close(&f);
		if (nth && !fired)
			return;
	}
	fail_msg("an allocation was left to fail after 200");
}

#endif
