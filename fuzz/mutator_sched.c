/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer's custom mutator and crossover for fuzz_sched: of program and schedule one is
 * changed, both stay whole; now and then libFuzzer's own mutator has a turn.
 */
#include "base/prng.h"
#include "fuzz/fuzz.h"
#include "ops/schedule_input.h"

size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const u8 *a, size_t a_size, const u8 *b, size_t b_size, u8 *out,
				 size_t max_size, unsigned int seed);
size_t LLVMFuzzerMutate(u8 *data, size_t size, size_t max_size);

/* The seeds are text. */
static size_t from_text(u8 *data, size_t size, size_t room)
{
	struct op_list list;

	if (!fuzz_is_text(data, size) || fuzz_program(data, size, &list))
		return size;
	size = schedule_input_encode(&list, data, room);
	op_list_free(&list);
	return size;
}

size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max_size, unsigned int seed)
{
	struct prng rng;

	prng_seed(&rng, seed);
	size = from_text(data, size, max_size);
	if (prng_below(&rng, 32) == 0)
		size = LLVMFuzzerMutate(data, size, max_size);
	for (u64 n = 1 + prng_below(&rng, 4); n; n--)
		size = schedule_input_mutate(data, size, max_size, &rng);
	return size;
}

size_t LLVMFuzzerCustomCrossOver(const u8 *a, size_t a_size, const u8 *b, size_t b_size, u8 *out,
				 size_t max_size, unsigned int seed)
{
	struct prng rng;

	prng_seed(&rng, seed);
	if (fuzz_is_text(a, a_size) || fuzz_is_text(b, b_size))
		return 0;
	return schedule_input_cross(a, a_size, b, b_size, out, max_size, &rng);
}
