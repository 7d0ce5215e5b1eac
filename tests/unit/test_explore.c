/* SPDX-License-Identifier: MIT */
/*
 * Controlled runs of programs with an mm under them: equal to the last event when their
 * choices are, silent without a bug, failing with one, and the same from a token.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <errno.h>

#include "check/check.h"
#include "ops/explore.h"
#include "ops/replay_token.h"
#include "ops/shorten.h"
#include "ops/text.h"
#include "zoo/zoo.h"

#if MM_POINTS
static const char program[] =
	"# mmstorm-ops 1 cpus=3 tasks=3 pages=8 files=1 file_pages=2 seed=0x1\n"
	"t0 mmap(p0, 2, RW, PRIVATE|ANON|FIXED)\n"
	"t0 mmap(p4, 2, RW, SHARED|FIXED, F0, 0)\n"
	"t0 store(p0, 8, tag)\n"
	"t0 barrier(all)\n"
	"t1 load(p0, 8)\n"
	"t1 barrier(all)\n"
	"t2 store(p0, 8, tag)\n"
	"t2 store(p4, 8, 0x1)\n"
	"t2 barrier(all)\n"
	"t0 madvise(p0, 2, DONTNEED)\n"
	"t1 madvise(p0, 2, DONTNEED)\n"
	"t1 fork(t3)\n"
	"t2 load(p0, 8)\n"
	"t2 store(p0, 8, tag)\n"
	"t0 munmap(p4, 1)\n"
	"t3 store(p0, 8, tag)\n"
	"t3 exit()\n";

static struct op_list list;
static struct explore_config config;
static struct strategy strategy;
static struct schedule schedule;

static int setup(void **state)
{
	struct op_text_error err;

	memset(&config, 0, sizeof(config));
	config.list = &list;
	config.checks = CHECK_ALL;
	config.fills = 3;
	config.max_points = 100000;
	return op_text_parse(program, sizeof(program) - 1, &list, &err);
}

static int teardown(void **state)
{
	op_list_free(&list);
	schedule_free(&schedule);
	return 0;
}

static struct explore_result run(enum strategy_kind kind, u64 seed)
{
	struct explore_result r;

	strategy_start(&strategy, kind, seed, 3, 400);
	assert_int_equal(explore_run(&config, &strategy, &schedule, &r), 0);
	return r;
}

static void equal_choices_are_equal_runs(void **state)
{
	struct schedule copy;
	u64 last = 0;

	schedule_init(&copy);
	for (unsigned int i = 0; i < 40; i++) {
		struct explore_result r = run(i % STRATEGY_REPLAY, i), again;

		if (r.findings)
			fail_msg("%s: %s", r.title, r.detail);
		assert_int_equal(r.ops, list.nr);
		assert_int_equal(run(i % STRATEGY_REPLAY, i).hash, r.hash);
		assert_int_equal(schedule_copy(&copy, &schedule), 0);
		strategy_start_replay(&strategy, &copy);
		assert_int_equal(explore_run(&config, &strategy, &schedule, &again), 0);
		assert_true(strategy_followed(&strategy));
		assert_int_equal(again.hash, r.hash);
		assert_int_equal(again.decisions, r.decisions);
		assert_int_not_equal(r.hash, last);
		last = r.hash;
	}
	schedule_free(&copy);
}

/* The RAM between two machines: a fresh one's. */
static void ram_is_clear(const struct machine_stock *stock)
{
	const u64 *word = stock->ram.base;

	assert_non_null(word);
	for (size_t i = 0; i < stock->ram.bytes / sizeof(*word); i++)
		if (word[i])
			fail_msg("word %zu of %zu is 0x%llx", i,
				 stock->ram.bytes / sizeof(*word), word[i]);
}

static bool same_run(const struct explore_result *a, const struct explore_result *b)
{
	return a->hash == b->hash && a->state == b->state && a->points == b->points &&
	       a->findings == b->findings && a->stuck == b->stuck &&
	       !strcmp(a->title, b->title) && !strcmp(a->detail, b->detail);
}

/*
 * What one machine leaves to the next changes nothing there: whether it found something,
 * and wherever it was cut off, the run is the one that a machine of its own would have had.
 */
static void machines_leave_nothing_but_memory(void **state)
{
	struct machine_stock stock = { .ram = { .base = NULL } };
	unsigned int stuck = 0, found = !(MM_ZOO && MM_CHECK);

	for (unsigned int i = 0; i < 120 || (!found && i < 2000); i++) {
		enum strategy_kind kind = i % 2 ? STRATEGY_STICKY : i / 2 % STRATEGY_REPLAY;
		struct explore_result with, without;

		config.zoo[0] = config.zoo[1] = 0;
		if (i % 2)
			zoo_plant(config.zoo, ZOO_PARALLEL_ZAP_FLUSH_MISS);
		config.max_points = i % 3 ? 100000 : 20 + 37 * i % 900;
		config.stock = NULL;
		without = run(kind, i / 2);
		config.stock = &stock;
		with = run(kind, i / 2);
		if (!same_run(&with, &without))
			fail_msg("run %u: hash 0x%llx without a stock, 0x%llx with it", i,
				 without.hash, with.hash);
		ram_is_clear(&stock);
		stuck += with.stuck;
		found += with.findings && !with.stuck;
	}
	assert_true(stuck && found);
	machine_stock_drop(&stock);
}

