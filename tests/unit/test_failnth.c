/* SPDX-License-Identifier: MIT */
/*
 * What happens when memory runs out, one allocation at a time: each call and
 * each fault with its 1st, 2nd, 3rd ... allocation failing, that one alone or
 * all from it on, pages and objects together and apart, until none is left to
 * fail. It ends in -ENOMEM or in
 * success; what the program then finds is what it had before or what it asked
 * for, and never between; nothing is lost; and the same call, tried again with
 * memory, does what it would have done.
 *
 * Between is allowed where Linux stops half way too: a call that goes VMA by
 * VMA (mprotect, madvise of flags, mremap of several), and, when all memory is
 * used up, mremap's destination, which may stay unmapped or empty, or its source,
 * which may stay, empty. There each page by itself is as before, as after, or lost.
 */
#include "fail_rig.h"
#include "mm/pin.h"

enum {
	SWEEP_FORKED	= 1u << 0,	/* a child shares the private pages */
	SWEEP_BY_PAGE	= 1u << 1,	/* may stop between two VMAs */
	SWEEP_MAKES	= 1u << 2,	/* makes a process or a task */
	SWEEP_BIG	= 1u << 3,	/* with more pages than one batch takes */
};

struct sweep {
	const char	*name;
	long		(*call)(struct rig *r);
	unsigned int	flags;
	/* Cells of mremap's destination; past the last where it is anywhere. */
	unsigned int	to, nr_to;
};

#define CALL(name, expression)						\
	static long call_##name(struct rig *r)				\
	{								\
		(void)r;						\
		return expression;					\
	}

/* A place that the mm chose is a part of the picture. */
static long placed(struct rig *r, long ret)
{
	if (!IS_ERR_VALUE(ret))
		r->place = (unsigned long)ret;
	return ret;
}

#define BYTES(n) ((n) * PAGE_SIZE)
#define MMAP(page, nr, flags, file, index) \
	sys_mmap(PG(page), BYTES(nr), RW, (flags) | MAP_FIXED, file, BYTES(index))
#define MMAP_ANY(nr, flags, file, index) \
	placed(r, sys_mmap(0, BYTES(nr), RW, flags, file, BYTES(index)))
#define SHARED_ANON (MAP_SHARED | MAP_ANONYMOUS)
#define MOVE (MREMAP_MAYMOVE | MREMAP_FIXED)

/* ---- mmap ---- */

CALL(map_hole, MMAP(26, 2, ANON, NULL, 0))
CALL(map_any, MMAP_ANY(4, ANON, NULL, 0))
CALL(map_middle, MMAP(2, 3, ANON, NULL, 0))
CALL(map_whole, MMAP(32, 2, MAP_PRIVATE, r->file, 3))
CALL(map_spanning, MMAP(6, 13, ANON, NULL, 0))
CALL(map_merging_both, MMAP(34, 2, ANON, NULL, 0))
CALL(map_merging_over, MMAP(33, 3, ANON, NULL, 0))
CALL(map_file_private, MMAP(13, 2, MAP_PRIVATE, r->file, 7))
CALL(map_file_shared, MMAP_ANY(6, MAP_SHARED, r->file, 0))
CALL(map_file_over, MMAP(5, 12, MAP_SHARED, r->file, 0))
CALL(map_shared_anon, MMAP_ANY(4, SHARED_ANON, NULL, 0))
CALL(map_shared_anon_over, MMAP(2, 20, SHARED_ANON, NULL, 0))
CALL(map_populate, MMAP(24, 8, ANON | MAP_POPULATE, NULL, 0))
CALL(map_populate_file, MMAP(2, 4, MAP_PRIVATE | MAP_POPULATE, r->file, 0))
CALL(map_far, sys_mmap(FAR_PUD - (1UL << 39), BYTES(2), RW, ANON | MAP_FIXED, NULL, 0))

