/* SPDX-License-Identifier: MIT */
/* room: mm_pgtable */
/* Page tables: counts of tables as the kernel's VmPTE, races for one entry, failing allocations. */
#include "phys/fail.h"
#include "pgtable_rig.h"

#define VA	0x7f0012345000UL

static void tables_are_counted(void **state)
{
	struct machine *m = pg_rig_create(1, RUN_SERIAL, 256);
	struct mm_context ctx;

	assert_int_equal(mm_context_init(&ctx), 0);
	assert_int_equal(mm_pgtables_bytes(&ctx), 0);
	/* First touch in a new 512 GiB, 1 GiB, 2 MiB: 3, 2, 1 tables. */
	assert_int_equal(pg_rig_map(&ctx, VA, PAGE_SHARED), 0);
	assert_int_equal(mm_pgtables_bytes(&ctx), 3 * PAGE_SIZE);
	assert_int_equal(pg_rig_map(&ctx, VA + PUD_SIZE, PAGE_SHARED), 0);
	assert_int_equal(mm_pgtables_bytes(&ctx), 5 * PAGE_SIZE);
	assert_int_equal(pg_rig_map(&ctx, VA + PMD_SIZE, PAGE_SHARED), 0);
	assert_int_equal(mm_pgtables_bytes(&ctx), 6 * PAGE_SIZE);
	assert_int_equal(pg_rig_map(&ctx, VA + PAGE_SIZE, PAGE_SHARED), 0);
	assert_int_equal(mm_pgtables_bytes(&ctx), 6 * PAGE_SIZE);
	assert_true(pte_present(ptep_get(pgtable_peek_pte(&ctx, VA))));
	assert_null(pgtable_peek_pte(&ctx, VA + 2 * PMD_SIZE));
	pg_rig_exit(&ctx);
	mm_context_destroy(&ctx);
	pg_rig_destroy(m);
}

static void holes_are_skipped(void **state)
{
	struct machine *m = pg_rig_create(1, RUN_SERIAL, 256);
	unsigned long at[] = { 0x200000, 0x40000000, 0x7fffffffe000 };
	unsigned long addr = 0;
	struct mm_context ctx;

	assert_int_equal(mm_context_init(&ctx), 0);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(pg_rig_map(&ctx, at[i], PAGE_SHARED), 0);
	for (unsigned int i = 0, seen = 0;; i++) {
		pmd_t *pmd = pgtable_next_pmd(&ctx, &addr, 1UL << 47);

		if (!pmd) {
			assert_int_equal(seen, 3);
			break;
		}
		assert_ptr_equal(pmd, pgtable_pmd(&ctx, addr));
		if (!pmd_none(pmdp_get(pmd)))
			assert_int_equal(addr & PMD_MASK, at[seen++] & PMD_MASK);
		addr = pmd_addr_end(addr, 1UL << 47);
		assert_true(i < 3 * 512);
	}
	addr = 0x300000;
	assert_null(pgtable_next_pmd(&ctx, &addr, 0x300000));
	pg_rig_exit(&ctx);
	mm_context_destroy(&ctx);
	pg_rig_destroy(m);
}

static unsigned long bytes_after_free(unsigned long floor, unsigned long ceiling)
{
	struct machine *m = pg_rig_create(1, RUN_SERIAL, 256);
	struct mm_context ctx;
	struct mmu_gather tlb;
	unsigned long left;

	assert_int_equal(mm_context_init(&ctx), 0);
	assert_int_equal(pg_rig_map(&ctx, 0x40200000, PAGE_SHARED), 0);
	pg_rig_zap(&ctx, 0x40200000, 0x40201000, false);
	tlb_gather_mmu(&tlb, &ctx);
	free_pgd_range(&tlb, 0x40200000, 0x40201000, floor, ceiling);
	tlb_finish_mmu(&tlb);
	left = mm_pgtables_bytes(&ctx) / PAGE_SIZE;
	pg_rig_exit(&ctx);
	mm_context_destroy(&ctx);
	pg_rig_destroy(m);
	return left;
}

/* A table goes only if no neighbour's VMA lies in its span, touched or not. */
static void floor_and_ceiling(void **state)
{
	assert_int_equal(bytes_after_free(0, 0), 0);
	assert_int_equal(bytes_after_free(0x40000000, 0x80000000), 1);	/* PUD table shared */
	assert_int_equal(bytes_after_free(0x40200000, 0), 2);		/* below, in the 1 GiB */
	assert_int_equal(bytes_after_free(0, 0x40400000), 2);
	assert_int_equal(bytes_after_free(0, 0x40202000), 3);		/* in the same 2 MiB */
	assert_int_equal(bytes_after_free(0x40200001, 0), 3);
	assert_int_equal(bytes_after_free(0x40200000, 0x40400000), 2);
}

