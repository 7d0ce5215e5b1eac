/* SPDX-License-Identifier: MIT */
/* room: mm_mm mm_kern */
/* Truncation reaches every mapping of every process, and private copies too. */

#include <errno.h>

#include "mm_fixture.h"

static void test_unmaps_everywhere(void **state)
{
	struct mmfix f = mmfix_open();
	struct file *file = file_create(FILE_SHMEM, 8 * PAGE_SIZE, FMODE_READ | FMODE_WRITE);
	struct task_struct *child;
	u64 v;

	map_at(AT, 8, RW, MAP_SHARED, file, 0);
	map_at(PG(16), 8, RW, MAP_PRIVATE, file, 0);
	for (u64 i = 0; i < 8; i++) {
		poke(PG(i), i + 1);
		poke(PG(16 + i), i + 101);	/* private copies */
	}
	child = mmfix_task(&f, 2, dup_mm(f.mm));
	kern_switch_to(child);
	assert_int_equal(peek(PG(5)), 6);
	assert_int_equal(peek(PG(21)), 106);

	assert_int_equal(sys_truncate(file, 3 * PAGE_SIZE + 8), 0);
	assert_int_equal(file_inode(file)->i_data.nrpages, 4);
	expect_signal(user_load(PG(5), 8, &v), MM_SIGBUS, MM_BUS_ADRERR, PG(5));
	expect_signal(user_load(PG(21), 8, &v), MM_SIGBUS, MM_BUS_ADRERR, PG(21));
	assert_int_equal(peek(PG(3)), 4);
	assert_int_equal(peek(PG(19)), 104);
	check_rss(child->mm);
	kern_switch_to(f.task);
	expect_signal(user_load(PG(20), 8, &v), MM_SIGBUS, MM_BUS_ADRERR, PG(20));
	assert_int_equal(peek(PG(2)), 3);
	check_counters(f.mm, 4, 0, 4);

	/* Grown again: zero, not what was there. */
	assert_int_equal(sys_truncate(file, 8 * PAGE_SIZE), 0);
	assert_int_equal(peek(PG(5)), 0);
	mmfix_task_end(&f, child);
	fput(file);
	mmfix_close(&f);
}

static void test_partial_page(void **state)
{
	struct mmfix f = mmfix_open();
	struct file *file = file_create(FILE_REGULAR, 2 * PAGE_SIZE, FMODE_READ | FMODE_WRITE);

	map_at(AT, 2, RW, MAP_SHARED, file, 0);
	poke(AT + 96, ~0ULL);
	poke(AT + 104, ~0ULL);
	poke(AT + 4088, ~0ULL);
	assert_int_equal(sys_truncate(file, 100), 0);
	assert_int_equal(peek(AT + 96), 0xffffffffULL);
	assert_int_equal(peek(AT + 104), 0);
	assert_int_equal(peek(AT + 4088), 0);
	check_counters(f.mm, 0, 1, 0);
	assert_int_equal(sys_truncate(file, 0), 0);
	check_counters(f.mm, 0, 0, 0);
	assert_int_equal(file_inode(file)->i_data.nrpages, 0);
	assert_int_equal(sys_truncate(file, -1), -EINVAL);
	fput(file);
	mmfix_close(&f);
}

static void test_read_only_file(void **state)
{
	struct mmfix f = mmfix_open();
	struct file *file = file_create(FILE_REGULAR, PAGE_SIZE, FMODE_READ);

	assert_int_equal(do_truncate(file, 0), -EINVAL);
	assert_int_equal(i_size_read(file_inode(file)), PAGE_SIZE);
	fput(file);
	mmfix_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unmaps_everywhere),
		cmocka_unit_test(test_partial_page),
		cmocka_unit_test(test_read_only_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
