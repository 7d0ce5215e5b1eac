/* SPDX-License-Identifier: MIT */
/*
 * model_change.c: calls that walk ranges and change their flags: mprotect,
 * mlock and family, msync, mseal, mbind (Linux do_mprotect_pkey,
 * mprotect_fixup, apply_vma_lock_flags, mlock_fixup).
 */
#include <errno.h>
#include <sys/mman.h>

#include "ops/model_int.h"

/* --- mprotect ---------------------------------------------------------- */

/* mprotect_fixup() */
static int protect_part(struct model_mm *mm, struct range *r,
			unsigned long start, unsigned long end, unsigned flags,
			struct range **out)
{
	unsigned long pages = (end - start) >> MODEL_PAGE_SHIFT;
	unsigned old = r->flags;
	int err;

	*out = r;
	if (old & RF_SEALED)
		return -EPERM;
	if (old == flags)
		return 0;
	if (flags & RF_WRITE) {
		/* Only what turns into data is checked here. */
		if (!may_expand(mm, flags, pages) && may_expand(mm, old, pages))
			return -ENOMEM;
		if (!(old & (RF_ACCOUNT | RF_WRITE | RF_SHARED | RF_NORESERVE))) {
			if (!enough_memory(mm, pages))
				return -ENOMEM;
			flags |= RF_ACCOUNT;
		}
	} else if ((old & RF_ACCOUNT) && range_is_anon(r) && !r->family) {
		/* Never written, never will be: the promise is void. */
		flags &= ~RF_ACCOUNT;
	}
	err = range_modify(mm, r, start, end, flags, r->policy, out);
	/* Locked memory that becomes writable gets pages of its own at once. */
	if (!err && (old & (RF_WRITE | RF_SHARED | RF_LOCKED)) == RF_LOCKED &&
	    (flags & RF_WRITE) && !((*out)->flags & RF_LOCKONFAULT))
		populate_range(mm, *out, start, end, true);
	return err;
}

static long protect_walk(struct model_mm *mm, struct range *r,
			 unsigned long start, unsigned long end,
			 unsigned long prot)
{
	unsigned long at = start;

	while (at < end) {
		unsigned long right = prot, upto;
		struct range *out;
		unsigned flags;
		int err;

		if (!r || r->start > at)
			return -ENOMEM;
		if ((prot & MP_READ) && (mm->persona & MODEL_READ_IMPLIES_EXEC) &&
		    (r->flags & RF_MAYEXEC))
			right |= MP_EXEC;
		flags = (r->flags & ~RF_ACCESS) | (right & RF_ACCESS);
		if ((flags & ~(flags >> 4)) & RF_ACCESS)
			return -EACCES;
		upto = r->end < end ? r->end : end;
		err = protect_part(mm, r, at, upto, flags, &out);
		if (err)
			return err;
		/* A merge may have taken in what comes next. */
		at = out->end > upto ? out->end : upto;
		r = range_find(mm, at);
	}
	return 0;
}

long model_mprotect(struct model_mm *mm, unsigned long addr, unsigned long len,
		    unsigned long prot)
{
	return model_pkey_mprotect(mm, addr, len, prot, -1);
}

long model_pkey_mprotect(struct model_mm *mm, unsigned long addr,
			 unsigned long len, unsigned long prot, int key)
{
	unsigned long grows = prot & (MP_GROWSDOWN | MP_GROWSUP), end;
	struct range *r;

	prot &= ~grows;
	if (grows == (MP_GROWSDOWN | MP_GROWSUP) || (addr & (MODEL_PAGE_SIZE - 1)))
		return -EINVAL;
	if (!len)
		return 0;
	len = page_align(len);
	end = addr + len;
	if (end <= addr)
		return -ENOMEM;
	if ((prot & ~(unsigned long)(RF_ACCESS | MP_SEM)) || key != -1)
		return -EINVAL;
	r = range_find(mm, addr);
	if (!r || r->start >= end)
		return -ENOMEM;
	if (grows & MP_GROWSDOWN) {
		addr = r->start;
		if (!(r->flags & RF_GROWSDOWN))
			return -EINVAL;
	} else {
		if (r->start > addr)
			return -ENOMEM;
		if (grows & MP_GROWSUP)
			return -EINVAL;
	}
	return protect_walk(mm, r, addr, end, prot);
}

