/* SPDX-License-Identifier: MIT */
/*
 * model_mremap.c: mremap (Linux 6.18 do_mremap, remap_move, mremap_to,
 * expand_vma, move_vma, copy_vma).
 */
#include <errno.h>

#include "ops/model_int.h"

enum { MR_MAYMOVE = 1, MR_FIXED = 2, MR_DONTUNMAP = 4 };

struct remap_call {
	unsigned long addr, old_len, new_len, flags, new_addr;
};

static bool names_new_addr(const struct remap_call *c)
{
	return c->flags & (MR_FIXED | MR_DONTUNMAP);
}

/* check_mremap_params() */
static long check_params(const struct model_mm *mm, const struct remap_call *c)
{
	unsigned long task_size = mm->model->params.task_size;

	if (c->flags & ~(unsigned long)(MR_MAYMOVE | MR_FIXED | MR_DONTUNMAP))
		return -EINVAL;
	if (c->addr & (MODEL_PAGE_SIZE - 1))
		return -EINVAL;
	if (!c->new_len || c->new_len > task_size)
		return -EINVAL;
	if (!names_new_addr(c))
		return 0;
	if (c->new_addr > task_size - c->new_len ||
	    (c->new_addr & (MODEL_PAGE_SIZE - 1)) || !(c->flags & MR_MAYMOVE))
		return -EINVAL;
	if ((c->flags & MR_DONTUNMAP) && c->old_len != c->new_len)
		return -EINVAL;
	if (c->addr < c->new_addr + c->new_len && c->new_addr < c->addr + c->old_len)
		return -EINVAL;
	/* Both ends may be split on the way: keep clear of the limit. */
	return mm->n + 2 >= mm->model->params.max_map_count - 3 ? -ENOMEM : 0;
}

/* check_prep_vma() */
static long check_range(const struct model_mm *mm, const struct remap_call *c,
			const struct range *r)
{
	unsigned long old_len = c->old_len, delta, pgoff;

	if (!r)
		return -EFAULT;
	if (r->flags & RF_SEALED)
		return -EPERM;
	if (!names_new_addr(c) && c->new_len <= c->old_len)
		return 0;
	/* Duplicating a private mapping makes no sense. */
	if (!old_len && !(r->flags & (RF_SHARED | RF_MAYSHARE)))
		return -EINVAL;
	if ((c->flags & MR_DONTUNMAP) && (r->flags & (RF_DONTEXPAND | RF_PFNMAP)))
		return -EINVAL;
	if (c->new_len < old_len)
		old_len = c->new_len;
	if (old_len > r->end - c->addr)
		return -EFAULT;
	if (c->new_len == old_len)
		return 0;
	delta = c->new_len - c->old_len;
	pgoff = r->pgoff + ((c->addr - r->start) >> MODEL_PAGE_SHIFT);
	if (pgoff + (c->new_len >> MODEL_PAGE_SHIFT) < pgoff)
		return -EINVAL;
	if (r->flags & (RF_DONTEXPAND | RF_PFNMAP))
		return -EFAULT;
	if (!may_lock(mm, r->flags, delta))
		return -EAGAIN;
	return may_expand(mm, r->flags, delta >> MODEL_PAGE_SHIFT) ? 0 : -ENOMEM;
}

/*
 * copy_vma(): the new place of the pages. The result may be r itself, grown,
 * if it had no pages yet and the new place is next to it.
 */
static struct range *copy_range(struct model_mm *mm, const struct range *r,
				const struct remap_call *c)
{
	struct range proto = *r;
	struct merge_ask ask;
	struct range *new;

	proto.start = c->new_addr;
	proto.end = c->new_addr + c->new_len;
	proto.pgoff += (c->addr - r->start) >> MODEL_PAGE_SHIFT;
	/* Memory never written takes the numbers of its new place. */
	if (range_is_anon(r) && !r->family)
		proto.pgoff = c->new_addr >> MODEL_PAGE_SHIFT;
	ask = (struct merge_ask) {
		.start = proto.start, .end = proto.end, .pgoff = proto.pgoff,
		.policy = r->policy, .flags = r->flags, .file = r->file,
		.family = r->family, .generations = r->generations,
	};
	new = range_merge_new(mm, &ask);
	return new ? new : range_insert(mm, &proto);
}

