/* SPDX-License-Identifier: MIT */
/*
 * model_madvise.c: madvise (Linux do_madvise, madvise_walk_vmas, the
 * behaviours). Advice that only asks for speed changes nothing here.
 */
#include <errno.h>

#include "ops/model_int.h"

enum {
	ADV_NORMAL = 0, ADV_RANDOM = 1, ADV_SEQUENTIAL = 2, ADV_WILLNEED = 3,
	ADV_DONTNEED = 4, ADV_FREE = 8, ADV_REMOVE = 9, ADV_DONTFORK = 10,
	ADV_DOFORK = 11, ADV_MERGEABLE = 12, ADV_UNMERGEABLE = 13,
	ADV_HUGEPAGE = 14, ADV_NOHUGEPAGE = 15, ADV_DONTDUMP = 16,
	ADV_DODUMP = 17, ADV_WIPEONFORK = 18, ADV_KEEPONFORK = 19,
	ADV_COLD = 20, ADV_PAGEOUT = 21, ADV_POPULATE_READ = 22,
	ADV_POPULATE_WRITE = 23, ADV_DONTNEED_LOCKED = 24, ADV_COLLAPSE = 25,
	ADV_GUARD_INSTALL = 102, ADV_GUARD_REMOVE = 103,
};

static bool advice_known(int advice)
{
	return (advice >= ADV_NORMAL && advice <= ADV_DONTNEED) ||
	       (advice >= ADV_FREE && advice <= ADV_COLLAPSE) ||
	       advice == ADV_GUARD_INSTALL || advice == ADV_GUARD_REMOVE;
}

/* What ksm cannot merge is left alone, without an error. */
static bool ksm_compatible(const struct range *r)
{
	return !(r->flags & (RF_SHARED | RF_MAYSHARE | RF_SPECIAL | RF_DROPPABLE));
}

/* The flags after the advice; the error of a range that refuses it. */
static long advised_flags(const struct range *r, int advice, unsigned *flags)
{
	unsigned f = r->flags;

	switch (advice) {
	case ADV_NORMAL: f &= ~(RF_RAND_READ | RF_SEQ_READ); break;
	case ADV_SEQUENTIAL: f = (f & ~RF_RAND_READ) | RF_SEQ_READ; break;
	case ADV_RANDOM: f = (f & ~RF_SEQ_READ) | RF_RAND_READ; break;
	case ADV_DONTFORK: f |= RF_DONTCOPY; break;
	case ADV_DOFORK:
		if (f & RF_IO)
			return -EINVAL;
		f &= ~RF_DONTCOPY;
		break;
	case ADV_WIPEONFORK:
		if (r->file || (f & RF_SHARED))
			return -EINVAL;
		f |= RF_WIPEONFORK;
		break;
	case ADV_KEEPONFORK:
		if (f & RF_DROPPABLE)
			return -EINVAL;
		f &= ~RF_WIPEONFORK;
		break;
	case ADV_DONTDUMP: f |= RF_DONTDUMP; break;
	case ADV_DODUMP:
		if (f & (RF_SPECIAL | RF_DROPPABLE))
			return -EINVAL;
		f &= ~RF_DONTDUMP;
		break;
	case ADV_MERGEABLE:
		if (ksm_compatible(r))
			f |= RF_MERGEABLE;
		break;
	case ADV_UNMERGEABLE: f &= ~RF_MERGEABLE; break;
	case ADV_HUGEPAGE: f = (f & ~RF_NOHUGEPAGE) | RF_HUGEPAGE; break;
	case ADV_NOHUGEPAGE: f = (f & ~RF_HUGEPAGE) | RF_NOHUGEPAGE; break;
	}
	*flags = f;
	return 0;
}

/* madvise_dontneed_free() and its like */
static long advise_drop(struct model_mm *mm, struct range *r,
			unsigned long start, unsigned long end, int advice)
{
	unsigned forbidden = RF_PFNMAP;

	if (advice != ADV_DONTNEED_LOCKED)
		forbidden |= RF_LOCKED;
	if (r->flags & forbidden)
		return -EINVAL;
	if (advice == ADV_FREE)
		/* The contents stay until memory is short; it never is. */
		return range_is_anon(r) ? 0 : -EINVAL;
	pages_zap(&mm->pages, start >> MODEL_PAGE_SHIFT, end >> MODEL_PAGE_SHIFT,
		  false);
	return 0;
}

/* madvise_remove(): punch a hole into the file */
static long advise_remove(struct range *r, unsigned long start,
			  unsigned long end)
{
	uint64_t off;

	if (r->flags & RF_LOCKED)
		return -EINVAL;
	if (!r->file)
		return -EINVAL;
	if ((r->flags & (RF_SHARED | RF_MAYWRITE)) != (RF_SHARED | RF_MAYWRITE))
		return -EACCES;
	off = (uint64_t)(start - r->start) + (r->pgoff << MODEL_PAGE_SHIFT);
	file_punch(r->file, off, off + (end - start));
	return 0;
}

