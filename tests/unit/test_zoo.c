/* SPDX-License-Identifier: MIT */
/* room: mm_zoo mm_base */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "zoo/zoo.h"

static void test_registry(void **state)
{
	for (unsigned int id = 0; id < NR_ZOO_BUGS; id++) {
		const struct zoo_bug *bug = zoo_bug(id);

		assert_int_equal(zoo_find(bug->slug), id);
		assert_true(strlen(bug->title) > 10 && strlen(bug->source) > 10);
		assert_int_equal(strspn(bug->slug, "abcdefghijklmnopqrstuvwxyz0123456789-"),
				 strlen(bug->slug));
	}
	assert_null(zoo_bug(NR_ZOO_BUGS));
	assert_int_equal(zoo_find("no-such-bug"), -ENOENT);
	assert_int_equal(zoo_find("mremap-flush-late"), ZOO_MREMAP_FLUSH_LATE);
}

static void test_planting(void **state)
{
	u64 set[ZOO_WORDS] = { 0 };
	struct cpu_local cpu = { .zoo = set, .turn_end = U64_MAX };

	zoo_plant(set, ZOO_FORK_WITHOUT_VMA_LOCK);
	assert_false(zoo(ZOO_FORK_WITHOUT_VMA_LOCK)); /* not in that machine */
	this_cpu_bind(&cpu);
	assert_int_equal(zoo(ZOO_FORK_WITHOUT_VMA_LOCK), MM_ZOO);
	assert_false(zoo(ZOO_MREMAP_FLUSH_LATE));
	this_cpu_bind(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_registry),
		cmocka_unit_test(test_planting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
