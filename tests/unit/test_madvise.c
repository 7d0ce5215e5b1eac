/* SPDX-License-Identifier: MIT */
/* room: mm_mm mm_kern */
/* madvise: errors, holes, pages dropped, flags that split and merge. */

#include "vma_layout.h"

#define expect(a, b) assert_int_equal((long)(a), (long)(b))

static void test_arguments(void **state)
{
	struct mmfix f = mmfix_open();

	map(0, 4, RW);
	expect(advise(0, 0, MADV_DONTNEED), 0);
	expect(advise(0, 0, 99), -EINVAL);
	expect(advise(0, 1, 5), -EINVAL);
	expect(sys_madvise(PG(0) + 1, 0, MADV_DONTNEED), -EINVAL);
	expect(sys_madvise(PG(0), -PAGE_SIZE, MADV_DONTNEED), -EINVAL);
	expect(sys_madvise(PG(0), ~0UL, MADV_DONTNEED), -EINVAL);
	expect(advise(6, 0, MADV_DONTNEED), 0);
	expect(advise(6, 1, MADV_DONTNEED), -ENOMEM);
	mmfix_close(&f);
}

static void test_dontneed(void **state)
{
	struct mmfix f = mmfix_open();
	unsigned long i;

	map(0, 2, RW);
	map(3, 2, RW);
	for (i = 0; i < 5; i++)
		if (i != 2)
			poke(PG(i), i + 1);
	/* A hole is an error, but what is on both sides of it goes. */
	expect(advise(1, 3, MADV_DONTNEED), -ENOMEM);
	expect(peek(PG(0)), 1);
	expect(peek(PG(1)), 0);
	expect(peek(PG(3)), 0);
	expect(peek(PG(4)), 5);
	check_counters(f.mm, 2, 0, 0);
	mmfix_close(&f);
}

static void test_dontneed_file(void **state)
{
	struct mmfix f = mmfix_open();
	struct file *file = file_create(FILE_SHMEM, 4 * PAGE_SIZE, FMODE_READ | FMODE_WRITE);

	map_file(file, 0, 2, RW, MAP_SHARED, 0);
	map_file(file, 2, 2, RW, MAP_PRIVATE, 0);
	poke(PG(0), 7);
	poke(PG(2), 8);
	expect(advise(0, 4, MADV_DONTNEED), 0);
	/* The file's page stays in the file, the private copy is gone. */
	expect(peek(PG(0)), 7);
	expect(peek(PG(2)), 7);
	/* A hole in the file. */
	expect(advise(0, 1, MADV_REMOVE), 0);
	expect(peek(PG(0)), 0);
	expect(advise(2, 1, MADV_REMOVE), -EACCES);
	fput(file);
	mmfix_close(&f);
}

static void test_kinds(void **state)
{
	struct mmfix f = mmfix_open();

	map(0, 1, RW);
	map_at(PG(1), 1, RW, SHANON, NULL, 0);
	map_at(PG(2), 1, RW, ANON | MAP_LOCKED, NULL, 0);
	expect(advise(0, 1, MADV_REMOVE), -EINVAL);
	expect(advise(0, 1, MADV_FREE), 0);
	expect(advise(1, 1, MADV_FREE), -EINVAL);
	expect(advise(1, 1, MADV_REMOVE), 0);
	expect(advise(1, 1, MADV_WIPEONFORK), -EINVAL);
	expect(advise(2, 1, MADV_DONTNEED), -EINVAL);
	expect(advise(2, 1, MADV_COLD), -EINVAL);
	expect(advise(2, 1, MADV_DONTNEED_LOCKED), 0);
	expect(advise(0, 1, MADV_COLD), 0);
	mmfix_close(&f);
}

static void test_flags(void **state)
{
	static const struct { int there, back; } t[] = {
		{ MADV_RANDOM, MADV_NORMAL }, { MADV_SEQUENTIAL, MADV_NORMAL },
		{ MADV_DONTFORK, MADV_DOFORK }, { MADV_MERGEABLE, MADV_UNMERGEABLE },
		{ MADV_DONTDUMP, MADV_DODUMP }, { MADV_WIPEONFORK, MADV_KEEPONFORK },
	};
	struct mmfix f = mmfix_open();
	size_t i;

	map(0, 3, RW);
	for (i = 0; i < ARRAY_SIZE(t); i++) {
		expect(advise(1, 1, t[i].there), 0);
		expect_layout(&f, "0-1:rw-p 1-2:rw-p 2-3:rw-p");
		expect(advise(1, 1, t[i].back), 0);
		expect_layout(&f, "0-3:rw-p");
	}
	/* Three states: there is no way back to neither. */
	expect(advise(1, 1, MADV_HUGEPAGE), 0);
	expect(advise(1, 1, MADV_NOHUGEPAGE), 0);
	expect_layout(&f, "0-1:rw-p 1-2:rw-p 2-3:rw-p");
	mmfix_close(&f);
}

static void test_populate(void **state)
{
	struct mmfix f = mmfix_open();
	struct file *file = file_create(FILE_SHMEM, PAGE_SIZE, FMODE_READ | FMODE_WRITE);

	map(0, 2, RW);
	map(3, 2, RW);
	expect(advise(0, 5, MADV_POPULATE_WRITE), -ENOMEM);
	check_counters(f.mm, 2, 0, 0);
	expect(advise(3, 2, MADV_POPULATE_READ), 0);
	assert_true(pte_special(pte_of(f.mm, PG(3))));
	map(8, 1, READ);
	map(9, 1, NONE);
	expect(advise(8, 1, MADV_POPULATE_WRITE), -EINVAL);
	expect(advise(9, 1, MADV_POPULATE_READ), -EINVAL);
	map_file(file, 12, 2, RW, MAP_SHARED, 0);
	expect(advise(12, 2, MADV_POPULATE_READ), -EFAULT);
	expect(advise(12, 1, MADV_POPULATE_READ), 0);
	fput(file);
	mmfix_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_dontneed),
		cmocka_unit_test(test_dontneed_file),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_populate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
