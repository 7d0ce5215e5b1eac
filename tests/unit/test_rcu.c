/* SPDX-License-Identifier: MIT */
/* room: mm_sync */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <time.h>
#include <unistd.h>

#include "../litmus/rig.h"
#include "base/atomic.h"
#include "sync/irqflags.h"
#include "sync/rcu_age.h"
#include "sync/spinlock.h"

#define UPDATES	(MM_TSAN || MM_ASAN ? 300 : 2000)

struct obj {
	struct rcu_head	rcu;
	struct rcu_age	age;
	unsigned long	value;
};

static struct obj *published;
static spinlock_t update_lock;
static unsigned long freed, bad, sections, old_seen;
static unsigned int stop;

static void expect(bool ok)
{
	if (!ok)
		__atomic_fetch_add(&bad, 1, __ATOMIC_RELAXED);
}

static void free_obj(struct rcu_head *head)
{
	struct obj *o = container_of(head, struct obj, rcu);

	o->value = 0;		/* plain: no reader may be left */
	rcu_age_freed(&o->age);
	free(o);
	__atomic_fetch_add(&freed, 1, __ATOMIC_RELAXED);
}

static struct obj *replace(void)
{
	struct obj *new = calloc(1, sizeof(*new)), *old;

	new->value = 42;
	spin_lock(&update_lock);
	old = rcu_dereference_protected(published, lockdep_is_held(&update_lock));
	rcu_assign_pointer(published, new);
	spin_unlock(&update_lock);
	if (old)
		rcu_age_retire(&old->age, rcu_age_stamp());
	return old;
}

static void read_some(void)
{
	struct rcu_meeting met;
	struct obj *o;
	int i;

	rcu_read_lock();
	o = rcu_dereference(published);
	for (i = 0; o && i < 5; i++) {
		expect(o->value == 42);
		met = rcu_age_meet(&o->age);
		expect(met.how < RCU_MET_LATE);
		if (met.how != RCU_MET_LINKED)
			__atomic_fetch_add(&old_seen, 1, __ATOMIC_RELAXED);
		rcu_read_lock();	/* nests */
		rcu_read_unlock();
		sched_relax(i * 100);
	}
	rcu_read_unlock();
	__atomic_fetch_add(&sections, 1, __ATOMIC_RELAXED);
}

static void read_and_update(struct rig *rig, unsigned int cpu)
{
	struct obj *old;
	int i;

	if (cpu >= 2) {
		while (!READ_ONCE(stop))
			read_some();
		return;
	}
	for (i = 0; i < UPDATES; i++) {
		old = replace();
		if (!old)
			continue;
		if (cpu == 0 && i % 8 == 0) {
			synchronize_rcu();
			free_obj(&old->rcu);
		} else {
			call_rcu(&old->rcu, free_obj);
		}
		if (i % 64 == 0)
			rcu_barrier();
	}
	while (!READ_ONCE(sections))
		sched_relax(100);
	WRITE_ONCE(stop, 1);
}

static void readers_are_waited_for(void **state)
{
	u32 jitter;

	for (jitter = 0; jitter <= 20000; jitter += 20000) {
		struct rig *rig = rig_create(5, NULL, false, jitter);

		published = NULL;
		freed = bad = sections = stop = 0;
		spin_lock_init(&update_lock, LOCK_RANK_LEAF, "update");
		rig_run(rig, read_and_update);
		assert_int_equal(bad, 0);
		assert_int_equal(freed, 2 * UPDATES - 1);
		assert_true(sections > 0);
		rig_print_findings(rig);
		assert_int_equal(rig_findings(rig), 0);
		free(published);
		rig_destroy(rig);
	}
	print_message("retired objects seen by readers: %lu\n", old_seen);
}

static unsigned int in_section, waited, blocked, unblocked;

static void begin(void)
{
	__atomic_fetch_add(&blocked, 1, __ATOMIC_RELAXED);
}

static void end(void)
{
	__atomic_fetch_add(&unblocked, 1, __ATOMIC_RELAXED);
}

static void no_relax(unsigned int spins)
{
}

