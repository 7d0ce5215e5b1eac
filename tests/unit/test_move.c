/* SPDX-License-Identifier: MIT */
/* room: mm_mm mm_kern */
/* mremap's page tables: pages keep their contents and counts at a new address. */

#include "mm_fixture.h"

static void test_pages_move(void **state)
{
	struct mmfix f = mmfix_open();
	struct page *page[8];
	u64 i, v;

	map_at(AT, 8, RW, ANON, NULL, 0);
	for (i = 0; i < 8; i += 2) {
		poke(PG(i), i + 1);
		page[i] = page_of(f.mm, PG(i));
	}
	assert_int_equal(sys_mremap(AT, 8 * PAGE_SIZE, 8 * PAGE_SIZE,
				    MREMAP_MAYMOVE | MREMAP_FIXED, PG(1021)), (long)PG(1021));
	for (i = 0; i < 8; i++) {
		assert_int_equal(peek(PG(1021 + i)), i % 2 ? 0 : i + 1);
		if (i % 2 == 0)
			assert_ptr_equal(page_of(f.mm, PG(1021 + i)), page[i]);
	}
	expect_signal(user_load(AT, 8, &v), MM_SIGSEGV, MM_SEGV_MAPERR, AT);
	check_counters(f.mm, 4, 0, 0);
	/* Reverse mapping finds them at the new place. */
	assert_true(page_address_in_vma(page[2], vma_at(f.mm, PG(1023))) == PG(1023));
	assert_int_equal(sys_migrate(PG(1023)), 0);
	assert_int_equal(peek(PG(1023)), 3);
	mmfix_close(&f);
}

/* Aligned on both sides: the table itself moves, no table is made. */
static void test_whole_table_moves(void **state)
{
	struct mmfix f = mmfix_open();
	unsigned long from = (AT & PUD_MASK) - PUD_SIZE, to = from + 8 * PMD_SIZE, before;
	u64 i;

	map_at(from, 1024, RW, ANON, NULL, 0);
	map_at(to + 4 * PMD_SIZE, 1, RW, ANON, NULL, 0);
	for (i = 0; i < 1024; i += 100)
		poke(from + i * PAGE_SIZE, i + 1);
	before = mm_pgtables_bytes(&f.mm->context);
	assert_int_equal(sys_mremap(from, 2 * PMD_SIZE, 2 * PMD_SIZE,
				    MREMAP_MAYMOVE | MREMAP_FIXED, to), (long)to);
	assert_int_equal(mm_pgtables_bytes(&f.mm->context), before);
	for (i = 0; i < 1024; i += 100)
		assert_int_equal(peek(to + i * PAGE_SIZE), i + 1);
	check_counters(f.mm, 11, 0, 0);
	mmfix_close(&f);
}

static void test_file_pages_move(void **state)
{
	struct mmfix f = mmfix_open();
	struct file *file = file_create(FILE_SHMEM, 4 * PAGE_SIZE, FMODE_READ | FMODE_WRITE);

	map_at(AT, 4, RW, MAP_SHARED, file, 0);
	poke(PG(3), 4);
	assert_int_equal(sys_mremap(AT, 4 * PAGE_SIZE, 4 * PAGE_SIZE,
				    MREMAP_MAYMOVE | MREMAP_FIXED, PG(100)), (long)PG(100));
	assert_int_equal(peek(PG(103)), 4);
	/* Truncation finds the new place. */
	assert_int_equal(sys_truncate(file, 0), 0);
	check_counters(f.mm, 0, 0, 0);
	fput(file);
	mmfix_close(&f);
}

/* Fail each allocation of a move: afterwards all pages are at one of the places. */
static void test_fail_nth(void **state)
{
	struct mmfix f = mmfix_open();
	unsigned long from = AT, to = AT - 3 * PUD_SIZE;
	unsigned int n;
	u64 i, v;

	for (n = 1; ; n++) {
		struct fail_nth nth;
		long ret;

		map_at(from, 1200, RW, ANON, NULL, 0);
		for (i = 0; i < 1200; i += 150)
			poke(from + i * PAGE_SIZE, i + n);
		fail_nth_begin(&nth, n, FAIL_SCOPE_ALL);
		ret = sys_mremap(from, 1200 * PAGE_SIZE, 1200 * PAGE_SIZE,
				 MREMAP_MAYMOVE | MREMAP_FIXED, to);
		if (!fail_nth_end(&nth)) {
			assert_int_equal(ret, (long)to);
			break;
		}
		v = ret == (long)to ? to : from;
		for (i = 0; i < 1200; i += 150)
			assert_int_equal(peek(v + i * PAGE_SIZE), i + n);
		check_rss(f.mm);
		assert_int_equal(sys_munmap(v, 1200 * PAGE_SIZE), 0);
	}
	assert_true(n > 3);
	mmfix_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages_move),
		cmocka_unit_test(test_whole_table_moves),
		cmocka_unit_test(test_file_pages_move),
		cmocka_unit_test(test_fail_nth),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
