/* SPDX-License-Identifier: MIT */
/*
 * The expected state itself: what calls make of it when they succeed, fail,
 * overlap or move, what a child is given of it, and what stores leave in it.
 * Calls are told, not done: only the shadow is looked at.
 *
 * needs: check
 */
#include "check_rig.h"

#define KNOWN_RW	(WORD_KNOWN | WORD_READ | WORD_WRITE)

static struct shadow_page *at(unsigned long page)
{
	return shadow(current, page);
}

static void expect_page(unsigned long page, u8 rights, enum check_backing backing)
{
	assert_int_equal(at(page)->rights, rights);
	assert_int_equal(at(page)->backing, backing);
	assert_int_equal(at(page)->pending, 0);
}

static void expect_unknown(unsigned long page)
{
	expect_page(page, 0, CHECK_BACK_NONE);
}

/* All slots of a page, or the one. */
static void expect_slots(const struct shadow_page *page, u64 lo, u64 hi)
{
	unsigned int i;

	for (i = 0; i < CHECK_SLOTS; i++) {
		assert_true(page->slot[i].lo == lo);
		assert_true(page->slot[i].hi == hi);
	}
}

static const struct shadow_slot *own_slot(unsigned long page)
{
	return &at(page)->slot[check_slot_offset(current) / 8];
}

/* ---- calls that succeed ---- */

static void test_map(void **state)
{
	struct watch w = watch_open();
	struct check_call call = told(CHECK_EFFECT_MAP, 20, 2);

	(void)state;
	expect_page(19, WORD_KNOWN, CHECK_BACK_NONE);
	tell_map(20, 2, PROT_READ, CHECK_BACK_ANON);
	expect_page(20, WORD_KNOWN | WORD_READ, CHECK_BACK_ANON);
	expect_page(21, WORD_KNOWN | WORD_READ, CHECK_BACK_ANON);
	expect_page(22, WORD_KNOWN, CHECK_BACK_NONE);
	expect_slots(at(20), 0, 0);
	/* x86 reads what it may write or run. */
	tell_map(20, 1, PROT_WRITE, CHECK_BACK_FILE);
	expect_page(20, KNOWN_RW, CHECK_BACK_FILE);
	expect_slots(at(20), SLOT_UNKNOWN, SLOT_UNKNOWN);
	tell_map(20, 1, PROT_EXEC, CHECK_BACK_SHARED);
	expect_page(20, WORD_KNOWN | WORD_READ | WORD_EXEC, CHECK_BACK_SHARED);
	tell_map(20, 1, 0, CHECK_BACK_ANON);
	expect_page(20, WORD_KNOWN, CHECK_BACK_ANON);
	tell_map(20, 1, PROT_SEM, CHECK_BACK_ANON);
	expect_page(20, WORD_KNOWN, CHECK_BACK_ANON);
	/* A hint that led elsewhere changes nothing here. */
	call.fixed = false;
	tell(call, (long)PG(200));
	expect_page(20, WORD_KNOWN, CHECK_BACK_ANON);
	tell(told(CHECK_EFFECT_UNMAP, 20, 1), 0);
	expect_page(20, WORD_KNOWN, CHECK_BACK_NONE);
	expect_page(21, WORD_KNOWN | WORD_READ, CHECK_BACK_ANON);
	watch_close(&w);
}

static void test_protect_and_zero(void **state)
{
	struct watch w = watch_open();
	struct check_call call = told(CHECK_EFFECT_PROTECT, 2, 2);
	u64 tag;

	(void)state;
	tag = store_tag(&w, 2);
	call.prot = PROT_READ;
	tell(call, 0);
	expect_page(2, WORD_KNOWN | WORD_READ, CHECK_BACK_ANON);
	expect_page(4, KNOWN_RW, CHECK_BACK_ANON);
	assert_true(own_slot(2)->hi == tag);
	tell(told(CHECK_EFFECT_NONE, 2, 2), 0);
	assert_true(own_slot(2)->hi == tag);
	tell(told(CHECK_EFFECT_ZERO, 2, 2), 0);
	expect_slots(at(2), 0, 0);
	tell_map(10, 1, PROT_READ, CHECK_BACK_SHARED);
	shadow_own_slots(at(10))[0].lo = at(10)->own[0].hi = tag;
	tell(told(CHECK_EFFECT_ZERO, 10, 1), 0);
	expect_slots(at(10), SLOT_UNKNOWN, SLOT_UNKNOWN);
	watch_close(&w);
}

