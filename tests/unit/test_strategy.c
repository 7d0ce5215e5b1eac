/* SPDX-License-Identifier: MIT */
/* room: mm_sync */
/* Schedules as lists and bytes, and what each strategy makes of a decision. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>

#include "base/compiler.h"
#include "sync/strategy.h"

static void packing_keeps_schedules(void **state)
{
	struct schedule s, t;
	struct prng rng;
	u8 buf[4096];

	schedule_init(&s);
	schedule_init(&t);
	prng_seed(&rng, 1);
	for (unsigned int round = 0; round < 200; round++) {
		u64 at = 0;
		size_t len;

		schedule_clear(&s);
		for (unsigned int i = 0; i < round; i++) {
			at += 1 + (prng_next(&rng) >> prng_range(&rng, 30, 63));
			schedule_add(&s, at, (unsigned int)prng_below(&rng, STRATEGY_CPUS),
				     prng_below(&rng, NR_SCHED_EVENTS));
		}
		len = schedule_pack(&s, buf, sizeof(buf));
		assert_true(len <= sizeof(buf));
		assert_int_equal(schedule_unpack(&t, buf, len), 0);
		assert_int_equal(t.nr, s.nr);
		for (size_t i = 0; i < s.nr; i++)
			assert_memory_equal(&t.dev[i], &s.dev[i], sizeof(s.dev[i]));
		/* Cut short it is no schedule. */
		if (round)
			assert_int_equal(schedule_unpack(&t, buf, len - 1), -EINVAL);
	}
	schedule_free(&s);
	schedule_free(&t);
}

static void bytes_that_are_no_schedule(void **state)
{
	static const struct { u8 bytes[12]; size_t len; } bad[] = {
		{ { 0x01 }, 1 },			/* half a deviation */
		{ { 0x80, 0x00, 0x01 }, 3 },		/* a number with an empty end */
		{ { 0x80 }, 1 },
		{ { 0x00, 0xff, 0xff, 0xff, 0x7f }, 5 },	/* no such vCPU */
		{ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f, 0x00 }, 11 },
	};
	struct schedule s;

	schedule_init(&s);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(schedule_unpack(&s, bad[i].bytes, bad[i].len), -EINVAL);
	assert_int_equal(schedule_unpack(&s, NULL, 0), 0);
	assert_int_equal(s.nr, 0);
	schedule_free(&s);
}

/* A decision between n vCPUs that each stand before a step of their own. */
static struct sched_choice list[8];

static struct sched_choices decision(u64 nr, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		list[i] = (struct sched_choice){
			.cpu = (u16)i, .event = SCHED_RUN, .kind = SCHED_STORE, .step = nr,
			.obj = &list[i],
		};
	}
	return (struct sched_choices){ .decision = nr, .nr = n, .choice = list };
}

static void replay_does_what_is_listed(void **state)
{
	struct sched_choices c;
	struct strategy s;
	struct schedule sch;

	schedule_init(&sch);
	schedule_add(&sch, 1, 2, SCHED_RUN);
	schedule_add(&sch, 3, 1, SCHED_RUN);
	strategy_start_replay(&s, &sch);
	for (u64 i = 0; i < 5; i++) {
		static const unsigned int want[] = { 0, 2, 0, 1, 0 };

		c = decision(i, 3);
		assert_int_equal(strategy_choose(&s, &c), want[i]);
	}
	assert_true(strategy_followed(&s));
	/* What cannot be done is not done, and said. */
	schedule_clear(&sch);
	schedule_add(&sch, 0, 2, SCHED_IRQ);
	strategy_start_replay(&s, &sch);
	c = decision(0, 3);
	assert_int_equal(strategy_choose(&s, &c), 0);
	assert_false(strategy_followed(&s));
	/* Nor what comes after the end. */
	strategy_start_replay(&s, &sch);
	assert_false(strategy_followed(&s));
	schedule_free(&sch);
}

