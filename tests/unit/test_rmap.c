/* SPDX-License-Identifier: MIT */
/* room: mm_mm mm_kern */
/* anon_vma families: who is linked where, and what a walk finds. */

#include <errno.h>
#include <stdlib.h>

#include "base/prng.h"
#include "mm/interval_tree.h"
#include "mm_fixture.h"

/* ---- the interval tree against a plain list ---- */

#define NR_VMAS 120

static bool overlaps(const struct vm_area_struct *vma, unsigned long first, unsigned long last)
{
	return vma->vm_pgoff <= last && vma->vm_pgoff + vma_pages(vma) - 1 >= first;
}

static void check_query(struct rb_root_cached *root, struct vm_area_struct *vmas, bool *in,
			unsigned long first, unsigned long last)
{
	struct vm_area_struct *vma;
	unsigned long seen = 0, expect = 0, prev = 0;
	unsigned int i;

	for (i = 0; i < NR_VMAS; i++)
		expect += in[i] && overlaps(&vmas[i], first, last);
	vma_interval_tree_foreach(vma, root, first, last) {
		assert_true(in[vma - vmas] && overlaps(vma, first, last));
		assert_true(vma->vm_pgoff >= prev);
		prev = vma->vm_pgoff;
		seen++;
	}
	assert_int_equal(seen, expect);
}

static void test_interval_tree(void **state)
{
	static struct vm_area_struct vmas[NR_VMAS];
	static bool in[NR_VMAS];
	struct rb_root_cached root = RB_ROOT_CACHED;
	unsigned long i;

	for (i = 0; i < 20000; i++) {
		unsigned long k = hash64(3, 0, i) % NR_VMAS, at = hash64(3, 1, i) % 300;

		if (in[k]) {
			vma_interval_tree_remove(&vmas[k], &root);
		} else {
			vmas[k].vm_start = 0;
			vmas[k].vm_end = (1 + hash64(3, 2, i) % 40) * PAGE_SIZE;
			vmas[k].vm_pgoff = at;
			vma_interval_tree_insert(&vmas[k], &root);
		}
		in[k] = !in[k];
		at = hash64(3, 3, i) % 320;
		check_query(&root, vmas, in, at, at + hash64(3, 4, i) % 20);
	}
}

/* ---- walks ---- */

struct seen {
	unsigned int vmas;	/* visited */
	unsigned int mapped;	/* that map the page */
};

static bool count_one(struct page *page, struct vm_area_struct *vma, unsigned long addr,
		      void *arg)
{
	struct page_vma_mapped_walk pvmw = {
		.pfn = page_to_pfn(page), .vma = vma, .address = addr,
	};
	struct seen *seen = arg;

	seen->vmas++;
	while (page_vma_mapped_walk(&pvmw))
		seen->mapped++;
	return true;
}

static struct seen walk(struct page *page)
{
	struct seen seen = { 0 };
	struct rmap_walk_control rwc = { .rmap_one = count_one, .arg = &seen };

	lock_page(page);
	rmap_walk_anon(page, &rwc);
	unlock_page(page);
	return seen;
}

static void test_walk_finds_every_process(void **state)
{
	struct mmfix f = mmfix_open();
	struct task_struct *child[4];
	struct page *page, *own;
	struct seen seen;
	unsigned int i;

	map_at(AT, 2, RW, ANON, NULL, 0);
	poke(AT, 1);
	page = page_of(f.mm, AT);
	for (i = 0; i < 4; i++)
		child[i] = mmfix_task(&f, 2 + i, dup_mm(f.mm));
	seen = walk(page);
	assert_int_equal(seen.vmas, 5);
	assert_int_equal(seen.mapped, 5);
	/* What a child makes is looked for in the child alone. */
	kern_switch_to(child[1]);
	poke(AT, 2);
	own = page_of(child[1]->mm, AT);
	seen = walk(own);
	assert_int_equal(seen.vmas, 1);
	assert_int_equal(seen.mapped, 1);
	seen = walk(page);
	assert_int_equal(seen.vmas, 5);
	assert_int_equal(seen.mapped, 4);
	for (i = 0; i < 4; i++)
		mmfix_task_end(&f, child[i]);
	seen = walk(page);
	assert_int_equal(seen.vmas, 1);
	mmfix_close(&f);
}

static void test_split_and_merge_keep_links(void **state)
{
	struct mmfix f = mmfix_open();
	struct anon_vma *anon_vma;
	struct page *page;

	map_at(AT, 6, RW, ANON, NULL, 0);
	poke(PG(2), 1);
	page = page_of(f.mm, PG(2));
	anon_vma = vma_at(f.mm, PG(2))->anon_vma;
	assert_int_equal(anon_vma->num_active_vmas, 1);
	assert_int_equal(sys_mprotect(PG(2), 2 * PAGE_SIZE, PROT_READ), 0);
	assert_int_equal(anon_vma->num_active_vmas, 3);
	assert_int_equal(walk(page).mapped, 1);
	assert_int_equal(sys_mprotect(PG(2), 2 * PAGE_SIZE, RW), 0);
	assert_int_equal(anon_vma->num_active_vmas, 1);
	assert_int_equal(walk(page).vmas, 1);
	assert_int_equal(sys_munmap(PG(4), PAGE_SIZE), 0);
	assert_int_equal(anon_vma->num_active_vmas, 2);
	mmfix_close(&f);
}

static void test_lookup_through_page(void **state)
{
	struct mmfix f = mmfix_open();
	struct anon_vma *anon_vma;
	struct page *page;

	map_at(AT, 1, RW, ANON, NULL, 0);
	poke(AT, 1);
	page = page_of(f.mm, AT);
	get_page(page);
	anon_vma = page_get_anon_vma(page);
	assert_ptr_equal(anon_vma, vma_at(f.mm, AT)->anon_vma);
	put_anon_vma(anon_vma);
	/* Unmapped: its anon_vma may be anybody's now, so there is none. */
	assert_int_equal(sys_munmap(AT, PAGE_SIZE), 0);
	assert_null(page_get_anon_vma(page));
	put_page(page);
	mmfix_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interval_tree),
		cmocka_unit_test(test_walk_finds_every_process),
		cmocka_unit_test(test_split_and_merge_keep_links),
		cmocka_unit_test(test_lookup_through_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
