/* SPDX-License-Identifier: MIT */
/* room: mm_mm mm_kern */
/* dup_mmap and exit_mmap: what the child gets, and that a failing fork leaves no trace. */

#include <errno.h>

#include "mm_fixture.h"

static void test_copies_only_anon_vma(void **state)
{
	struct mmfix f = mmfix_open();
	struct file *file = file_create(FILE_SHMEM, 4 * PAGE_SIZE, FMODE_READ | FMODE_WRITE);
	struct mm_struct *mm;

	map_at(AT, 4, RW, ANON, NULL, 0);
	peek(AT);				/* zero page only: not copied */
	map_at(PG(16), 4, RW, MAP_PRIVATE, file, 0);
	peek(PG(16));				/* file page in a VMA ... */
	poke(PG(17), 1);			/* ... that has an anon_vma: copied */
	map_at(PG(32), 4, RW, MAP_SHARED, file, 0);
	poke(PG(34), 2);			/* shared: faulted in again */
	mm = dup_mm(f.mm);
	assert_false(IS_ERR(mm));
	assert_true(pte_none(pte_of(mm, AT)));
	assert_true(pte_present(pte_of(mm, PG(16))));
	assert_true(pte_present(pte_of(mm, PG(17))));
	assert_true(pte_none(pte_of(mm, PG(34))));
	check_counters(mm, 1, 0, get_mm_counter(f.mm, MM_SHMEMPAGES) - 1);
	assert_int_equal(mm->map_count, f.mm->map_count);
	assert_int_equal(mm->total_vm, f.mm->total_vm);
	assert_int_equal(mm->data_vm, f.mm->data_vm);
	mmap_read_lock(mm);
	assert_null(vma_tree_check(mm, &(unsigned long){ 0 }));
	mmap_read_unlock(mm);
	mmput(mm);
	fput(file);
	mmfix_close(&f);
}

static void test_dontfork_wipeonfork(void **state)
{
	struct mmfix f = mmfix_open();
	struct task_struct *child;

	map_at(AT, 1, RW, ANON, NULL, 0);
	map_at(PG(4), 1, RW, ANON, NULL, 0);
	poke(AT, 1);
	poke(PG(4), 2);
	assert_int_equal(sys_madvise(AT, PAGE_SIZE, MADV_DONTFORK), 0);
	assert_int_equal(sys_madvise(PG(4), PAGE_SIZE, MADV_WIPEONFORK), 0);
	child = mmfix_task(&f, 2, dup_mm(f.mm));
	kern_switch_to(child);
	assert_null(vma_at(child->mm, AT));
	assert_int_equal(peek(PG(4)), 0);
	assert_true(vma_at(child->mm, PG(4))->vm_flags & VM_WIPEONFORK);
	mmfix_task_end(&f, child);
	assert_int_equal(peek(PG(4)), 2);
	mmfix_close(&f);
}

/* Shared memory stays shared, anonymous or not. */
static void test_shared_anonymous(void **state)
{
	struct mmfix f = mmfix_open();
	struct task_struct *child;

	map_at(AT, 4, RW, MAP_SHARED | MAP_ANONYMOUS, NULL, 0);
	poke(AT, 1);
	child = mmfix_task(&f, 2, dup_mm(f.mm));
	kern_switch_to(child);
	assert_int_equal(peek(AT), 1);
	poke(PG(1), 2);
	kern_switch_to(f.task);
	assert_int_equal(peek(PG(1)), 2);
	check_counters(f.mm, 0, 0, 2);
	mmfix_task_end(&f, child);
	mmfix_close(&f);
}

/* Fail the 1st, 2nd, ... allocation of a fork until none is left to fail. */
static void test_fail_nth(void **state)
{
	struct mmfix f = mmfix_open();
	struct file *file = file_create(FILE_REGULAR, 8 * PAGE_SIZE, FMODE_READ | FMODE_WRITE);
	unsigned long before;
	unsigned int n, failed = 0;
	u64 i;

	for (i = 0; i < 6; i++) {
		map_at(PG(i * 600), 4, RW, ANON, NULL, 0);
		poke(PG(i * 600), i);
	}
	map_at(PG(4000), 8, RW, MAP_PRIVATE, file, 0);
	poke(PG(4001), 1);
	before = mmfix_free(f.m);
	for (n = 1; ; n++) {
		struct fail_nth nth;
		struct mm_struct *mm;
		bool fired;

		fail_nth_begin(&nth, n, FAIL_SCOPE_ALL);
		mm = dup_mm(f.mm);
		fired = fail_nth_end(&nth);
		if (!IS_ERR(mm)) {
			mmput(mm);
			if (!fired)
				break;
		} else {
			assert_int_equal(PTR_ERR(mm), -ENOMEM);
			failed++;
		}
		assert_int_equal(mmfix_free(f.m), before);
		check_rss(f.mm);
		for (i = 0; i < 6; i++)
			assert_int_equal(peek(PG(i * 600)), i);
	}
	assert_true(failed > 20);
	assert_int_equal(mmfix_free(f.m), before);
	for (i = 0; i < 6; i++)
		poke(PG(i * 600), i + 1);
	fput(file);
	mmfix_close(&f);
}

/* A chain of forks in which each parent exits: the reuse rule keeps it short. */
static void test_chain_reuses_anon_vma(void **state)
{
	struct mmfix f = mmfix_open();
	struct task_struct *task = f.task, *child;
	unsigned long in_use = 0;
	u64 i;

	map_at(AT, 1, RW, ANON, NULL, 0);
	poke(AT, 0);
	for (i = 1; i <= 40; i++) {
		child = mmfix_task(&f, i + 1, dup_mm(task->mm));
		kern_switch_to(child);
		poke(AT, i);
		if (task != f.task)
			task_free(task);
		task = child;
		if (i == 20)
			in_use = list_count_nodes(&vma_at(task->mm, AT)->anon_vma_chain);
	}
	assert_int_equal(peek(AT), 40);
	assert_true(in_use < 10);
	assert_true(list_count_nodes(&vma_at(task->mm, AT)->anon_vma_chain) <= in_use);
	mmfix_task_end(&f, task);
	assert_int_equal(peek(AT), 0);
	mmfix_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_copies_only_anon_vma),
		cmocka_unit_test(test_dontfork_wipeonfork),
		cmocka_unit_test(test_shared_anonymous),
		cmocka_unit_test(test_fail_nth),
		cmocka_unit_test(test_chain_reuses_anon_vma),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
