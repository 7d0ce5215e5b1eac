/* SPDX-License-Identifier: MIT */
/*
 * Controlled mode without an mm: the same choices are the same run, every strategy sees
 * to what others wait for, and what cannot go on is found and explained.
 */
#include <errno.h>
#include "kern_rig.h"

#include <string.h>

#include "base/atomic.h"
#include "hw/ipi.h"
#include "sync/rwsem.h"
#include "sync/spinlock.h"
#include "sync/wait.h"

#if MM_POINTS
static struct strategy strategy;
static struct schedule record;

static void boot(unsigned int nr_cpus, u64 max_points)
{
	struct machine_config config = {
		.nr_cpus = nr_cpus, .nr_frames = 64, .frame_bytes = 64, .seed = 7,
		.mode = RUN_CONTROLLED, .trace = true, .trace_hash = true,
		.stack_size = 64 << 10,
		.control = {
			.strategy = &strategy, .record = &record, .max_points = max_points,
		},
	};

	assert_int_equal(machine_create(&config, &rig), 0);
	machine_bind_host(rig, 0);
	assert_int_equal(kern_init(rig), 0);
	machine_unbind_host(rig);
	rig_next_id = 1;
	schedule_clear(&record);
}

/* What is found besides is not asked. */
static void down(void)
{
	machine_stop(rig);
	machine_bind_host(rig, 0);
	kern_release_mms(rig);
	rcu_barrier();
	kern_exit(rig);
	machine_unbind_host(rig);
	machine_destroy(rig);
}

/* Runs it, and ends it; the finding, if it got stuck. */
static const struct finding *stuck(void)
{
	static struct finding found;
	const struct finding *f;

	assert_int_equal(machine_run(rig), 0);
	if (machine_wait(rig, 0)) {
		down();
		return NULL;
	}
	for (unsigned int i = 0; (f = finding_get(&rig->sink, i)); i++) {
		if (f->kind == FINDING_LIVE)
			break;
	}
	if (!f)
		fail_msg("stuck, and nothing is said");
	found = *f;
	kern_drop(rig);
	return &found;
}

/* A schedule of two tasks in which they get stuck. */
static const struct finding *find_stuck(void (*first)(void *), void (*second)(void *),
					void (*init)(void))
{
	const struct finding *f = NULL;

	for (u64 seed = 0; !f && seed < 200; seed++) {
		strategy_start(&strategy, STRATEGY_RANDOM, seed, 0, 0);
		boot(2, 0);
		if (init)
			init();
		rig_spawn(first, NULL);
		rig_spawn(second, &strategy);
		f = stuck();
	}
	assert_non_null(f);
	return f;
}

/* ---- a run is its choices ---- */

static spinlock_t lock;
static struct rw_semaphore sem;
static unsigned int counter, torn;
static u64 log_hash;

static void worker(void *arg)
{
	u64 me = (u64)(uintptr_t)arg;

	for (unsigned int i = 0; i < 4; i++) {
		unsigned int seen;

		down_write(&sem);
		seen = counter;
		sched_point(SCHED_STORE, &counter);
		torn += counter != seen;
		counter = seen + 1;
		up_write(&sem);
		spin_lock(&lock);
		log_hash = mix64(log_hash + me);
		sched_point(SCHED_STORE, &log_hash);
		spin_unlock(&lock);
	}
}

static u64 run_workers(void)
{
	u64 hash;

	boot(3, 0);
	spin_lock_init(&lock, LOCK_RANK_LEAF, "test_lock");
	init_rwsem(&sem, LOCK_RANK_OP, "test_sem");
	counter = torn = 0;
	log_hash = 0;
	for (unsigned long i = 0; i < 4; i++)
		rig_spawn(worker, (void *)i);
	rig_run();
	assert_int_equal(counter, 16);
	assert_int_equal(torn, 0);
	hash = machine_control_stats(rig)->hash ^ log_hash;
	rig_down();
	return hash;
}

