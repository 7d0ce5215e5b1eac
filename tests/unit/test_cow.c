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

/* A parent and its child, who share one page that holds 1. */
struct family {
	struct mmfix f;
	struct task_struct *child;
	struct page *page;
};

static struct family family_open(void)
{
	struct family fam = { .f = mmfix_open() };

	map_at(AT, 2, RW, ANON, NULL, 0);
	poke(AT, 1);
	fam.page = page_of(fam.f.mm, AT);
	fam.child = fork_task(&fam.f, 2);
	return fam;
}

static void family_child_ends(struct family *fam)
{
	check_rss(fam->child->mm);
	mmfix_task_end(&fam->f, fam->child);
}

/* Whose entry at AT leads to the page they shared. */
static bool has_it(const struct family *fam, const struct task_struct *task)
{
	return page_of(task->mm, AT) == fam->page;
}

static void test_shared_after_fork(void **state)
{
	struct family fam = family_open();

	assert_true(has_it(&fam, fam.f.task) && has_it(&fam, fam.child));
	assert_false(pte_write(pte_of(fam.f.mm, AT)));
	assert_false(pte_write(pte_of(fam.child->mm, AT)));
	assert_false(PageAnonExclusive(fam.page));
	assert_int_equal(page_mapcount(fam.page), 2);
	assert_int_equal(page_ref_count(fam.page), 2);
	family_child_ends(&fam);
	mmfix_close(&fam.f);
}

static void test_child_copies_parent_reuses(void **state)
{
	struct family fam = family_open();

	kern_switch_to(fam.child);
	assert_int_equal(peek(AT), 1);
	poke(AT, 2);
	assert_false(has_it(&fam, fam.child));
	assert_int_equal(page_mapcount(fam.page), 1);
	check_counters(fam.child->mm, 1, 0, 0);

	kern_switch_to(fam.f.task);
	assert_int_equal(peek(AT), 1);
	poke(AT, 3);
	/* The last mapping writes in place. */
	assert_true(has_it(&fam, fam.f.task));
	assert_true(PageAnonExclusive(fam.page));
	kern_switch_to(fam.child);
	assert_int_equal(peek(AT), 2);
	family_child_ends(&fam);
	check_counters(fam.f.mm, 1, 0, 0);
	mmfix_close(&fam.f);
}

/* A page that the parent writes first is reused by the child, under its anon_vma. */
static void test_parent_copies_child_reuses(void **state)
{
	struct family fam = family_open();

	poke(AT, 9);
	kern_switch_to(fam.child);
	assert_int_equal(peek(AT), 1);
	poke(AT, 4);
	assert_true(has_it(&fam, fam.child));
	assert_ptr_equal(page_anon_vma(fam.page), vma_at(fam.child->mm, AT)->anon_vma);
	family_child_ends(&fam);
	assert_int_equal(peek(AT), 9);
	mmfix_close(&fam.f);
}

static void test_child_exit_makes_exclusive(void **state)
{
	struct family fam = family_open();

	family_child_ends(&fam);
	assert_int_equal(page_mapcount(fam.page), 1);
	poke(AT, 2);
	assert_true(has_it(&fam, fam.f.task));
	assert_true(PageAnonExclusive(fam.page));
	mmfix_close(&fam.f);
}

/* A further reference forbids reuse: its holder may be copying from the page. */
static void test_reference_forbids_reuse(void **state)
{
	struct family fam = family_open();

	family_child_ends(&fam);
	get_page(fam.page);
	poke(AT, 2);
	assert_false(has_it(&fam, fam.f.task));
	assert_int_equal(*(u64 *)page_address(fam.page), 1);
	put_page(fam.page);
	mmfix_close(&fam.f);
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
		cmocka_unit_test(test_shared_after_fork),
		cmocka_unit_test(test_child_copies_parent_reuses),
		cmocka_unit_test(test_parent_copies_child_reuses),
		cmocka_unit_test(test_child_exit_makes_exclusive),
		cmocka_unit_test(test_reference_forbids_reuse),
		cmocka_unit_test(test_private_file_page),
		cmocka_unit_test(test_generations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
