/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer's custom mutator and crossover for programs: whole ops come, go, move,
 * change task and page; now and then libFuzzer's own mutator has a turn, so that
 * no byte is out of reach.
 */
#include <string.h>

#include "base/prng.h"
#include "fuzz/fuzz.h"

size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max_size,
			       unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const u8 *a, size_t a_size, const u8 *b,
				 size_t b_size, u8 *out, size_t max_size,
				 unsigned int seed);
size_t LLVMFuzzerMutate(u8 *data, size_t size, size_t max_size);

/* Op text becomes bytes first: the seeds are text. */
static size_t to_wire(u8 *data, size_t size, size_t room)
{
	struct op_list list;
	size_t need;

	if (!size || data[0] != '#' || fuzz_program(data, size, &list))
		return size;
	need = op_wire_encode(&list, &fuzz_limits, data, room, NULL);
	op_list_free(&list);
	return need < room ? need : room;
}

size_t LLVMFuzzerCustomMutator(u8 *data, size_t size, size_t max_size,
			       unsigned int seed)
{
	struct prng rng;
	unsigned int n;

	prng_seed(&rng, seed);
	size = to_wire(data, size, max_size);
	if (prng_below(&rng, 16) == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	for (n = 1 + (unsigned int)prng_below(&rng, 4); n; n--)
		size = op_wire_mutate(data, size, max_size, &fuzz_limits, &rng);
	return size;
}

size_t LLVMFuzzerCustomCrossOver(const u8 *a, size_t a_size, const u8 *b,
				 size_t b_size, u8 *out, size_t max_size,
				 unsigned int seed)
{
	struct prng rng;

	prng_seed(&rng, seed);
	if ((a_size && a[0] == '#') || (b_size && b[0] == '#'))
		return 0;
	return op_wire_cross(a, a_size, b, b_size, out, max_size, &rng);
}
