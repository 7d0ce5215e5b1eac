/* SPDX-License-Identifier: MIT */
/*
 * The types of the memory-management subsystem: vm_area_struct, mm_struct, vm_fault, struct file.
 *
 * Names and meanings are those of Linux 6.18 (include/linux/mm_types.h, mm.h). Fields are grouped
 * by what protects them; a group says so in its first line. What the lower layers need of an
 * address
 * space is struct mm_context (pgtable/), embedded in mm_struct.
 */
#ifndef MMSTORM_MM_MM_TYPES_H
#define MMSTORM_MM_MM_TYPES_H

#include "base/atomic.h"
#include "base/list.h"
#include "base/rbtree.h"
#include "base/types.h"
#include "sync/rcu.h"
#include "sync/rwsem.h"
#include "sync/seqcount.h"
#include "sync/spinlock.h"
#include "sync/wait.h"
#include "pgtable/context.h"
#include "pgtable/pte.h"

struct address_space;
struct anon_vma;
struct check_mm;
struct inode;
struct machine;
struct mm_struct;
struct page;
struct vma_node;

/* ---- VMA flags: the kernel's bits ----------------------------------------------------------- */

typedef unsigned long vm_flags_t;

#define VM_NONE		0x00000000UL
#define VM_READ		0x00000001UL
#define VM_WRITE	0x00000002UL
#define VM_EXEC		0x00000004UL
#define VM_SHARED	0x00000008UL
#define VM_MAYREAD	0x00000010UL
#define VM_MAYWRITE	0x00000020UL
#define VM_MAYEXEC	0x00000040UL
#define VM_MAYSHARE	0x00000080UL
#define VM_GROWSDOWN	0x00000100UL
#define VM_PFNMAP	0x00000400UL
#define VM_MAYBE_GUARD	0x00000800UL
#define VM_LOCKED	0x00002000UL
#define VM_IO		0x00004000UL
#define VM_SEQ_READ	0x00008000UL
#define VM_RAND_READ	0x00010000UL
#define VM_DONTCOPY	0x00020000UL
#define VM_DONTEXPAND	0x00040000UL
#define VM_LOCKONFAULT	0x00080000UL
#define VM_ACCOUNT	0x00100000UL
#define VM_NORESERVE	0x00200000UL
#define VM_HUGETLB	0x00400000UL
#define VM_SYNC		0x00800000UL
#define VM_WIPEONFORK	0x02000000UL
#define VM_DONTDUMP	0x04000000UL
#define VM_SOFTDIRTY	0x08000000UL
#define VM_MIXEDMAP	0x10000000UL
#define VM_HUGEPAGE	0x20000000UL
#define VM_NOHUGEPAGE	0x40000000UL
#define VM_MERGEABLE	0x80000000UL
#define VM_DROPPABLE	(1UL << 40)
#define VM_SEALED	(1UL << 42)

#define VM_STACK		VM_GROWSDOWN
#define VM_ACCESS_FLAGS		(VM_READ | VM_WRITE | VM_EXEC)
#define VM_SPECIAL		(VM_IO | VM_DONTEXPAND | VM_PFNMAP | VM_MIXEDMAP)
#define VM_LOCKED_MASK		(VM_LOCKED | VM_LOCKONFAULT)
/* What a merged VMA has when one of its parts had it. */
#define VM_STICKY		VM_MAYBE_GUARD
/* Bits in which two VMAs may differ and still merge (mm/vma.c is_mergeable_vma). */
#define VM_IGNORE_MERGE		(VM_SOFTDIRTY | VM_STICKY)
#define VM_DATA_DEFAULT_FLAGS	(VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC)
#define VM_STACK_FLAGS		(VM_STACK | VM_DATA_DEFAULT_FLAGS | VM_ACCOUNT)

/* ---- files ----------------------------------------------------------------------------------- */

#define FMODE_READ	0x1U
#define FMODE_WRITE	0x2U

