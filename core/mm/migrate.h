/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_MM_MIGRATE_H
#define MMSTORM_MM_MIGRATE_H

/*
 * Moving an anonymous page to another frame while it is in use (mm/migrate.c).
 */

#include "pgtable/pte.h"

struct mm_struct;
struct page;

/*
 * migrate_page - move the page to a new frame
 * @page: anonymous, referenced by the caller, who keeps that reference.
 * Return: 0; -EBUSY: not anonymous or not mapped; -EAGAIN: somebody else holds a
 * reference or the lock; -ENOMEM.  Unless 0, all mappings are as before.
 * Context: may sleep; no mm lock held or needed.
 */
int migrate_page(struct page *page);

/*
 * do_move_page - move_pages(2) for one page: what is mapped at @addr in @mm
 * Return: 0; -EFAULT: no VMA; -ENOENT: nothing mapped, or the zero page; -EACCES:
 * mapped by more than one process; -EBUSY: not anonymous; others as above.
 * Locks: takes mmap_lock for reading.
 */
int do_move_page(struct mm_struct *mm, unsigned long addr);

/*
 * migration_entry_wait - sleep until the migration whose entry is at @pmd,
 * @addr ends; returns at once when the entry is no longer one.
 * Locks: mmap_lock or VMA lock for reading; no PTL.
 */
void migration_entry_wait(struct mm_struct *mm, pmd_t *pmd, unsigned long addr);

#endif
