/* SPDX-License-Identifier: MIT */
/*
 * Virtual time: who goes next, what a line costs, and the shapes that follow: what is
 * each vCPU's own scales, what they share does not.
 */
#include <errno.h>
#include "kern_rig.h"

#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "hw/cost.h"
#include "sync/spinlock.h"

static struct cost_times times;
static struct cost_model model;

static int setup(void **state)
{
	cost_model_default(&model);
	return cost_times_init(&times, &model, 4);
}

static int teardown(void **state)
{
	cost_times_free(&times);
	return 0;
}

/* ---- steps ---- */

static unsigned int step(unsigned int cpu, enum sched_kind kind, const void *obj)
{
	struct sched_choice choice = { .cpu = (u16)cpu, .kind = (u8)kind, .obj = obj };
	struct sched_choices c = { .nr = 1, .choice = &choice };
	u64 before = times.cpu[cpu].clock;

	assert_int_equal(cost_choose(&times, &c, cpu), 0);
	return (unsigned int)(times.cpu[cpu].clock - before);
}

static void lines_move(void **state)
{
	unsigned int atomic = sched_cost(SCHED_ATOMIC), load = sched_cost(SCHED_LOAD);
	const u32 x[4] = { 0 };

	assert_int_equal(step(0, SCHED_ATOMIC, &x[0]), atomic);
	assert_int_equal(step(0, SCHED_ATOMIC, &x[0]), atomic);
	/* Each object is a line of its own. */
	assert_int_equal(step(1, SCHED_ATOMIC, &x[1]), atomic);
	times.cpu[1].clock = times.cpu[2].clock = 1000;
	assert_int_equal(step(1, SCHED_ATOMIC, &x[0]), atomic + model.line);
	/* Readers share it, and the writer must have it back. */
	times.cpu[2].clock = 5000;
	assert_int_equal(step(2, SCHED_LOAD, &x[0]), load + model.line);
	assert_int_equal(step(2, SCHED_LOAD, &x[0]), load);
	assert_int_equal(step(1, SCHED_LOAD, &x[0]), load);
	assert_int_equal(step(1, SCHED_ATOMIC, &x[0]), atomic + model.line);
	assert_int_equal(times.counts.lines, 3);
	/* Whatever order it asks for, a read-modify-write has the line alone. */
	times.cpu[3].clock = 9000;
	assert_int_equal(step(3, SCHED_ATOMIC_RELAXED, &x[1]), atomic + model.line);
	assert_int_equal(step(3, SCHED_ATOMIC_RELAXED, &x[1]), atomic);
	assert_int_equal(times.counts.lines, 4);
	assert_int_equal(times.counts.line_waits, 0);
	/* Two writers at one time: the later waits for the earlier. */
	times.cpu[2].clock = times.cpu[1].clock - 1;
	assert_int_equal(step(2, SCHED_ATOMIC, &x[0]), 1 + atomic + model.line);
	assert_int_equal(times.counts.line_waits, 1);
	/* What is new there has no past. */
	cost_forget(&times, x, sizeof(x));
	assert_int_equal(times.nr_lines, 0);
	assert_int_equal(step(3, SCHED_ATOMIC, &x[0]), atomic);
	/* And there may be many. */
	for (uintptr_t i = 1; i < 20000; i++)
		step(0, SCHED_STORE, (void *)(i * 8));
	assert_int_equal(times.nr_lines, 20000);
	cost_forget(&times, (void *)8, 10000 * 8);
	assert_int_equal(times.nr_lines, 10000);
	times.cpu[1].clock = cost_now(&times);
	assert_int_equal(step(1, SCHED_STORE, (void *)(15000 * 8)),
			 sched_cost(SCHED_STORE) + model.line);
}

static void the_earliest_goes_first(void **state)
{
	struct sched_choice list[] = {
		{ .cpu = 0, .event = SCHED_RUN, .kind = SCHED_WINDOW },
		{ .cpu = 1, .event = SCHED_RUN, .kind = SCHED_WINDOW },
		{ .cpu = 2, .event = SCHED_IRQ },
	};
	struct sched_choices c = { .nr = 3, .choice = list };

	times.cpu[0].clock = 100;
	times.cpu[1].clock = 50;
	times.cpu[2].clock = 10;
	assert_int_equal(cost_choose(&times, &c, 0), 1);
	/* The interrupt was on its way since vCPU 0 was at 100. */
	times.cpu[0].clock = times.cpu[1].clock = 100 + model.ipi;
	assert_int_equal(cost_choose(&times, &c, 0), 0);
	times.cpu[0].clock++;
	times.cpu[1].clock += 2;
	assert_int_equal(cost_choose(&times, &c, 0), 2);
	assert_in_range(times.cpu[2].clock, 100 + model.ipi, 101 + model.ipi);
	assert_int_equal(times.counts.ipis, 1);
	/* Who is woken is not earlier than who wakes. */
	cost_wake(&times, 3, 0, true);
	assert_int_equal(times.cpu[3].clock, times.cpu[0].clock + model.wake);
	cost_wake(&times, 1, 2, false);
	assert_int_equal(times.cpu[1].clock, times.cpu[2].clock + model.hand_over);
}

