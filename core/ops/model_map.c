/* SPDX-License-Identifier: MIT */
/*
 * model_map.c: mmap, munmap, brk and the limits they obey (Linux do_mmap,
 * __mmap_region, do_vmi_align_munmap, sys_brk, may_expand_vm).
 */
#include <errno.h>

#include "ops/model_int.h"

unsigned long page_align(unsigned long x)
{
	return (x + MODEL_PAGE_SIZE - 1) & -MODEL_PAGE_SIZE;
}

/* --- limits ------------------------------------------------------------ */

/* Counts against RLIMIT_DATA: private, writable, no stack. */
bool range_is_data(unsigned flags)
{
	return (flags & (RF_WRITE | RF_SHARED | RF_GROWSDOWN)) == RF_WRITE;
}

bool may_expand(const struct model_mm *mm, unsigned flags, unsigned long pages)
{
	unsigned long as = mm->rlimit[MODEL_RLIMIT_AS] >> MODEL_PAGE_SHIFT;
	unsigned long data = mm->rlimit[MODEL_RLIMIT_DATA] >> MODEL_PAGE_SHIFT;
	struct model_usage used;

	if (mm->rlimit[MODEL_RLIMIT_AS] == MODEL_NO_LIMIT &&
	    mm->rlimit[MODEL_RLIMIT_DATA] == MODEL_NO_LIMIT)
		return true;
	model_usage(mm, &used);
	if (used.size + pages > as)
		return false;
	return !range_is_data(flags) || used.data + pages <= data;
}

/* mlock_future_ok() */
bool may_lock(const struct model_mm *mm, unsigned flags, unsigned long bytes)
{
	unsigned long limit = mm->rlimit[MODEL_RLIMIT_MEMLOCK] >> MODEL_PAGE_SHIFT;

	if (!(flags & RF_LOCKED) || mm->root)
		return true;
	return mm->locked_vm + (bytes >> MODEL_PAGE_SHIFT) <= limit;
}

/* vm.overcommit_memory = 0 refuses only what could never be had. */
bool enough_memory(const struct model_mm *mm, unsigned long pages)
{
	return pages <= mm->model->params.total_pages;
}

/* --- munmap ------------------------------------------------------------ */

/*
 * vms_gather_munmap_vmas(): cut the ranges at both ends of [start, end). What
 * was cut stays cut if something later refuses.
 */
static long cut_borders(struct model_mm *mm, unsigned long start,
			unsigned long end)
{
	struct range *r = range_find(mm, start);
	size_t i;
	int err;

	if (!r || r->start >= end)
		return 0;
	if (r->start < start) {
		if (end < r->end && mm->n >= mm->model->params.max_map_count)
			return -ENOMEM;
		if (r->flags & RF_SEALED)
			return -EPERM;
		err = range_split(mm, r, start);
		if (err)
			return err;
	}
	for (i = range_index(mm, start); i < mm->n && mm->range[i]->start < end; i++) {
		r = mm->range[i];
		if (r->flags & RF_SEALED)
			return -EPERM;
		if (r->end > end) {
			err = range_split(mm, r, end);
			if (err)
				return err;
		}
	}
	return 0;
}

/* Remove what cut_borders() has cut out; pages go too. */
static void drop_ranges(struct model_mm *mm, unsigned long start,
			unsigned long end)
{
	size_t i = range_index(mm, start);

	while (i < mm->n && mm->range[i]->start < end) {
		struct range *r = mm->range[i];

		pages_zap(&mm->pages, r->start >> MODEL_PAGE_SHIFT,
			  r->end >> MODEL_PAGE_SHIFT, true);
		if (r->flags & RF_LOCKED)
			mm->locked_vm -= (r->end - r->start) >> MODEL_PAGE_SHIFT;
		range_remove(mm, i);
	}
}

long unmap_range(struct model_mm *mm, unsigned long start, unsigned long end)
{
	long err = cut_borders(mm, start, end);

	if (!err)
		drop_ranges(mm, start, end);
	return err;
}

