/* SPDX-License-Identifier: MIT */
/* room: mm_hw */
/* RAM: the two faces of a frame, zero at first, generations; used again. */
#include "hw_rig.h"

#include <errno.h>

static void create_rejects(void **state)
{
	struct ram ram;

	assert_int_equal(ram_create(&ram, 16, 128, NULL), -EINVAL);
	assert_int_equal(ram_create(&ram, 0, 64, NULL), -EINVAL);
	assert_int_equal(ram_create(&ram, 1UL << 33, 64, NULL), -EINVAL);
}

static void whole_frames_share_bytes(void **state)
{
	struct ram ram;

	assert_int_equal(ram_create(&ram, 64, 4096, NULL), 0);
	assert_ptr_equal(ram_data(&ram, 7), ram_table(&ram, 7));
	assert_int_equal((char *)ram_data(&ram, 8) - (char *)ram_data(&ram, 7), 4096);
	ram_destroy(&ram, NULL);
}

static void tagged_frames_are_apart(void **state)
{
	struct ram ram;
	unsigned long last = 999;

	assert_int_equal(ram_create(&ram, 1000, 64, NULL), 0);
	assert_int_equal((char *)ram_data(&ram, 8) - (char *)ram_data(&ram, 7), 64);
	memset(ram_data(&ram, last), 0xff, 64);
	for (unsigned int i = 0; i < 512; i++) {
		assert_int_equal(ram_table(&ram, 0)[i], 0);
		assert_int_equal(ram_table(&ram, last)[i], 0);
	}
	ram_table(&ram, last)[511] = ~0ULL;
	assert_int_equal(((u8 *)ram_data(&ram, last))[63], 0xff);
	ram_destroy(&ram, NULL);
}

static void generations(void **state)
{
	struct ram ram;

	assert_int_equal(ram_create(&ram, 16, 64, NULL), 0);
	ram_gen_bump(&ram, 3);
	ram_gen_bump(&ram, 3);
	assert_int_equal(ram_gen(&ram, 3), 2);
	assert_int_equal(ram_gen(&ram, 4), 0);
	ram_destroy(&ram, NULL);
}

/* 64 GiB of frames cost address space, not memory. */
static void large(void **state)
{
	struct ram ram;
	unsigned long nr = 16UL << 20;

	assert_int_equal(ram_create(&ram, nr, 64, NULL), 0);
	*(u64 *)ram_data(&ram, nr - 1) = 1;
	ram_table(&ram, nr - 1)[511] = 1;
	ram_gen_bump(&ram, nr - 1);
	ram_destroy(&ram, NULL);
}

#if MM_POINTS
static void all_zero(const struct ram_stock *stock)
{
	const u64 *word = stock->base;

	for (size_t i = 0; i < stock->bytes / sizeof(*word); i++)
		if (word[i])
			fail_msg("word %zu of %zu is 0x%llx", i, stock->bytes / sizeof(*word),
				 word[i]);
}

/* Every third frame is used, in one way, the other, or both. */
static void use(struct ram *ram, unsigned long pfn)
{
	if (pfn % 2) {
		ram_mark(ram, pfn, RAM_USED_DATA);
		memset(ram_data(ram, pfn), 0x6b, ram->frame_bytes);
	}
	if (pfn % 4 != 1) {
		ram_mark(ram, pfn, RAM_USED_TABLE);
		memset(ram_table(ram, pfn), 0x5a, 4096);
	}
	ram_gen_bump(ram, pfn);
}

/* Machines of any size, one after another: each finds zeros, in the same place if it can. */
static void used_again(void **state)
{
	static const struct {
		unsigned long frames;
		unsigned int bytes;
	} size[] = { { 500, 64 }, { 37, 64 }, { 120, 4096 }, { 501, 64 }, { 1500, 64 }, { 1, 64 } };
	struct ram_stock stock = { .base = NULL };

	for (unsigned int i = 0; i < ARRAY_SIZE(size); i++) {
		size_t bytes = stock.bytes;
		void *base = stock.base;
		struct ram ram;

		assert_int_equal(ram_create(&ram, size[i].frames, size[i].bytes, &stock), 0);
		assert_ptr_equal(stock.base, ram.bytes > bytes ? base : NULL);
		for (unsigned long pfn = i % 3; pfn < size[i].frames; pfn += 3)
			use(&ram, pfn);
		use(&ram, size[i].frames - 1);
		ram_destroy(&ram, &stock);
		assert_true(stock.bytes >= bytes);
		all_zero(&stock);
	}
	ram_stock_drop(&stock);
	assert_null(stock.base);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(create_rejects),
		cmocka_unit_test(whole_frames_share_bytes),
		cmocka_unit_test(tagged_frames_are_apart),
		cmocka_unit_test(generations),
		cmocka_unit_test(large),
#if MM_POINTS
		cmocka_unit_test(used_again),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