static void hold_then_wait(struct rig *rig, unsigned int cpu)
{
	if (cpu == 0) {
		rcu_read_lock();
		__atomic_store_n(&in_section, 1, __ATOMIC_RELEASE);
		while (!__atomic_load_n(&blocked, __ATOMIC_ACQUIRE))
			sched_relax(0);
		usleep(20000);
		expect(!__atomic_load_n(&waited, __ATOMIC_ACQUIRE));
		rcu_read_unlock();
	} else {
		while (!__atomic_load_n(&in_section, __ATOMIC_ACQUIRE))
			sched_relax(0);
		synchronize_rcu();
		__atomic_store_n(&waited, 1, __ATOMIC_RELEASE);
	}
}

/* A grace period outlasts a section begun before, without the run token. */
static void outlasts_a_section(void **state)
{
	static const struct sched_ops ops = {
		.relax = no_relax, .blocking_begin = begin, .blocking_end = end,
	};
	struct rig *rig = rig_create(2, &ops, false, 0);

	bad = 0;
	rig_run(rig, hold_then_wait);
	assert_int_equal(bad, 0);
	assert_int_equal(waited, 1);
	assert_int_equal(blocked, unblocked);
	assert_int_equal(blocked, 1);
	if (MM_CHECK)
		assert_int_equal(rig->cpu[1].sched.windows[WIN_GP_WAITED_FOR_READER], 1);
	rig_destroy(rig);
}

static unsigned int order[8], nr_order;
static struct tagged {
	struct rcu_head	rcu;
	unsigned int	tag;
} tagged[2 * RCU_BATCH];

static void note(struct rcu_head *head)
{
	unsigned int tag = container_of(head, struct tagged, rcu)->tag;

	if (nr_order < ARRAY_SIZE(order))
		order[nr_order] = tag;
	nr_order++;
	assert_true(in_atomic());
}

/* One thread: every grace period is trivially over, and callbacks keep their order. */
static void serial_machine(void **state)
{
	struct rig *rig = rig_create(2, NULL, true, 0);
	unsigned int i;

	rig_bind(rig, 1);
	synchronize_rcu();
	rcu_read_lock();
	assert_true(rcu_read_lock_held());
	rcu_read_unlock();
	nr_order = 0;
	for (i = 0; i < 4; i++) {
		tagged[i].tag = i;
		call_rcu(&tagged[i].rcu, note);
	}
	assert_true(rcu_callbacks_pending());
	assert_int_equal(nr_order, 0);
	rig_unbind();

	rig_bind(rig, 0);	/* another vCPU of the same machine */
	assert_false(rcu_callbacks_pending());
	rcu_barrier();
	assert_int_equal(nr_order, 4);
	for (i = 0; i < 4; i++)
		assert_int_equal(order[i], i);
	assert_int_equal(rcu_process_callbacks(), 0);
	call_rcu(&tagged[0].rcu, note);
	assert_int_equal(rcu_process_callbacks(), 1);
	rig_unbind();
	assert_int_equal(rig_findings(rig), 0);
	rig_destroy(rig);
}

/* call_rcu processes a long list itself, but only where it may sleep. */
static void long_lists_are_processed(void **state)
{
	struct rig *rig = rig_create(1, NULL, true, 0);
	unsigned int i;

	rig_bind(rig, 0);
	nr_order = 0;
	for (i = 0; i < RCU_BATCH - 1; i++)
		call_rcu(&tagged[i].rcu, note);
	assert_int_equal(nr_order, 0);
	rcu_read_lock();
	call_rcu(&tagged[i++].rcu, note);
	rcu_read_unlock();
	assert_int_equal(nr_order, 0);
	call_rcu(&tagged[i].rcu, note);
	assert_int_equal(nr_order, RCU_BATCH + 1);
	assert_false(rcu_callbacks_pending());
	assert_int_equal(rig->rcu.nr_grace_periods, 1);
	rig_unbind();
	rig_destroy(rig);
}

/* An idle vCPU waits until a grace period is worth it. */
static void idle_batches(void **state)
{
	const unsigned int batch = RCU_IDLE_PENDING / RIG_CPUS;
	struct rig *rig = rig_create(RIG_CPUS, NULL, false, 0);
	unsigned int i;

	rig_bind(rig, 0);
	for (i = 0; i < batch; i++) {
		assert_false(rcu_batch_due());
		call_rcu(&tagged[i].rcu, note);
	}
	assert_true(rcu_batch_due());
	assert_int_equal(rcu_process_callbacks(), batch);
	assert_false(rcu_batch_due());
	rig_unbind();
	rig_destroy(rig);
}