long model_munmap(struct model_mm *mm, unsigned long addr, unsigned long len)
{
	unsigned long task_size = mm->model->params.task_size;

	if ((addr & (MODEL_PAGE_SIZE - 1)) || addr > task_size ||
	    len > task_size - addr || !page_align(len))
		return -EINVAL;
	return unmap_range(mm, addr, addr + page_align(len));
}

/* --- mmap -------------------------------------------------------------- */

struct map_call {
	unsigned long addr, len, prot, flags, pgoff;
	struct model_file *file;
	unsigned rf;
};

static long map_file_checks(struct map_call *c)
{
	uint64_t max = c->file->inode->kind == MODEL_FILE_EXT4 ?
		1ULL << 44 : (uint64_t)INT64_MAX;
	uint64_t pages = max >> MODEL_PAGE_SHIFT, n = c->len >> MODEL_PAGE_SHIFT;

	/* file_mmap_ok(): not beyond the largest offset of the file system. */
	if (c->file->inode->kind == MODEL_FILE_ZERO)
		pages = ~0ULL;
	if (n > pages || c->pgoff > pages - n)
		return -EOVERFLOW;
	switch (c->flags & MM_TYPE) {
	case MM_SHARED_VALIDATE:
		if (c->flags & ~MM_LEGACY_MASK)
			return -EOPNOTSUPP;
		/* fallthrough */
	case MM_SHARED:
		if ((c->prot & MP_WRITE) && !(c->file->may & MODEL_MAY_WRITE))
			return -EACCES;
		c->rf |= RF_SHARED | RF_MAYSHARE;
		if (!(c->file->may & MODEL_MAY_WRITE))
			c->rf &= ~(RF_MAYWRITE | RF_SHARED);
		/* fallthrough */
	case MM_PRIVATE:
		if (!(c->file->may & MODEL_MAY_READ))
			return -EACCES;
		if (c->file->inode->kind == MODEL_FILE_NODEV)
			return -ENODEV;
		return c->rf & RF_GROWSDOWN ? -EINVAL : 0;
	}
	return -EINVAL;
}

static long map_anon_checks(struct map_call *c, unsigned long at)
{
	switch (c->flags & MM_TYPE) {
	case MM_SHARED:
		if (c->rf & RF_GROWSDOWN)
			return -EINVAL;
		c->pgoff = 0;
		c->rf |= RF_SHARED | RF_MAYSHARE;
		return 0;
	case MM_DROPPABLE:
		if (c->rf & RF_LOCKED)
			return -EINVAL;
		c->rf |= RF_DROPPABLE | RF_NORESERVE | RF_WIPEONFORK | RF_DONTDUMP;
		/* fallthrough */
	case MM_PRIVATE:
		c->pgoff = at >> MODEL_PAGE_SHIFT;
		return 0;
	}
	return -EINVAL;
}

/* A writable private mapping is a promise of memory. */
static bool accountable(unsigned rf)
{
	return (rf & (RF_NORESERVE | RF_SHARED | RF_WRITE)) == RF_WRITE;
}

static unsigned long count_pages(const struct model_mm *mm, unsigned long start,
				 unsigned long end, unsigned flags)
{
	unsigned long pages = 0;
	size_t i;

	for (i = range_index(mm, start); i < mm->n && mm->range[i]->start < end; i++)
		if ((mm->range[i]->flags & flags) == flags)
			pages += (mm->range[i]->end - mm->range[i]->start) >>
				MODEL_PAGE_SHIFT;
	return pages;
}

