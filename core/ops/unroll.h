/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_OPS_UNROLL_H
#define MMSTORM_OPS_UNROLL_H

#include "ops/stream.h"

/**
 * op_unroll() - a storm written down: what its streams draw, as a program
 * @world: of the storm; tasks at most OP_TASKS_MAX
 * @nr: ops of the program, at most
 * @list: overwritten; empty unless 0 is returned
 *
 * The tasks take turns, an op each.  A child takes a slot that is free, and gives it back by
 * an exit when its life is over; its parent's next fork into its place stands behind that.
 * A fork for which there is no slot is a yield.  0, -EINVAL (world, mix) or -ENOMEM.
 */
int op_unroll(const struct op_world *world, const struct op_mix *mix, size_t nr,
	      struct op_list *list);

#endif /* MMSTORM_OPS_UNROLL_H */
