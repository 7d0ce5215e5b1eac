/* SPDX-License-Identifier: MIT */
/* room: mm_mm mm_kern */
/* mremap: errors, growing and shrinking in place, moving one VMA and several. */

#include "vma_layout.h"

#define expect(a, b) assert_int_equal((long)(a), (long)(b))
#define MAYMOVE	MREMAP_MAYMOVE
#define FIXED	(MREMAP_MAYMOVE | MREMAP_FIXED)
#define DONTUNMAP	(MREMAP_MAYMOVE | MREMAP_DONTUNMAP)

static void fill(unsigned long page, unsigned long nr)
{
	unsigned long i;

	for (i = page; i < page + nr; i++)
		poke(PG(i), i + 1);
}

static void test_arguments(void **state)
{
	struct mmfix f = mmfix_open();

	map(0, 4, RW);
	expect(remap(0, 4, 0, 0, 0), -EINVAL);
	expect(sys_mremap(PG(0) + 1, PAGE_SIZE, PAGE_SIZE, 0, 0), -EINVAL);
	expect(remap(0, 4, 8, 8, 0), -EINVAL);
	expect(remap(0, 4, 4, MREMAP_FIXED, 16), -EINVAL);
	expect(remap(0, 4, 4, FIXED, 2), -EINVAL);
	expect(remap(0, 4, 4, FIXED, 0), -EINVAL);
	expect(remap(0, 4, 8, DONTUNMAP, 0), -EINVAL);
	expect(remap(8, 1, 2, MAYMOVE, 0), -EFAULT);
	expect(remap(0, 5, 6, MAYMOVE, 0), -EFAULT);
	expect(sys_mremap(PG(0), PAGE_SIZE, 0x800000000000UL, MAYMOVE, 0), -EINVAL);
	expect(remap(0, 0, 2, MAYMOVE, 0), -EINVAL);
	expect(remap(0, 4, 4, 0, 0), PG(0));
	expect(remap(20, 1, 1, 0, 0), -EFAULT);
	expect_layout(&f, "0-4:rw-p");
	mmfix_close(&f);
}

static void test_in_place(void **state)
{
	struct mmfix f = mmfix_open();

	map(0, 4, RW);
	fill(0, 4);
	expect(remap(0, 4, 8, 0, 0), PG(0));
	expect(peek(PG(3)), 4);
	expect(peek(PG(7)), 0);
	expect(remap(0, 2, 3, 0, 0), -ENOMEM);
	expect(remap(2, 6, 3, 0, 0), PG(2));
	expect_layout(&f, "0-5:rw-p");
	/* Up to a neighbour it becomes one with it. */
	map(8, 2, RW);
	expect(remap(0, 5, 8, 0, 0), PG(0));
	expect_layout(&f, "0-10:rw-p");
	map(10, 1, READ);
	expect(remap(0, 10, 11, 0, 0), -ENOMEM);
	mmfix_close(&f);
}

static void test_move_grown(void **state)
{
	struct mmfix f = mmfix_open();
	unsigned long to, i;

	map(0, 6, RW);
	fill(0, 6);
	to = (unsigned long)remap(2, 2, 4, MAYMOVE, 0);
	assert_false(IS_ERR_VALUE(to));
	for (i = 0; i < 4; i++)
		expect(peek(to + i * PAGE_SIZE), i < 2 ? i + 3 : 0);
	expect(sys_munmap(to, 4 * PAGE_SIZE), 0);
	expect_layout(&f, "0-2:rw-p 4-6:rw-p");
	expect(peek(PG(4)), 5);
	/* What stays keeps its promise, what went has taken its own along. */
	expect(vm_memory_committed(f.m), 4);
	check_counters(f.mm, 4, 0, 0);
	mmfix_close(&f);
}