static const struct sweep mmap_sweeps[] = {
	{ "mmap of a hole", call_map_hole },
	{ "mmap anywhere", call_map_any },
	{ "mmap over the middle of a VMA", call_map_middle },
	{ "mmap of a file over a whole VMA", call_map_whole },
	{ "mmap over several VMAs", call_map_spanning },
	{ "mmap between two that merge", call_map_merging_both },
	{ "mmap that merges over a part", call_map_merging_over },
	{ "mmap of a private file", call_map_file_private },
	{ "mmap of a shared file", call_map_file_shared },
	{ "mmap of a shared file over several", call_map_file_over },
	{ "mmap of shared memory", call_map_shared_anon },
	{ "mmap of shared memory over several", call_map_shared_anon_over },
	{ "mmap and populate", call_map_populate },
	{ "mmap of a file over a part, and populate", call_map_populate_file },
	{ "mmap under new tables", call_map_far },
	{ "mmap over several, forked", call_map_spanning, SWEEP_FORKED },
};

/* ---- munmap, mprotect, madvise ---- */

CALL(unmap_middle, sys_munmap(PG(2), BYTES(3)))
CALL(unmap_whole, sys_munmap(PG(0), BYTES(8)))
CALL(unmap_head, sys_munmap(PG(16), BYTES(1)))
CALL(unmap_spanning, sys_munmap(PG(2), BYTES(20)))
CALL(unmap_big, sys_munmap(BIG + BYTES(1), BYTES(BIG_PAGES - 2)))
CALL(unmap_all, sys_munmap(FAR_PUD, PG(64) - FAR_PUD))

static const struct sweep munmap_sweeps[] = {
	{ "munmap of the middle", call_unmap_middle },
	{ "munmap of a VMA", call_unmap_whole },
	{ "munmap of a head", call_unmap_head },
	{ "munmap of several and two parts", call_unmap_spanning },
	{ "munmap of everything", call_unmap_all },
	{ "munmap of several, forked", call_unmap_spanning, SWEEP_FORKED },
	{ "munmap of many pages", call_unmap_big, SWEEP_BIG },
	{ "munmap of many pages, forked", call_unmap_big, SWEEP_BIG | SWEEP_FORKED },
};

CALL(protect_middle, sys_mprotect(PG(2), BYTES(3), PROT_READ))
CALL(protect_head, sys_mprotect(PG(0), BYTES(3), PROT_NONE))
CALL(protect_merge, sys_mprotect(PG(8), BYTES(4), RW))
CALL(protect_merge_part, sys_mprotect(PG(8), BYTES(2), RW))
CALL(protect_over, sys_mprotect(PG(6), BYTES(2), PROT_READ))
CALL(protect_shared, sys_mprotect(PG(17), BYTES(2), PROT_READ))
CALL(protect_promise, sys_mprotect(PG(49), BYTES(1), RW))
CALL(protect_file, sys_mprotect(PG(12), BYTES(2), PROT_READ | PROT_EXEC))
CALL(protect_several, sys_mprotect(PG(2), BYTES(16), PROT_READ))

static const struct sweep mprotect_sweeps[] = {
	{ "mprotect that cuts twice", call_protect_middle },
	{ "mprotect that cuts once", call_protect_head },
	{ "mprotect that merges", call_protect_merge },
	{ "mprotect that moves a border down", call_protect_merge_part },
	{ "mprotect that moves a border up", call_protect_over },
	{ "mprotect of shared pages", call_protect_shared },
	{ "mprotect of file pages", call_protect_file },
	{ "mprotect that promises memory", call_protect_promise },
	{ "mprotect of several VMAs", call_protect_several, SWEEP_BY_PAGE },
	{ "mprotect that cuts, forked", call_protect_middle, SWEEP_FORKED },
};

CALL(zap_part, sys_madvise(PG(1), BYTES(4), MADV_DONTNEED))
CALL(zap_big, sys_madvise(BIG, BYTES(BIG_PAGES), MADV_DONTNEED))
CALL(zap_several, sys_madvise(PG(1), BYTES(22), MADV_DONTNEED))
CALL(advise_middle, sys_madvise(PG(2), BYTES(3), MADV_DONTFORK))
CALL(advise_several, sys_madvise(PG(2), BYTES(16), MADV_SEQUENTIAL))
CALL(populate_read, sys_madvise(PG(0), BYTES(24), MADV_POPULATE_READ))
CALL(populate_write, sys_madvise(PG(0), BYTES(8), MADV_POPULATE_WRITE))
CALL(punch, sys_madvise(PG(16), BYTES(1), MADV_REMOVE))