static long advise_guard(struct model_mm *mm, struct range *r,
			 unsigned long start, unsigned long end, bool install)
{
	unsigned long vpn;

	if (r->flags & (RF_SPECIAL | (install ? RF_LOCKED : 0)))
		return -EINVAL;
	if (install) {
		r->flags |= RF_GUARD;
		range_make_family(mm, r);
	}
	for (vpn = start >> MODEL_PAGE_SHIFT; vpn < end >> MODEL_PAGE_SHIFT; vpn++) {
		struct page_slot *slot = pages_get(&mm->pages, vpn);

		if (install && pages_put(&mm->pages, vpn, SLOT_GUARD, NULL))
			return -ENOMEM;
		if (!install && slot && slot->kind == SLOT_GUARD)
			pages_zap(&mm->pages, vpn, vpn + 1, true);
	}
	return 0;
}

/* madvise_vma_behavior() on [start, end) of r; *upto: where r now ends. */
static long advise_part(struct model_mm *mm, struct range *r,
			unsigned long start, unsigned long end, int advice,
			unsigned long *upto)
{
	struct range *out = r;
	unsigned flags;
	long err;

	*upto = end;
	switch (advice) {
	case ADV_WILLNEED: case ADV_COLLAPSE:
		return 0;
	case ADV_COLD: case ADV_PAGEOUT:
		return r->flags & (RF_LOCKED | RF_PFNMAP) ? -EINVAL : 0;
	case ADV_DONTNEED: case ADV_DONTNEED_LOCKED: case ADV_FREE:
		return advise_drop(mm, r, start, end, advice);
	case ADV_REMOVE:
		return advise_remove(r, start, end);
	case ADV_GUARD_INSTALL: case ADV_GUARD_REMOVE:
		return advise_guard(mm, r, start, end, advice == ADV_GUARD_INSTALL);
	}
	err = advised_flags(r, advice, &flags);
	if (err || flags == r->flags)
		return err;
	err = range_modify(mm, r, start, end, flags, r->policy, &out);
	if (out->end > end)
		*upto = out->end;
	/* Out of ranges is said to be temporary. */
	return err == -ENOMEM ? -EAGAIN : err;
}

/* madvise_populate(): stops at the first page that cannot be had. */
static long advise_populate(struct model_mm *mm, unsigned long start,
			    unsigned long end, bool write)
{
	while (start < end) {
		struct range *r = range_at(mm, start);
		unsigned long upto;

		if (!r)
			return -ENOMEM;
		if ((r->flags & (RF_IO | RF_PFNMAP)) ||
		    !(r->flags & (write ? RF_WRITE : RF_READ)))
			return -EINVAL;
		upto = r->end < end ? r->end : end;
		if (populate_range(mm, r, start, upto, write))
			return -EFAULT;
		start = upto;
	}
	return 0;
}

/* A sealed range's memory must not be thrown away. */
static bool advice_discards(int advice)
{
	return advice == ADV_DONTNEED || advice == ADV_FREE || advice == ADV_REMOVE ||
	       advice == ADV_DONTNEED_LOCKED || advice == ADV_WIPEONFORK ||
	       advice == ADV_DONTFORK || advice == ADV_GUARD_INSTALL;
}

static bool sealed_against(const struct range *r, int advice)
{
	return (r->flags & RF_SEALED) && advice_discards(advice) &&
	       range_is_anon(r) && !(r->flags & RF_WRITE);
}

long model_madvise(struct model_mm *mm, unsigned long addr, unsigned long len,
		   int advice)
{
	unsigned long end = addr + page_align(len), upto;
	long hole = 0, err;

	if (!advice_known(advice) || (addr & (MODEL_PAGE_SIZE - 1)) ||
	    (len && !page_align(len)) || end < addr)
		return -EINVAL;
	if (end == addr)
		return 0;
	if (advice == ADV_POPULATE_READ || advice == ADV_POPULATE_WRITE)
		return advise_populate(mm, addr, end, advice == ADV_POPULATE_WRITE);
	while (addr < end) {
		struct range *r = range_find(mm, addr);

		if (!r || r->start >= end)
			return -ENOMEM;
		if (r->start > addr) {
			hole = -ENOMEM;
			addr = r->start;
		}
		if (sealed_against(r, advice))
			return -EPERM;
		err = advise_part(mm, r, addr, r->end < end ? r->end : end, advice,
				  &upto);
		if (err)
			return err;
		addr = upto;
	}
	return hole;
}