/* --- mlock ------------------------------------------------------------- */

/* mlock_fixup() */
static int lock_part(struct model_mm *mm, struct range *r, unsigned long start,
		     unsigned long end, unsigned lock, struct range **out)
{
	unsigned flags = (r->flags & ~RF_LOCK_MASK) | lock, old = r->flags;
	unsigned long pages = (end - start) >> MODEL_PAGE_SHIFT;
	int err;

	*out = r;
	if (flags == old || (old & (RF_SPECIAL | RF_DROPPABLE)))
		return 0;
	err = range_modify(mm, r, start, end, flags, r->policy, out);
	if (err)
		return err;
	if (!(flags & RF_LOCKED))
		mm->locked_vm -= pages;
	else if (!(old & RF_LOCKED))
		mm->locked_vm += pages;
	return 0;
}

/* apply_vma_lock_flags() */
static long lock_walk(struct model_mm *mm, unsigned long start,
		      unsigned long len, unsigned lock)
{
	unsigned long end = start + len, at = start;

	if (end < start)
		return -EINVAL;
	while (at < end) {
		struct range *r = range_at(mm, at), *out;
		unsigned long upto;
		int err;

		if (!r)
			return -ENOMEM;
		upto = r->end < end ? r->end : end;
		err = lock_part(mm, r, at, upto, lock, &out);
		if (err)
			return err;
		at = out->end > upto ? out->end : upto;
	}
	return 0;
}

static unsigned long locked_within(const struct model_mm *mm,
				   unsigned long start, unsigned long len)
{
	unsigned long end = start + len, pages = 0;
	size_t i;

	for (i = range_index(mm, start); i < mm->n && mm->range[i]->start < end; i++) {
		const struct range *r = mm->range[i];
		unsigned long lo = r->start > start ? r->start : start;
		unsigned long hi = r->end < end ? r->end : end;

		if (r->flags & RF_LOCKED)
			pages += (hi - lo) >> MODEL_PAGE_SHIFT;
	}
	return pages;
}

long model_mlock(struct model_mm *mm, unsigned long addr, unsigned long len,
		 unsigned flags)
{
	unsigned long limit = mm->rlimit[MODEL_RLIMIT_MEMLOCK] >> MODEL_PAGE_SHIFT;
	unsigned lock = RF_LOCKED | (flags ? RF_LOCKONFAULT : 0);
	unsigned long locked;
	long err;

	if (flags & ~1U)
		return -EINVAL;
	if (!mm->root && !mm->rlimit[MODEL_RLIMIT_MEMLOCK])
		return -EPERM;
	len = page_align(len + (addr & (MODEL_PAGE_SIZE - 1)));
	addr &= -MODEL_PAGE_SIZE;
	locked = mm->locked_vm + (len >> MODEL_PAGE_SHIFT);
	if (locked > limit && !mm->root)
		locked -= locked_within(mm, addr, len);
	if (locked > limit && !mm->root)
		return -ENOMEM;
	err = lock_walk(mm, addr, len, lock);
	if (err)
		return err;
	/* What cannot be made present is not enough memory. */
	return populate(mm, addr, len, false) ? -ENOMEM : 0;
}

long model_munlock(struct model_mm *mm, unsigned long addr, unsigned long len)
{
	len = page_align(len + (addr & (MODEL_PAGE_SIZE - 1)));
	return lock_walk(mm, addr & -MODEL_PAGE_SIZE, len, 0);
}

/* apply_mlockall_flags(): errors of single ranges do not matter. */
static void lock_all(struct model_mm *mm, unsigned lock)
{
	unsigned long at = 0;
	struct range *r, *out;

	while ((r = range_find(mm, at))) {
		at = r->end;
		lock_part(mm, r, r->start, r->end, lock, &out);
	}
}

