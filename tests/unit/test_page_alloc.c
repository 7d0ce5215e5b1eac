/* SPDX-License-Identifier: MIT */
/* room: mm_phys */
/* The buddy: split, merge, exhaustion, poison and generations, and many vCPUs at once. */
#include "phys_rig.h"

static void orders_split_and_merge(void **state)
{
	struct machine *m = phys_rig_create(1, RUN_SERIAL, 64, 4096, 1);
	unsigned long free0 = nr_free_pages(m);
	struct page *blocks[NR_PAGE_ORDERS];

	assert_int_equal(free0, 4095);
	for (unsigned int o = 0; o < NR_PAGE_ORDERS; o++) {
		blocks[o] = alloc_pages(GFP_KERNEL, o);
		assert_non_null(blocks[o]);
		assert_int_equal(page_to_pfn(blocks[o]) & ((1UL << o) - 1), 0);
		assert_ptr_equal(pfn_to_page(page_to_pfn(blocks[o])), blocks[o]);
		assert_int_equal(page_ref_count(blocks[o]), 1);
		assert_int_equal(page_mapcount(blocks[o]), 0);
	}
	assert_int_equal(nr_free_pages(m), free0 - ((1UL << NR_PAGE_ORDERS) - 1));
	assert_frames(m, (1UL << NR_PAGE_ORDERS) - 1);
	for (unsigned int o = 0; o < NR_PAGE_ORDERS; o++)
		__free_pages(blocks[o], o);
	drain_all_pages(m);
	assert_frames(m, 0);
	/* Everything merged again: as many largest blocks as at boot. */
	assert_int_equal(m->phys->zones[0].free_area[MAX_PAGE_ORDER].nr_free, 3);
	phys_rig_destroy(m);
}

static void no_block_overlaps(void **state)
{
	struct machine *m = phys_rig_create(1, RUN_SERIAL, 64, 1024, 0);
	static struct page *got[1024];
	static u8 seen[1024];
	unsigned int n = 0;
	struct page *page;

	memset(seen, 0, sizeof(seen));
	while ((page = alloc_pages(GFP_KERNEL | __GFP_MEMALLOC, n % 3)) != NULL) {
		for (unsigned int i = 0; i < 1U << (n % 3); i++)
			assert_int_equal(seen[page_to_pfn(page) + i]++, 0);
		got[n++] = page;
	}
	assert_int_equal(seen[0], 0);
	while (n--)
		put_page(got[n]);
	phys_rig_destroy(m);
}

static void exhaustion_keeps_a_reserve(void **state)
{
	struct machine *m = phys_rig_create(1, RUN_SERIAL, 64, 4096, 0);
	struct zone *z = &m->phys->zones[0];
	LIST_HEAD(list);
	struct page *page, *next;

	assert_true(z->watermark[WMARK_MIN] > 0);
	assert_int_equal(z->watermark[WMARK_LOW] - z->watermark[WMARK_MIN],
			 z->watermark[WMARK_HIGH] - z->watermark[WMARK_LOW]);
	while ((page = alloc_page(GFP_KERNEL)) != NULL)
		list_add(&page->lru, &list);
	assert_true(nr_free_pages(m) > 0);
	assert_true(nr_free_pages(m) <= z->watermark[WMARK_MIN]);
	/* Atomic requests may go halfway into it, and no further. */
	while ((page = alloc_page(GFP_ATOMIC)) != NULL)
		list_add(&page->lru, &list);
	assert_true(nr_free_pages(m) <= z->watermark[WMARK_MIN] / 2 + 1);
	assert_true(nr_free_pages(m) > 0);
	list_for_each_entry_safe(page, next, &list, lru)
		free_page(page);
	assert_frames(m, 0);
	phys_rig_destroy(m);
}

