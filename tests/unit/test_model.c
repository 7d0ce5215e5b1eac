/* SPDX-License-Identifier: MIT */
/* room: mm_ops */
/* The reference model by itself; the recordings judge it more closely (test_program.c). */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>

#include "ops/model.h"

#define PAGE	MODEL_PAGE_SIZE
#define AT	0x7ffff0000000UL
#define PG(n)	(AT + (n) * PAGE)
#define RW	(PROT_READ | PROT_WRITE)
#define ANON	(MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
#define SHARED	(MAP_SHARED | MAP_FIXED)

struct fix {
	struct model	*m;
	struct model_mm	*mm;
};

static int setup(void **state)
{
	static struct fix fix;

	fix.m = model_create(NULL);
	fix.mm = fix.m ? model_mm_create(fix.m, 8UL << 20) : NULL;
	*state = &fix;
	return fix.mm ? 0 : -1;
}

static int teardown(void **state)
{
	model_destroy(((struct fix *)*state)->m);
	return 0;
}

static void map(struct model_mm *mm, unsigned first, unsigned pages,
		unsigned long prot, unsigned long flags, struct model_file *f)
{
	assert_int_equal(model_mmap(mm, PG(first), pages * PAGE, prot, flags, f, 0),
			 (long)PG(first));
}

static uint64_t load(struct model_mm *mm, unsigned long addr)
{
	uint64_t value;

	assert_int_equal(model_load(mm, addr, 8, &value, NULL), 0);
	return value;
}

static void store(struct model_mm *mm, unsigned long addr, uint64_t value)
{
	assert_int_equal(model_store(mm, addr, 8, value, NULL), 0);
}

static void assert_signal(struct model_mm *mm, unsigned long addr, bool write,
			  int signo, int code)
{
	struct model_fault f;
	uint64_t value;

	if (write)
		assert_int_equal(model_store(mm, addr, 1, 1, &f), -EFAULT);
	else
		assert_int_equal(model_load(mm, addr, 1, &value, &f), -EFAULT);
	assert_int_equal(f.signo, signo);
	assert_int_equal(f.code, code);
	assert_int_equal(f.addr, addr);
}

static void splits_and_merges(void **state)
{
	struct model_mm *mm = ((struct fix *)*state)->mm;
	struct model_range r;

	map(mm, 0, 8, RW, ANON, NULL);
	assert_int_equal(model_mprotect(mm, PG(2), 2 * PAGE, PROT_READ), 0);
	assert_int_equal(model_nr_ranges(mm), 3);
	model_range(mm, model_find_range(mm, PG(2)), &r);
	assert_int_equal(r.start, PG(2));
	assert_int_equal(r.end, PG(4));
	assert_int_equal(r.prot, PROT_READ);
	assert_int_equal(model_mprotect(mm, PG(2), 2 * PAGE, RW), 0);
	assert_int_equal(model_nr_ranges(mm), 1);
	assert_int_equal(model_munmap(mm, PG(3), PAGE), 0);
	assert_int_equal(model_nr_ranges(mm), 2);
	map(mm, 3, 1, RW, ANON, NULL);
	assert_int_equal(model_nr_ranges(mm), 1);
}

/* Halves written apart belong to two families: the hole joins one only. */
static void families_keep_apart(void **state)
{
	struct model_mm *mm = ((struct fix *)*state)->mm;

	map(mm, 0, 1, RW, ANON, NULL);
	map(mm, 2, 1, RW, ANON, NULL);
	store(mm, PG(0), 1);
	store(mm, PG(2), 2);
	map(mm, 1, 1, RW, ANON, NULL);
	assert_int_equal(model_nr_ranges(mm), 2);
	assert_int_equal(load(mm, PG(2)), 2);
}

static void fork_copies_on_write(void **state)
{
	struct model_mm *mm = ((struct fix *)*state)->mm, *child;

	map(mm, 0, 2, RW, ANON, NULL);
	map(mm, 4, 1, RW, SHARED | MAP_ANONYMOUS, NULL);
	store(mm, PG(0), 11);
	store(mm, PG(4), 44);
	child = model_fork(mm);
	assert_non_null(child);
	assert_int_equal(model_page_class(mm, PG(0)), 'A');
	store(mm, PG(0), 12);
	assert_int_equal(load(child, PG(0)), 11);
	assert_int_equal(model_page_class(mm, PG(0)), 'a');
	assert_int_equal(model_page_class(child, PG(0)), 'a');
	store(child, PG(4), 45);
	assert_int_equal(load(mm, PG(4)), 45);
	model_mm_destroy(child);
	assert_int_equal(load(mm, PG(0)), 12);
}

