/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_PGTABLE_NOTIFIER_H
#define MMSTORM_PGTABLE_NOTIFIER_H

#include "base/types.h"
#include "pgtable/context.h"

/*
 * Secondary observers of an address space (devices, hypervisors): told before
 * entries change and after, and when translations must go
 * (include/linux/mmu_notifier.h).
 */
enum mmu_notifier_event {
	MMU_NOTIFY_UNMAP,
	MMU_NOTIFY_CLEAR,
	MMU_NOTIFY_PROTECTION_VMA,
	MMU_NOTIFY_PROTECTION_PAGE,
};

struct mmu_notifier_range {
	struct mm_context	*ctx;
	unsigned long		start;
	unsigned long		end;
	enum mmu_notifier_event	event;
};

/* Callbacks run in an RCU read section: they do not sleep. */
struct mmu_notifier_ops {
	void (*invalidate_range_start)(struct mmu_notifier *mn,
				       const struct mmu_notifier_range *range);
	void (*invalidate_range_end)(struct mmu_notifier *mn,
				     const struct mmu_notifier_range *range);
	/* Translations of [start, end) are gone from the tables: drop them. */
	void (*arch_invalidate_secondary_tlbs)(struct mmu_notifier *mn,
					       unsigned long start,
					       unsigned long end);
};

struct mmu_notifier {
	struct mmu_notifier		*next;		/* RCU */
	const struct mmu_notifier_ops	*ops;		/* immutable */
};

void mmu_notifier_register(struct mmu_notifier *mn, struct mm_context *ctx);
/* Waits until no callback of mn runs any more; may sleep. */
void mmu_notifier_unregister(struct mmu_notifier *mn, struct mm_context *ctx);

static inline void mmu_notifier_range_init(struct mmu_notifier_range *range,
					   enum mmu_notifier_event event,
					   struct mm_context *ctx,
					   unsigned long start,
					   unsigned long end)
{
	range->ctx = ctx;
	range->start = start;
	range->end = end;
	range->event = event;
}

void __mmu_notifier_invalidate_range_start(const struct mmu_notifier_range *r);
void __mmu_notifier_invalidate_range_end(const struct mmu_notifier_range *r);
void __mmu_notifier_arch_invalidate_secondary_tlbs(struct mm_context *ctx,
						   unsigned long start,
						   unsigned long end);

static inline bool mm_has_notifiers(struct mm_context *ctx)
{
	return unlikely(smp_load_acquire(&ctx->notifiers) != NULL);
}

/* Before the first entry of the range is changed. */
static inline void
mmu_notifier_invalidate_range_start(const struct mmu_notifier_range *range)
{
	if (mm_has_notifiers(range->ctx))
		__mmu_notifier_invalidate_range_start(range);
}

/* After the flush. */
static inline void
mmu_notifier_invalidate_range_end(const struct mmu_notifier_range *range)
{
	if (mm_has_notifiers(range->ctx))
		__mmu_notifier_invalidate_range_end(range);
}

static inline void
mmu_notifier_arch_invalidate_secondary_tlbs(struct mm_context *ctx,
					    unsigned long start,
					    unsigned long end)
{
	if (mm_has_notifiers(ctx))
		__mmu_notifier_arch_invalidate_secondary_tlbs(ctx, start, end);
}

#endif /* MMSTORM_PGTABLE_NOTIFIER_H */
