/* SPDX-License-Identifier: MIT */
/* room: mm_mm mm_kern */
/* mmap and munmap: errors in the kernel's order, what replaces what, limits. */

#include "vma_layout.h"

#define expect(a, b) assert_int_equal((long)(a), (long)(b))

static void test_arguments(void **state)
{
	struct mmfix f = mmfix_open();

	expect(sys_mmap(0, 0, RW, ANON, NULL, 0), -EINVAL);
	expect(sys_mmap(0, ~0UL, RW, ANON, NULL, 0), -ENOMEM);
	expect(sys_mmap(0, 0x800000000000UL, NONE, ANON | MAP_NORESERVE, NULL, 0), -ENOMEM);
	expect(sys_mmap(0, PAGE_SIZE, RW, ANON, NULL, 1), -EINVAL);
	expect(sys_mmap(0, PAGE_SIZE, RW, MAP_ANONYMOUS, NULL, 0), -EINVAL);
	expect(sys_mmap(0, PAGE_SIZE, RW, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, NULL, 0), -EINVAL);
	expect(sys_mmap(0, PAGE_SIZE, RW, MAP_PRIVATE, NULL, 0), -EBADF);
	expect(sys_mmap(0, PAGE_SIZE, RW, SHANON | MAP_GROWSDOWN, NULL, 0), -EINVAL);
	expect(sys_mmap(0, 512 * PAGE_SIZE, RW, ANON | MAP_HUGETLB, NULL, 0), -ENOMEM);
	expect(sys_mmap(0, 512 * PAGE_SIZE, RW, ANON | MAP_HUGETLB | 0x40000000UL, NULL, 0),
	       -EINVAL);
	expect(f.mm->map_count, 0);
	mmfix_close(&f);
}

static void test_file_rights(void **state)
{
	struct mmfix f = mmfix_open();
	struct file *ro = file_create(FILE_SHMEM, 4 * PAGE_SIZE, FMODE_READ);
	struct file *wo = file_create(FILE_SHMEM, 4 * PAGE_SIZE, FMODE_WRITE);
	struct file *none = file_create(FILE_NOMMAP, 0, FMODE_READ);

	expect(sys_mmap(0, PAGE_SIZE, NONE, MAP_PRIVATE, wo, 0), -EACCES);
	expect(sys_mmap(0, PAGE_SIZE, RW, MAP_SHARED, ro, 0), -EACCES);
	expect(sys_mmap(0, PAGE_SIZE, READ, MAP_PRIVATE, none, 0), -ENODEV);
	expect(sys_mmap(0, PAGE_SIZE, READ, MAP_DROPPABLE, ro, 0), -EINVAL);
	expect(sys_mmap(0, PAGE_SIZE, READ, MAP_SHARED_VALIDATE | 0x200, ro, 0), -EOPNOTSUPP);
	expect(sys_mmap(0, PAGE_SIZE, READ, MAP_SHARED, ro, 0x7ffffffffffff000UL), -EOVERFLOW);
	expect(sys_mmap(0, 2 * PAGE_SIZE, READ, MAP_SHARED, ro, -PAGE_SIZE), -EOVERFLOW);
	/* Shared of a read-only file can never be written. */
	map_file(ro, 0, 1, READ, MAP_SHARED, 0);
	map_file(ro, 1, 1, READ, MAP_PRIVATE, 0);
	expect(protect(0, 1, RW), -EACCES);
	expect(protect(1, 1, RW), 0);
	fput(ro);
	fput(wo);
	fput(none);
	mmfix_close(&f);
}

static void test_replace(void **state)
{
	struct mmfix f = mmfix_open();
	unsigned long i;

	map(0, 8, RW);
	for (i = 0; i < 8; i++)
		poke(PG(i), i + 1);
	map(2, 3, READ);
	expect_layout(&f, "0-2:rw-p 2-5:r--p 5-8:rw-p");
	expect(peek(PG(3)), 0);
	expect(peek(PG(5)), 6);
	check_counters(f.mm, 5, 0, 0);
	/* Over several, and over holes; the same again merges into what is around. */
	expect(unmap(6, 1), 0);
	map(1, 6, RW);
	expect_layout(&f, "0-8:rw-p");
	expect(peek(PG(0)), 1);
	expect(peek(PG(1)), 0);
	expect(peek(PG(7)), 8);
	mmfix_close(&f);
}