/* What the kernel would find in f_op: how the file places, and whether it can be mapped at all. */
enum file_kind {
	/* memfd, tmpfs, shared anonymous memory: never placed 2 MiB aligned */
	FILE_SHMEM,
	FILE_REGULAR,		/* ext4-like: large mappings are placed 2 MiB aligned */
	/* /dev/zero: a private mapping is anonymous, a shared one a new object */
	FILE_ZERO,
	FILE_NOMMAP,		/* no f_op->mmap: -ENODEV */
};

/*
 * An open file. Two opens of one inode are two of these and never merge (is_mergeable_vma
 * compares vm_file). Everything but f_count is immutable after file_create().
 */
struct file {
	struct inode		*f_inode;
	struct address_space	*f_mapping;	/* the inode's */
	unsigned int		f_mode;		/* FMODE_* */
	enum file_kind		f_kind;
	bool			f_shm;		/* an attachment of a SysV segment (shm.c) */
	atomic_long_t		f_count;	/* one per VMA, one per descriptor */
};

/* ---- VMAs ------------------------------------------------------------------------------------ */

/* What the kernel reads from vm_ops. */
enum vma_kind {
	/* no vm_ops: private anonymous memory (also /dev/zero, MAP_PRIVATE) */
	VMA_ANON,
	/* faults go to vm_file's page cache (shared anonymous memory too) */
	VMA_FILE,
	/* [vdso], [vvar]: vm_special names it; no file, no pgoff arithmetic */
	VMA_SPECIAL,
};

/* Moves as a whole, and never splits (special_mapping_split). */
struct vm_special_mapping {
	const char	*name;
	vm_flags_t	flags;		/* of its VMAs */
};

/*
 * One mapping. The memory is type-stable: a lookup under RCU may hold a pointer to a VMA that has
 * been freed and is another mm's by now, and may then touch only the fields marked (RCU).
 */
struct vm_area_struct {
	/*
	 * First line: what lookup and the fault read. vm_start, vm_end, vm_flags and vm_page_prot
	 * are written under mmap_lock for writing and the VMA's write lock, read under either lock.
	 */
	unsigned long		vm_start;
	unsigned long		vm_end;		/* first byte after */
	struct mm_struct	*vm_mm;		/* immutable while attached */
	pgprot_t		vm_page_prot;
	vm_flags_t		vm_flags;
	/* in pages; of an anonymous VMA its first linear index */
	unsigned long		vm_pgoff;
	struct file		*vm_file;
	/*
	 * (RCU) equals mm->mm_lock_seq while write-locked; WRITE_ONCE under mmap_lock for writing.
	 */
	unsigned int		vm_lock_seq;
	u8			vm_kind;	/* enum vma_kind, immutable while attached */

	/*
	 * anon_vma: set once under page_table_lock with mmap_lock or the VMA lock held for reading
	 * (__anon_vma_prepare), otherwise changed under mmap_lock and VMA lock for writing.
	 * The chain list: the same locks; each link's tree side is under the anon_vma's rwsem.
	 */
	struct anon_vma		*anon_vma;
	struct list_head	anon_vma_chain;

	/* i_mmap: linkage in the file's interval tree, under i_mmap_rwsem. */
	struct {
		struct rb_node	rb;
		unsigned long	rb_subtree_last;
	} shared;
	const struct vm_special_mapping *vm_special;

	/* Owner only: links VMAs taken out of the tree (munmap, exit) or listed by one holder. */
	struct list_head	vm_link;

	/*
	 * (RCU) 0 detached, 1 attached and idle, +1 per reader, +VMA_LOCK_OFFSET while a writer
	 * waits for them. On its own line: every fault of every CPU writes it.
	 */
	atomic_t		vm_refcnt __cacheline_aligned;
	/* (RCU) retired with the detaching, when the tree does not lead here any more */
	struct rcu_age		vm_age;
};

/*
 * By a fault, which the VMA's lock alone orders behind the writer: plain reads, for
 * ThreadSanitizer to judge; as old as the order allows, where stores are seen late.
 * (Macros, so that a report names who reads.)
 */