/* ---- calls that fail ---- */

static void test_failures(void **state)
{
	struct watch w = watch_open();
	u64 tag = 0;

	(void)state;
	tag = store_tag(&w, 2);
	/* All or nothing: nothing. */
	tell(told(CHECK_EFFECT_MAP, 2, 1), -ENOMEM);
	tell(told(CHECK_EFFECT_UNMAP, 2, 1), -EINVAL);
	expect_page(2, KNOWN_RW, CHECK_BACK_ANON);
	assert_true(own_slot(2)->hi == tag);
	/* Half way, perhaps. */
	tell(told(CHECK_EFFECT_PROTECT, 2, 1), -ENOMEM);
	assert_false(at(2)->rights & WORD_KNOWN);
	assert_true(own_slot(2)->hi == tag);
	tell(told(CHECK_EFFECT_PROTECT, 2, 1), 0);
	assert_false(at(2)->rights & WORD_KNOWN);
	tell(told(CHECK_EFFECT_ZERO, 2, 1), -ENOMEM);
	expect_slots(at(2), SLOT_UNKNOWN, SLOT_UNKNOWN);
	tell(told(CHECK_EFFECT_ANY, 3, 1), 0);
	expect_unknown(3);
	tell_map(2, 2, PROT_READ | PROT_WRITE, CHECK_BACK_ANON);
	expect_page(2, KNOWN_RW, CHECK_BACK_ANON);
	watch_close(&w);
}

/* ---- overlap ---- */

static void test_overlap(void **state)
{
	struct watch w = watch_open();
	struct task_struct *other;
	struct check_call a = told(CHECK_EFFECT_UNMAP, 1, 3), b = told(CHECK_EFFECT_MAP, 3, 2);

	(void)state;
	mmget(w.f.mm);
	other = mmfix_task(&w.f, 2, w.f.mm);
	assert_int_equal(check_task_start(other), 0);
	check_call_begin(current, &a);
	check_call_begin(other, &b);
	assert_int_equal(at(3)->pending, 2);
	tell_end(&a, 0);
	check_call_end(other, &b, (long)PG(3));
	expect_page(1, WORD_KNOWN, CHECK_BACK_NONE);
	expect_page(2, WORD_KNOWN, CHECK_BACK_NONE);
	expect_unknown(3);
	expect_page(4, KNOWN_RW, CHECK_BACK_ANON);
	/* One inside the other's time, in either order. */
	check_call_begin(current, &a);
	check_call_begin(other, &b);
	check_call_end(other, &b, (long)PG(3));
	tell_end(&a, 0);
	expect_unknown(3);
	/* A failure beside it: the winner was not alone all the same. */
	tell_map(1, 4, PROT_READ | PROT_WRITE, CHECK_BACK_ANON);
	check_call_begin(current, &a);
	check_call_begin(other, &b);
	check_call_end(other, &b, -ENOMEM);
	tell_end(&a, 0);
	expect_page(2, WORD_KNOWN, CHECK_BACK_NONE);
	expect_unknown(3);
	check_task_exit(other);
	mmfix_task_end(&w.f, other);
	watch_close(&w);
}

