/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_MM_GUP_H
#define MMSTORM_MM_GUP_H

/*
 * Pages of the calling task, to be used by their frames (mm/gup.c, 6.18).
 *
 * A *pin* (FOLL_PIN) is for who moves a page's contents without a page table, as a
 * device does: what it writes the process finds there, and what the process writes it
 * finds, as long as the page is not unmapped.  So an anonymous page is pinned only when
 * it is this process's alone (PageAnonExclusive), stays so over a fork, and is not
 * migrated.  A *reference* (FOLL_GET) keeps the page, and promises no more than that.
 *
 * First GUP-fast, which holds no lock (gup_fast.c); then, under mmap_lock, what that
 * could not have.
 */

#include "mm/mm_types.h"
#include "phys/page.h"

enum {
	FOLL_WRITE	= 1 << 0,	/* it will be written to */
	FOLL_GET	= 1 << 1,	/* a reference */
	FOLL_LONGTERM	= 1 << 8,	/* a pin for an unknown time: sees later writes, too */

	/* Inside only. */
	FOLL_TRIED	= 1 << 17,	/* the fault has let go of mmap_lock once */
	FOLL_PIN	= 1 << 19,
};

/*
 * pin_user_pages_fast - pin the pages of [start, start + nr_pages pages)
 * get_user_pages_fast - the same with references
 * Context: a task; may sleep; no locks held.  Return: how many, from the first on, or
 * -errno when none: -EFAULT (not mapped so), -ENOMEM, -EINVAL (flags).
 */
long pin_user_pages_fast(unsigned long start, unsigned long nr_pages, unsigned int gup_flags,
			 struct page **pages);
long get_user_pages_fast(unsigned long start, unsigned long nr_pages, unsigned int gup_flags,
			 struct page **pages);

/* May sleep if @make_dirty: who wrote to the pages says so, under their locks. */
void unpin_user_pages_dirty_lock(struct page **pages, unsigned long npages, bool make_dirty);
void unpin_user_pages(struct page **pages, unsigned long npages);

/* ---- between gup.c and gup_fast.c ---- */

/*
 * gup_fast - what can be had without a lock; @gup_flags has FOLL_PIN or FOLL_GET
 * Return: how many pages, from the first on.
 */
long gup_fast(unsigned long start, unsigned long end, unsigned int gup_flags,
	      struct page **pages);

/*
 * A read pin of a page that its process would leave behind at its next write: must be
 * made exclusive first.  @vma NULL: not known, which only means more often.
 */
bool gup_must_unshare(struct vm_area_struct *vma, unsigned int flags, struct page *page);
void gup_put_page(struct page *page, unsigned int flags);
/* What is pinned and anonymous is exclusive. */
void sanity_check_pinned_pages(struct page **pages, unsigned long npages);

#endif
