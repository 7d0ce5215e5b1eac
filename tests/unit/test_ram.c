/* SPDX-License-Identifier: MIT */
/* room: mm_hw */
/* RAM: the two faces of a frame, zero at first, generations. */
#include "hw_rig.h"

#include <errno.h>

static void create_rejects(void **state)
{
	struct ram ram;

	assert_int_equal(ram_create(&ram, 16, 128), -EINVAL);
	assert_int_equal(ram_create(&ram, 0, 64), -EINVAL);
	assert_int_equal(ram_create(&ram, 1UL << 33, 64), -EINVAL);
}

static void whole_frames_share_bytes(void **state)
{
	struct ram ram;

	assert_int_equal(ram_create(&ram, 64, 4096), 0);
	assert_ptr_equal(ram_data(&ram, 7), ram_table(&ram, 7));
	assert_int_equal((char *)ram_data(&ram, 8) - (char *)ram_data(&ram, 7), 4096);
	ram_destroy(&ram);
}

static void tagged_frames_are_apart(void **state)
{
	struct ram ram;
	unsigned long last = 999;

	assert_int_equal(ram_create(&ram, 1000, 64), 0);
	assert_int_equal((char *)ram_data(&ram, 8) - (char *)ram_data(&ram, 7), 64);
	memset(ram_data(&ram, last), 0xff, 64);
	for (unsigned int i = 0; i < 512; i++) {
		assert_int_equal(ram_table(&ram, 0)[i], 0);
		assert_int_equal(ram_table(&ram, last)[i], 0);
	}
	ram_table(&ram, last)[511] = ~0ULL;
	assert_int_equal(((u8 *)ram_data(&ram, last))[63], 0xff);
	ram_destroy(&ram);
}

static void generations(void **state)
{
	struct ram ram;

	assert_int_equal(ram_create(&ram, 16, 64), 0);
	ram_gen_bump(&ram, 3);
	ram_gen_bump(&ram, 3);
	assert_int_equal(ram_gen(&ram, 3), 2);
	assert_int_equal(ram_gen(&ram, 4), 0);
	ram_destroy(&ram);
}

/* 64 GiB of frames cost address space, not memory. */
static void large(void **state)
{
	struct ram ram;
	unsigned long nr = 16UL << 20;

	assert_int_equal(ram_create(&ram, nr, 64), 0);
	*(u64 *)ram_data(&ram, nr - 1) = 1;
	ram_table(&ram, nr - 1)[511] = 1;
	ram_gen_bump(&ram, nr - 1);
	ram_destroy(&ram);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(create_rejects),
		cmocka_unit_test(whole_frames_share_bytes),
		cmocka_unit_test(tagged_frames_are_apart),
		cmocka_unit_test(generations),
		cmocka_unit_test(large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
