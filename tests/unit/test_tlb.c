/* SPDX-License-Identifier: MIT */
/* room: mm_hw */
/* The TLB: associativity, tags, sizes, global entries, every flush. */
#include "hw_rig.h"

static struct tlb tlb;

static int fresh(void **state)
{
	tlb_init(&tlb);
	return 0;
}

/* Pages that fall into one set. */
static unsigned long same_set(unsigned int i)
{
	return 0x400000UL + i * (TLB_SETS << 12);
}

static void hit_and_miss(void **state)
{
	struct tlb_entry *e;

	assert_null(tlb_lookup(&tlb, 1, 0x1000));
	tlb_fill(&tlb, 1, 0x1000, 42, 7, TLB_USER);
	e = tlb_lookup(&tlb, 1, 0x1fff);
	assert_non_null(e);
	assert_int_equal(e->pfn, 42);
	assert_int_equal(e->gen, 7);
	assert_true(e->flags & TLB_USER);
	assert_null(tlb_lookup(&tlb, 1, 0x2000));
}

static void tags_are_apart(void **state)
{
	tlb_fill(&tlb, 1, 0x1000, 10, 0, TLB_USER);
	tlb_fill(&tlb, 2, 0x1000, 20, 0, TLB_USER);
	assert_int_equal(tlb_lookup(&tlb, 1, 0x1000)->pfn, 10);
	assert_int_equal(tlb_lookup(&tlb, 2, 0x1000)->pfn, 20);
	assert_null(tlb_lookup(&tlb, 3, 0x1000));
	tlb_flush_tag(&tlb, 1);
	assert_null(tlb_lookup(&tlb, 1, 0x1000));
	assert_non_null(tlb_lookup(&tlb, 2, 0x1000));
}

/* Four ways hold four pages of a set; a fifth evicts exactly one of them. */
static void associativity(void **state)
{
	unsigned int found = 0;

	for (unsigned int i = 0; i < TLB_WAYS; i++)
		tlb_fill(&tlb, 1, same_set(i), i, 0, TLB_USER);
	for (unsigned int i = 0; i < TLB_WAYS; i++)
		assert_int_equal(tlb_lookup(&tlb, 1, same_set(i))->pfn, i);
	assert_int_equal(tlb.evictions, 0);
	tlb_fill(&tlb, 1, same_set(9), 9, 0, TLB_USER);
	assert_int_equal(tlb.evictions, 1);
	for (unsigned int i = 0; i < TLB_WAYS; i++)
		found += !!tlb_lookup(&tlb, 1, same_set(i));
	assert_int_equal(found, TLB_WAYS - 1);
	assert_non_null(tlb_lookup(&tlb, 1, same_set(9)));
	assert_int_equal(tlb.nr_entries, TLB_WAYS);
}

/* A second fill of a page replaces its entry: no page is held twice. */
static void refill_replaces(void **state)
{
	tlb_fill(&tlb, 1, 0x1000, 10, 0, TLB_USER);
	tlb_fill(&tlb, 1, 0x1000, 11, 0, TLB_USER | TLB_WRITE);
	assert_int_equal(tlb_lookup(&tlb, 1, 0x1000)->pfn, 11);
	tlb_flush_one(&tlb, 1, 0x1000);
	assert_null(tlb_lookup(&tlb, 1, 0x1000));
	assert_int_equal(tlb.nr_entries, 0);
}

static void huge_pages(void **state)
{
	struct tlb_entry *e = tlb_fill(&tlb, 1, 0x40212345, 512, 0, TLB_USER | TLB_2M);

	assert_int_equal(tlb_pfn(e, 0x40212345), 512 + 0x12);
	assert_ptr_equal(tlb_lookup(&tlb, 1, 0x403ff000), e);
	assert_null(tlb_lookup(&tlb, 1, 0x40400000));
	assert_null(tlb_lookup(&tlb, 2, 0x40212345));
	tlb_flush_one(&tlb, 1, 0x40200000);
	assert_null(tlb_lookup(&tlb, 1, 0x40212345));
	for (unsigned long i = 0; i < TLB_HUGE + 3; i++)
		tlb_fill(&tlb, 1, i << 21, i * 512, 0, TLB_USER | TLB_2M);
	assert_int_equal(tlb.nr_huge, TLB_HUGE);
}

static void global_entries(void **state)
{
	tlb_fill(&tlb, 1, 0x1000, 10, 0, TLB_GLOBAL);
	tlb_fill(&tlb, 1, 0x200000, 512, 0, TLB_GLOBAL | TLB_2M);
	assert_non_null(tlb_lookup(&tlb, 5, 0x1000));
	assert_non_null(tlb_lookup(&tlb, 5, 0x201000));
	tlb_flush_tag(&tlb, 1);
	tlb_flush_tag(&tlb, 5);
	tlb_flush_all_nonglobal(&tlb);
	assert_non_null(tlb_lookup(&tlb, 5, 0x1000));
	tlb_flush_one(&tlb, 5, 0x1000);
	assert_null(tlb_lookup(&tlb, 1, 0x1000));
	tlb_flush_all(&tlb);
	assert_null(tlb_lookup(&tlb, 1, 0x201000));
	assert_int_equal(tlb.nr_entries | tlb.nr_global | tlb.nr_huge, 0);
}

static void flush_ranges(void **state)
{
	for (unsigned long i = 0; i < 8; i++)
		tlb_fill(&tlb, 1, i << 12, i, 0, TLB_USER);
	tlb_flush_range(&tlb, 1, 0x2000, 0x5000, 12);
	for (unsigned long i = 0; i < 8; i++)
		assert_int_equal(!tlb_lookup(&tlb, 1, i << 12), i >= 2 && i < 5);
	tlb_flush_range(&tlb, 2, 0, 0x8000, 12);
	assert_non_null(tlb_lookup(&tlb, 1, 0));
	/* Longer than the TLB: still covers everything asked for. */
	tlb_fill(&tlb, 1, 0x3000, 1, 0, TLB_GLOBAL);
	tlb_flush_range(&tlb, 1, 0, 1UL << 32, 12);
	assert_int_equal(tlb.nr_entries, 0);
}

static bool count_entry(void *arg, unsigned long va, unsigned int tag,
			const struct tlb_entry *entry)
{
	assert_int_equal(tag, 3);
	assert_int_equal(va >> 12, entry->pfn);
	return ++*(unsigned int *)arg < 5;
}

static void iteration(void **state)
{
	unsigned int n = 0;

	for (unsigned long i = 0; i < 4; i++)
		tlb_fill(&tlb, 3, i << 12, i, 0, TLB_USER);
	tlb_for_each(&tlb, count_entry, &n);
	assert_int_equal(n, 4);
	for (unsigned long i = 4; i < 9; i++)
		tlb_fill(&tlb, 3, i << 12, i, 0, TLB_USER);
	n = 0;
	tlb_for_each(&tlb, count_entry, &n);
	assert_int_equal(n, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(hit_and_miss, fresh),
		cmocka_unit_test_setup(tags_are_apart, fresh),
		cmocka_unit_test_setup(associativity, fresh),
		cmocka_unit_test_setup(refill_replaces, fresh),
		cmocka_unit_test_setup(huge_pages, fresh),
		cmocka_unit_test_setup(global_entries, fresh),
		cmocka_unit_test_setup(flush_ranges, fresh),
		cmocka_unit_test_setup(iteration, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
