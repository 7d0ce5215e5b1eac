/* SPDX-License-Identifier: MIT */
/* Recordings: broken ones are refused by line; good ones agree with the model and the mm. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ops/program.h"

static const char *recording(const char *name)
{
	static char path[1024];
	const char *end = strstr(__FILE__, "unit/test_program.c");

	snprintf(path, sizeof(path), "%.*srecordings/%s",
		 (int)(end ? end - __FILE__ : 0), __FILE__, name);
	return path;
}

static int run_text(const char *text, struct program_report *r)
{
	char path[] = "/tmp/test_program.XXXXXX";
	int fd = mkstemp(path), err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	memset(r, 0, sizeof(*r));
	r->max_diffs = 3;
	err = program_run(path, &program_model, r);
	unlink(path);
	return err;
}

static void assert_broken(const char *text, const char *where, const char *what)
{
	struct program_report r;

	assert_int_equal(run_text(text, &r), -EINVAL);
	if (!strstr(r.error, where) || !strstr(r.error, what))
		fail_msg("'%s' names neither %s nor %s", r.error, where, what);
	program_report_free(&r);
}

static void broken_lines_are_named(void **state)
{
	assert_broken("", ":0: ", "empty");
	assert_broken("hello world\n", ":1: ", "no kind of line");
	assert_broken("#x\nP 1 init\nS 2 brk 0 = 0\n", ":3: ", "process 2");
	assert_broken("P 1 init\nS 1 brk 0 =\n", ":2: ", "");
	assert_broken("P 1 init\nS 1 brk zero = 0\n", ":2: ", "number");
	assert_broken("P 1 init\nT 1 r\n", ":2: ", "touch");
	assert_broken("P 1 init\nD 1 n=1 400-401:r-xp\n", ":2: ", "range");
	assert_broken("P 1 init\nD 1 n=2 400-402:r-xp:0:- 401-403:r-xp:0:-\n", ":2: ",
		      "installed");
	assert_broken("@case\n", ":1: ", "case");
}

static void missing_and_cut_files(void **state)
{
	struct program_report r = { .max_diffs = 0 };
	char path[] = "/tmp/test_program.XXXXXX";
	char head[600];
	FILE *from, *to;
	size_t n;

	assert_int_equal(program_run("/nonexistent/x.trc", &program_model, &r), -ENOENT);
	assert_non_null(strstr(r.error, "/nonexistent/x.trc"));
	from = fopen(recording("golden/merge.trc.gz"), "rb");
	assert_non_null(from);
	n = fread(head, 1, sizeof(head), from);
	fclose(from);
	to = fdopen(mkstemp(path), "wb");
	fwrite(head, 1, n, to);
	fclose(to);
	assert_int_equal(program_run(path, &program_model, &r), -EINVAL);
	assert_non_null(strstr(r.error, "cut off"));
	program_report_free(&r);
	unlink(path);
}

#define BARE "P 1 init\nD 1 n=2 400-401:r-xp:0:exe 7ffffffde-7ffffffff:rw-p:0:[stack]\n"

static void differences_are_counted(void **state)
{
	struct program_report r;

	assert_int_equal(run_text("@case a | right\n" BARE
				  "S 1 mmap 0x10000 0x1000 0x3 0x32 -1 0 = 0x10000\n"
				  "D 1 n=3 10-11:rw-p:0:- 400-401:r-xp:0:exe "
				  "7ffffffde-7ffffffff:rw-p:0:[stack]\n"
				  "T 1 w 0x10000 0x5 = ok\nT 1 r 0x10000 = ok 0x5\n"
				  "@case b | wrong in each kind of line\n" BARE
				  "S 1 mmap 0x10000 0x1000 0x3 0x32 -1 0 = EINVAL\n"
				  "T 1 r 0x10000 = ok 0x7\n"
				  "D 1 n=1 400-401:r-xp:0:exe\n"
				  "S 1 nosuchcall 0 = 0\n", &r), 0);
	assert_int_equal(r.nr_cases, 2);
	assert_int_equal(r.cases[0].unequal, 0);
	assert_int_equal(r.cases[0].unsupported, 0);
	assert_int_equal(r.cases[1].unequal, 4);
	assert_int_equal(r.cases[1].unsupported, 1);
	assert_int_equal(r.cases[1].line, 11);
	assert_int_equal(r.tally[PROGRAM_S].equal, 1);
	assert_int_equal(r.tally[PROGRAM_S].unequal, 1);
	assert_int_equal(r.tally[PROGRAM_S].unsupported, 1);
	assert_int_equal(r.tally[PROGRAM_SAME].unequal, 1);
	assert_int_equal(r.nr_lacks, 1);
	assert_string_equal(r.lack[0].name, "nosuchcall");
	assert_non_null(strstr(r.diffs, "line 11: P1 mmap is 0x10000, the kernel said EINVAL"));
	program_report_free(&r);
}

static const char *const recordings[] = {
	"programs/true.trc.gz", "programs/ls.trc.gz", "programs/sort.trc.gz",
	"programs/xz.trc.gz", "programs/gcc.trc.gz", "golden/merge.trc.gz",
	"golden/place.trc.gz",
};

static void model_agrees_with_the_kernel(void **state)
{
	size_t i;

	for (i = 0; i < sizeof(recordings) / sizeof(recordings[0]); i++) {
		struct program_report r = { .max_diffs = 5 };
		int err = program_run(recording(recordings[i]), &program_model, &r);

		if (err)
			fail_msg("%s", r.error);
		if (r.diffs)
			fail_msg("%s\n%s", recordings[i], r.diffs);
		assert_true(program_equal_share(&r) == 1.0);
		assert_int_equal(r.layouts.unequal, 0);
		assert_true(r.tally[PROGRAM_D].equal > 0);
		program_report_free(&r);
	}
}

static void mm_runs_programs(void **state)
{
	size_t i;

	for (i = 0; i < 5; i++) {
		struct program_report r = { .max_diffs = 5 };
		int err = program_run(recording(recordings[i]), &program_core, &r);

		if (err)
			fail_msg("%s", r.error);
		if (r.diffs)
			fail_msg("%s\n%s", recordings[i], r.diffs);
		assert_true(program_equal_share(&r) == 1.0);
		assert_true(r.layouts.equal > 0);
		assert_int_equal(r.layouts.unequal, 0);
		assert_int_equal(r.tally[PROGRAM_F].unequal, 0);
		assert_int_equal(r.findings, 0);
		program_report_free(&r);
	}
}

/* Cases differ only where a call is used that the mm does not have. */
static void mm_agrees_in_golden_cases(void **state)
{
	size_t i, c;

	for (i = 5; i < sizeof(recordings) / sizeof(recordings[0]); i++) {
		struct program_report r = { .max_diffs = 5 };
		int err = program_run(recording(recordings[i]), &program_core, &r);

		if (err)
			fail_msg("%s", r.error);
		for (c = 0; c < r.nr_cases; c++)
			if (r.cases[c].unexplained)
				fail_msg("%s line %llu: case %s", recordings[i],
					 (unsigned long long)r.cases[c].line, r.cases[c].id);
		assert_int_equal(r.findings, 0);
		for (c = 0; c < r.nr_lacks; c++)
			print_message("%s: no %s\n", recordings[i], r.lack[c].name);
		program_report_free(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken_lines_are_named),
		cmocka_unit_test(missing_and_cut_files),
		cmocka_unit_test(differences_are_counted),
		cmocka_unit_test(model_agrees_with_the_kernel),
		cmocka_unit_test(mm_runs_programs),
		cmocka_unit_test(mm_agrees_in_golden_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
