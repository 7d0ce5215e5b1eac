/* SPDX-License-Identifier: MIT */
/* room: mm_mm mm_kern */
/* VMA locks, splits that fail, flags; what fail-nth leaves of each call that cuts or merges. */

#include "mm/vma_lock.h"
#include "vma_layout.h"

/* ---- locks ---- */

static void test_lock_under_rcu(void **state)
{
	struct mmfix f = mmfix_open();
	struct vm_area_struct *vma;

	map(0, 4, RW);
	assert_null(lock_vma_under_rcu(f.mm, PG(4)));
	vma = lock_vma_under_rcu(f.mm, PG(2) + 5);
	assert_non_null(vma);
	assert_int_equal(atomic_read(&vma->vm_refcnt), 2);
	vma_end_read(vma);
	assert_int_equal(atomic_read(&vma->vm_refcnt), 1);
	mmfix_close(&f);
}

static void test_writer_shuts_readers_out(void **state)
{
	struct mmfix f = mmfix_open();
	struct vm_area_struct *vma, *other;

	map(0, 2, RW);
	map(4, 2, RW);
	mmap_write_lock(f.mm);
	vma = vma_lookup(f.mm, PG(0));
	vma_start_write(vma);
	assert_null(lock_vma_under_rcu(f.mm, PG(0)));
	/* The other VMA is nobody's. */
	other = lock_vma_under_rcu(f.mm, PG(4));
	assert_non_null(other);
	vma_end_read(other);
	mmap_write_unlock(f.mm);
	/* Releasing mmap_lock has released it too. */
	assert_ptr_equal(lock_vma_under_rcu(f.mm, PG(0)), vma);
	vma_end_read(vma);

	/* So does the downgrade. */
	mmap_write_lock(f.mm);
	vma_start_write(vma);
	mmap_write_downgrade(f.mm);
	assert_ptr_equal(lock_vma_under_rcu(f.mm, PG(0)), vma);
	vma_end_read(vma);
	mmap_read_unlock(f.mm);
	mmfix_close(&f);
}

/* A pointer found before the unmapping leads nowhere after it. */
static void test_detached(void **state)
{
	struct mmfix f = mmfix_open();
	struct vm_area_struct *vma;

	map(0, 2, RW);
	rcu_read_lock();
	vma = vma_tree_lookup(f.mm, PG(0));
	rcu_read_unlock();
	assert_int_equal(unmap(0, 2), 0);
	rcu_read_lock();
	assert_int_equal(PTR_ERR(vma_start_read(f.mm, vma)), -EAGAIN);
	rcu_read_unlock();
	mmfix_close(&f);
}

/* Recycled by another mm: the count goes up and down again, and the answer is no. */
static void test_recycled(void **state)
{
	struct mmfix f = mmfix_open();
	struct mm_struct *other = mm_alloc(f.m, NULL);
	struct vm_area_struct *vma;

	assert_non_null(other);
	assert_int_equal(mm_install_vma(other, PG(0), PG(2), VM_DATA_DEFAULT_FLAGS, PG(0) >> 12,
					NULL, NULL), 0);
	rcu_read_lock();
	vma = vma_tree_lookup(other, PG(0));
	assert_null(vma_start_read(f.mm, vma));
	rcu_read_unlock();
	assert_int_equal(atomic_read(&vma->vm_refcnt), 1);
	assert_int_equal(atomic_read(&other->mm_count), 1);
	mmput(other);
	mmfix_close(&f);
}

/* ---- splits and failures ---- */

static void setup_both_sides(struct mmfix *f)
{
	map(0, 3, RW);
	poke(PG(0), 1);
	poke(PG(1), 1);
	poke(PG(2), 1);
}

static void setup_three(struct mmfix *f)
{
	map(0, 2, RW);
	map(2, 2, READ);
	map(4, 2, RW);
	poke(PG(0), 1);
}

static long call_mprotect_middle(struct mmfix *f)
{
	return protect(1, 1, READ);
}

static long call_mprotect_merge(struct mmfix *f)
{
	return protect(2, 2, RW);
}

static long call_munmap_hole(struct mmfix *f)
{
	return unmap(1, 1);
}

static long call_mmap_over(struct mmfix *f)
{
	return sys_mmap(PG(1), 4 * PAGE_SIZE, RX, ANON | MAP_FIXED, NULL, 0);
}

static long call_mmap_same(struct mmfix *f)
{
	return sys_mmap(PG(1), PAGE_SIZE, RW, ANON | MAP_FIXED, NULL, 0);
}

static long call_mmap_shared(struct mmfix *f)
{
	return sys_mmap(PG(1), PAGE_SIZE, RW, SHANON | MAP_FIXED, NULL, 0);
}

static long call_madvise(struct mmfix *f)
{
	return advise(1, 1, MADV_DONTFORK);
}

static long call_mremap_grow(struct mmfix *f)
{
	return remap(0, 3, 5, 0, 0);
}

