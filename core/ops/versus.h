/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_OPS_VERSUS_H
#define MMSTORM_OPS_VERSUS_H

#include "ops/exec.h"

/*
 * A serial run against the reference model: every op is done by both, and what
 * they answer is compared: results, loaded values, signals and, at the end, the
 * layout of every process.  A difference is a finding (MODEL) that names the op.
 *
 * What has no one right answer is not compared: migrate (whether a page can
 * move), and ops for which memory ran out (-ENOMEM without the model's leave).
 * After memory ran out inside a fault or a call that failnth did not ask for, the
 * rest of the run is not compared either; `inconclusive' says so.
 */
struct op_versus_result {
	u64	compared;	/* ops whose answers were compared */
	u64	ranges;		/* ranges of final layouts compared */
	unsigned int differences;
	bool	inconclusive;
};

/*
 * @machine: serial, by kern_boot(), with plenty of frames.
 * 0, -EINVAL (not serial, world) or -ENOMEM.
 */
int op_versus(struct machine *machine, const struct op_list *list,
	      struct op_versus_result *result);

#endif /* MMSTORM_OPS_VERSUS_H */
