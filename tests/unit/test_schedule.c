/* SPDX-License-Identifier: MIT */
/* room: mm_kern */
/*
 * Scheduling: tasks on few vCPUs, sleeping, waking, moving in the middle of a
 * function, preemption, and what is ordered by it.
 */
#include "kern_rig.h"

#include "sync/mutex.h"
#include "sync/rwsem.h"
#include "sync/spinlock.h"
#include "sync/wait.h"

#define NR_CPU	8

/* ---- everybody runs to the end ---- */

static u64 finished;

static void compute(void *arg)
{
	u64 *cell = arg;

	for (unsigned int i = 0; i < 5000; i++) {
		sched_point(SCHED_LOCK, NULL);
		++*cell;
	}
	__atomic_fetch_add(&finished, 1, __ATOMIC_RELAXED);
}

static void many_tasks(void **state)
{
	const unsigned int nr = 64;
	static u64 cells[64];

	memset(cells, 0, sizeof(cells));
	finished = 0;
	rig_boot(NR_CPU, RUN_FREE);
	for (unsigned int i = 0; i < nr; i++)
		rig_spawn(compute, &cells[i]);
	rig_run();
	assert_int_equal(finished, nr);
	for (unsigned int i = 0; i < nr; i++)
		assert_int_equal(cells[i], 5000);
	rig_down();
}

/* ---- a task moves between vCPUs in the middle of a function ---- */

static u64 moves, switches;

/* Until the tasks have moved often enough together, or it seems they never will. */
#define MOVES		64
#define MOST_STEPS	20000000u

static void wander_for(unsigned int steps)
{
	unsigned int cpu = smp_processor_id();
	u64 canary = (u64)(uintptr_t)&cpu;

	current->in_op = true;
	for (unsigned int i = 0; i < steps; i++) {
		if (__atomic_load_n(&moves, __ATOMIC_RELAXED) >= MOVES)
			break;
		sched_point(SCHED_LOCK, NULL);
		if (i % 16 == 0)
			cond_resched();
		if (smp_processor_id() != cpu) {
			cpu = smp_processor_id();
			__atomic_fetch_add(&moves, 1, __ATOMIC_RELAXED);
		}
	}
	assert_int_equal(canary, (u64)(uintptr_t)&cpu);
	__atomic_fetch_add(&switches, current->nr_switches, __ATOMIC_RELAXED);
}

static void wander(void *arg)
{
	wander_for(MOST_STEPS);
	assert_ptr_equal(current->arg, arg);
}

static void wander_briefly(void *arg)
{
	wander_for(100000);
}

static void migration(void **state)
{
	u64 hits = 0;

	moves = 0;
	switches = 0;
	rig_boot(NR_CPU, RUN_FREE);
	for (unsigned int i = 0; i < 12; i++)
		rig_spawn(wander, (void *)(uintptr_t)i);
	rig_run();
	for (unsigned int i = 0; i < NR_CPU; i++)
		hits += rig->cpus[i]->sched.windows[WIN_TASK_MIGRATED_IN_OP];
	print_message("    %llu switches, %llu moves seen, %llu in an op\n", switches, moves, hits);
	assert_true(moves >= MOVES);
	assert_true(hits >= moves);
	rig_down();
}

/* One vCPU: nothing moves. */
static void no_migration_on_one(void **state)
{
	moves = 0;
	rig_boot(1, RUN_FREE);
	for (unsigned int i = 0; i < 4; i++)
		rig_spawn(wander_briefly, NULL);
	rig_run();
	assert_int_equal(moves, 0);
	assert_int_equal(rig->cpus[0]->sched.windows[WIN_TASK_MIGRATED_IN_OP], 0);
	rig_down();
}

/* ---- sleeping locks: no wake is lost ---- */

static struct rw_semaphore sem;
static struct mutex mutex;
static u64 under_sem, under_mutex;

static void use_locks(void *arg)
{
	for (unsigned int i = 0; i < 400; i++) {
		u64 seen;

		down_write(&sem);
		under_sem++;
		sched_point(SCHED_LOCK, NULL);
		if (i % 8 == 0)
			kern_yield();
		under_sem++;
		up_write(&sem);
		down_read(&sem);
		seen = under_sem;
		kern_yield();
		assert_int_equal(seen, under_sem);
		up_read(&sem);
		mutex_lock(&mutex);
		under_mutex++;
		mutex_unlock(&mutex);
	}
}

static void sleeping_locks(enum run_mode mode)
{
	under_sem = 0;
	under_mutex = 0;
	rig_boot(NR_CPU, mode);
	init_rwsem(&sem, LOCK_RANK_MMAP_LOCK, "test_sem");
	mutex_init(&mutex, LOCK_RANK_LEAF, "test_mutex");
	for (unsigned int i = 0; i < 16; i++)
		rig_spawn(use_locks, NULL);
	rig_run();
	assert_int_equal(under_sem, 16 * 800);
	assert_int_equal(under_mutex, 16 * 400);
	rig_down();
}

static void sleeping_locks_free(void **state)
{
	sleeping_locks(RUN_FREE);
}

static void sleeping_locks_jitter(void **state)
{
	sleeping_locks(RUN_JITTER);
}

/* ---- RCU, spinlocks and tasks together ---- */

struct object {
	struct rcu_head	rcu;
	u64		value;
	u64		check;
};

