/* SPDX-License-Identifier: MIT */
/*
 * Shrinking: storms written down, programs cut, trails that lead a run again, and all of it:
 * a failing run of hundreds of ops comes to a few that fail for the same reason.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/compiler.h"
#include "check/check.h"
#include "ops/cut.h"
#include "ops/recent.h"
#include "ops/shrink.h"
#include "ops/text.h"
#include "ops/unroll.h"
#include "zoo/zoo.h"

static const struct op_mix mix = {
	.name = "test",
	.weight = {
		[OP_MMAP] = 20, [OP_MUNMAP] = 3, [OP_MADVISE] = 20, [OP_LOAD] = 30,
		[OP_STORE] = 30, [OP_FORK] = 4, [OP_CLONE] = 2, [OP_EXIT] = 2,
	},
	.tagged = 900, .hot = 900, .hot_pages = 3, .len_max = 2,
	.depth = 1, .children = 2, .life_min = 3, .life_max = 12,
};

static struct op_world world(unsigned int cpus, unsigned int tasks)
{
	return (struct op_world){
		.cpus = cpus, .tasks = tasks, .procs = 2, .pages = 16, .files = 1,
		.file_pages = 2, .seed = 7,
	};
}

/* ---- storms as programs ---- */

static unsigned int nr_live(const struct op_list *list, const struct mm_op *until)
{
	u64 live = (1ULL << list->world.tasks) - 1;

	for (const struct mm_op *op = list->ops; op < until; op++) {
		if (op->code == OP_FORK || op->code == OP_CLONE)
			live |= 1ULL << op->arg[0];
		if (op->code == OP_EXIT)
			live &= ~(1ULL << op->task);
	}
	return (unsigned int)(live >> until->task & 1);
}

static void unrolled_ops_are_of_live_tasks(void **state)
{
	struct op_world w = world(4, 6);
	struct op_list list, again;
	unsigned int forks = 0;

	assert_int_equal(op_unroll(&w, &mix, 600, &list), 0);
	assert_int_equal(op_unroll(&w, &mix, 600, &again), 0);
	assert_int_equal(list.nr, 600);
	for (size_t i = 0; i < list.nr; i++) {
		assert_true(op_valid(&list.ops[i]));
		assert_true(op_equal(&list.ops[i], &again.ops[i]));
		assert_true(nr_live(&list, &list.ops[i]));
		forks += list.ops[i].code == OP_FORK;
	}
	assert_true(forks > 5);
	op_list_free(&list);
	op_list_free(&again);
}

/* The first tasks draw what their streams draw, one op after the other. */
static void unrolled_ops_are_the_streams(void **state)
{
	struct op_mix plain = mix;
	struct op_world w = world(4, 3);
	struct op_stream stream[3];
	struct op_list list;
	struct mm_op op;

	plain.depth = 0;
	assert_int_equal(op_unroll(&w, &plain, 90, &list), 0);
	for (unsigned int i = 0; i < 3; i++)
		op_stream_init(&stream[i], &w, &plain, i);
	for (size_t i = 0; i < list.nr; i++) {
		assert_true(op_stream_next(&stream[i % 3], &op));
		op.task = i % 3;
		assert_true(op_equal(&list.ops[i], &op));
	}
	op_list_free(&list);
	w.tasks = OP_TASKS_MAX + 1;
	assert_int_equal(op_unroll(&w, &plain, 90, &list), -EINVAL);
}

/* Slots that run out are no reason to stop. */
static void unroll_full(void **state)
{
	struct op_world w = world(4, OP_TASKS_MAX);
	struct op_mix forks = mix;
	struct op_list list;

	memset(forks.weight, 0, sizeof(forks.weight));
	forks.weight[OP_FORK] = 1;
	forks.weight[OP_EXIT] = 1;
	assert_int_equal(op_unroll(&w, &forks, 100, &list), 0);
	assert_int_equal(list.nr, 100);
	assert_int_equal(list.ops[0].code, OP_YIELD);
	op_list_free(&list);
}

