/* SPDX-License-Identifier: MIT */
/*
 * Where a mapping goes: get_unmapped_area() (mm/mmap.c, mm/vma.c, arch/x86/kernel/sys_x86_64.c,
 * mm/huge_memory.c of Linux 6.18).
 *
 * Owns nothing; reads the tree under mmap_lock. The quirks are the kernel's: 2 MiB placement by
 * padding the request, its extra step of 2 MiB, MAP_32BIT from the bottom up.
 */
#include "mm/mmap_lock.h"
#include "mm/vma.h"

#define SZ_4G	(1UL << 32)

/* A request for room: size at a multiple, between two limits. */
struct unmapped_area {
	unsigned long	length;
	unsigned long	low_limit, high_limit;
};

/* No search goes below it; only MAP_FIXED does. */
static unsigned long mmap_min_addr(const struct mm_struct *mm)
{
	return max(mm->params.dac_mmap_min_addr, mm->params.lsm_mmap_min_addr);
}

/* Room that keeps clear of the guard gap of a stack above it, from the top. */
static unsigned long unmapped_area_topdown(struct mm_struct *mm, struct unmapped_area *info)
{
	unsigned long start, end, high = info->high_limit;
	unsigned long low = max(info->low_limit, mmap_min_addr(mm));
	struct vm_area_struct *next;

	for (;;) {
		if (vma_tree_gap_highest(mm, low, high, info->length, &start, &end))
			return (unsigned long)-ENOMEM;
		next = vma_tree_find(mm, end - 1);
		if (!next || vm_start_gap(next) >= end)
			return end - info->length;
		high = vm_start_gap(next);
	}
}

static unsigned long unmapped_area(struct mm_struct *mm, struct unmapped_area *info)
{
	unsigned long start, end, low = max(info->low_limit, mmap_min_addr(mm));
	struct vm_area_struct *next;

	for (;;) {
		if (vma_tree_gap_lowest(mm, low, info->high_limit, info->length, &start, &end))
			return (unsigned long)-ENOMEM;
		next = vma_tree_find(mm, start);
		if (!next || vm_start_gap(next) >= start + info->length)
			return start;
		low = next->vm_end;
	}
}

/* The hint can be had as it is: nothing there, and no stack's gap. */
static bool hint_is_free(struct mm_struct *mm, unsigned long addr, unsigned long len)
{
	struct vm_area_struct *vma = find_vma(mm, addr);

	return !vma || addr + len <= vm_start_gap(vma);
}

/* arch_get_unmapped_area */
static unsigned long area_bottomup(struct mm_struct *mm, unsigned long addr, unsigned long len,
				   unsigned long flags)
{
	struct unmapped_area info = {
		.length = len,
		.low_limit = mm->mmap_legacy_base,
		.high_limit = mm->task_size,
	};

	if (flags & MAP_FIXED)
		return addr;
	if (flags & MAP_32BIT) {
		info.low_limit = 0x40000000UL;
		info.high_limit = 0x80000000UL;
	}
	if (len > info.high_limit)
		return (unsigned long)-ENOMEM;
	if (addr) {
		addr = PAGE_ALIGN(addr);
		if (info.high_limit - len >= addr && hint_is_free(mm, addr, len))
			return addr;
	}
	return unmapped_area(mm, &info);
}

/* arch_get_unmapped_area_topdown */
static unsigned long area_topdown(struct mm_struct *mm, unsigned long addr, unsigned long len,
				  unsigned long flags)
{
	struct unmapped_area info = {
		.length = len,
		.low_limit = (flags & MAP_ABOVE4G) ? SZ_4G : PAGE_SIZE,
		.high_limit = mm->mmap_base,
	};
	unsigned long found;

	if (len > mm->task_size)
		return (unsigned long)-ENOMEM;
	if (flags & MAP_FIXED)
		return addr;
	if (flags & MAP_32BIT)
		return area_bottomup(mm, addr, len, flags);
	if (addr) {
		unsigned long hint = addr & PAGE_MASK;

		if (hint <= mm->task_size - len && hint_is_free(mm, hint, len))
			return hint;
	}
	found = unmapped_area_topdown(mm, &info);
	/* A large stack limit leaves little room below; there may be some above. */
	return IS_ERR_VALUE(found) ? area_bottomup(mm, addr, len, flags) : found;
}

/* mm_get_unmapped_area_vmflags */
static unsigned long area_plain(struct mm_struct *mm, unsigned long addr, unsigned long len,
				unsigned long flags)
{
	if (test_bit(MMF_TOPDOWN, &mm->flags))
		return area_topdown(mm, addr, len, flags);
	return area_bottomup(mm, addr, len, flags);
}

/*
 * thp_get_unmapped_area: asks for 2 MiB more, so that an aligned place (address and file offset
 * equal modulo 2 MiB) is inside. 0: no such place, or not worth it.
 */
static unsigned long area_aligned(struct mm_struct *mm, unsigned long addr, unsigned long len,
				  unsigned long pgoff, unsigned long flags)
{
	const unsigned long size = PMD_SIZE;
	unsigned long off = pgoff << PAGE_SHIFT, off_end = off + len;
	unsigned long off_align = ALIGN(off, size), len_pad = len + size;
	unsigned long found, skip;

	if (off_end <= off_align || off_end - off_align < size)
		return 0;
	if (len_pad < len || off + len_pad < off)
		return 0;
	found = area_plain(mm, addr, len_pad, flags);
	if (IS_ERR_VALUE(found))
		return 0;
	if (found == addr)
		return addr;
	skip = (off - found) & (size - 1);
	/* An aligned find of a top-down mm moves up, also when it came from the bottom. */
	if (test_bit(MMF_TOPDOWN, &mm->flags) && !skip)
		return found + size;
	return found + skip;
}

static bool wants_alignment(const struct mm_struct *mm, const struct file *file,
			    unsigned long addr, unsigned long len, unsigned long flags)
{
	if (!mm->params.thp_align)
		return false;
	if (!file)
		return !(flags & MAP_SHARED) && !addr && IS_ALIGNED(len, PMD_SIZE);
	return file->f_kind == FILE_REGULAR ||
	       (file->f_kind == FILE_ZERO && !(flags & MAP_SHARED));
}

unsigned long get_unmapped_area(struct mm_struct *mm, struct file *file, unsigned long addr,
				unsigned long len, unsigned long pgoff, unsigned long flags,
				vm_flags_t vm_flags)
{
	unsigned long found = 0;

	mmap_assert_locked(mm);
	if (len > mm->task_size)
		return (unsigned long)-ENOMEM;
	if (wants_alignment(mm, file, addr, len, flags))
		found = area_aligned(mm, addr, len, file ? pgoff : 0, flags);
	if (!found)
		found = area_plain(mm, addr, len, flags);
	if (IS_ERR_VALUE(found))
		return found;
	if (found > mm->task_size - len)
		return (unsigned long)-ENOMEM;
	if (offset_in_page(found))
		return (unsigned long)-EINVAL;
	/* security_mmap_addr */
	if (found < mm->params.dac_mmap_min_addr && !mm->params.cap_sys_rawio)
		return (unsigned long)-EPERM;
	return found;
}
