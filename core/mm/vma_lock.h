/* SPDX-License-Identifier: MIT */
/*
 * Per-VMA locks, as in Linux 6.18 (include/linux/mmap_lock.h, mm/mmap_lock.c).
 *
 * A reader raises vm_refcnt. A writer, who holds mmap_lock for writing, waits until the readers
 * are gone and stores the mm's sequence number in vm_lock_seq: from then on no reader gets in,
 * until the release of mmap_lock moves the number on and so unlocks all VMAs at once. There is
 * no unlock of a single VMA for writing.
 *
 * These are not mutexes to ThreadSanitizer; their order is that of the atomics:
 *   reader's acquire of vm_refcnt   pairs with vma_mark_attached's release
 *   reader's release of vm_refcnt   pairs with the writer's acquire (it waits for the count)
 *   reader's acquire of mm_lock_seq pairs with mmap_write_unlock's release
 */
#ifndef MMSTORM_MM_VMA_LOCK_H
#define MMSTORM_MM_VMA_LOCK_H

#include "base/bug.h"
#include "mm/mm_types.h"

/*
 * The VMA that covers address, locked for reading, or NULL: none, or a writer has it, or it is
 * not the same any more; the caller falls back to mmap_lock. Takes RCU itself. May sleep? No.
 */
struct vm_area_struct *lock_vma_under_rcu(struct mm_struct *mm, unsigned long address);
/*
 * Locks a VMA found under RCU for reading. NULL: a writer holds it. ERR_PTR(-EAGAIN): it is
 * detached, look again. In an RCU read section, which may be left and re-entered on failure.
 */
struct vm_area_struct *vma_start_read(struct mm_struct *mm, struct vm_area_struct *vma);
void vma_end_read(struct vm_area_struct *vma);

void __vma_start_write(struct vm_area_struct *vma, unsigned int mm_lock_seq);

/*
 * mmap_lock held for writing. True: this VMA is write-locked already; *seq is the number to store.
 */
static inline bool __is_vma_write_locked(struct vm_area_struct *vma, unsigned int *seq)
{
	*seq = vma->vm_mm->mm_lock_seq;
	return vma->vm_lock_seq == *seq;
}

/* Before every edit of a VMA: shuts readers out and waits for those inside. May sleep. */
static inline void vma_start_write(struct vm_area_struct *vma)
{
	unsigned int seq;

	if (!__is_vma_write_locked(vma, &seq))
		__vma_start_write(vma, seq);
}

static inline bool vma_is_attached(const struct vm_area_struct *vma)
{
	return atomic_read(&vma->vm_refcnt) != 0;
}

static inline void vma_assert_write_locked(struct vm_area_struct *vma)
{
	unsigned int seq;

	VM_BUG_ON(!__is_vma_write_locked(vma, &seq));
	(void)seq;
}

static inline void vma_assert_attached(const struct vm_area_struct *vma)
{
	VM_BUG_ON(!vma_is_attached(vma));
}

static inline void vma_assert_detached(const struct vm_area_struct *vma)
{
	VM_BUG_ON(vma_is_attached(vma));
}

/*
 * Opens a complete VMA to readers; write-locked, so that they wait for the mmap_lock. Release:
 * whoever raises the count sees every field.
 */
static inline void vma_mark_attached(struct vm_area_struct *vma)
{
	vma_assert_write_locked(vma);
	vma_assert_detached(vma);
	atomic_set_release(&vma->vm_refcnt, 1);
}

/* Takes a write-locked VMA away from readers for good; waits for those who only glanced. */
void vma_mark_detached(struct vm_area_struct *vma);

#endif /* MMSTORM_MM_VMA_LOCK_H */
