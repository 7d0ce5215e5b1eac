/* SPDX-License-Identifier: MIT */
/* room: mm_base */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/atomic.h"

static void test_values(void **state)
{
	atomic_t v = ATOMIC_INIT(5);
	atomic64_t w = ATOMIC64_INIT(1);
	int old = 6;

	assert_int_equal(atomic_add_return(3, &v), 8);
	assert_int_equal(atomic_fetch_sub(2, &v), 8);
	assert_int_equal(atomic_read(&v), 6);
	assert_true(atomic_try_cmpxchg(&v, &old, 10));
	assert_false(atomic_try_cmpxchg(&v, &old, 11));
	assert_int_equal(old, 10);
	assert_int_equal(atomic_cmpxchg(&v, 10, 1), 10);
	assert_int_equal(atomic_cmpxchg(&v, 10, 2), 1);
	assert_true(atomic_dec_and_test(&v));
	assert_false(atomic_inc_not_zero(&v));
	assert_int_equal(atomic_dec_if_positive(&v), -1);
	assert_int_equal(atomic_read(&v), 0);
	assert_true(atomic_add_negative(-1, &v));
	assert_true(atomic_inc_and_test(&v));
	assert_int_equal(atomic_xchg(&v, 7), 0);
	atomic_andnot(3, &v);
	assert_int_equal(atomic_read(&v), 4);
	assert_int_equal(atomic_fetch_or(1, &v), 4);
	assert_true(atomic64_add_return(1LL << 40, &w) == (1LL << 40) + 1);
	assert_int_equal(atomic64_fetch_add_unless(&w, 1, 0) & 0xff, 1);
}

static void test_pointers(void **state)
{
	int a, b, *p = &a, *old = &a;

	assert_ptr_equal(xchg(&p, &b), &a);
	assert_ptr_equal(cmpxchg(&p, &b, &a), &b);
	assert_true(try_cmpxchg(&p, &old, &b));
	assert_false(try_cmpxchg_acquire(&p, &old, &b));
	assert_ptr_equal(old, &b);
}

/* The pattern that needs total order: one of two who store and then look must see the other. */
static atomic_t flag[2];
static int saw[2];
static pthread_barrier_t barrier;

static void *store_then_look(void *arg)
{
	long me = (long)arg;

	for (int i = 0; i < 2000; i++) {
		pthread_barrier_wait(&barrier);
		(void)atomic_xchg(&flag[me], 1);
		saw[me] = atomic_fetch_add(0, &flag[!me]);
		pthread_barrier_wait(&barrier);
		if (me == 0 && !saw[0] && !saw[1])
			return (void *)1;
		pthread_barrier_wait(&barrier);
		atomic_set(&flag[me], 0);
	}
	return NULL;
}

static void test_store_buffer(void **state)
{
	pthread_t other;
	void *bad, *ret;

	pthread_barrier_init(&barrier, NULL, 2);
	assert_int_equal(pthread_create(&other, NULL, store_then_look, (void *)1), 0);
	bad = store_then_look((void *)0);
	pthread_join(other, &ret);
	pthread_barrier_destroy(&barrier);
	assert_null(bad);
}

/* A read-modify-write is a scheduling point: the clock of the bound vCPU moves. */
static void test_point_cost(void **state)
{
	struct cpu_local cpu = { .turn_end = U64_MAX };
	unsigned long word = 0;
	atomic_t v = ATOMIC_INIT(0);

	this_cpu_bind(&cpu);
	assert_ptr_equal(this_cpu_local(), &cpu);
	assert_ptr_equal(this_cpu_local_call(), &cpu);
	atomic_inc(&v);
	set_bit(3, &word);
	this_cpu_bind(NULL);
#if MM_POINTS
	assert_int_equal(cpu.clock, 2 * sched_cost(SCHED_ATOMIC));
#else
	assert_int_equal(cpu.clock, 0);
#endif
	atomic_inc(&v);
	raw_atomic_add(1, &v);
	assert_int_equal(atomic_read(&v), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_pointers),
		cmocka_unit_test(test_store_buffer),
		cmocka_unit_test(test_point_cost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
