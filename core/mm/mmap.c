/* SPDX-License-Identifier: MIT */
/*
 * mmap (mm/mmap.c: do_mmap; mm/vma.c: __mmap_region), Linux 6.18's order of checks.
 *
 * Works under mmap_lock held for writing. A mapping over others prepares everything (cuts of the
 * old ones, the merge or the new VMA), then clears the old entries while faults are shut out, and
 * publishes once: nobody sees the place empty, and a failure leaves it as it was. The exception
 * is the kernel's: what fails for a limit leaves the old VMA cut at the borders.
 */
#include "base/bug.h"
#include "mm/filemap.h"
#include "mm/mmap_lock.h"
#include "mm/vma.h"
#include "mm/vma_lock.h"

/* Flags that MAP_SHARED has always ignored or known. */
#define LEGACY_MAP_MASK	(MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE | \
			 MAP_EXECUTABLE | MAP_GROWSDOWN | MAP_LOCKED | MAP_NORESERVE | \
			 MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB | MAP_32BIT | \
			 MAP_ABOVE4G)

/* Largest size of a file of each kind, bytes (s_maxbytes). */
#define SHMEM_MAXBYTES	0x7fffffffffffffffUL
#define EXT4_MAXBYTES	0xffffffff000UL

/* One mmap on its way (struct mmap_state). */
struct mmap_state {
	struct mm_struct	*mm;
	struct vma_edit		edit;
	struct vma_munmap	vms;
	struct file		*file;
	unsigned long		addr, end, pgoff, pglen;
	vm_flags_t		vm_flags;
	long			charged;	/* pages promised by this call */
};

/* ---- the region ------------------------------------------------------------------------------ */

/* Limits first, then what is promised. -ENOMEM. */
static int mmap_charge(struct mmap_state *map)
{
	struct mm_struct *mm = map->mm;

	if (!may_expand_vm(mm, map->vm_flags, map->pglen - map->vms.nr_pages))
		return -ENOMEM;
	/* Shared memory is promised too; its object lives longer than the mapping. */
	if (!map->file && (map->vm_flags & (VM_SHARED | VM_NORESERVE)) == VM_SHARED &&
	    mm->params.overcommit == 0 && map->pglen > mm->params.total_pages)
		return -ENOMEM;
	if (!accountable_mapping(map->vm_flags))
		return 0;
	map->charged = (long)map->pglen - (long)map->vms.nr_accounted;
	if (map->charged && vm_enough_memory(mm, map->charged)) {
		map->charged = 0;
		return -ENOMEM;
	}
	/* The replaced pages' promise is the new ones' now. */
	map->vms.nr_accounted = 0;
	map->vm_flags |= VM_ACCOUNT;
	return 0;
}

static enum vma_kind mmap_kind(const struct file *file, vm_flags_t vm_flags)
{
	if (!file || file->f_kind == FILE_ZERO)
		return vm_flags & VM_SHARED ? VMA_FILE : VMA_ANON;
	return VMA_FILE;
}

/* The new VMA's memory: a file, an object of its own, or nothing yet. */
static int mmap_back(const struct mmap_state *map, struct vm_area_struct *vma)
{
	vma->vm_kind = (u8)mmap_kind(map->file, map->vm_flags);
	if ((map->vm_flags & VM_SHARED) && (!map->file || map->file->f_kind == FILE_ZERO))
		return shmem_zero_setup(vma);
	if (map->file)
		vma->vm_file = get_file(map->file);
	return 0;
}

static struct vm_area_struct *mmap_new_vma(struct mmap_state *map)
{
	struct vm_area_struct *vma = vm_area_alloc(map->mm);
	int err;

	if (!vma)
		return NULL;
	vma_set_range(vma, map->addr, map->end, map->pgoff);
	vm_flags_reset(vma, map->vm_flags);
	vma->vm_page_prot = vm_get_page_prot(map->vm_flags);
	err = mmap_back(map, vma);
	if (!err)
		err = vma_edit_store(&map->edit, map->addr, map->end, vma);
	if (!err)
		return vma;
	remove_vma(vma);
	return NULL;
}

/* Everything that can fail has succeeded: replace what is there. */
static void mmap_install(struct mmap_state *map, struct vma_merge_struct *vmg,
			 struct vm_area_struct *vma)
{
	struct mm_struct *mm = map->mm;

