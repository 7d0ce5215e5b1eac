/* SPDX-License-Identifier: MIT */
/*
 * mmap_lock: the lock of an address space's layout (include/linux/mmap_lock.h).
 *
 * Whoever releases it after writing also ends the write locks of all VMAs, by moving mm_lock_seq.
 */
#ifndef MMSTORM_MM_MMAP_LOCK_H
#define MMSTORM_MM_MMAP_LOCK_H

#include "mm/mm_types.h"
#include "sync/lockdep.h"
#include "sync/rwsem.h"
#include "zoo/zoo.h"

static inline void mmap_assert_locked(const struct mm_struct *mm)
{
	lockdep_assert_held(&mm->mmap_lock);
}

static inline void mmap_assert_write_locked(const struct mm_struct *mm)
{
	lockdep_assert_held_write(&mm->mmap_lock);
}

/* Odd: written to. Relaxed, as no reader takes the odd value as leave to do anything. */
static inline void mm_lock_seq_begin(struct mm_struct *mm)
{
	WRITE_ONCE(mm->mm_lock_seq, mm->mm_lock_seq + 1);
}

/*
 * Ends every VMA write lock of this mm. Release: a reader who sees the new number sees the VMAs
 * as edited (pairs with the acquire in vma_start_read).
 */
static inline void vma_end_write_all(struct mm_struct *mm)
{
	mmap_assert_write_locked(mm);
	if (!zoo(ZOO_VMA_LOCK_SEQ_ORDER))
		smp_store_release(&mm->mm_lock_seq, mm->mm_lock_seq + 1);
	else
		WRITE_ONCE(mm->mm_lock_seq, mm->mm_lock_seq + 1);
}

static inline void mmap_write_lock(struct mm_struct *mm)
{
	down_write(&mm->mmap_lock);
	mm_lock_seq_begin(mm);
}

/* The child's lock, taken while the parent's is held (dup_mmap). */
static inline void mmap_write_lock_nested(struct mm_struct *mm, int subclass)
{
	down_write_nested(&mm->mmap_lock, subclass);
	mm_lock_seq_begin(mm);
}

static inline void mmap_write_unlock(struct mm_struct *mm)
{
	vma_end_write_all(mm);
	up_write(&mm->mmap_lock);
}

static inline void mmap_write_downgrade(struct mm_struct *mm)
{
	vma_end_write_all(mm);
	downgrade_write(&mm->mmap_lock);
}

static inline void mmap_read_lock(struct mm_struct *mm)
{
	down_read(&mm->mmap_lock);
}

static inline bool mmap_read_trylock(struct mm_struct *mm)
{
	return down_read_trylock(&mm->mmap_lock);
}

static inline void mmap_read_unlock(struct mm_struct *mm)
{
	up_read(&mm->mmap_lock);
}

#endif /* MMSTORM_MM_MMAP_LOCK_H */
