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
	assert_broken("P 1 init\nD 1 n=1 7fffffff0-800000000:rw-p:0:-\n", ":2: ", "range");
	assert_broken("P 1 init\nD 1 n=1 400-401:r-xp:fffffffffffffff:-\n", ":2: ", "range");
	assert_broken("@case\n", ":1: ", "case");
}

/* Nothing recorded is as large: a line that would keep the program busy for ever is no line. */
static void lines_that_ask_for_too_much_are_named(void **state)
{
	assert_broken("E P1 x from=P0\ng 1 400 68719476736A\n", ":2: ", "at most 65536");
	assert_broken("P 1 init\nC 1 mincore 0x10000 68719476736 = ENOMEM\n", ":2: ",
		      "at most 65536");
	assert_broken("P 1 init\n! filler base=0x10000 n=68719476736\n", ":2: ",
		      "at most 65536");
}

/* A thread's number may be that of the process whose memory it shares. */
static void process_that_shares_with_itself(void **state)
{
	struct program_report r;

	assert_int_equal(run_text("P 1 init\nD 1 n=1 400-401:r-xp:0:exe\n"
				  "S 1 clone CLONE_VM = P1\nT 1 x 0x400000 = ok\n"
				  "S 1 clone CLONE_VM = P2\nT 2 x 0x400000 = ok\n"
				  "X 1\nT 1 x 0x400000 = ok\n", &r), 0);
	assert_int_equal(r.tally[PROGRAM_T].equal, 3);
	program_report_free(&r);
}

static void zero_bytes_hide_nothing(void **state)
{
	static const char text[] = "P 1 init\nS 1 brk 0 = 0x1\0 and more\nX 1\n";
	char path[] = "/tmp/test_program.XXXXXX";
	struct program_report r = { .max_diffs = 0 };
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, sizeof(text) - 1), sizeof(text) - 1);
	close(fd);
	assert_int_equal(program_run(path, &program_model, &r), -EINVAL);
	unlink(path);
	assert_non_null(strstr(r.error, ":2: a zero byte"));
	program_report_free(&r);
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
	"programs/xz.trc.gz", "programs/gcc.trc.gz", "programs/rust_threads.trc.gz",
	"suites/ltp_mincore01.trc.gz", "suites/ltp_mmap13.trc.gz",
	"fuzz/vma.trc.gz", "fuzz/file.trc.gz", "golden/errno.trc.gz",
	"golden/fault.trc.gz", "golden/misc.trc.gz", "golden/place.trc.gz",
	"golden/merge.trc.gz", "strace/true.strace.gz", "strace/sort.strace.gz",
	"strace/gcc.strace.gz",
};

/* Where the mm lacks a call, the model does not. */
static bool has_lacking_calls(const char *name)
{
	return !strcmp(name, "golden/merge.trc.gz");
}

static void agrees(const char *name, const struct program_backend *backend)
{
	struct program_report r = { .max_diffs = 5 };
	int err = program_run(recording(name), backend, &r);

	if (err)
		fail_msg("%s", r.error);
	if (r.diffs)
		fail_msg("%s (%s)\n%s", name, backend->name, r.diffs);
	assert_true(program_equal_share(&r) == 1.0);
	assert_true(r.tally[PROGRAM_S].equal > 0);
	assert_int_equal(r.layouts.unequal, 0);
	assert_int_equal(r.findings, 0);
	if (!strncmp(name, "strace/", 7)) {
		/* Each execve: where the heap is, and where mappings begin. */
		assert_true(r.given > 0);
		assert_true(r.given * 5 < r.tally[PROGRAM_S].equal + r.given);
	} else {
		assert_true(r.tally[PROGRAM_D].equal > 0);
		assert_int_equal(r.given, 0);
	}
	program_report_free(&r);
}

static void model_agrees_with_the_kernel(void **state)
{
	size_t i;

	for (i = 0; i < sizeof(recordings) / sizeof(recordings[0]); i++)
		agrees(recordings[i], &program_model);
}

static void mm_agrees_with_the_kernel(void **state)
{
	size_t i;

	for (i = 0; i < sizeof(recordings) / sizeof(recordings[0]); i++)
		if (!has_lacking_calls(recordings[i]))
			agrees(recordings[i], &program_core);
}