/* What was drawn before somebody looked is drawn again. */
static void recent_ops_are_the_streams(void **state)
{
	struct recent recent = { .looked = true, .nr = 2 };
	struct op_world w = world(4, 2);
	struct op_stream stream;
	struct op_list list;
	struct mm_op op;
	size_t last;

	for (unsigned int i = 0; i < 2; i++) {
		op_stream_init(&stream, &w, &mix, i);
		recent.task[i].key = stream.key;
		recent.task[i].nth = (u16)i;
		recent.task[i].k = 100;
	}
	assert_int_equal(recent_program(&recent, &w, &mix, &list), 0);
	while (stream.k < 100)
		assert_true(op_stream_next(&stream, &op));
	last = list.nr - 1;
	assert_int_equal(list.ops[last].task, 1);
	if (op.code != OP_FORK && op.code != OP_CLONE)
		assert_int_equal(list.ops[last].code, op.code);
	for (size_t i = 0; i < list.nr; i++)
		assert_true(op_valid(&list.ops[i]));
	op_list_free(&list);
	recent.looked = false;
	assert_int_equal(recent_program(&recent, &w, &mix, &list), -ENOENT);
}

/* ---- cutting ---- */

static void parse(const char *text, struct op_list *list)
{
	struct op_text_error err;

	assert_int_equal(op_text_parse(text, strlen(text), list, &err), 0);
}

static void expect(const struct op_list *list, const char *text)
{
	char *is = NULL;
	size_t len;
	FILE *out = open_memstream(&is, &len);

	assert_non_null(out);
	assert_int_equal(op_text_write(list, out), 0);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(is, text);
	free(is);
}

static void cuts(void **state)
{
	struct op_list list;
	struct cut cut = { .line = NULL };

	parse("# mmstorm-ops 1 cpus=8 tasks=6 procs=2 pages=16 files=2 file_pages=9 seed=0x1\n"
	      "t1 mmap(p4, 2, RW, PRIVATE|FIXED, F0, 3)\n"
	      "t3 fork(t9)\n"
	      "t9 store(p9+4, 8, 0x22)\n"
	      "t4 load(p5, 8)\n"
	      "t12 load(p5, 8)\n"
	      "t3 barrier(t3|t1)\n", &list);
	assert_int_equal(cut_begin(&cut, &list), 0);
	assert_true(cut_nobodys(&cut));
	assert_false(cut_nobodys(&cut));
	assert_true(cut_slots(&cut, false));
	assert_int_equal(cut.slot[9], 4);
	assert_true(cut_pages(&cut));
	assert_true(cut_files(&cut));
	assert_true(cut_cpus(&cut, 3));
	assert_false(cut_cpus(&cut, 3));
	expect(&cut.list,
	       "# mmstorm-ops 1 cpus=3 tasks=4 procs=2 pages=4 files=1 file_pages=5 seed=0x1\n"
	       "t1 mmap(p0, 2, RW, PRIVATE|FIXED, F0, 3)\n"
	       "t3 fork(t4)\n"
	       "t4 store(p2+4, 8, 0x22)\n"
	       "t0 load(p1, 8)\n"
	       "t3 barrier(t1|t3)\n");
	assert_int_equal(cut.line[4], CUT_GONE);
	assert_int_equal(cut.line[5], 4);
	assert_true(cut_slots(&cut, true));
	assert_int_equal(cut.list.world.procs, 1);
	assert_int_equal(cut.list.world.tasks, 3);
	for (unsigned int what = 0; what < CUT_ARGS_WAYS; what++) {
		cut_args(&cut, 0, what);
		cut_args(&cut, 2, what);
	}
	assert_true(cut_task(&cut, 3));
	assert_true(cut_lines(&cut, 1, 1));
	assert_false(cut_lines(&cut, 2, 1));
	expect(&cut.list,
	       "# mmstorm-ops 1 cpus=3 tasks=3 procs=1 pages=4 files=1 file_pages=5 seed=0x1\n"
	       "t1 mmap(p0, 1, RW, PRIVATE|ANON|FIXED, -, 0)\n"
	       "t2 barrier(t1|t2)\n");
	cut_free(&cut);
	op_list_free(&list);
}

