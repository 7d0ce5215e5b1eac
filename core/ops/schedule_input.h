/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_OPS_SCHEDULE_INPUT_H
#define MMSTORM_OPS_SCHEDULE_INPUT_H

#include "ops/explore.h"
#include "ops/wire.h"

struct prng;

/*
 * Inputs of fuzz_sched: a program and its schedule in one string of bytes.
 *
 *	"mms1"		so that a file of one is known; without it the rest is read alike
 *	n		how many ops
 *	head, n ops	in wire form (ops/wire.h)
 *	the rest	the schedule (sync/strategy_bytes.c)
 *
 * Any byte string is an input; how it is run is fixed here, so that `mmstorm replay'
 * runs a fuzzer's file as the fuzzer did.
 */
#define SCHEDULE_INPUT_HEAD	5
#define SCHEDULE_INPUT_OPS	32
#define SCHEDULE_INPUT_RECORDS	64	/* of a schedule, as mutations make it */
#define SCHEDULE_INPUT_MAX	(SCHEDULE_INPUT_HEAD + OP_WIRE_HEAD +			\
				 SCHEDULE_INPUT_OPS * OP_WIRE_RECORD +			\
				 SCHEDULE_INPUT_RECORDS * SCHEDULE_BYTES_RECORD)

/* What the program's bytes may ask for. */
#define SCHEDULE_INPUT_LIMITS	(struct op_wire_limits) {				\
	.cpus_max = 4, .tasks_max = 6, .pages_max = 16, .ops_max = SCHEDULE_INPUT_OPS,	\
	.codes = (1u << OP_NR) - 1,							\
}

struct schedule_input {
	struct op_list		list;
	struct explore_config	config;		/* config.list is &list; no bug is planted */
	const u8		*schedule;	/* inside the input */
	size_t			len;
};

bool schedule_input_is(const void *data, size_t size);

/* 0 or -ENOMEM.  schedule_input_free() afterwards; @data must stay until then. */
int schedule_input_decode(const u8 *data, size_t size, struct schedule_input *in);
/* The same of a program, which is taken over, with a walk for a schedule. */
void schedule_input_walk(struct op_list *list, struct schedule_input *in);
void schedule_input_free(struct schedule_input *in);

/* As bytes, or as near as bytes come.  Returns the size, at most @room. */
size_t schedule_input_encode(const struct op_list *list, u8 *data, size_t room);

/* Changes one thing, of program or schedule.  Returns the new size, at most @room. */
size_t schedule_input_mutate(u8 *data, size_t size, size_t room, struct prng *rng);

/* Parts of a and b.  Returns the size, at most @room. */
size_t schedule_input_cross(const u8 *a, size_t a_size, const u8 *b, size_t b_size, u8 *out,
			    size_t room, struct prng *rng);

#endif /* MMSTORM_OPS_SCHEDULE_INPUT_H */
