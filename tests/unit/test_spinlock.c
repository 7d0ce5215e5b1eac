/* SPDX-License-Identifier: MIT */
/* room: mm_sync */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <time.h>

#include "../litmus/rig.h"
#include "sync/irqflags.h"
#include "sync/queue_lock.h"
#include "sync/spinlock.h"

#define TURNS	20000

static spinlock_t lock;
static struct queue_lock qlock;
static unsigned long counter, qcounter;

static void count_under_lock(struct rig *rig, unsigned int cpu)
{
	unsigned long flags, v;
	int i;

	for (i = 0; i < TURNS; i++) {
		if (i % 3 == 0) {
			while (!spin_trylock(&lock))
				sched_relax(0);
		} else if (i % 3 == 1) {
			spin_lock_irq(&lock);
		} else {
			spin_lock(&lock);
		}
		counter++;
		if (i % 3 == 1)
			spin_unlock_irq(&lock);
		else
			spin_unlock(&lock);
		flags = queue_lock_irqsave(&qlock);
		/* TSan does not know this lock: be atomic, and still not lose updates. */
		v = __atomic_load_n(&qcounter, __ATOMIC_RELAXED);
		__atomic_store_n(&qcounter, v + 1, __ATOMIC_RELAXED);
		queue_unlock_irqrestore(&qlock, flags);
	}
}

static void excludes(void **state)
{
	struct rig *rig = rig_create(4, NULL, false, 0);

	spin_lock_init(&lock, LOCK_RANK_LEAF, "test");
	lock.val = 0;
	counter = qcounter = 0;
	rig_run(rig, count_under_lock);
	assert_int_equal(counter, 4 * TURNS);
	assert_int_equal(qcounter, 4 * TURNS);
	assert_false(spin_is_locked(&lock));
	/* taken with interrupts on and off: no handler takes it, so that is fine */
	rig_print_findings(rig);
	assert_int_equal(rig_findings(rig), 0);
	rig_destroy(rig);
}

static void keeps_the_vcpu(void **state)
{
	struct rig *rig = rig_create(1, NULL, true, 0);
	struct sched_cpu *cpu = &rig->cpu[0].sched;
	unsigned long flags;

	rig_bind(rig, 0);
	spin_lock_init(&lock, LOCK_RANK_LEAF, "test");
	assert_false(in_atomic());
	spin_lock(&lock);
	assert_int_equal(cpu->preempt_count, 1);
	assert_true(in_atomic());
	assert_false(spin_trylock(&lock));
	assert_int_equal(cpu->preempt_count, 1);
	spin_unlock(&lock);
	spin_lock_irqsave(&lock, flags);
	assert_true(irqs_disabled());
	spin_unlock_irqrestore(&lock, flags);
	assert_false(irqs_disabled());
	assert_false(in_atomic());
	rig_unbind();
	rig_destroy(rig);
}

static unsigned int relaxed, served;

static void free_on_third(unsigned int spins)
{
	assert_int_equal(spins, relaxed);
	if (++relaxed == 3)
		lock.val = 0;
}

static void serve(void)
{
	__atomic_fetch_and(&this_cpu_local()->attn, ~ATTN_IRQ, __ATOMIC_RELAXED);
	served++;
}

/* A waiter takes its turns through ops, and interrupts while they are on. */
static void waits_through_ops(void **state)
{
	static const struct sched_ops ops = { .relax = free_on_third, .serve_irqs = serve };
	struct rig *rig = rig_create(1, &ops, true, 0);

	rig_bind(rig, 0);
	spin_lock_init(&lock, LOCK_RANK_LEAF, "test");
	relaxed = served = 0;
	lock.val = 1;
	local_irq_disable();
	this_cpu_local()->attn = ATTN_IRQ;
	spin_lock(&lock);
	assert_int_equal(relaxed, 3);
	assert_int_equal(served, 0);
	spin_unlock(&lock);
	local_irq_enable();
	assert_int_equal(served, 1);

	relaxed = 0;
	lock.val = 1;
	this_cpu_local()->attn = ATTN_IRQ;
	spin_lock(&lock);
	assert_int_equal(served, 2);
	spin_unlock(&lock);
	rig_unbind();
	rig_destroy(rig);
}

static void how_fast(void **state)
{
	struct rig *rig = rig_create(1, NULL, true, 0);
	struct timespec a, b;
	const int n = MM_TSAN || MM_ASAN ? 100000 : 20000000;
	int i;

	rig_bind(rig, 0);
	spin_lock_init(&lock, LOCK_RANK_LEAF, "test");
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (i = 0; i < n; i++) {
		spin_lock(&lock);
		spin_unlock(&lock);
	}
	clock_gettime(CLOCK_MONOTONIC, &b);
	print_message("spin_lock + spin_unlock: %.2f ns\n",
		      ((b.tv_sec - a.tv_sec) * 1e9 + (b.tv_nsec - a.tv_nsec)) / n);
	rig_unbind();
	rig_destroy(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(excludes), cmocka_unit_test(keeps_the_vcpu),
		cmocka_unit_test(waits_through_ops), cmocka_unit_test(how_fast),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