static void test_munmap(void **state)
{
	struct mmfix f = mmfix_open();

	map(0, 3, RW);
	map(5, 3, READ);
	map(10, 2, RX);
	expect(unmap(0, 0), -EINVAL);
	expect(sys_munmap(PG(0) + 1, PAGE_SIZE), -EINVAL);
	expect(sys_munmap(PG(0), ~0UL), -EINVAL);
	expect(sys_munmap(PG(0), 0x800000000000UL), -EINVAL);
	expect(unmap(20, 1), 0);
	poke(PG(1), 1);
	expect(unmap(1, 10), 0);
	expect_layout(&f, "0-1:rw-p 11-12:r-xp");
	expect(sys_munmap(PG(11), 1), 0);
	expect_layout(&f, "0-1:rw-p");
	check_counters(f.mm, 0, 0, 0);
	mmfix_close(&f);
}

static void test_map_count(void **state)
{
	struct mmfix f = mmfix_open();

	f.mm->params.max_map_count = 4;
	map(0, 8, RW);
	map(10, 1, READ);
	map(12, 1, READ);
	/* One cut is left: a hole in the middle of the first would need it. */
	expect(unmap(1, 1), 0);
	expect(f.mm->map_count, 4);
	expect(unmap(3, 1), -ENOMEM);
	expect(protect(3, 1, READ), -ENOMEM);
	expect(advise(3, 1, MADV_DONTFORK), -EAGAIN);
	expect_layout(&f, "0-1:rw-p 2-8:rw-p 10-11:r--p 12-13:r--p");
	/* Trims work at the limit; and mmap may go one above it. */
	expect(unmap(7, 1), 0);
	map(14, 1, READ);
	expect(sys_mmap(PG(16), PAGE_SIZE, READ, ANON | MAP_FIXED, NULL, 0), -ENOMEM);
	mmfix_close(&f);
}

static void test_limits(void **state)
{
	struct mmfix f = mmfix_open();

	f.mm->params.rlim[RLIMIT_AS] = 8 * PAGE_SIZE;
	map(0, 8, RW);
	expect(sys_mmap(0, PAGE_SIZE, READ, ANON, NULL, 0), -ENOMEM);
	/* Replaced pages count; what exceeds leaves the old one cut, but mapped. */
	map(2, 2, READ);
	expect(sys_mmap(PG(6), 4 * PAGE_SIZE, READ, ANON | MAP_FIXED, NULL, 0), -ENOMEM);
	expect_layout(&f, "0-2:rw-p 2-4:r--p 4-6:rw-p 6-8:rw-p");
	expect(unmap(0, 8), 0);

	f.mm->params.rlim[RLIMIT_AS] = RLIM_INFINITY;
	f.mm->params.rlim[RLIMIT_DATA] = 4 * PAGE_SIZE;
	map(0, 4, RW);
	map(10, 4, READ);
	expect(sys_mmap(PG(20), PAGE_SIZE, RW, ANON | MAP_FIXED, NULL, 0), -ENOMEM);
	expect(protect(10, 1, RW), -ENOMEM);
	mmfix_close(&f);
}

static void test_overcommit(void **state)
{
	struct mmfix f = mmfix_open();

	f.mm->params.total_pages = 100;
	expect(sys_mmap(0, 101 * PAGE_SIZE, RW, ANON, NULL, 0), -ENOMEM);
	expect(sys_mmap(0, 101 * PAGE_SIZE, RW, SHANON, NULL, 0), -ENOMEM);
	map(0, 101, READ);
	expect(protect(0, 101, RW), -ENOMEM);
	map_at(PG(200), 101, RW, ANON | MAP_NORESERVE, NULL, 0);
	map(400, 100, RW);
	expect(vm_memory_committed(f.m), 100);
	expect(unmap(400, 50), 0);
	expect(vm_memory_committed(f.m), 50);
	expect(unmap(0, 500), 0);
	expect(vm_memory_committed(f.m), 0);
	mmfix_close(&f);
}

static void test_populate(void **state)
{
	struct mmfix f = mmfix_open();

	map_at(PG(0), 2, RW, ANON | MAP_POPULATE, NULL, 0);
	map_at(PG(2), 2, READ, ANON | MAP_POPULATE, NULL, 0);
	map_at(PG(4), 2, NONE, ANON | MAP_POPULATE, NULL, 0);
	check_counters(f.mm, 2, 0, 0);
	assert_true(pte_special(pte_of(f.mm, PG(3))));
	assert_true(pte_none(pte_of(f.mm, PG(4))));
	mmfix_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_file_rights),
		cmocka_unit_test(test_replace),
		cmocka_unit_test(test_munmap),
		cmocka_unit_test(test_map_count),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_overcommit),
		cmocka_unit_test(test_populate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