static void empty_tables_are_reclaimed(void **state)
{
	struct machine *m = pg_rig_create(1, RUN_SERIAL, 256);
	struct mm_context ctx;
	struct mmu_gather tlb;

	assert_int_equal(mm_context_init(&ctx), 0);
	assert_int_equal(pg_rig_map(&ctx, VA, PAGE_SHARED), 0);
	tlb_gather_mmu(&tlb, &ctx);
	assert_false(try_to_free_pte(&ctx, pgtable_pmd(&ctx, VA), VA, &tlb));
	tlb_finish_mmu(&tlb);
	pg_rig_zap(&ctx, VA, VA + PAGE_SIZE, true);
	/* The PTE table, but not the levels above. */
	assert_int_equal(mm_pgtables_bytes(&ctx), 2 * PAGE_SIZE);
	assert_true(pmd_none(pmdp_get(pgtable_pmd(&ctx, VA))));
	pg_rig_exit(&ctx);
	mm_context_destroy(&ctx);
	pg_rig_destroy(m);
}

static void a_table_moves(void **state)
{
	struct machine *m = pg_rig_create(1, RUN_SERIAL, 256);
	unsigned long from = 0x40000000, to = 0x80200000;
	struct mm_context ctx;
	pte_t pte;

	assert_int_equal(mm_context_init(&ctx), 0);
	assert_int_equal(pg_rig_map(&ctx, from, PAGE_SHARED), 0);
	pte = ptep_get(pgtable_peek_pte(&ctx, from));
	assert_true(move_normal_pmd(&ctx, from, to, pgtable_pmd(&ctx, from),
				    pgtable_pmd_alloc(&ctx, to)));
	assert_null(pgtable_peek_pte(&ctx, from));
	assert_true(pte_same(ptep_get(pgtable_peek_pte(&ctx, to)), pte));
	assert_false(move_normal_pmd(&ctx, from, to, pgtable_pmd(&ctx, from),
				     pgtable_pmd(&ctx, to)));
	pg_rig_exit(&ctx);
	mm_context_destroy(&ctx);
	pg_rig_destroy(m);
}

/* Every allocation on the way fails once: nothing is leaked, nothing half-built. */
static void any_allocation_may_fail(void **state)
{
	struct machine *m = pg_rig_create(1, RUN_SERIAL, 256);
	u64 nth = 1;
	bool fired;

	do {
		struct mm_context ctx;
		struct fail_nth f;
		int err;

		fail_nth_begin(&f, nth++, FAIL_SCOPE_ALL);
		err = mm_context_init(&ctx);
		if (!err) {
			err = pg_rig_map(&ctx, VA, PAGE_SHARED);
			pg_rig_zap(&ctx, VA, VA + PAGE_SIZE, nth % 2);
		}
		fired = fail_nth_end(&f);
		/* A gather without memory for its batch is no error. */
		assert_true(!fired || err == -ENOMEM);
		if (ctx.pgd) {
			pg_rig_exit(&ctx);
			mm_context_destroy(&ctx);
		}
		rcu_barrier();
		assert_frames(m, 1);
	} while (fired);
	assert_in_range(nth, 6, 8);
	pg_rig_destroy(m);
}

static struct mm_context shared;

static void fight_for_tables(struct vcpu *cpu)
{
	struct prng rng;

	prng_seed(&rng, cpu->nr);
	for (unsigned int i = 0; i < RIG_LOOPS(20000); i++) {
		unsigned long va = VA + prng_below(&rng, 4) * PMD_SIZE +
				   prng_below(&rng, 4) * PAGE_SIZE;

		if (prng_chance(&rng, 300000))
			pg_rig_zap(&shared, va, va + PAGE_SIZE, true);
		else
			pg_rig_map(&shared, va, PAGE_SHARED);
		if (i % 256 == 0)
			rcu_process_callbacks();
	}
}

static void many_vcpus_one_tree(void **state)
{
	static const enum run_mode modes[] = { RUN_FREE, RUN_JITTER };

	for (unsigned int i = 0; i < 2; i++) {
		struct machine *m = pg_rig_create(4, modes[i], 2048);

		assert_int_equal(mm_context_init(&shared), 0);
		phys_rig_run(m, fight_for_tables);
		pg_rig_exit(&shared);
		mm_context_destroy(&shared);
		pg_rig_destroy(m);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_counted),
		cmocka_unit_test(holes_are_skipped),
		cmocka_unit_test(floor_and_ceiling),
		cmocka_unit_test(empty_tables_are_reclaimed),
		cmocka_unit_test(a_table_moves),
		cmocka_unit_test(any_allocation_may_fail),
		cmocka_unit_test(many_vcpus_one_tree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