static void equal_choices_are_equal_runs(void **state)
{
	static const enum strategy_kind kinds[] = {
		STRATEGY_RANDOM, STRATEGY_STICKY, STRATEGY_PCT, STRATEGY_POS,
	};
	struct schedule copy;

	schedule_init(&copy);
	for (unsigned int k = 0; k < ARRAY_SIZE(kinds); k++) {
		u64 last = 0;

		for (u64 seed = 0; seed < 20; seed++) {
			u64 hash, again;

			strategy_start(&strategy, kinds[k], seed, 3, 200);
			hash = run_workers();
			strategy_start(&strategy, kinds[k], seed, 3, 200);
			assert_int_equal(run_workers(), hash);
			assert_int_equal(schedule_copy(&copy, &record), 0);
			strategy_start_replay(&strategy, &copy);
			again = run_workers();
			assert_true(strategy_followed(&strategy));
			assert_int_equal(again, hash);
			assert_int_not_equal(hash, last);
			last = hash;
		}
	}
	schedule_free(&copy);
}

/* Of two choices either is made, so that both orders of two steps come up. */
static void strategies_reach_both_orders(void **state)
{
	u64 first = 0;
	bool other = false;

	for (u64 seed = 0; seed < 50 && !other; seed++) {
		strategy_start(&strategy, STRATEGY_RANDOM, seed, 0, 0);
		run_workers();
		first = first ? first : log_hash;
		other = log_hash != first;
	}
	assert_true(other);
}

/* ---- busy waits ---- */

static struct task_struct *spinner[4];
static bool switched_in_wait;

/* Who waits for a spinlock keeps its vCPU: nobody meets it waiting on his own. */
static void spin(void *arg)
{
	for (unsigned int i = 0; i < 3; i++) {
		spin_lock(&lock);
		sched_point(SCHED_STORE, &counter);
		spin_unlock(&lock);
		for (unsigned int j = 0; j < ARRAY_SIZE(spinner); j++)
			if (spinner[j]->sched.waits_for == &lock.val &&
			    spinner[j]->last_cpu == smp_processor_id())
				switched_in_wait = true;
	}
}

static void busy_waits_switch_no_tasks(void **state)
{
	switched_in_wait = false;
	for (u64 seed = 0; seed < 200; seed++) {
		strategy_start(&strategy, seed & 1 ? STRATEGY_PCT : STRATEGY_RANDOM, seed, 4,
			       100);
		boot(2, 0);
		spin_lock_init(&lock, LOCK_RANK_LEAF, "test_lock");
		for (unsigned int i = 0; i < ARRAY_SIZE(spinner); i++)
			spinner[i] = rig_spawn(spin, NULL);
		rig_run();
		rig_down();
	}
	assert_false(switched_in_wait);
}

/* ---- RCU ---- */

static struct thing { struct rcu_head rcu; u32 freed; } *published, things[2];
static unsigned int met_freed, callbacks;

static void free_thing(struct rcu_head *head)
{
	container_of(head, struct thing, rcu)->freed = 1;
	callbacks++;
}

static void reader(void *arg)
{
	for (unsigned int i = 0; i < 3; i++) {
		struct thing *t;

		rcu_read_lock();
		t = rcu_dereference(published);
		sched_point(SCHED_LOAD, t);
		raw_fetch_add_order(&met_freed, READ_ONCE(t->freed), __ATOMIC_RELAXED);
		rcu_read_unlock();
	}
}

static void updater(void *arg)
{
	rcu_assign_pointer(published, &things[1]);
	if (arg)
		call_rcu(&things[0].rcu, free_thing);
	else
		synchronize_rcu();
	if (!arg)
		things[0].freed = 1;
}

