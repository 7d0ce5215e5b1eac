/* SPDX-License-Identifier: MIT */
/* room: mm_pgtable */
/*
 * mmu_gather: nothing goes before the flush, tables not before a grace period,
 * flush sizes as the kernel's (fidelity K5), and gathers that meet.
 */
#include "pgtable_rig.h"

#define VA	0x7f0000000000UL

static struct machine *m;
static struct mm_context ctx;

static void start(unsigned int cpus)
{
	m = pg_rig_create(cpus, RUN_SERIAL, 4096);
	m->vec.page_fault = pg_rig_fault;
	assert_int_equal(mm_context_init(&ctx), 0);
	switch_mm(NULL, &ctx);
}

static void stop(void)
{
	pg_rig_unload(m);
	pg_rig_exit(&ctx);
	mm_context_destroy(&ctx);
	pg_rig_destroy(m);
}

static void touch(unsigned int pages)
{
	for (unsigned int i = 0; i < pages; i++)
		assert_int_equal(user_store(VA + i * PAGE_SIZE, 8, i), 0);
}

static bool cached(unsigned long va)
{
	return tlb_lookup(&this_cpu()->tlb, this_cpu()->pcid, va) != NULL;
}

/* Local flushes of one zap: pages flushed singly, and full ones. */
static void zap_flushes(unsigned int pages, u64 one, u64 all)
{
	u64 one0, all0;

	touch(pages);
	one0 = vm_event(m, NR_TLB_LOCAL_FLUSH_ONE);
	all0 = vm_event(m, NR_TLB_LOCAL_FLUSH_ALL);
	pg_rig_zap(&ctx, VA, VA + pages * PAGE_SIZE, false);
	assert_int_equal(vm_event(m, NR_TLB_LOCAL_FLUSH_ONE) - one0, one);
	assert_int_equal(vm_event(m, NR_TLB_LOCAL_FLUSH_ALL) - all0, all);
	for (unsigned int i = 0; i < pages; i++)
		assert_false(cached(VA + i * PAGE_SIZE));
}

static void flush_sizes(void **state)
{
	start(1);
	zap_flushes(1, 1, 0);
	zap_flushes(33, 33, 0);
	zap_flushes(34, 0, 1);
	/* Only the first and the last page were there: the span counts. */
	assert_int_equal(user_store(VA, 8, 1), 0);
	assert_int_equal(user_store(VA + 9 * PAGE_SIZE, 8, 1), 0);
	pg_rig_zap(&ctx, VA - PMD_SIZE, VA + PMD_SIZE, false);
	assert_int_equal(vm_event(m, NR_TLB_LOCAL_FLUSH_ONE), 1 + 33 + 10);
	/* Nothing was present: nothing is flushed. */
	pg_rig_zap(&ctx, VA, VA + PMD_SIZE, false);
	assert_int_equal(vm_event(m, NR_TLB_LOCAL_FLUSH_ONE), 1 + 33 + 10);
	assert_int_equal(vm_event(m, NR_TLB_LOCAL_FLUSH_ALL), 1);
	stop();
}

/* One page, unmapped by hand: its entry is cleared, no TLB flushed yet. */
struct unmapped {
	struct mmu_gather	tlb;
	struct page		*page;
	pte_t			*pte;
};

static void unmap_one(struct unmapped *u)
{
	touch(1);
	u->pte = pgtable_peek_pte(&ctx, VA);
	u->page = pte_page(ptep_get(u->pte));
	tlb_gather_mmu(&u->tlb, &ctx);
	assert_true(mm_tlb_flush_pending(&ctx));
	assert_false(mm_tlb_flush_nested(&ctx));
	ptep_get_and_clear(u->pte);
	tlb_remove_tlb_entry(&u->tlb, VA);
	assert_true(cached(VA));
}

static void pages_wait_for_the_flush(void **state)
{
	struct unmapped u;

	start(1);
	unmap_one(&u);
	tlb_remove_page(&u.tlb, u.page);
	assert_int_equal(page_ref_count(u.page), 1);
	assert_true(cached(VA));
	tlb_flush_mmu_tlbonly(&u.tlb);
	assert_false(cached(VA));
	assert_int_equal(page_ref_count(u.page), 1);
	tlb_finish_mmu(&u.tlb);
	assert_int_equal(page_ref_count(u.page), 0);
	assert_false(mm_tlb_flush_pending(&ctx));
	stop();
}

static void many_pages_in_batches(void **state)
{
	start(1);
	zap_flushes(1500, 0, 1);
	assert_frames(m, 1 + 1 + 3 + 2);	/* two roots; 3 + 2 more PTE tables */
	stop();
}

static void tables_wait_for_a_grace_period(void **state)
{
	struct frame_count fc;

	start(1);
	touch(1);
	phys_count_frames(m, &fc);
	rcu_read_lock();
	pg_rig_zap(&ctx, VA, VA + PAGE_SIZE, true);
	rcu_read_unlock();
	/* The page is free, its table still waits. */
	assert_int_equal(mm_pgtables_bytes(&ctx), 2 * PAGE_SIZE);
	assert_frames(m, fc.allocated - 1);
	rcu_barrier();
	assert_frames(m, fc.allocated - 2);
	stop();
}

static unsigned int removed;

static void remove_rmap(struct page *page, void *arg)
{
	assert_false(cached(VA));
	removed++;
}

static void rmap_may_wait_for_the_flush(void **state)
{
	struct unmapped u;

	start(1);
	unmap_one(&u);
	assert_false(__tlb_remove_page(&u.tlb, u.page, true));
	tlb_flush_rmaps(&u.tlb, remove_rmap, NULL);
	assert_int_equal(removed, 1);
	tlb_finish_mmu(&u.tlb);
	stop();
}

/*
 * Two zaps of one range: the second finds nothing, and may still not return
 * before the first's entries are out of the TLBs.
 */
static void nested_gathers_flush_for_each_other(void **state)
{
	struct mmu_gather second;
	struct unmapped first;

	start(2);
	unmap_one(&first);
	tlb_remove_page(&first.tlb, first.page);
	tlb_gather_mmu(&second, &ctx);
	assert_true(mm_tlb_flush_nested(&ctx));
	assert_true(pte_none(ptep_get(first.pte)));
	tlb_finish_mmu(&second);
	assert_false(cached(VA));
	assert_int_equal(READ_ONCE(this_cpu()->sched.windows[WIN_TLB_NESTED_FLUSH]), 1);
	tlb_finish_mmu(&first.tlb);
	stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flush_sizes),
		cmocka_unit_test(pages_wait_for_the_flush),
		cmocka_unit_test(many_pages_in_batches),
		cmocka_unit_test(tables_wait_for_a_grace_period),
		cmocka_unit_test(rmap_may_wait_for_the_flush),
		cmocka_unit_test(nested_gathers_flush_for_each_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
