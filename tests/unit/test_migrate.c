/* SPDX-License-Identifier: MIT */
/* room: mm_mm mm_kern */
/* Migration of anonymous pages: contents, rights and counts survive the move. */

#include <errno.h>

#include "mm_fixture.h"

static void test_exclusive_page(void **state)
{
	struct mmfix f = mmfix_open();
	struct page *page;
	unsigned long pfn;

	map_at(AT, 2, RW, ANON, NULL, 0);
	poke(AT + 40, 0xabcdef);
	page = page_of(f.mm, AT);
	pfn = page_to_pfn(page);
	assert_int_equal(sys_migrate(AT), 0);
	page = page_of(f.mm, AT);
	assert_true(page_to_pfn(page) != pfn);
	assert_true(PageAnonExclusive(page) && pte_write(pte_of(f.mm, AT)));
	assert_int_equal(page_ref_count(page), 1);
	assert_int_equal(page_mapcount(page), 1);
	assert_int_equal(peek(AT + 40), 0xabcdef);
	poke(AT + 40, 1);
	check_counters(f.mm, 1, 0, 0);
	mmfix_close(&f);
}

static void test_shared_after_fork(void **state)
{
	struct mmfix f = mmfix_open();
	struct task_struct *child;
	struct page *page;

	map_at(AT, 2, RW, ANON, NULL, 0);
	poke(AT, 5);
	child = mmfix_task(&f, 2, dup_mm(f.mm));
	/* By address only its own; by page everybody's. */
	assert_int_equal(sys_migrate(AT), -EACCES);
	page = page_of(f.mm, AT);
	get_page(page);
	assert_int_equal(migrate_page(page), 0);
	assert_int_equal(page_mapcount(page), 0);
	put_page(page);
	page = page_of(f.mm, AT);
	assert_ptr_equal(page_of(child->mm, AT), page);
	assert_int_equal(page_mapcount(page), 2);
	assert_false(PageAnonExclusive(page));
	assert_int_equal(peek(AT), 5);
	poke(AT, 6);
	kern_switch_to(child);
	assert_int_equal(peek(AT), 5);
	check_rss(child->mm);
	mmfix_task_end(&f, child);
	check_counters(f.mm, 1, 0, 0);
	mmfix_close(&f);
}

static void test_refusals(void **state)
{
	struct mmfix f = mmfix_open();
	struct file *file = file_create(FILE_SHMEM, PAGE_SIZE, FMODE_READ | FMODE_WRITE);
	struct page *page;

	map_at(AT, 4, RW, ANON, NULL, 0);
	map_at(PG(8), 1, RW, MAP_SHARED, file, 0);
	assert_int_equal(sys_migrate(PG(20)), -EFAULT);
	assert_int_equal(sys_migrate(AT), -ENOENT);
	peek(AT);
	assert_int_equal(sys_migrate(AT), -ENOENT);
	poke(PG(8), 1);
	assert_int_equal(sys_migrate(PG(8)), -EBUSY);
	/* A further reference: everything stays as it was. */
	poke(PG(1), 9);
	page = page_of(f.mm, PG(1));
	get_page(page);
	assert_int_equal(sys_migrate(PG(1)), -EAGAIN);
	assert_ptr_equal(page_of(f.mm, PG(1)), page);
	assert_true(pte_write(pte_of(f.mm, PG(1))) && PageAnonExclusive(page));
	assert_int_equal(page_ref_count(page), 2);
	put_page(page);
	check_rss(f.mm);
	fput(file);
	mmfix_close(&f);
}

/* mprotect, fork and mremap in the life of a migrated page. */
static void test_with_mprotect_and_mremap(void **state)
{
	struct mmfix f = mmfix_open();

	map_at(AT, 4, RW, ANON, NULL, 0);
	poke(PG(1), 3);
	assert_int_equal(sys_mremap(PG(1), PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
				    PG(40)), (long)PG(40));
	assert_int_equal(sys_migrate(PG(40)), 0);
	assert_int_equal(peek(PG(40)), 3);
	assert_int_equal(sys_mprotect(PG(40), PAGE_SIZE, PROT_READ), 0);
	assert_int_equal(sys_migrate(PG(40)), 0);
	assert_false(pte_write(pte_of(f.mm, PG(40))));
	assert_true(PageAnonExclusive(page_of(f.mm, PG(40))));
	assert_int_equal(sys_mprotect(PG(40), PAGE_SIZE, RW), 0);
	poke(PG(40), 4);
	check_counters(f.mm, 1, 0, 0);
	mmfix_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_exclusive_page),
		cmocka_unit_test(test_shared_after_fork),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_with_mprotect_and_mremap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
