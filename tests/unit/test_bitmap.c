/* SPDX-License-Identifier: MIT */
/* room: mm_base */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/bitmap.h"
#include "base/prng.h"

static void test_find(void **state)
{
	static const unsigned int at[] = { 0, 1, 63, 64, 65, 127, 130, 199 };
	DECLARE_BITMAP(map, 200);
	unsigned long bit;
	unsigned int n = 0;

	bitmap_zero(map, 200);
	assert_int_equal(find_first_bit(map, 200), 200);
	for (unsigned int i = 0; i < ARRAY_SIZE(at); i++)
		__set_bit(at[i], map);
	for_each_set_bit(bit, map, 200) {
		assert_int_equal(bit, at[n]);
		n++;
	}
	assert_int_equal(n, ARRAY_SIZE(at));
	assert_int_equal(find_first_zero_bit(map, 200), 2);
	assert_int_equal(find_next_zero_bit(map, 200, 63), 66);
	/* a bit beyond the size is not seen */
	assert_int_equal(find_next_bit(map, 199, 131), 199);
	bitmap_fill(map, 200);
	assert_int_equal(find_first_zero_bit(map, 200), 200);
	assert_true(bitmap_full(map, 200));
}

/* Every helper against bits in a plain array. */
static void test_against_bools(void **state)
{
	struct prng prng;

	prng_seed(&prng, 7);
	for (int round = 0; round < 300; round++) {
		unsigned int n = (unsigned int)prng_range(&prng, 1, 190), weight = 0;
		DECLARE_BITMAP(a, 192);
		DECLARE_BITMAP(b, 192);
		DECLARE_BITMAP(r, 192);
		bool any = false, any_not = false;

		for (unsigned int i = 0; i < 3; i++) {
			a[i] = (unsigned long)prng_next(&prng);
			b[i] = round % 3 ? (unsigned long)prng_next(&prng) : a[i];
		}
		for (unsigned int i = 0; i < n; i++) {
			bool in_a = test_bit(i, a), in_b = test_bit(i, b);

			weight += in_a;
			any |= in_a && in_b;
			any_not |= in_a && !in_b;
		}
		assert_int_equal(bitmap_weight(a, n), weight);
		assert_int_equal(bitmap_empty(a, n), !weight);
		assert_int_equal(bitmap_and(r, a, b, n), any);
		assert_int_equal(bitmap_intersects(a, b, n), any);
		assert_int_equal(bitmap_andnot(r, a, b, n), any_not);
		assert_int_equal(bitmap_subset(a, b, n), !any_not);
		bitmap_or(r, a, b, n);
		assert_true(bitmap_subset(a, r, n) && bitmap_subset(b, r, n));
		bitmap_copy(r, a, n);
		assert_true(bitmap_equal(r, a, n));
		change_bit(n - 1, r);
		assert_false(bitmap_equal(r, a, n));
	}
}

static void test_ranges_and_atomics(void **state)
{
	DECLARE_BITMAP(map, 128);

	bitmap_zero(map, 128);
	bitmap_set(map, 60, 10);
	assert_int_equal(bitmap_weight(map, 128), 10);
	bitmap_clear(map, 62, 4);
	assert_int_equal(bitmap_weight(map, 128), 6);
	assert_int_equal(find_next_bit(map, 128, 62), 66);
	assert_false(test_and_set_bit(100, map));
	assert_true(test_and_set_bit(100, map));
	assert_true(test_and_clear_bit(100, map));
	assert_false(test_and_set_bit_lock(101, map));
	clear_bit_unlock(101, map);
	assert_false(test_bit(101, map));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_against_bools),
		cmocka_unit_test(test_ranges_and_atomics),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
