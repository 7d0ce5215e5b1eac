/* SPDX-License-Identifier: MIT */
/* room: mm_mm mm_kern */
/* The VMA tree against a plain array: lookups, walks, gaps, aborted and failing edits. */

#include "base/prng.h"
#include "phys/slab.h"
#include "vma_layout.h"

/* The model: who owns each page. */
#define PAGES	512
#define NR_VMAS	512

struct model {
	struct mmfix f;
	struct mm_struct *mm;
	struct vm_area_struct *owner[PAGES];
	struct vm_area_struct vma[NR_VMAS];
	struct prng rng;
};

static unsigned long addr_of(unsigned int page)
{
	return (page + 1UL) * PAGE_SIZE;
}

/*
 * The tree's entries are maximal runs; the VMAs are dummies that carry their range for the check.
 */
static void model_sync(struct model *md)
{
	unsigned int i;

	for (i = 0; i < PAGES; i++) {
		struct vm_area_struct *vma = md->owner[i];

		if (!vma)
			continue;
		if (!i || md->owner[i - 1] != vma)
			vma->vm_start = addr_of(i);
		vma->vm_end = addr_of(i + 1);
	}
}

static void model_compare(struct model *md)
{
	unsigned long nr = 0, start, end, want;
	struct vm_area_struct *vma;
	struct vma_iter it;
	unsigned int i, j;

	model_sync(md);
	assert_null(vma_tree_check(md->mm, &nr));
	for (i = 0; i < PAGES; i++) {
		assert_ptr_equal(vma_tree_lookup(md->mm, addr_of(i)), md->owner[i]);
		for (j = i; j < PAGES && !md->owner[j]; j++)
			;
		vma = j < PAGES ? md->owner[j] : NULL;
		assert_ptr_equal(vma_tree_find(md->mm, addr_of(i) + 5), vma);
		for (j = i; j && !md->owner[j - 1]; j--)
			;
		vma = j ? md->owner[j - 1] : NULL;
		assert_ptr_equal(vma_tree_find_prev(md->mm, addr_of(i)), vma);
	}
	/* A walk meets each run once, in order. */
	j = 0;
	for_each_vma(it, md->mm, vma) {
		while (!md->owner[j])
			j++;
		assert_ptr_equal(vma, md->owner[j]);
		while (j < PAGES && md->owner[j] == vma)
			j++;
		nr--;
	}
	assert_int_equal(nr, 0);
	/* The lowest gap of some size in some window. */
	for (i = 0; i < 20; i++) {
		unsigned int lo = (unsigned int)prng_below(&md->rng, PAGES);
		unsigned int hi = lo + 1 + (unsigned int)prng_below(&md->rng, PAGES - lo);
		unsigned int size = 1 + (unsigned int)prng_below(&md->rng, 12), run = 0, at;

		want = 0;
		for (at = lo; at < hi && !want; at++) {
			run = md->owner[at] ? 0 : run + 1;
			if (run == size)
				want = addr_of(at + 1 - size);
		}
		if (vma_tree_gap_lowest(md->mm, addr_of(lo), addr_of(hi), size * PAGE_SIZE,
					&start, &end))
			start = 0;
		assert_int_equal(start, want);
		want = 0;
		run = 0;
		for (at = hi; at-- > lo && !want; ) {
			run = md->owner[at] ? 0 : run + 1;
			if (run == size)
				want = addr_of(at + size);
		}
		if (vma_tree_gap_highest(md->mm, addr_of(lo), addr_of(hi), size * PAGE_SIZE,
					 &start, &end))
			end = 0;
		assert_int_equal(end, want);
	}
}

static void model_open(struct model *md, u64 seed)
{
	memset(md, 0, sizeof(*md));
	md->f = mmfix_open();
	md->mm = md->f.mm;
	prng_seed(&md->rng, seed);
	mmap_write_lock(md->mm);
}

static void model_close(struct model *md)
{
	struct vma_edit e;

	vma_edit_begin(&e, md->mm);
	assert_int_equal(vma_edit_erase(&e, addr_of(0), addr_of(PAGES)), 0);
	vma_edit_commit(&e);
	assert_null(md->mm->mm_vma_root);
	mmap_write_unlock(md->mm);
	mmfix_close(&md->f);
}

/* A VMA that owns nothing, before or inside the edit. */
static struct vm_area_struct *model_fresh(struct model *md, struct vm_area_struct **owner)
{
	unsigned int i, j;

	for (i = 0; i < NR_VMAS; i++) {
		for (j = 0; j < PAGES && md->owner[j] != &md->vma[i] &&
			    owner[j] != &md->vma[i]; j++)
			;
		if (j == PAGES)
			return &md->vma[i];
	}
	return NULL;
}

/* A store or an erase of a random range; a store never cuts one VMA in two in this model. */
static void model_draw(struct model *md, struct vm_area_struct **owner, struct vma_edit *e,
		       int *err)
{
	unsigned int at = (unsigned int)prng_below(&md->rng, PAGES);
	unsigned int nr = 1 + (unsigned int)prng_below(&md->rng, 8), i;
	bool store = prng_below(&md->rng, 3) != 0;
	struct vm_area_struct *vma = store ? model_fresh(md, owner) : NULL;

	nr = min(nr, PAGES - at);
	/* Widen it to whole runs, so that each VMA stays one range. */
	while (at && owner[at] && owner[at] == owner[at - 1])
		at--, nr++;
	if (*err)
		return;
	if (store)
		*err = vma_edit_store(e, addr_of(at), addr_of(at + nr), vma);
	else
		*err = vma_edit_erase(e, addr_of(at), addr_of(at + nr));
	for (i = 0; i < nr && !*err; i++)
		owner[at + i] = vma;
}