static void cuts_of_tasks(void **state)
{
	struct op_list list;
	struct cut cut = { .line = NULL };

	parse("# mmstorm-ops 1 cpus=2 tasks=3 procs=1 pages=4 files=0 file_pages=0 seed=0x1\n"
	      "t1 load(p0, 8)\n"
	      "t0 fork(t3)\n"
	      "t3 load(p1, 8)\n"
	      "t1 load(p2, 8)\n"
	      "t3 load(p3, 8)\n", &list);
	/* Behind all that the other does; who made the task need not. */
	assert_int_equal(cut_begin(&cut, &list), 0);
	assert_int_equal(cut_used_slots(&cut.list), 1 << 0 | 1 << 1 | 1 << 3);
	assert_false(cut_join(&cut, 1, 1, true));
	assert_true(cut_join(&cut, 3, 1, true));
	expect(&cut.list,
	       "# mmstorm-ops 1 cpus=2 tasks=3 procs=1 pages=4 files=0 file_pages=0 seed=0x1\n"
	       "t1 load(p0, 8)\n"
	       "t1 load(p2, 8)\n"
	       "t1 load(p1, 8)\n"
	       "t1 load(p3, 8)\n");
	assert_int_equal(cut.slot[3], 1);
	assert_int_equal(cut.line[1], CUT_GONE);
	assert_int_equal(cut.line[2], 2);
	assert_int_equal(cut.line[3], 1);
	/* Nobody is the last task; then the last takes a place that is nobody's. */
	assert_false(cut_last_task(&cut, 1));
	assert_true(cut_last_task(&cut, 2));
	assert_int_equal(cut.list.world.tasks, 2);
	assert_false(cut_last_task(&cut, 1));
	assert_true(cut_last_task(&cut, 0));
	assert_int_equal(cut.slot[1], 0);
	assert_int_equal(cut.list.world.tasks, 1);
	assert_false(cut_last_task(&cut, 0));
	/* Or where it was written. */
	assert_int_equal(cut_begin(&cut, &list), 0);
	assert_true(cut_join(&cut, 3, 1, false));
	expect(&cut.list,
	       "# mmstorm-ops 1 cpus=2 tasks=3 procs=1 pages=4 files=0 file_pages=0 seed=0x1\n"
	       "t1 load(p0, 8)\n"
	       "t1 load(p1, 8)\n"
	       "t1 load(p2, 8)\n"
	       "t1 load(p3, 8)\n");
	cut_free(&cut);
	op_list_free(&list);
}

#if MM_POINTS
/* ---- guides ---- */

/*
 * By its own trail a run is nearly always the same run.  Not quite: of seeds 0 to 399 nine
 * were another by one guide or both, and why is not known yet.
 */
#define TRAIL_SEEDS	30

static void trails_are_the_run(void **state)
{
	struct explore_config config = {
		.checks = CHECK_ALL, .fills = 3, .max_points = 100000,
	};
	struct op_world w = world(4, 6);
	struct guide make = { .follow = NULL }, led = { .follow = NULL };
	struct explore_result r, again;
	struct schedule schedule;
	struct strategy strategy;
	struct op_list list;
	unsigned int same = 0;

	schedule_init(&schedule);
	assert_int_equal(op_unroll(&w, &mix, 120, &list), 0);
	config.list = &list;
	for (u64 seed = 0; seed < TRAIL_SEEDS; seed++) {
		strategy_start_portfolio(&strategy, seed, seed, 500);
		make.other = &strategy;
		assert_int_equal(guide_run(&make, &config, seed, &schedule, &r), 0);
		led.follow = &make.made;
		for (led.by = 0; led.by < NR_GUIDE_BYS; led.by++) {
			assert_int_equal(guide_run(&led, &config, 0, &schedule, &again), 0);
			same += again.state == r.state &&
				!memcmp(again.windows, r.windows, sizeof(r.windows));
		}
	}
	assert_in_range(same, TRAIL_SEEDS * NR_GUIDE_BYS * 19 / 20, TRAIL_SEEDS * NR_GUIDE_BYS);
	guide_free(&make);
	guide_free(&led);
	schedule_free(&schedule);
	op_list_free(&list);
}

