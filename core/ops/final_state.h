/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_OPS_FINAL_STATE_H
#define MMSTORM_OPS_FINAL_STATE_H

#include "base/types.h"

struct machine;
struct mm_op;
struct mm_struct;
struct op_place;
struct op_result;

/*
 * What a run of a program has led to, as one number without addresses of the host,
 * numbers of frames, or the order in which tasks did things: the sum of
 *
 *	the answer of each op,
 *	each address space, when all are done: its VMAs, and for each of their pages the
 *	entry's bits, who shares the page, and what is in it,
 *	what all vCPUs together have counted (trace/counters.h), and the frames left.
 */
u64 final_answer(const struct op_place *place, const struct mm_op *op,
		 const struct op_result *result);
/* Nobody runs; mms in the order of their tasks. */
u64 final_memory(struct machine *m, struct mm_struct *const *mms, unsigned int nr);
/* The machine is quiet. */
u64 final_counts(struct machine *m);

#endif /* MMSTORM_OPS_FINAL_STATE_H */