/* What the oracles of init and stale rest on. */
static void a_frame_has_lives(void **state)
{
	for (unsigned int bytes = 64; bytes <= 4096; bytes *= 64) {
		struct machine *m = phys_rig_create(1, RUN_SERIAL, bytes, 256, 1);
		struct page *page = alloc_page(GFP_KERNEL);
		unsigned long pfn = page_to_pfn(page);
		u32 gen __maybe_unused = ram_gen(&m->ram, pfn);
		u64 *words = page_address(page);

#if MM_CHECK
		assert_true(words[0] == POISON_ALLOC_WORD);
		assert_true(words[bytes / 8 - 1] == POISON_ALLOC_WORD);
#endif
		free_page(page);
#if MM_CHECK
		assert_int_equal(ram_gen(&m->ram, pfn), gen + 1);
#if !MM_ASAN
		assert_true(words[3] == POISON_FREE_WORD);
#endif
#endif
		page = alloc_page(GFP_KERNEL | __GFP_ZERO);
		assert_int_equal(page_to_pfn(page), pfn);	/* the hottest one */
		for (unsigned int i = 0; i < bytes / 8; i++)
			assert_true(words[i] == 0);
		free_page(page);
		phys_rig_destroy(m);
	}
}

static void tables_use_the_whole_frame(void **state)
{
	struct machine *m = phys_rig_create(1, RUN_SERIAL, 64, 256, 1);
	struct page *page = alloc_page(GFP_PGTABLE_USER | __GFP_ZERO);
	u64 *entries = page_table_address(page);

	assert_true(PageTable(page));
	for (unsigned int i = 0; i < 512; i++)
		assert_true(entries[i] == 0);
	free_page(page);
	assert_false(PageTable(page));
#if MM_CHECK && !MM_ASAN
	assert_true(entries[511] == POISON_FREE_WORD);
#endif
	phys_rig_destroy(m);
}

static void misuse_is_found(void **state)
{
#if MM_CHECK
	struct machine *m = phys_rig_create(1, RUN_SERIAL, 64, 256, 1);
	struct page *page = alloc_page(GFP_KERNEL);

	atomic_set(&page->_mapcount, 0);
	free_page(page);
	page = alloc_page(GFP_KERNEL);
	SetPageSwapCache(page);
	free_page(page);
	page = alloc_page(GFP_KERNEL);	/* never freed */
	phys_exit(m);
	machine_unbind_host(m);
	assert_int_equal(finding_count(&m->sink), 3);
	assert_string_equal(finding_get(&m->sink, 0)->title, "REFS: page freed while mapped");
	assert_string_equal(finding_get(&m->sink, 1)->title,
			    "REFS: page freed with flags of use");
	assert_string_equal(finding_get(&m->sink, 2)->title,
			    "REFS: frames allocated at shutdown");
	machine_destroy(m);
#endif
}

/* Blocks of mixed orders, each stamped all over while it is owned. */
#define HAMMER_SLOTS	24

static void hammer(struct vcpu *cpu)
{
	struct page *held[HAMMER_SLOTS] = { NULL };
	struct prng rng;

	prng_seed(&rng, cpu->nr + 100);
	for (unsigned int i = 0; i < RIG_LOOPS(400000); i++) {
		struct page **slot = &held[prng_below(&rng, HAMMER_SLOTS)];
		u64 *words;

		if (*slot) {
			words = page_address(*slot);
			MM_BUG_ON(words[1] != (cpu->nr ^ (*slot)->pfn));
			put_page(*slot);
			*slot = NULL;
			continue;
		}
		*slot = alloc_pages(GFP_KERNEL, prng_chance(&rng, 100000) ?
				    (unsigned int)prng_below(&rng, 5) : 0);
		if (*slot) {
			words = page_address(*slot);
			words[1] = cpu->nr ^ (*slot)->pfn;
		}
	}
	for (unsigned int i = 0; i < HAMMER_SLOTS; i++)
		if (held[i])
			put_page(held[i]);
}

static void many_vcpus(void **state)
{
	/* Tight: the lists must be given back, and some requests fail. */
	struct machine *m = phys_rig_create(8, RUN_FREE, 64, 640, 1);

	phys_rig_run(m, hammer);
	assert_frames(m, 0);
	assert_int_equal(nr_free_pages(m), 639);
	phys_rig_destroy(m);
}

static void jittered_vcpus(void **state)
{
	struct machine *m = phys_rig_create(4, RUN_JITTER, 4096, 1024, 1);

	phys_rig_run(m, hammer);
	assert_frames(m, 0);
	phys_rig_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(orders_split_and_merge),
		cmocka_unit_test(no_block_overlaps),
		cmocka_unit_test(exhaustion_keeps_a_reserve),
		cmocka_unit_test(a_frame_has_lives),
		cmocka_unit_test(tables_use_the_whole_frame),
		cmocka_unit_test(misuse_is_found),
		cmocka_unit_test(many_vcpus),
		cmocka_unit_test(jittered_vcpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