#define vma_flags(vma)		plain_read((vma)->vm_flags)
#define vma_page_prot(vma)	__pgprot(plain_read((vma)->vm_page_prot.pgprot))

#define VMA_LOCK_OFFSET	0x40000000
#define VMA_REF_LIMIT	(VMA_LOCK_OFFSET - 1)

static inline bool vma_is_anonymous(const struct vm_area_struct *vma)
{
	return vma->vm_kind == VMA_ANON;
}

static inline unsigned long vma_pages(const struct vm_area_struct *vma)
{
	return (vma->vm_end - vma->vm_start) >> PAGE_SHIFT;
}

/* ---- the parameters of the host that a recording fixes --------------------------------------- */

/* Linux x86-64 resource numbers. */
#define RLIMIT_DATA	2
#define RLIMIT_STACK	3
#define RLIMIT_MEMLOCK	8
#define RLIMIT_AS	9
#define RLIM_NLIMITS	16
#define RLIM_INFINITY	(~0UL)

#define ADDR_NO_RANDOMIZE	0x0040000U
#define READ_IMPLIES_EXEC	0x0400000U
#define ADDR_COMPAT_LAYOUT	0x0200000U

/* Facts of the host and of the process that calls depend on. Written only while nobody runs. */
struct mm_params {
	unsigned long	dac_mmap_min_addr;	/* vm.mmap_min_addr, bytes: EPERM below it */
	/* CONFIG_LSM_MMAP_MIN_ADDR, bytes: hints are raised to it */
	unsigned long	lsm_mmap_min_addr;
	unsigned long	stack_guard_gap;	/* bytes */
	unsigned int	max_map_count;
	unsigned int	overcommit;		/* vm.overcommit_memory: 0 guess, 1 always */
	unsigned long	total_pages;		/* RAM and swap, for one huge request */
	bool		thp_align;		/* 2 MiB placement (CONFIG_TRANSPARENT_HUGEPAGE) */
	bool		cap_sys_rawio;		/* may map below dac_mmap_min_addr */
	bool		cap_ipc_lock;		/* RLIMIT_MEMLOCK does not bind */
	unsigned int	personality;
	unsigned long	rlim[RLIM_NLIMITS];	/* bytes */
};

/* ---- address spaces -------------------------------------------------------------------------- */

enum { MM_FILEPAGES, MM_ANONPAGES, MM_SWAPENTS, MM_SHMEMPAGES, NR_MM_COUNTERS };

/* mm->flags */
#define MMF_TOPDOWN	0	/* mmap layout */
#define MMF_HAS_PINNED	1	/* pages of it were pinned once; never taken back */
/* What a child has of its parent's. */
#define MMF_INIT_MASK	(1UL << MMF_TOPDOWN)

struct mm_struct {
	/* Read by every fault. root: RCU, written by the holder of mmap_lock for writing. */
	struct vma_node		*mm_vma_root;
	struct machine		*machine;	/* immutable */
	/*
	 * Odd while mmap_lock is held for writing; release store on unlock ends all VMA write
	 * locks.
	 */
	unsigned int		mm_lock_seq;
	unsigned int		id;		/* small number for people; immutable */

	/* page tables, cpumask, tlb_gen (pgtable/context.h) */
	struct mm_context	context;

	/* Users (tasks) and references (lazy TLB, debug readers) of the structure. */
	atomic_t		mm_users __cacheline_aligned;
	atomic_t		mm_count;

	struct rw_semaphore	mmap_lock __cacheline_aligned;
	wait_queue_head_t	vma_writer_wait;	/* a VMA writer waits for its readers */
	/* fork's copy is running; under mmap_lock */
	seqcount_t		write_protect_seq;