static struct object *shared;
static spinlock_t lock;
static u64 freed;

static void free_object(struct rcu_head *head)
{
	struct object *o = container_of(head, struct object, rcu);

	o->check = 0;
	free(o);
	__atomic_fetch_add(&freed, 1, __ATOMIC_RELAXED);
}

static void read_and_replace(void *arg)
{
	for (unsigned int i = 0; i < 500; i++) {
		struct object *o, *old;

		for (unsigned int k = 0; k < 4; k++) {
			rcu_read_lock();
			o = rcu_dereference(shared);
			assert_int_equal(o->check, ~o->value);
			sched_point(SCHED_LOAD, NULL);
			assert_int_equal(o->check, ~o->value);
			rcu_read_unlock();
		}
		o = malloc(sizeof(*o));
		o->value = i;
		o->check = ~o->value;
		spin_lock(&lock);
		old = rcu_dereference_protected(shared, lockdep_is_held(&lock));
		rcu_assign_pointer(shared, o);
		spin_unlock(&lock);
		call_rcu(&old->rcu, free_object);
		if (i % 100 == 0)
			synchronize_rcu();
	}
}

static void with_rcu(void **state)
{
	freed = 0;
	rig_boot(NR_CPU, RUN_FREE);
	spin_lock_init(&lock, LOCK_RANK_LEAF, "test_lock");
	shared = malloc(sizeof(*shared));
	shared->value = 0;
	shared->check = ~0ULL;
	for (unsigned int i = 0; i < 12; i++)
		rig_spawn(read_and_replace, NULL);
	rig_run();
	machine_bind_host(rig, 0);
	rcu_barrier();
	machine_unbind_host(rig);
	assert_int_equal(freed, 12 * 500);
	free(shared);
	rig_down();
}

/* ---- a vCPU in task context is interrupted like any other ---- */

static void bump(void *info)
{
	__atomic_fetch_add((u64 *)info, 1, __ATOMIC_RELAXED);
}

static void shoot_and_sleep(void *arg)
{
	cpumask_t mask = { { ~0ULL } };

	for (unsigned int i = 0; i < 300; i++) {
		u64 answered = 0;

		ipi_call_many(&mask, bump, &answered);
		assert_int_equal(answered, NR_CPU - 1);
		mutex_lock(&mutex);
		if (i % 4 == 0)
			kern_yield();
		mutex_unlock(&mutex);
	}
}

static void interrupts(void **state)
{
	rig_boot(NR_CPU, RUN_FREE);
	mutex_init(&mutex, LOCK_RANK_LEAF, "test_mutex");
	for (unsigned int i = 0; i < 16; i++)
		rig_spawn(shoot_and_sleep, NULL);
	rig_run();
	rig_down();
}

/* ---- no preemption where it is not legal ---- */

static void atomic_parts(void *arg)
{
	for (unsigned int i = 0; i < 300; i++) {
		unsigned int cpu;

		preempt_disable();
		cpu = smp_processor_id();
		for (unsigned int k = 0; k < 300; k++) {
			sched_point(SCHED_LOCK, NULL);
			assert_int_equal(smp_processor_id(), cpu);
		}
		preempt_enable();
		rcu_read_lock();
		cpu = smp_processor_id();
		for (unsigned int k = 0; k < 300; k++) {
			sched_point(SCHED_LOCK, NULL);
			assert_int_equal(smp_processor_id(), cpu);
		}
		rcu_read_unlock();
	}
}

static void not_preempted_while_atomic(void **state)
{
	rig_boot(NR_CPU, RUN_FREE);
	for (unsigned int i = 0; i < 16; i++)
		rig_spawn(atomic_parts, NULL);
	rig_run();
	rig_down();
}

/* ---- a deadline passes ---- */

static void until_stopped(void *arg)
{
	while (!kern_should_stop()) {
		sched_point(SCHED_LOCK, NULL);
		cond_resched();
	}
}

static void deadline(void **state)
{
	rig_boot(2, RUN_FREE);
	for (unsigned int i = 0; i < 5; i++)
		rig_spawn(until_stopped, NULL);
	assert_int_equal(machine_run(rig), 0);
	assert_false(machine_wait(rig, 50));
	assert_int_equal(kern_nr_tasks(rig), 5);
	machine_ask_stop(rig);
	assert_true(machine_wait(rig, 0));
	machine_stop(rig);
	rig_down();
}

/* ---- speed ---- */

static void yield_often(void *arg)
{
	for (unsigned int i = 0; i < 100000; i++)
		kern_yield();
}

static void switch_speed(void **state)
{
	double start;

	rig_boot(1, RUN_FREE);
	rig_spawn(yield_often, NULL);
	rig_spawn(yield_often, NULL);
	start = rig_seconds();
	rig_run();
	print_message("    task switch: %.0f ns\n", (rig_seconds() - start) * 1e9 / 200000);
	rig_down();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_tasks),
		cmocka_unit_test(migration),
		cmocka_unit_test(no_migration_on_one),
		cmocka_unit_test(sleeping_locks_free),
		cmocka_unit_test(sleeping_locks_jitter),
		cmocka_unit_test(with_rcu),
		cmocka_unit_test(interrupts),
		cmocka_unit_test(not_preempted_while_atomic),
		cmocka_unit_test(deadline),
		cmocka_unit_test(switch_speed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
