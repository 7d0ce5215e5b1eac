/* SPDX-License-Identifier: MIT */
/* room: mm_mm mm_kern */
/* mlock and its family: limits, holes, what is brought in; mseal; msync and mincore. */

#include "vma_layout.h"

#define expect(a, b) assert_int_equal((long)(a), (long)(b))

static long lock(unsigned long page, unsigned long nr)
{
	return sys_mlock(PG(page), nr * PAGE_SIZE);
}

static long unlock(unsigned long page, unsigned long nr)
{
	return sys_munlock(PG(page), nr * PAGE_SIZE);
}

static void test_populates(void **state)
{
	struct mmfix f = mmfix_open();

	map(0, 6, RW);
	/* Both ends are rounded outward. */
	expect(sys_mlock(PG(1) + 5, PAGE_SIZE), 0);
	expect_layout(&f, "0-1:rw-p 1-3:rw-p 3-6:rw-p");
	expect(f.mm->locked_vm, 2);
	check_counters(f.mm, 2, 0, 0);
	/* Locked once is locked. */
	expect(lock(2, 2), 0);
	expect(f.mm->locked_vm, 3);
	expect(unlock(0, 6), 0);
	expect(f.mm->locked_vm, 0);
	expect_layout(&f, "0-6:rw-p");
	/* What may only be read needs no page of its own. */
	map(8, 1, READ);
	expect(lock(8, 1), 0);
	assert_true(pte_special(pte_of(f.mm, PG(8))));
	mmfix_close(&f);
}

static void test_errors(void **state)
{
	struct mmfix f = mmfix_open();

	map(0, 2, RW);
	map(4, 1, NONE);
	expect(sys_mlock2(PG(0), PAGE_SIZE, 2), -EINVAL);
	expect(sys_mlock(PG(0), ~0UL - PG(0) - 1), -EINVAL);
	expect(sys_mlock(PG(0), ~0UL), 0);
	expect(unlock(2, 1), -ENOMEM);
	/* What lies before the hole is locked, and not brought in. */
	expect(lock(0, 4), -ENOMEM);
	expect(f.mm->locked_vm, 2);
	check_counters(f.mm, 0, 0, 0);
	/* Nothing can be brought in here; the flag stays. */
	expect(lock(4, 1), -ENOMEM);
	expect(f.mm->locked_vm, 3);
	mmfix_close(&f);
}

static void test_limit(void **state)
{
	struct mmfix f = mmfix_open();

	map(0, 8, RW);
	f.mm->params.cap_ipc_lock = false;
	f.mm->params.rlim[RLIMIT_MEMLOCK] = 4 * PAGE_SIZE;
	expect(lock(0, 5), -ENOMEM);
	expect(lock(0, 3), 0);
	/* Pages that are locked already do not count again. */
	expect(lock(0, 4), 0);
	expect(lock(4, 1), -ENOMEM);
	expect(sys_mmap(PG(16), PAGE_SIZE, RW, ANON | MAP_FIXED | MAP_LOCKED, NULL, 0), -EAGAIN);
	expect(sys_mlockall(MCL_CURRENT), -ENOMEM);
	f.mm->params.rlim[RLIMIT_MEMLOCK] = 0;
	expect(lock(0, 1), -EPERM);
	expect(sys_mlockall(MCL_FUTURE), -EPERM);
	expect(unlock(0, 8), 0);
	expect(f.mm->locked_vm, 0);
	mmfix_close(&f);
}

static void test_onfault(void **state)
{
	struct mmfix f = mmfix_open();

	map(0, 4, RW);
	expect(sys_mlock2(PG(0), 4 * PAGE_SIZE, MLOCK_ONFAULT), 0);
	expect(f.mm->locked_vm, 4);
	check_counters(f.mm, 0, 0, 0);
	poke(PG(1), 1);
	check_counters(f.mm, 1, 0, 0);
	/* From one kind of lock to the other: no page is counted twice. */
	expect(lock(0, 4), 0);
	expect(f.mm->locked_vm, 4);
	check_counters(f.mm, 4, 0, 0);
	mmfix_close(&f);
}

static void test_all(void **state)
{
	struct mmfix f = mmfix_open();
	struct mm_struct *child;

	expect(sys_mlockall(0), -EINVAL);
	expect(sys_mlockall(8), -EINVAL);
	expect(sys_mlockall(MCL_ONFAULT), -EINVAL);
	map(0, 2, RW);
	map(4, 1, NONE);
	expect(sys_mlockall(MCL_CURRENT | MCL_FUTURE), 0);
	expect(f.mm->locked_vm, 3);
	check_counters(f.mm, 2, 0, 0);
	map(8, 3, RW);
	expect(f.mm->locked_vm, 6);
	check_counters(f.mm, 5, 0, 0);
	/* A child inherits none of it. */
	child = dup_mm(f.mm);
	expect(child->locked_vm, 0);
	expect(child->def_flags, 0);
	mmput(child);
	expect(unmap(8, 2), 0);
	expect(f.mm->locked_vm, 4);
	expect(sys_munlockall(), 0);
	expect(f.mm->locked_vm, 0);
	map(12, 1, RW);
	expect(f.mm->locked_vm, 0);
	mmfix_close(&f);
}