/* __mmap_region(): everything is decided but the limits. */
static long map_region(struct model_mm *mm, struct map_call *c, unsigned long at)
{
	unsigned long end = at + c->len, pages = c->len >> MODEL_PAGE_SHIFT, old;
	struct model_file *shm = NULL;
	struct merge_ask ask;
	struct range proto;
	long err = cut_borders(mm, at, end);

	if (err)
		return err;
	old = count_pages(mm, at, end, 0);
	if (pages > old ? !may_expand(mm, c->rf, pages - old) :
			  !may_expand(mm, c->rf, -(old - pages)))
		return -ENOMEM;
	if (accountable(c->rf)) {
		old = count_pages(mm, at, end, RF_ACCOUNT);
		if (pages > old && !enough_memory(mm, pages - old))
			return -ENOMEM;
		c->rf |= RF_ACCOUNT;
	}
	/* mmap_zero(): a shared mapping of /dev/zero is a new object too. */
	if ((!c->file || c->file->inode->kind == MODEL_FILE_ZERO) &&
	    (c->rf & RF_SHARED)) {
		/* Its memory is promised when the object is made. */
		if (!(c->rf & RF_NORESERVE) && !enough_memory(mm, pages))
			return -ENOMEM;
		shm = model_file_create(mm->model, MODEL_FILE_MEMFD, c->len,
					MODEL_MAY_READ | MODEL_MAY_WRITE);
		if (!shm)
			return -ENOMEM;
	}
	drop_ranges(mm, at, end);
	ask = (struct merge_ask) { .start = at, .end = end, .pgoff = c->pgoff,
				   .flags = c->rf, .file = shm ? shm : c->file };
	if (!range_merge_new(mm, &ask)) {
		proto = (struct range) { .start = at, .end = end, .flags = c->rf,
					 .pgoff = c->pgoff, .file = ask.file };
		if (!range_insert(mm, &proto))
			err = -ENOMEM;
	}
	file_put(shm);
	if (!err && (c->rf & RF_LOCKED))
		mm->locked_vm += pages;
	return err ? err : (long)at;
}

static unsigned map_rights(const struct model_mm *mm, unsigned long prot,
			   unsigned long flags)
{
	unsigned rf = (prot & RF_ACCESS) | RF_MAYREAD | RF_MAYWRITE | RF_MAYEXEC;

	rf |= mm->def_flags;
	if (flags & MM_GROWSDOWN)
		rf |= RF_GROWSDOWN;
	if (flags & MM_LOCKED)
		rf |= RF_LOCKED;
	if (flags & MM_STACK)
		rf |= RF_NOHUGEPAGE;
	return rf;
}

/* The checks between placing and mapping; *at is the place. */
static long map_prepare(struct model_mm *mm, struct map_call *c,
			unsigned long *at)
{
	bool shared = (c->flags & MM_TYPE) == MM_SHARED ||
		(c->file && (c->flags & MM_TYPE) == MM_SHARED_VALIDATE);
	struct range *r;
	long err;

	*at = place(mm, c->file, shared, c->addr, c->len, c->pgoff, c->flags, &err);
	if (err)
		return err;
	if (c->flags & MM_NOREPLACE) {
		r = range_find(mm, *at);
		if (r && r->start < *at + c->len)
			return -EEXIST;
	}
	if ((c->flags & MM_LOCKED) && !mm->root &&
	    !mm->rlimit[MODEL_RLIMIT_MEMLOCK])
		return -EPERM;
	if (!may_lock(mm, c->rf, c->len))
		return -EAGAIN;
	return c->file ? map_file_checks(c) : map_anon_checks(c, *at);
}

/* round_hint_to_min() */
static unsigned long map_hint(const struct model_mm *mm, unsigned long addr)
{
	unsigned long low = mm->model->params.mmap_min_addr;

	addr &= -MODEL_PAGE_SIZE;
	return addr && addr < low ? low : addr;
}

