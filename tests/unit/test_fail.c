/* SPDX-License-Identifier: MIT */
/* room: mm_phys */
/* Failure injection: the nth of a context, by scope; by chance, repeatably. */
#include "phys/fail.h"
#include "phys_rig.h"

static void nth_fails_once(void **state)
{
	struct machine *m = phys_rig_create(1, RUN_SERIAL, 64, 256, 0);

	for (u64 nth = 0; nth <= 6; nth++) {
		struct fail_nth f;
		unsigned int got = 0;

		fail_nth_begin(&f, nth, FAIL_SCOPE_ALL);
		for (unsigned int i = 0; i < 5; i++) {
			void *p = i % 2 ? kmalloc(8, GFP_KERNEL) : NULL;
			struct page *page = i % 2 ? NULL : alloc_page(GFP_KERNEL);

			got += p || page;
			kfree(p);
			if (page)
				free_page(page);
		}
		assert_int_equal(f.seen, 5);
		assert_int_equal(fail_nth_end(&f), nth >= 1 && nth <= 5);
		assert_int_equal(got, nth >= 1 && nth <= 5 ? 4 : 5);
	}
	phys_rig_destroy(m);
}

static void scope_and_nofail(void **state)
{
	struct machine *m = phys_rig_create(1, RUN_SERIAL, 64, 256, 0);
	struct fail_nth f;
	struct page *page;
	void *p;

	fail_nth_begin(&f, 1, FAIL_SCOPE_PAGES);
	p = kmalloc(8, GFP_KERNEL);
	assert_non_null(p);
	kfree(p);
	page = alloc_page(GFP_KERNEL | __GFP_NOFAIL);
	assert_non_null(page);
	free_page(page);
	assert_int_equal(f.seen, 0);
	assert_null(alloc_pages(GFP_KERNEL, 3));
	assert_true(fail_nth_end(&f));
	phys_rig_destroy(m);
}

/* Memory is used up: the nth and all after it. */
static void from_the_nth_on(void **state)
{
	struct machine *m = phys_rig_create(1, RUN_SERIAL, 64, 256, 0);
	struct fail_nth f;
	unsigned int i, got = 0;
	void *p;

	fail_nth_begin(&f, 3, FAIL_SCOPE_SLAB | FAIL_SCOPE_FROM);
	for (i = 0; i < 6; i++) {
		p = kmalloc(8, GFP_KERNEL);
		got += p != NULL;
		kfree(p);
	}
	assert_int_equal(got, 2);
	assert_int_equal(f.seen, 6);
	assert_true(fail_nth_end(&f));
	fail_nth_begin(&f, 0, FAIL_SCOPE_ALL | FAIL_SCOPE_FROM);
	p = kmalloc(8, GFP_KERNEL);
	assert_non_null(p);
	kfree(p);
	assert_false(fail_nth_end(&f));
	phys_rig_destroy(m);
}

static void armed_for_one_context(void **state)
{
	struct machine *m = phys_rig_create(2, RUN_SERIAL, 64, 256, 0);
	struct fail_nth f;
	struct page *page;

	fail_nth_begin(&f, 1, FAIL_SCOPE_ALL);
	machine_bind_host(m, 1);
	page = alloc_page(GFP_KERNEL);
	assert_non_null(page);
	free_page(page);
	machine_bind_host(m, 0);
	assert_null(alloc_page(GFP_KERNEL));
	assert_true(fail_nth_end(&f));
	phys_rig_destroy(m);
}

static u64 failures(u64 seed, u64 *pattern)
{
	struct machine_config config = {
		.nr_cpus = 1, .nr_frames = 256, .frame_bytes = 64, .seed = seed,
		.mode = RUN_SERIAL, .fail = { .prob = 0.25 },
	};
	struct machine *m;
	u64 n = 0;

	assert_int_equal(machine_create(&config, &m), 0);
	machine_bind_host(m, 0);
	assert_int_equal(phys_init(m), 0);
	fail_start(m);
	*pattern = 0;
	for (unsigned int i = 0; i < 1000; i++) {
		struct page *page = alloc_page(GFP_KERNEL);

		n += !page;
		*pattern = *pattern * 3 + !page;
		if (page)
			free_page(page);
	}
	fail_stop(m);
	phys_rig_destroy(m);
	return n;
}

static void chance_follows_the_seed(void **state)
{
	u64 a, b, c;

	assert_in_range(failures(1, &a), 200, 300);
	failures(1, &b);
	failures(2, &c);
	assert_true(a == b);
	assert_true(a != c);
}

/* Of how many allocations: all fail, or none. */
static unsigned int refused(unsigned int of)
{
	unsigned int n = 0;

	while (of--) {
		struct page *page = alloc_page(GFP_KERNEL);

		n += !page;
		if (page)
			free_page(page);
	}
	return n;
}

/* Nothing is granted; the layer boots, and what is set up then is spared, or not. */
static void chance_has_its_time(bool from_boot)
{
	struct machine_config config = {
		.nr_cpus = 1, .nr_frames = 256, .frame_bytes = 64, .mode = RUN_SERIAL,
		.fail = { .prob = 1, .from_boot = from_boot },
	};
	struct machine *m;

	assert_int_equal(machine_create(&config, &m), 0);
	machine_bind_host(m, 0);
	assert_int_equal(phys_init(m), 0);
	assert_int_equal(refused(20), from_boot ? 20 : 0);
	fail_start(m);
	assert_int_equal(refused(20), 20);
	fail_stop(m);
	assert_int_equal(refused(20), from_boot ? 20 : 0);
	phys_rig_destroy(m);
}

static void chance_waits_for_its_start(void **state)
{
	chance_has_its_time(false);
}

static void chance_from_boot(void **state)
{
	chance_has_its_time(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nth_fails_once),
		cmocka_unit_test(scope_and_nofail),
		cmocka_unit_test(from_the_nth_on),
		cmocka_unit_test(armed_for_one_context),
		cmocka_unit_test(chance_follows_the_seed),
		cmocka_unit_test(chance_waits_for_its_start),
		cmocka_unit_test(chance_from_boot),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
