/* SPDX-License-Identifier: MIT */
/* room: mm_sync */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>


#include "../litmus/rig.h"
#include "base/atomic.h"
#include "sync/wait.h"

#define TURNS	3000

static wait_queue_head_t wq;
static struct completion done;
static unsigned int turn;
static unsigned long payload;

/* cmocka's assertions are for its own thread: the others count what is wrong. */
static unsigned int bad;

static void expect(bool ok)
{
	if (!ok)
		__atomic_fetch_add(&bad, 1, __ATOMIC_RELAXED);
}

/* A ring of vCPUs, each waits for its turn and passes it on: one lost wake-up hangs. */
static void pass_around(struct rig *rig, unsigned int cpu)
{
	unsigned int i, mine;

	for (i = 0; i < TURNS; i++) {
		mine = i * rig->nr + cpu;
		wait_event(&wq, smp_load_acquire(&turn) == mine);
		payload++;	/* plain: the turn orders it */
		smp_store_release(&turn, mine + 1);
		wake_up_all(&wq);
	}
}

static void no_wakeup_is_lost(void **state)
{
	u32 jitter;

	for (jitter = 0; jitter <= 20000; jitter += 20000) {
		struct rig *rig = rig_create(4, NULL, false, jitter);

		init_waitqueue_head(&wq);
		turn = payload = 0;
		rig_run(rig, pass_around);
		assert_int_equal(payload, 4 * TURNS);
		assert_false(waitqueue_active(&wq));
		rig_print_findings(rig);
		assert_int_equal(rig_findings(rig), 0);
		rig_destroy(rig);
	}
}

static unsigned int keys[RIG_CPUS], woken[RIG_CPUS], go;

static bool asleep(struct rig *rig, unsigned int cpu)
{
	return __atomic_load_n(&rig->cpu[cpu].ctx.state, __ATOMIC_ACQUIRE) == CTX_SLEEPING;
}

static void wait_until(bool (*cond)(struct rig *, unsigned int), struct rig *rig, unsigned int cpu)
{
	while (!cond(rig, cpu))
		sched_relax(1000);
}

static void wait_with_key(struct rig *rig, unsigned int cpu)
{
	if (cpu) {
		wait_event_key(&wq, &keys[cpu], READ_ONCE(keys[cpu]));
		WRITE_ONCE(woken[cpu], 1);
		return;
	}
	wait_until(asleep, rig, 1);
	wait_until(asleep, rig, 2);
	WRITE_ONCE(keys[2], 1);
	wake_up_key(&wq, &keys[2]);
	while (!READ_ONCE(woken[2]))
		sched_relax(1000);
	expect(asleep(rig, 1));	/* another key */
	WRITE_ONCE(keys[1], 1);
	wake_up_key(&wq, &keys[1]);
}

static void keys_choose(void **state)
{
	struct rig *rig = rig_create(3, NULL, false, 0);

	init_waitqueue_head(&wq);
	rig_run(rig, wait_with_key);
	assert_int_equal(bad, 0);
	assert_int_equal(woken[1] + woken[2], 2);
	rig_destroy(rig);
}

static void wait_exclusive(struct rig *rig, unsigned int cpu)
{
	unsigned int i, sleepers;

	if (cpu) {
		wait_event_exclusive(&wq, READ_ONCE(go) >= 1);
		/* each hands the wake on: one at a time */
		__atomic_fetch_add(&payload, 1, __ATOMIC_RELAXED);
		return;
	}
	for (i = 1; i < rig->nr; i++)
		wait_until(asleep, rig, i);
	WRITE_ONCE(go, 1);
	for (i = 1; i < rig->nr; i++) {
		unsigned int j;

		wake_up(&wq);
		while (__atomic_load_n(&payload, __ATOMIC_RELAXED) != i)
			sched_relax(1000);
		for (j = 1, sleepers = 0; j < rig->nr; j++)
			sleepers += asleep(rig, j);
		expect(sleepers == rig->nr - 1 - i);
	}
}

static void exclusive_wakes_one(void **state)
{
	struct rig *rig = rig_create(4, NULL, false, 0);

	init_waitqueue_head(&wq);
	payload = go = 0;
	rig_run(rig, wait_exclusive);
	assert_int_equal(bad, 0);
	rig_destroy(rig);
}

static void complete_each(struct rig *rig, unsigned int cpu)
{
	int i;

	for (i = 0; i < TURNS; i++) {
		if (cpu == 0) {
			struct completion on_stack;

			/* freed at once after the wait: completers must not touch it then */
			init_completion(&on_stack);
			__atomic_store_n((struct completion **)rig->arg, &on_stack,
					 __ATOMIC_RELEASE);
			wait_for_completion(&on_stack);
			expect(payload == (unsigned long)i + 1);
			memset(&on_stack, 0x5a, sizeof(on_stack));
		} else {
			struct completion *c;

			do {
				c = __atomic_exchange_n((struct completion **)rig->arg, NULL,
							__ATOMIC_ACQUIRE);
				if (!c)
					sched_relax(100);
			} while (!c);
			payload++;
			complete(c);
		}
	}
}

static void completions_order(void **state)
{
	struct rig *rig = rig_create(2, NULL, false, 0);
	struct completion *where = NULL;

	payload = 0;
	rig->arg = &where;
	rig_run(rig, complete_each);
	assert_int_equal(bad, 0);
	assert_int_equal(rig_findings(rig), 0);
	rig_destroy(rig);
}

static void completions_count(void **state)
{
	struct rig *rig = rig_create(1, NULL, true, 0);

	rig_bind(rig, 0);
	init_completion(&done);
	assert_false(completion_done(&done));
	assert_false(try_wait_for_completion(&done));
	complete(&done);
	complete(&done);
	wait_for_completion(&done);
	assert_true(try_wait_for_completion(&done));
	assert_false(try_wait_for_completion(&done));
	complete_all(&done);
	wait_for_completion(&done);
	wait_for_completion(&done);
	assert_true(completion_done(&done));
	reinit_completion(&done);
	assert_false(completion_done(&done));
	assert_int_equal(rig_findings(rig), 0);
	rig_unbind();
	rig_destroy(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_wakeup_is_lost), cmocka_unit_test(keys_choose),
		cmocka_unit_test(exclusive_wakes_one), cmocka_unit_test(completions_order),
		cmocka_unit_test(completions_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
