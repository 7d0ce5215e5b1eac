/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_HW_CHECK_OPS_H
#define MMSTORM_HW_CHECK_OPS_H

#include "base/types.h"

/*
 * What the oracles watch: the seam through which the hardware and the page
 * allocator tell core/check/ what happens, without knowing who listens.
 *
 * machine->check is NULL when no oracle is on, else a table whose members
 * may each be NULL.  A listener is compiled without ThreadSanitizer, has no
 * scheduling point, draws no random number, allocates nothing and creates no
 * order of its own, so that watching a run hides no race of that run.
 *
 * One user access is reported in up to four steps, all on the vCPU that
 * makes it and with the same record:
 *
 *	begin		before the first TLB look-up
 *	translated	a translation is in hand, interrupts are held off and
 *			no byte has moved; once per page and try
 *	moved		the bytes have moved, interrupts still held off
 *	end		the access is complete: result is 0 or -EFAULT
 *
 * A device's access is reported in the same steps: va is where the page was pinned, the
 * frame and its generation are those of the pin, and no interrupt is held off.
 *
 * Context: any; begin and end run with interrupts in the caller's state.
 */

struct machine;
struct vcpu;
struct fault_info;
struct rcu_age;

enum check_access {
	CHECK_ACCESS_READ,
	CHECK_ACCESS_WRITE,
	CHECK_ACCESS_RMW,
	CHECK_ACCESS_EXEC,
};

struct access_record {
	unsigned long	va;		/* first byte */
	unsigned int	size;		/* bytes: 1-8 */
	enum check_access kind;
	u64		value;		/* stored, or loaded once moved */
	int		pin;		/* of a device: the task's pin (hw/dma.h); else -1 */

	/* Of the translation in use, from `translated' on. */
	unsigned long	pfn;		/* frame that the bytes live in */
	u32		gen;		/* its generation when the TLB was filled */
	u64		stamp;		/* machine_translation_stamp() of that */
	bool		tlb_hit;	/* false: filled for this access */

	/* At `end'. */
	int		result;		/* 0 or -EFAULT */
	const struct fault_info *fault;	/* why, when result is -EFAULT */

	u64		cookie[14];	/* the listener's, from begin to end */
};

/* What readers find under RCU and carries its age. */
enum check_object {
	CHECK_OBJECT_VMA_NODE,
	CHECK_OBJECT_VMA,
	CHECK_OBJECT_PAGE_TABLE,
	CHECK_OBJECT_INDEX_NODE,
	CHECK_OBJECT_ANON_VMA,
	NR_CHECK_OBJECTS,
};

struct check_ops {
	void (*access_begin)(struct vcpu *cpu, struct access_record *rec);
	void (*access_translated)(struct vcpu *cpu, struct access_record *rec);
	void (*access_moved)(struct vcpu *cpu, struct access_record *rec);
	void (*access_end)(struct vcpu *cpu, struct access_record *rec);

	/*
	 * The walker has read an entry for @va in the table in frame @pfn.  When it
	 * walked to it, now or on the way to a cached walk, its generation was @gen.
	 */
	void (*table_walked)(struct vcpu *cpu, unsigned long va, unsigned long pfn, u32 gen);

	/* A reader has found this (check_met() of hw/check_met.h). */
	void (*met)(enum check_object what, const struct rcu_age *age);

	/* A block of 2^order frames leaves or returns to the allocator. */
	void (*frame_alloc)(struct machine *m, unsigned long pfn,
			    unsigned int order);
	void (*frame_free)(struct machine *m, unsigned long pfn,
			   unsigned int order);

	/* The contents of @from are about to be copied to @to, to take its place. */
	void (*frame_copy)(struct machine *m, unsigned long to, unsigned long from);
};

#endif /* MMSTORM_HW_CHECK_OPS_H */
