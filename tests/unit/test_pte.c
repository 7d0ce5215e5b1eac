/* SPDX-License-Identifier: MIT */
/* room: mm_pgtable */
/* Entries: what they say, what changes them, and the types of non-present ones. */
#include "pgtable_rig.h"

static void rights_and_states(void **state)
{
	pte_t pte = pfn_pte(0x1234, PAGE_SHARED);

	assert_true(pte_present(pte) && pte_write(pte) && !pte_exec(pte));
	assert_true(pte_young(pte) && !pte_dirty(pte));
	assert_int_equal(pte_pfn(pte), 0x1234);
	pte = pte_mkdirty(pte_wrprotect(pte));
	assert_true(pte_dirty(pte) && pte_soft_dirty(pte) && !pte_write(pte));
	pte = pte_modify(pte, PAGE_NONE);
	assert_true(pte_present(pte) && pte_protnone(pte) && !pte_accessible(pte));
	assert_true(pte_dirty(pte));
	pte = pte_modify(pte, PAGE_READONLY_EXEC);
	assert_true(pte_exec(pte) && pte_dirty(pte) && !pte_protnone(pte));
	assert_int_equal(pte_pfn(pte), 0x1234);
	assert_true(pte_none(__pte(0)) && !pte_present(__pte(0)));
	assert_true(pte_special(pte_mkspecial(pte)));
	assert_false(pte_young(pte_mkold(pte)));
}

static void nonpresent_types(void **state)
{
	static const unsigned int types[] = { 0, 5, SWP_MIGRATION_READ, SWP_MIGRATION_WRITE,
					      SWP_PTE_MARKER };
	static const u64 offsets[] = { 0, 1, 0xabcdef, (1ULL << 50) - 1 };

	for (unsigned int t = 0; t < ARRAY_SIZE(types); t++)
		for (unsigned int o = 0; o < ARRAY_SIZE(offsets); o++) {
			pte_t pte = swp_entry_to_pte(swp_entry(types[t], offsets[o]));
			swp_entry_t e = pte_to_swp_entry(pte);

			assert_int_equal(swp_type(e), types[t]);
			assert_true(swp_offset(e) == offsets[o]);
			assert_false(pte_present(pte));
			e = pte_to_swp_entry(pte_swp_mkexclusive(pte));
			assert_true(swp_offset(e) == offsets[o]);
		}
	assert_true(is_migration_entry(make_readable_exclusive_migration_entry(7)));
	assert_true(is_writable_migration_entry(make_writable_migration_entry(7)));
	assert_int_equal(swp_offset_pfn(make_migration_entry_dirty(
				make_migration_entry_young(make_writable_migration_entry(7)))), 7);
	assert_true(is_pte_marker(make_pte_marker(PTE_MARKER_GUARD)));
	assert_true(is_guard_swp_entry(make_pte_marker_entry(PTE_MARKER_GUARD)));
	assert_false(is_pte_marker(pfn_pte(3, PAGE_SHARED)));
	/* Poison in a table is no entry that anyone would follow. */
	assert_false(pte_present(__pte(POISON_FREE_WORD)) || pte_present(__pte(POISON_ALLOC_WORD)));
	assert_false(pmd_present(__pmd(POISON_FREE_WORD)) || pmd_present(__pmd(POISON_ALLOC_WORD)));
}

static void changes(void **state)
{
	struct machine *m = pg_rig_create(1, RUN_SERIAL, 64);
	pte_t slot = __pte(0);
	pte_t rw = pte_mkdirty(pfn_pte(9, PAGE_SHARED));

	set_pte_at(NULL, 0, &slot, rw);
	ptep_set_wrprotect(&slot);
	assert_true(pte_same(ptep_get(&slot), pte_wrprotect(rw)));
	assert_true(ptep_test_and_clear_young(&slot));
	assert_false(ptep_test_and_clear_young(&slot));
	assert_true(ptep_set_access_flags(&slot, rw, true));
	assert_false(ptep_set_access_flags(&slot, rw, true));
	assert_true(pte_same(ptep_get_and_clear(&slot), rw));
	assert_true(pte_none(ptep_get(&slot)));
	pg_rig_destroy(m);
}

/*
 * Software takes W away while the "hardware" sets D, which it may only as long
 * as W is there: each D that was set is found by who took W away.
 */
static u64 shared_entry, dirty_set, dirty_found;
static u32 rounds_over;

static void protect_or_walk(struct vcpu *cpu)
{
	if (cpu->nr) {
		while (!smp_load_acquire(&rounds_over)) {
			u64 old = smp_load_acquire(&shared_entry);

			if ((old & _PAGE_RW) && !(old & _PAGE_DIRTY))
				dirty_set += try_cmpxchg(&shared_entry, &old, old | _PAGE_DIRTY);
			sched_point(SCHED_WAIT, NULL);
		}
		return;
	}
	/* The other one may be slow to get a core. */
	for (unsigned int i = 0; i < RIG_LOOPS(400000) || dirty_found < 10; i++) {
		set_pte((pte_t *)&shared_entry, pfn_pte(9, PAGE_SHARED));
		ptep_set_wrprotect((pte_t *)&shared_entry);
		dirty_found += !!(READ_ONCE(shared_entry) & _PAGE_DIRTY);
		sched_point(SCHED_WAIT, NULL);
	}
	smp_store_release(&rounds_over, 1);
}

static void dirty_is_never_lost(void **state)
{
	static const enum run_mode modes[] = { RUN_FREE, RUN_JITTER };

	for (unsigned int i = 0; i < 2; i++) {
		struct machine *m = pg_rig_create(2, modes[i], 64);

		rounds_over = 0;
		dirty_set = dirty_found = 0;
		phys_rig_run(m, protect_or_walk);
		assert_int_equal(dirty_found, dirty_set);
		pg_rig_destroy(m);
	}
}

static void change_cost(void **state)
{
	struct machine *m = pg_rig_create(1, RUN_SERIAL, 64);
	unsigned int n = RIG_LOOPS(20000000);
	static pte_t slots[512];
	double t = rig_cpu_seconds();

	for (unsigned int i = 0; i < n; i++)
		set_pte(&slots[i % 512], __pte(i));
	print_message("set_pte: %.1f ns\n", (rig_cpu_seconds() - t) / n * 1e9);
	t = rig_cpu_seconds();
	for (unsigned int i = 0; i < n; i++)
		ptep_get_and_clear(&slots[i % 512]);
	print_message("ptep_get_and_clear: %.1f ns\n", (rig_cpu_seconds() - t) / n * 1e9);
	pg_rig_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rights_and_states),
		cmocka_unit_test(nonpresent_types),
		cmocka_unit_test(changes),
		cmocka_unit_test(dirty_is_never_lost),
		cmocka_unit_test(change_cost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
