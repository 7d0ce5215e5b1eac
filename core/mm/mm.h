/* SPDX-License-Identifier: MIT */
/*
 * The mm's public face: address spaces' lives, their parameters and counters, and the mapping
 * calls (do_mmap and family) that syscalls.c, fork and the recordings build on.
 *
 * Everything here returns 0, an address or -errno (as the kernel function of the same name); what
 * must be held is said at each declaration.
 */
#ifndef MMSTORM_MM_MM_H
#define MMSTORM_MM_MM_H

#include "base/bitmap.h"
#include "base/err.h"
#include "mm/mm_types.h"
#include "mm/uapi.h"

struct fault_state;
struct kmem_cache;

/* ---- the machine's mm state ------------------------------------------------------------------ */

/* machine->mmg. Caches and defaults are immutable after mm_init(). */
/* Owner only; others sum. */
struct vm_committed_cpu {
	long	pages;
} __cacheline_aligned;

struct mm_global {
	struct kmem_cache	*mm_cachep;
	struct kmem_cache	*vm_area_cachep;	/* SLAB_TYPESAFE_BY_RCU */
	struct kmem_cache	*vma_node_cachep;	/* nodes of the VMA tree */
	/* for mm_alloc(); a recording may set it at rest */
	struct mm_params	default_params;
	/* Pages promised (VM_ACCOUNT), as each vCPU has added and taken away. */
	struct vm_committed_cpu	*vm_committed_as;
	atomic_t		next_mm_id;
	struct fault_state	*fault;			/* fault_state.h */
	spinlock_t		lock;			/* mms */
	struct list_head	mms;			/* every mm_struct with mm_count > 0 */
};

/* Boot and shutdown of the room (kern/boot.h). mm_exit() reports an mm that is left as a leak. */
int mm_init(struct machine *m);
void mm_exit(struct machine *m);

/* The facts of the recording host (24 GiB, no ASLR, THP on); machine RAM does not enter. */
void mm_params_default(struct mm_params *p);

/* ---- lives ----------------------------------------------------------------------------------- */

/*
 * A new empty address space with mm_users = mm_count = 1 and the x86-64 layout of
 * exec (mmap_base from RLIMIT_STACK). params NULL takes the machine's defaults. NULL: no memory.
 * May sleep. mm_alloc() in kernel/fork.c.
 */
struct mm_struct *mm_alloc(struct machine *m, const struct mm_params *params);
/* Recomputes mmap_base and layout from mm->params (arch_pick_mmap_layout); only while empty. */
void mm_pick_layout(struct mm_struct *mm);

static inline void mmgrab(struct mm_struct *mm)
{
	atomic_inc(&mm->mm_count);
}

static inline void mmget(struct mm_struct *mm)
{
	atomic_inc(&mm->mm_users);
}

/* Drops a user; the last one runs exit_mmap() (may sleep, no locks held). */
void mmput(struct mm_struct *mm);
/* Drops a reference to the structure; the last frees the root table and the structure. */
void mmdrop(struct mm_struct *mm);

/* ---- counters -------------------------------------------------------------------------------- */

static inline void add_mm_counter(struct mm_struct *mm, int member, long value)
{
	atomic_long_add(value, &mm->rss_stat[member]);
}

static inline void inc_mm_counter(struct mm_struct *mm, int member)
{
	atomic_long_inc(&mm->rss_stat[member]);
}

static inline void dec_mm_counter(struct mm_struct *mm, int member)
{
	atomic_long_dec(&mm->rss_stat[member]);
}

static inline unsigned long get_mm_counter(struct mm_struct *mm, int member)
{
	long v = atomic_long_read(&mm->rss_stat[member]);

	return v < 0 ? 0 : (unsigned long)v;
}

/*
 * Accounts npages (may be negative) under flags in total_vm and its parts; mmap_lock for writing.
 */
void vm_stat_account(struct mm_struct *mm, vm_flags_t flags, long npages);
/* RLIMIT_AS and RLIMIT_DATA allow npages more of such a mapping. */
bool may_expand_vm(struct mm_struct *mm, vm_flags_t flags, unsigned long npages);
/* Promises pages (overcommit). 0 or -ENOMEM; vm_unacct_memory() takes the promise back. */
int vm_enough_memory(struct mm_struct *mm, long pages);
void vm_unacct_memory(struct mm_struct *mm, long pages);
/* Records a promise without asking. */
void vm_acct_memory(struct mm_struct *mm, long pages);
/* All that is promised; exact when nobody runs. */
long vm_memory_committed(struct machine *m);
/* Memory locks: RLIMIT_MEMLOCK allows bytes more under flags; and any lock at all. */
bool mlock_future_ok(const struct mm_struct *mm, vm_flags_t flags, unsigned long bytes);
bool can_do_mlock(const struct mm_struct *mm);

static inline unsigned long mm_rlimit(const struct mm_struct *mm, unsigned int limit)
{
	return mm->params.rlim[limit];
}

/* ---- mapping calls; all take mmap_lock themselves unless said -------------------------------- */

/*
 * do_mmap() of mm/mmap.c. mmap_lock held for writing. pgoff in pages. The file's reference is the
 * caller's; the VMA takes its own. *populate gets the bytes to fault in after unlocking, or 0.
 * Returns the address or -errno as unsigned long.
 */
unsigned long do_mmap(struct mm_struct *mm, struct file *file, unsigned long addr,
		      unsigned long len, unsigned long prot, unsigned long flags,
		      unsigned long pgoff, unsigned long *populate);
