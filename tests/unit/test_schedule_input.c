/* SPDX-License-Identifier: MIT */
/*
 * Inputs of fuzz_sched: any bytes are one and make a run that is the same each time, and
 * the same as its recorded schedule's; changes keep inputs whole.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/compiler.h"
#include "base/prng.h"
#include "ops/schedule_input.h"
#include "ops/text.h"

#define ROOM	SCHEDULE_INPUT_MAX

static void whole(const u8 *data, size_t size)
{
	struct schedule_input in;
	size_t ops;

	assert_in_range(size, SCHEDULE_INPUT_HEAD + OP_WIRE_HEAD, ROOM);
	assert_true(schedule_input_is(data, size));
	assert_int_equal(schedule_input_decode(data, size, &in), 0);
	assert_int_equal(in.list.nr, data[SCHEDULE_INPUT_HEAD - 1]);
	ops = SCHEDULE_INPUT_HEAD + OP_WIRE_HEAD + in.list.nr * OP_WIRE_RECORD;
	assert_ptr_equal(in.schedule, data + ops);
	assert_int_equal(in.len, size - ops);
	assert_int_equal(in.len % SCHEDULE_BYTES_RECORD, 0);
	schedule_input_free(&in);
}

static void changes_keep_inputs_whole(void **state)
{
	u8 data[ROOM] = { 0 }, other[ROOM], out[ROOM];
	size_t size = 0, other_size = 0, n;
	struct prng rng;
	size_t longest = 0;

	prng_seed(&rng, 1);
	for (unsigned int i = 0; i < 20000; i++) {
		size = schedule_input_mutate(data, size, sizeof(data), &rng);
		whole(data, size);
		longest = max(longest, size);
		if (i % 1000 == 0) {
			memcpy(other, data, size);
			other_size = size;
		}
		n = schedule_input_cross(data, size, other, other_size, out, sizeof(out), &rng);
		whole(out, n);
		/* Less room than they would like. */
		n = schedule_input_mutate(out, n, 60, &rng);
		assert_true(n <= 60);
		whole(out, n);
	}
	assert_true(longest > ROOM / 2);
}

static void programs_are_kept(void **state)
{
	static const char text[] =
		"# mmstorm-ops 1 cpus=2 tasks=2 pages=8 files=2 file_pages=4 seed=0x3\n"
		"t0 mmap(p0, 2, RW, PRIVATE|ANON|FIXED)\n"
		"t1 store(p0, 8, tag)\n";
	struct op_text_error err;
	struct schedule_input in;
	struct op_list list;
	u8 data[ROOM];
	size_t size;

	assert_int_equal(op_text_parse(text, sizeof(text) - 1, &list, &err), 0);
	size = schedule_input_encode(&list, data, sizeof(data));
	whole(data, size);
	assert_int_equal(schedule_input_decode(data, size, &in), 0);
	assert_int_equal(in.list.nr, list.nr);
	for (size_t i = 0; i < list.nr; i++)
		assert_true(op_equal(&in.list.ops[i], &list.ops[i]));
	assert_int_equal(in.list.world.cpus, 2);
	assert_int_equal(in.len, SCHEDULE_BYTES_RECORD);
	schedule_input_free(&in);
	schedule_input_walk(&list, &in);
	assert_int_equal(in.list.nr, 2);
	assert_memory_equal(in.schedule, data + size - SCHEDULE_BYTES_RECORD, in.len);
	schedule_input_free(&in);
}

#if MM_POINTS
static struct explore_result run(const struct schedule_input *in, struct schedule *record,
				 u8 *seen)
{
	struct explore_result r;
	struct strategy s;

	strategy_start_bytes(&s, in->schedule, in->len, seen);
	assert_int_equal(explore_run(&in->config, &s, record, &r), 0);
	if (r.findings)
		fail_msg("%s: %s", r.title, r.detail);
	return r;
}

/* As it came, again, and by the list of what was not the default. */
static void same_three_times(const u8 *data, size_t size, u64 *deviations)
{
	static u8 seen[2][SCHEDULE_BYTES_SEEN];
	struct schedule record = { 0 };
	struct explore_result r, again;
	struct schedule_input in;
	struct strategy replay;

	memset(seen, 0, sizeof(seen));
	assert_int_equal(schedule_input_decode(data, size, &in), 0);
	r = run(&in, NULL, seen[0]);
	assert_int_equal(run(&in, &record, seen[1]).hash, r.hash);
	assert_memory_equal(seen[0], seen[1], sizeof(seen[0]));
	strategy_start_replay(&replay, &record);
	assert_int_equal(explore_run(&in.config, &replay, NULL, &again), 0);
	assert_true(strategy_followed(&replay));
	assert_int_equal(again.hash, r.hash);
	*deviations += record.nr;
	schedule_free(&record);
	schedule_input_free(&in);
}

static void any_bytes_are_a_run(void **state)
{
	u64 deviations = 0;
	u8 data[ROOM];
	struct prng rng;
	size_t size;

	prng_seed(&rng, 2);
	same_three_times(NULL, 0, &deviations);
	assert_int_equal(deviations, 0);
	for (unsigned int i = 0; i < 60; i++) {
		size = prng_below(&rng, sizeof(data) + 1);
		for (size_t j = 0; j < size; j++)
			data[j] = (u8)prng_next(&rng);
		if (i & 1)
			data[0] %= SCHEDULE_INPUT_OPS;
		same_three_times(data, size, &deviations);
	}
	/* They did ask for something. */
	assert_true(deviations > 100);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(changes_keep_inputs_whole),
		cmocka_unit_test(programs_are_kept),
#if MM_POINTS
		cmocka_unit_test(any_bytes_are_a_run),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
