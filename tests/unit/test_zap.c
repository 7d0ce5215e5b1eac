/* SPDX-License-Identifier: MIT */
/* room: mm_mm mm_kern */
/* Unmapping: pages, tables and counters go; what others need stays. */

#include "mm_fixture.h"

static unsigned long tables(struct mm_struct *mm)
{
	return mm_pgtables_bytes(&mm->context) / PAGE_SIZE;
}

static void test_dontneed(void **state)
{
	struct mmfix f = mmfix_open();

	map_at(AT, 8, RW, ANON, NULL, 0);
	for (u64 i = 0; i < 8; i++)
		poke(PG(i), i + 1);
	assert_int_equal(sys_madvise(PG(2), 3 * PAGE_SIZE, MADV_DONTNEED), 0);
	check_counters(f.mm, 5, 0, 0);
	for (u64 i = 0; i < 8; i++)
		assert_int_equal(peek(PG(i)), i >= 2 && i < 5 ? 0 : i + 1);
	poke(PG(3), 9);
	assert_int_equal(peek(PG(3)), 9);
	check_counters(f.mm, 6, 0, 0);
	mmfix_close(&f);
}

static void test_dontneed_file(void **state)
{
	struct mmfix f = mmfix_open();
	struct file *file = file_create(FILE_SHMEM, 4 * PAGE_SIZE, FMODE_READ | FMODE_WRITE);

	map_at(AT, 4, RW, MAP_SHARED, file, 0);
	map_at(PG(8), 4, RW, MAP_PRIVATE, file, 0);
	poke(AT, 1);
	poke(PG(8), 2);
	assert_int_equal(sys_madvise(AT, 4 * PAGE_SIZE, MADV_DONTNEED), 0);
	assert_int_equal(sys_madvise(PG(8), 4 * PAGE_SIZE, MADV_DONTNEED), 0);
	check_counters(f.mm, 0, 0, 0);
	assert_int_equal(peek(AT), 1);
	assert_int_equal(peek(PG(8)), 1);
	fput(file);
	mmfix_close(&f);
}

/* An empty table goes back with DONTNEED of its whole span, and only then. */
static void test_dontneed_reclaims_table(void **state)
{
	struct mmfix f = mmfix_open();
	unsigned long base = (AT & PMD_MASK) - 4 * PMD_SIZE, before;

	map_at(base, 1024, RW, ANON, NULL, 0);
	poke(base + 5 * PAGE_SIZE, 1);
	before = tables(f.mm);
	assert_int_equal(sys_madvise(base, PMD_SIZE / 2, MADV_DONTNEED), 0);
	assert_int_equal(tables(f.mm), before);
	poke(base + 5 * PAGE_SIZE, 1);
	assert_int_equal(sys_madvise(base, PMD_SIZE, MADV_DONTNEED), 0);
	assert_int_equal(tables(f.mm), before - 1);
	assert_int_equal(peek(base + 5 * PAGE_SIZE), 0);
	assert_int_equal(tables(f.mm), before);
	mmfix_close(&f);
}

static void test_munmap_frees_tables(void **state)
{
	struct mmfix f = mmfix_open();
	unsigned long base = (AT & PUD_MASK) - PUD_SIZE, before = tables(f.mm);

	map_at(base, 1, RW, ANON, NULL, 0);
	map_at(base + PMD_SIZE, 1, RW, ANON, NULL, 0);
	poke(base, 1);
	poke(base + PMD_SIZE, 1);
	assert_int_equal(tables(f.mm), before + 4);
	/* The neighbour in the next table keeps the PMD table. */
	assert_int_equal(sys_munmap(base, PAGE_SIZE), 0);
	assert_int_equal(tables(f.mm), before + 3);
	assert_int_equal(sys_munmap(base + PMD_SIZE, PAGE_SIZE), 0);
	assert_int_equal(tables(f.mm), before);
	check_counters(f.mm, 0, 0, 0);
	mmfix_close(&f);
}

/* An untouched VMA in the same span keeps the table too (floor and ceiling). */
static void test_untouched_neighbour_keeps_table(void **state)
{
	struct mmfix f = mmfix_open();
	unsigned long base = AT & PMD_MASK, before;

	map_at(base, 1, RW, ANON, NULL, 0);
	map_at(base + 8 * PAGE_SIZE, 1, PROT_READ, ANON, NULL, 0);
	poke(base, 1);
	before = tables(f.mm);
	assert_int_equal(sys_munmap(base, PAGE_SIZE), 0);
	assert_int_equal(tables(f.mm), before);
	assert_int_equal(sys_munmap(base + 8 * PAGE_SIZE, PAGE_SIZE), 0);
	assert_true(tables(f.mm) < before);
	mmfix_close(&f);
}

/* More pages than a gather holds, dirty shared ones among them. */
static void test_large_range(void **state)
{
	struct mmfix f = mmfix_open_with(64, 16384);
	struct file *file = file_create(FILE_SHMEM, 2048 * PAGE_SIZE, FMODE_READ | FMODE_WRITE);
	unsigned long i;

	map_at(AT, 3000, RW, ANON, NULL, 0);
	map_at(PG(4000), 2048, RW, MAP_SHARED, file, 0);
	for (i = 0; i < 3000; i++)
		poke(PG(i), i);
	for (i = 0; i < 2048; i++)
		poke(PG(4000 + i), i);
	check_counters(f.mm, 3000, 0, 2048);
	assert_int_equal(sys_munmap(AT, 7000 * PAGE_SIZE), 0);
	check_counters(f.mm, 0, 0, 0);
	fput(file);
	mmfix_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dontneed),
		cmocka_unit_test(test_dontneed_file),
		cmocka_unit_test(test_dontneed_reclaims_table),
		cmocka_unit_test(test_munmap_frees_tables),
		cmocka_unit_test(test_untouched_neighbour_keeps_table),
		cmocka_unit_test(test_large_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