unsigned long vm_mmap_pgoff(struct mm_struct *mm, struct file *file, unsigned long addr,
			    unsigned long len, unsigned long prot, unsigned long flags,
			    unsigned long pgoff);
int vm_munmap(struct mm_struct *mm, unsigned long start, size_t len);
/* munmap under mmap_lock held for writing, and kept so. */
int do_munmap(struct mm_struct *mm, unsigned long start, size_t len);
/* pkey: -1, for there are no keys. */
int do_mprotect_pkey(struct mm_struct *mm, unsigned long start, size_t len, unsigned long prot,
		     int pkey);
unsigned long do_mremap(struct mm_struct *mm, unsigned long addr, unsigned long old_len,
			unsigned long new_len, unsigned long flags, unsigned long new_addr);
unsigned long do_brk(struct mm_struct *mm, unsigned long brk);
int do_madvise(struct mm_struct *mm, unsigned long start, size_t len, int behavior);
/* flags: VM_LOCKED, with VM_LOCKONFAULT too. */
int do_mlock(struct mm_struct *mm, unsigned long start, size_t len, vm_flags_t flags);
int do_munlock(struct mm_struct *mm, unsigned long start, size_t len);
int do_mlockall(struct mm_struct *mm, int flags);
int do_munlockall(struct mm_struct *mm);
int do_mseal(struct mm_struct *mm, unsigned long start, size_t len, unsigned long flags);
int do_msync(struct mm_struct *mm, unsigned long start, size_t len, int flags);
/* A SysV segment, given as a file; shmflg: SHM_*. The address, or -errno. */
unsigned long do_shmat(struct mm_struct *mm, struct file *segment, unsigned long addr,
		       int shmflg);
int do_shmdt(struct mm_struct *mm, unsigned long addr);
int do_remap_file_pages(struct mm_struct *mm, unsigned long start, unsigned long size,
			unsigned long prot, unsigned long pgoff, unsigned long flags);
/* One byte a page goes to vec, an address of the calling task. */
int do_mincore(struct mm_struct *mm, unsigned long start, size_t len, unsigned long vec);
/* One page of it: 0, 1 or -ENOMEM. */
int mm_incore(struct mm_struct *mm, unsigned long addr);

/*
 * Where a mapping of len bytes may go. mmap_lock held. file may be NULL; pgoff in pages.
 * Page-aligned address or -errno (IS_ERR_VALUE). get_unmapped_area() with check of MAP_FIXED.
 */
unsigned long get_unmapped_area(struct mm_struct *mm, struct file *file, unsigned long addr,
				unsigned long len, unsigned long pgoff, unsigned long flags,
				vm_flags_t vm_flags);

/*
 * Faults in [start, start+len), up to its end or the first page that cannot be had: -EFAULT or
 * -ENOMEM; with ignore_errors the next VMA is tried. No locks held.
 */
int __mm_populate(struct mm_struct *mm, unsigned long start, unsigned long len,
		  bool ignore_errors);

/* As MAP_POPULATE does. */
static inline void mm_populate(struct mm_struct *mm, unsigned long start, unsigned long len)
{
	__mm_populate(mm, start, len, true);
}
/*
 * MADV_POPULATE_READ and _WRITE: 0, -ENOMEM (hole or no memory), -EINVAL (no such right), -EFAULT
 * (beyond the end of the file). No locks held.
 */
int madvise_populate(struct mm_struct *mm, unsigned long start, unsigned long end, bool write);
/*
 * Stack growth: makes the GROWSDOWN vma start at address (page aligned down). mmap_lock held for
 * writing. 0 or -ENOMEM. (mm/vma.c expand_downwards)
 */
int expand_downwards(struct vm_area_struct *vma, unsigned long address);
/* The fault's expand_stack: finds the VMA to grow; upgrades the held read lock to a write lock as
 * the kernel does, and returns with it downgraded; NULL with no lock held when it cannot. */
struct vm_area_struct *expand_stack(struct mm_struct *mm, unsigned long address);

/* ---- building and showing a layout ----------------------------------------------------------- */

/*
 * Installs a VMA without the checks of mmap: recordings' initial layouts. special NULL or one of
 * mm_special_mapping()'s; the file's reference is taken. Takes mmap_lock. 0, -EEXIST or -ENOMEM.
 */
int mm_install_vma(struct mm_struct *mm, unsigned long start, unsigned long end, vm_flags_t flags,
		   unsigned long pgoff, struct file *file,
		   const struct vm_special_mapping *special);
/* "[vdso]", "[vvar]" or "[vvar_vclock]"; NULL for any other name. */
const struct vm_special_mapping *mm_special_mapping(const char *name);

/* One line of /proc/PID/maps, copied out. */
struct vma_view {
	unsigned long	start, end;
	vm_flags_t	flags;
	unsigned long	pgoff;		/* as maps shows it: pages, 0 for anonymous */
	struct file	*file;		/* not referenced: valid while the layout is not changed */
	const char	*name;		/* "[heap]", "[stack]", "[vdso]"... or NULL */
};
/* The first VMA that ends above addr; false at the end. Takes mmap_lock for reading. */
bool mm_view_vma(struct mm_struct *mm, unsigned long addr, struct vma_view *view);
/* VmFlags of smaps as two-letter words ("rd wr mr mw me ac"), NUL-terminated. */
void vma_flags_text(vm_flags_t flags, char *buf, size_t len);

/* ---- struct file ----------------------------------------------------------------------------- */

static inline struct file *get_file(struct file *file)
{
	atomic_long_inc(&file->f_count);
	return file;
}
/* file_create() and fput() live with the inodes, in filemap.h. */

#endif /* MMSTORM_MM_MM_H */