static void bytes_do_what_they_say(void **state)
{
	static const u8 bytes[] = {
		2, 0, 5,	/* after two by default: index 5 of 3, which is 2 */
		0, 2, 1,	/* at once: vCPU 1 */
		1, 2, 7,	/* no such vCPU: the default */
		0, 4, SCHED_IRQ,	/* none is pending */
		1, 5 | 5 << 3, 9,	/* a walk of 32 */
		0, 3, 2,	/* right behind it */
		0, 0,		/* less than a record */
	};
	static const unsigned int want[] = { 0, 0, 2, 1, 0, 0, 0, 0 };
	static u8 seen[SCHEDULE_BYTES_SEEN];
	unsigned int counted = 0, walked = 0;
	struct sched_choices c;
	struct strategy s;
	u64 i;

	strategy_start_bytes(&s, bytes, sizeof(bytes), seen);
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		c = decision(i, 3);
		assert_int_equal(strategy_choose(&s, &c), want[i]);
	}
	for (; i < ARRAY_SIZE(want) + 32; i++) {
		c = decision(i, 3);
		walked += strategy_choose(&s, &c) != 0;
	}
	assert_in_range(walked, 1, 15);
	c = decision(i++, 3);
	assert_int_equal(strategy_choose(&s, &c), 2);
	for (; i < 100; i++) {
		c = decision(i, 3);
		assert_int_equal(strategy_choose(&s, &c), 0);
	}
	/* What was preempted, and after what; nobody contended. */
	for (i = 0; i < SCHEDULE_BYTES_SEEN; i++)
		counted += seen[i];
	assert_int_equal(counted, walked + 3);
}

static void walks_go_everywhere(void **state)
{
	unsigned int seen[2][3] = { { 0 } };

	for (unsigned int k = 0; k < 2; k++) {
		struct strategy s;

		strategy_start(&s, k ? STRATEGY_STICKY : STRATEGY_RANDOM, 7, 0, 0);
		for (u64 i = 0; i < 3000; i++) {
			struct sched_choices c = decision(i, 3);

			seen[k][strategy_choose(&s, &c)]++;
		}
	}
	for (unsigned int i = 0; i < 3; i++)
		assert_in_range(seen[0][i], 800, 1200);
	assert_in_range(seen[1][0], 2600, 2900);
	assert_true(seen[1][1] && seen[1][2]);
}

/* With depth d the one who goes on changes at most d - 1 times, and does in some run. */
static void pct_changes_at_its_points(void **state)
{
	unsigned int most = 0;

	for (u64 seed = 0; seed < 100; seed++) {
		unsigned int changes = 0, last = 0;
		struct strategy s;

		strategy_start(&s, STRATEGY_PCT, seed, 3, 50);
		for (u64 i = 0; i < 50; i++) {
			struct sched_choices c = decision(i, 4);
			unsigned int now = strategy_choose(&s, &c);

			changes += i && now != last;
			last = now;
		}
		assert_true(changes <= 2);
		most = changes > most ? changes : most;
	}
	assert_int_equal(most, 2);
}

/* Steps that do not race keep their priorities until they happen. */
static void pos_draws_for_steps(void **state)
{
	unsigned int first[3] = { 0 };

	for (u64 seed = 0; seed < 600; seed++) {
		struct sched_choices c = decision(0, 3);
		unsigned int best, again;
		struct strategy s;

		strategy_start(&s, STRATEGY_POS, seed, 0, 0);
		best = strategy_choose(&s, &c);
		first[best]++;
		/* It has happened: among the two left the order stays what it was. */
		list[best] = list[2];
		c.nr = 2;
		again = strategy_choose(&s, &c);
		assert_true(again < 2);
	}
	for (unsigned int i = 0; i < 3; i++)
		assert_in_range(first[i], 120, 280);
}

