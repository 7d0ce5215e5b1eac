/* SPDX-License-Identifier: MIT */
/* room: mm_ops */
/* The wire form: any bytes are a valid program, and what they mean goes back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/prng.h"
#include "ops/text.h"
#include "ops/wire.h"

#define ROOM 400

static const struct op_wire_limits *const limits = &op_wire_limits_default;

static size_t random_bytes(struct prng *rng, u8 *data, size_t room)
{
	size_t size = prng_below(rng, room + 1), i;

	for (i = 0; i < size; i++)
		data[i] = (u8)prng_next(rng);
	return size;
}

static void check_program(const struct op_list *list)
{
	size_t i;

	assert_int_equal(op_world_valid(&list->world), 0);
	assert_in_range(list->nr, 0, limits->ops_max);
	for (i = 0; i < list->nr; i++) {
		assert_true(op_valid(&list->ops[i]));
		assert_in_range(list->ops[i].task, 0, limits->tasks_max - 1);
	}
}

static void test_any_bytes(void **state)
{
	struct op_list list;
	struct prng rng;
	u8 data[ROOM];
	size_t size;
	int n;

	prng_seed(&rng, 1);
	for (n = 0; n < 2000; n++) {
		size = random_bytes(&rng, data, ROOM);
		assert_int_equal(op_wire_decode(data, size, limits, &list), 0);
		check_program(&list);
		if (size > OP_WIRE_HEAD)
			assert_int_equal(list.nr, (size - OP_WIRE_HEAD +
						   OP_WIRE_RECORD - 1) /
						  OP_WIRE_RECORD);
		op_list_free(&list);
	}
}

static void same_program(const struct op_list *a, const struct op_list *b)
{
	char text[OP_TEXT_LINE];
	size_t i;

	assert_int_equal(a->nr, b->nr);
	for (i = 0; i < a->nr; i++)
		if (!op_equal(&a->ops[i], &b->ops[i])) {
			op_text_print(&a->ops[i], text, sizeof(text));
			fail_msg("%s", text);
		}
}

static void test_round_trip(void **state)
{
	struct op_list list, again;
	u8 data[ROOM], back[ROOM + OP_WIRE_RECORD];
	struct prng rng;
	size_t size;
	bool exact;
	int n;

	prng_seed(&rng, 2);
	for (n = 0; n < 10; n++) {
		size = random_bytes(&rng, data, 200);
		op_wire_decode(data, size, limits, &list);
		size = op_wire_encode(&list, limits, back, sizeof(back), &exact);
		assert_true(exact);
		op_wire_decode(back, size, limits, &again);
		same_program(&list, &again);
		op_list_free(&list);
		op_list_free(&again);
	}
}

static void test_near(void **state)
{
	static const char text[] =
		"# mmstorm-ops 1 cpus=2 tasks=2 pages=64 files=2 file_pages=8\n"
		"t1 mmap(p4, 4, RW, PRIVATE|ANON|FIXED)\n"
		"t0 copy(p4, p5, 4000)\n";
	struct op_text_error err;
	struct op_list list, again;
	u8 data[64];
	size_t size;
	bool exact;

	assert_int_equal(op_text_parse(text, sizeof(text) - 1, &list, &err), 0);
	size = op_wire_encode(&list, limits, data, sizeof(data), &exact);
	assert_int_equal(size, OP_WIRE_HEAD + 2 * OP_WIRE_RECORD);
	assert_false(exact);
	op_wire_decode(data, size, limits, &again);
	assert_true(op_equal(&again.ops[0], &list.ops[0]));
	assert_int_equal(again.ops[1].arg[0], list.ops[1].arg[0]);
	assert_int_equal(again.ops[1].arg[2], 62 * 64);
	/* The size is said, and nothing is written, when there is no room. */
	memset(data, 0x5a, sizeof(data));
	assert_int_equal(op_wire_encode(&list, limits, data, 0, NULL), size);
	assert_int_equal(data[0], 0x5a);
	op_list_free(&list);
	op_list_free(&again);
}

static void test_codes(void **state)
{
	struct op_wire_limits few = *limits;
	struct op_list list;
	struct prng rng;
	u8 data[ROOM];
	size_t i;

	prng_seed(&rng, 3);
	few.codes = 1u << OP_LOAD | 1u << OP_MMAP;
	for (i = 0; i < ROOM; i++)
		data[i] = (u8)prng_next(&rng);
	op_wire_decode(data, ROOM, &few, &list);
	for (i = 0; i < list.nr; i++)
		assert_true(few.codes & 1u << list.ops[i].code);
	op_list_free(&list);
}

static void test_mutations(void **state)
{
	u8 data[ROOM], other[ROOM], out[ROOM];
	bool seen[ROOM] = { false };
	size_t size = 0, size_other, n;
	struct op_list list;
	struct prng rng;
	int i, sizes = 0;

	prng_seed(&rng, 4);
	for (i = 0; i < 20000; i++) {
		size = op_wire_mutate(data, size, ROOM, limits, &rng);
		assert_in_range(size, OP_WIRE_HEAD, ROOM);
		assert_int_equal((size - OP_WIRE_HEAD) % OP_WIRE_RECORD, 0);
		sizes += !seen[size - 1];
		seen[size - 1] = true;
		if (i % 100)
			continue;
		op_wire_decode(data, size, limits, &list);
		check_program(&list);
		op_list_free(&list);
		size_other = random_bytes(&rng, other, ROOM);
		n = op_wire_cross(data, size, other, size_other, out, ROOM, &rng);
		assert_in_range(n, OP_WIRE_HEAD, ROOM);
	}
	/* They grow programs and shrink them. */
	assert_in_range(sizes, 10, ROOM);
	/* No room, no damage. */
	assert_int_equal(op_wire_mutate(data, 3, 3, limits, &rng), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_near),
		cmocka_unit_test(test_codes),
		cmocka_unit_test(test_mutations),
	};

	return cmocka_run_group_tests_name("op_wire", tests, NULL, NULL);
}