/* dontunmap_complete(): the old range stays, without its pages. */
static void leave_empty(struct range *r, unsigned long start, unsigned long end)
{
	r->flags &= ~RF_LOCK_MASK;
	if (r->start == start && r->end == end) {
		r->family = 0;
		r->generations = 0;
	}
}

/* move_vma(); r is the range of c->addr, c->new_addr is free. */
static long move_range(struct model_mm *mm, struct remap_call *c,
		       struct range *r)
{
	unsigned long end = c->addr + c->old_len, charged, locked;
	struct range *new, *old;
	bool lock = r->flags & RF_LOCKED;
	long err;

	if (mm->n >= mm->model->params.max_map_count - 3)
		return -ENOMEM;
	if ((r->special == MODEL_VVAR || r->special == MODEL_VDSO) &&
	    (r->start < c->addr || r->end > end))
		return -EINVAL;
	charged = c->flags & MR_DONTUNMAP ? c->new_len : c->new_len - c->old_len;
	if ((r->flags & RF_ACCOUNT) &&
	    !enough_memory(mm, charged >> MODEL_PAGE_SHIFT))
		return -ENOMEM;
	new = copy_range(mm, r, c);
	if (!new)
		return -ENOMEM;
	err = pages_move(&mm->pages, c->addr >> MODEL_PAGE_SHIFT,
			 c->new_addr >> MODEL_PAGE_SHIFT,
			 c->old_len >> MODEL_PAGE_SHIFT);
	if (err)
		return err;
	locked = mm->locked_vm;
	old = range_at(mm, c->addr);
	if (c->flags & MR_DONTUNMAP) {
		/* Not when both are one range now. */
		if (old && old != new)
			leave_empty(old, c->addr, end);
		else if (old)
			old->flags &= ~RF_LOCK_MASK;
	} else if (c->old_len) {
		unmap_range(mm, c->addr, end);
		locked = mm->locked_vm;
	}
	mm->locked_vm = locked + (lock ? c->new_len >> MODEL_PAGE_SHIFT : 0);
	return (long)c->new_addr;
}

/* vrm_set_new_addr() */
static long set_new_addr(struct model_mm *mm, struct remap_call *c,
			 const struct range *r)
{
	unsigned long pgoff = r->pgoff + ((c->addr - r->start) >> MODEL_PAGE_SHIFT);
	unsigned long want = names_new_addr(c) ? c->new_addr : 0;
	unsigned long flags = c->flags & MR_FIXED ? MM_FIXED : 0;
	long err;

	c->new_addr = place(mm, r->file, r->flags & RF_MAYSHARE, want, c->new_len,
			    pgoff, flags, &err);
	return err;
}

/* mremap_to(): to a place the caller names */
static long remap_to(struct model_mm *mm, struct remap_call *c)
{
	struct range *r = range_at(mm, c->addr);
	long err;

	if (c->flags & MR_FIXED) {
		err = model_munmap(mm, c->new_addr, c->new_len);
		if (err)
			return err;
		r = range_at(mm, c->addr);
		if (!r)
			return -EFAULT;
	}
	if (c->old_len > c->new_len) {
		err = unmap_range(mm, c->addr + c->new_len, c->addr + c->old_len);
		if (err)
			return err;
		c->old_len = c->new_len;
		r = range_at(mm, c->addr);
	}
	if ((c->flags & MR_DONTUNMAP) &&
	    !may_expand(mm, r->flags, c->old_len >> MODEL_PAGE_SHIFT))
		return -ENOMEM;
	err = set_new_addr(mm, c, r);
	return err ? err : move_range(mm, c, r);
}