static const struct sweep madvise_sweeps[] = {
	{ "DONTNEED of a part", call_zap_part },
	{ "DONTNEED of several", call_zap_several },
	{ "DONTNEED of several, forked", call_zap_several, SWEEP_FORKED },
	{ "DONTNEED of many pages", call_zap_big, SWEEP_BIG },
	{ "DONTFORK of the middle", call_advise_middle },
	{ "SEQUENTIAL of several", call_advise_several, SWEEP_BY_PAGE },
	{ "POPULATE_READ", call_populate_read },
	{ "POPULATE_WRITE", call_populate_write },
	{ "POPULATE_WRITE, forked", call_populate_write, SWEEP_FORKED },
	{ "REMOVE", call_punch },
};

/* ---- mremap, brk ---- */

CALL(shrink, sys_mremap(PG(0), BYTES(8), BYTES(3), 0, 0))
CALL(shrink_middle, sys_mremap(PG(1), BYTES(5), BYTES(2), 0, 0))
CALL(grow, sys_mremap(PG(36), BYTES(2), BYTES(5), 0, 0))
CALL(grow_to_merge, sys_mremap(PG(32), BYTES(2), BYTES(4), 0, 0))
CALL(grow_away, placed(r, sys_mremap(PG(0), BYTES(8), BYTES(10), MREMAP_MAYMOVE, 0)))
CALL(grow_file, placed(r, sys_mremap(PG(16), BYTES(4), BYTES(6), MREMAP_MAYMOVE, 0)))
CALL(move_hole, sys_mremap(PG(0), BYTES(8), BYTES(8), MOVE, PG(50)))
CALL(move_middle, sys_mremap(PG(1), BYTES(3), BYTES(3), MOVE, PG(50)))
CALL(move_new_pmd, sys_mremap(PG(1), BYTES(4), BYTES(4), MOVE, FAR_PMD + BYTES(6)))
/* Half of it under a table that is there, half under a new one. */
CALL(move_border, sys_mremap(PG(0), BYTES(4), BYTES(4), MOVE,
			     FAR_PMD + (2UL << 20) - BYTES(2)))
CALL(move_new_pud, sys_mremap(PG(0), BYTES(8), BYTES(8), MOVE, FAR_PUD))
CALL(move_over, sys_mremap(PG(0), BYTES(4), BYTES(4), MOVE, PG(32)))
CALL(move_over_part, sys_mremap(PG(32), BYTES(2), BYTES(2), MOVE, PG(3)))
CALL(move_shrink, sys_mremap(PG(0), BYTES(6), BYTES(3), MOVE, PG(50)))
CALL(move_grow, sys_mremap(PG(36), BYTES(2), BYTES(4), MOVE, PG(50)))
CALL(move_several, sys_mremap(PG(6), BYTES(12), BYTES(12), MOVE, PG(50)))
CALL(move_file, sys_mremap(PG(12), BYTES(4), BYTES(4), MOVE, PG(50)))
CALL(move_shared, sys_mremap(PG(20), BYTES(4), BYTES(4), MOVE, PG(50)))
CALL(dontunmap, sys_mremap(PG(0), BYTES(8), BYTES(8), MOVE | MREMAP_DONTUNMAP, PG(50)))
CALL(double_shared, sys_mremap(PG(16), 0, BYTES(4), MOVE, PG(50)))