/* What interrupts a vCPU does so in time, not when it has nothing else to do. */
static void who_runs_is_interrupted(void **state)
{
	static const struct {
		enum sched_event event;
		u64 after;
	} tests[] = {
		{ SCHED_IRQ, 2700 }, { SCHED_TICK, 1000000 }, { SCHED_GRACE, 1000000 },
	};
	struct sched_choice list[] = {
		{ .cpu = 0, .event = SCHED_RUN, .kind = SCHED_ALLOC }, { .cpu = 0 },
	};
	struct sched_choices c = { .nr = 2, .choice = list };

	for (unsigned int i = 0; i < ARRAY_SIZE(tests); i++) {
		u64 begun = times.cpu[0].clock;

		list[1].event = (u8)tests[i].event;
		/* By vCPU 1, at that time. */
		times.cpu[1].clock = begun;
		if (tests[i].event == SCHED_TICK)
			begun = 0;
		while (!cost_choose(&times, &c, 1))
			assert_true(times.cpu[0].clock < begun + tests[i].after + 100);
		assert_true(times.cpu[0].clock >= begun + tests[i].after);
	}
	/* From one tick to the next. */
	list[1].event = SCHED_TICK;
	assert_int_equal(cost_choose(&times, &c, 1), 1);
	assert_int_equal(cost_choose(&times, &c, 1), 0);
}

static void count_end(void *arg)
{
	++*(unsigned int *)arg;
}

static void the_end_is_told_once(void **state)
{
	unsigned int told = 0;
	const u32 x = 0;

	times.end = 1000;
	times.over = count_end;
	times.arg = &told;
	while (cost_now(&times) < 2000) {
		assert_true(!told || cost_now(&times) >= 1000);
		step(0, SCHED_LOCK, &x);
	}
	assert_int_equal(told, 1);
}

/* ---- machines ---- */

#if MM_POINTS
#define ROUNDS	200

static spinlock_t locks[4];
static unsigned int stride;

static void worker(void *arg)
{
	spinlock_t *lock = &locks[(unsigned long)arg * stride];

	for (unsigned int i = 0; i < ROUNDS; i++) {
		spin_lock(lock);
		sched_point(SCHED_WINDOW, NULL);
		spin_unlock(lock);
	}
}

/* Tasks on so many vCPUs, each with a lock of its own or all with one: ns. */
static u64 time_of(unsigned int cpus, bool shared)
{
	struct machine_config config = {
		.nr_cpus = cpus, .nr_frames = 64, .frame_bytes = 64, .seed = 7,
		.mode = RUN_CONTROLLED, .stack_size = 64 << 10,
		.control = { .times = &times },
	};
	u64 ns;

	cost_times_free(&times);
	assert_int_equal(cost_times_init(&times, &model, cpus), 0);
	assert_int_equal(machine_create(&config, &rig), 0);
	machine_bind_host(rig, 0);
	assert_int_equal(kern_init(rig), 0);
	machine_unbind_host(rig);
	rig_next_id = 1;
	stride = !shared;
	for (unsigned int i = 0; i < ARRAY_SIZE(locks); i++)
		spin_lock_init(&locks[i], LOCK_RANK_LEAF, "test_lock");
	for (unsigned long i = 0; i < cpus; i++)
		rig_spawn(worker, (void *)i);
	rig_run();
	ns = cost_now(&times);
	rig_down();
	return ns;
}

static void own_locks_scale_and_shared_ones_do_not(void **state)
{
	u64 one = time_of(1, false), apart = time_of(4, false), together = time_of(4, true);
	u64 work = ROUNDS * (sched_cost(SCHED_LOCK) + sched_cost(SCHED_WINDOW) +
			     sched_cost(SCHED_UNLOCK));

	assert_true(one >= work);
	/* Four times the work in the same time, up to starting and ending. */
	assert_in_range(apart, one, one + 3 * model.wake);
	/* Four times the work, one after the other; and it is the same each time. */
	assert_true(together > 4 * work);
	assert_true(times.counts.hand_overs > 0);
	assert_int_equal(time_of(4, true), together);
	/* Where waiters are quick the lock goes around, and so does its line. */
	model.hand_over = model.line = 1;
	together = time_of(4, true);
	model.line = 100;
	assert_true(time_of(4, true) > together + ROUNDS * (model.line - 1));
}
#endif

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(lines_move), T(the_earliest_goes_first), T(who_runs_is_interrupted),
		T(the_end_is_told_once),
#if MM_POINTS
		T(own_locks_scale_and_shared_ones_do_not),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
