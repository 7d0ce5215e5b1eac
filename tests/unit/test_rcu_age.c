/* SPDX-License-Identifier: MIT */
/* room: mm_sync */
/*
 * How old what a reader meets is, by when it was unlinked, when the section began, and
 * what else happened.
 *
 * needs: check
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "../litmus/rig.h"
#include "sync/rcu_age.h"

/*
 * What happens before the object is met, a letter each: u unlinked, f freed, b born again,
 * o others unlinked, g a grace period, ( and ) a section begins and ends, + a grace period
 * begins elsewhere that cannot end before this section.
 */
static const struct story {
	const char	*events;
	enum rcu_met	how;
	bool		in_section;
} stories[] = {
	{ "(", RCU_MET_LINKED },
	{ "", RCU_MET_LINKED },
	{ "g(", RCU_MET_LINKED },
	{ "(u", RCU_MET_RETIRED, true },
	{ "g(u", RCU_MET_RETIRED, true },
	{ "(+u", RCU_MET_RETIRED, true },
	{ "(+uo", RCU_MET_RETIRED, true },
	{ "(u+", RCU_MET_GRACE, true },
	{ "o(uo+", RCU_MET_GRACE, true },
	/* An inner section is part of the outer one. */
	{ "(u+(", RCU_MET_GRACE, true },
	{ "(u+()", RCU_MET_GRACE, true },
	{ "u(", RCU_MET_LATE, true },
	{ "ou(", RCU_MET_LATE, true },
	{ "uo(", RCU_MET_LATE, true },
	{ "ug(", RCU_MET_LATE, true },
	{ "(u)(", RCU_MET_LATE, true },	/* kept from one section to the next */
	{ "(u+)(", RCU_MET_LATE, true },
	{ "(f", RCU_MET_FREED, true },
	{ "(uf", RCU_MET_FREED, true },
	{ "ugf(", RCU_MET_FREED, true },
	/* Its memory has become another of its kind, linked or not any more. */
	{ "ub(", RCU_MET_LINKED },
	{ "ugfb(", RCU_MET_LINKED },
	{ "ugb(u", RCU_MET_RETIRED, true },
	/* No section: the lock that unlinking takes is held. */
	{ "u", RCU_MET_LATE },
	{ "()u", RCU_MET_LATE },
	{ "f", RCU_MET_FREED },
};

static void happen(struct rcu_age *age, char event)
{
	struct rcu_state *rs = this_sched_cpu()->rcu.state;

	switch (event) {
	case 'u':
		rcu_age_retire(age, rcu_age_stamp());
		break;
	case 'o':
		rcu_age_stamp();
		break;
	case 'f':
		rcu_age_freed(age);
		break;
	case 'b':
		rcu_age_born(age);
		break;
	case 'g':
		synchronize_rcu();
		break;
	case '+':
		rs->in_grace = rs->unlinked;
		break;
	case '(':
		rcu_read_lock();
		break;
	case ')':
		rcu_read_unlock();
		break;
	}
}

static void told_by_order(void **state)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(stories); i++) {
		const struct story *story = &stories[i];
		struct rig *rig = rig_create(1, NULL, true, 0);
		struct rcu_age age = { 0 };
		struct rcu_meeting met;
		const char *event;

		rig_bind(rig, 0);
		for (event = story->events; *event; event++)
			happen(&age, *event);
		met = rcu_age_meet(&age);
		if (met.how != story->how || met.in_section != story->in_section)
			fail_msg("\"%s\": met as %s", story->events, rcu_met_name(met.how));
		if (met.how == RCU_MET_LATE)
			assert_true(met.given >= met.retired);
		while (rcu_read_lock_held())
			rcu_read_unlock();
		rig_unbind();
		assert_int_equal(rig_findings(rig), 0);
		rig_destroy(rig);
	}
}

/* Eight bytes of what object caches fill freed memory with (phys/poison.h). */
static void poison_is_freed(void **state)
{
	struct rig *rig = rig_create(1, NULL, true, 0);
	struct rcu_age age;

	memset(&age, 0x6b, sizeof(age));
	rig_bind(rig, 0);
	assert_int_equal(rcu_age_meet(&age).how, RCU_MET_FREED);
	rig_unbind();
	rig_destroy(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(told_by_order),
		cmocka_unit_test(poison_is_freed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