long model_mlockall(struct model_mm *mm, unsigned flags)
{
	unsigned long limit = mm->rlimit[MODEL_RLIMIT_MEMLOCK] >> MODEL_PAGE_SHIFT;
	unsigned lock = RF_LOCKED | (flags & MCL_ONFAULT ? RF_LOCKONFAULT : 0);
	struct model_usage used;

	if (!flags || (flags & ~(unsigned)(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT)) ||
	    flags == MCL_ONFAULT)
		return -EINVAL;
	if (!mm->root && !mm->rlimit[MODEL_RLIMIT_MEMLOCK])
		return -EPERM;
	model_usage(mm, &used);
	if ((flags & MCL_CURRENT) && used.size > limit && !mm->root)
		return -ENOMEM;
	mm->def_flags &= ~RF_LOCK_MASK;
	if (flags & MCL_FUTURE)
		mm->def_flags |= lock;
	if (flags & MCL_CURRENT) {
		lock_all(mm, lock);
		populate(mm, 0, mm->model->params.task_size, true);
	}
	return 0;
}

long model_munlockall(struct model_mm *mm)
{
	mm->def_flags &= ~RF_LOCK_MASK;
	lock_all(mm, 0);
	return 0;
}

/* --- msync, mseal, mbind ----------------------------------------------- */

long model_msync(struct model_mm *mm, unsigned long addr, unsigned long len,
		 int flags)
{
	unsigned long end;
	long hole = 0;

	if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC))
		return -EINVAL;
	if ((addr & (MODEL_PAGE_SIZE - 1)) ||
	    ((flags & MS_ASYNC) && (flags & MS_SYNC)))
		return -EINVAL;
	end = addr + page_align(len);
	if (end < addr)
		return -ENOMEM;
	while (addr < end) {
		struct range *r = range_find(mm, addr);

		if (!r)
			return -ENOMEM;
		if (addr < r->start) {
			if (flags == MS_ASYNC || r->start >= end)
				return -ENOMEM;
			hole = -ENOMEM;
		}
		if ((flags & MS_INVALIDATE) && (r->flags & RF_LOCKED))
			return -EBUSY;
		addr = r->end;
	}
	return hole;
}

/* Every page of [start, end) is mapped. */
static bool no_hole(const struct model_mm *mm, unsigned long start,
		    unsigned long end)
{
	while (start < end) {
		struct range *r = range_at(mm, start);

		if (!r)
			return false;
		start = r->end;
	}
	return true;
}

/* Set flags and policy of [addr, end), which has no hole. */
static long modify_walk(struct model_mm *mm, unsigned long addr,
			unsigned long end, unsigned set, const unsigned long *policy)
{
	while (addr < end) {
		struct range *r = range_at(mm, addr), *out = r;
		unsigned long upto = r->end < end ? r->end : end;
		unsigned long p = policy ? *policy : r->policy;
		int err;

		if (p != r->policy || (r->flags | set) != r->flags) {
			err = range_modify(mm, r, addr, upto, r->flags | set, p, &out);
			if (err)
				return err;
		}
		addr = out->end > upto ? out->end : upto;
	}
	return 0;
}

long model_mseal(struct model_mm *mm, unsigned long addr, unsigned long len,
		 unsigned long flags)
{
	unsigned long end = addr + page_align(len);

	if (flags || (addr & (MODEL_PAGE_SIZE - 1)) || (len && !page_align(len)) ||
	    end < addr)
		return -EINVAL;
	if (!no_hole(mm, addr, end))
		return -ENOMEM;
	return modify_walk(mm, addr, end, RF_SEALED, NULL);
}

long model_mbind(struct model_mm *mm, unsigned long addr, unsigned long len,
		 unsigned long policy)
{
	unsigned long end = addr + page_align(len);

	if ((addr & (MODEL_PAGE_SIZE - 1)) || end < addr)
		return -EINVAL;
	if (!no_hole(mm, addr, end))
		return -EFAULT;
	return modify_walk(mm, addr, end, 0, &policy);
}
