/* SPDX-License-Identifier: MIT */
/*
 * The bounded search of programs with an mm under them: done, in agreement with brute
 * force about what can come of them, and not silent about a planted bug.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "check/check.h"
#include "ops/explore.h"
#include "ops/text.h"
#include "zoo/zoo.h"

#if MM_POINTS
#define HEAD	"# mmstorm-ops 1 cpus=2 tasks=2 pages=4 files=1 file_pages=1 seed=0x1\n"

/* A fault beside a fault, a zap, and a truncation: final states differ by who was first. */
static const char *const programs[] = {
	HEAD "t0 mmap(p0, 1, RW, PRIVATE|ANON|FIXED)\n"
	     "t0 store(p0, 8, tag)\n"
	     "t1 load(p0, 8)\n",
	HEAD "t0 mmap(p0, 1, RW, PRIVATE|ANON|FIXED)\n"
	     "t0 madvise(p0, 1, DONTNEED)\n"
	     "t1 store(p0, 8, tag)\n",
	HEAD "t0 mmap(p0, 1, RW, SHARED|FIXED, F0, 0)\n"
	     "t0 truncate(F0, 0)\n"
	     "t1 store(p0, 8, 0x1)\n",
};

struct found {
	struct exhaust_stats	stats;
	struct explore_result	first;		/* that found something; else the last */
	bool			done;
};

static const u64 no_bug[2];

static struct found search(const char *text, struct exhaust_bounds bounds, const u64 zoo[2])
{
	struct explore_config config = { .checks = CHECK_ALL, .fills = bounds.events };
	struct exhaust *e = exhaust_new(&bounds);
	struct strategy strategy, again;
	struct explore_result r = { 0 };
	struct op_text_error err;
	struct found found = { 0 };
	struct schedule schedule;
	struct op_list list;

	assert_non_null(e);
	assert_int_equal(op_text_parse(text, strlen(text), &list, &err), 0);
	config.list = &list;
	memcpy(config.zoo, zoo, sizeof(config.zoo));
	schedule_init(&schedule);
	strategy_start_exhaust(&strategy, e);
	while (!r.findings && exhaust_next(e)) {
		assert_int_equal(explore_run(&config, &strategy, &schedule, &r), 0);
		exhaust_end(e, r.state);
	}
	found.first = r;
	found.done = exhaust_done(e);
	assert_null(exhaust_failed(e));
	exhaust_stats(e, &found.stats);
	/* The run's schedule is the run. */
	strategy_start_replay(&again, &schedule);
	assert_int_equal(explore_run(&config, &again, NULL, &r), 0);
	assert_true(strategy_followed(&again));
	assert_int_equal(r.hash, found.first.hash);
	assert_int_equal(r.state, found.first.state);
	schedule_free(&schedule);
	op_list_free(&list);
	exhaust_free(e);
	return found;
}

static void reduction_agrees_with_brute_force(void **state)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(programs); i++) {
		struct exhaust_bounds bounds = { .preemptions = 1 };
		struct found less = search(programs[i], bounds, no_bug), all;

		if (less.first.findings)
			fail_msg("%s: %s", less.first.title, less.first.detail);
		bounds.brute = true;
		all = search(programs[i], bounds, no_bug);
		assert_true(less.done && all.done);
		assert_true(less.stats.runs < all.stats.runs && less.stats.pruned);
		assert_true(less.stats.finals > 1);
		assert_int_equal(less.stats.finals, all.stats.finals);
		assert_int_equal(less.stats.finals_hash, all.stats.finals_hash);
	}
}

#if MM_ZOO && MM_CHECK
static void a_planted_bug_is_found(void **state)
{
	static const char program[] =
		HEAD "t0 mmap(p0, 1, RW, PRIVATE|ANON|FIXED)\n"
		     "t0 barrier(all)\n"
		     "t1 barrier(all)\n"
		     "t1 store(p0, 8, tag)\n"
		     "t0 madvise(p0, 1, DONTNEED)\n"
		     "t1 madvise(p0, 1, DONTNEED)\n"
		     "t1 load(p0, 8)\n";
	const struct exhaust_bounds bounds = { .preemptions = 1 };
	u64 zoo[2] = { 0 };
	struct found found;

	zoo_plant(zoo, ZOO_PARALLEL_ZAP_FLUSH_MISS);
	found = search(program, bounds, zoo);
	assert_true(found.first.findings && !found.done);
}
#endif
#endif

static void without_points_nothing_is_searched(void **state)
{
	assert_true(EXHAUST_BOUND_MAX < 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#if MM_POINTS
		cmocka_unit_test(reduction_agrees_with_brute_force),
#if MM_ZOO && MM_CHECK
		cmocka_unit_test(a_planted_bug_is_found),
#endif
#endif
		cmocka_unit_test(without_points_nothing_is_searched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