/* How many of 4000 decisions are for a fill, where it can be had at each. */
static unsigned int count_fills(enum strategy_kind kind, enum sched_kind at)
{
	unsigned int fills = 0;
	struct strategy s;

	for (u64 seed = 0; seed < 40; seed++) {
		strategy_start(&s, kind, seed, 3, 100);
		for (u64 i = 0; i < 100; i++) {
			struct sched_choices c = decision(i, 3);

			list[2].event = SCHED_FILL;
			list[2].kind = (u8)at;
			fills += strategy_choose(&s, &c) == 2;
		}
	}
	return fills;
}

static void what_nobody_waits_for_is_rare(void **state)
{
	static const enum strategy_kind kinds[] = {
		STRATEGY_RANDOM, STRATEGY_STICKY, STRATEGY_PCT, STRATEGY_POS,
	};

	for (unsigned int k = 0; k < 4; k++) {
		unsigned int fills = count_fills(kinds[k], SCHED_STORE);

		assert_in_range(fills, 1, 400);
		/* And less so where a window opens. */
		assert_in_range(count_fills(kinds[k], SCHED_WINDOW), 2 * fills, 1000);
	}
}

/*
 * A store that may come out at each of 100 decisions: half of the seeds see it at once, like
 * any other choice, and the others wait for it.
 */
static void stores_are_late_in_half_of_the_runs(void **state)
{
	static const enum sched_event events[] = { SCHED_DRAIN, SCHED_OVERTAKE };

	for (unsigned int e = 0; e < 2; e++) {
		unsigned int late = 0;

		for (u64 seed = 0; seed < 400; seed++) {
			unsigned int drains = 0;
			struct strategy s;

			strategy_start(&s, STRATEGY_RANDOM, seed, 0, 0);
			for (u64 i = 0; i < 100; i++) {
				struct sched_choices c = decision(i, 3);

				list[2].event = (u8)events[e];
				drains += strategy_choose(&s, &c) == 2;
			}
			assert_true(drains < 10 || drains > 15);
			late += drains < 10;
		}
		assert_in_range(late, 160, 240);
	}
}

/* Where all but fills wait for one there is no contest, nor when the program is done. */
static void contests_are_counted(void **state)
{
	struct sched_choices c;
	struct strategy s;

	strategy_start(&s, STRATEGY_PCT, 1, 1, 0);
	c = decision(0, 2);
	list[1].event = SCHED_FILL;
	strategy_choose(&s, &c);
	assert_int_equal(s.contested, 0);
	c = decision(1, 2);
	strategy_choose(&s, &c);
	assert_int_equal(s.contested, 1);
	strategy_close(&s);
	c = decision(2, 2);
	strategy_choose(&s, &c);
	assert_int_equal(s.contested, 1);
}

/* n of PCT's bound: who has ever been one of several, but not what comes unasked. */
static void pct_counts_actors(void **state)
{
	struct sched_choices c;
	struct strategy s;

	strategy_start(&s, STRATEGY_PCT, 1, 1, 0);
	assert_int_equal(strategy_actors(&s), 0);
	c = decision(0, 3);
	strategy_choose(&s, &c);
	assert_int_equal(strategy_actors(&s), 3);
	c = decision(1, 4);
	list[2].event = SCHED_IRQ;
	list[3].event = SCHED_FILL;
	strategy_choose(&s, &c);
	assert_int_equal(strategy_actors(&s), 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(packing_keeps_schedules),
		cmocka_unit_test(bytes_that_are_no_schedule),
		cmocka_unit_test(replay_does_what_is_listed),
		cmocka_unit_test(bytes_do_what_they_say),
		cmocka_unit_test(walks_go_everywhere),
		cmocka_unit_test(pct_changes_at_its_points),
		cmocka_unit_test(pos_draws_for_steps),
		cmocka_unit_test(what_nobody_waits_for_is_rare),
		cmocka_unit_test(stores_are_late_in_half_of_the_runs),
		cmocka_unit_test(contests_are_counted),
		cmocka_unit_test(pct_counts_actors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
