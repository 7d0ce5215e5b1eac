/* SPDX-License-Identifier: MIT */
/*
 * model.h: a plain, sequential reference model of Linux address spaces.
 *
 * A `struct model` is a host: its facts, its files and its processes'
 * address spaces. A `struct model_mm` is one address space: a sorted array of
 * ranges, a sorted array of present pages, a break, limits. There are no page
 * tables, no locks, no TLB and no reverse mapping, and nothing is shared with
 * core/mm but the numbers of the Linux x86-64 ABI: what both say is therefore
 * worth something. It is written to be obviously right, not to be fast, and
 * runs in one thread.
 *
 * Calls return what the system call returns: >= 0, or -errno. Addresses and
 * lengths are in bytes. prot, flags, advice are the raw Linux x86-64 values.
 * The behaviour is Linux 6.18's; each function names the kernel function it
 * stands for in its own file.
 */
#ifndef MMSTORM_OPS_MODEL_H
#define MMSTORM_OPS_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_PAGE_SHIFT	12
#define MODEL_PAGE_SIZE		4096UL
#define MODEL_NO_LIMIT		(~0UL)

struct model;
struct model_mm;
struct model_file;

/* The facts of the host that decide results. model_params_default() fills them. */
struct model_params {
	unsigned long	task_size;		/* bytes; 2^47 - 4096 */
	unsigned long	mmap_min_addr;		/* max of sysctl and LSM; places */
	unsigned long	mmap_min_addr_sysctl;	/* refuses (EPERM), not for root */
	unsigned long	stack_guard_gap;	/* bytes */
	unsigned long	max_map_count;
	unsigned long	total_pages;		/* RAM + swap; overcommit guess */
	unsigned	page_bytes;		/* kept per page: 64 or 4096 */
	bool		thp_align;		/* 2 MiB placement rules */
};
void model_params_default(struct model_params *p);

/* Create a host with no process and no file. NULL: out of memory. */
struct model *model_create(const struct model_params *p);
/* Destroys its address spaces and files too. */
void model_destroy(struct model *m);

/* --- files ------------------------------------------------------------- */

enum model_file_kind {
	MODEL_FILE_MEMFD,	/* shmem: placed like anonymous shared memory */
	MODEL_FILE_EXT4,	/* placed 2 MiB aligned when large enough */
	MODEL_FILE_ZERO,	/* /dev/zero: private mappings are anonymous */
	MODEL_FILE_NODEV,	/* cannot be mapped: pipe, directory, /dev/null */
};

enum { MODEL_MAY_READ = 1, MODEL_MAY_WRITE = 2 };

/*
 * Create a file of `size` bytes and open it. The result is the open file
 * (Linux struct file): mappings of two opens of one file do not merge.
 */
struct model_file *model_file_create(struct model *m, enum model_file_kind kind,
				     uint64_t size, unsigned may);
struct model_file *model_file_reopen(struct model_file *f, unsigned may);
void model_file_close(struct model_file *f);
/* Equal for all opens of one file; never 0; what model_range.object says. */
uint64_t model_file_object(const struct model_file *f);
/* ftruncate(2): zaps mapped pages past the end, COWed ones too. */
long model_ftruncate(struct model_file *f, uint64_t size);
/* The file grew or shrank by write(2) or another way that zaps like truncate. */
long model_file_set_size(struct model_file *f, uint64_t size);
/*
 * What a byte never written reads: for recordings, whose files had contents
 * before. NULL (the default): zero.
 */
void model_file_set_pattern(struct model_file *f,
			    uint8_t (*byte)(void *arg, uint64_t off), void *arg);

/* --- address spaces ---------------------------------------------------- */

/* An empty address space; stack_limit (bytes) decides mmap_base. */
struct model_mm *model_mm_create(struct model *m, unsigned long stack_limit);
/* fork(2). NULL: out of memory. */
struct model_mm *model_fork(struct model_mm *mm);
void model_mm_destroy(struct model_mm *mm);

long model_mmap(struct model_mm *mm, unsigned long addr, unsigned long len,
		unsigned long prot, unsigned long flags, struct model_file *f,
		unsigned long off);
long model_munmap(struct model_mm *mm, unsigned long addr, unsigned long len);
long model_mprotect(struct model_mm *mm, unsigned long addr, unsigned long len,
		    unsigned long prot);
long model_mremap(struct model_mm *mm, unsigned long addr,
		  unsigned long old_len, unsigned long new_len,
		  unsigned long flags, unsigned long new_addr);
long model_brk(struct model_mm *mm, unsigned long brk);
long model_madvise(struct model_mm *mm, unsigned long addr, unsigned long len,
		   int advice);
long model_mlock(struct model_mm *mm, unsigned long addr, unsigned long len,
		 unsigned flags);
long model_munlock(struct model_mm *mm, unsigned long addr, unsigned long len);
long model_mlockall(struct model_mm *mm, unsigned flags);
long model_munlockall(struct model_mm *mm);
long model_msync(struct model_mm *mm, unsigned long addr, unsigned long len,
		 int flags);
long model_mseal(struct model_mm *mm, unsigned long addr, unsigned long len,
		 unsigned long flags);
/* Protection keys: there are none, so only -1 is one. */
long model_pkey_mprotect(struct model_mm *mm, unsigned long addr,
			 unsigned long len, unsigned long prot, int key);
/* SysV segments: a file; flags are SHM_*. */
long model_shmat(struct model_mm *mm, struct model_file *segment,
		 unsigned long addr, int flags);
