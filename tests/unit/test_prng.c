/* SPDX-License-Identifier: MIT */
/* room: mm_base */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/prng.h"

/* xoshiro256** from state 1, 2, 3, 4: the first outputs of the authors' code. */
static void test_known_sequence(void **state)
{
	struct prng p = { { 1, 2, 3, 4 } };

	assert_true(prng_next(&p) == 11520);
	assert_true(prng_next(&p) == 0);
	assert_true(prng_next(&p) == 1509978240);
	assert_true(prng_next(&p) == 1215971899390074240ULL);
}

/* Seeding is splitmix64, whose first outputs for 1234567 are published. */
static void test_known_seed(void **state)
{
	struct prng p;

	prng_seed(&p, 1234567);
	assert_true(p.s[0] == 6457827717110365317ULL);
	assert_true(p.s[1] == 3203168211198807973ULL);
}

static void test_hash_axes(void **state)
{
	unsigned int ones = 0;

	/* the same coordinates, the same draw; any other, another */
	assert_true(hash64(1, 2, 3) == hash64(1, 2, 3));
	assert_true(hash64(1, 2, 3) != hash64(1, 3, 2));
	assert_true(hash64(1, 2, 3) != hash64(2, 1, 3));
	for (u64 k = 0; k < 1000; k++)
		ones += (unsigned int)__builtin_popcountll(hash64(5, 6, k) ^ hash64(5, 6, k + 1));
	/* neighbours differ in half their bits: 32000 of 64000, sigma 126 */
	assert_in_range(ones, 31000, 33000);
}

static void test_ranges(void **state)
{
	unsigned int count[6] = { 0 }, hits = 0;
	struct prng p;

	prng_seed(&p, 42);
	for (int i = 0; i < 60000; i++)
		count[prng_below(&p, 6)]++;
	for (int i = 0; i < 6; i++)
		assert_in_range(count[i], 9500, 10500);
	for (int i = 0; i < 1000; i++) {
		u64 v = prng_range(&p, 10, 12);
		double d = prng_double(&p);

		assert_in_range(v, 10, 12);
		assert_true(d >= 0.0 && d < 1.0);
	}
	for (int i = 0; i < 100000; i++)
		hits += prng_chance(&p, 100000);
	assert_in_range(hits, 9500, 10500);
	assert_false(prng_chance(&p, 0));
	(void)prng_range(&p, 0, U64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_sequence),
		cmocka_unit_test(test_known_seed),
		cmocka_unit_test(test_hash_axes),
		cmocka_unit_test(test_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