static void test_seal(void **state)
{
	struct mmfix f = mmfix_open();

	map(0, 6, RW);
	expect(sys_mseal(PG(0), PAGE_SIZE, 1), -EINVAL);
	expect(sys_mseal(PG(0) + 1, PAGE_SIZE, 0), -EINVAL);
	expect(sys_mseal(PG(0), 0, 0), 0);
	expect(sys_mseal(PG(5), 2 * PAGE_SIZE, 0), -ENOMEM);
	expect(sys_mseal(PG(1), 2 * PAGE_SIZE, 0), 0);
	expect_layout(&f, "0-1:rw-p 1-3:rw-p 3-6:rw-p");
	expect(unmap(0, 2), -EPERM);
	expect(protect(2, 2, READ), -EPERM);
	expect(remap(1, 1, 1, MREMAP_MAYMOVE | MREMAP_FIXED, 20), -EPERM);
	expect(sys_mmap(PG(2), PAGE_SIZE, RW, ANON | MAP_FIXED, NULL, 0), -EPERM);
	/* Who may write may discard as well. */
	expect(advise(1, 2, MADV_DONTNEED), 0);
	expect(protect(3, 1, READ), 0);
	expect(sys_mseal(PG(3), PAGE_SIZE, 0), 0);
	expect(advise(3, 1, MADV_DONTNEED), -EPERM);
	expect(advise(3, 1, MADV_GUARD_INSTALL), -EPERM);
	expect(advise(3, 1, MADV_RANDOM), 0);
	expect(sys_mseal(PG(1), 2 * PAGE_SIZE, 0), 0);
	mmfix_close(&f);
}

static void test_msync(void **state)
{
	struct mmfix f = mmfix_open();

	map(0, 2, RW);
	expect(sys_msync(PG(0), PAGE_SIZE, MS_SYNC | MS_ASYNC), -EINVAL);
	expect(sys_msync(PG(0), PAGE_SIZE, 8), -EINVAL);
	expect(sys_msync(PG(0) + 1, PAGE_SIZE, MS_SYNC), -EINVAL);
	expect(sys_msync(PG(0), -2 * PAGE_SIZE, MS_SYNC), -ENOMEM);
	expect(sys_msync(PG(0), ~0UL, MS_SYNC), 0);
	expect(sys_msync(PG(0), 3 * PAGE_SIZE, MS_SYNC), -ENOMEM);
	expect(sys_msync(PG(0), 2 * PAGE_SIZE, MS_ASYNC), 0);
	expect(lock(1, 1), 0);
	expect(sys_msync(PG(0), PAGE_SIZE, MS_INVALIDATE), 0);
	expect(sys_msync(PG(0), 2 * PAGE_SIZE, MS_INVALIDATE), -EBUSY);
	mmfix_close(&f);
}

static void test_mincore(void **state)
{
	struct mmfix f = mmfix_open();
	struct file *file = file_create(FILE_SHMEM, 4 * PAGE_SIZE, FMODE_READ | FMODE_WRITE);

	map(0, 4, RW);
	map(10, 1, RW);
	poke(PG(0), 1);
	peek(PG(1));
	expect(advise(2, 1, MADV_GUARD_INSTALL), 0);
	expect(sys_mincore(PG(0), 4 * PAGE_SIZE, PG(10)), 0);
	expect(peek(PG(10)), 0x0101);
	/* A page of a file is there before it is mapped. */
	map_file(file, 4, 2, RW, MAP_SHARED, 0);
	map_file(file, 6, 2, RW, MAP_SHARED, 0);
	poke(PG(5), 1);
	expect(sys_mincore(PG(6), 2 * PAGE_SIZE - 5, PG(10)), 0);
	expect(peek(PG(10)), 0x0100);
	expect(sys_mincore(PG(0) + 1, PAGE_SIZE, PG(10)), -EINVAL);
	expect(sys_mincore(PG(7), 2 * PAGE_SIZE, PG(10)), -ENOMEM);
	expect(sys_mincore(PG(0), ~0UL, PG(10)), -ENOMEM);
	expect(sys_mincore(PG(0), PAGE_SIZE, PG(20)), -EFAULT);
	expect(sys_mincore(PG(0), PAGE_SIZE, ~0UL), -EFAULT);
	expect(sys_mincore(PG(20), 0, PG(20)), 0);
	fput(file);
	mmfix_close(&f);
}

static void setup_piece(struct mmfix *f)
{
	(void)f;
	map(0, 3, RW);
}

static long call_seal(struct mmfix *f)
{
	(void)f;
	return sys_mseal(PG(1), PAGE_SIZE, 0);
}

static long call_onfault(struct mmfix *f)
{
	(void)f;
	return sys_mlock2(PG(1), PAGE_SIZE, MLOCK_ONFAULT);
}

static void test_fail(void **state)
{
	fail_nth_sweep(setup_piece, call_seal);
	fail_nth_sweep(setup_piece, call_onfault);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_populates),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_onfault),
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_seal),
		cmocka_unit_test(test_msync),
		cmocka_unit_test(test_mincore),
		cmocka_unit_test(test_fail),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