static void test_random_edits(void **state)
{
	static struct model md;
	unsigned int round;

	model_open(&md, 42);
	for (round = 0; round < 600; round++) {
		struct vma_edit e;
		int err = 0;

		vma_edit_begin(&e, md.mm);
		model_draw(&md, md.owner, &e, &err);
		assert_int_equal(err, 0);
		vma_edit_commit(&e);
		if (round % 7 == 0)
			model_compare(&md);
	}
	model_compare(&md);
	model_close(&md);
}

/* What is aborted, after any number of changes or a failed one, has never been. */
static void test_abort_and_failure(void **state)
{
	static struct model md;
	unsigned int round, i, fired = 0;

	model_open(&md, 7);
	for (round = 0; round < 600; round++) {
		struct vm_area_struct *owner[PAGES];
		struct fail_nth fail;
		struct vma_edit e;
		int err = 0;

		memcpy(owner, md.owner, sizeof(owner));
		fail_nth_begin(&fail, round % 2 ? 1 + round % 13 : 0, FAIL_SCOPE_ALL);
		vma_edit_begin(&e, md.mm);
		for (i = 0; i <= round % 3; i++)
			model_draw(&md, owner, &e, &err);
		fired += fail_nth_end(&fail);
		if (err || round % 5 == 0) {
			vma_edit_abort(&e);
		} else {
			memcpy(md.owner, owner, sizeof(owner));
			vma_edit_commit(&e);
		}
		if (round % 11 == 0)
			model_compare(&md);
	}
	assert_true(fired > 20);
	model_compare(&md);
	model_close(&md);
}

/* A reader that took the root before a commit goes on in the old tree. */
static void test_snapshot(void **state)
{
	static struct model md;
	struct vm_area_struct *vma;
	struct vma_edit e;
	struct vma_iter it;
	unsigned int i, seen = 0;

	model_open(&md, 1);
	for (i = 0; i < 100; i++) {
		vma_edit_begin(&e, md.mm);
		assert_int_equal(vma_edit_store(&e, addr_of(2 * i), addr_of(2 * i + 1), &md.vma[i]),
				 0);
		vma_edit_commit(&e);
	}
	vma_edit_begin(&e, md.mm);
	assert_int_equal(vma_edit_erase(&e, addr_of(20), addr_of(180)), 0);
	rcu_read_lock();
	vma_iter_init(&it, md.mm, 0);
	vma_edit_commit(&e);
	while ((vma = vma_iter_next(&it)))
		assert_ptr_equal(vma, &md.vma[seen++]);
	assert_int_equal(seen, 100);
	rcu_read_unlock();
	assert_null(vma_tree_lookup(md.mm, addr_of(40)));
	assert_ptr_equal(vma_tree_lookup(md.mm, addr_of(190)), &md.vma[95]);
	model_close(&md);
}

/* An entry cut in two by an erase keeps its VMA on both sides. */
static void test_hole(void **state)
{
	static struct model md;
	struct vma_edit e;

	model_open(&md, 1);
	vma_edit_begin(&e, md.mm);
	assert_int_equal(vma_edit_store(&e, addr_of(0), addr_of(9), &md.vma[0]), 0);
	assert_int_equal(vma_edit_erase(&e, addr_of(3), addr_of(5)), 0);
	assert_ptr_equal(vma_edit_find(&e, addr_of(6)), &md.vma[0]);
	vma_edit_commit(&e);
	assert_ptr_equal(vma_tree_lookup(md.mm, addr_of(2)), &md.vma[0]);
	assert_null(vma_tree_lookup(md.mm, addr_of(4)));
	assert_ptr_equal(vma_tree_lookup(md.mm, addr_of(5)), &md.vma[0]);
	model_close(&md);
}

/* Mappings that come one behind the other, upwards or downwards, leave no half-empty nodes. */
static void grow(bool upwards)
{
	struct model md;
	struct vma_edit e;
	unsigned int i;

	model_open(&md, 0);
	for (i = 0; i < PAGES / 2; i++) {
		unsigned int page = 2 * (upwards ? i : PAGES / 2 - 1 - i);

		vma_edit_begin(&e, md.mm);
		assert_int_equal(vma_edit_store(&e, addr_of(page), addr_of(page + 1), &md.vma[i]),
				 0);
		vma_edit_commit(&e);
		md.owner[page] = &md.vma[i];
		if (i % 16 == 0)
			model_compare(&md);
	}
	model_compare(&md);
	mmap_write_unlock(md.mm);
	rcu_barrier();
	/* 256 entries are 16 full leaves and what is above them; halves would be 32. */
	assert_in_range(kmem_cache_inuse(md.mm->machine->mmg->vma_node_cachep), 16, 20);
	mmap_write_lock(md.mm);
	memset(md.owner, 0, sizeof(md.owner));
	model_close(&md);
}

static void test_growth(void **state)
{
	grow(true);
	grow(false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random_edits),
		cmocka_unit_test(test_growth),
		cmocka_unit_test(test_abort_and_failure),
		cmocka_unit_test(test_snapshot),
		cmocka_unit_test(test_hole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