static long call_mremap_move(struct mmfix *f)
{
	return remap(1, 1, 1, MREMAP_MAYMOVE | MREMAP_FIXED, 20);
}

static void test_failures(void **state)
{
	fail_nth_sweep(setup_both_sides, call_mprotect_middle);
	fail_nth_sweep(setup_three, call_mprotect_merge);
	fail_nth_sweep(setup_both_sides, call_munmap_hole);
	fail_nth_sweep(setup_three, call_mmap_over);
	fail_nth_sweep(setup_both_sides, call_mmap_same);
	fail_nth_sweep(setup_both_sides, call_mmap_shared);
	fail_nth_sweep(setup_both_sides, call_madvise);
	fail_nth_sweep(setup_both_sides, call_mremap_grow);
}

static void setup_occupied(struct mmfix *f)
{
	setup_both_sides(f);
	map(18, 5, READ);
	map(1000, 2, RW);
	poke(PG(1000), 1);
}

static long call_mremap_far(struct mmfix *f)
{
	/* To where there are no tables, and the tail is cut off first. */
	return remap(0, 3, 2, MREMAP_MAYMOVE | MREMAP_FIXED, 1001);
}

static long call_mremap_dontunmap(struct mmfix *f)
{
	return remap(1, 1, 1, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, 20);
}

static long call_mremap_anywhere(struct mmfix *f)
{
	return remap(0, 3, 6, MREMAP_MAYMOVE, 0);
}

static void test_failures_of_moves(void **state)
{
	fail_nth_sweep(setup_both_sides, call_mremap_move);
	fail_nth_sweep(setup_occupied, call_mremap_move);
	fail_nth_sweep(setup_occupied, call_mremap_far);
	fail_nth_sweep(setup_occupied, call_mremap_dontunmap);
}

static void setup_blocked(struct mmfix *f)
{
	setup_both_sides(f);
	map(3, 1, READ);
}

static void test_failures_of_growth(void **state)
{
	fail_nth_sweep(setup_blocked, call_mremap_anywhere);
}

/* Shared memory with a cut in the middle: both parts stay in the object's tree. */
static void test_split_of_file(void **state)
{
	struct mmfix f = mmfix_open();
	struct file *file = file_create(FILE_SHMEM, 8 * PAGE_SIZE, FMODE_READ | FMODE_WRITE);

	assert_non_null(file);
	map_file(file, 0, 6, RW, MAP_SHARED, 1);
	poke(PG(5), 9);
	assert_int_equal(unmap(2, 1), 0);
	expect_layout(&f, "0-2:rw-s@1 3-6:rw-s@4");
	assert_int_equal(do_truncate(file, 4 * PAGE_SIZE), 0);
	check_counters(f.mm, 0, 0, 0);
	fput(file);
	mmfix_close(&f);
}

static void test_flags_text(void **state)
{
	char buf[64], tiny[4];

	vma_flags_text(VM_READ | VM_WRITE | VM_MAYREAD | VM_ACCOUNT | VM_NOHUGEPAGE, buf,
		       sizeof(buf));
	assert_string_equal(buf, "rd wr mr ac nh");
	vma_flags_text(VM_READ | VM_WRITE, tiny, sizeof(tiny));
	assert_string_equal(tiny, "rd ");
}

static void test_special(void **state)
{
	struct mmfix f = mmfix_open();
	const struct vm_special_mapping *vdso = mm_special_mapping("[vdso]");
	struct vma_view v;

	assert_null(mm_special_mapping("[heap]"));
	assert_int_equal(mm_install_vma(f.mm, PG(0), PG(2), 0, 0, NULL, vdso), 0);
	assert_int_equal(mm_install_vma(f.mm, PG(1), PG(3), 0, 0, NULL, vdso), -EEXIST);
	assert_true(mm_view_vma(f.mm, 0, &v));
	assert_string_equal(v.name, "[vdso]");
	assert_int_equal(unmap(0, 1), -EINVAL);
	assert_int_equal(protect(0, 1, READ), -EINVAL);
	assert_int_equal(remap(0, 2, 1, 0, 0), -EINVAL);
	assert_int_equal(remap(0, 2, 3, 0, 0), -EFAULT);
	assert_true(remap(0, 2, 2, MREMAP_MAYMOVE | MREMAP_FIXED, 10) == (long)PG(10));
	expect_layout(&f, "10-12:r-xp");
	assert_int_equal(unmap(10, 2), 0);
	mmfix_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lock_under_rcu),
		cmocka_unit_test(test_writer_shuts_readers_out),
		cmocka_unit_test(test_detached),
		cmocka_unit_test(test_recycled),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_failures_of_moves),
		cmocka_unit_test(test_failures_of_growth),
		cmocka_unit_test(test_split_of_file),
		cmocka_unit_test(test_flags_text),
		cmocka_unit_test(test_special),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
