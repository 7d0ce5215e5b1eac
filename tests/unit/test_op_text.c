/* SPDX-License-Identifier: MIT */
/* room: mm_ops */
/* Op text: the grammar, its refusals, and that what is printed is read back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/prng.h"
#include "mm/uapi.h"
#include "ops/text.h"

#define HEAD "# mmstorm-ops 1 cpus=3 pages=64 seed=0x2a\n"

static int parse(const char *text, struct op_list *list,
		 struct op_text_error *err)
{
	return op_text_parse(text, strlen(text), list, err);
}

static struct op_list parsed(const char *text)
{
	struct op_text_error err;
	struct op_list list;
	int ret = parse(text, &list, &err);

	if (ret)
		print_error("line %u: %s\n", err.line, err.what);
	assert_int_equal(ret, 0);
	return list;
}

static void test_header(void **state)
{
	struct op_list list = parsed("# mmstorm-ops 1 cpus=7 tasks=3 pages=512 files=1 file_pages=9 ordered=1 seed=0xff\r\n");

	assert_int_equal(list.world.cpus, 7);
	assert_int_equal(list.world.tasks, 3);
	assert_int_equal(list.world.pages, 512);
	assert_int_equal(list.world.files, 1);
	assert_int_equal(list.world.file_pages, 9);
	assert_true(list.world.ordered);
	assert_int_equal(list.world.seed, 255);
	assert_int_equal(list.nr, 0);
	op_list_free(&list);
}

static void test_ops(void **state)
{
	struct op_list list = parsed(HEAD
		"t1 mmap(p4, 4, RW, PRIVATE|ANON|FIXED)\n"
		"\n"
		"   # a remark\n"
		"t2 store(p4+8, 8, tag) (async, delay: 120)  # why\n"
		"barrier\n"
		"load ( b1+3 , 1 )\n"
		"truncate(F1, 3+100)\n"
		"mmap(0xffff800000000000, 1+1, 0x9, 32BIT|PRIVATE|0x800000, F1, 2)");
	const struct mm_op *op = list.ops;

	assert_int_equal(list.nr, 6);
	assert_int_equal(op[0].code, OP_MMAP);
	assert_int_equal(op[0].task, 1);
	assert_int_equal(op[0].arg[0], op_page(4, 0));
	assert_int_equal(op[0].arg[1], 4 << 12);
	assert_int_equal(op[0].arg[2], PROT_READ | PROT_WRITE);
	assert_int_equal(op[0].arg[3], MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
	assert_true(op[0].arg[4] == OP_NO_FILE);
	assert_int_equal(op[1].flags, OP_F_ASYNC);
	assert_int_equal(op[1].delay, 120);
	assert_true(op[1].arg[2] == OP_VALUE_TAG);
	assert_int_equal(op[2].arg[0], OP_ALL_TASKS);
	assert_int_equal(op[3].arg[0], op_addr(OP_SPACE_HEAP, 4099));
	assert_int_equal(op[4].arg[1], 3 * 4096 + 100);
	assert_int_equal(op_resolve(&list.world, op[5].arg[0], 0),
			 0xffff800000000000UL);
	assert_int_equal(op[5].arg[2], PROT_READ | PROT_SEM);
	assert_int_equal(op[5].arg[3], MAP_32BIT | MAP_PRIVATE | 0x800000);
	op_list_free(&list);
}

static void test_refusals(void **state)
{
	static const struct {
		const char *text;
		unsigned int line;
		const char *part;
	} bad[] = {
		{ "", 1, "the first line is" },
		{ "mmap(p0, 1)\n", 1, "the first line is" },
		{ "# mmstorm-ops 2\n", 1, "reads version 1" },
		{ "# mmstorm-ops 1 cpus=0\n", 1, "use 1 to 256" },
		{ "# mmstorm-ops 1 procs=3 tasks=2\n", 1, "at most tasks=2" },
		{ "# mmstorm-ops 1 cpu=1\n", 1, "unknown key 'cpu'" },
		{ "# mmstorm-ops 1 pages\n", 1, "key=value" },
		{ HEAD "yield\nmmpa(p0)\n", 3, "unknown op 'mmpa'" },
		{ HEAD "mmap(p0, 1, RQ)\n", 2, "unknown word 'RQ'" },
		{ HEAD "load(q0)\n", 2, "'q0' is no number" },
		{ HEAD "load(p0, 3)\n", 2, "argument 'size' of load" },
		{ HEAD "load(p0, 8, 8)\n", 2, "load takes 2 arguments" },
		{ HEAD "load(p0, 8\n", 2, "use , or )" },
		{ HEAD "yield yield\n", 2, "after the op" },
		{ HEAD "yield() (later)\n", 2, "is no flag" },
		{ HEAD "yield() (delay: 99999)\n", 2, "at most 65535" },
		{ HEAD "t32 yield\n", 2, "no task t32" },
		{ HEAD "fork(3)\n", 2, "is no task" },
		{ HEAD "truncate(F9, 1)\n", 2, "argument 'file'" },
		{ HEAD "truncate(-, 1)\n", 2, "argument 'file'" },
		{ HEAD "load(0x99999999999999999, 8)\n", 2, "too large" },
		{ HEAD "load(0x4000000000000000, 8)\n", 2, "cannot be written" },
		{ HEAD "load(p0x4000000000000, 8)\n", 2, "too far" },
		{ HEAD "copy(p0, p1, 65537)\n", 2, "argument 'bytes'" },
		{ HEAD "brk(p1)\n", 2, "heap: b0-b65536" },
		{ HEAD "failnth(0)\n", 2, "argument 'nth'" },
		{ HEAD "pin(p0, 1, RED, 0)\n", 2, "unknown word 'RED'" },
		{ HEAD "unpin(4)\n", 2, "argument 'place' of unpin is out of range" },
		{ HEAD "dma_load(0, 4)\n", 2, "in a pin: 0-3+4095)" },
	};
	struct op_text_error err;
	struct op_list list;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_int_equal(parse(bad[i].text, &list, &err), -EINVAL);
		assert_null(list.ops);
		if (err.line != bad[i].line || !strstr(err.what, bad[i].part))
			fail_msg("'%s': line %u: %s", bad[i].text, err.line,
				 err.what);
	}
}

/* Values at the edges of what each kind allows, and ordinary ones. */
static u64 random_arg(struct prng *rng, enum op_arg_kind kind,
		      enum mm_op_code code)
{
	u64 r = prng_next(rng);

