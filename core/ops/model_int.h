/* SPDX-License-Identifier: MIT */
/*
 * model_int.h: what the files model*.c share: the structures of the reference
 * model and the small steps they are built from.
 */
#ifndef MMSTORM_OPS_MODEL_INT_H
#define MMSTORM_OPS_MODEL_INT_H

#include "ops/model.h"

#define MODEL_PMD_SIZE	(2UL << 20)

/* Linux x86-64 ABI values the model understands. */
enum { MP_READ = 1, MP_WRITE = 2, MP_EXEC = 4, MP_SEM = 8,
       MP_GROWSDOWN = 0x01000000, MP_GROWSUP = 0x02000000 };
enum { MM_SHARED = 1, MM_PRIVATE = 2, MM_SHARED_VALIDATE = 3, MM_DROPPABLE = 8,
       MM_TYPE = 0xf, MM_FIXED = 0x10, MM_ANONYMOUS = 0x20, MM_32BIT = 0x40,
       MM_ABOVE4G = 0x80, MM_GROWSDOWN = 0x100, MM_LOCKED = 0x2000,
       MM_NORESERVE = 0x4000, MM_POPULATE = 0x8000, MM_NONBLOCK = 0x10000,
       MM_STACK = 0x20000, MM_HUGETLB = 0x40000,
       MM_NOREPLACE = 0x100000 };
/* What MAP_SHARED_VALIDATE accepts: the flags that existed before it. */
#define MM_LEGACY_MASK	(MM_SHARED | MM_PRIVATE | MM_FIXED | MM_ANONYMOUS | 0x800 | \
			 0x1000 | 0x4000000 | MM_GROWSDOWN | MM_LOCKED | MM_NORESERVE | \
			 MM_POPULATE | MM_NONBLOCK | MM_STACK | MM_HUGETLB | MM_32BIT | \
			 MM_ABOVE4G | 0xfc000000UL)
#define MODEL_READ_IMPLIES_EXEC	0x400000

/* Flags of a range. The MAY bits stand four above the rights they allow. */
enum range_flags {
	RF_READ		= 1 << 0,
	RF_WRITE	= 1 << 1,
	RF_EXEC		= 1 << 2,
	RF_SHARED	= 1 << 3,
	RF_MAYREAD	= 1 << 4,
	RF_MAYWRITE	= 1 << 5,
	RF_MAYEXEC	= 1 << 6,
	RF_MAYSHARE	= 1 << 7,
	RF_GROWSDOWN	= 1 << 8,
	RF_LOCKED	= 1 << 9,
	RF_LOCKONFAULT	= 1 << 10,
	RF_SEQ_READ	= 1 << 11,
	RF_RAND_READ	= 1 << 12,
	RF_DONTCOPY	= 1 << 13,
	RF_DONTEXPAND	= 1 << 14,
	RF_ACCOUNT	= 1 << 15,
	RF_NORESERVE	= 1 << 16,
	RF_WIPEONFORK	= 1 << 17,
	RF_DONTDUMP	= 1 << 18,
	RF_MERGEABLE	= 1 << 19,
	RF_HUGEPAGE	= 1 << 20,
	RF_NOHUGEPAGE	= 1 << 21,
	RF_SEALED	= 1 << 22,
	RF_DROPPABLE	= 1 << 23,
	RF_PFNMAP	= 1 << 24,
	RF_IO		= 1 << 25,
	RF_GUARD	= 1 << 26,	/* may hold guard pages; sticky */
};
#define RF_ACCESS	(RF_READ | RF_WRITE | RF_EXEC)
#define RF_LOCK_MASK	(RF_LOCKED | RF_LOCKONFAULT)
#define RF_SPECIAL	(RF_IO | RF_DONTEXPAND | RF_PFNMAP)

/* --- pages ------------------------------------------------------------- */

struct page_data {
	unsigned	mapped;		/* slots of address spaces that name it */
	bool		in_file;	/* a file's page: lives without mappings */
	/* Anonymous: one process's own, since it was made or last written in place. */
	bool		exclusive;
	unsigned	pins, gets;	/* lent to devices; kept by mere references */
	uint8_t		bytes[];	/* model_params.page_bytes */
};

enum slot_kind { SLOT_NONE, SLOT_ZERO, SLOT_ANON, SLOT_FILE, SLOT_GUARD };

struct page_slot {
	unsigned long	index;		/* page number (address or file) */
	struct page_data *page;		/* NULL for ZERO and GUARD */
	enum slot_kind	kind;
};

/* Sorted by index, no two alike. */
struct page_set {
	struct page_slot *slot;
	size_t		n, cap;
};

/* --- files ------------------------------------------------------------- */

struct inode_data {
	struct inode_data *next;	/* model.inodes */
	enum model_file_kind kind;
	uint64_t	object;
	uint64_t	size;
	unsigned	refs;		/* open files */
	struct page_set	pages;
	uint8_t		(*pattern)(void *arg, uint64_t off);
	void		*pattern_arg;
};

struct model_file {
	struct model	*model;
	struct inode_data *inode;
	unsigned	may;		/* MODEL_MAY_* */
	unsigned	refs;		/* the opener and each range */
};

/* --- address spaces ---------------------------------------------------- */

struct range {
	unsigned long	start, end;
	unsigned	flags;		/* RF_* */
	unsigned long	pgoff;
	struct model_file *file;	/* a reference is held */
	/*
	 * Which family of anonymous pages it belongs to (Linux anon_vma):
	 * identity, 0 for none yet, and how many generations of forks it
	 * descends from (1: made by this process).
	 */
	uint64_t	family;
	unsigned	generations;
	unsigned long	policy;
	enum model_special special;
	uint64_t	object;		/* label of a special mapping */
};

