/* SPDX-License-Identifier: MIT */
/* room: mm_base */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/hist.h"
#include "base/prng.h"

static void test_buckets(void **state)
{
	struct prng p;

	for (unsigned int b = 0; b + 1 < HIST_BUCKETS; b++) {
		assert_int_equal(hist_bucket(hist_bucket_start(b)), b);
		assert_int_equal(hist_bucket(hist_bucket_start(b + 1) - 1), b);
	}
	assert_int_equal(hist_bucket(U64_MAX), HIST_BUCKETS - 1);
	prng_seed(&p, 3);
	for (int i = 0; i < 10000; i++) {
		u64 v = prng_next(&p) >> prng_below(&p, 64);
		u64 start = hist_bucket_start(hist_bucket(v));

		/* no more than one part in HIST_SUB below */
		assert_true(start <= v && v - start <= v / HIST_SUB);
	}
}

static void test_percentiles(void **state)
{
	struct hist h;

	hist_init(&h);
	assert_int_equal(hist_percentile(&h, 500), 0);
	for (u64 v = 1; v <= 1000; v++)
		hist_add(&h, v);
	assert_in_range(hist_percentile(&h, 500), 500, 500 + 500 / 16);
	assert_in_range(hist_percentile(&h, 990), 990, 1000);
	assert_int_equal(hist_percentile(&h, 0), 1);
	assert_int_equal(hist_percentile(&h, 1000), 1000);
	assert_true(hist_mean(&h) == 500.5);
	hist_add(&h, U64_MAX);
	assert_true(hist_percentile(&h, 1000) == U64_MAX);
}

static void test_merge(void **state)
{
	struct hist a, b;

	hist_init(&a);
	hist_init(&b);
	hist_add(&a, 5);
	hist_add(&b, 7);
	hist_add(&b, 1000000);
	hist_merge(&a, &b);
	assert_int_equal(a.total, 3);
	assert_int_equal(a.min, 5);
	assert_int_equal(a.max, 1000000);
	assert_int_equal(hist_percentile(&a, 500), 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_buckets),
		cmocka_unit_test(test_percentiles),
		cmocka_unit_test(test_merge),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