/* Cases differ only where a call is used that the mm does not have. */
static void lacking_calls_are_named(void **state)
{
	struct program_report r = { .max_diffs = 5 };
	size_t c;

	assert_int_equal(program_run(recording("golden/merge.trc.gz"), &program_core, &r), 0);
	for (c = 0; c < r.nr_cases; c++)
		if (r.cases[c].unexplained)
			fail_msg("line %llu: case %s", (unsigned long long)r.cases[c].line,
				 r.cases[c].id);
	assert_int_equal(r.nr_lacks, 1);
	assert_string_equal(r.lack[0].name, "mbind");
	assert_int_equal(r.findings, 0);
	program_report_free(&r);
}

/* What a fault ends in is said by the line after it. */
static void faults_wait_for_their_end(void **state)
{
	struct program_report r;

	assert_int_equal(run_text("E P2 /bin/a b from=PNone\n"
				  "D 2 n=2 400-401:r-xp:0:F0 7ffffffde-7ffffffff:rw-p:0:[stack]\n"
				  "f 2 0x400010 0x14 u\n"
				  "f 2 0x0 0x4 u\n! P2 signal SIGSEGV code=1 addr=(nil)\n"
				  "f 2 0x10 0x6 k\nS 2 mincore 0x400000 0x1000 0x10 = EFAULT\n"
				  "f 2 0x20 0x6 k\nS 2 munmap 0x500000 0x1000 = 0\n"
				  "f 2 0x30 0x4 u\nX 2\n", &r), 0);
	assert_int_equal(r.tally[PROGRAM_F].equal, 3);
	assert_int_equal(r.tally[PROGRAM_F].unsupported, 1);
	assert_int_equal(r.tally[PROGRAM_F].unequal, 1);
	assert_non_null(strstr(r.diffs, "line 10: P2 fault 0x4 at 0x30"));
	program_report_free(&r);
	/* The kernel raised a signal where nothing is amiss. */
	assert_int_equal(run_text("E P2 /bin/a from=PNone\n"
				  "D 2 n=2 400-401:r-xp:0:F0 7ffffffde-7ffffffff:rw-p:0:[stack]\n"
				  "f 2 0x400010 0x4 u\n"
				  "! P2 signal SIGBUS code=2 addr=0x400010\n", &r), 0);
	assert_int_equal(r.tally[PROGRAM_F].unequal, 1);
	program_report_free(&r);
}

#define EXEC	"7 execve(\"/bin/a, b\", [\"a\"], 0x7ffe /* 3 vars */) = 0\n"		\
		"7 brk(NULL)       = 0x55555557a000\n"				\
		"7 mmap(NULL, 8192, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)" \
		" = 0x7ffff7fc0000\n"

static void strace_is_compared(void **state)
{
	struct program_report r;

	assert_int_equal(run_text(EXEC
				  /* Of the interpreter; of nothing. */
				  "7 mprotect(0x7ffff7ffb000, 8192, PROT_READ) = 0\n"
				  "7 munmap(0x7ffff7fc1000, 4096) = 0\n"
				  "7 mprotect(0x7ffff7fc1000, 4096, PROT_READ) = 0\n"
				  "7 brk(0x55555559b000) = 0x55555559b000\n"
				  "7 brk(NULL) = 0x555555590000\n", &r), 0);
	assert_int_equal(r.given, 2);
	assert_int_equal(r.tally[PROGRAM_S].equal, 3);
	assert_int_equal(r.tally[PROGRAM_S].unequal, 2);
	assert_non_null(strstr(r.diffs, "line 6: P7 mprotect is ENOMEM, the kernel said 0"));
	assert_non_null(strstr(r.diffs, "line 8: P7 brk is 0x55555559b000"));
	program_report_free(&r);
}