	/*
	 * Under mmap_lock for writing (and read without it for display).  Apart from the lock,
	 * at which others look while these change.
	 */
	int			map_count __cacheline_aligned;	/* VMAs in the tree */
	u64			vma_edit_seq;	/* number of the newest edit of the tree */
	unsigned long		def_flags;
	unsigned long		total_vm;	/* pages mapped */
	unsigned long		locked_vm;
	unsigned long		data_vm;	/* VM_WRITE & ~VM_SHARED & ~VM_STACK */
	unsigned long		exec_vm;	/* VM_EXEC & ~VM_WRITE & ~VM_STACK */
	unsigned long		stack_vm;
	unsigned long		start_code, end_code, start_data, end_data;
	unsigned long		start_brk, brk, start_stack;

	/* Fixed before the first mapping; immutable after. */
	unsigned long		mmap_base;		/* top-down searches start below it */
	unsigned long		mmap_legacy_base;	/* bottom-up searches start at it */
	unsigned long		task_size;
	/* MMF_*; MMF_HAS_PINNED is set at any time, atomically */
	unsigned long		flags;
	struct mm_params	params;

	/* RSS in pages, by kind; any CPU. */
	atomic_long_t		rss_stat[NR_MM_COUNTERS] __cacheline_aligned;

	/* mm_global.mms, under mm_global.lock. */
	struct list_head	mmlist;
	bool			exiting;		/* exit_mmap() has emptied it */

	struct check_mm		*check;			/* check/: its shadow, or NULL */
};

/* ---- faults ---------------------------------------------------------------------------------- */

typedef unsigned int vm_fault_t;

enum fault_flag {
	FAULT_FLAG_WRITE		= 1 << 0,
	FAULT_FLAG_MKWRITE		= 1 << 1,
	FAULT_FLAG_ALLOW_RETRY		= 1 << 2,
	FAULT_FLAG_RETRY_NOWAIT		= 1 << 3,
	FAULT_FLAG_KILLABLE		= 1 << 4,
	FAULT_FLAG_TRIED		= 1 << 5,
	FAULT_FLAG_USER			= 1 << 6,
	FAULT_FLAG_REMOTE		= 1 << 7,
	FAULT_FLAG_INSTRUCTION		= 1 << 8,
	FAULT_FLAG_INTERRUPTIBLE	= 1 << 9,
	FAULT_FLAG_UNSHARE		= 1 << 10,
	FAULT_FLAG_ORIG_PTE_VALID	= 1 << 11,
	FAULT_FLAG_VMA_LOCK		= 1 << 12,
};

#define VM_FAULT_OOM		0x000001U
#define VM_FAULT_SIGBUS		0x000002U
#define VM_FAULT_MAJOR		0x000004U
#define VM_FAULT_SIGSEGV	0x000040U
#define VM_FAULT_NOPAGE		0x000100U
#define VM_FAULT_LOCKED		0x000200U
#define VM_FAULT_RETRY		0x000400U
#define VM_FAULT_FALLBACK	0x000800U
#define VM_FAULT_COMPLETED	0x004000U
#define VM_FAULT_ERROR		(VM_FAULT_OOM | VM_FAULT_SIGBUS | VM_FAULT_SIGSEGV |	\
				 VM_FAULT_FALLBACK)

/* One fault on its way through handle_mm_fault(); lives on the faulting task's stack. */
struct vm_fault {
	struct vm_area_struct	*vma;
	unsigned long		pgoff;		/* logical page offset in the file */
	unsigned long		address;	/* page aligned */
	unsigned long		real_address;
	unsigned int		flags;		/* FAULT_FLAG_* */
	pmd_t			*pmd;
	pte_t			*pte;		/* mapped entry, NULL when there is no table */
	pte_t			orig_pte;	/* its value when the fault began */
	/* protects *pte; held iff pte is mapped and locked */
	spinlock_t		*ptl;
	struct page		*cow_page;
	/* of ->fault, with a reference, locked if VM_FAULT_LOCKED */
	struct page		*page;
	struct page		*prealloc_pte;	/* table allocated before a lock was taken */
};

#endif /* MMSTORM_MM_MM_TYPES_H */