struct model_mm {
	struct model	*model;
	struct model_mm	*next;		/* model.mms */
	struct range	**range;	/* sorted, disjoint */
	size_t		n, cap;
	struct page_set	pages;
	unsigned long	mmap_base, legacy_base;
	bool		top_down;
	unsigned long	start_brk, brk, data_bytes;
	unsigned long	rlimit[MODEL_RLIMIT_MAX];
	unsigned	def_flags;	/* mlockall(MCL_FUTURE) */
	unsigned long	locked_vm;	/* pages */
	unsigned long	persona;
	bool		root;
};

struct model {
	struct model_params params;
	struct model_mm	*mms;
	struct inode_data *inodes;
	uint64_t	next_object, next_family;
};

/* model_page.c */
struct page_slot *pages_get(struct page_set *s, unsigned long index);
size_t pages_lower(const struct page_set *s, unsigned long index);
int pages_put(struct page_set *s, unsigned long index, enum slot_kind kind,
	      struct page_data *page);
struct page_data *page_new(struct model *m, const struct page_data *copy);
void page_unmap(struct page_data *page);
void page_lend(struct page_data *page, bool get);
void page_give_back(struct page_data *page, bool get);
/* Forget every page of [first, last); guards too when with_guards. */
void pages_zap(struct page_set *s, unsigned long first, unsigned long last,
	       bool with_guards);
int pages_move(struct page_set *s, unsigned long from, unsigned long to,
	       unsigned long count);
struct page_data *file_page(struct model_file *f, unsigned long index);
bool file_page_cached(struct model_file *f, unsigned long index);
bool file_has_page(const struct model_file *f, unsigned long index);
struct model_file *file_get(struct model_file *f);
void file_put(struct model_file *f);
void file_punch(struct model_file *f, uint64_t from, uint64_t to);

/* model_range.c: the array of ranges, splitting and merging */
struct range *range_find(const struct model_mm *mm, unsigned long addr);
size_t range_index(const struct model_mm *mm, unsigned long addr);
struct range *range_at(const struct model_mm *mm, unsigned long addr);
struct range *range_before(const struct model_mm *mm, unsigned long addr);
struct range *range_insert(struct model_mm *mm, const struct range *proto);
void range_remove(struct model_mm *mm, size_t i);
bool range_is_anon(const struct range *r);
unsigned long range_floor(const struct model_mm *mm, const struct range *r);
int range_split(struct model_mm *mm, struct range *r, unsigned long at);

/* What is to be merged with its neighbours. */
struct merge_ask {
	unsigned long	start, end, pgoff, policy;
	unsigned	flags;
	struct model_file *file;
	uint64_t	family;		/* of what is being placed; 0: new */
	unsigned	generations;	/* of the range it is copied from */
	bool		extend_only;	/* brk: only into the one before */
};
struct range *range_merge_new(struct model_mm *mm, const struct merge_ask *ask);
/*
 * Give [start, end) of r new flags and policy: merge with a neighbour, or
 * split. *out covers the part that was asked for. 0 or -errno.
 */
int range_modify(struct model_mm *mm, struct range *r, unsigned long start,
		 unsigned long end, unsigned flags, unsigned long policy,
		 struct range **out);
void range_make_family(struct model_mm *mm, struct range *r);

/* model_place.c */
unsigned long place(struct model_mm *mm, struct model_file *f, bool shared,
		    unsigned long addr, unsigned long len, unsigned long pgoff,
		    unsigned long flags, long *err);

/* model_map.c */
unsigned long page_align(unsigned long x);
bool may_expand(const struct model_mm *mm, unsigned flags, unsigned long pages);
bool may_lock(const struct model_mm *mm, unsigned flags, unsigned long bytes);
bool enough_memory(const struct model_mm *mm, unsigned long pages);
bool range_is_data(unsigned flags);
/* Unmap [start, end) without checking the arguments. */
long unmap_range(struct model_mm *mm, unsigned long start, unsigned long end);

/* model_fault.c */
enum access_kind { ACCESS_READ, ACCESS_WRITE, ACCESS_EXEC };
/*
 * The page of addr, present and fit for the access; NULL and *fault if the
 * access is refused. A page that is the zero page comes back as a page of
 * zeroes with *zero set.
 */
int access_fault(struct model_mm *mm, unsigned long addr,
		 enum access_kind kind, struct model_fault *fault,
		 struct page_slot **slot);
/*
 * handle_mm_fault(): make the page of addr present in r, fit for writing if
 * `write`. 0, or the signal it ends in.
 */
int fault_page(struct model_mm *mm, struct range *r, unsigned long addr, bool write);
/* The same for FAULT_FLAG_UNSHARE: a page that is there becomes r's own. */
bool fault_unshare(struct model_mm *mm, struct range *r, unsigned long addr);
/* Make [start, end) of r present; 0 or -EFAULT at the first page that cannot be. */
int populate_range(struct model_mm *mm, struct range *r, unsigned long start,
		   unsigned long end, bool write);
/* mm_populate(): after mlock, and (errors ignored) MAP_POPULATE. */
int populate(struct model_mm *mm, unsigned long start, unsigned long len,
	     bool ignore_errors);

#endif /* MMSTORM_OPS_MODEL_INT_H */