/* Parts outside the window, the wrong way round, or in the middle of a page. */
static void test_clip(void **state)
{
	struct watch w = watch_open();
	struct check_call call = told(CHECK_EFFECT_UNMAP, 0, 2);

	(void)state;
	call.start = PG(0) - 4 * PAGE_SIZE;
	call.len = 5 * PAGE_SIZE;
	tell(call, 0);
	expect_page(0, WORD_KNOWN, CHECK_BACK_NONE);
	expect_page(1, KNOWN_RW, CHECK_BACK_ANON);
	call.len = 4 * PAGE_SIZE;
	tell(call, 0);
	expect_page(1, KNOWN_RW, CHECK_BACK_ANON);
	call.start = PG(2);
	call.len = 1;
	tell(call, 0);
	expect_page(2, WORD_KNOWN, CHECK_BACK_NONE);
	expect_page(3, KNOWN_RW, CHECK_BACK_ANON);
	tell_map(WINDOW - 2, 10, PROT_READ, CHECK_BACK_ANON);
	expect_page(WINDOW - 1, WORD_KNOWN | WORD_READ, CHECK_BACK_ANON);
	assert_null(shadow_page_at(((struct check_task *)current->check)->mm, PG(WINDOW)));
	call.start = PG(5);
	call.len = ~0UL;
	tell(call, -EINVAL);
	expect_page(5, KNOWN_RW, CHECK_BACK_ANON);
	tell(told(CHECK_EFFECT_UNMAP, 6, 0), 0);
	expect_page(6, KNOWN_RW, CHECK_BACK_ANON);
	watch_close(&w);
}

/* ---- moves ---- */

static struct check_call told_move(unsigned long from, unsigned long pages, unsigned long to)
{
	struct check_call call = told(CHECK_EFFECT_MOVE, from, pages);

	call.to = PG(to);
	call.to_len = call.len;
	return call;
}

static void test_move(void **state)
{
	struct watch w = watch_open();
	u64 tag;

	(void)state;
	tag = store_tag(&w, 1);
	tell(told(CHECK_EFFECT_UNMAP, 2, 1), 0);
	tell_map(32, 3, PROT_READ, CHECK_BACK_SHARED);
	tell(told_move(1, 3, 32), (long)PG(32));
	expect_page(1, WORD_KNOWN, CHECK_BACK_NONE);
	expect_page(3, WORD_KNOWN, CHECK_BACK_NONE);
	expect_page(32, KNOWN_RW, CHECK_BACK_ANON);
	expect_page(34, KNOWN_RW, CHECK_BACK_ANON);
	assert_true(own_slot(32)->lo == tag && own_slot(32)->hi == tag);
	/* A hole moves nothing onto what is there. */
	expect_page(33, WORD_KNOWN | WORD_READ, CHECK_BACK_SHARED);
	/* What was not known is not known at the new place, nor at the old. */
	tell(told(CHECK_EFFECT_ANY, 4, 1), 0);
	tell(told_move(4, 1, 33), (long)PG(33));
	expect_unknown(4);
	expect_unknown(33);
	watch_close(&w);
}

static void test_move_doubts(void **state)
{
	struct watch w = watch_open();
	struct check_call call;

	(void)state;
	tell(told_move(0, 1, 32), -ENOMEM);
	expect_unknown(0);
	expect_unknown(32);
	call = told_move(1, 1, 33);
	call.to_len = 2 * PAGE_SIZE;
	tell(call, (long)PG(33));
	expect_unknown(1);
	expect_unknown(34);
	call = told_move(2, 1, 35);
	call.keeps = true;
	tell(call, (long)PG(35));
	expect_unknown(2);
	expect_unknown(35);
	/* It went elsewhere. */
	tell(told_move(3, 1, 36), (long)PG(40));
	expect_unknown(3);
	expect_unknown(36);
	/* A stack may be what looks like a hole. */
	call = told(CHECK_EFFECT_MAP, 50, 1);
	call.grows = true;
	tell(call, (long)PG(50));
	tell(told_move(4, 1, 37), (long)PG(37));
	expect_unknown(4);
	expect_unknown(37);
	watch_close(&w);
}

/* Another call on either side while it was under way. */
static void test_move_overlap(void **state)
{
	struct watch w = watch_open();
	struct check_call move = told_move(0, 2, 32), b = told(CHECK_EFFECT_PROTECT, 33, 1);
	struct task_struct *other;

	(void)state;
	mmget(w.f.mm);
	other = mmfix_task(&w.f, 2, w.f.mm);
	assert_int_equal(check_task_start(other), 0);
	check_call_begin(current, &move);
	check_call_begin(other, &b);
	check_call_end(other, &b, 0);
	tell_end(&move, (long)PG(32));
	expect_unknown(0);
	expect_unknown(1);
	expect_unknown(32);
	expect_unknown(33);
	check_task_exit(other);
	mmfix_task_end(&w.f, other);
	watch_close(&w);
}

