/* SPDX-License-Identifier: MIT */
/* room: mm_mm mm_kern */
/* mprotect: errors, what is changed before one, growing stacks; contents survive. */

#include "vma_layout.h"

#define expect(a, b) assert_int_equal((long)(a), (long)(b))

static void test_arguments(void **state)
{
	struct mmfix f = mmfix_open();

	map(0, 4, RW);
	expect(protect(0, 0, READ), 0);
	expect(protect(100, 0, READ), 0);
	expect(sys_mprotect(PG(0) + 1, 0, READ), -EINVAL);
	expect(protect(0, 1, 0x10), -EINVAL);
	expect(protect(0, 1, PROT_SEM), 0);
	expect(protect(8, 1, READ), -ENOMEM);
	expect(sys_mprotect(PG(0), -PAGE_SIZE, READ), -ENOMEM);
	expect(sys_mprotect(PG(0), ~0UL, READ), -ENOMEM);
	expect(protect(0, 1, READ | PROT_GROWSDOWN | PROT_GROWSUP), -EINVAL);
	expect_layout(&f, "0-1:---p 1-4:rw-p");
	mmfix_close(&f);
}

static void test_partial(void **state)
{
	struct mmfix f = mmfix_open();
	struct file *ro = file_create(FILE_SHMEM, 4 * PAGE_SIZE, FMODE_READ);

	/* Up to the hole, and not beyond. */
	map(0, 2, RW);
	map(3, 2, RW);
	expect(protect(0, 5, READ), -ENOMEM);
	expect_layout(&f, "0-2:r--p 3-5:rw-p");
	expect(protect(2, 3, READ), -ENOMEM);
	expect_layout(&f, "0-2:r--p 3-5:rw-p");
	/* Up to what may not be written. */
	map(10, 1, READ);
	map_file(ro, 11, 1, READ, MAP_SHARED, 0);
	map(12, 1, READ);
	expect(protect(10, 3, RW), -EACCES);
	expect_layout(&f, "0-2:r--p 3-5:rw-p 10-11:rw-p 11-12:r--s@0 12-13:r--p");
	fput(ro);
	mmfix_close(&f);
}

static void test_growsdown(void **state)
{
	struct mmfix f = mmfix_open();

	map_at(PG(0), 3, RW, ANON | MAP_GROWSDOWN, NULL, 0);
	expect(protect(1, 1, READ | PROT_GROWSDOWN), 0);
	expect_layout(&f, "0-2:r--p 2-3:rw-p");
	map(8, 2, RW);
	expect(protect(8, 1, READ | PROT_GROWSDOWN), -EINVAL);
	expect(protect(0, 1, READ | PROT_GROWSUP), -EINVAL);
	mmfix_close(&f);
}

static void test_rights_follow(void **state)
{
	struct mmfix f = mmfix_open();
	unsigned long i;

	map(0, 4, RW);
	for (i = 0; i < 4; i++)
		poke(PG(i), i + 1);
	expect(protect(1, 2, READ), 0);
	expect_signal(user_store(PG(1), 8, 9), MM_SIGSEGV, MM_SEGV_ACCERR, PG(1));
	expect_signal(user_store(PG(2), 8, 9), MM_SIGSEGV, MM_SEGV_ACCERR, PG(2));
	poke(PG(3), 9);
	expect(protect(1, 1, NONE), 0);
	expect_signal(user_store(PG(1), 8, 9), MM_SIGSEGV, MM_SEGV_ACCERR, PG(1));
	expect(protect(0, 4, RW), 0);
	expect_layout(&f, "0-4:rw-p");
	for (i = 0; i < 3; i++)
		expect(peek(PG(i)), i + 1);
	poke(PG(1), 5);
	check_counters(f.mm, 4, 0, 0);
	mmfix_close(&f);
}

static void test_read_implies_exec(void **state)
{
	struct mmfix f = mmfix_open();

	f.mm->params.personality |= READ_IMPLIES_EXEC;
	map(0, 1, NONE);
	map(1, 1, READ);
	expect(protect(0, 1, READ), 0);
	expect_layout(&f, "0-2:r-xp");
	mmfix_close(&f);
}

static void test_data_count(void **state)
{
	struct mmfix f = mmfix_open();

	map(0, 4, RW);
	expect(f.mm->data_vm, 4);
	expect(protect(1, 2, READ), 0);
	expect(f.mm->data_vm, 2);
	expect(protect(1, 2, RX), 0);
	expect(f.mm->exec_vm, 2);
	expect(unmap(0, 4), 0);
	expect(f.mm->data_vm, 0);
	expect(f.mm->exec_vm, 0);
	mmfix_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_partial),
		cmocka_unit_test(test_growsdown),
		cmocka_unit_test(test_rights_follow),
		cmocka_unit_test(test_read_implies_exec),
		cmocka_unit_test(test_data_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