static const struct sweep mremap_sweeps[] = {
	{ "mremap that shrinks", call_shrink },
	{ "mremap that shrinks a middle", call_shrink_middle },
	{ "mremap that grows", call_grow },
	{ "mremap that grows until it merges", call_grow_to_merge },
	{ "mremap that grows elsewhere", call_grow_away, 0, CELLS, 1 },
	{ "mremap of a file that grows elsewhere", call_grow_file, 0, CELLS, 1 },
	{ "mremap to a hole", call_move_hole, 0, 50, 8 },
	{ "mremap of a middle", call_move_middle, 0, 50, 3 },
	{ "mremap to a new PMD table", call_move_new_pmd, 0, NEAR_PAGES + 6, 4 },
	{ "mremap to a border of tables", call_move_border, 0, CELLS, 1 },
	{ "mremap over what has a PUD table", call_move_new_pud, 0,
	  NEAR_PAGES + FAR_PAGES, 8 },
	{ "mremap over others", call_move_over, 0, 32, 4 },
	{ "mremap over a part", call_move_over_part, 0, 3, 2 },
	{ "mremap that moves and shrinks", call_move_shrink, 0, 50, 3 },
	{ "mremap that moves and grows", call_move_grow, 0, 50, 4 },
	{ "mremap of several VMAs", call_move_several, SWEEP_BY_PAGE, 50, 12 },
	{ "mremap of a private file", call_move_file, 0, 50, 4 },
	{ "mremap of shared memory", call_move_shared, 0, 50, 4 },
	{ "mremap DONTUNMAP", call_dontunmap, 0, 50, 8 },
	{ "mremap that doubles shared memory", call_double_shared, 0, 50, 4 },
	{ "mremap of a middle, forked", call_move_middle, SWEEP_FORKED, 50, 3 },
	{ "mremap to a new PMD table, forked", call_move_new_pmd, SWEEP_FORKED,
	  NEAR_PAGES + 6, 4 },
};

/* brk() fails by not moving. */
static long brk_to(unsigned long pages)
{
	unsigned long want = HEAP + BYTES(pages);

	return sys_brk(want) == (long)want ? 0 : -ENOMEM;
}

/* The break itself is a part of the picture, not of the answer. */
CALL(brk_grow, brk_to(9))
CALL(brk_shrink, brk_to(1))
CALL(brk_empty, brk_to(0))

static long call_brk_over_hole(struct rig *r)
{
	(void)r;
	return sys_munmap(HEAP + PAGE_SIZE, PAGE_SIZE);
}

static const struct sweep brk_sweeps[] = {
	{ "brk that grows", call_brk_grow },
	{ "brk that shrinks", call_brk_shrink },
	{ "brk to nothing", call_brk_empty },
	{ "a hole in the heap", call_brk_over_hole },
	{ "brk that shrinks, forked", call_brk_shrink, SWEEP_FORKED },
};

/* ---- accesses ---- */

/* Out of memory is not a signal. */
static long no_signal(int ret)
{
	if (ret)
		assert_int_equal(current_fault()->signo, 0);
	return ret;
}

static long load(unsigned long va)
{
	u64 word;

	return no_signal(user_load(va, 8, &word));
}

static long store(unsigned long va)
{
	return no_signal(user_store(va, 8, 0x5707e));
}

static long add(unsigned long va)
{
	u64 old;

	return no_signal(user_xadd(va, 3, &old));
}

/* read() into memory: all of two pages, or how far it got. */
static long copy_in(unsigned long va)
{
	char buf[16] = "0123456789abcde";

	return copy_to_user(va, buf, sizeof(buf)) ? -ENOMEM : 0;
}

CALL(load_zero, load(PG(5)))
CALL(load_new_pmd, load(FAR_PMD))
CALL(load_new_pud, load(FAR_PUD))
CALL(load_file, load(PG(14)))
CALL(load_private_hole, load(PG(15)))
CALL(load_file_hole, load(PG(19)))
CALL(load_shared, load(PG(21)))
CALL(store_anon, store(PG(6)))
CALL(store_over_zero, store(PG(4)))
CALL(store_first, store(PG(45)))
CALL(store_new_pmd, store(FAR_PMD + PAGE_SIZE))
CALL(store_new_pud, store(FAR_PUD + PAGE_SIZE))
CALL(store_file, store(PG(14)))
CALL(store_file_read, store(PG(12)))
CALL(store_shared_file, store(PG(18)))
CALL(store_shared_read, store(PG(17)))
CALL(store_shared, store(PG(22)))
CALL(store_known, store(PG(0)))
CALL(add_anon, add(PG(7)))
CALL(fetch_anon, user_exec(PG(44)))
CALL(copy_anon, copy_in(PG(6)))