/* ---- stores beside calls ---- */

static void test_dirtied(void **state)
{
	struct watch w = watch_open();
	struct check_call zero = told(CHECK_EFFECT_ZERO, 0, 1), move = told_move(1, 1, 32);
	unsigned int own = check_slot_offset(current) / 8;

	(void)state;
	store_tag(&w, 0);
	store_tag(&w, 1);
	check_call_begin(current, &zero);
	store_tag(&w, 0);
	tell_end(&zero, 0);
	assert_true(at(0)->slot[own].hi == SLOT_UNKNOWN);
	assert_true(at(0)->slot[own ^ 1].hi == 0);
	check_call_begin(current, &move);
	store_tag(&w, 1);
	tell_end(&move, (long)PG(32));
	assert_true(at(32)->slot[own].hi == SLOT_UNKNOWN);
	assert_true(at(32)->slot[own ^ 1].hi == 0);
	/* What was stored before the next call is known again. */
	store_tag(&w, 0);
	assert_true(own_slot(0)->hi == own_slot(0)->lo && own_slot(0)->hi != SLOT_UNKNOWN);
	watch_close(&w);
}

/* The first store to a page finds the others as they were, and leaves other pages alone. */
static void test_shared_slots(void **state)
{
	struct check_call move = told_move(0, 1, 32);
	struct watch w = watch_open();
	unsigned int own = check_slot_offset(current) / 8;

	(void)state;
	tell_map(8, 2, PROT_READ | PROT_WRITE, CHECK_BACK_ANON);
	assert_ptr_equal(at(8)->slot, at(9)->slot);
	memset(at(8)->own, 0xaa, CHECK_SLOTS * sizeof(at(8)->own[0]));
	shadow_own_slots(at(8))[own].lo = 5;
	assert_true(at(8)->slot[own].hi == 0 && at(8)->slot[own ^ 1].lo == 0);
	assert_true(at(8)->slot[own ^ 1].next == 0 && at(8)->slot[own ^ 1].dead == 0);
	expect_slots(at(9), 0, 0);
	tell_map(10, 1, PROT_READ | PROT_WRITE, CHECK_BACK_SHARED);
	shadow_own_slots(at(10))[own].lo = 5;
	assert_true(at(10)->slot[own ^ 1].lo == SLOT_UNKNOWN);
	/* A device's store is under way to a page that nobody has stored to. */
	expect_slots(at(0), 0, 0);
	shadow_foreign(at(0), true);
	check_call_begin(current, &move);
	tell_end(&move, (long)PG(32));
	expect_slots(at(32), SLOT_UNKNOWN, SLOT_UNKNOWN);
	shadow_foreign(at(0), false);
	watch_close(&w);
}

static void test_foreign_stores(void **state)
{
	struct watch w = watch_open();
	unsigned int own = check_slot_offset(current) / 8;
	u64 tag;

	(void)state;
	tag = store_tag(&w, 0);
	poke(PG(0) + 8 * (own ^ 1), 7);
	assert_true(at(0)->slot[own].hi == tag);
	assert_true(at(0)->slot[own ^ 1].hi == SLOT_UNKNOWN);
	/* Beside the slots. */
	poke(PG(0) + 64, 7);
	poke(PG(0) + 4088, 7);
	assert_true(at(0)->slot[own].hi == tag);
	/* Across them, and across a border. */
	poke(PG(0) + 8 * own + 4, 7);
	expect_slots(at(0), SLOT_UNKNOWN, SLOT_UNKNOWN);
	tag = store_tag(&w, 2);
	poke(PG(2) - 4, 7);
	expect_slots(at(2), SLOT_UNKNOWN, SLOT_UNKNOWN);
	assert_int_equal(at(0)->foreign + at(1)->foreign + at(2)->foreign, 0);
	watch_close(&w);
}

