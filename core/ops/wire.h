/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_OPS_WIRE_H
#define MMSTORM_OPS_WIRE_H

#include "ops/op.h"

struct prng;

/*
 * Wire form: programs as fuzzers see them.  Any byte string is a valid program;
 * records have one size, so that a byte keeps its meaning when others go.
 *
 *	bytes 0-3	the world: cpus; tasks, procs and order; pages; seed
 *	then records of OP_WIRE_RECORD bytes; a short last one ends in zeros
 *
 * The form is small, not general: it holds interesting values (page edges,
 * lengths over the end, addresses that are no addresses), and every op that
 * comes from bytes goes back to bytes unchanged.
 */

#define OP_WIRE_HEAD	4
#define OP_WIRE_RECORD	9

/* What bytes may ask for: fuzz targets differ in this. */
struct op_wire_limits {
	unsigned int	cpus_max;	/* of world.cpus, from 1 */
	unsigned int	tasks_max;	/* slots named, from 1 */
	unsigned int	pages_max;	/* of the window */
	size_t		ops_max;
	u32		codes;		/* bit mask of the ops allowed */
};

extern const struct op_wire_limits op_wire_limits_default;

/* Fills `list' (overwritten).  0 or -ENOMEM: there is no invalid input. */
int op_wire_decode(const u8 *data, size_t size,
		   const struct op_wire_limits *limits, struct op_list *list);

/*
 * Writes at most `room' bytes and returns how many the list needs.  An
 * argument that the form cannot hold becomes a near one that it can; *exact,
 * when not NULL, says whether that happened.
 */
size_t op_wire_encode(const struct op_list *list,
		      const struct op_wire_limits *limits, u8 *data,
		      size_t room, bool *exact);

/*
 * Changes one thing about a program, in place, keeping whole records: drops,
 * doubles, moves or swaps ops, gives one to another task, shifts pages, draws
 * a new op.  Returns the new size, at most `room'.
 */
size_t op_wire_mutate(u8 *data, size_t size, size_t room,
		      const struct op_wire_limits *limits, struct prng *rng);

/* A program of two: a head of a, then a tail of b or both task by task. */
size_t op_wire_cross(const u8 *a, size_t a_size, const u8 *b, size_t b_size,
		     u8 *out, size_t room, struct prng *rng);

#endif /* MMSTORM_OPS_WIRE_H */
