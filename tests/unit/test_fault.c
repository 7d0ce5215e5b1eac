/* SPDX-License-Identifier: MIT */
/* room: mm_mm mm_kern */
/* Faults one by one: what they map, count, signal; and what makes an anon_vma. */

#include <errno.h>

#include "mm_fixture.h"

static void test_read_maps_zero_page(void **state)
{
	struct mmfix f = mmfix_open();

	map_at(AT, 4, RW, ANON, NULL, 0);
	assert_int_equal(peek(PG(1)), 0);
	assert_true(pte_special(pte_of(f.mm, PG(1))));
	assert_false(pte_write(pte_of(f.mm, PG(1))));
	assert_null(vma_at(f.mm, AT)->anon_vma);
	check_counters(f.mm, 0, 0, 0);

	/* A write replaces it. */
	poke(PG(1), 7);
	assert_int_equal(peek(PG(1)), 7);
	assert_true(PageAnonExclusive(page_of(f.mm, PG(1))));
	check_counters(f.mm, 1, 0, 0);
	mmfix_close(&f);
}

static void test_write_maps_exclusive_page(void **state)
{
	struct mmfix f = mmfix_open();
	struct page *page;

	map_at(AT, 4, RW, ANON, NULL, 0);
	poke(PG(2) + 8, 0x1122334455667788);
	assert_int_equal(peek(PG(2) + 8), 0x1122334455667788);
	assert_int_equal(peek(PG(2)), 0);
	page = page_of(f.mm, PG(2));
	assert_non_null(page);
	assert_true(PageAnon(page) && PageAnonExclusive(page) && PageUptodate(page));
	assert_int_equal(page_ref_count(page), 1);
	assert_int_equal(page_mapcount(page), 1);
	assert_true(page->index == PG(2) >> PAGE_SHIFT);
	check_counters(f.mm, 1, 0, 0);
	mmfix_close(&f);
}

static void test_signals(void **state)
{
	struct mmfix f = mmfix_open();
	u64 v;

	map_at(AT, 1, PROT_READ, ANON, NULL, 0);
	map_at(PG(1), 1, PROT_NONE, ANON, NULL, 0);
	expect_signal(user_load(PG(2) + 5, 1, &v), MM_SIGSEGV, MM_SEGV_MAPERR, PG(2) + 5);
	expect_signal(user_store(AT, 8, 1), MM_SIGSEGV, MM_SEGV_ACCERR, AT);
	expect_signal(user_load(PG(1), 8, &v), MM_SIGSEGV, MM_SEGV_ACCERR, PG(1));
	expect_signal(user_exec(AT), MM_SIGSEGV, MM_SEGV_ACCERR, AT);
	assert_int_equal(peek(AT), 0);
	expect_signal(user_exec(AT), MM_SIGSEGV, MM_SEGV_ACCERR, AT);
	expect_signal(user_load(0x800000000000UL - 8, 8, &v), MM_SIGSEGV, MM_SEGV_MAPERR,
		      0x800000000000UL - 8);
	/* Across a border the second page is named. */
	map_at(PG(8), 1, RW, ANON, NULL, 0);
	expect_signal(user_load(PG(9) - 4, 8, &v), MM_SIGSEGV, MM_SEGV_MAPERR, PG(9));
	mmfix_close(&f);
}

/* A debugger-like W-only mapping: a write needs no read right. */
static void test_write_only(void **state)
{
	struct mmfix f = mmfix_open();

	map_at(AT, 1, PROT_WRITE, ANON, NULL, 0);
	poke(AT, 3);
	assert_int_equal(peek(AT), 3);
	check_counters(f.mm, 1, 0, 0);
	mmfix_close(&f);
}

