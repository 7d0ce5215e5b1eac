/* SPDX-License-Identifier: MIT */
/*
 * mmu notifiers: the list of an address space's secondary observers.
 *
 * The list is read under RCU and changed under ctx->notifier_lock.  Must never
 * call an observer with that lock held.
 */
#include "pgtable/notifier.h"
#include "sync/rcu.h"

void mmu_notifier_register(struct mmu_notifier *mn, struct mm_context *ctx)
{
	spin_lock(&ctx->notifier_lock);
	mn->next = ctx->notifiers;
	rcu_assign_pointer(ctx->notifiers, mn);
	spin_unlock(&ctx->notifier_lock);
}

void mmu_notifier_unregister(struct mmu_notifier *mn, struct mm_context *ctx)
{
	struct mmu_notifier **p;

	spin_lock(&ctx->notifier_lock);
	for (p = &ctx->notifiers; *p; p = &(*p)->next)
		if (*p == mn) {
			rcu_assign_pointer(*p, mn->next);
			break;
		}
	spin_unlock(&ctx->notifier_lock);
	synchronize_rcu();
}

#define for_each_notifier(mn, ctx)					\
	for ((mn) = rcu_dereference((ctx)->notifiers); (mn);		\
	     (mn) = rcu_dereference((mn)->next))

void __mmu_notifier_invalidate_range_start(const struct mmu_notifier_range *r)
{
	struct mmu_notifier *mn;

	rcu_read_lock();
	for_each_notifier(mn, r->ctx)
		if (mn->ops->invalidate_range_start)
			mn->ops->invalidate_range_start(mn, r);
	rcu_read_unlock();
}

void __mmu_notifier_invalidate_range_end(const struct mmu_notifier_range *r)
{
	struct mmu_notifier *mn;

	rcu_read_lock();
	for_each_notifier(mn, r->ctx)
		if (mn->ops->invalidate_range_end)
			mn->ops->invalidate_range_end(mn, r);
	rcu_read_unlock();
}

void __mmu_notifier_arch_invalidate_secondary_tlbs(struct mm_context *ctx,
						   unsigned long start,
						   unsigned long end)
{
	struct mmu_notifier *mn;

	rcu_read_lock();
	for_each_notifier(mn, ctx)
		if (mn->ops->arch_invalidate_secondary_tlbs)
			mn->ops->arch_invalidate_secondary_tlbs(mn, start, end);
	rcu_read_unlock();
}