	vms_finish_cuts(&map->vms);
	vms_clear_ptes(&map->vms);
	if (vma)
		vma_link_finish(&map->edit, vma);
	else
		vma = vma_merge_finish(vmg);
	vms_detach(&map->vms);
	vms_complete_munmap_vmas(&map->vms);
	vm_stat_account(mm, map->vm_flags, (long)map->pglen);
	if (map->vm_flags & VM_LOCKED)
		mm->locked_vm += map->pglen;
	/* As the kernel does, last: by then what was mapped here may have had its say. */
	vma_set_page_prot(vma);
}

static unsigned long mmap_region(struct mm_struct *mm, struct file *file, unsigned long addr,
				 unsigned long len, vm_flags_t vm_flags, unsigned long pgoff)
{
	struct mmap_state map = {
		.mm = mm, .file = file, .addr = addr, .end = addr + len, .pgoff = pgoff,
		.pglen = len >> PAGE_SHIFT, .vm_flags = vm_flags,
	};
	struct vma_merge_struct vmg;
	struct vm_area_struct *vma = NULL;
	int err;

	vma_edit_begin(&map.edit, mm);
	err = vms_gather_munmap_vmas(&map.vms, &map.edit, mm, addr, addr + len);
	if (err)
		goto abort;
	err = mmap_charge(&map);
	if (err) {
		vma_split_finish(&map.vms.cut[0]);
		vma_split_finish(&map.vms.cut[1]);
		vma_edit_commit(&map.edit);
		return (unsigned long)err;
	}
	vmg = (struct vma_merge_struct){
		.mm = mm, .edit = &map.edit, .prev = map.vms.prev, .next = map.vms.next,
		.start = addr, .end = map.end, .pgoff = pgoff, .vm_flags = map.vm_flags,
		.file = file, .kind = mmap_kind(file, map.vm_flags),
	};
	if (!vma_merge_new_prepare(&vmg)) {
		err = -ENOMEM;
		if (vmg.state == VMA_MERGE_ERROR_NOMEM)
			goto uncharge;
		vma = mmap_new_vma(&map);
		if (!vma)
			goto uncharge;
	}
	mmap_install(&map, &vmg, vma);
	return addr;
uncharge:
	vm_unacct_memory(mm, map.charged);
	vms_cancel(&map.vms);
abort:
	vma_edit_abort(&map.edit);
	return (unsigned long)err;
}

/* ---- what may be mapped ---------------------------------------------------------------------- */

static bool file_mmap_ok(const struct file *file, unsigned long pgoff, unsigned long len)
{
	unsigned long max;

	switch (file->f_kind) {
	case FILE_SHMEM:
		max = SHMEM_MAXBYTES;
		break;
	case FILE_REGULAR:
		max = EXT4_MAXBYTES;
		break;
	default:
		max = ~0UL;
	}
	return len <= max && pgoff <= (max - len) >> PAGE_SHIFT;
}