#if MM_ZOO && MM_CHECK
static struct explore_result find(void)
{
	struct explore_result r = { 0 };

	zoo_plant(config.zoo, ZOO_PARALLEL_ZAP_FLUSH_MISS);
	for (u64 seed = 0; seed < 1000 && !r.findings; seed++)
		r = run(STRATEGY_STICKY, seed);
	assert_true(r.findings);
	return r;
}

static void failing_schedules_get_short_and_stay_failing(void **state)
{
	struct explore_result r = find(), less;
	char title[160];
	size_t before = schedule.nr;

	memcpy(title, r.title, sizeof(title));
	less = r;
	shorten_schedule(&config, &schedule, title, 1000, NULL, NULL, &less);
	assert_true(schedule.nr && schedule.nr <= before && schedule.nr < 20);
	strategy_start_replay(&strategy, &schedule);
	assert_int_equal(explore_run(&config, &strategy, NULL, &r), 0);
	assert_string_equal(r.title, title);
	assert_int_equal(r.hash, less.hash);
	/* No single deviation can go. */
	for (size_t i = 0; i < schedule.nr; i++) {
		struct schedule fewer = { 0 };

		assert_int_equal(schedule_copy(&fewer, &schedule), 0);
		memmove(fewer.dev + i, fewer.dev + i + 1,
			(fewer.nr - i - 1) * sizeof(*fewer.dev));
		fewer.nr--;
		strategy_start_replay(&strategy, &fewer);
		assert_int_equal(explore_run(&config, &strategy, NULL, &r), 0);
		assert_true(!r.findings || strcmp(r.title, title));
		schedule_free(&fewer);
	}
}

static void tokens_are_the_run(void **state)
{
	struct explore_result r = find(), again;
	char *text = replay_token_print(&config, &schedule, r.hash);
	struct replay_token token;
	const char *why;
	size_t len;

	assert_non_null(text);
	assert_true(replay_token_is(text));
	assert_int_equal(replay_token_parse(text, &token, &why), 0);
	assert_int_equal(token.hash, r.hash);
	for (unsigned int i = 0; i < 20; i++) {
		strategy_start_replay(&strategy, &token.schedule);
		assert_int_equal(explore_run(&token.config, &strategy, NULL, &again), 0);
		assert_int_equal(again.hash, r.hash);
		assert_string_equal(again.title, r.title);
	}
	replay_token_free(&token);
	/* Every shorter word is refused; so is each with a letter changed, or it says the same. */
	for (len = strlen(text); len--;) {
		char was = text[len];

		text[len] = was == 'A' ? 'B' : 'A';
		if (!replay_token_parse(text, &token, &why)) {
			/* The packing has a few bits to spare; a sum guards what is packed. */
			char *same = replay_token_print(&token.config, &token.schedule, token.hash);

			replay_token_free(&token);
			text[len] = was;
			assert_string_equal(same, text);
			free(same);
		}
		text[len] = '\0';
		assert_int_not_equal(replay_token_parse(text, &token, &why), 0);
		text[len] = was;
	}
	free(text);
}
#endif

static void tokens_of_another_source(void **state)
{
	struct replay_token token;
	const char *why;

	assert_int_equal(replay_token_parse("ms1:00000000:AAAA", &token, &why), -ESTALE);
	assert_int_equal(replay_token_parse("ms2:00000000:AAAA", &token, &why), -EINVAL);
	assert_int_equal(replay_token_parse("", &token, &why), -EINVAL);
}

/* A reader in the middle of whatever may be interrupted by hardware. */
static void hardware_keeps_to_its_budget(void **state)
{
	for (u64 seed = 0; seed < 20; seed++) {
		unsigned int fills = 0;

		config.fills = 2;
		run(STRATEGY_RANDOM, seed);
		for (size_t i = 0; i < schedule.nr; i++)
			fills += schedule.dev[i].event == SCHED_FILL;
		assert_true(fills <= 2);
	}
}

static void endless_runs_are_cut_off(void **state)
{
	struct explore_result r;

	config.max_points = 50;
	strategy_start(&strategy, STRATEGY_RANDOM, 1, 0, 0);
	assert_int_equal(explore_run(&config, &strategy, NULL, &r), 0);
	assert_true(r.stuck);
	assert_string_equal(r.title, "LIVE: livelock: the run does not end");
}
#endif

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
#if MM_POINTS
	const struct CMUnitTest tests[] = {
		T(equal_choices_are_equal_runs), T(machines_leave_nothing_but_memory),
#if MM_ZOO && MM_CHECK
		T(failing_schedules_get_short_and_stay_failing), T(tokens_are_the_run),
#endif
		T(tokens_of_another_source), T(hardware_keeps_to_its_budget),
		T(endless_runs_are_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
#else
	return 0;
#endif
}
