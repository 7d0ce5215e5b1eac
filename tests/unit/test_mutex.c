/* SPDX-License-Identifier: MIT */
/* room: mm_sync */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>


#include "../litmus/rig.h"
#include "sync/mutex.h"

#define TURNS	5000

static struct mutex outer, inner;
static unsigned long counter;

static void count(struct rig *rig, unsigned int cpu)
{
	int i;

	for (i = 0; i < TURNS; i++) {
		mutex_lock(&outer);
		if (i % 16 == 0)
			sched_relax(1000);
		mutex_lock_nested(&inner, 1);
		counter++;
		mutex_unlock(&inner);
		mutex_unlock(&outer);
	}
}

static void excludes(void **state)
{
	struct rig *rig = rig_create(4, NULL, false, 0);

	mutex_init(&outer, LOCK_RANK_I_RWSEM, "i_rwsem");
	mutex_init(&inner, LOCK_RANK_I_RWSEM, "i_rwsem");
	counter = 0;
	rig_run(rig, count);
	assert_int_equal(counter, 4 * TURNS);
	rig_print_findings(rig);
	assert_int_equal(rig_findings(rig), 0);
	rig_destroy(rig);
}

static void tries(void **state)
{
	struct rig *rig = rig_create(1, NULL, true, 0);

	rig_bind(rig, 0);
	mutex_init(&outer, LOCK_RANK_I_RWSEM, "i_rwsem");
	assert_true(mutex_trylock(&outer));
	assert_true(mutex_is_locked(&outer));
	mutex_assert_held(&outer);
	assert_false(mutex_trylock(&outer));
	mutex_unlock(&outer);
	assert_false(mutex_is_locked(&outer));
	assert_int_equal(rig_findings(rig), 0);
	rig_unbind();
	rig_destroy(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(excludes), cmocka_unit_test(tries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