#if MM_ZOO && MM_CHECK
/* ---- all of it ---- */

static bool always(void *arg)
{
	return true;
}

static void find(struct replay_token *t)
{
	struct op_world w = world(8, 8);
	struct explore_result r = { 0 };
	struct strategy strategy;

	memset(t, 0, sizeof(*t));
	t->config.checks = CHECK_ALL;
	t->config.fills = 2;
	t->config.max_points = 100000;
	t->config.list = &t->list;
	zoo_plant(t->config.zoo, ZOO_PARALLEL_ZAP_FLUSH_MISS);
	for (u64 run = 0; run < 20000 && !r.findings; run++) {
		w.seed = run;
		op_list_free(&t->list);
		assert_int_equal(op_unroll(&w, &mix, 200, &t->list), 0);
		strategy_start_portfolio(&strategy, run, run, r.contested);
		assert_int_equal(explore_run(&t->config, &strategy, &t->schedule, &r), 0);
	}
	assert_true(r.findings);
	t->hash = r.hash;
}

static void failing_storms_get_small(void **state)
{
	struct shrink s = { .max_runs = 4000, .go_on = always };
	struct explore_result r;
	struct strategy strategy;

	find(&s.best);
	assert_int_equal(shrink_run(&s), 0);
	/* Of 200 on 8; in other sources there are other runs. */
	assert_true(s.best.list.nr <= 12);
	assert_true(s.best.list.world.cpus <= 3);
	assert_true(s.runs <= s.max_runs + 1);
	/* What is left is a run, fails for the same reason, and is what the hash says. */
	strategy_start_replay(&strategy, &s.best.schedule);
	assert_int_equal(explore_run(&s.best.config, &strategy, NULL, &r), 0);
	assert_true(strategy_followed(&strategy));
	assert_string_equal(r.title, s.title);
	assert_int_equal(r.hash, s.best.hash);
	/* Without the bug it finds nothing, and there is nothing to shrink. */
	memset(s.best.config.zoo, 0, sizeof(s.best.config.zoo));
	s.stopped = false;
	assert_int_equal(shrink_run(&s), -ENOENT);
	shrink_free(&s);
	replay_token_free(&s.best);
}

/* Stopped at any moment, it has something that fails. */
static void shrinking_can_stop(void **state)
{
	struct shrink s = { .max_runs = 30, .go_on = always };
	struct explore_result r;
	struct strategy strategy;

	find(&s.best);
	for (unsigned int i = 0; i < 5; i++) {
		s.runs = 0;
		s.stopped = false;
		assert_int_equal(shrink_run(&s), 0);
		strategy_start_replay(&strategy, &s.best.schedule);
		assert_int_equal(explore_run(&s.best.config, &strategy, NULL, &r), 0);
		assert_string_equal(r.title, s.title);
		assert_int_equal(r.hash, s.best.hash);
	}
	shrink_free(&s);
	replay_token_free(&s.best);
}
#endif
#endif

#define T(f)	cmocka_unit_test(f)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(unrolled_ops_are_of_live_tasks), T(unrolled_ops_are_the_streams),
		T(unroll_full), T(recent_ops_are_the_streams), T(cuts), T(cuts_of_tasks),
#if MM_POINTS
		T(trails_are_the_run),
#if MM_ZOO && MM_CHECK
		T(failing_storms_get_small), T(shrinking_can_stop),
#endif
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
