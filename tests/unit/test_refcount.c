/* SPDX-License-Identifier: MIT */
/* room: mm_sync */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>


#include "../litmus/rig.h"
#include "sync/refcount.h"

static void counts_down_once(void **state)
{
	refcount_t r = REFCOUNT_INIT(1);

	refcount_inc(&r);
	assert_true(refcount_inc_not_zero(&r));
	assert_int_equal(refcount_read(&r), 3);
	assert_false(refcount_dec_and_test(&r));
	refcount_dec(&r);
	assert_true(refcount_dec_and_test(&r));
	assert_false(refcount_inc_not_zero(&r));
	assert_false(refcount_inc_not_zero_acquire(&r));
	assert_int_equal(refcount_read(&r), 0);
}

static void check_saturates(struct rig *rig, refcount_t *r, const char *title)
{
	assert_true(rig_found(rig, title));
	assert_int_equal(refcount_read(r), REFCOUNT_SATURATED);
	/* and stays so, whatever comes */
	assert_false(refcount_dec_and_test(r));
	refcount_inc(r);
	assert_true(refcount_read(r) < 0);
	assert_true(refcount_inc_not_zero(r));
	assert_true(refcount_read(r) < 0);
}

static void saturates_and_complains(void **state)
{
	struct rig *rig = rig_create(1, NULL, true, 0);
	refcount_t r;

	rig_bind(rig, 0);
	refcount_set(&r, REFCOUNT_MAX);
	refcount_inc(&r);
	check_saturates(rig, &r, "REFS: refcount overflow");
	refcount_set(&r, 0);
	refcount_inc(&r);
	check_saturates(rig, &r, "REFS: refcount raised from zero");
	refcount_set(&r, 0);
	assert_false(refcount_dec_and_test(&r));
	check_saturates(rig, &r, "REFS: refcount dropped below zero");
	refcount_set(&r, 1);
	refcount_dec(&r);
	check_saturates(rig, &r, "REFS: refcount dropped to zero, object leaked");
	rig_unbind();
	rig_destroy(rig);
}

static refcount_t shared;
static unsigned long object, last;

/* Everybody uses the object, the last one to leave frees it: ordered by the count. */
static void use_and_drop(struct rig *rig, unsigned int cpu)
{
	int i;

	for (i = 0; i < 10000; i++) {
		refcount_inc(&shared);
		__atomic_fetch_add(&object, 1, __ATOMIC_RELAXED);
		refcount_dec(&shared);
	}
	if (refcount_dec_and_test(&shared)) {
		last = object;		/* plain: acquire made all of it visible */
		object = 0;
	}
}

static void last_drop_sees_all(void **state)
{
	struct rig *rig = rig_create(4, NULL, false, 0);

	refcount_set(&shared, 4);
	rig_run(rig, use_and_drop);
	assert_int_equal(last, 40000);
	assert_int_equal(object, 0);
	assert_int_equal(rig_findings(rig), 0);
	rig_destroy(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_down_once), cmocka_unit_test(saturates_and_complains),
		cmocka_unit_test(last_drop_sees_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