static const struct sweep access_sweeps[] = {
	{ "load of the zero page", call_load_zero },
	{ "load under a new PTE table", call_load_new_pmd },
	{ "load under a new PMD table", call_load_new_pud },
	{ "load of a private file", call_load_file },
	{ "load of a page cached by nobody", call_load_private_hole },
	{ "load of a hole of a shared file", call_load_file_hole },
	{ "load of shared memory", call_load_shared },
	{ "store to a new page", call_store_anon },
	{ "store over the zero page", call_store_over_zero },
	{ "first store of a VMA", call_store_first },
	{ "store under a new PTE table", call_store_new_pmd },
	{ "store under a new PMD table", call_store_new_pud },
	{ "store to a private file", call_store_file },
	{ "store over a read private file", call_store_file_read },
	{ "store to a shared file", call_store_shared_file },
	{ "store over a read shared file", call_store_shared_read },
	{ "store to shared memory", call_store_shared },
	{ "rmw of a new page", call_add_anon },
	{ "fetch from a new page", call_fetch_anon },
	{ "copy to a new page", call_copy_anon },
	{ "store that copies", call_store_known, SWEEP_FORKED },
	{ "rmw of a new page, forked", call_add_anon, SWEEP_FORKED },
	{ "store over the zero page, forked", call_store_over_zero, SWEEP_FORKED },
};

/* ---- processes, files, migration ---- */

static long call_fork(struct rig *r)
{
	struct mm_struct *mm = dup_mm(r->f.mm);

	if (IS_ERR(mm))
		return PTR_ERR(mm);
	r->made_mm = mm;
	return 0;
}

static long call_clone(struct rig *r)
{
	mmget(r->f.mm);
	r->made_task = task_create(r->f.m, 3, 1, r->f.mm, NULL, NULL);
	if (r->made_task)
		return 0;
	mmput(r->f.mm);
	return -ENOMEM;
}

static long call_exit(struct rig *r)
{
	mmfix_task_end(&r->f, r->child_task);
	r->child_task = NULL;
	r->child = NULL;
	return 0;
}

CALL(truncate, sys_truncate(r->file, BYTES(5)))
CALL(truncate_all, sys_truncate(r->file, 0))
CALL(extend, sys_truncate(r->file, BYTES(20)))
CALL(migrate, sys_migrate(PG(1)))

/* Pinned, and let go: what is there then is the picture. */
static long pin_pages(unsigned long va, unsigned int pages, unsigned int how)
{
	long ret = sys_pin(0, va, BYTES(pages), how);

	if (ret >= 0)
		sys_unpin(0);
	return ret == pages ? 0 : ret < 0 ? ret : -ENOMEM;
}

static long call_fork_pinned(struct rig *r)
{
	long ret;

	/* Made before anything is to fail: the page is there. */
	assert_int_equal(sys_pin(1, PG(0), BYTES(2), PIN_WRITE), 2);
	ret = call_fork(r);
	sys_unpin(1);
	return ret;
}

CALL(pin_new, pin_pages(PG(6), 1, PIN_WRITE))
CALL(pin_several, pin_pages(PG(0), 4, PIN_WRITE))
CALL(pin_shared, pin_pages(PG(0), 1, PIN_READ))
CALL(pin_zero_long, pin_pages(PG(4), 1, PIN_LONGTERM))
CALL(pin_file, pin_pages(PG(14), 1, PIN_LONGTERM))
CALL(pin_shared_file, pin_pages(PG(18), 1, PIN_WRITE))
CALL(get_new, pin_pages(FAR_PUD, 1, PIN_GET))

