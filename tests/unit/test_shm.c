/* SPDX-License-Identifier: MIT */
/* room: mm_mm mm_kern */
/* System V attachments and remap_file_pages. */

#include "vma_layout.h"

#define expect(a, b) assert_int_equal((long)(a), (long)(b))

static struct file *segment(unsigned long pages)
{
	return file_create(FILE_SHMEM, pages * PAGE_SIZE, FMODE_READ | FMODE_WRITE);
}

static void test_attach(void **state)
{
	struct mmfix f = mmfix_open();
	struct file *seg = segment(2);

	expect(sys_shmat(NULL, 0, 0), -EINVAL);
	expect(sys_shmat(seg, 0, SHM_REMAP), -EINVAL);
	expect(sys_shmat(seg, PG(0) + 1, 0), -EINVAL);
	expect(sys_shmat(seg, PG(0) + 1, SHM_RND), PG(0));
	expect(sys_shmat(seg, PG(1), 0), -EINVAL);
	expect(sys_shmat(seg, PG(2), SHM_RDONLY), PG(2));
	/* Two attachments stay two, and show the same memory. */
	expect_layout(&f, "0-2:rw-s@0 2-4:r--s@0");
	poke(PG(1), 5);
	expect(peek(PG(3)), 5);
	expect(protect(2, 2, RW), -EACCES);
	expect(sys_shmat(seg, PG(1), SHM_REMAP), PG(1));
	expect_layout(&f, "0-1:rw-s@0 1-3:rw-s@0 3-4:r--s@1");
	fput(seg);
	mmfix_close(&f);
}

static void test_detach(void **state)
{
	struct mmfix f = mmfix_open();
	struct file *seg = segment(4), *other = segment(4);

	expect(sys_shmat(seg, PG(0), 0), PG(0));
	expect(sys_shmat(other, PG(4), 0), PG(4));
	expect(sys_shmdt(PG(1)), -EINVAL);
	expect(sys_shmdt(PG(0) + 1), -EINVAL);
	/* All pieces of this one, whatever lies between them. */
	expect(unmap(1, 1), 0);
	map(1, 1, RW);
	expect(sys_shmdt(PG(0)), 0);
	expect_layout(&f, "1-2:rw-p 4-8:rw-s@0");
	expect(sys_shmdt(PG(0)), -EINVAL);
	expect(sys_shmdt(PG(4)), 0);
	fput(seg);
	fput(other);
	mmfix_close(&f);
}

/* Its pieces know when they end: none is swallowed by a neighbour. */
static void test_pieces(void **state)
{
	struct mmfix f = mmfix_open();
	struct file *seg = segment(3);

	expect(sys_shmat(seg, PG(0), 0), PG(0));
	expect(protect(1, 1, READ), 0);
	expect(protect(1, 1, RW), 0);
	expect_layout(&f, "0-1:rw-s@0 1-2:rw-s@1 2-3:rw-s@2");
	fput(seg);
	mmfix_close(&f);
}

static long remap_pages(unsigned long page, unsigned long nr, unsigned long pgoff)
{
	return sys_remap_file_pages(PG(page), nr * PAGE_SIZE, 0, pgoff, 0);
}

static void test_remap(void **state)
{
	struct mmfix f = mmfix_open();
	struct file *file = segment(8);

	map_file(file, 0, 4, RW, MAP_SHARED, 0);
	map(4, 2, RW);
	poke(PG(3), 33);
	expect(sys_remap_file_pages(PG(0), PAGE_SIZE, 1, 3, 0), -EINVAL);
	expect(remap_pages(0, 0, 3), -EINVAL);
	expect(remap_pages(4, 1, 0), -EINVAL);
	expect(remap_pages(3, 2, 0), -EINVAL);
	expect(remap_pages(9, 1, 0), -EINVAL);
	expect(remap_pages(1, 1, 3), 0);
	expect_layout(&f, "0-1:rw-s@0 1-2:rw-s@3 2-4:rw-s@2 4-6:rw-p");
	expect(peek(PG(1)), 33);
	/* Over several of them, and back. */
	expect(remap_pages(0, 4, 0), 0);
	expect_layout(&f, "0-4:rw-s@0 4-6:rw-p");
	expect(unmap(1, 1), 0);
	expect(remap_pages(0, 4, 0), -EINVAL);
	fput(file);
	mmfix_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attach),
		cmocka_unit_test(test_detach),
		cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_remap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