long model_shmdt(struct model_mm *mm, unsigned long addr);
/* pgoff in pages. */
long model_remap_file_pages(struct model_mm *mm, unsigned long addr,
			    unsigned long size, unsigned long prot,
			    unsigned long pgoff, unsigned long flags);
long model_mincore(struct model_mm *mm, unsigned long addr, unsigned long len,
		   unsigned long vec);
/* MPOL_* as a number that only has to be equal for two ranges to merge. */
long model_mbind(struct model_mm *mm, unsigned long addr, unsigned long len,
		 unsigned long policy);

/* --- accesses ---------------------------------------------------------- */

struct model_fault {
	int		signo;		/* SIGSEGV, SIGBUS */
	int		code;		/* SEGV_MAPERR, SEGV_ACCERR, BUS_ADRERR,
					   SI_KERNEL */
	unsigned long	addr;		/* si_addr */
};

/*
 * One access of size 1..8 bytes. 0, or -EFAULT and *fault (may be NULL) says
 * which signal. Faults are taken as the CPU takes them: pages appear, stacks
 * grow, copies are made.
 */
int model_load(struct model_mm *mm, unsigned long addr, unsigned size,
	       uint64_t *val, struct model_fault *fault);
int model_store(struct model_mm *mm, unsigned long addr, unsigned size,
		uint64_t val, struct model_fault *fault);
int model_exec(struct model_mm *mm, unsigned long addr,
	       struct model_fault *fault);

/* --- devices ----------------------------------------------------------- */

#define MODEL_PIN_PAGES	4

struct page_data;

/* Pages lent to a device; all zero at first. */
struct model_pin {
	unsigned	nr;
	unsigned	how;		/* as sys_pin() has it */
	struct page_data *page[MODEL_PIN_PAGES];	/* NULL: the zero page */
};

/* How many pages, or -errno; what @pin held is let go first. */
long model_pin(struct model_mm *mm, struct model_pin *pin, unsigned long addr,
	       unsigned long len, unsigned how);
long model_unpin(struct model_pin *pin);
long model_dma_load(struct model *m, struct model_pin *pin, unsigned long at, unsigned size,
		    uint64_t *val);
long model_dma_store(struct model *m, struct model_pin *pin, unsigned long at, unsigned size,
		     uint64_t val);

/* --- setting a process up ---------------------------------------------- */

enum model_rlimit { MODEL_RLIMIT_DATA = 2, MODEL_RLIMIT_STACK = 3,
		    MODEL_RLIMIT_MEMLOCK = 8, MODEL_RLIMIT_AS = 9,
		    MODEL_RLIMIT_MAX = 16 };
/* `nr` is the number of the Linux resource; unknown ones are kept, unused. */
void model_set_rlimit(struct model_mm *mm, unsigned nr, unsigned long value);
/* Root may lock memory and map below the sysctl's mmap_min_addr. */
void model_set_root(struct model_mm *mm, bool root);
/* personality(2) bits: READ_IMPLIES_EXEC, ADDR_COMPAT_LAYOUT. */
void model_set_personality(struct model_mm *mm, unsigned long persona);
/* Top of the top-down area, or (legacy) start of the bottom-up one. */
void model_set_mmap_base(struct model_mm *mm, unsigned long base);
/* start_brk and brk; data_bytes is end_data - start_data (RLIMIT_DATA). */
void model_set_brk(struct model_mm *mm, unsigned long start_brk,
		   unsigned long brk, unsigned long data_bytes);

enum model_special { MODEL_PLAIN, MODEL_STACK, MODEL_VVAR, MODEL_VDSO,
		     MODEL_SHM_SEGMENT };
/*
 * Install a mapping as execve does, checking and merging nothing. MODEL_STACK
 * grows down; MODEL_VVAR and MODEL_VDSO cannot be split, MODEL_SHM_SEGMENT
 * does not merge away. `object` labels special mappings (never 0).
 */
int model_install(struct model_mm *mm, unsigned long start, unsigned long end,
		  unsigned long prot, bool shared, struct model_file *f,
		  unsigned long pgoff, enum model_special special,
		  uint64_t object);

/* --- looking ----------------------------------------------------------- */

struct model_range {
	unsigned long	start, end;
	unsigned	prot;		/* PROT_* */
	bool		shared;		/* 's' in /proc/PID/maps */
	unsigned long	pgoff;		/* pages; 0 for anonymous memory */
	uint64_t	object;		/* 0: anonymous */
};

size_t model_nr_ranges(const struct model_mm *mm);
/* The i-th range in address order. */
void model_range(const struct model_mm *mm, size_t i, struct model_range *r);
/* First range that ends above addr: its index, or model_nr_ranges(). */
size_t model_find_range(const struct model_mm *mm, unsigned long addr);

/*
 * What /proc/PID/pagemap shows of one page: '.' nothing, 'a' anonymous page
 * of one page table, 'A' of several (the zero page too), 'f' page of a file
 * or shared memory mapped once, 'F' more often, 'S' swap entry or guard.
 */
char model_page_class(const struct model_mm *mm, unsigned long addr);
/* mincore(2) of one page, or -ENOMEM. */
int model_page_incore(const struct model_mm *mm, unsigned long addr);
/* VmFlags of the range at addr, as smaps prints them, into buf. */
int model_vmflags(const struct model_mm *mm, unsigned long addr, char *buf,
		  size_t size);

struct model_usage {			/* pages */
	unsigned long	anon, file, shmem, swap, locked, size, data;
};
void model_usage(const struct model_mm *mm, struct model_usage *u);

#endif /* MMSTORM_OPS_MODEL_H */
