/* SPDX-License-Identifier: MIT */
/*
 * The age oracle on a serial machine: each kind of object is looked at where
 * readers find it; the law is broken by hand and it objects; and what readers
 * may meet it lets pass.
 *
 * needs: check
 */
#include "check_rig.h"
#include "mm/fault_state.h"
#include "mm/vma_lock.h"
#include "phys/slab.h"
#include "sync/rcu_age.h"

#define LINKED(w, what)	check_ages((w)->f.m, what, RCU_MET_LINKED)

/* ---- each kind is looked at ---- */

static void fault(struct watch *w)
{
	poke(PG(3), 1);
}

static void look_up_locked(struct watch *w)
{
	assert_non_null(vma_at(w->f.mm, PG(1)));
}

static void load_of_file(struct watch *w)
{
	struct file *file = file_create(FILE_REGULAR, 16 * PAGE_SIZE, FMODE_READ);

	map_at(PG(WINDOW), 16, PROT_READ, MAP_PRIVATE, file, 0);
	peek(PG(WINDOW));
	peek(PG(WINDOW + 1));
	assert_int_equal(sys_munmap(PG(WINDOW), 16 * PAGE_SIZE), 0);
	fput(file);
}

static void move_page(struct watch *w)
{
	poke(PG(0), 1);
	assert_int_equal(sys_migrate(PG(0)), 0);
}

static const struct look_row {
	void			(*does)(struct watch *w);
	enum check_object	what;
} look_rows[] = {
	{ fault, CHECK_OBJECT_VMA_NODE },
	{ fault, CHECK_OBJECT_VMA },
	{ fault, CHECK_OBJECT_PAGE_TABLE },
	{ look_up_locked, CHECK_OBJECT_VMA_NODE },
	{ load_of_file, CHECK_OBJECT_INDEX_NODE },
	{ move_page, CHECK_OBJECT_ANON_VMA },
};

static void test_looked_at(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(look_rows); i++) {
		const struct look_row *row = &look_rows[i];
		struct watch w = watch_open();
		u64 linked = LINKED(&w, row->what);
		u64 looks = conclusive_of(&w, CHECK_AGE, row->does(&w));

		linked = LINKED(&w, row->what) - linked;
		if (!linked || looks < linked)
			fail_msg("row %u: %s met %llu times, %llu checks", i,
				 check_object_name(row->what), (unsigned long long)linked,
				 (unsigned long long)looks);
		expect_silence(&w);
		watch_close(&w);
	}
}

/* ---- the law broken by hand ---- */

/*
 * What was replaced, kept by somebody and put back: the root of the VMA tree, and
 * the entry of the PMD.  With it the way to every node, VMA and table below.
 */
struct kept {
	struct vma_node	*root;
	pmd_t		*pmd;
	pmd_t		val;
};

static struct kept keep_and_unmap(struct watch *w)
{
	struct kept kept;

	/* It keeps the upper tables. */
	map_at(PG(1024), 1, RW, ANON, NULL, 0);
	poke(PG(1024), 1);
	kept.root = w->f.mm->mm_vma_root;
	poke(PG(0), 1);
	kept.pmd = pgtable_pmd(&w->f.mm->context, PG(0));
	kept.val = pmdp_get(kept.pmd);
	assert_int_equal(sys_munmap(PG(0), MAPPED * PAGE_SIZE), 0);
	assert_true(pmd_none(pmdp_get(kept.pmd)));
	return kept;
}

/* Runs look() with the old root and the old entry in place. */
static void look_with(struct watch *w, const struct kept *kept, void (*look)(struct watch *w))
{
	struct vma_node *root = w->f.mm->mm_vma_root;

	w->f.mm->mm_vma_root = kept->root;
	set_pmd(kept->pmd, kept->val);
	look(w);
	set_pmd(kept->pmd, __pmd(0));
	w->f.mm->mm_vma_root = root;
}

static void find_node(struct watch *w)
{
	rcu_read_lock();
	assert_non_null(vma_tree_lookup(w->f.mm, PG(0)));
	rcu_read_unlock();
}

static void find_node_locked(struct watch *w)
{
	mmap_read_lock(w->f.mm);
	assert_non_null(vma_tree_lookup(w->f.mm, PG(0)));
	mmap_read_unlock(w->f.mm);
}

static void find_table(struct watch *w)
{
	pte_t *pte = pte_offset_map(pgtable_pmd(&w->f.mm->context, PG(0)), PG(0));

	assert_non_null(pte);
	pte_unmap(pte);
}

static const struct late_row {
	void			(*look)(struct watch *w);
	enum check_object	what;
	const char		*title;
} late_rows[] = {
	{ find_node, CHECK_OBJECT_VMA_NODE,
	  "AGE: a node of the VMA tree is met that was unlinked before the read section began" },
	{ find_node_locked, CHECK_OBJECT_VMA_NODE,
	  "AGE: a node of the VMA tree is met under a lock, and is not linked any more" },
	{ find_table, CHECK_OBJECT_PAGE_TABLE,
	  "AGE: a page table is met that was unlinked before the read section began" },
};

