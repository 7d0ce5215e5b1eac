/* SPDX-License-Identifier: MIT */
/* room: mm_mm mm_kern */
/* Guard regions: what they refuse, what they survive, and with what they go. */

#include <signal.h>

#include "vma_layout.h"

#define expect(a, b) assert_int_equal((long)(a), (long)(b))

static bool guarded(unsigned long page)
{
	u64 value;

	if (!user_load(PG(page), 8, &value))
		return false;
	expect_signal(user_store(PG(page), 8, 1), SIGSEGV, SEGV_MAPERR, PG(page));
	return true;
}

static void test_install(void **state)
{
	struct mmfix f = mmfix_open();
	unsigned long i;

	map(0, 4, RW);
	for (i = 0; i < 4; i++)
		poke(PG(i), i + 1);
	expect(advise(1, 2, MADV_GUARD_INSTALL), 0);
	/* Contents go, the VMA stays one. */
	expect_layout(&f, "0-4:rw-p");
	check_counters(f.mm, 2, 0, 0);
	assert_true(!guarded(0) && guarded(1) && guarded(2) && !guarded(3));
	/* Once more is no error. */
	expect(advise(0, 4, MADV_GUARD_INSTALL), 0);
	expect(advise(2, 1, MADV_GUARD_REMOVE), 0);
	assert_true(guarded(1) && guarded(3));
	expect(peek(PG(2)), 0);
	expect(advise(0, 4, MADV_POPULATE_WRITE), -EFAULT);
	mmfix_close(&f);
}

static void test_survives(void **state)
{
	struct mmfix f = mmfix_open();
	struct mm_struct *child;
	struct task_struct *task;

	map(0, 4, RW);
	expect(advise(1, 1, MADV_GUARD_INSTALL), 0);
	expect(advise(0, 4, MADV_DONTNEED), 0);
	expect(protect(0, 2, READ), 0);
	expect(protect(0, 2, RW), 0);
	assert_true(guarded(1));
	child = dup_mm(f.mm);
	task = mmfix_task(&f, 2, child);
	kern_switch_to(task);
	assert_true(guarded(1) && !guarded(0));
	mmfix_task_end(&f, task);
	expect(remap(0, 4, 4, MREMAP_MAYMOVE | MREMAP_FIXED, 8), PG(8));
	assert_true(guarded(9) && !guarded(8));
	/* With the mapping it goes. */
	map(8, 4, RW);
	assert_true(!guarded(9));
	mmfix_close(&f);
}

static void test_file(void **state)
{
	struct mmfix f = mmfix_open();
	struct file *file = file_create(FILE_SHMEM, 4 * PAGE_SIZE, FMODE_READ | FMODE_WRITE);

	map_file(file, 0, 4, RW, MAP_SHARED, 0);
	poke(PG(1), 7);
	expect(advise(1, 1, MADV_GUARD_INSTALL), 0);
	/* Fault-around passes it by. */
	peek(PG(0));
	assert_true(guarded(1));
	expect(sys_truncate(file, 0), 0);
	expect(sys_truncate(file, 4 * PAGE_SIZE), 0);
	assert_true(guarded(1));
	expect(advise(1, 1, MADV_GUARD_REMOVE), 0);
	expect(peek(PG(1)), 0);
	fput(file);
	mmfix_close(&f);
}

static void test_refused(void **state)
{
	struct mmfix f = mmfix_open();

	map(0, 2, RW);
	expect(sys_mlock(PG(0), PAGE_SIZE), 0);
	expect(advise(0, 1, MADV_GUARD_INSTALL), -EINVAL);
	/* To take one away is harmless. */
	expect(advise(0, 1, MADV_GUARD_REMOVE), 0);
	expect(advise(1, 2, MADV_GUARD_INSTALL), -ENOMEM);
	assert_true(guarded(1));
	/* Locking what cannot be brought in. */
	expect(sys_mlock(PG(1), PAGE_SIZE), -ENOMEM);
	mmfix_close(&f);
}

/* The flag spreads by merging, and hinders no merge. */
static void test_sticky(void **state)
{
	struct mmfix f = mmfix_open();

	map(0, 2, RW);
	expect(advise(0, 1, MADV_GUARD_INSTALL), 0);
	/* What joins it has no guards. */
	map(2, 2, READ);
	expect(protect(2, 2, RW), 0);
	expect_layout(&f, "0-4:rw-p");
	assert_true(vma_at(f.mm, PG(3))->vm_flags & VM_MAYBE_GUARD);
	/* What is swallowed has some. */
	map(8, 1, RW);
	map(10, 1, RW);
	expect(advise(10, 1, MADV_GUARD_INSTALL), 0);
	map(9, 1, RW);
	expect_layout(&f, "0-4:rw-p 8-11:rw-p");
	assert_true(vma_at(f.mm, PG(8))->vm_flags & VM_MAYBE_GUARD);
	mmfix_close(&f);
}

static void setup_pages(struct mmfix *f)
{
	(void)f;
	map(0, 3, RW);
	poke(PG(2), 1);
}

static long call_install(struct mmfix *f)
{
	(void)f;
	return advise(0, 2, MADV_GUARD_INSTALL);
}

static void test_fail(void **state)
{
	fail_nth_sweep(setup_pages, call_install);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_install),
		cmocka_unit_test(test_survives),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_sticky),
		cmocka_unit_test(test_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
