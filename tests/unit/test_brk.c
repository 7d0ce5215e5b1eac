/* SPDX-License-Identifier: MIT */
/* room: mm_mm mm_kern */
/* brk, and stacks that grow. */

#include "vma_layout.h"

#define expect(a, b) assert_int_equal((long)(a), (long)(b))

static struct mmfix open_heap(void)
{
	struct mmfix f = mmfix_open();

	f.mm->start_brk = f.mm->brk = AT;
	return f;
}

static long brk_to(unsigned long page)
{
	return sys_brk(PG(page));
}

static void test_grow_and_shrink(void **state)
{
	struct mmfix f = open_heap();

	expect(sys_brk(0), AT);
	expect(sys_brk(AT + 1), AT + 1);
	expect_layout(&f, "0-1:rw-p");
	expect(brk_to(2), PG(2));
	poke(PG(1), 9);
	expect(sys_brk(PG(1) + 1), PG(1) + 1);
	expect(peek(PG(1)), 9);
	expect(brk_to(1), PG(1));
	expect(brk_to(2), PG(2));
	expect(peek(PG(1)), 0);
	expect(sys_brk(AT - 1), PG(2));
	expect(brk_to(0), PG(0));
	expect(f.mm->map_count, 0);
	mmfix_close(&f);
}

static void test_obstacles(void **state)
{
	struct mmfix f = open_heap();

	/* A page stays free below what is above, and a stack's gap. */
	map(4, 1, RW);
	expect(brk_to(4), PG(0));
	expect(brk_to(3), PG(3));
	expect(unmap(4, 1), 0);
	map_at(PG(300), 2, RW, ANON | MAP_GROWSDOWN, NULL, 0);
	expect(brk_to(44), PG(3));
	expect(brk_to(43), PG(43));
	mmfix_close(&f);
}

static void test_holes(void **state)
{
	struct mmfix f = open_heap();

	expect(brk_to(6), PG(6));
	expect(unmap(2, 2), 0);
	expect(brk_to(8), PG(8));
	expect_layout(&f, "0-2:rw-p 4-8:rw-p");
	expect(brk_to(1), PG(1));
	expect_layout(&f, "0-1:rw-p");
	/* All of it was unmapped by hand: there is nothing to give back. */
	expect(brk_to(4), PG(4));
	expect(unmap(0, 4), 0);
	expect(brk_to(2), PG(4));
	expect(brk_to(6), PG(6));
	expect_layout(&f, "4-6:rw-p");
	mmfix_close(&f);
}

static void test_merges(void **state)
{
	struct mmfix f = mmfix_open();

	/* With what is below only if it is the heap itself: .bss ends where it starts. */
	map(0, 2, RW);
	f.mm->start_brk = f.mm->brk = PG(2);
	expect(brk_to(4), PG(4));
	expect_layout(&f, "0-2:rw-p 2-4:rw-p");
	expect(brk_to(6), PG(6));
	expect_layout(&f, "0-2:rw-p 2-6:rw-p");
	/* mmap may join it from above. */
	map(6, 1, RW);
	expect_layout(&f, "0-2:rw-p 2-7:rw-p");
	mmfix_close(&f);
}

static void test_limits(void **state)
{
	struct mmfix f = open_heap();

	f.mm->end_data = 0x164;
	f.mm->params.rlim[RLIMIT_DATA] = 16 * PAGE_SIZE;
	expect(brk_to(16), PG(0));
	expect(brk_to(15), PG(15));
	f.mm->params.rlim[RLIMIT_AS] = 15 * PAGE_SIZE;
	expect(sys_brk(PG(15) + 1), PG(15));
	mmfix_close(&f);
}

static long call_brk(struct mmfix *f)
{
	return brk_to(4) == (long)PG(4) ? 0 : -ENOMEM;
}

static void setup_brk(struct mmfix *f)
{
	f->mm->start_brk = f->mm->brk = AT;
}

static void test_failures(void **state)
{
	fail_nth_sweep(setup_brk, call_brk);
}

/* ---- stacks ---- */

static void test_stack(void **state)
{
	struct mmfix f = mmfix_open();
	unsigned long anon = PG(1000);

	map_at(anon, 2, RW, ANON | MAP_GROWSDOWN, NULL, 0);
	expect(peek(anon - 3 * PAGE_SIZE), 0);
	expect_layout(&f, "997-1002:rw-p");
	/* Not nearer than the gap to what can be reached; PROT_NONE is no neighbour. */
	map(600, 1, RW);
	expect(user_store(PG(857), 8, 1), 0);
	expect_signal(user_store(PG(856), 8, 1), MM_SIGSEGV, MM_SEGV_MAPERR, PG(856));
	expect(protect(600, 1, NONE), 0);
	poke(PG(856), 1);
	/* And not beyond the limit. */
	f.mm->params.rlim[RLIMIT_STACK] = 200 * PAGE_SIZE;
	poke(PG(802), 1);
	expect_signal(user_store(PG(801), 8, 1), MM_SIGSEGV, MM_SEGV_MAPERR, PG(801));
	expect_layout(&f, "600-601:---p 802-1002:rw-p");
	mmfix_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grow_and_shrink),
		cmocka_unit_test(test_obstacles),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_merges),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_stack),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
