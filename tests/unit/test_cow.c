/* SPDX-License-Identifier: MIT */
/* room: mm_mm mm_kern */
/* Copy-on-write: who copies, who reuses, and that nobody sees the other's writes. */

#include "mm_fixture.h"

static struct task_struct *fork_task(struct mmfix *f, u64 id)
{
	struct mm_struct *mm = dup_mm(current->mm);

	assert_false(IS_ERR(mm));
	return mmfix_task(f, id, mm);
}

static void test_child_copies_parent_reuses(void **state)
{
	struct mmfix f = mmfix_open();
	struct task_struct *child;
	struct page *page;

	map_at(AT, 2, RW, ANON, NULL, 0);
	poke(AT, 1);
	page = page_of(f.mm, AT);
	child = fork_task(&f, 2);
	assert_false(pte_write(pte_of(f.mm, AT)));
	assert_false(pte_write(pte_of(child->mm, AT)));
	assert_false(PageAnonExclusive(page));
	assert_int_equal(page_mapcount(page), 2);
	assert_int_equal(page_ref_count(page), 2);

	kern_switch_to(child);
	assert_int_equal(peek(AT), 1);
	poke(AT, 2);
	assert_ptr_not_equal(page_of(child->mm, AT), page);
	assert_int_equal(page_mapcount(page), 1);
	check_counters(child->mm, 1, 0, 0);

	kern_switch_to(f.task);
	assert_int_equal(peek(AT), 1);
	poke(AT, 3);
	/* The last mapping writes in place. */
	assert_ptr_equal(page_of(f.mm, AT), page);
	assert_true(PageAnonExclusive(page));
	kern_switch_to(child);
	assert_int_equal(peek(AT), 2);
	check_rss(child->mm);
	mmfix_task_end(&f, child);
	check_counters(f.mm, 1, 0, 0);
	mmfix_close(&f);
}

/* A page that the parent writes first is reused by the child, under its anon_vma. */
static void test_parent_copies_child_reuses(void **state)
{
	struct mmfix f = mmfix_open();
	struct task_struct *child;
	struct page *page;

	map_at(AT, 1, RW, ANON, NULL, 0);
	poke(AT, 1);
	page = page_of(f.mm, AT);
	child = fork_task(&f, 2);
	poke(AT, 9);
	kern_switch_to(child);
	assert_int_equal(peek(AT), 1);
	poke(AT, 4);
	assert_ptr_equal(page_of(child->mm, AT), page);
	assert_ptr_equal(page_anon_vma(page), vma_at(child->mm, AT)->anon_vma);
	mmfix_task_end(&f, child);
	assert_int_equal(peek(AT), 9);
	mmfix_close(&f);
}

static void test_child_exit_makes_exclusive(void **state)
{
	struct mmfix f = mmfix_open();
	struct task_struct *child;
	struct page *page;

	map_at(AT, 1, RW, ANON, NULL, 0);
	poke(AT, 1);
	page = page_of(f.mm, AT);
	child = fork_task(&f, 2);
	mmfix_task_end(&f, child);
	assert_int_equal(page_mapcount(page), 1);
	poke(AT, 2);
	assert_ptr_equal(page_of(f.mm, AT), page);
	assert_true(PageAnonExclusive(page));
	mmfix_close(&f);
}

/* A further reference forbids reuse: its holder may be copying from the page. */
static void test_reference_forbids_reuse(void **state)
{
	struct mmfix f = mmfix_open();
	struct task_struct *child;
	struct page *page;

	map_at(AT, 1, RW, ANON, NULL, 0);
	poke(AT, 1);
	page = page_of(f.mm, AT);
	child = fork_task(&f, 2);
	mmfix_task_end(&f, child);
	get_page(page);
	poke(AT, 2);
	assert_ptr_not_equal(page_of(f.mm, AT), page);
	assert_int_equal(*(u64 *)page_address(page), 1);
	put_page(page);
	mmfix_close(&f);
}

static void test_private_file_page(void **state)
{
	struct mmfix f = mmfix_open();
	struct file *file = file_create(FILE_SHMEM, 4 * PAGE_SIZE, FMODE_READ | FMODE_WRITE);
	u64 v = 77;

	assert_int_equal(file_write(file, &v, 8, PAGE_SIZE), 8);
	map_at(AT, 4, RW, MAP_PRIVATE, file, 0);
	assert_int_equal(peek(PG(1)), 77);
	check_counters(f.mm, 0, 0, 1);
	poke(PG(1), 78);
	assert_true(PageAnon(page_of(f.mm, PG(1))));
	check_counters(f.mm, 1, 0, 0);
	assert_int_equal(file_read(file, &v, 8, PAGE_SIZE), 8);
	assert_int_equal(v, 77);
	/* Without a read first. */
	poke(PG(2) + 16, 5);
	check_counters(f.mm, 2, 0, 0);
	fput(file);
	mmfix_close(&f);
}

/* Three generations write the same page; each keeps what it wrote. */
static void test_generations(void **state)
{
	struct mmfix f = mmfix_open();
	struct task_struct *child, *grandchild;
	u64 i;

	map_at(AT, 8, RW, ANON, NULL, 0);
	for (i = 0; i < 8; i++)
		poke(PG(i), 100 + i);
	child = fork_task(&f, 2);
	kern_switch_to(child);
	for (i = 0; i < 4; i++)
		poke(PG(i), 200 + i);
	grandchild = fork_task(&f, 3);
	kern_switch_to(grandchild);
	for (i = 0; i < 8; i += 2)
		poke(PG(i), 300 + i);
	kern_switch_to(f.task);
	for (i = 0; i < 8; i++) {
		assert_int_equal(peek(PG(i)), 100 + i);
		poke(PG(i), 400 + i);
	}
	kern_switch_to(child);
	for (i = 0; i < 8; i++)
		assert_int_equal(peek(PG(i)), i < 4 ? 200 + i : 100 + i);
	kern_switch_to(grandchild);
	for (i = 0; i < 8; i++)
		assert_int_equal(peek(PG(i)), i % 2 ? (i < 4 ? 200 + i : 100 + i) : 300 + i);
	check_rss(child->mm);
	check_rss(grandchild->mm);
	mmfix_task_end(&f, child);
	mmfix_task_end(&f, grandchild);
	for (i = 0; i < 8; i++)
		assert_int_equal(peek(PG(i)), 400 + i);
	mmfix_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_child_copies_parent_reuses),
		cmocka_unit_test(test_parent_copies_child_reuses),
		cmocka_unit_test(test_child_exit_makes_exclusive),
		cmocka_unit_test(test_reference_forbids_reuse),
		cmocka_unit_test(test_private_file_page),
		cmocka_unit_test(test_generations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
