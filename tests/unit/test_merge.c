/* SPDX-License-Identifier: MIT */
/* room: mm_mm mm_kern */
/* When neighbours become one VMA: the rules of Linux 6.18, one by one. */

#include "vma_layout.h"

/* Writes, so that the VMA gets an anon_vma. */
static void fault(unsigned long page)
{
	poke(PG(page), page + 1);
}

static void test_new_range(void **state)
{
	struct mmfix f = mmfix_open();

	map(0, 1, RW);
	map(1, 1, RW);
	expect_layout(&f, "0-2:rw-p");
	map(4, 1, RW);
	map(3, 1, RW);
	expect_layout(&f, "0-2:rw-p 3-5:rw-p");
	map(2, 1, RW);
	expect_layout(&f, "0-5:rw-p");
	mmfix_close(&f);
}

static void test_one_side_faulted(void **state)
{
	struct mmfix f = mmfix_open();

	map(0, 1, RW);
	fault(0);
	map(1, 1, RW);
	expect_layout(&f, "0-2:rw-p");
	map(5, 1, RW);
	fault(5);
	map(4, 1, RW);
	expect_layout(&f, "0-2:rw-p 4-6:rw-p");
	/* Both have one, and they differ: with the lower only. */
	map(2, 2, RW);
	expect_layout(&f, "0-4:rw-p 4-6:rw-p");
	assert_int_equal(peek(PG(0)), 1);
	assert_int_equal(peek(PG(5)), 6);
	mmfix_close(&f);
}

static void test_three_way(void **state)
{
	struct mmfix f = mmfix_open();

	/* A split of a faulted VMA keeps one anon_vma. */
	map(0, 3, RW);
	fault(0);
	assert_int_equal(unmap(1, 1), 0);
	fault(2);
	map(1, 1, RW);
	expect_layout(&f, "0-3:rw-p");
	/* Only the upper is faulted: its anon_vma serves all three. */
	map(10, 1, RW);
	map(12, 1, RW);
	fault(12);
	map(11, 1, RW);
	expect_layout(&f, "0-3:rw-p 10-13:rw-p");
	fault(10);
	assert_ptr_equal(vma_at(f.mm, PG(10))->anon_vma, page_anon_vma(page_of(f.mm, PG(12))));
	mmfix_close(&f);
}

static void test_flags(void **state)
{
	struct mmfix f = mmfix_open();

	map(0, 1, RW);
	map_at(PG(1), 1, RW, ANON | MAP_NORESERVE, NULL, 0);
	map_at(PG(2), 1, RW, ANON | MAP_STACK, NULL, 0);
	map_at(PG(3), 1, RW, ANON | MAP_STACK, NULL, 0);
	map_at(PG(4), 1, RW, ANON | MAP_GROWSDOWN, NULL, 0);
	map(5, 1, READ);
	map(6, 1, NONE);
	map(7, 1, NONE);
	expect_layout(&f, "0-1:rw-p 1-2:rw-p 2-4:rw-p 4-5:rw-p 5-6:r--p 6-8:---p");
	mmfix_close(&f);
}

static void test_shared(void **state)
{
	struct mmfix f = mmfix_open();

	/* Each is an object of its own; a cut one is whole again. */
	map_at(PG(0), 2, RW, SHANON, NULL, 0);
	map_at(PG(2), 1, RW, SHANON, NULL, 0);
	assert_int_equal(protect(0, 1, READ), 0);
	expect_layout(&f, "0-1:r--s@0 1-2:rw-s@1 2-3:rw-s@0");
	assert_int_equal(protect(0, 1, RW), 0);
	expect_layout(&f, "0-2:rw-s@0 2-3:rw-s@0");
	mmfix_close(&f);
}

static void test_file(void **state)
{
	struct mmfix f = mmfix_open();
	struct file *a = file_create(FILE_SHMEM, 16 * PAGE_SIZE, FMODE_READ | FMODE_WRITE);
	struct file *b = file_reopen(a, FMODE_READ | FMODE_WRITE);

	map_file(a, 0, 1, RW, MAP_SHARED, 0);
	map_file(a, 2, 1, RW, MAP_SHARED, 2);
	map_file(a, 1, 1, RW, MAP_SHARED, 1);
	expect_layout(&f, "0-3:rw-s@0");
	map_file(a, 3, 1, RW, MAP_SHARED, 5);
	/* Another open of the same file. */
	map_file(b, 4, 1, RW, MAP_SHARED, 6);
	expect_layout(&f, "0-3:rw-s@0 3-4:rw-s@5 4-5:rw-s@6");
	map_file(a, 10, 1, RW, MAP_PRIVATE, 0);
	fault(10);
	map_file(a, 12, 1, RW, MAP_PRIVATE, 2);
	fault(12);
	map_file(a, 11, 1, RW, MAP_PRIVATE, 1);
	expect_layout(&f, "0-3:rw-s@0 3-4:rw-s@5 4-5:rw-s@6 10-12:rw-p@0 12-13:rw-p@2");
	fput(b);
	fput(a);
	mmfix_close(&f);
}

