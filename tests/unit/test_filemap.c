/* SPDX-License-Identifier: MIT */
/* room: mm_mm mm_kern */
/* The page cache and its index; mappings of files, shared and private. */

#include <errno.h>
#include <string.h>

#include "base/compiler.h"
#include "base/prng.h"
#include "mm/fault_state.h"
#include "mm/page_index.h"
#include "mm_fixture.h"

#define NR_KEYS 400

/* The index against an array, with offsets of every height. */
static void test_index_random(void **state)
{
	struct mmfix f = mmfix_open();
	static unsigned long key[NR_KEYS];
	static bool present[NR_KEYS];
	static struct page dummy[NR_KEYS];
	struct page_index index;
	unsigned long i, k, n = 0;

	page_index_init(&index, this_fault_state()->index_cachep);
	for (k = 0; k < NR_KEYS; k++) {
		key[k] = hash64(7, 0, k) >> (hash64(7, 1, k) % 63);
		for (i = 0; i < k; i++)
			if (key[i] == key[k])
				key[k] = hash64(7, 2, k);
		present[k] = false;
	}
	for (i = 0; i < 20000; i++) {
		struct page_index_prealloc pre = { NULL, 0 };
		int err;

		k = hash64(7, 3, i) % NR_KEYS;
		if (hash64(7, 4, i) % 2) {
			assert_ptr_equal(page_index_erase(&index, key[k]),
					 present[k] ? &dummy[k] : NULL);
			n -= present[k];
			present[k] = false;
			continue;
		}
		assert_int_equal(page_index_prealloc(&index, key[k], &pre), 0);
		err = page_index_insert(&index, key[k], &dummy[k], &pre);
		assert_int_equal(err, present[k] ? -EEXIST : 0);
		page_index_prealloc_free(&index, &pre);
		n += !present[k];
		present[k] = true;
		assert_ptr_equal(page_index_load(&index, key[k]), &dummy[k]);
	}
	/* In order, all of them. */
	for (i = 0, k = 0; ; i++, k++) {
		unsigned long at = i;
		struct page *page = page_index_find(&index, &at, ~0UL);

		if (!page)
			break;
		assert_true(present[page - dummy] && key[page - dummy] == at);
		assert_true(at >= i);
		i = at;
		if (at == ~0UL)
			break;
	}
	assert_int_equal(k, n);
	for (k = 0; k < NR_KEYS; k++)
		page_index_erase(&index, key[k]);
	assert_null(index.root);
	mmfix_close(&f);
}

/*
 * Just @nr nodes.  An index takes two for each level that an offset needs and that it does
 * not have, less those that it has; what it gets depends on what is in it.
 */
static void take_nodes(struct kmem_cache *cache, unsigned int nr,
		       struct page_index_prealloc *pre)
{
	unsigned long there = nr == 1 ? PAGE_INDEX_SLOTS : 0, offset = 0;
	struct page_index_prealloc own = { NULL, 0 };
	static struct page dummy;
	struct page_index donor;

	page_index_init(&donor, cache);
	if (nr % 2) {
		assert_int_equal(page_index_prealloc(&donor, there, &own), 0);
		assert_int_equal(page_index_insert(&donor, there, &dummy, &own), 0);
		page_index_prealloc_free(&donor, &own);
	}
	if (nr > 1)
		offset = 1UL << PAGE_INDEX_SHIFT * ((nr + 1) / 2 - 1);
	if (nr)
		assert_int_equal(page_index_prealloc(&donor, offset, pre), 0);
	assert_int_equal(pre->nr, nr);
	page_index_erase(&donor, there);
}

/* So many nodes as @offset may need, less @missing. */
static struct page_index_prealloc nodes_for(struct page_index *index, unsigned long offset,
					    unsigned int missing, unsigned int *need)
{
	struct page_index_prealloc pre = { NULL, 0 };

	assert_int_equal(page_index_prealloc(index, offset, &pre), 0);
	*need = pre.nr;
	if (missing) {
		page_index_prealloc_free(index, &pre);
		take_nodes(index->cache, *need > missing ? *need - missing : 0, &pre);
	}
	return pre;
}

