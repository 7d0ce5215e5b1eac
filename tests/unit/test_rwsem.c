/* SPDX-License-Identifier: MIT */
/* room: mm_sync */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <time.h>

#include "../litmus/rig.h"
#include "sync/rwsem.h"

#define TURNS	4000

static struct rw_semaphore sem;
static unsigned long a, b;		/* equal whenever no writer is inside */
static unsigned int readers, most_readers, torn;

static void look(void)
{
	unsigned int now = __atomic_add_fetch(&readers, 1, __ATOMIC_RELAXED);

	if (now > __atomic_load_n(&most_readers, __ATOMIC_RELAXED))
		__atomic_store_n(&most_readers, now, __ATOMIC_RELAXED);
	if (a != b)
		__atomic_fetch_add(&torn, 1, __ATOMIC_RELAXED);
	__atomic_fetch_sub(&readers, 1, __ATOMIC_RELAXED);
}

static void change(void)
{
	if (__atomic_load_n(&readers, __ATOMIC_RELAXED))
		__atomic_fetch_add(&torn, 1, __ATOMIC_RELAXED);
	a++;
	sched_relax(0);
	b++;
}

static void read_and_write(struct rig *rig, unsigned int cpu)
{
	unsigned long before;
	int i;

	for (i = 0; i < TURNS; i++) {
		switch ((i * 7 + cpu) % 8) {
		case 0:
			down_write(&sem);
			change();
			up_write(&sem);
			break;
		case 1:		/* nobody writes between a downgrade and the release */
			down_write(&sem);
			change();
			before = a;
			downgrade_write(&sem);
			look();
			if (a != before)
				__atomic_fetch_add(&torn, 1, __ATOMIC_RELAXED);
			up_read(&sem);
			break;
		case 2:
			if (down_write_trylock(&sem)) {
				change();
				up_write(&sem);
			}
			break;
		case 3:
			if (down_read_trylock(&sem)) {
				look();
				up_read(&sem);
			}
			break;
		default:
			down_read(&sem);
			look();
			up_read(&sem);
		}
	}
}

static void excludes(void **state)
{
	u32 jitter;

	for (jitter = 0; jitter <= 20000; jitter += 20000) {
		struct rig *rig = rig_create(6, NULL, false, jitter);

		init_rwsem(&sem, LOCK_RANK_MMAP_LOCK, "mmap_lock");
		a = b = torn = 0;
		rig_run(rig, read_and_write);
		assert_int_equal(torn, 0);
		assert_int_equal(a, b);
		assert_false(rwsem_is_locked(&sem));
		assert_false(rwsem_is_contended(&sem));
		rig_print_findings(rig);
		assert_int_equal(rig_findings(rig), 0);
		rig_destroy(rig);
	}
}

static void trylocks(void **state)
{
	struct rig *rig = rig_create(1, NULL, true, 0);

	rig_bind(rig, 0);
	init_rwsem(&sem, LOCK_RANK_MMAP_LOCK, "mmap_lock");
	down_read(&sem);
	assert_true(rwsem_is_locked(&sem));
	assert_false(rwsem_is_write_locked(&sem));
	assert_false(down_write_trylock(&sem));
	assert_true(down_read_trylock(&sem));
	up_read(&sem);
	up_read(&sem);
	assert_true(down_write_trylock(&sem));
	assert_true(rwsem_is_write_locked(&sem));
	assert_false(down_read_trylock(&sem));
	assert_false(down_write_trylock(&sem));
	downgrade_write(&sem);
	assert_true(down_read_trylock(&sem));
	up_read(&sem);
	up_read(&sem);
	assert_false(rwsem_is_locked(&sem));
	rig_unbind();
	rig_destroy(rig);
}

static unsigned int arrived, order[RIG_CPUS], nr_order;

/* Let everybody but vCPU 0 queue behind it in order of number; see how they come in. */
static void queue_in_order(struct rig *rig, unsigned int cpu)
{
	bool write = cpu == 2 || cpu == 3;
	unsigned int i;

	if (cpu == 0)
		down_write(&sem);
	while (__atomic_load_n(&arrived, __ATOMIC_ACQUIRE) != cpu)
		sched_relax(1000);
	__atomic_fetch_add(&arrived, 1, __ATOMIC_RELEASE);
	if (cpu == 0) {
		/* a queued reader does not pass a queued writer: wait until all are asleep */
		for (i = 1; i < rig->nr; i++)
			while (__atomic_load_n(&rig->cpu[i].ctx.state, __ATOMIC_ACQUIRE) !=
			       CTX_SLEEPING)
				sched_relax(1000);
		up_write(&sem);
		return;
	}
	if (cpu > 1)	/* the one before me is queued */
		while (__atomic_load_n(&rig->cpu[cpu - 1].ctx.state, __ATOMIC_ACQUIRE) !=
		       CTX_SLEEPING)
			sched_relax(1000);
	if (write)
		down_write(&sem);
	else
		down_read(&sem);
	order[__atomic_fetch_add(&nr_order, 1, __ATOMIC_RELAXED)] = cpu;
	if (write)
		up_write(&sem);
	else
		up_read(&sem);
}

static void first_come_first_served(void **state)
{
	struct rig *rig = rig_create(6, NULL, false, 0);

	init_rwsem(&sem, LOCK_RANK_MMAP_LOCK, "mmap_lock");
	arrived = nr_order = 0;
	rig_run(rig, queue_in_order);
	assert_int_equal(nr_order, 5);
	assert_int_equal(order[0], 1);		/* reader */
	assert_int_equal(order[1], 2);		/* writer */
	assert_int_equal(order[2], 3);		/* writer */
	assert_true(order[3] >= 4 && order[4] >= 4);	/* two readers together */
	assert_int_equal(rig->cpu[2].sched.windows[WIN_RWSEM_WRITER_WAITED], 1);
	assert_int_equal(rig->cpu[4].sched.windows[WIN_RWSEM_READER_WAITED], 1);
	assert_int_equal(rig_findings(rig), 0);
	rig_destroy(rig);
}

static void how_fast(void **state)
{
	struct rig *rig = rig_create(1, NULL, true, 0);
	const int n = MM_TSAN || MM_ASAN ? 100000 : 10000000;
	struct timespec t0, t1;
	int i;

	rig_bind(rig, 0);
	init_rwsem(&sem, LOCK_RANK_MMAP_LOCK, "mmap_lock");
	clock_gettime(CLOCK_MONOTONIC, &t0);
	for (i = 0; i < n; i++) {
		down_read(&sem);
		up_read(&sem);
	}
	clock_gettime(CLOCK_MONOTONIC, &t1);
	print_message("down_read + up_read: %.2f ns\n",
		      ((t1.tv_sec - t0.tv_sec) * 1e9 + (t1.tv_nsec - t0.tv_nsec)) / n);
	rig_unbind();
	rig_destroy(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(trylocks), cmocka_unit_test(excludes),
		cmocka_unit_test(first_come_first_served), cmocka_unit_test(how_fast),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