/* A task's own word that is not new is one that it copied: nothing is known of it. */
static void test_copied_tag(void **state)
{
	struct watch w = watch_open();
	u32 brought = at(1)->brought;
	u64 tag;

	(void)state;
	tag = store_tag(&w, 0);
	assert_true(own_slot(0)->hi == tag);
	poke(slot_of(1), tag);
	assert_true(own_slot(1)->hi == SLOT_UNKNOWN);
	assert_int_not_equal(at(1)->brought, brought);
	tag = store_tag(&w, 1);
	assert_true(own_slot(1)->lo == tag && own_slot(1)->hi == tag);
	watch_close(&w);
}

static void test_truncate_clock(void **state)
{
	struct watch w = watch_open();
	struct check_call call = told(CHECK_EFFECT_TRUNCATE, 0, 0);
	struct check_state *st = w.f.m->chk;
	u32 before = shadow_truncates(st);

	(void)state;
	assert_true(before != ~0u);
	check_call_begin(current, &call);
	assert_true(shadow_truncates(st) == ~0u);
	tell_end(&call, 0);
	assert_true(shadow_truncates(st) == before + 1);
	/* What a private file page held may be gone. */
	tell_map(0, 1, PROT_READ | PROT_WRITE, CHECK_BACK_FILE);
	store_tag(&w, 0);
	assert_true(own_slot(0)->hi != SLOT_UNKNOWN);
	peek(slot_of(0));
	assert_true(own_slot(0)->hi != SLOT_UNKNOWN);
	tell(call, 0);
	peek(slot_of(0));
	assert_true(own_slot(0)->hi == SLOT_UNKNOWN);
	watch_close(&w);
}

/* ---- fork ---- */

/* The child of a fork during which @meanwhile happened; no child really. */
static struct check_mm *forked(struct watch *w, void (*meanwhile)(struct watch *w))
{
	struct check_mm *token = check_fork_begin(current);
	struct mm_struct child = { .check = NULL };

	assert_non_null(token);
	if (meanwhile)
		meanwhile(w);
	check_fork_end(current, token, &child);
	assert_ptr_equal(child.check, token);
	return token;
}

static void stores_meanwhile(struct watch *w)
{
	store_tag(w, 0);
	store_tag(w, 1);
	store_tag(w, 1);
	poke(slot_of(2), 7);
}

static void copies_meanwhile(struct watch *w)
{
	poke(slot_of(2), 7);
}

static void calls_meanwhile(struct watch *w)
{
	(void)w;
	tell(told(CHECK_EFFECT_NONE, 2, 1), 0);
	tell(told(CHECK_EFFECT_PROTECT, 3, 1), 0);
}

static void test_fork(void **state)
{
	struct watch w = watch_open();
	unsigned int own = check_slot_offset(current) / 8;
	struct check_mm *child;
	u64 tag;

	(void)state;
	tag = store_tag(&w, 0);
	child = forked(&w, NULL);
	assert_int_not_equal(child->id, ((struct check_task *)current->check)->mm->id);
	assert_int_equal(child->page[0].rights, KNOWN_RW);
	assert_int_equal(child->page[MAPPED].rights, WORD_KNOWN);
	assert_true(child->page[0].slot[own].lo == tag && child->page[0].slot[own].hi == tag);
	expect_slots(&child->page[1], 0, 0);
	free(child);

	child = forked(&w, stores_meanwhile);
	assert_true(child->page[0].slot[own].lo == tag);
	assert_true(child->page[0].slot[own].hi == own_slot(0)->hi);
	/* From nothing to the newest. */
	assert_true(child->page[1].slot[own].lo == 0);
	assert_true(child->page[1].slot[own].hi == own_slot(1)->hi);
	expect_slots(&child->page[2], SLOT_UNKNOWN, SLOT_UNKNOWN);
	assert_int_equal(child->page[2].rights, KNOWN_RW);
	free(child);

	poke(slot_of(3), 7);
	child = forked(&w, calls_meanwhile);
	/* What the parent has stored may have gone to another page than the child's. */
	assert_true(child->page[2].stored_at);
	assert_false(child->page[3].stored_at);
	assert_int_equal(child->page[2].rights, KNOWN_RW);
	assert_int_equal(child->page[3].rights, 0);
	free(child);
	watch_close(&w);
}

