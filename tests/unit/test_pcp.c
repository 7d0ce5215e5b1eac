/* SPDX-License-Identifier: MIT */
/* room: mm_phys */
/* Per-CPU page lists: batches, limits, who gets what back, and what a pair costs. */
#include "phys_rig.h"

static struct pcp_list *list_of(struct machine *m, unsigned int cpu)
{
	return &m->phys->pcps[cpu].lists[0];
}

static void a_batch_at_a_time(void **state)
{
	struct machine *m = phys_rig_create(2, RUN_SERIAL, 64, 65536, 0);
	struct zone *z = &m->phys->zones[0];
	struct page *page;

	assert_true(z->pcp_batch >= 15);
	assert_true(z->pcp_high >= z->pcp_batch);
	page = alloc_page(GFP_KERNEL);
	assert_int_equal(list_of(m, 0)->count, z->pcp_batch - 1);
	free_page(page);
	assert_ptr_equal(alloc_page(GFP_KERNEL), page);
	assert_int_equal(list_of(m, 0)->count, z->pcp_batch - 1);
	/* A page goes to the list of who frees it. */
	machine_bind_host(m, 1);
	free_page(page);
	assert_int_equal(list_of(m, 1)->count, 1);
	machine_bind_host(m, 0);
	phys_rig_destroy(m);
}

static void lists_are_bounded(void **state)
{
	struct machine *m = phys_rig_create(1, RUN_SERIAL, 64, 8192, 0);
	struct zone *z = &m->phys->zones[0];
	unsigned int n = 3 * z->pcp_high;
	LIST_HEAD(list);
	struct page *page, *next;

	while (n--) {
		page = alloc_page(GFP_KERNEL);
		list_add(&page->lru, &list);
	}
	list_for_each_entry_safe(page, next, &list, lru) {
		free_page(page);
		assert_true(list_of(m, 0)->count <= z->pcp_high);
	}
	drain_local_pages();
	assert_int_equal(list_of(m, 0)->count, 0);
	assert_frames(m, 0);
	phys_rig_destroy(m);
}

static void others_give_back_when_asked(void **state)
{
	struct machine *m = phys_rig_create(2, RUN_SERIAL, 64, 256, 0);
	struct page *theirs, *more, *page, *next;
	LIST_HEAD(list);

	machine_bind_host(m, 1);
	theirs = alloc_page(GFP_KERNEL);
	more = alloc_page(GFP_KERNEL);
	free_page(theirs);
	assert_true(list_of(m, 1)->count > 0);
	machine_bind_host(m, 0);
	while ((page = alloc_page(GFP_KERNEL)) != NULL)
		list_add(&page->lru, &list);
	machine_bind_host(m, 1);
	assert_true(list_of(m, 1)->count > 0);
	free_page(more);
	assert_int_equal(list_of(m, 1)->count, 0);
	machine_bind_host(m, 0);
	list_for_each_entry_safe(page, next, &list, lru)
		free_page(page);
	phys_rig_destroy(m);
}

static void pair_cost(void **state)
{
	struct machine *m = phys_rig_create(1, RUN_SERIAL, 64, 65536, 0);
	unsigned int n = RIG_LOOPS(4000000);
	double t;

	free_page(alloc_page(GFP_KERNEL));
	t = rig_cpu_seconds();
	for (unsigned int i = 0; i < n; i++)
		free_page(alloc_page(GFP_KERNEL));
	t = rig_cpu_seconds() - t;
	print_message("alloc_page + free_page: %.1f ns\n", t / n * 1e9);
	phys_rig_destroy(m);
}

/* Pages allocated on one vCPU and freed on another, all the time. */
#define RING	64
static struct page *ring[RING];

static void pass_on(struct vcpu *cpu)
{
	for (unsigned int i = 0; i < RIG_LOOPS(200000); i++) {
		struct page *page = alloc_page(GFP_KERNEL);

		if (page) {
			u64 *words = page_address(page);

			words[0] = words[7] = page->pfn;
		}
		page = xchg(&ring[(i * 7 + cpu->nr) % RING], page);
		if (page) {
			u64 *words = page_address(page);

			MM_BUG_ON(words[0] != page->pfn || words[7] != page->pfn);
			free_page(page);
		}
	}
}

static void pages_wander(void **state)
{
	struct machine *m = phys_rig_create(6, RUN_FREE, 64, 1024, 1);

	phys_rig_run(m, pass_on);
	for (unsigned int i = 0; i < RING; i++)
		if (ring[i])
			free_page(ring[i]);
	assert_frames(m, 0);
	phys_rig_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_batch_at_a_time),
		cmocka_unit_test(lists_are_bounded),
		cmocka_unit_test(others_give_back_when_asked),
		cmocka_unit_test(pair_cost),
		cmocka_unit_test(pages_wander),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