static void grace_periods_wait_for_readers(void **state)
{
	unsigned int waited = 0;

	for (u64 seed = 0; seed < 300; seed++) {
		strategy_start(&strategy, seed & 2 ? STRATEGY_RANDOM : STRATEGY_STICKY, seed, 0,
			       0);
		boot(3, 0);
		memset(things, 0, sizeof(things));
		published = &things[0];
		callbacks = 0;
		rig_spawn(reader, NULL);
		rig_spawn(reader, NULL);
		rig_spawn(updater, seed & 1 ? &things : NULL);
		rig_run();
		assert_int_equal(met_freed, 0);
		assert_int_equal(callbacks, seed & 1);
		for (unsigned int i = 0; i < 3; i++)
			waited += rig->cpus[i]->sched.windows[WIN_GP_WAITED_FOR_READER] != 0;
		rig_down();
	}
	/* It was about something. */
	assert_true(!MM_CHECK || waited > 20);
}

/* ---- what cannot go on ---- */

static struct rw_semaphore sems[2];

static void take_both(void *arg)
{
	unsigned int first = arg != NULL;

	down_write(&sems[first]);
	down_write(&sems[!first]);
	up_write(&sems[!first]);
	up_write(&sems[first]);
}

static void init_sems(void)
{
	init_rwsem(&sems[0], LOCK_RANK_OP, "left");
	init_rwsem(&sems[1], LOCK_RANK_LEAF, "right");
}

static void deadlock_of_two_locks(void **state)
{
	const struct finding *f = find_stuck(take_both, take_both, init_sems);

	assert_string_equal(f->title, "LIVE: deadlock");
	assert_non_null(strstr(f->detail, "task 1 sleeps"));
	if (MM_CHECK) {
		assert_non_null(strstr(f->detail, "which is right, held by task 2"));
		assert_non_null(strstr(f->detail, "which is left, held by task 1"));
	}
}

static wait_queue_head_t wq;
static u32 flag;

static void waiter(void *arg)
{
	wait_event(&wq, READ_ONCE(flag));
}

static void forgetful(void *arg)
{
	WRITE_ONCE(flag, 1u);	/* and wakes nobody */
}

static void init_wq(void)
{
	init_waitqueue_head(&wq);
	WRITE_ONCE(flag, 0u);
}

static void lost_wakeup(void **state)
{
	const struct finding *f = find_stuck(waiter, forgetful, init_wq);

	assert_string_equal(f->title, "LIVE: lost wake-up");
	assert_non_null(strstr(f->detail, "task 1 sleeps"));
}

static void spin_for_ever(void *arg)
{
	while (!READ_ONCE(flag))
		sched_relax(0);
}

static void livelock(void **state)
{
	const struct finding *f;

	strategy_start(&strategy, STRATEGY_RANDOM, 1, 0, 0);
	boot(2, 1000);
	WRITE_ONCE(flag, 0u);
	rig_spawn(spin_for_ever, NULL);
	f = stuck();
	assert_string_equal(f->title, "LIVE: livelock: the run does not end");
}

static void nothing(void *info)
{
}

static void call_deaf(void *arg)
{
	local_irq_disable();
	ipi_call_one(smp_processor_id() ^ 1, nothing, NULL);
	local_irq_enable();
}

static void acknowledgement_with_interrupts_off(void **state)
{
	const struct finding *f = find_stuck(call_deaf, call_deaf, NULL);

	assert_string_equal(f->title, "LIVE: deadlock");
	assert_non_null(strstr(f->detail, "waits for: acknowledgement of an IPI"));
	assert_non_null(strstr(f->detail, "interrupts off"));
}
#else
static void not_in_this_build(void **state)
{
	struct machine_config config = {
		.nr_cpus = 2, .nr_frames = 64, .frame_bytes = 64, .mode = RUN_CONTROLLED,
	};

	assert_int_equal(machine_create(&config, &rig), -EINVAL);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
#if MM_POINTS
		cmocka_unit_test(equal_choices_are_equal_runs),
		cmocka_unit_test(strategies_reach_both_orders),
		cmocka_unit_test(busy_waits_switch_no_tasks),
		cmocka_unit_test(grace_periods_wait_for_readers),
		cmocka_unit_test(deadlock_of_two_locks),
		cmocka_unit_test(lost_wakeup),
		cmocka_unit_test(livelock),
		cmocka_unit_test(acknowledgement_with_interrupts_off),
#else
		cmocka_unit_test(not_in_this_build),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