static const struct sweep process_sweeps[] = {
	{ "fork with pinned pages", call_fork_pinned, SWEEP_MAKES },
	{ "write pin of a new page", call_pin_new },
	{ "write pin of several shared pages", call_pin_several, SWEEP_FORKED },
	{ "read pin of a shared page", call_pin_shared, SWEEP_FORKED },
	{ "long pin of the zero page", call_pin_zero_long },
	{ "long pin of a private file", call_pin_file },
	{ "write pin of a shared file", call_pin_shared_file },
	{ "reference under a new PMD table", call_get_new },
	{ "fork", call_fork, SWEEP_MAKES },
	{ "second fork", call_fork, SWEEP_MAKES | SWEEP_FORKED },
	{ "clone", call_clone, SWEEP_MAKES },
	{ "exit", call_exit, SWEEP_FORKED | SWEEP_BIG },
	{ "truncate", call_truncate },
	{ "truncate, forked", call_truncate, SWEEP_FORKED },
	{ "truncate to nothing", call_truncate_all, SWEEP_FORKED },
	{ "truncate that extends", call_extend },
	{ "migrate", call_migrate },
};

/* ---- one try ---- */

/* Of a destination that is not what it was, nor what it was to be. */
static bool is_lost(const struct cell *c)
{
	return !c->mapped || !c->word || c->file;
}

/*
 * Page @i lies where mremap goes to; or where it came from, if it has moved: then
 * the source may stay, but without its pages.
 */
static bool may_be_lost(const struct sweep *s, unsigned int i, bool failed,
			const struct picture *before, const struct picture *after)
{
	if (i >= s->to && i < s->to + s->nr_to)
		return true;
	return s->nr_to && (!failed || s->flags & SWEEP_BY_PAGE) &&
	       before->cell[i].mapped && !after->cell[i].mapped;
}

/* Each page as after, or, of a call that failed, as before; lost only where it may be. */
static void expect_by_page(const struct rig *r, const struct sweep *s, bool failed,
			   const struct picture *before, const struct picture *after,
			   const struct picture *now)
{
	unsigned int i;

	for (i = 0; i < CELLS; i++) {
		if (cell_same(&now->cell[i], &after->cell[i]))
			continue;
		if (failed && cell_same(&now->cell[i], &before->cell[i]))
			continue;
		if (may_be_lost(s, i, failed, before, after) && is_lost(&now->cell[i]))
			continue;
		print_message("at 0x%lx:\n", cell_address(r, i));
		picture_complain(r, "a page between before and after", before, now);
	}
}

/* The failure may show as something between, page by page. */
static bool by_page(const struct sweep *s, u32 scope)
{
	return s->flags & SWEEP_BY_PAGE || (scope & FAIL_SCOPE_FROM && s->nr_to);
}

static void expect(const struct rig *r, const struct sweep *s, u32 scope, bool failed,
		   const struct picture *before, const struct picture *after,
		   const struct picture *now)
{
	if (picture_same(now, failed ? before : after))
		return;
	if (failed ? by_page(s, scope) : scope & FAIL_SCOPE_FROM && s->nr_to)
		expect_by_page(r, s, failed, before, after, now);
	else if (!failed)
		picture_complain(r, "a call that succeeded did not do it all", after, now);
	else
		picture_complain(r, "a call that failed left something behind", before, now);
}

/* What is left for the program to do: read it all, then the call again. */
static void go_on(struct rig *r, const struct sweep *s, bool again_too, const struct picture *now,
		  const struct picture *after, u64 nth)
{
	struct picture *again;
	long ret;

	if (nth % 2)
		picture_visit(r, r->f.task, now);
	if (again_too) {
		ret = s->call(r);
		assert_false(IS_ERR_VALUE(ret));
		rig_quiet(r);
		again = picture_take(r, r->f.mm);
		if (!picture_same(again, after))
			picture_complain(r, "tried again with memory", after, again);
		picture_visit(r, r->f.task, again);
		picture_free(again);
	} else {
		picture_visit(r, r->f.task, now);
	}
}