	switch (kind) {
	case OP_ARG_NONE:
		return 0;
	case OP_ARG_ADDR:
		return op_addr((enum op_space)(r % 3), prng_next(rng) >> (r >> 58));
	case OP_ARG_FILE:
		return code == OP_MMAP && r % 9 == 8 ? OP_NO_FILE : r % 8;
	case OP_ARG_SIZE:
		return 1u << (r % 4);
	case OP_ARG_PLACE:
		return r % 4;
	case OP_ARG_AT:
		return r % OP_PIN_BYTES;
	case OP_ARG_RMW:
		return r % 2;
	case OP_ARG_TASK:
		return r % OP_TASKS_MAX;
	case OP_ARG_TASKS:
		return (r & OP_ALL_TASKS) | 1;
	case OP_ARG_COUNT:
		return 1 + r % OP_COUNT_MAX;
	case OP_ARG_HEAP:
		return op_addr(OP_SPACE_HEAP, r % (OP_HEAP_MAX + 1));
	case OP_ARG_BYTES:
		return r % (OP_COPY_MAX + 1);
	default:
		return prng_next(rng) >> (r & 63);
	}
}

static void random_op(struct prng *rng, struct mm_op *op)
{
	const struct op_desc *d;
	unsigned int i;

	memset(op, 0, sizeof(*op));
	op->code = (u8)prng_below(rng, OP_NR);
	op->task = (u16)prng_below(rng, OP_TASKS_MAX);
	op->flags = (u8)prng_below(rng, 2);
	op->delay = (u32)(prng_below(rng, 2) * prng_below(rng, OP_DELAY_MAX + 1));
	d = op_desc((enum mm_op_code)op->code);
	for (i = 0; i < d->nr_args; i++)
		op->arg[i] = random_arg(rng, d->arg[i].kind,
					(enum mm_op_code)op->code);
}

