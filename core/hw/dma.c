/* SPDX-License-Identifier: MIT */
/*
 * A device's accesses: bytes of frames, by frame number.
 *
 * Owns nothing, takes no lock.  No interrupt, no flush and no page-table lock holds it
 * off: that is the point of it.  Must never look at a TLB or a table.
 */
#include "hw/dma.h"

#include "base/finding.h"
#include "base/point.h"
#include "hw/access.h"
#include "hw/bytes.h"
#include "hw/machine.h"

static void record(struct access_record *rec, const struct dma *dma, enum check_access kind,
		   u64 value)
{
	rec->va = dma->va + dma->offset;
	rec->size = dma->size;
	rec->kind = kind;
	rec->value = value;
	rec->pin = (int)dma->pin;
	rec->pfn = dma->pfn;
	rec->gen = dma->gen;
	rec->tlb_hit = false;
	rec->result = 0;
	rec->fault = NULL;
}

static u64 move(const struct dma *dma, enum check_access kind, u64 value)
{
	struct machine *m = this_machine();
	u8 *p = (u8 *)frame_data(m, dma->pfn) + frame_offset(m, dma->offset);

	sched_point(SCHED_ACCESS, p);
	if (kind == CHECK_ACCESS_READ)
		return load_aligned(p, dma->size);
	store_aligned(p, dma->size, value);
	return value;
}

#define tell(hook, rec)								\
	do {									\
		if (this_machine()->check && this_machine()->check->hook)	\
			this_machine()->check->hook(this_cpu(), rec);		\
	} while (0)

static u64 access(const struct dma *dma, enum check_access kind, u64 value)
{
	struct access_record rec;

	if (likely(!this_machine()->check))
		return move(dma, kind, value);
	record(&rec, dma, kind, value);
	tell(access_begin, &rec);
	tell(access_translated, &rec);
	rec.value = move(dma, kind, value);
	tell(access_moved, &rec);
	tell(access_end, &rec);
	return rec.value;
}

u64 dma_read(const struct dma *dma)
{
	return access(dma, CHECK_ACCESS_READ, 0);
}

void dma_write(const struct dma *dma, u64 value)
{
	access(dma, CHECK_ACCESS_WRITE, value);
}