static void test_fixed(void **state)
{
	struct mmfix f = mmfix_open();

	map(0, 4, RW);
	fill(0, 4);
	map(15, 8, READ);
	expect(remap(0, 4, 4, FIXED, 16), PG(16));
	expect_layout(&f, "15-16:r--p 16-20:rw-p 20-23:r--p");
	expect(peek(PG(18)), 3);
	/* Smaller: the tail goes first. Larger: the rest is new. */
	expect(remap(16, 4, 2, FIXED, 0), PG(0));
	expect(remap(0, 2, 5, FIXED, 30), PG(30));
	expect_layout(&f, "15-16:r--p 20-23:r--p 30-35:rw-p");
	expect(peek(PG(31)), 2);
	/* A call that is refused leaves the destination. */
	expect(remap(0, 2, 2, FIXED, 20), -EFAULT);
	expect(remap(30, 6, 7, FIXED, 20), -EFAULT);
	expect_layout(&f, "15-16:r--p 20-23:r--p 30-35:rw-p");
	mmfix_close(&f);
}

static void test_several(void **state)
{
	struct mmfix f = mmfix_open();

	map(0, 2, RW);
	map(2, 2, READ);
	map(6, 2, RW);
	fill(0, 2);
	fill(6, 2);
	expect(remap(0, 8, 8, FIXED, 20), PG(20));
	expect_layout(&f, "20-22:rw-p 22-24:r--p 26-28:rw-p");
	expect(peek(PG(20)), 1);
	expect(peek(PG(27)), 8);
	expect(remap(20, 4, 6, FIXED, 0), -EFAULT);
	expect(remap(24, 4, 4, FIXED, 0), -EFAULT);
	expect(remap(20, 4, 4, DONTUNMAP | MREMAP_FIXED, 0), PG(0));
	expect_layout(&f, "0-2:rw-p 2-4:r--p 20-22:rw-p 22-24:r--p 26-28:rw-p");
	expect(peek(PG(20)), 0);
	expect(peek(PG(1)), 2);
	mmfix_close(&f);
}

static void test_dontunmap(void **state)
{
	struct mmfix f = mmfix_open();
	unsigned long to;

	map(0, 4, RW);
	fill(0, 4);
	to = (unsigned long)remap(0, 4, 4, DONTUNMAP, 16);
	expect(to, PG(16));
	expect_layout(&f, "0-4:rw-p 16-20:rw-p");
	expect(peek(PG(17)), 2);
	expect(peek(PG(1)), 0);
	/* The old one has no anon_vma any more: a fresh neighbour joins it, but not the new one. */
	assert_null(vma_at(f.mm, PG(0))->anon_vma);
	map(4, 1, RW);
	map(20, 1, RW);
	expect_layout(&f, "0-5:rw-p 16-20:rw-p 20-21:rw-p");
	mmfix_close(&f);
}

static void test_shared(void **state)
{
	struct mmfix f = mmfix_open();
	struct file *file = file_create(FILE_SHMEM, 8 * PAGE_SIZE, FMODE_READ | FMODE_WRITE);

	map_file(file, 0, 4, RW, MAP_SHARED, 2);
	poke(PG(1), 9);
	/* Nothing of it, at another place: the same pages twice. */
	expect(remap(1, 0, 2, FIXED, 10), PG(10));
	expect_layout(&f, "0-4:rw-s@2 10-12:rw-s@3");
	expect(peek(PG(10)), 9);
	expect(remap(0, 0, 2, 0, 0), -ENOMEM);
	expect(remap(1, 2, 2, FIXED, 20), PG(20));
	expect_layout(&f, "0-1:rw-s@2 3-4:rw-s@5 10-12:rw-s@3 20-22:rw-s@3");
	expect(peek(PG(20)), 9);
	fput(file);
	mmfix_close(&f);
}

static void test_near_map_count(void **state)
{
	struct mmfix f = mmfix_open();

	map(0, 3, RW);
	f.mm->params.max_map_count = 6;
	expect(remap(1, 1, 1, FIXED, 5), -ENOMEM);
	f.mm->params.max_map_count = 7;
	expect(remap(1, 1, 1, FIXED, 5), PG(5));
	expect(remap(0, 1, 1, FIXED, 6), -ENOMEM);
	mmfix_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_in_place),
		cmocka_unit_test(test_move_grown),
		cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_dontunmap),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_near_map_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