long model_mmap(struct model_mm *mm, unsigned long addr, unsigned long len,
		unsigned long prot, unsigned long flags, struct model_file *f,
		unsigned long off)
{
	struct map_call c = { addr, page_align(len), prot, flags,
			      off >> MODEL_PAGE_SHIFT, f, 0 };
	unsigned long at;
	long ret;

	if (off & (MODEL_PAGE_SIZE - 1))
		return -EINVAL;
	if (flags & MM_ANONYMOUS)
		c.file = NULL;
	else if (!f)
		return -EBADF;
	/* There is no pool of huge pages, and no file of them. */
	if (flags & MM_HUGETLB) {
		unsigned size = flags >> 26 & 63;	/* log2; 0: the default */

		if (!(flags & MM_ANONYMOUS) || (size && size != 21 && size != 30) ||
		    ((flags & MM_FIXED) && (addr & (MODEL_PMD_SIZE - 1))))
			return -EINVAL;
		return -ENOMEM;
	}
	if (!len)
		return -EINVAL;
	if ((prot & MP_READ) && (mm->persona & MODEL_READ_IMPLIES_EXEC))
		c.prot |= MP_EXEC;
	if (flags & MM_NOREPLACE)
		c.flags |= MM_FIXED;
	if (!(c.flags & MM_FIXED))
		c.addr = map_hint(mm, addr);
	if (!c.len)
		return -ENOMEM;
	if (c.pgoff + (c.len >> MODEL_PAGE_SHIFT) < c.pgoff)
		return -EOVERFLOW;
	if (mm->n > mm->model->params.max_map_count)
		return -ENOMEM;
	c.rf = map_rights(mm, c.prot, flags);
	ret = map_prepare(mm, &c, &at);
	if (ret)
		return ret;
	if (flags & MM_NORESERVE)
		c.rf |= RF_NORESERVE;
	ret = map_region(mm, &c, at);
	if (ret < 0 && ret > -4096)
		return ret;
	if ((c.rf & RF_LOCKED) ||
	    (flags & (MM_POPULATE | MM_NONBLOCK)) == MM_POPULATE)
		populate(mm, at, c.len, true);
	return ret;
}

/* --- brk --------------------------------------------------------------- */

static long brk_grow(struct model_mm *mm, unsigned long from, unsigned long to)
{
	unsigned flags = RF_READ | RF_WRITE | RF_MAYREAD | RF_MAYWRITE |
		RF_MAYEXEC | RF_ACCOUNT | mm->def_flags;
	unsigned long pages = (to - from) >> MODEL_PAGE_SHIFT;
	struct range proto, *r = range_find(mm, from);
	struct merge_ask ask;

	if (mm->persona & MODEL_READ_IMPLIES_EXEC)
		flags |= RF_EXEC;
	if (to > mm->model->params.task_size || to < from ||
	    !may_lock(mm, mm->def_flags, to - from))
		return -ENOMEM;
	/* One page more than the next range's guard must stay free. */
	if (r && to + MODEL_PAGE_SIZE > range_floor(mm, r))
		return -ENOMEM;
	if (!may_expand(mm, flags, pages) || !enough_memory(mm, pages) ||
	    mm->n > mm->model->params.max_map_count)
		return -ENOMEM;
	r = range_before(mm, from);
	ask = (struct merge_ask) { .start = from, .end = to, .flags = flags,
				   .pgoff = from >> MODEL_PAGE_SHIFT,
				   .extend_only = true };
	/* The heap never joins what lies below start_brk. */
	if (!r || r->end <= mm->start_brk || !range_merge_new(mm, &ask)) {
		proto = (struct range) { .start = from, .end = to, .flags = flags,
					 .pgoff = ask.pgoff };
		if (!range_insert(mm, &proto))
			return -ENOMEM;
	}
	if (flags & RF_LOCKED)
		mm->locked_vm += pages;
	return 0;
}

/* brk(2) as the system call: the break that is in force afterwards. */
long model_brk(struct model_mm *mm, unsigned long brk)
{
	unsigned long new = page_align(brk), old = page_align(mm->brk);
	unsigned long data = mm->rlimit[MODEL_RLIMIT_DATA];
	struct range *r;

	if (brk < mm->start_brk)
		return (long)mm->brk;
	if (data != MODEL_NO_LIMIT && brk - mm->start_brk + mm->data_bytes > data)
		return (long)mm->brk;
	if (brk <= mm->brk && new < old) {
		/* The page at the new break must be mapped. */
		r = range_find(mm, new);
		if (!r || r->start >= old || unmap_range(mm, new, old))
			return (long)mm->brk;
	} else if (new != old) {
		if (brk_grow(mm, old, new))
			return (long)mm->brk;
		if (mm->def_flags & RF_LOCKED)
			populate(mm, old, new - old, true);
	}
	mm->brk = brk;
	return (long)brk;
}
