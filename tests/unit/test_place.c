/* SPDX-License-Identifier: MIT */
/* room: mm_mm mm_kern */
/* Where mappings go: top-down, hints, guard gaps, 2 MiB alignment, limits of the space. */

#include "vma_layout.h"

/* The recordings' base: [vvar] starts here, and the stack has its place. */
#define TOP	0x7ffff7ff7000UL
#define DOWN(n)	(TOP - (n) * PAGE_SIZE)
#define M2	512UL

static struct mmfix open_process(void)
{
	struct mmfix f = mmfix_open();

	assert_int_equal(mm_install_vma(f.mm, TOP, 0x7ffff7fff000UL, VM_READ | VM_MAYREAD, 0, NULL,
					NULL), 0);
	assert_int_equal(mm_install_vma(f.mm, 0x7ffffffde000UL, 0x7ffffffff000UL, VM_STACK_FLAGS,
					0x7fffffffe, NULL, NULL), 0);
	return f;
}

static unsigned long get(unsigned long hint, unsigned long pages, unsigned long prot,
			 unsigned long flags)
{
	return (unsigned long)sys_mmap(hint, pages * PAGE_SIZE, prot, ANON | flags, NULL, 0);
}

#define expect(a, b) assert_int_equal((unsigned long)(a), (unsigned long)(b))

static void test_top_down(void **state)
{
	struct mmfix f = open_process();

	expect(f.mm->mmap_base, 0x7ffff7fff000UL);
	expect(get(0, 1, RW, 0), DOWN(1));
	expect(get(0, 3, RW, 0), DOWN(4));
	/* The highest hole that fits, from its top. */
	expect(get(0, 60, READ, 0), DOWN(64));
	expect(sys_munmap(DOWN(56), 4 * PAGE_SIZE), 0);
	expect(sys_munmap(DOWN(24), 2 * PAGE_SIZE), 0);
	expect(get(0, 1, RW, 0), DOWN(23));
	expect(get(0, 2, RW, 0), DOWN(54));
	expect(get(0, 5, RW, 0), DOWN(69));
	mmfix_close(&f);
}

static void test_hints(void **state)
{
	struct mmfix f = open_process();

	expect(get(PG(1) + 0x234, 1, RW, 0), PG(1));
	expect(get(PG(0), 2, READ, 0), DOWN(2));
	/* Below a page: none. Below the minimum: raised to it. */
	expect(get(0xfff, 1, RW, 0), DOWN(3));
	expect(get(0x1000, 1, RW, 0), 0x10000);
	expect(get(0x2000, 2, RW, 0), DOWN(5));
	/* Not where a stack keeps its gap, but MAP_FIXED may. */
	expect(get(0x7ffffffde000UL - 256 * PAGE_SIZE, 1, NONE, 0), DOWN(6));
	expect(get(0x7ffffffde000UL - 257 * PAGE_SIZE, 1, NONE, 0),
	       0x7ffffffde000UL - 257 * PAGE_SIZE);
	expect(get(0x7ffffffde000UL - PAGE_SIZE, 1, NONE, MAP_FIXED),
	       0x7ffffffde000UL - PAGE_SIZE);
	expect(get(0x8000000000000000UL, 1, NONE, 0), DOWN(7));
	mmfix_close(&f);
}

static void test_fixed(void **state)
{
	struct mmfix f = mmfix_open();

	expect(get(0x7fffffffe000UL, 1, RW, MAP_FIXED), 0x7fffffffe000UL);
	expect(get(0x7fffffffe000UL, 2, RW, MAP_FIXED), -ENOMEM);
	expect(get(0x7ffffffff000UL, 1, RW, MAP_FIXED), -ENOMEM);
	expect(get(PG(0) + 1, 1, RW, MAP_FIXED), -EINVAL);
	expect(get(0, 1, RW, MAP_FIXED), 0);
	f.mm->params.cap_sys_rawio = false;
	expect(get(0, 1, READ, MAP_FIXED), -EPERM);
	expect(get(0x1000, 1, READ, MAP_FIXED), 0x1000);

	expect(get(PG(2), 2, RW, MAP_FIXED_NOREPLACE), PG(2));
	expect(get(PG(1), 2, RW, MAP_FIXED_NOREPLACE), -EEXIST);
	expect(get(PG(3), 1, RW, MAP_FIXED | MAP_FIXED_NOREPLACE), -EEXIST);
	expect(get(PG(0), 2, RW, MAP_FIXED_NOREPLACE), PG(0));
	mmfix_close(&f);
}

