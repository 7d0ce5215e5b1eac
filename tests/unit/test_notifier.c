/* SPDX-License-Identifier: MIT */
/* room: mm_mm mm_kern */
/* mmu notifiers: what an observer beside the TLBs is told, of each way to change entries. */

#include "mm_fixture.h"
#include "pgtable/notifier.h"

/* What it was told of the page it watches. */
struct observer {
	struct mmu_notifier	mn;
	unsigned long		addr;
	unsigned int		inside;		/* between a start and its end */
	unsigned int		starts, drops;
	enum mmu_notifier_event	event;		/* of the last start */
};

static bool covers(const struct observer *o, unsigned long start, unsigned long end)
{
	return start <= o->addr && o->addr < end;
}

static void on_start(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	struct observer *o = container_of(mn, struct observer, mn);

	if (!covers(o, r->start, r->end))
		return;
	assert_int_equal(o->inside++, 0);
	o->starts++;
	o->event = r->event;
}

static void on_end(struct mmu_notifier *mn, const struct mmu_notifier_range *r)
{
	struct observer *o = container_of(mn, struct observer, mn);

	if (covers(o, r->start, r->end))
		assert_int_equal(o->inside--, 1);
}

static void on_drop(struct mmu_notifier *mn, unsigned long start, unsigned long end)
{
	struct observer *o = container_of(mn, struct observer, mn);

	o->drops += covers(o, start, end);
}

static const struct mmu_notifier_ops observer_ops = {
	.invalidate_range_start = on_start,
	.invalidate_range_end = on_end,
	.arch_invalidate_secondary_tlbs = on_drop,
};

/* Each to the page PG(1), which this process has written to. */
static long do_munmap_it(void)
{
	return sys_munmap(PG(1), PAGE_SIZE);
}

static long do_zap(void)
{
	return sys_madvise(PG(0), 3 * PAGE_SIZE, MADV_DONTNEED);
}

static long do_protect(void)
{
	return sys_mprotect(PG(1), PAGE_SIZE, PROT_READ);
}

static long do_move(void)
{
	return sys_mremap(PG(1), PAGE_SIZE, PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
			  PG(32)) - (long)PG(32);
}

static long do_migrate(void)
{
	return sys_migrate(PG(1));
}

static long do_store(void)
{
	return user_store(PG(1), 8, 2);
}

static const struct row {
	const char		*name;
	long			(*call)(void);
	bool			shared;		/* with a child */
	enum mmu_notifier_event	event;
	unsigned int		starts;
} rows[] = {
	{ "munmap",	do_munmap_it,	false,	MMU_NOTIFY_UNMAP,		1 },
	{ "DONTNEED",	do_zap,		false,	MMU_NOTIFY_CLEAR,		1 },
	{ "mprotect",	do_protect,	false,	MMU_NOTIFY_PROTECTION_VMA,	1 },
	/* The entries move, and then what is left is unmapped. */
	{ "mremap",	do_move,	false,	MMU_NOTIFY_UNMAP,		2 },
	{ "migration",	do_migrate,	false,	MMU_NOTIFY_CLEAR,		1 },
	{ "COW",	do_store,	true,	MMU_NOTIFY_CLEAR,		1 },
};

static void one_row(const struct row *row, bool watched)
{
	struct observer o = { .mn.ops = &observer_ops, .addr = PG(1) };
	struct mmfix f = mmfix_open();
	struct task_struct *child = NULL;

	map_at(PG(0), 4, RW, ANON, NULL, 0);
	poke(PG(1), 1);
	if (row->shared)
		child = mmfix_task(&f, 2, dup_mm(f.mm));
	mmu_notifier_register(&o.mn, &f.mm->context);
	if (!watched)
		mmu_notifier_unregister(&o.mn, &f.mm->context);
	assert_int_equal(row->call(), 0);
	if (o.starts != (watched ? row->starts : 0) || o.inside || !o.drops == watched ||
	    (watched && o.event != row->event))
		fail_msg("%s: %u starts, %u not ended, %u drops, event %d", row->name, o.starts,
			 o.inside, o.drops, (int)o.event);
	if (watched)
		mmu_notifier_unregister(&o.mn, &f.mm->context);
	if (child)
		mmfix_task_end(&f, child);
	mmfix_close(&f);
}

static void test_told(void **state)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++)
		one_row(&rows[i], true);
}

static void test_not_told_any_more(void **state)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++)
		one_row(&rows[i], false);
}

/* Its pages become read-only in the parent: before the child can be. */
static void test_fork(void **state)
{
	struct observer o = { .mn.ops = &observer_ops, .addr = PG(1) };
	struct mmfix f = mmfix_open();
	struct task_struct *child;

	map_at(PG(0), 4, RW, ANON, NULL, 0);
	poke(PG(1), 1);
	mmu_notifier_register(&o.mn, &f.mm->context);
	child = mmfix_task(&f, 2, dup_mm(f.mm));
	assert_int_equal(o.starts, 1);
	assert_int_equal(o.inside, 0);
	assert_int_equal(o.event, MMU_NOTIFY_PROTECTION_PAGE);
	assert_true(o.drops > 0);
	/* The child's observers are its own. */
	assert_null(child->mm->context.notifiers);
	mmu_notifier_unregister(&o.mn, &f.mm->context);
	mmfix_task_end(&f, child);
	mmfix_close(&f);
}

/* Two of them, one leaves from each end of the list. */
static void test_several(void **state)
{
	struct observer o[3];
	struct mmfix f = mmfix_open();
	unsigned int i, leaves;

	map_at(PG(0), 4, RW, ANON, NULL, 0);
	for (leaves = 0; leaves < 3; leaves++) {
		poke(PG(1), 1);
		for (i = 0; i < 3; i++) {
			o[i] = (struct observer){ .mn.ops = &observer_ops, .addr = PG(1) };
			mmu_notifier_register(&o[i].mn, &f.mm->context);
		}
		mmu_notifier_unregister(&o[leaves].mn, &f.mm->context);
		assert_int_equal(do_zap(), 0);
		for (i = 0; i < 3; i++) {
			assert_int_equal(o[i].starts, i != leaves);
			if (i != leaves)
				mmu_notifier_unregister(&o[i].mn, &f.mm->context);
		}
		assert_null(f.mm->context.notifiers);
	}
	mmfix_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_not_told_any_more),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_several),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
