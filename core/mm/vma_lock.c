/* SPDX-License-Identifier: MIT */
/*
 * Per-VMA locks (mm/mmap_lock.c of Linux 6.18): the slow halves, and the lookup of a fault.
 *
 * Owns vm_refcnt and vm_lock_seq of every VMA. A reader comes from RCU with nothing but a pointer
 * that may be to freed, or another mm's, memory: until it has raised vm_refcnt it must touch only
 * what is marked (RCU), atomically; until it has re-checked vm_mm and the sequence it must
 * not believe anything else. Must never touch a VMA or its mm after its reference is gone.
 */
#include "mm/vma_lock.h"

#include "base/err.h"
#include "hw/check_met.h"
#include "mm/mm.h"
#include "mm/mmap_lock.h"
#include "mm/vma_tree.h"
#include "pgtable/window.h"
#include "trace/counters.h"

/*
 * One reader more, unless the VMA is detached (0) or a writer waits (>= VMA_LOCK_OFFSET).
 * Acquire: what was written before the VMA was attached, or before the last writer left, is seen.
 */
static bool vma_refcount_get(struct vm_area_struct *vma, int *oldcnt)
{
	int old = atomic_read(&vma->vm_refcnt);

	do {
		*oldcnt = old;
		if (!old || old >= VMA_REF_LIMIT)
			return false;
	} while (!atomic_try_cmpxchg_acquire(&vma->vm_refcnt, &old, old + 1));
	return true;
}

/*
 * One reader less. The last one before a waiting writer wakes it; mm is passed, as the VMA may
 * belong to somebody else the moment the count is down. The mm lives: it is the caller's own, or
 * the caller holds a reference.
 */
static void vma_refcount_put(struct vm_area_struct *vma, struct mm_struct *mm)
{
	int left = atomic_dec_return_release(&vma->vm_refcnt);

	/* A writer waits for VMA_LOCK_OFFSET + 1, or for VMA_LOCK_OFFSET to detach. */
	if (left != VMA_LOCK_OFFSET && left != VMA_LOCK_OFFSET + 1)
		return;
	/* Before it is woken it may see the count, be done, and end its mm. */
	mm_window(WIN_VMA_RECYCLED, &mm->context, 0);
	wake_up_all(&mm->vma_writer_wait);
}

void vma_end_read(struct vm_area_struct *vma)
{
	struct mm_struct *mm = vma->vm_mm;

	lockdep_release(vma);
	vma_refcount_put(vma, mm);
}

/* The count was raised on a VMA that is another mm's by now. RCU: left and entered again. */
static void vma_put_recycled(struct vm_area_struct *vma)
{
	/* Our count keeps vma, and so its mm, from going away; after the put nothing does. */
	struct mm_struct *other = vma->vm_mm;

	window_hit(WIN_VMA_RECYCLED);
	mmgrab(other);
	rcu_read_unlock();
	vma_refcount_put(vma, other);
	mmdrop(other);
	rcu_read_lock();
}

struct vm_area_struct *vma_start_read(struct mm_struct *mm, struct vm_area_struct *vma)
{
	int oldcnt;

	/*
	 * A guess without any lock, to keep off the line that the writer waits on. If it wrongly
	 * says "not locked", the check below decides; wrongly "locked" costs a fallback.
	 */
	if (READ_ONCE(vma->vm_lock_seq) == READ_ONCE(mm->mm_lock_seq))
		return NULL;
	if (!vma_refcount_get(vma, &oldcnt))
		return oldcnt ? NULL : ERR_PTR(-EAGAIN);
	if (unlikely(vma->vm_mm != mm)) {
		vma_put_recycled(vma);
		return NULL;
	}
	/*
	 * The count is up, so no writer gets past __vma_start_write any more; one that was there
	 * before has stored this number. Acquire pairs with vma_end_write_all: a newer number
	 * means that its changes are seen.
	 */
	if (unlikely(READ_ONCE(vma->vm_lock_seq) == smp_load_acquire(&mm->mm_lock_seq))) {
		vma_refcount_put(vma, mm);
		return NULL;
	}
	lockdep_acquire(vma, LOCK_RANK_VMA_LOCK, 0, LOCKDEP_READ | LOCKDEP_TRY, "vma_lock");
	return vma;
}