/* Type, rights and kind of a file mapping; sets *vm_flags. 0 or -errno. */
static int mmap_check_file(const struct file *file, unsigned long prot, unsigned long flags,
			   vm_flags_t *vm_flags)
{
	switch (flags & MAP_TYPE) {
	case MAP_SHARED:
		flags &= LEGACY_MAP_MASK;
		fallthrough;
	case MAP_SHARED_VALIDATE:
		/* The page size of huge pages sits in bits 26 to 31. */
		if (flags & ~(LEGACY_MAP_MASK | (21UL << 26) | (30UL << 26)))
			return -EOPNOTSUPP;
		if ((prot & PROT_WRITE) && !(file->f_mode & FMODE_WRITE))
			return -EACCES;
		*vm_flags |= VM_SHARED | VM_MAYSHARE;
		if (!(file->f_mode & FMODE_WRITE))
			*vm_flags &= ~(VM_MAYWRITE | VM_SHARED);
		fallthrough;
	case MAP_PRIVATE:
		if (!(file->f_mode & FMODE_READ))
			return -EACCES;
		if (file->f_kind == FILE_NOMMAP)
			return -ENODEV;
		return *vm_flags & VM_GROWSDOWN ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

/* The same without a file. */
static int mmap_check_anon(unsigned long flags, vm_flags_t *vm_flags)
{
	switch (flags & MAP_TYPE) {
	case MAP_SHARED:
		if (*vm_flags & VM_GROWSDOWN)
			return -EINVAL;
		*vm_flags |= VM_SHARED | VM_MAYSHARE;
		return 0;
	case MAP_DROPPABLE:
		if ((flags & (MAP_LOCKED | MAP_HUGETLB)) || (*vm_flags & VM_GROWSDOWN))
			return -EINVAL;
		*vm_flags |= VM_DROPPABLE | VM_NORESERVE | VM_WIPEONFORK | VM_DONTDUMP;
		return 0;
	case MAP_PRIVATE:
		return 0;
	default:
		return -EINVAL;
	}
}

static vm_flags_t calc_vm_flag_bits(const struct mm_struct *mm, unsigned long flags)
{
	return ((flags & MAP_GROWSDOWN) ? VM_GROWSDOWN : 0) |
	       ((flags & MAP_LOCKED) ? VM_LOCKED : 0) |
	       /* A thread's stack in huge pages would waste memory (6.7). */
	       ((flags & MAP_STACK) && mm->params.thp_align ? VM_NOHUGEPAGE : 0);
}

static unsigned long round_hint_to_min(const struct mm_struct *mm, unsigned long hint)
{
	unsigned long low = max(mm->params.dac_mmap_min_addr, mm->params.lsm_mmap_min_addr);

	hint &= PAGE_MASK;
	return hint && hint < low ? PAGE_ALIGN(low) : hint;
}

/* The checks between the place and the region. */
static int mmap_check(struct mm_struct *mm, struct file *file, unsigned long addr,
		      unsigned long len, unsigned long prot, unsigned long flags,
		      unsigned long pgoff, vm_flags_t *vm_flags)
{
	if ((flags & MAP_FIXED_NOREPLACE) && find_vma_intersection(mm, addr, addr + len))
		return -EEXIST;
	if ((flags & MAP_LOCKED) && !can_do_mlock(mm))
		return -EPERM;
	if (!mlock_future_ok(mm, *vm_flags, len))
		return -EAGAIN;
	if (!file)
		return mmap_check_anon(flags, vm_flags);
	if (!file_mmap_ok(file, pgoff, len))
		return -EOVERFLOW;
	return mmap_check_file(file, prot, flags, vm_flags);
}

unsigned long do_mmap(struct mm_struct *mm, struct file *file, unsigned long addr,
		      unsigned long len, unsigned long prot, unsigned long flags,
		      unsigned long pgoff, unsigned long *populate)
{
	vm_flags_t vm_flags;
	int err;

	*populate = 0;
	mmap_assert_write_locked(mm);
	if (!len)
		return (unsigned long)-EINVAL;
	if ((prot & PROT_READ) && (mm->params.personality & READ_IMPLIES_EXEC))
		prot |= PROT_EXEC;
	if (flags & MAP_FIXED_NOREPLACE)
		flags |= MAP_FIXED;
	if (!(flags & MAP_FIXED))
		addr = round_hint_to_min(mm, addr);
	len = PAGE_ALIGN(len);
	if (!len)
		return (unsigned long)-ENOMEM;
	if (pgoff + (len >> PAGE_SHIFT) < pgoff)
		return (unsigned long)-EOVERFLOW;
	if (mm->map_count > (int)mm->params.max_map_count)
		return (unsigned long)-ENOMEM;
	vm_flags = calc_vm_prot_bits(prot) | calc_vm_flag_bits(mm, flags) | mm->def_flags |
		   VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
	addr = get_unmapped_area(mm, file, addr, len, pgoff, flags, vm_flags);
	if (IS_ERR_VALUE(addr))
		return addr;
	err = mmap_check(mm, file, addr, len, prot, flags, pgoff, &vm_flags);
	if (err)
		return (unsigned long)err;
	if (!file)
		/* An object starts at 0; private pages are numbered by their address. */
		pgoff = vm_flags & VM_SHARED ? 0 : addr >> PAGE_SHIFT;
	if (flags & MAP_NORESERVE)
		vm_flags |= VM_NORESERVE;
	addr = mmap_region(mm, file, addr, len, vm_flags, pgoff);
	if (!IS_ERR_VALUE(addr) && ((vm_flags & VM_LOCKED) ||
				    (flags & (MAP_POPULATE | MAP_NONBLOCK)) == MAP_POPULATE))
		*populate = len;
	return addr;
}

unsigned long vm_mmap_pgoff(struct mm_struct *mm, struct file *file, unsigned long addr,
			    unsigned long len, unsigned long prot, unsigned long flags,
			    unsigned long pgoff)
{
	unsigned long populate, ret;

	mmap_write_lock(mm);
	ret = do_mmap(mm, file, addr, len, prot, flags, pgoff, &populate);
	mmap_write_unlock(mm);
	if (populate)
		mm_populate(mm, ret, populate);
	return ret;
}