#if MM_CHECK
static void dereference_outside(void **state)
{
	struct rig *rig = rig_create(1, NULL, true, 0);

	rig_bind(rig, 0);
	published = NULL;
	assert_null(rcu_dereference_check(published, true));
	assert_null(rcu_access_pointer(published));
	assert_int_equal(rig_findings(rig), 0);
	assert_null(rcu_dereference(published));
	assert_true(rig_found(rig,
			      "LOCKDEP: rcu_dereference(published) outside a read section"));
	spin_lock_init(&update_lock, LOCK_RANK_LEAF, "update");
	assert_null(rcu_dereference_protected(published, lockdep_is_held(&update_lock)));
	assert_int_equal(rig_findings(rig), 2);
	rig_unbind();
	rig_destroy(rig);
}

static void left_callbacks_are_found(void **state)
{
	struct rig *rig = rig_create(1, NULL, true, 0);

	rig_bind(rig, 0);
	call_rcu(&tagged[0].rcu, note);
	rcu_state_destroy(&rig->rcu);
	assert_true(rig_found(rig, "REFS: RCU callbacks left at the end"));
	rcu_barrier();
	rig_unbind();
	rig_destroy(rig);
}
#endif

static struct rig *other_rig;

static void two_machines(struct rig *rig, unsigned int cpu)
{
	int i;

	for (i = 0; i < 200; i++) {
		rcu_read_lock();
		rcu_read_unlock();
		if (cpu == 0)
			synchronize_rcu();
	}
}

static void *run_other(void *arg)
{
	rig_run(other_rig, two_machines);
	return NULL;
}

static void machines_do_not_disturb_each_other(void **state)
{
	struct rig *rig = rig_create(2, NULL, false, 0);
	pthread_t thread;

	other_rig = rig_create(2, NULL, false, 0);
	assert_int_equal(pthread_create(&thread, NULL, run_other, NULL), 0);
	rig_run(rig, two_machines);
	pthread_join(thread, NULL);
	assert_int_equal(rig->rcu.phase, 200);
	assert_int_equal(other_rig->rcu.phase, 200);
	rig_destroy(rig);
	rig_destroy(other_rig);
}

static void nested_binding_registers_once(void **state)
{
	struct rig *rig = rig_create(2, NULL, false, 0);

	rig_bind(rig, 0);
	assert_true(rig->cpu[0].sched.rcu.registered);
	this_cpu_bind(&rig->cpu[1].sched.local);
	rcu_cpu_online();
	assert_false(rig->cpu[1].sched.rcu.registered);
	rcu_read_lock();
	rcu_read_unlock();
	rcu_cpu_offline();
	this_cpu_bind(&rig->cpu[0].sched.local);
	rcu_read_lock();
	rcu_read_unlock();
	rig_unbind();
	rig_destroy(rig);
}

static void how_fast(void **state)
{
	struct rig *rig = rig_create(1, NULL, false, 0);
	const int n = MM_TSAN || MM_ASAN ? 100000 : 20000000;
	struct timespec t0, t1;
	int i;

	rig_bind(rig, 0);
	clock_gettime(CLOCK_MONOTONIC, &t0);
	for (i = 0; i < n; i++) {
		rcu_read_lock();
		rcu_read_unlock();
	}
	clock_gettime(CLOCK_MONOTONIC, &t1);
	print_message("rcu_read_lock + rcu_read_unlock: %.2f ns\n",
		      ((t1.tv_sec - t0.tv_sec) * 1e9 + (t1.tv_nsec - t0.tv_nsec)) / n);
	rig_unbind();
	rig_destroy(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(serial_machine), cmocka_unit_test(long_lists_are_processed),
		cmocka_unit_test(idle_batches),
		cmocka_unit_test(readers_are_waited_for), cmocka_unit_test(outlasts_a_section),
#if MM_CHECK
		cmocka_unit_test(dereference_outside), cmocka_unit_test(left_callbacks_are_found),
#endif
		cmocka_unit_test(machines_do_not_disturb_each_other),
		cmocka_unit_test(nested_binding_registers_once), cmocka_unit_test(how_fast),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
