/* SPDX-License-Identifier: MIT */
/*
 * The VMA tree alone: looking a VMA up, and putting one in and taking it out.  No system
 * call does just that, so the host has no side here; what stands beside is a stated time
 * of Linux's maple tree.
 */
#include "kern/task.h"
#include "mm/mm.h"
#include "mm/mmap_lock.h"
#include "mm/vma_tree.h"
#include "stress/bench.h"

#define BATCH	1024u
/* A page that is mapped, and one that is not. */
#define STRIDE	(2 * PAGE_SIZE)

static bool tree_setup(struct bench_worker *w)
{
	unsigned long i;

	prng_seed(&w->rng, hash64(0x74726565ULL, w->nr, 0));
	current->mm->params.max_map_count = 1U << 24;
	for (i = 0; i < w->c->n; i++)
		if (!w->os->map(w->base + i * STRIDE, PAGE_SIZE))
			return false;
	return true;
}

static unsigned long any_range(struct bench_worker *w)
{
	return w->base + prng_below(&w->rng, w->c->n) * STRIDE;
}

static bool vma_lookup_round(struct bench_worker *w)
{
	struct mm_struct *mm = current->mm;
	unsigned int i, found = 0;

	for (i = 0; i < BATCH; i++) {
		rcu_read_lock();
		found += vma_tree_lookup(mm, any_range(w)) != NULL;
		rcu_read_unlock();
	}
	w->done += BATCH;
	return found == BATCH;
}

/*
 * What stands for the VMA is one that is in the tree already: nobody looks at more than
 * the pointer, and the entry is gone before the lock is given up for good.
 */
static bool put_and_take(struct mm_struct *mm, unsigned long at)
{
	struct vma_edit e;
	bool ok;

	mmap_write_lock(mm);
	vma_edit_begin(&e, mm);
	ok = !vma_edit_store(&e, at + PAGE_SIZE, at + STRIDE, vma_tree_lookup(mm, at));
	if (ok)
		vma_edit_commit(&e);
	else
		vma_edit_abort(&e);
	mmap_write_unlock(mm);
	mmap_write_lock(mm);
	vma_edit_begin(&e, mm);
	ok = ok && !vma_edit_erase(&e, at + PAGE_SIZE, at + STRIDE);
	if (ok)
		vma_edit_commit(&e);
	else
		vma_edit_abort(&e);
	mmap_write_unlock(mm);
	return ok;
}

static bool vma_update_round(struct bench_worker *w)
{
	unsigned int i;

	w->done += BATCH / 8;
	for (i = 0; i < BATCH / 8; i++)
		if (!put_and_take(current->mm, any_range(w)))
			return false;
	return true;
}

/* lib/maple_tree.c of Linux 6.12 in user space, gcc -O2, on a 2-core server of 2024. */
#define LOOKUP(slug, ranges, ns) {							\
	.name = "vma_lookup_" slug, .what = "find the VMA of an address among " slug,	\
	.unit = "lookup", .n = ranges, .region = ranges * STRIDE, .sim_only = true,	\
	.reference_ns = ns, .setup = tree_setup, .round = vma_lookup_round }

const struct bench_case bench_vma_lookup[] = {
	LOOKUP("10", 10ul, 13), LOOKUP("1k", 1000ul, 36), LOOKUP("100k", 100000ul, 80),
};

#define UPDATE(slug, ranges, ns) {							\
	.name = "vma_update_" slug, .what = "put a VMA among " slug " and take it out",	\
	.unit = "pair", .n = ranges, .region = ranges * STRIDE, .sim_only = true,	\
	.reference_ns = ns, .setup = tree_setup, .round = vma_update_round }

const struct bench_case bench_vma_update[] = {
	UPDATE("10", 10ul, 630), UPDATE("1k", 1000ul, 900), UPDATE("100k", 100000ul, 1250),
};