/* expand_vma_in_place(): into the hole behind r */
static long expand_in_place(struct model_mm *mm, struct remap_call *c,
			    struct range *r)
{
	unsigned long delta = c->new_len - c->old_len;
	struct merge_ask ask = {
		.start = r->end, .end = r->end + delta, .policy = r->policy,
		.pgoff = r->pgoff + ((r->end - r->start) >> MODEL_PAGE_SHIFT),
		.flags = r->flags, .file = r->file,
		/* Its own family always fits; a fork's must not spread. */
		.family = r->family, .generations = 1,
	};

	if ((r->flags & RF_ACCOUNT) && !enough_memory(mm, delta >> MODEL_PAGE_SHIFT))
		return -ENOMEM;
	if (!range_merge_new(mm, &ask))
		return -ENOMEM;
	if (ask.flags & RF_LOCKED)
		mm->locked_vm += delta >> MODEL_PAGE_SHIFT;
	return (long)c->addr;
}

static long expand(struct model_mm *mm, struct remap_call *c, struct range *r)
{
	unsigned long end = r->end + (c->new_len - c->old_len);
	const struct range *next = range_find(mm, r->end);
	long err;

	if (r->end - c->addr == c->old_len && end > r->end &&
	    end <= mm->model->params.task_size && (!next || next->start >= end))
		return expand_in_place(mm, c, r);
	if (!(c->flags & MR_MAYMOVE))
		return -ENOMEM;
	err = set_new_addr(mm, c, r);
	return err ? err : move_range(mm, c, r);
}

/* remap_move(): several ranges may move together, with the holes between. */
static long remap_many(struct model_mm *mm, const struct remap_call *all)
{
	unsigned long end = all->addr + all->old_len, at = all->addr;
	unsigned long shift = all->new_addr - all->addr;
	long first = -EFAULT;
	bool seen = false;

	while (at < end) {
		struct range *r = range_find(mm, at);
		struct remap_call one = *all;
		unsigned long upto;
		long ret;

		if (!r || r->start >= end)
			break;
		if (!seen && r->start > at)
			return -EFAULT;
		one.addr = r->start > at ? r->start : at;
		upto = r->end < end ? r->end : end;
		one.old_len = one.new_len = upto - one.addr;
		one.new_addr = one.addr + shift;
		ret = check_range(mm, &one, r);
		if (!ret)
			ret = remap_to(mm, &one);
		if (ret < 0)
			return ret;
		if (!seen)
			first = ret;
		seen = true;
		at = upto;
	}
	return first;
}

/* One range is resized, moved, or both. */
static long remap_one(struct model_mm *mm, struct remap_call *c,
		      struct range *r)
{
	bool grows = c->new_len > c->old_len, locked = r->flags & RF_LOCKED;
	unsigned long old_len = c->old_len, delta = c->new_len - old_len;
	long ret = 0;

	if (names_new_addr(c))
		ret = remap_to(mm, c);
	else if (grows)
		ret = expand(mm, c, r);
	else if (c->new_len < c->old_len)
		ret = unmap_range(mm, c->addr + c->new_len, c->addr + c->old_len);
	if (ret < 0)
		return ret;
	if (!names_new_addr(c) && !grows)
		return (long)c->addr;
	/* What a locked range gains is made present. */
	if (locked && grows)
		populate(mm, (unsigned long)ret + old_len, delta, true);
	return ret;
}

long model_mremap(struct model_mm *mm, unsigned long addr,
		  unsigned long old_len, unsigned long new_len,
		  unsigned long flags, unsigned long new_addr)
{
	struct remap_call c = { addr, page_align(old_len), page_align(new_len),
				flags, new_addr };
	long err = check_params(mm, &c);
	struct range *r;

	if (err)
		return err;
	if ((flags & MR_FIXED) && c.old_len == c.new_len)
		return remap_many(mm, &c);
	r = range_at(mm, addr);
	err = check_range(mm, &c, r);
	return err ? err : remap_one(mm, &c, r);
}