/* Threads' calls have no order in a log: the answers say which it was. */
static void strace_orders_threads(void **state)
{
	static const char clone[] =
		"7 clone3({flags=CLONE_VM|CLONE_FILES, stack=0x1000} => {parent_tid=[8]}, 88) = 8\n";
	static const char one[] =
		"7 munmap(0x7ffff7fc0000, 8192 <unfinished ...>\n"
		"8 mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7ffff7fc0000\n"
		"7 <... munmap resumed>) = 0\n";
	static const char two[] =
		"7 mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0 <unfinished ...>\n"
		"8 mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7ffff7fbd000\n"
		"7 <... mmap resumed>) = 0x7ffff7fbf000\n";
	const char *const parts[] = { one, two };
	struct program_report r;
	char text[2048];
	size_t i;

	for (i = 0; i < 2; i++) {
		snprintf(text, sizeof(text), "%s%s%s", EXEC, clone, parts[i]);
		assert_int_equal(run_text(text, &r), 0);
		if (r.diffs)
			fail_msg("%s", r.diffs);
		assert_int_equal(r.tally[PROGRAM_S].equal, 2);
		program_report_free(&r);
	}
	/* No order explains this one. */
	snprintf(text, sizeof(text), "%s%s%s", EXEC, clone,
		 "8 mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7ffff7fc0000\n");
	assert_int_equal(run_text(text, &r), 0);
	assert_int_equal(r.tally[PROGRAM_S].unequal, 1);
	program_report_free(&r);
}

static void strace_files_and_children(void **state)
{
	struct program_report r;

	assert_int_equal(run_text(EXEC
		"7 openat(AT_FDCWD, \"/etc/x\", O_RDONLY|O_CLOEXEC) = 3</etc/x>\n"
		"7 mmap(NULL, 4096, PROT_READ|PROT_WRITE, MAP_SHARED, 3</etc/x>, 0)"
		" = -1 EACCES (Permission denied)\n"
		"7 dup2(3</etc/x>, 9) = 9</etc/x>\n"
		"7 clone(child_stack=NULL, flags=SIGCHLD <unfinished ...>\n"
		"8 mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, 9, 0) = -1 EACCES (Permission denied)\n"
		"7 <... clone resumed>) = 8\n"
		"7 prlimit64(0, RLIMIT_AS, {rlim_cur=1024, rlim_max=RLIM64_INFINITY}, NULL) = 0\n"
		"7 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0)"
		" = -1 ENOMEM (Cannot allocate memory)\n"
		"8 mmap(NULL, 4096, PROT_READ, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7ffff7fbf000\n"
		"8 shmget(IPC_PRIVATE, 8192, IPC_CREAT|0600) = 26\n"
		"8 shmat(26, NULL, SHM_RDONLY) = 0x7ffff7fbd000\n"
		"8 +++ exited with 0 +++\n", &r), 0);
	if (r.diffs)
		fail_msg("%s", r.diffs);
	assert_int_equal(r.tally[PROGRAM_S].equal, 5);
	program_report_free(&r);
}

static void broken_strace_is_named(void **state)
{
	assert_broken(EXEC "7 mmap(NULL, 8192\n", ":4: ", "RESULT");
	assert_broken(EXEC "hello\n", ":4: ", "RESULT");
	assert_broken(EXEC "7 <... munmap resumed>) = 0\n", ":4: ", "beginning");
	assert_broken(EXEC "7 munmap(elephant, 4096) = 0\n", ":4: ", "'elephant'");
	assert_broken(EXEC "9 munmap(0x1000, 4096) = 0\n", ":4: ", "no clone");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken_lines_are_named),
		cmocka_unit_test(lines_that_ask_for_too_much_are_named),
		cmocka_unit_test(process_that_shares_with_itself),
		cmocka_unit_test(zero_bytes_hide_nothing),
		cmocka_unit_test(missing_and_cut_files),
		cmocka_unit_test(differences_are_counted),
		cmocka_unit_test(model_agrees_with_the_kernel),
		cmocka_unit_test(mm_agrees_with_the_kernel),
		cmocka_unit_test(lacking_calls_are_named),
		cmocka_unit_test(faults_wait_for_their_end),
		cmocka_unit_test(strace_is_compared),
		cmocka_unit_test(strace_orders_threads),
		cmocka_unit_test(strace_files_and_children),
		cmocka_unit_test(broken_strace_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