static int insert(struct page_index *index, unsigned long offset, struct page *page,
		  unsigned int missing, unsigned int *need)
{
	struct page_index_prealloc pre = nodes_for(index, offset, missing, need);
	int err = page_index_insert(index, offset, page, &pre);

	page_index_prealloc_free(index, &pre);
	return err;
}

/*
 * The tree was another when nodes for the insertion were taken: they are too few, and
 * what it has built by then goes again.
 */
static void one_too_few(struct page_index *index, unsigned long old, unsigned long new)
{
	static struct page dummy[2];
	unsigned int missing, need, unused;
	int err;

	for (missing = 1, need = 1; missing <= need; missing++) {
		assert_int_equal(insert(index, old, &dummy[0], 0, &unused), 0);
		err = insert(index, new, &dummy[1], missing, &need);
		/* It may do with fewer than it may need; with none it cannot. */
		assert_true(err == (need ? -EAGAIN : 0) || (!err && missing < need));
		assert_ptr_equal(page_index_load(index, old), &dummy[0]);
		assert_ptr_equal(page_index_erase(index, new), err ? NULL : &dummy[1]);
		assert_ptr_equal(page_index_erase(index, old), &dummy[0]);
		if (index->root)
			fail_msg("%lu beside %lu: %u of %u nodes missing: some are left", new,
				 old, missing, need);
	}
}

static void test_index_with_too_few_nodes(void **state)
{
	static const unsigned long keys[] = { 0, 5, 64, 1UL << 18, (1UL << 28) + 7 };
	struct mmfix f = mmfix_open();
	struct page_index index;
	unsigned int i, k;

	page_index_init(&index, this_fault_state()->index_cachep);
	for (i = 0; i < ARRAY_SIZE(keys); i++)
		for (k = 0; k < ARRAY_SIZE(keys); k++)
			if (i != k)
				one_too_few(&index, keys[i], keys[k]);
	mmfix_close(&f);
}

static void test_read_write(void **state)
{
	struct mmfix f = mmfix_open();
	struct file *file = file_create(FILE_REGULAR, 0, FMODE_READ | FMODE_WRITE);
	char out[64] = { 0 };

	assert_int_equal(file_read(file, out, 8, 0), 0);
	assert_int_equal(file_write(file, "across", 6, PAGE_SIZE - 3), 6);
	assert_int_equal(i_size_read(file_inode(file)), PAGE_SIZE + 3);
	assert_int_equal(file_read(file, out, 64, PAGE_SIZE - 4), 7);
	assert_memory_equal(out, "\0across", 7);
	assert_int_equal(file_inode(file)->i_data.nrpages, 2);
	/* A hole reads as zero and is not filled by it. */
	assert_int_equal(file_write(file, "x", 1, 10 * PAGE_SIZE), 1);
	assert_int_equal(file_read(file, out, 8, 5 * PAGE_SIZE), 8);
	assert_memory_equal(out, "\0\0\0\0\0\0\0\0", 8);
	assert_int_equal(file_inode(file)->i_data.nrpages, 3);
	fput(file);
	mmfix_close(&f);
}