struct vm_area_struct *lock_vma_under_rcu(struct mm_struct *mm, unsigned long address)
{
	struct vm_area_struct *found, *vma;

	rcu_read_lock();
	for (;;) {
		found = vma_tree_lookup(mm, address);
		if (!found) {
			vma = NULL;
			break;
		}
		/* Here the VMA may be freed, and its memory be another VMA. */
		mm_window(WIN_FAULT_VS_MUNMAP, &mm->context, 0);
		check_met(mm->machine, CHECK_OBJECT_VMA, &found->vm_age);
		vma = vma_start_read(mm, found);
		if (!IS_ERR(vma))
			break;
		/* Detached after we found it: what replaced it was published before. */
		count_vm_event(VMA_LOCK_MISS);
		window_hit(WIN_FAULT_VS_MUNMAP);
	}
	rcu_read_unlock();
	if (!vma) {
		if (found)
			window_hit(WIN_VMA_LOCK_FALLBACK);
		goto abort;
	}
	VM_BUG_ON(vma->vm_mm != mm);
	/* It is ours and holds still; but it may have shrunk, or moved, since it was found. */
	if (unlikely(address < vma->vm_start || address >= vma->vm_end)) {
		window_hit(WIN_VMA_CUT_UNDER_FAULT);
		vma_end_read(vma);
		goto abort;
	}
	return vma;
abort:
	count_vm_event(VMA_LOCK_ABORT);
	return NULL;
}

/*
 * Announces a writer and waits until no reader is left. False: the VMA is detached, there is
 * nothing to wait for. Pairs with __vma_exit_locked.
 */
static bool __vma_enter_locked(struct vm_area_struct *vma, bool detaching)
{
	const int target = detaching ? VMA_LOCK_OFFSET : VMA_LOCK_OFFSET + 1;

	/* Only mmap_lock's holder, who is us, could attach a detached VMA. */
	if (!atomic_read(&vma->vm_refcnt))
		return false;
	atomic_add_return(VMA_LOCK_OFFSET, &vma->vm_refcnt);
	lockdep_acquire(vma, LOCK_RANK_VMA_LOCK, 0, 0, "vma_lock");
	/* Acquire: what the readers did, they did before. */
	wait_event(&vma->vm_mm->vma_writer_wait,
		   atomic_read_acquire(&vma->vm_refcnt) == target);
	return true;
}

/* True: the count went to 0, the VMA is detached. */
static bool __vma_exit_locked(struct vm_area_struct *vma)
{
	lockdep_release(vma);
	return atomic_sub_return(VMA_LOCK_OFFSET, &vma->vm_refcnt) == 0;
}

void __vma_start_write(struct vm_area_struct *vma, unsigned int mm_lock_seq)
{
	bool locked;

	mmap_assert_write_locked(vma->vm_mm);
	locked = __vma_enter_locked(vma, false);
	/* Atomic for the guess in vma_start_read. From here on new readers turn away. */
	WRITE_ONCE(vma->vm_lock_seq, mm_lock_seq);
	if (locked)
		MM_WARN_ON_ONCE(__vma_exit_locked(vma));
}

void vma_mark_detached(struct vm_area_struct *vma)
{
	vma_assert_write_locked(vma);
	vma_assert_attached(vma);
	/* The tree without it has been published (at the end of an mm: nobody looks). */
	rcu_age_retire(&vma->vm_age, rcu_age_stamp());
	/*
	 * Readers are shut out already; one may have the count up for a moment, until it sees
	 * the sequence number.
	 */
	if (likely(atomic_dec_return(&vma->vm_refcnt) == 0))
		return;
	if (__vma_enter_locked(vma, true))
		MM_WARN_ON_ONCE(!__vma_exit_locked(vma));
}
