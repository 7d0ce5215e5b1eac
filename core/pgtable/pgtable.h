/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_PGTABLE_PGTABLE_H
#define MMSTORM_PGTABLE_PGTABLE_H

#include "pgtable/context.h"
#include "pgtable/switch.h"
#include "pgtable/walk.h"

/*
 * machine->pgt, and what the files of this room share.
 */

struct kmem_cache;

struct pgtable_state {
	struct mm_context	init_ctx;	/* the kernel's */
	atomic64_t		last_ctx_id;
	struct kmem_cache	*gather_batch_cachep;
	struct tlb_cpu_state	*tlbstates;	/* by vCPU */
};

/* A cleared, constructed table page of a level (0 = PTE), not yet linked; or NULL. */
struct page *pgtable_alloc_table(struct mm_context *ctx, unsigned int level);
/* Destructs and frees one that no walker and no RCU reader can reach. */
void pgtable_free_table(struct page *table);

/* VmPTE: counted when a table is linked and when it is unlinked; the root never. */
void mm_inc_nr_tables(struct mm_context *ctx, unsigned int level);
void mm_dec_nr_tables(struct mm_context *ctx, unsigned int level);

static inline struct tlb_cpu_state *this_tlbstate(void)
{
	return this_cpu()->tlbstate;
}

#endif /* MMSTORM_PGTABLE_PGTABLE_H */