/* What a call took away stays away in the child, but for what came back meanwhile. */
static void test_fork_dead(void **state)
{
	struct watch w = watch_open();
	unsigned int own = check_slot_offset(current) / 8;
	struct check_mm *child;
	u64 tag;

	(void)state;
	tag = store_tag(&w, 2);
	tell(told(CHECK_EFFECT_ZERO, 2, 1), 0);
	assert_true(own_slot(2)->dead == tag);
	child = forked(&w, NULL);
	assert_true(child->page[2].slot[own].dead == tag);
	free(child);
	child = forked(&w, copies_meanwhile);
	assert_true(child->page[2].slot[own].dead == 0);
	free(child);
	watch_close(&w);
}

/* Calls under way before and after; advice; a stack; a fork that failed. */
static void test_fork_doubts(void **state)
{
	struct watch w = watch_open();
	struct check_call call = told(CHECK_EFFECT_PROTECT, 0, 1);
	struct check_mm *child;

	(void)state;
	check_call_begin(current, &call);
	child = forked(&w, NULL);
	assert_int_equal(child->page[0].rights, 0);
	assert_int_equal(child->page[0].pending, 0);
	assert_int_equal(child->grows, 0);
	free(child);
	tell_end(&call, 0);

	tell(told(CHECK_EFFECT_ADVISE, 1, 1), 0);
	expect_page(1, KNOWN_RW, CHECK_BACK_ANON);
	tell(told_move(1, 1, 32), (long)PG(32));
	tell(told(CHECK_EFFECT_ADVISE, 2, 1), -EAGAIN);
	tell_map(2, 1, PROT_READ, CHECK_BACK_ANON);
	call = told(CHECK_EFFECT_MAP, 50, 1);
	call.grows = true;
	tell(call, (long)PG(50));
	child = forked(&w, NULL);
	assert_int_equal(child->page[0].rights, KNOWN_RW);
	assert_int_equal(child->page[32].rights, 0);
	assert_int_equal(child->page[2].rights, WORD_KNOWN | WORD_READ);
	assert_int_equal(child->grows, 1);
	free(child);

	check_fork_end(current, check_fork_begin(current), NULL);
	watch_close(&w);
}

/* ---- tasks ---- */

/* Each of eight has a slot of its own; a ninth shares one, and proves nothing. */
static void test_ninth_task(void **state)
{
	struct task_struct *task[CHECK_SLOTS];
	struct watch w = watch_open();
	struct check_task *ct;
	unsigned int i;

	(void)state;
	for (i = 0; i < CHECK_SLOTS; i++) {
		mmget(w.f.mm);
		task[i] = mmfix_task(&w.f, 2 + i, w.f.mm);
		assert_int_equal(check_task_start(task[i]), 0);
		ct = task[i]->check;
		assert_int_equal(ct->judged, i < CHECK_SLOTS - 1);
	}
	assert_true(check_tag(task[0], 1) != check_tag(task[CHECK_SLOTS - 1], 1));
	store_tag(&w, 0);
	kern_switch_to(task[CHECK_SLOTS - 1]);
	store_tag(&w, 0);
	assert_true(own_slot(0)->hi == SLOT_UNKNOWN);
	for (i = 0; i < CHECK_SLOTS; i++) {
		check_task_exit(task[i]);
		mmfix_task_end(&w.f, task[i]);
	}
	watch_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_map),
		cmocka_unit_test(test_protect_and_zero),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_overlap),
		cmocka_unit_test(test_clip),
		cmocka_unit_test(test_move),
		cmocka_unit_test(test_move_doubts),
		cmocka_unit_test(test_move_overlap),
		cmocka_unit_test(test_dirtied),
		cmocka_unit_test(test_shared_slots),
		cmocka_unit_test(test_foreign_stores),
		cmocka_unit_test(test_copied_tag),
		cmocka_unit_test(test_truncate_clock),
		cmocka_unit_test(test_fork),
		cmocka_unit_test(test_fork_dead),
		cmocka_unit_test(test_fork_doubts),
		cmocka_unit_test(test_ninth_task),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
