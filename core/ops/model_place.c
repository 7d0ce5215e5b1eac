/* SPDX-License-Identifier: MIT */
/*
 * model_place.c: where a mapping goes (Linux __get_unmapped_area, x86's
 * arch_get_unmapped_area and _topdown, vm_unmapped_area,
 * thp_get_unmapped_area). Changes nothing.
 */
#include <errno.h>

#include "ops/model_int.h"

#define NOWHERE		(~0UL)
#define AREA_32BIT_LOW	0x40000000UL
#define AREA_32BIT_HIGH	0x80000000UL
#define FOUR_GIG	(1UL << 32)

/*
 * The hole below range i (mm->n: above the last), as far as it lies in [low, high):
 * it ends below the range's guard.  True: it has room for len bytes.
 */
static bool hole_below(const struct model_mm *mm, size_t i, unsigned long len,
		       unsigned long *low, unsigned long *high)
{
	if (i < mm->n && range_floor(mm, mm->range[i]) < *high)
		*high = range_floor(mm, mm->range[i]);
	if (i && mm->range[i - 1]->end > *low)
		*low = mm->range[i - 1]->end;
	return *high > *low && *high - *low >= len;
}

static unsigned long highest(const struct model_mm *mm, unsigned long low,
			     unsigned long high, unsigned long len)
{
	size_t i;

	for (i = mm->n;; i--) {
		unsigned long bottom = low, top = high;

		if (hole_below(mm, i, len, &bottom, &top))
			return top - len;
		if (!i || mm->range[i - 1]->start < low)
			return NOWHERE;
	}
}

static unsigned long lowest(const struct model_mm *mm, unsigned long low,
			    unsigned long high, unsigned long len)
{
	size_t i;

	for (i = range_index(mm, low);; i++) {
		unsigned long bottom = low, top = high;

		if (hole_below(mm, i, len, &bottom, &top))
			return bottom;
		if (i >= mm->n || mm->range[i]->end >= high)
			return NOWHERE;
	}
}

static unsigned long bottom_up(const struct model_mm *mm, unsigned long addr,
			       unsigned long len, unsigned long flags)
{
	unsigned long low = mm->legacy_base, high = mm->model->params.task_size;
	struct range *r;

	if (flags & MM_32BIT) {
		low = AREA_32BIT_LOW;
		high = AREA_32BIT_HIGH;
	}
	if (len > high)
		return NOWHERE;
	if (addr) {
		addr = page_align(addr);
		r = range_find(mm, addr);
		if (high - len >= addr && (!r || addr + len <= range_floor(mm, r)))
			return addr;
	}
	return lowest(mm, low, high, len);
}

static unsigned long top_down(const struct model_mm *mm, unsigned long addr,
			      unsigned long len, unsigned long flags)
{
	const struct model_params *p = &mm->model->params;
	unsigned long low = p->mmap_min_addr, hint = addr & -MODEL_PAGE_SIZE, at;
	struct range *r;

	if (flags & MM_32BIT)
		return bottom_up(mm, addr, len, flags);
	if (addr && p->task_size - len >= hint) {
		r = range_find(mm, hint);
		if (!r || hint + len <= range_floor(mm, r))
			return hint;
	}
	if (flags & MM_ABOVE4G)
		low = FOUR_GIG;
	at = highest(mm, low, mm->mmap_base, len);
	if (at != NOWHERE)
		return at;
	/* A top-down search that fails falls back to the legacy area. */
	return bottom_up(mm, addr, len, flags);
}

static unsigned long plain(const struct model_mm *mm, unsigned long addr,
			   unsigned long len, unsigned long flags)
{
	if (len > mm->model->params.task_size)
		return NOWHERE;
	if (flags & MM_FIXED)
		return addr;
	return mm->top_down ? top_down(mm, addr, len, flags) :
			      bottom_up(mm, addr, len, flags);
}

/* Search 2 MiB more and align in it, so that huge pages could be used. */
static unsigned long huge_aligned(const struct model_mm *mm, unsigned long addr,
				  unsigned long len, unsigned long off,
				  unsigned long flags)
{
	unsigned long first = (off + MODEL_PMD_SIZE - 1) & -MODEL_PMD_SIZE;
	unsigned long padded = len + MODEL_PMD_SIZE, at, shift;

	if (off + len <= first || off + len - first < MODEL_PMD_SIZE)
		return plain(mm, addr, len, flags);
	if (padded < len || off + padded < off)
		return plain(mm, addr, len, flags);
	at = plain(mm, addr, padded, flags);
	if (at == NOWHERE)
		return plain(mm, addr, len, flags);
	if (at == addr)
		return at;
	shift = (off - at) & (MODEL_PMD_SIZE - 1);
	if (mm->top_down && !shift)
		return at + MODEL_PMD_SIZE;
	return at + shift;
}

static bool wants_huge(const struct model_mm *mm, const struct model_file *f,
		       bool shared, unsigned long addr, unsigned long len)
{
	if (!mm->model->params.thp_align)
		return false;
	if (f)
		return f->inode->kind == MODEL_FILE_EXT4 ||
		       (f->inode->kind == MODEL_FILE_ZERO && !shared);
	return !shared && !addr && !(len & (MODEL_PMD_SIZE - 1));
}

/*
 * A free place for len bytes, or addr itself with MM_FIXED. On failure the
 * result is meaningless and *err is negative.
 */
unsigned long place(struct model_mm *mm, struct model_file *f, bool shared,
		    unsigned long addr, unsigned long len, unsigned long pgoff,
		    unsigned long flags, long *err)
{
	const struct model_params *p = &mm->model->params;
	unsigned long at;

	*err = -ENOMEM;
	if (len > p->task_size)
		return 0;
	/* A fixed address that looks like an errno is taken for one. */
	if ((flags & MM_FIXED) && addr >= -4095UL) {
		*err = (long)addr;
		return 0;
	}
	/* Anonymous memory is aligned as if it were at offset 0. */
	if (!f)
		pgoff = 0;
	if (wants_huge(mm, f, shared, addr, len))
		at = huge_aligned(mm, addr, len, pgoff << MODEL_PAGE_SHIFT, flags);
	else
		at = plain(mm, addr, len, flags);
	if (at == NOWHERE)
		return 0;
	if (at > p->task_size - len)
		return 0;
	*err = -EINVAL;
	if (at & (MODEL_PAGE_SIZE - 1))
		return 0;
	*err = 0;
	/* security_mmap_addr(): low pages need a privilege. */
	if (at < p->mmap_min_addr_sysctl && !mm->root)
		*err = -EPERM;
	return at;
}
