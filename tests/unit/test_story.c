/* SPDX-License-Identifier: MIT */
/*
 * Stories: of a run without a choice, word by word; and they change nothing of the run
 * that they tell.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "check/check.h"
#include "ops/story.h"
#include "ops/text.h"
#include "zoo/zoo.h"

#if MM_POINTS && MM_CHECK
static struct op_list list;
static struct explore_config config;
static struct strategy strategy;
static struct story story;
static struct explore_result result;

static void parse(const char *program)
{
	struct op_text_error err;

	assert_int_equal(op_text_parse(program, strlen(program), &list, &err), 0);
	memset(&config, 0, sizeof(config));
	config.list = &list;
	config.checks = CHECK_ALL;
	config.max_points = 100000;
}

/* The story, from malloc(). */
static char *told(void)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	story_print(&story, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void run_told(enum strategy_kind kind, u64 seed)
{
	story_init(&story, &list);
	config.watch = &story.watch;
	strategy_start(&strategy, kind, seed, 3, 400);
	assert_int_equal(explore_run(&config, &strategy, NULL, &result), 0);
	config.watch = NULL;
}

static int teardown(void **state)
{
	story_free(&story);
	op_list_free(&list);
	return 0;
}

/* One vCPU, so that nothing comes between: an op a line. */
static void an_op_alone_is_a_line(void **state)
{
	static const char expected[] =
		"mmap(p0, 2, RW, PRIVATE|ANON|FIXED, -, 0): done\n";
	char *text, *line;

	parse("# mmstorm-ops 1 cpus=1 tasks=1 pages=8 files=0 file_pages=0 seed=0x1\n"
	      "t0 mmap(p0, 2, RW, PRIVATE|ANON|FIXED)\n"
	      "t0 store(p1, 8, 0x1)\n"
	      "t0 mprotect(p1, 1, R)\n"
	      "t0 store(p1, 8, 0x2)\n"
	      "t0 munmap(p0, 1)\n"
	      "t0 load(p0, 8)\n");
	run_told(STRATEGY_STICKY, 1);
	text = told();
	assert_non_null(strstr(text, "p0 is at address 0x3fffc000\n"));
	assert_non_null(strstr(text, expected));
	line = strstr(text, "store(p1, 8, 0x1): sets the entry of p1: frame ");
	assert_non_null(line);
	assert_non_null(strstr(line, ", writable; its TLB is filled: p1 -> frame "));
	assert_non_null(strstr(line, "; writes p1, as its TLB says: frame "));
	line = strstr(line, "mprotect(p1, 1, R): clears the entry of p1, which was frame ");
	assert_non_null(line);
	line = strstr(line, "store(p1, 8, 0x2): raises SIGSEGV\n");
	assert_non_null(line);
	line = strstr(line, "munmap(p0, 1): done\n");
	assert_non_null(line);
	assert_non_null(strstr(line, "load(p0, 8): raises SIGSEGV\n"));
	assert_null(strstr(text, "=>"));
	free(text);
}

static const char race[] =
	"# mmstorm-ops 1 cpus=2 tasks=2 pages=8 files=0 file_pages=0 seed=0x1\n"
	"t0 mmap(p0, 1, RW, PRIVATE|ANON|FIXED)\n"
	"t0 store(p0, 8, tag)\n"
	"t0 barrier(all)\n"
	"t1 barrier(all)\n"
	"t0 madvise(p0, 1, DONTNEED)\n"
	"t1 madvise(p0, 1, DONTNEED)\n"
	"t1 store(p0, 8, tag)\n"
	"t0 store(p0, 8, tag)\n";

static void a_story_changes_nothing(void **state)
{
	parse(race);
	for (u64 seed = 0; seed < 20; seed++) {
		struct explore_result plain;

		run_told(STRATEGY_RANDOM, seed);
		strategy_start(&strategy, STRATEGY_RANDOM, seed, 3, 400);
		assert_int_equal(explore_run(&config, &strategy, NULL, &plain), 0);
		assert_int_equal(plain.hash, result.hash);
		assert_true(story.nr > list.nr);
		assert_false(story.lost);
		story_free(&story);
	}
}

#if MM_ZOO
/* It ends with the oracle's sentence, and what was interrupted is told step by step. */
static void a_story_ends_with_the_finding(void **state)
{
	char *text, *cleared, *flush, *finding;

	parse(race);
	zoo_plant(config.zoo, ZOO_PARALLEL_ZAP_FLUSH_MISS);
	for (u64 seed = 0; seed < 20000; seed++) {
		run_told(STRATEGY_STICKY, seed);
		if (result.findings)
			break;
		story_free(&story);
	}
	assert_true(result.findings);
	text = told();
	finding = strstr(text, " => ");
	assert_non_null(finding);
	assert_non_null(strstr(finding, result.title));
	assert_non_null(strstr(finding, result.detail));
	cleared = strstr(text, "  clears the entry of p0, which was frame ");
	assert_non_null(cleared);
	assert_non_null(strstr(cleared, "[mmap_lock(r) pte_lock]\n"));
	flush = strstr(cleared, "begins to flush p0: generation ");
	assert_non_null(strstr(text, "stands still in the middle of this; cpu"));
	assert_true(!flush || cleared < flush);
	free(text);
}
#endif
#endif

#define T(f)	cmocka_unit_test_teardown(f, teardown)

int main(void)
{
#if MM_POINTS && MM_CHECK
	const struct CMUnitTest tests[] = {
		T(an_op_alone_is_a_line), T(a_story_changes_nothing),
#if MM_ZOO
		T(a_story_ends_with_the_finding),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
#else
	return 0;
#endif
}