static void test_round_trip(void **state)
{
	char text[sizeof(HEAD) + OP_TEXT_LINE + 2], line[OP_TEXT_LINE];
	struct op_list list;
	struct prng rng;
	struct mm_op op;
	int i, len;

	prng_seed(&rng, 1);
	for (i = 0; i < 20000; i++) {
		random_op(&rng, &op);
		assert_true(op_valid(&op));
		len = op_text_print(&op, line, sizeof(line));
		assert_in_range(len, 1, OP_TEXT_LINE - 1);
		snprintf(text, sizeof(text), "%s%s\n", HEAD, line);
		list = parsed(text);
		if (list.nr != 1 || !op_equal(&list.ops[0], &op))
			fail_msg("%s", line);
		op_list_free(&list);
	}
}

static void test_print_is_cut(void **state)
{
	struct mm_op op = { .code = OP_LOAD, .arg = { op_page(4, 16), 8 } };
	char buf[8];

	assert_int_equal(op_text_print(&op, buf, sizeof(buf)), 17);
	assert_string_equal(buf, "t0 load");
	assert_int_equal(op_text_print(&op, NULL, 0), 17);
}

/* No input may crash the parser or make an op that is not valid. */
static void test_damaged_text(void **state)
{
	static const char good[] = HEAD
		"t1 mmap(p4, 4, RW, PRIVATE|ANON|FIXED, -, 0)\n"
		"t0 copy(p4+8, b2+1, 64) (async, delay: 7)\n"
		"t3 barrier(t0|t1)\nt2 rmw(p1, CMPXCHG, 0x1, tag)\n";
	struct op_text_error err;
	struct op_list list;
	struct prng rng;
	char *text;
	size_t len, i;
	int n;

	prng_seed(&rng, 2);
	for (n = 0; n < 20000; n++) {
		/* Exactly sized, so that a sanitizer sees a read past the end. */
		len = prng_below(&rng, sizeof(good));
		text = malloc(len + 1);
		assert_non_null(text);
		text = realloc(text, len ? len : 1);
		assert_non_null(text);
		memcpy(text, good, len);
		for (i = prng_below(&rng, 4); i && len; i--)
			text[prng_below(&rng, len)] = (char)prng_next(&rng);
		if (!op_text_parse(text, len, &list, &err))
			for (i = 0; i < list.nr; i++)
				assert_true(op_valid(&list.ops[i]));
		op_list_free(&list);
		free(text);
	}
}

static void test_files(void **state)
{
	char path[] = "/tmp/mmstorm-ops-XXXXXX";
	struct op_list list = parsed(HEAD "t1 yield() (delay: 3)\nfetch(p1)\n");
	struct op_list again;
	struct op_text_error err;
	FILE *out;
	int fd;

	fd = mkstemp(path);
	assert_true(fd >= 0);
	out = fdopen(fd, "w");
	assert_non_null(out);
	assert_int_equal(op_text_write(&list, out), 0);
	fclose(out);
	assert_int_equal(op_text_load(path, &again, &err), 0);
	unlink(path);
	assert_int_equal(again.nr, list.nr);
	assert_true(op_equal(&again.ops[0], &list.ops[0]));
	assert_true(op_equal(&again.ops[1], &list.ops[1]));
	assert_int_equal(again.world.seed, 42);
	op_list_free(&again);
	op_list_free(&list);
	assert_int_equal(op_text_load(path, &again, &err), -ENOENT);
	assert_int_equal(err.line, 0);
	assert_int_equal(op_text_load("/", &again, &err), -EISDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_ops),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_print_is_cut),
		cmocka_unit_test(test_damaged_text),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests_name("op_text", tests, NULL, NULL);
}