static void test_late(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(late_rows); i++) {
		const struct late_row *row = &late_rows[i];
		struct watch w = watch_open();
		struct kept kept = keep_and_unmap(&w);

		look_with(&w, &kept, row->look);
		expect_finding(&w, FINDING_AGE, row->title);
		assert_true(check_ages(w.f.m, row->what, RCU_MET_LATE) > 0);
		expect_silence(&w);
		watch_close(&w);
	}
}

/* A table above is as gone as one below: who holds a PMD entry by a lock kept neither. */
static void test_upper_table_gone(void **state)
{
	struct watch w = watch_open();
	pmd_t *pmd;

	(void)state;
	poke(PG(0), 1);
	pmd = pgtable_pmd(&w.f.mm->context, PG(0));
	/* Nothing else is in its gigabyte: the PMD table goes too. */
	assert_int_equal(sys_munmap(PG(0), MAPPED * PAGE_SIZE), 0);
	assert_null(pgtable_pmd(&w.f.mm->context, PG(0)));
	assert_null(pte_offset_map(pmd, PG(0)));
	expect_finding(&w, FINDING_AGE,
		       "AGE: a page table is met that was unlinked before the read section began");
	expect_silence(&w);
	watch_close(&w);
}

/*
 * The same in a section begun before: legal, whatever begins meanwhile.  The munmap is
 * another's; here nobody else is, and so its numbers are made those of the future.
 */
static void test_in_time(void **state)
{
	struct watch w = watch_open();
	struct kept kept = keep_and_unmap(&w);
	struct rcu_state *rs = &w.f.m->rcu;
	u64 unlinked = rs->unlinked;

	(void)state;
	rs->unlinked = 0;
	rcu_read_lock();
	rs->unlinked = unlinked;
	look_with(&w, &kept, find_node);
	look_with(&w, &kept, find_table);
	assert_true(check_ages(w.f.m, CHECK_OBJECT_VMA_NODE, RCU_MET_RETIRED) > 0);
	assert_true(check_ages(w.f.m, CHECK_OBJECT_PAGE_TABLE, RCU_MET_RETIRED) > 0);
	rs->in_grace = rs->unlinked;
	look_with(&w, &kept, find_node);
	look_with(&w, &kept, find_table);
	assert_true(check_ages(w.f.m, CHECK_OBJECT_VMA_NODE, RCU_MET_GRACE) > 0);
	assert_true(check_ages(w.f.m, CHECK_OBJECT_PAGE_TABLE, RCU_MET_GRACE) > 0);
	rcu_read_unlock();
	expect_silence(&w);
	watch_close(&w);
}

/* A VMA that left the tree, and then its memory, in the hands of a lookup. */
static void test_vma(void **state)
{
	struct watch w = watch_open();
	struct vm_area_struct *vma = vma_at(w.f.mm, PG(0));

	(void)state;
	watched_unmap(0, MAPPED);
	rcu_read_lock();
	assert_int_equal(rcu_age_meet(&vma->vm_age).how, RCU_MET_LATE);
	rcu_read_unlock();
	/* Type-stable: it is another VMA at once, and linked. */
	watched_map(0, MAPPED, RW);
	if (vma_at(w.f.mm, PG(0)) == vma)
		assert_int_equal(rcu_age_meet(&vma->vm_age).how, RCU_MET_LINKED);
#if !MM_ASAN && !MM_TSAN
	vma = kmem_cache_alloc(w.f.m->mmg->vm_area_cachep, GFP_KERNEL);
	assert_non_null(vma);
	kmem_cache_free_now(w.f.m->mmg->vm_area_cachep, vma);
	rcu_read_lock();
	assert_int_equal(rcu_age_meet(&vma->vm_age).how, RCU_MET_FREED);
	rcu_read_unlock();
#endif
	expect_silence(&w);
	watch_close(&w);
}

/* What it says, for every kind; and that it is silent when it is not asked. */
static void test_titles(void **state)
{
	static const char *const title[NR_CHECK_OBJECTS] = {
		"AGE: a reader meets a freed node of the VMA tree",
		"AGE: a reader meets a freed VMA",
		"AGE: a reader meets a freed page table",
		"AGE: a reader meets a freed node of a page index",
		"AGE: a reader meets a freed anon_vma",
	};
	struct watch w = watch_open();
	struct rcu_age age;
	unsigned int what;

	(void)state;
	rcu_age_freed(&age);
	for (what = 0; what < NR_CHECK_OBJECTS; what++) {
		w.f.m->check->met(what, &age);
		expect_finding(&w, FINDING_AGE, title[what]);
		assert_int_equal(check_ages(w.f.m, what, RCU_MET_FREED), 1);
	}
	check_detach(w.f.m);
	assert_int_equal(check_attach(w.f.m, 1u << CHECK_REFS), 0);
	assert_null(w.f.m->check);
	check_detach(w.f.m);
	assert_int_equal(check_attach(w.f.m, 1u << CHECK_AGE), 0);
	assert_non_null(w.f.m->check->met);
	assert_null(w.f.m->check->access_begin);
	watch_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_looked_at),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_upper_table_gone),
		cmocka_unit_test(test_in_time),
		cmocka_unit_test(test_vma),
		cmocka_unit_test(test_titles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
