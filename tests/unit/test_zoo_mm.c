/* SPDX-License-Identifier: MIT */
/* room: mm_mm mm_kern */
/*
 * Planted bugs of fork and of reverse maps, each led by hand through the one order of
 * events that shows it; without the bug the same steps show nothing.
 */
#include "mm_fixture.h"
#include "zoo/zoo.h"

static void plant(struct mmfix *f, int bug)
{
	if (bug >= 0)
		zoo_plant(f->m->config.zoo, (enum zoo_bug_id)bug);
}

/* The child writes: what does the parent read? */
static u64 parent_reads(int bug)
{
	struct mmfix f = mmfix_open();
	struct task_struct *child;
	u64 seen;

	plant(&f, bug);
	map_at(AT, 1, RW, ANON, NULL, 0);
	poke(AT, 1);
	child = mmfix_task(&f, 2, dup_mm(f.mm));
	kern_switch_to(child);
	poke(AT, 2);
	kern_switch_to(f.task);
	seen = peek(AT);
	tlb_flush_all(&this_cpu()->tlb);
	mmfix_task_end(&f, child);
	mmfix_close(&f);
	return seen;
}

static void fork_copies_asid(void **state)
{
	assert_int_equal(parent_reads(-1), 1);
	assert_int_equal(parent_reads(ZOO_FORK_COPIES_ASID), 2);
}

/* Pages of @from are on their way to @to, in a VMA that a walk visits earlier. */
struct move {
	struct vm_area_struct *from, *to;
	bool need_rmap_locks;
	bool done;
	unsigned int seen;	/* entries that the walk came by */
};

static void move_now(struct move *mv, bool locks)
{
	assert_int_equal(move_page_tables(mv->from, PG(100), mv->to, PG(2), 2 * PAGE_SIZE, locks),
			 2 * PAGE_SIZE);
	mv->done = true;
}

static bool visit(struct page *page, struct vm_area_struct *vma, unsigned long addr, void *arg)
{
	struct move *mv = arg;

	mv->seen += page_of(vma->vm_mm, addr) == page;
	/* Who takes the reverse map's locks for it has to wait until the walk is over. */
	if (vma == mv->to && !mv->need_rmap_locks)
		move_now(mv, false);
	return true;
}

/* How often a walk of a page's reverse map comes by its one entry, while mremap moves it. */
static unsigned int entries_seen(int bug)
{
	struct mmfix f = mmfix_open();
	struct move mv = { 0 };
	struct rmap_walk_control rwc = { .rmap_one = visit, .arg = &mv };
	struct page *page;

	plant(&f, bug);
	map_at(AT, 4, RW, ANON, NULL, 0);
	for (unsigned long i = 0; i < 4; i++)
		poke(PG(i), i);
	assert_true(sys_mremap(PG(2), 2 * PAGE_SIZE, 2 * PAGE_SIZE,
			       MREMAP_MAYMOVE | MREMAP_FIXED, PG(100)) == (long)PG(100));
	page = page_of(f.mm, PG(100));

	/* Back again, step by step: the old neighbour takes them in. */
	mmap_write_lock(f.mm);
	mv.from = vma_lookup(f.mm, PG(100));
	mv.to = copy_vma(&mv.from, PG(2), 2 * PAGE_SIZE, mv.from->vm_pgoff, &mv.need_rmap_locks);
	assert_ptr_equal(mv.to, vma_lookup(f.mm, AT));
	get_page(page);
	lock_page(page);
	rmap_walk_anon(page, &rwc);
	unlock_page(page);
	put_page(page);
	if (!mv.done)
		move_now(&mv, true);
	vm_stat_account(f.mm, mv.from->vm_flags, 2);
	vm_acct_memory(f.mm, 2);
	assert_int_equal(do_munmap(f.mm, PG(100), 2 * PAGE_SIZE), 0);
	mmap_write_unlock(f.mm);
	for (unsigned long i = 0; i < 4; i++)
		assert_int_equal(peek(PG(i)), i);
	mmfix_close(&f);
	return mv.seen;
}

static void mremap_rmap_order(void **state)
{
	assert_int_equal(entries_seen(-1), 1);
	assert_int_equal(entries_seen(ZOO_MREMAP_RMAP_ORDER), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fork_copies_asid),
		cmocka_unit_test(mremap_rmap_order),
	};

	if (!MM_ZOO)
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
