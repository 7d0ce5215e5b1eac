/* SPDX-License-Identifier: MIT */
/* room: mm_sync */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>


#include "../litmus/rig.h"
#include "base/atomic.h"
#include "sync/irqflags.h"

#if MM_POINTS

#define ROUNDS	200

static unsigned int relaxed_hard;

static void note_relax(unsigned int spins)
{
	if (spins > 1000)
		relaxed_hard++;
}

/* The same seed disturbs the same points. */
static unsigned int disturb(u64 seed)
{
	static const struct sched_ops ops = { .relax = note_relax };
	struct rig *rig = rig_create(1, &ops, true, 100000);
	unsigned int i;

	prng_seed(&rig->cpu[0].sched.jitter_rng, seed);
	rig_bind(rig, 0);
	relaxed_hard = 0;
	for (i = 0; i < 10000; i++)
		sched_point(SCHED_LOAD, NULL);
	rig_unbind();
	rig_destroy(rig);
	return relaxed_hard;
}

static void seeds_decide(void **state)
{
	unsigned int a = disturb(1);

	assert_int_equal(disturb(1), a);
	assert_true(a > 150 && a < 350);	/* 10 %, a quarter of them yields */
	assert_true(disturb(2) != a || disturb(3) != a);
}

/* Until they have met: one host core may run the one for long before the other. */
static void come_to_the_window(struct rig *rig, unsigned int cpu)
{
	int i;

	for (i = 0; i < 1000 * ROUNDS; i++) {
		sched_window(WIN_COW_RACE_LOST, 1, 7);
		if (__atomic_load_n(&rig->jitter.met, __ATOMIC_RELAXED))
			break;
	}
}

static void partners_meet(void **state)
{
	struct rig *rig = rig_create(2, NULL, false, 500000);
	unsigned long met = 0;

	rig_run(rig, come_to_the_window);
	met += rig->cpu[0].sched.windows[WIN_JITTER_PARTNER_MET];
	met += rig->cpu[1].sched.windows[WIN_JITTER_PARTNER_MET];
	print_message("held %llu, met %llu\n", rig->jitter.held, rig->jitter.met);
	assert_int_equal(met, rig->jitter.met);
	assert_true(rig->jitter.met > 0);
	assert_true(rig->jitter.held >= rig->jitter.met);
	rig_destroy(rig);
}

static void other_keys_do_not_meet(struct rig *rig, unsigned int cpu)
{
	int i;

	for (i = 0; i < ROUNDS; i++)
		sched_window(WIN_COW_RACE_LOST, 1, cpu);
}

static void strangers_pass(void **state)
{
	struct rig *rig = rig_create(2, NULL, false, 500000);
	unsigned int i;

	rig_run(rig, other_keys_do_not_meet);
	assert_int_equal(rig->jitter.met, 0);
	for (i = 0; i < JITTER_SLOTS; i++)
		assert_int_equal(rig->jitter.slot[i].claim, 0);
	rig_destroy(rig);
}

static void holds_are_bounded(void **state)
{
	static const struct sched_ops ops = { .relax = note_relax };
	struct rig *rig = rig_create(2, &ops, true, 1000000);
	unsigned int i;

	rig_bind(rig, 0);
	rig->jitter.ppm = 0;
	local_irq_disable();
	relaxed_hard = 0;
	for (i = 0; i < ROUNDS; i++)
		sched_window(WIN_COW_RACE_LOST, 1, i);
	assert_int_equal(relaxed_hard, 0);	/* interrupts off: a short spin only */
	local_irq_enable();
	for (i = 0; i < ROUNDS; i++)
		sched_window(WIN_COW_RACE_LOST, 1, i);
	assert_in_range(rig->jitter.held, ROUNDS / 4, ROUNDS);	/* a quarter, at most */
	assert_in_range(relaxed_hard, 1, rig->jitter.held * 64);
	assert_int_equal(rig->jitter.met, 0);
	rig_unbind();
	rig_destroy(rig);
}

static unsigned int holds;

static void note_hold(const u64 *word, u64 value, unsigned int turns)
{
	assert_int_equal(*word, value);
	assert_in_range(turns, 1, 64);
	holds++;
}

static unsigned int held_in(u32 what, enum window_id id)
{
	unsigned int before = holds;

	this_sched_cpu()->ctx->what = what;
	sched_window(id, 1, 1);
	return holds - before;
}

/* A window ten times rarer, or in a call ten times rarer, is held as often. */
static void holds_are_fair(void **state)
{
	static const struct sched_ops ops = { .relax = note_relax, .hold = note_hold };
	struct rig *rig = rig_create(1, &ops, true, 20000);
	unsigned int often = 0, other_window = 0, other_call = 0, i;

	rig_bind(rig, 0);
	for (i = 0; i < 100000; i++) {
		often += held_in(1, WIN_COW_RACE_LOST);
		if (i % 10)
			continue;
		other_window += held_in(1, WIN_SPURIOUS_FAULT);
		other_call += held_in(2, WIN_COW_RACE_LOST);
	}
	print_message("%u, %u, %u\n", often, other_window, other_call);
	assert_in_range(often, 600, 1000);
	assert_in_range(other_window, 600, 1000);
	assert_in_range(other_call, 600, 1000);
	rig_unbind();
	rig_destroy(rig);
}

/* The window has its share of the holds all the same; who is alone there gets little of it. */
static void company_is_held(void **state)
{
	static const struct sched_ops ops = { .relax = note_relax, .hold = note_hold };
	struct rig *rig = rig_create(1, &ops, true, 20000);
	unsigned int with = 0, without = 0, before, i;

	rig_bind(rig, 0);
	assert_true(sched_window_counts());
	for (i = 0; i < 100000; i++) {
		before = holds;
		sched_window_with(WIN_REMOTE_FLUSH, 1, 1, !(i % 10));
		*(i % 10 ? &without : &with) += holds - before;
	}
	print_message("%u, %u\n", with, without);
	assert_in_range(with + without, 1600, 2400);
	assert_true(with > 2 * without);
	rig_unbind();
	assert_false(sched_window_counts());
	rig_destroy(rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seeds_decide), cmocka_unit_test(partners_meet),
		cmocka_unit_test(strangers_pass), cmocka_unit_test(holds_are_bounded),
		cmocka_unit_test(holds_are_fair), cmocka_unit_test(company_is_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void)
{
	return 0;	/* no points, no jitter */
}
#endif
