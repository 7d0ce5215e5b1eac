/* SPDX-License-Identifier: MIT */
/* room: mm_phys */
/* struct page: flags, references, the page lock under contention, contents. */
#include "phys_rig.h"

static void flags_and_references(void **state)
{
	struct machine *m = phys_rig_create(1, RUN_SERIAL, 64, 64, 0);
	struct page *page = alloc_page(GFP_KERNEL);

	SetPageDirty(page);
	assert_true(PageDirty(page));
	assert_false(TestSetPageReferenced(page));
	assert_true(TestClearPageReferenced(page));
	assert_false(PageUptodate(page));
	SetPageUptodate(page);
	assert_true(PageUptodate(page));
	ClearPageDirty(page);
	get_page(page);
	assert_true(page_ref_freeze(page, 2));
	assert_false(try_get_page(page));
	page_ref_unfreeze(page, 2);
	assert_true(try_get_page(page));
	put_page(page);
	put_page(page);
	page->mapping = (void *)(0x1000 | PAGE_MAPPING_ANON);
	assert_true(PageAnon(page));
	assert_int_equal((unsigned long)page_anon_vma(page), 0x1000);
	assert_null(page_mapping(page));
	put_page(page);
	assert_false(try_get_page(page));
	phys_rig_destroy(m);
}

static void contents(void **state)
{
	struct machine *m = phys_rig_create(1, RUN_SERIAL, 4096, 64, 0);
	struct page *a = alloc_page(GFP_KERNEL), *b = alloc_page(GFP_KERNEL);
	u8 *pa = page_address(a), *pb = page_address(b);

	memset(pa, 0x77, 4096);
	copy_page(b, a);
	assert_memory_equal(pa, pb, 4096);
	clear_page(a);
	assert_int_equal(pa[0] | pa[4095], 0);
	copy_page_atomic(a, b);
	assert_memory_equal(pa, pb, 4096);
	clear_page_atomic(b);
	assert_int_equal(pb[0] | pb[4095], 0);
	free_page(a);
	free_page(b);
	phys_rig_destroy(m);
}

static struct page *contended[2];
static unsigned long counter[2];	/* each under its page's lock */
static u64 taken_by_try;

static void contend(struct vcpu *cpu)
{
	for (unsigned int i = 0; i < RIG_LOOPS(60000); i++) {
		unsigned int k = (i + cpu->nr) % 2;

		if (i % 5 == 0) {
			if (!trylock_page(contended[k]))
				continue;
			__atomic_fetch_add(&taken_by_try, 1, __ATOMIC_RELAXED);
		} else {
			lock_page(contended[k]);
		}
		counter[k]++;
		if (i % 64 == 0)
			for (unsigned int s = 0; s < 20; s++)
				sched_point(SCHED_WAIT, NULL);
		counter[k]++;
		unlock_page(contended[k]);
		if (i % 97 == 0)
			wait_on_page_locked(contended[k]);
	}
}

static void lock_excludes(void **state)
{
	struct machine *m = phys_rig_create(6, RUN_JITTER, 64, 64, 0);

	contended[0] = alloc_page(GFP_KERNEL);
	contended[1] = alloc_page(GFP_KERNEL);
	phys_rig_run(m, contend);
	assert_int_equal(counter[0] % 2, 0);
	assert_true(counter[0] + counter[1] >=
		    6UL * RIG_LOOPS(60000) * 4 / 5 * 2 + 2 * taken_by_try - 24);
	assert_false(PageLocked(contended[0]));
	put_page(contended[0]);
	put_page(contended[1]);
	phys_rig_destroy(m);
}

static void lock_order_is_judged(void **state)
{
#if MM_CHECK
	struct machine *m = phys_rig_create(1, RUN_SERIAL, 64, 64, 0);
	struct page *a = alloc_page(GFP_KERNEL), *b = alloc_page(GFP_KERNEL);
	struct page *lo = a < b ? a : b, *hi = a < b ? b : a;

	lock_page(lo);
	lock_page(hi);
	assert_int_equal(finding_count(&m->sink), 0);
	unlock_page(lo);
	lock_page(lo);
	assert_int_equal(finding_count(&m->sink), 1);
	assert_int_equal(finding_get(&m->sink, 0)->kind, FINDING_LOCKDEP);
	unlock_page(lo);
	unlock_page(hi);
	free_page(a);
	free_page(b);
	phys_exit(m);
	machine_unbind_host(m);
	machine_destroy(m);
#endif
}

/* A reference taken without a lock, while the page dies and lives again. */
static void lookup_or_free(struct vcpu *cpu)
{
	struct page **slot = &contended[0];

	for (unsigned int i = 0; i < RIG_LOOPS(100000); i++) {
		struct page *page;

		if (!cpu->nr) {
			page = alloc_page(GFP_KERNEL);
			page->private = i;
			put_page(xchg(slot, page));
			continue;
		}
		page = smp_load_acquire(slot);
		if (!try_get_page(page))
			continue;
		/* Still the one that is looked for, or another's by now: harmless. */
		if (page == smp_load_acquire(slot))
			MM_BUG_ON(page_ref_count(page) < 1);
		put_page(page);
	}
}

static void speculative_references(void **state)
{
	struct machine *m = phys_rig_create(3, RUN_FREE, 64, 64, 1);

	contended[0] = alloc_page(GFP_KERNEL);
	phys_rig_run(m, lookup_or_free);
	put_page(contended[0]);
	assert_frames(m, 0);
	phys_rig_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(flags_and_references),
		cmocka_unit_test(contents),
		cmocka_unit_test(lock_excludes),
		cmocka_unit_test(lock_order_is_judged),
		cmocka_unit_test(speculative_references),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