static void test_mprotect_cases(void **state)
{
	struct mmfix f = mmfix_open();

	/* Tail of the lower becomes like the upper, head of the upper like the lower. */
	map(0, 2, RW);
	map(2, 2, READ);
	assert_int_equal(protect(1, 1, READ), 0);
	expect_layout(&f, "0-1:rw-p 1-4:r--p");
	assert_int_equal(protect(1, 2, RW), 0);
	expect_layout(&f, "0-3:rw-p 3-4:r--p");
	/* The whole of one side, then the middle of three. */
	assert_int_equal(protect(3, 1, RW), 0);
	expect_layout(&f, "0-4:rw-p");
	map(10, 2, RW);
	map(12, 2, READ);
	map(14, 2, RW);
	assert_int_equal(protect(12, 2, RW), 0);
	expect_layout(&f, "0-4:rw-p 10-16:rw-p");
	/* Equal to the upper only. */
	map(20, 2, RX);
	map(22, 2, READ);
	map(24, 2, RW);
	assert_int_equal(protect(22, 2, RW), 0);
	expect_layout(&f, "0-4:rw-p 10-16:rw-p 20-22:r-xp 22-26:rw-p");
	mmfix_close(&f);
}

/* The same with pages in all of them: nothing is lost, and rmap finds every page. */
static void test_mprotect_cases_faulted(void **state)
{
	struct mmfix f = mmfix_open();
	unsigned long i;

	map(0, 9, RW);
	for (i = 0; i < 9; i++)
		fault(i);
	assert_int_equal(protect(3, 3, READ), 0);
	assert_int_equal(protect(4, 1, RW), 0);
	expect_layout(&f, "0-3:rw-p 3-4:r--p 4-5:rw-p 5-6:r--p 6-9:rw-p");
	assert_int_equal(protect(5, 1, RW), 0);
	assert_int_equal(protect(3, 1, RW), 0);
	expect_layout(&f, "0-9:rw-p");
	for (i = 0; i < 9; i++) {
		assert_int_equal(peek(PG(i)), i + 1);
		assert_int_equal(sys_migrate(PG(i)), 0);
		assert_int_equal(peek(PG(i)), i + 1);
	}
	mmfix_close(&f);
}

static void test_account(void **state)
{
	struct mmfix f = mmfix_open();

	/* Never written: read-only again, it is what a fresh read-only mapping is. */
	map(0, 1, RW);
	assert_int_equal(protect(0, 1, READ), 0);
	map(1, 1, READ);
	expect_layout(&f, "0-2:r--p");
	/* Written: its promise stays. */
	map(10, 1, RW);
	fault(10);
	assert_int_equal(protect(10, 1, READ), 0);
	map(11, 1, READ);
	expect_layout(&f, "0-2:r--p 10-11:r--p 11-12:r--p");
	mmfix_close(&f);
}

static void test_find_mergeable(void **state)
{
	struct mmfix f = mmfix_open();

	/* Neighbours that differ in rights share an anon_vma from the second fault on. */
	map(0, 1, RW);
	map(1, 1, RWX);
	fault(0);
	fault(1);
	assert_int_equal(protect(1, 1, RW), 0);
	expect_layout(&f, "0-2:rw-p");
	/* Those that were apart do not. */
	map(10, 1, RW);
	fault(10);
	map(12, 1, RWX);
	fault(12);
	map(11, 1, READ);
	assert_int_equal(protect(12, 1, RW), 0);
	assert_int_equal(protect(11, 1, RW), 0);
	expect_layout(&f, "0-2:rw-p 10-12:rw-p 12-13:rw-p");
	mmfix_close(&f);
}

static void test_move(void **state)
{
	struct mmfix f = mmfix_open();

	/* Unfaulted: renumbered for its new place, so it fits there. */
	map(0, 1, RW);
	fault(0);
	map(2, 1, RW);
	assert_true(remap(2, 1, 1, MREMAP_MAYMOVE | MREMAP_FIXED, 1) == (long)PG(1));
	expect_layout(&f, "0-2:rw-p");
	/* Faulted: keeps its offset, so it fits only where it came from. */
	map(10, 3, RW);
	fault(10);
	fault(11);
	fault(12);
	assert_true(remap(11, 1, 1, MREMAP_MAYMOVE | MREMAP_FIXED, 16) == (long)PG(16));
	assert_int_equal(peek(PG(16)), 12);
	expect_layout(&f, "0-2:rw-p 10-11:rw-p 12-13:rw-p 16-17:rw-p");
	assert_true(remap(16, 1, 1, MREMAP_MAYMOVE | MREMAP_FIXED, 11) == (long)PG(11));
	expect_layout(&f, "0-2:rw-p 10-13:rw-p");
	assert_int_equal(peek(PG(11)), 12);
	mmfix_close(&f);
}

static void test_fork_child(void **state)
{
	struct mmfix f = mmfix_open();
	struct task_struct *child;
	struct mm_struct *mm;

	map(0, 3, RW);
	fault(0);
	fault(1);
	fault(2);
	mm = dup_mm(f.mm);
	assert_false(IS_ERR(mm));
	child = mmfix_task(&f, 2, mm);
	kern_switch_to(child);
	/* A forked VMA takes in no new neighbour, but its own parts. */
	map(3, 1, RW);
	expect_layout_of(mm, "0-3:rw-p 3-4:rw-p");
	assert_int_equal(protect(1, 1, READ), 0);
	assert_int_equal(protect(1, 1, RW), 0);
	expect_layout_of(mm, "0-3:rw-p 3-4:rw-p");
	kern_switch_to(f.task);
	/* The parent's does. */
	map(3, 1, RW);
	expect_layout(&f, "0-4:rw-p");
	mmfix_task_end(&f, child);
	mmfix_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_new_range),
		cmocka_unit_test(test_one_side_faulted),
		cmocka_unit_test(test_three_way),
		cmocka_unit_test(test_flags),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_mprotect_cases),
		cmocka_unit_test(test_mprotect_cases_faulted),
		cmocka_unit_test(test_account),
		cmocka_unit_test(test_find_mergeable),
		cmocka_unit_test(test_move),
		cmocka_unit_test(test_fork_child),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