/* The processes beside: the old child sees nothing of it; a new one is a copy. */
static void expect_others(struct rig *r, const struct sweep *s, const struct picture *child,
			  const struct picture *now)
{
	struct picture *p;

	if (child && r->child) {
		p = picture_take(r, r->child);
		/* Truncation takes pages from everyone. */
		if (s->call != call_truncate && s->call != call_truncate_all &&
		    !picture_same(p, child))
			picture_complain(r, "the child has changed", child, p);
		picture_visit(r, r->child_task, p);
		picture_free(p);
	}
	if (r->made_mm) {
		p = picture_take(r, r->made_mm);
		if (picture_differs(p, now) != CELLS || strcmp(p->maps, now->maps))
			picture_complain(r, "the new child is no copy", now, p);
		picture_free(p);
	}
}

/* nth 0 fails nothing and makes *after. True when the failure was delivered. */
static bool try_nth(const struct sweep *s, u32 scope, u64 nth, struct picture **after)
{
	struct picture *before, *child = NULL, *now;
	struct fail_nth fail;
	struct rig r;
	bool fired, failed;
	long ret;

	rig_open(&r, nth % 3 ? 4096 : 64, s->flags & SWEEP_FORKED, s->flags & SWEEP_BIG);
	before = picture_take(&r, r.f.mm);
	if (r.child)
		child = picture_take(&r, r.child);
	fail_nth_begin(&fail, nth, scope);
	ret = s->call(&r);
	fired = fail_nth_end(&fail);
	failed = IS_ERR_VALUE(ret);
	if (failed) {
		assert_true(fired);
		assert_true(ret == -ENOMEM || ret == -EAGAIN);
	}
	now = picture_take(&r, r.f.mm);
	rig_quiet(&r);
	check_rss(r.f.mm);
	if (!nth)
		*after = now;
	expect(&r, s, scope, failed, before, *after, now);
	expect_others(&r, s, child, now);
	if (failed && s->flags & SWEEP_MAKES)
		assert_true(!r.made_mm && !r.made_task);
	go_on(&r, s, failed && !by_page(s, scope), now, *after, nth);
	rig_close(&r);
	picture_free(before);
	if (child)
		picture_free(child);
	if (now != *after)
		picture_free(now);
	return fired;
}

static void sweep_one(const struct sweep *s)
{
	static const u32 scopes[] = {
		FAIL_SCOPE_ALL, FAIL_SCOPE_PAGES, FAIL_SCOPE_SLAB,
		FAIL_SCOPE_ALL | FAIL_SCOPE_FROM, FAIL_SCOPE_PAGES | FAIL_SCOPE_FROM,
	};
	struct picture *after = NULL;
	unsigned int i, tries = 0;
	u64 nth;

	try_nth(s, FAIL_SCOPE_ALL, 0, &after);
	for (i = 0; i < ARRAY_SIZE(scopes); i++) {
		for (nth = 1; try_nth(s, scopes[i], nth, &after); nth++, tries++)
			assert_true(nth < 400);
	}
	print_message("%-44s %u failures\n", s->name, tries);
	picture_free(after);
}

static const char *only;

static void sweep_all(const struct sweep *s, unsigned int nr)
{
	for (; nr--; s++)
		if (!only || strstr(s->name, only))
			sweep_one(s);
}

#define SWEEP_TEST(kind)						\
	static void test_##kind(void **state)				\
	{								\
		(void)state;						\
		sweep_all(kind##_sweeps, ARRAY_SIZE(kind##_sweeps));	\
	}

SWEEP_TEST(mmap)
SWEEP_TEST(munmap)
SWEEP_TEST(mprotect)
SWEEP_TEST(madvise)
SWEEP_TEST(mremap)
SWEEP_TEST(brk)
SWEEP_TEST(access)
SWEEP_TEST(process)

/* An argument is a part of the names of the sweeps to run. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mmap),
		cmocka_unit_test(test_munmap),
		cmocka_unit_test(test_mprotect),
		cmocka_unit_test(test_madvise),
		cmocka_unit_test(test_mremap),
		cmocka_unit_test(test_brk),
		cmocka_unit_test(test_access),
		cmocka_unit_test(test_process),
	};

	only = argc > 1 ? argv[1] : NULL;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