static void test_shared_mapping(void **state)
{
	struct mmfix f = mmfix_open();
	struct file *file = file_create(FILE_REGULAR, 4 * PAGE_SIZE, FMODE_READ | FMODE_WRITE);
	u64 v;

	map_at(AT, 4, RW, MAP_SHARED, file, 0);
	map_at(PG(8), 2, PROT_READ, MAP_SHARED, file, 2 * PAGE_SIZE);
	poke(PG(2) + 8, 55);
	assert_int_equal(peek(PG(8) + 8), 55);
	assert_ptr_equal(page_of(f.mm, PG(2)), page_of(f.mm, PG(8)));
	assert_int_equal(page_mapcount(page_of(f.mm, PG(2))), 2);
	assert_true(PageDirty(page_of(f.mm, PG(2))));
	assert_int_equal(file_read(file, &v, 8, 2 * PAGE_SIZE + 8), 8);
	assert_int_equal(v, 55);
	v = 56;
	assert_int_equal(file_write(file, &v, 8, 2 * PAGE_SIZE + 8), 8);
	assert_int_equal(peek(PG(2) + 8), 56);
	check_counters(f.mm, 0, 2, 0);
	fput(file);
	/* The mapping keeps the file. */
	assert_int_equal(peek(PG(2) + 8), 56);
	mmfix_close(&f);
}

static void test_past_the_end(void **state)
{
	struct mmfix f = mmfix_open();
	struct file *file = file_create(FILE_SHMEM, PAGE_SIZE + 100, FMODE_READ | FMODE_WRITE);
	u64 v;

	map_at(AT, 4, RW, MAP_SHARED, file, 0);
	map_at(PG(8), 4, RW, MAP_PRIVATE, file, 0);
	assert_int_equal(peek(PG(1)), 0);
	expect_signal(user_load(PG(2), 8, &v), MM_SIGBUS, MM_BUS_ADRERR, PG(2));
	expect_signal(user_store(PG(11), 8, 1), MM_SIGBUS, MM_BUS_ADRERR, PG(11));
	fput(file);
	mmfix_close(&f);
}

/*
 * A read fault maps what is cached of 16 pages, which begin at the aligned window's start or at
 * the VMA's, whichever is later (as do_fault_around does).
 */
static void test_fault_around(void **state)
{
	struct mmfix f = mmfix_open();
	struct file *file = file_create(FILE_SHMEM, 64 * PAGE_SIZE, FMODE_READ | FMODE_WRITE);
	unsigned long i, mapped = 0;

	for (i = 0; i < 64; i += 2)
		assert_int_equal(file_write(file, "a", 1, i * PAGE_SIZE), 1);
	map_at(PG(4), 40, PROT_READ, MAP_SHARED, file, 4 * PAGE_SIZE);
	peek(PG(10));
	for (i = 4; i < 44; i++) {
		bool is = pte_present(pte_of(f.mm, PG(i)));

		assert_int_equal(is, i < 20 && i % 2 == 0);
		mapped += is;
	}
	check_counters(f.mm, 0, 0, (long)mapped);
	/* A hole is filled alone. */
	peek(PG(33));
	assert_true(pte_present(pte_of(f.mm, PG(32))));
	assert_true(pte_present(pte_of(f.mm, PG(33))));
	assert_false(pte_present(pte_of(f.mm, PG(35))));
	fput(file);
	mmfix_close(&f);
}

/* A write to a read-faulted shared page: writable at once, or by reuse. */
static void test_shared_write_after_read(void **state)
{
	struct mmfix f = mmfix_open();
	struct file *file = file_create(FILE_SHMEM, 4 * PAGE_SIZE, FMODE_READ | FMODE_WRITE);

	map_at(AT, 1, RW, MAP_SHARED, file, 0);
	peek(AT);
	poke(AT, 1);
	assert_int_equal(sys_mprotect(AT, PAGE_SIZE, PROT_READ), 0);
	assert_int_equal(sys_mprotect(AT, PAGE_SIZE, RW), 0);
	poke(AT, 2);
	assert_int_equal(peek(AT), 2);
	check_counters(f.mm, 0, 0, 1);
	fput(file);
	mmfix_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_index_random),
		cmocka_unit_test(test_index_with_too_few_nodes),
		cmocka_unit_test(test_read_write),
		cmocka_unit_test(test_shared_mapping),
		cmocka_unit_test(test_past_the_end),
		cmocka_unit_test(test_fault_around),
		cmocka_unit_test(test_shared_write_after_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