static void mremap_carries_pages(void **state)
{
	struct model_mm *mm = ((struct fix *)*state)->mm;

	map(mm, 0, 2, RW, ANON, NULL);
	store(mm, PG(0), 7);
	store(mm, PG(1), 8);
	assert_int_equal(model_mremap(mm, PG(0), 2 * PAGE, 4 * PAGE,
				      MREMAP_MAYMOVE | MREMAP_FIXED, PG(10)),
			 (long)PG(10));
	assert_int_equal(load(mm, PG(11)), 8);
	assert_int_equal(load(mm, PG(13)), 0);
	assert_signal(mm, PG(0), false, SIGSEGV, SEGV_MAPERR);
	assert_int_equal(model_mremap(mm, PG(10), 4 * PAGE, PAGE, 0, 0), (long)PG(10));
	assert_signal(mm, PG(11), false, SIGSEGV, SEGV_MAPERR);
	assert_int_equal(load(mm, PG(10)), 7);
}

static void files_end(void **state)
{
	struct fix *fix = *state;
	struct model_file *f = model_file_create(fix->m, MODEL_FILE_MEMFD, 2 * PAGE,
						 MODEL_MAY_READ | MODEL_MAY_WRITE);

	map(fix->mm, 0, 4, RW, SHARED, f);
	map(fix->mm, 8, 4, RW, MAP_PRIVATE | MAP_FIXED, f);
	store(fix->mm, PG(1), 21);
	assert_int_equal(load(fix->mm, PG(9)), 21);
	store(fix->mm, PG(9), 22);
	assert_int_equal(load(fix->mm, PG(1)), 21);
	assert_signal(fix->mm, PG(2), true, SIGBUS, BUS_ADRERR);
	assert_int_equal(model_ftruncate(f, PAGE), 0);
	assert_signal(fix->mm, PG(1), false, SIGBUS, BUS_ADRERR);
	assert_signal(fix->mm, PG(9), false, SIGBUS, BUS_ADRERR);
	assert_int_equal(model_ftruncate(f, 2 * PAGE), 0);
	assert_int_equal(load(fix->mm, PG(9)), 0);
	model_file_close(f);
}

static void advice(void **state)
{
	struct model_mm *mm = ((struct fix *)*state)->mm;

	map(mm, 0, 4, RW, ANON, NULL);
	store(mm, PG(1), 5);
	assert_int_equal(model_madvise(mm, PG(0), 4 * PAGE, MADV_DONTNEED), 0);
	assert_int_equal(model_page_class(mm, PG(1)), '.');
	assert_int_equal(load(mm, PG(1)), 0);
	assert_int_equal(model_madvise(mm, PG(2), PAGE, 102), 0);
	assert_signal(mm, PG(2), true, SIGSEGV, SEGV_MAPERR);
	assert_int_equal(model_madvise(mm, PG(2), 8 * PAGE, MADV_DONTNEED), -ENOMEM);
	assert_int_equal(model_madvise(mm, PG(0), PAGE, 77), -EINVAL);
}

static void stacks_grow(void **state)
{
	struct model_mm *mm = ((struct fix *)*state)->mm;

	assert_int_equal(model_install(mm, PG(600), PG(601), RW, false, NULL, 0,
				       MODEL_STACK, 0), 0);
	store(mm, PG(400), 3);
	assert_int_equal(model_nr_ranges(mm), 1);
	map(mm, 10, 1, RW, ANON, NULL);
	assert_signal(mm, PG(200), true, SIGSEGV, SEGV_MAPERR);
}

static void limits_bind(void **state)
{
	struct model_mm *mm = ((struct fix *)*state)->mm;

	model_set_rlimit(mm, MODEL_RLIMIT_AS, 4 * PAGE);
	map(mm, 0, 4, RW, ANON, NULL);
	assert_int_equal(model_mmap(mm, 0, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS,
				    NULL, 0), -ENOMEM);
	map(mm, 0, 4, PROT_READ, ANON, NULL);
}

/* Frames that keep 64 bytes: an offset lands at its remainder. */
static void small_pages_fold(void **state)
{
	struct model_params p;
	struct model_mm *mm;
	struct model *m;

	model_params_default(&p);
	p.page_bytes = 64;
	m = model_create(&p);
	mm = model_mm_create(m, 8UL << 20);
	map(mm, 0, 1, RW, ANON, NULL);
	store(mm, PG(0) + 8, 9);
	assert_int_equal(load(mm, PG(0) + 72), 9);
	model_destroy(m);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(splits_and_merges), TEST(families_keep_apart),
		TEST(fork_copies_on_write), TEST(mremap_carries_pages),
		TEST(files_end), TEST(advice), TEST(stacks_grow),
		TEST(limits_bind), TEST(small_pages_fold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
