/* SPDX-License-Identifier: MIT */
/* room: mm_ops */
/* Options: values from text, what is refused, and that what is printed leads back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "ops/option.h"

struct values {
	bool		flag, other;
	unsigned int	count, choice;
	u64		number, seed;
	double		seconds, share;
	const char	*text;
};

static const char *const choices[] = { "first", "second", NULL };

static int valid_text(const char *text, struct option_error *err)
{
	return *text == '!' ? option_refuse(err, "no '%s' here", text) : 0;
}

#define ROW(field) .offset = offsetof(struct values, field)

static const struct option_row rows[] = {
	{ "flag", 0, OPTION_FLAG, ROW(flag) },
	{ "no-go", 0, OPTION_FLAG, ROW(other) },
	{ "count", 0, OPTION_COUNT, ROW(count), 1, 256 },
	{ "choice", 0, OPTION_CHOICE, ROW(choice), .choices = choices },
	{ "number", 0, OPTION_U64, ROW(number), 1, ~0ull },
	{ "seed", 0, OPTION_SEED, ROW(seed) },
	{ "seconds", 0, OPTION_SECONDS, ROW(seconds) },
	{ "share", 0, OPTION_PROBABILITY, ROW(share) },
	{ "text", 0, OPTION_STRING, ROW(text), .valid = valid_text },
	{ .name = NULL },
};

static const struct option_row *row(const char *name)
{
	bool no;

	return option_find(rows, name, strlen(name), &no);
}

static int set(struct values *v, const char *name, const char *text)
{
	struct option_error err;

	return option_set(row(name), text, v, &err);
}

static void assert_refused(const char *name, const char *text, const char *why)
{
	static const struct values before = { .count = 7, .seconds = 7, .text = "7" };
	struct values v = before;
	struct option_error err;

	assert_int_equal(option_set(row(name), text, &v, &err), -EINVAL);
	if (!strstr(err.what, why))
		fail_msg("%s = %s: '%s' does not say '%s'", name, text, err.what, why);
	assert_memory_equal(&v, &before, sizeof(v));
}

static void names(void **state)
{
	bool no;

	assert_ptr_equal(option_find(rows, "flagged", 4, &no), &rows[0]);
	assert_false(no);
	assert_ptr_equal(option_find(rows, "no-flag", 7, &no), &rows[0]);
	assert_true(no);
	/* A name of its own goes before the other's no. */
	assert_ptr_equal(option_find(rows, "no-go", 5, &no), &rows[1]);
	assert_false(no);
	assert_null(option_find(rows, "no-count", 8, &no));
	assert_null(option_find(rows, "no-", 3, &no));
	assert_null(option_find(rows, "", 0, &no));
	assert_null(option_find(rows, "fla", 3, &no));
}

static void values_are_read(void **state)
{
	struct values v = { 0 };

	assert_int_equal(set(&v, "count", "0x10"), 0);
	assert_int_equal(v.count, 16);
	assert_int_equal(set(&v, "number", "3k"), 0);
	assert_int_equal(v.number, 3000);
	assert_int_equal(set(&v, "number", "2m"), 0);
	assert_int_equal(v.number, 2000000);
	assert_int_equal(set(&v, "number", "18g"), 0);
	assert_true(v.number == 18000000000ull);
	assert_int_equal(set(&v, "seed", "0xffffffffffffffff"), 0);
	assert_true(v.seed == ~0ull);
	assert_int_equal(set(&v, "seconds", "1.5m"), 0);
	assert_true(v.seconds == 90);
	assert_int_equal(set(&v, "seconds", "250ms"), 0);
	assert_true(v.seconds == 0.25);
	assert_int_equal(set(&v, "share", "1e-3"), 0);
	assert_true(v.share == 1e-3);
	assert_int_equal(set(&v, "choice", "second"), 0);
	assert_int_equal(v.choice, 1);
	assert_int_equal(set(&v, "text", "word"), 0);
	assert_string_equal(v.text, "word");
	option_set_flag(row("flag"), true, &v);
	assert_true(v.flag);
}

static void values_are_refused(void **state)
{
	assert_refused("count", "0", "1 to 256 will do");
	assert_refused("count", "257", "1 to 256 will do");
	assert_refused("count", "1k", "1 to 256 will do");
	assert_refused("count", "", "is not a number");
	assert_refused("count", "-1", "is not a number");
	assert_refused("count", " 1", "is not a number");
	assert_refused("count", "1kk", "is not a number");
	assert_refused("number", "18446744073709551616", "is not a number");
	assert_refused("number", "18446744073709551615k", "is not a number");
	assert_refused("seed", "0x", "is not a number");
	assert_refused("seconds", "", "is not a time");
	assert_refused("seconds", ".", "is not a time");
	assert_refused("seconds", ".s", "is not a time");
	assert_refused("seconds", "-1s", "is not a time");
	assert_refused("seconds", "1 s", "is not a time");
	assert_refused("seconds", "1e9", "is not a time");
	assert_refused("seconds", "20000d", "is not a time");
	assert_refused("share", "nan", "is not a probability");
	assert_refused("share", "1.1", "is not a probability");
	assert_refused("share", "", "is not a probability");
	assert_refused("choice", "third", "'third' is none of first, second");
	assert_refused("text", "!x", "no '!x' here");
}

static void assert_printed(const struct values *v, const struct values *by_default,
			   const char *want)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	options_print(rows, v, by_default, out);
	fclose(out);
	assert_string_equal(text, want);
	free(text);
}

static void what_is_printed(void **state)
{
	const struct values none = { .count = 1 };
	const struct values on = { .flag = true, .count = 1, .seconds = 20 };
	struct values v = none;

	assert_printed(&none, &none, " --count 1 --choice first --seed 0x0");
	assert_printed(&none, &on, " --no-flag --count 1 --choice first --seed 0x0 --seconds 0s");
	v.seconds = 1234567.25;
	v.share = 0.1;
	v.number = 3000;
	v.text = "a,b=1";
	assert_printed(&v, &on, " --no-flag --count 1 --choice first --number 3000 --seed 0x0 --seconds 1234567.25s --share 0.1 --text a,b=1");
	v = none;
	v.text = "it's $HOME";
	assert_printed(&v, &none, " --count 1 --choice first --seed 0x0 --text 'it'\\''s $HOME'");
	v.text = "";
	assert_printed(&v, &none, " --count 1 --choice first --seed 0x0 --text ''");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(values_are_read),
		cmocka_unit_test(values_are_refused),
		cmocka_unit_test(what_is_printed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
