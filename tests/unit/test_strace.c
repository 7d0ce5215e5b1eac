/* SPDX-License-Identifier: MIT */
/* room: mm_ops */
/* strace's text: every form of line, and arguments as numbers. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ops/strace.h"

static void add(struct strace_log *log, const char *text, uint64_t nr)
{
	const char *what = NULL;
	char line[512];

	snprintf(line, sizeof(line), "%s", text);
	if (strace_add_line(log, line, nr, &what))
		fail_msg("'%s': %s", text, what ? what : "?");
}

static void expect_call(const struct strace_call *c, unsigned pid, const char *name,
			const char *args, const char *ret)
{
	assert_int_equal(c->pid, pid);
	assert_string_equal(c->name, name);
	assert_string_equal(c->args, args);
	assert_string_equal(c->ret, ret);
}

static void forms_of_lines(void **state)
{
	static const char *const forms[] = {
		"munmap(0x1000, 8) = 0",
		"7 munmap(0x1000, 8)      = 0 <0.000010>",
		"7 1795206676.690634 munmap(0x1000, 8) = 0",
		"7     0.000010 munmap(0x1000, 8) = 0",
		"7 +0.000010 munmap(0x1000, 8) = 0",
		"[pid     7] munmap(0x1000, 8) = 0",
		"[pid 7] 12:34:56.789 munmap(0x1000, 8) = 0",
	};
	struct strace_log log = { NULL };
	size_t i;

	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		assert_true(strace_is_line(forms[i]));
		add(&log, forms[i], i + 1);
		expect_call(&log.call[i], i ? 7 : 0, "munmap", "0x1000, 8", "0");
	}
	add(&log, "7 open(\"a) = 3\", O_RDONLY) = -1 ENOENT (No such file or directory)", 9);
	expect_call(&log.call[i], 7, "open", "\"a) = 3\", O_RDONLY", "ENOENT");
	add(&log, "7 --- SIGSEGV {si_signo=SIGSEGV} ---", 10);
	add(&log, "7 +++ killed by SIGSEGV +++", 11);
	expect_call(&log.call[i + 1], 7, "", "", "0");
	assert_int_equal(log.nr, i + 2);
	strace_log_free(&log);
	assert_false(strace_is_line("S 1 brk 0 = 0"));
	assert_false(strace_is_line("#mmtrace v1"));
	assert_false(strace_is_line("@case a | b(c) = 0"));
	assert_false(strace_is_line("P 1 init"));
}

static void halves_are_joined(void **state)
{
	struct strace_log log = { NULL };
	const char *what = NULL;
	char end[] = "7 <... brk resumed>) = 0x10";

	add(&log, "7 mmap(NULL, 8192, PROT_NONE <unfinished ...>", 1);
	add(&log, "8 brk(NULL <unfinished ...>", 2);
	add(&log, "7 <... mmap resumed>, MAP_PRIVATE, -1, 0) = 0x7000", 3);
	add(&log, "8 <... brk resumed> ) = 0x10", 4);
	expect_call(&log.call[0], 7, "mmap", "NULL, 8192, PROT_NONE , MAP_PRIVATE, -1, 0",
		    "0x7000");
	assert_int_equal(log.call[0].begin, 1);
	assert_int_equal(log.call[0].end, 3);
	assert_string_equal(log.call[1].ret, "0x10");
	assert_int_equal(strace_add_line(&log, end, 5, &what), -EINVAL);
	assert_non_null(strstr(what, "beginning"));
	strace_log_free(&log);
}

/* Without -o the first process has no number until it is not alone. */
static void terminal_logs(void **state)
{
	struct strace_log log = { NULL };

	add(&log, "clone(child_stack=NULL, flags=SIGCHLDstrace: Process 8 attached", 1);
	add(&log, ", child_tidptr=0x10) = 8", 2);
	add(&log, "[pid 7] brk(NULL) = 0x10", 3);
	add(&log, "[pid 8] brk(NULL) = 0x20", 4);
	add(&log, "[pid 7] +++ exited with 0 +++", 5);
	add(&log, "brk(NULL) = 0x30", 6);
	expect_call(&log.call[0], 0, "clone",
		    "child_stack=NULL, flags=SIGCHLD, child_tidptr=0x10", "8");
	expect_call(&log.call[1], 0, "brk", "NULL", "0x10");
	expect_call(&log.call[2], 8, "brk", "NULL", "0x20");
	expect_call(&log.call[4], 8, "brk", "NULL", "0x30");
	strace_log_free(&log);
}

static void arguments(void **state)
{
	static const struct { const char *text; uint64_t value; } numbers[] = {
		{ "NULL", 0 }, { "-1", ~0ULL }, { "8192", 8192 }, { "0x26000", 0x26000 },
		{ "0600", 0600 }, { "PROT_READ|PROT_EXEC", 5 }, { "65536*1024", 64 << 20 },
		{ "MAP_PRIVATE|0x80 /* MAP_??? */", 0x82 }, { "RLIM64_INFINITY", ~0ULL },
		{ "MAP_HUGETLB|21<<MAP_HUGE_SHIFT", 0x40000 | 21UL << 26 },
	};
	char args[] = "{flags=A|B, x=[1, 2]} => {y=3}, \"a, \\\"b\", 1<<2, 3</x, y<char 1:3>>, ";
	char *arg[STRACE_MAX_ARGS], path[32];
	uint64_t value;
	int64_t fd;
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		assert_true(strace_number(numbers[i].text, &value));
		assert_true(value == numbers[i].value);
	}
	assert_false(strace_number("MADV_ELEPHANT", &value));
	assert_false(strace_number("12x", &value));
	assert_false(strace_number("", &value));
	assert_int_equal(strace_split(args, arg, STRACE_MAX_ARGS), 5);
	assert_string_equal(arg[0], "{flags=A|B, x=[1, 2]} => {y=3}");
	assert_string_equal(arg[1], "\"a, \\\"b\"");
	assert_string_equal(arg[2], "1<<2");
	assert_true(strace_fd(arg[3], &fd, path, sizeof(path)));
	assert_int_equal(fd, 3);
	assert_string_equal(path, "/x, y<char 1:3>");
	assert_true(strace_fd("-1", &fd, path, sizeof(path)));
	assert_int_equal(fd, -1);
	assert_false(strace_fd("x", &fd, path, sizeof(path)));
	strace_string("\"/bin/true\"", path, sizeof(path));
	assert_string_equal(path, "/bin/true");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms_of_lines),
		cmocka_unit_test(halves_are_joined),
		cmocka_unit_test(terminal_logs),
		cmocka_unit_test(arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
