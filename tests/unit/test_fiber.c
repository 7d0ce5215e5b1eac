/* SPDX-License-Identifier: MIT */
/* room: mm_hw */
/* Fibers: switching, moving to another thread, stacks used again, speed. */
#include "hw_rig.h"

#include "hw/fiber.h"

static struct fiber main_fiber, worker;
static unsigned int steps;

static void step_for_ever(void *arg)
{
	unsigned int *count = arg;

	for (;;) {
		++*count;
		fiber_switch(&worker, &main_fiber, false);
	}
}

static void back_and_forth(void **state)
{
	memset(&worker, 0, sizeof(worker));
	steps = 0;
	fiber_init_thread(&main_fiber);
	assert_int_equal(fiber_create(&worker, step_for_ever, &steps, 0), 0);
	for (unsigned int i = 1; i <= 1000; i++) {
		fiber_switch(&main_fiber, &worker, false);
		assert_int_equal(steps, i);
	}
	fiber_destroy(&worker);
}

/* A stack of 64 KiB holds frames of 32 KiB, and is used again from its start. */
static void use_stack(void *arg)
{
	volatile char big[32 << 10];

	for (size_t i = 0; i < sizeof(big); i += 64)
		big[i] = 1;
	steps += (unsigned int)big[64];
	fiber_switch(&worker, &main_fiber, true);
}

static void reuse(void **state)
{
	void *stack = NULL;

	memset(&worker, 0, sizeof(worker));
	steps = 0;
	fiber_init_thread(&main_fiber);
	for (unsigned int i = 0; i < 100; i++) {
		assert_int_equal(fiber_create(&worker, use_stack, NULL, 64 << 10), 0);
		if (stack)
			assert_ptr_equal(stack, worker.stack);
		stack = worker.stack;
		fiber_switch(&main_fiber, &worker, false);
		fiber_reset(&worker);
	}
	assert_int_equal(steps, 100);
	fiber_destroy(&worker);
}

/* Of two sizes; a stack goes to the next fiber of its size, whatever was left on it. */
static void spare_stacks(void **state)
{
	struct fiber_stacks spare = { .first = NULL };
	void *stack;

	memset(&worker, 0, sizeof(worker));
	steps = 0;
	fiber_init_thread(&main_fiber);
	fiber_take_stack(&worker, &spare, 64 << 10);
	assert_null(worker.map);
	assert_int_equal(fiber_create(&worker, step_for_ever, &steps, 64 << 10), 0);
	stack = worker.stack;
	fiber_switch(&main_fiber, &worker, false);
	/* In the middle of what it does. */
	fiber_retire(&worker, &spare);
	assert_null(worker.map);
	fiber_take_stack(&worker, &spare, 0);
	assert_null(worker.map);
	for (unsigned int i = 0; i < 10; i++) {
		fiber_take_stack(&worker, &spare, (64 << 10) - 5);
		assert_ptr_equal(worker.stack, stack);
		assert_int_equal(fiber_create(&worker, use_stack, NULL, 64 << 10), 0);
		assert_ptr_equal(worker.stack, stack);
		fiber_switch(&main_fiber, &worker, false);
		fiber_retire(&worker, &spare);
	}
	assert_int_equal(steps, 11);
	assert_int_equal(fiber_create(&worker, use_stack, NULL, 64 << 10), 0);
	assert_ptr_not_equal(worker.stack, stack);
	fiber_retire(&worker, NULL);
	fiber_stacks_drop(&spare);
	assert_null(spare.first);
}

static void *resume_elsewhere(void *arg)
{
	fiber_init_thread(&main_fiber);
	fiber_switch(&main_fiber, &worker, false);
	return NULL;
}

/* Started here, continued on another thread; creating and joining it orders the two. */
static void moves_between_threads(void **state)
{
	pthread_t thread;

	memset(&worker, 0, sizeof(worker));
	steps = 0;
	fiber_init_thread(&main_fiber);
	assert_int_equal(fiber_create(&worker, step_for_ever, &steps, 0), 0);
	fiber_switch(&main_fiber, &worker, false);
	assert_int_equal(pthread_create(&thread, NULL, resume_elsewhere, NULL), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	fiber_init_thread(&main_fiber);
	fiber_switch(&main_fiber, &worker, false);
	assert_int_equal(steps, 3);
	fiber_destroy(&worker);
}

static void speed(void **state)
{
	const unsigned int n = 200000;
	double start;

	memset(&worker, 0, sizeof(worker));
	fiber_init_thread(&main_fiber);
	assert_int_equal(fiber_create(&worker, step_for_ever, &steps, 0), 0);
	start = rig_cpu_seconds();
	for (unsigned int i = 0; i < n; i++)
		fiber_switch(&main_fiber, &worker, false);
	print_message("fiber switch: %.1f ns\n", (rig_cpu_seconds() - start) * 1e9 / n / 2);
	fiber_destroy(&worker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(back_and_forth),
		cmocka_unit_test(reuse),
		cmocka_unit_test(spare_stacks),
		cmocka_unit_test(moves_between_threads),
		cmocka_unit_test(speed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