static void test_protnone_and_back(void **state)
{
	struct mmfix f = mmfix_open();
	u64 v;

	map_at(AT, 2, RW, ANON, NULL, 0);
	poke(AT, 41);
	assert_int_equal(sys_mprotect(AT, PAGE_SIZE, PROT_NONE), 0);
	expect_signal(user_load(AT, 8, &v), MM_SIGSEGV, MM_SEGV_ACCERR, AT);
	check_counters(f.mm, 1, 0, 0);
	assert_int_equal(sys_mprotect(AT, PAGE_SIZE, PROT_READ), 0);
	assert_int_equal(peek(AT), 41);
	expect_signal(user_store(AT, 8, 1), MM_SIGSEGV, MM_SEGV_ACCERR, AT);
	assert_int_equal(sys_mprotect(AT, PAGE_SIZE, RW), 0);
	/* Exclusive: mprotect gives W back itself. */
	assert_true(pte_write(pte_of(f.mm, AT)));
	poke(AT, 42);
	check_counters(f.mm, 1, 0, 0);
	mmfix_close(&f);
}

static void test_stack_growth(void **state)
{
	struct mmfix f = mmfix_open();

	map_at(PG(600), 2, RW, ANON | MAP_GROWSDOWN, NULL, 0);
	assert_int_equal(peek(PG(598)), 0);
	assert_true(vma_at(f.mm, PG(598))->vm_start == PG(598));
	/* Growth prepares an anon_vma, even by a read. */
	assert_non_null(vma_at(f.mm, PG(598))->anon_vma);
	poke(PG(500), 5);
	assert_true(vma_at(f.mm, PG(500))->vm_start == PG(500));
	check_counters(f.mm, 1, 0, 0);
	mmfix_close(&f);
}

/* Adjacent VMAs that differ in access bits only share an anon_vma. */
static void test_mergeable_anon_vma(void **state)
{
	struct mmfix f = mmfix_open();

	map_at(AT, 2, RW, ANON, NULL, 0);
	map_at(PG(2), 2, RW | PROT_EXEC, ANON, NULL, 0);
	map_at(PG(5), 2, RW, ANON, NULL, 0);
	poke(AT, 1);
	poke(PG(2), 2);
	poke(PG(5), 3);
	assert_ptr_equal(vma_at(f.mm, AT)->anon_vma, vma_at(f.mm, PG(2))->anon_vma);
	assert_ptr_not_equal(vma_at(f.mm, AT)->anon_vma, vma_at(f.mm, PG(5))->anon_vma);
	assert_int_equal(vma_at(f.mm, AT)->anon_vma->num_active_vmas, 2);
	mmfix_close(&f);
}

/* Every allocation of a fault fails once; memory and layout stay as they were. */
static void test_no_memory(void **state)
{
	struct mmfix f = mmfix_open();
	struct file *file = file_create(FILE_SHMEM, 4 * PAGE_SIZE, FMODE_READ | FMODE_WRITE);
	unsigned long where[3];
	unsigned int i, n, fired = 0;

	map_at(AT, 4, RW, ANON, NULL, 0);
	map_at(PG(512), 4, RW, MAP_PRIVATE, file, 0);
	map_at(PG(1024), 4, RW, MAP_SHARED, file, 0);
	where[0] = AT;
	where[1] = PG(512);
	where[2] = PG(1024) + PAGE_SIZE;
	for (i = 0; i < 3; i++) {
		for (n = 1; ; n++) {
			struct fail_nth nth;
			int ret;

			fail_nth_begin(&nth, n, FAIL_SCOPE_ALL);
			ret = user_store(where[i], 8, n);
			if (!fail_nth_end(&nth)) {
				assert_int_equal(ret, 0);
				break;
			}
			fired++;
			if (ret)
				assert_int_equal(current_fault()->signo, 0);
			check_rss(f.mm);
			if (!ret)
				break;
		}
		assert_int_equal(peek(where[i]), n);
	}
	assert_true(fired > 6);
	check_counters(f.mm, 2, 0, 1);
	fput(file);
	mmfix_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_maps_zero_page),
		cmocka_unit_test(test_write_maps_exclusive_page),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_write_only),
		cmocka_unit_test(test_protnone_and_back),
		cmocka_unit_test(test_stack_growth),
		cmocka_unit_test(test_mergeable_anon_vma),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