static void test_huge_alignment(void **state)
{
	struct mmfix f = open_process();

	expect(get(0, M2 - 1, NONE, MAP_NORESERVE), DOWN(511));
	expect(sys_munmap(DOWN(511), 511 * PAGE_SIZE), 0);
	/* A multiple of 2 MiB is aligned; the space above it is used next. */
	expect(get(0, M2, RW, 0), DOWN(1015));
	expect(get(0, M2, RW, 0), DOWN(1527));
	expect(get(0, 1, RW, 0), DOWN(1));
	expect(get(0, M2 + 1, RW, 0), DOWN(2040));
	/* Not for shared memory, and not with a hint. */
	expect(sys_mmap(0, M2 * PAGE_SIZE, RW, SHANON, NULL, 0), DOWN(2552));
	expect(get(DOWN(4100), M2, RW, 0), DOWN(4100));
	mmfix_close(&f);
}

/* A hole of exactly the size is not found by the padded search. */
static void test_huge_hole(void **state)
{
	struct mmfix f = open_process();

	expect(get(0, 16383, NONE, MAP_NORESERVE), DOWN(16383));
	expect(sys_munmap(DOWN(14839), M2 * PAGE_SIZE), 0);
	expect(get(0, M2, RW, 0), DOWN(17399));
	mmfix_close(&f);
}

static void test_file_alignment(void **state)
{
	struct mmfix f = open_process();
	struct file *file = file_create(FILE_REGULAR, 64 * PAGE_SIZE, FMODE_READ);

	expect(sys_mmap(0, 511 * PAGE_SIZE, READ, MAP_PRIVATE, file, 0), DOWN(511));
	expect(sys_munmap(DOWN(511), 511 * PAGE_SIZE), 0);
	expect(sys_mmap(0, 513 * PAGE_SIZE, READ, MAP_PRIVATE, file, 0), DOWN(1015));
	expect(sys_munmap(DOWN(1015), 513 * PAGE_SIZE), 0);
	/* Address and offset agree modulo 2 MiB. */
	expect(sys_mmap(0, 1024 * PAGE_SIZE, READ, MAP_PRIVATE, file, PAGE_SIZE), DOWN(1526));
	fput(file);
	mmfix_close(&f);
}

static void test_low_addresses(void **state)
{
	struct mmfix f = open_process();

	expect(get(0, 1, RW, MAP_32BIT), 0x40000000UL);
	expect(get(0, 2, READ, MAP_32BIT), 0x40001000UL);
	expect(get(0x10000000UL, 1, READ, MAP_32BIT), 0x10000000UL);
	expect(get(0, M2, RW, MAP_32BIT), 0x40200000UL);
	expect(get(0, 262144, NONE, MAP_32BIT | MAP_NORESERVE), -ENOMEM);
	expect(get(0x20000000UL, 1, RW, MAP_ABOVE4G), 0x20000000UL);
	mmfix_close(&f);
}

/* Nothing is left below: above the base there may be room, up to the stack's gap. */
static void test_exhausted(void **state)
{
	struct mmfix f = open_process();

	expect(get(0x10000, (TOP - 0x10000) / PAGE_SIZE, NONE, MAP_FIXED | MAP_NORESERVE), 0x10000);
	expect(get(0, 1, RW, 0), 0x7ffff7fff000UL);
	expect(get(0, 16, READ, 0), 0x7ffff8000000UL);
	expect(get(0, 51200, NONE, MAP_NORESERVE), -ENOMEM);
	mmfix_close(&f);
}

static void test_layouts(void **state)
{
	static const struct { unsigned long stack, base; } t[] = {
		{ 64UL << 10, 0x7ffff7fff000UL }, { 127UL << 20, 0x7ffff7fff000UL },
		{ 128UL << 20, 0x7ffff7eff000UL }, { 1UL << 30, 0x7fffbfeff000UL },
		{ RLIM_INFINITY, 0x155555556000UL },
	};
	struct mmfix f = mmfix_open();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(t); i++) {
		f.mm->params.rlim[RLIMIT_STACK] = t[i].stack;
		mm_pick_layout(f.mm);
		expect(f.mm->mmap_base, t[i].base);
	}
	f.mm->params.personality |= ADDR_COMPAT_LAYOUT;
	mm_pick_layout(f.mm);
	expect(get(0, 1, RW, 0), 0x2aaaaaaab000UL);
	expect(get(0, 2, READ, 0), 0x2aaaaaaac000UL);
	mmfix_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_top_down),
		cmocka_unit_test(test_hints),
		cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_huge_alignment),
		cmocka_unit_test(test_huge_hole),
		cmocka_unit_test(test_file_alignment),
		cmocka_unit_test(test_low_addresses),
		cmocka_unit_test(test_exhausted),
		cmocka_unit_test(test_layouts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
