/* SPDX-License-Identifier: MIT */
/* room: mm_ops */
/* Swarms: from the seed alone, valid whatever it is, some of it left out, none of it new. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/compiler.h"
#include "ops/swarm.h"

static const struct op_mix base = {
	.name = "test",
	.weight = {
		[OP_MMAP] = 10, [OP_MUNMAP] = 10, [OP_LOAD] = 30, [OP_STORE] = 30,
		[OP_FORK] = 4, [OP_MIGRATE] = 1,
	},
	.shared = 300, .file = 300, .hot = 1000, .tagged = 800, .readonly = 500,
	.dwell = 300, .duel = 200, .stretch = 50, .dwell_ops = 500,
	.readers = 250, .writers = 250, .regions = 2,
	.len_max = 16, .hot_pages = 8,
	.depth = 2, .children = 2, .life_min = 10, .life_max = 20,
};

static void test_same_seed(void **state)
{
	struct op_mix a, b;

	op_mix_swarm(&base, 5, &a);
	op_mix_swarm(&base, 5, &b);
	assert_memory_equal(&a, &b, sizeof(a));
	op_mix_swarm(&base, 6, &b);
	assert_memory_not_equal(&a, &b, sizeof(a));
}

static void test_any_seed(void **state)
{
	unsigned int out[OP_NR] = { 0 }, more[OP_NR] = { 0 }, private = 0, i;
	struct op_mix mix;
	u64 seed;

	for (seed = 0; seed < 3000; seed++) {
		op_mix_swarm(&base, seed, &mix);
		assert_int_equal(op_mix_valid(&mix), 0);
		assert_true(mix.weight[OP_MMAP] && mix.weight[OP_LOAD]);
		for (i = 0; i < OP_NR; i++) {
			assert_true(base.weight[i] || !mix.weight[i]);
			out[i] += base.weight[i] && !mix.weight[i];
			more[i] += mix.weight[i] > base.weight[i];
		}
		private += !mix.shared;
		assert_true(mix.len_max && mix.hot_pages && mix.depth <= 2 && mix.children);
		assert_int_equal(mix.tagged, base.tagged);
	}
	for (i = 0; i < OP_NR; i++) {
		if (!base.weight[i])
			continue;
		assert_in_range(more[i], 600, 1500);
		if (i != OP_MMAP && i != OP_LOAD)
			assert_in_range(out[i], 900, 1100);
	}
	assert_in_range(private, 650, 850);
}

static void test_print(void **state)
{
	struct op_mix mix = {
		.weight = { [OP_MMAP] = 3, [OP_LOAD] = 40 }, .hot = 900, .len_max = 2,
	};
	char buf[128], small[12];

	op_mix_print(&mix, buf, sizeof(buf));
	assert_string_equal(buf, "mmap 3, load 40; hot 900, len_max 2");
	mix.shared = 5;
	op_mix_print(&mix, buf, sizeof(buf));
	assert_string_equal(buf, "mmap 3, load 40; shared 5, hot 900, len_max 2");
	op_mix_print(&mix, small, sizeof(small));
	assert_string_equal(small, "mmap 3, loa");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_seed),
		cmocka_unit_test(test_any_seed),
		cmocka_unit_test(test_print),
	};

	return cmocka_run_group_tests_name("swarm", tests, NULL, NULL);
}
