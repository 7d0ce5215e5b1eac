/* SPDX-License-Identifier: MIT */
/* room: mm_hw */
/* Run tokens: never more running than tokens, everybody progresses, nothing is lost. */
#include "hw_rig.h"
#include "sync/irqflags.h"

#include "sync/spinlock.h"

#define NR	16

static struct machine *m;
static unsigned int running, most;
static u64 done[NR];
static spinlock_t lock;
static u64 guarded;

static void enter(void)
{
	unsigned int n = __atomic_add_fetch(&running, 1, __ATOMIC_SEQ_CST);
	unsigned int seen = __atomic_load_n(&most, __ATOMIC_SEQ_CST);

	while (n > seen &&
	       !__atomic_compare_exchange_n(&most, &seen, n, false, __ATOMIC_SEQ_CST,
					    __ATOMIC_SEQ_CST))
		;
}

/* Between two yields a vCPU is the only one of its token. */
static void yield_much(struct vcpu *cpu)
{
	for (unsigned int i = 0; i < 300; i++) {
		enter();
		for (volatile unsigned int spin = 0; spin < 200; spin++)
			;
		__atomic_fetch_sub(&running, 1, __ATOMIC_SEQ_CST);
		vcpu_yield(cpu);
		done[cpu->nr]++;
	}
}

/* Never yields by itself: its turns end at points. */
static void run_points(struct vcpu *cpu)
{
	for (unsigned int i = 0; i < 20000; i++) {
		sched_point(SCHED_LOCK, NULL);
		done[cpu->nr]++;
	}
}

/* A lock whose holder is parked: waiters give it their tokens. */
static void fight(struct vcpu *cpu)
{
	for (unsigned int i = 0; i < 300; i++) {
		spin_lock(&lock);
		if (i % 16 == 0)
			vcpu_yield(cpu);
		guarded++;
		spin_unlock(&lock);
		done[cpu->nr]++;
	}
}

static void run_all(void (*fn)(struct vcpu *), u64 expected)
{
	m = rig_machine(NR, RUN_FREE, 64);
	memset(done, 0, sizeof(done));
	running = 0;
	most = 0;
	for (unsigned int i = 0; i < NR; i++)
		assert_int_equal(vcpu_start(m->cpus[i], fn), 0);
	for (unsigned int i = 0; i < NR; i++)
		vcpu_join(m->cpus[i]);
	for (unsigned int i = 0; i < NR; i++)
		assert_int_equal(done[i], expected);
	assert_int_equal(m->tokens.free, 2);
	assert_null(m->tokens.head);
	rig_no_findings(m);
	machine_destroy(m);
}

static void never_more_than_tokens(void **state)
{
	run_all(yield_much, 300);
	assert_in_range(most, 1, 2);
}

static void turns_end(void **state)
{
	run_all(run_points, 20000);
}

static void lock_holders_get_tokens(void **state)
{
	spin_lock_init(&lock, LOCK_RANK_LEAF, "test");
	guarded = 0;
	run_all(fight, 300);
	assert_int_equal(guarded, 300 * NR);
}

/*
 * Holds: while vCPU 0 is held others run, and it comes back: after its turns, when
 * somebody lets it go, and when nobody else is left to run.
 */
static u64 hold_word;
static unsigned int others_ran, others_here;

static void be_held(struct vcpu *cpu)
{
	unsigned int before;

	while (__atomic_load_n(&others_here, __ATOMIC_SEQ_CST) < cpu->machine->nr_cpus - 1)
		sched_relax(1000);
	before = __atomic_load_n(&others_ran, __ATOMIC_SEQ_CST);
	hw_hold(&hold_word, 0, 4);
	done[0] = __atomic_load_n(&others_ran, __ATOMIC_SEQ_CST) - before;
	hw_hold(&hold_word, 1, 1000000);	/* not the value: at once */
	__atomic_store_n(&hold_word, 2, __ATOMIC_SEQ_CST);
	hw_hold(&hold_word, 2, 1000000);	/* until it is let go */
	assert_int_equal(__atomic_load_n(&hold_word, __ATOMIC_SEQ_CST), 3);
	hw_hold(&hold_word, 3, 1000000);	/* until the others have left */
	done[0]++;
}

static void run_beside(struct vcpu *cpu)
{
	u64 two = 2;

	__atomic_fetch_add(&others_here, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&hold_word, __ATOMIC_SEQ_CST) < 2) {
		__atomic_fetch_add(&others_ran, 1, __ATOMIC_SEQ_CST);
		vcpu_yield(cpu);
	}
	if (__atomic_compare_exchange_n(&hold_word, &two, 3, false, __ATOMIC_SEQ_CST,
					__ATOMIC_SEQ_CST))
		hw_unhold(0);
}

static void held(unsigned int nr)
{
	m = rig_machine(nr, RUN_FREE, 64);
	memset(done, 0, sizeof(done));
	hold_word = 0;
	others_ran = others_here = 0;
	for (unsigned int i = 0; i < nr; i++)
		assert_int_equal(vcpu_start(m->cpus[i], i ? run_beside : be_held), 0);
	for (unsigned int i = 0; i < nr; i++)
		vcpu_join(m->cpus[i]);
	assert_true(done[0] > 0);
	assert_int_equal(m->tokens.free, 2);
	assert_null(m->tokens.held);
	assert_int_equal(m->tokens.nr_waiting, 0);
	rig_no_findings(m);
	machine_destroy(m);
}

static void holds_end(void **state)
{
	held(2);	/* as many tokens as vCPUs */
	held(3);
	held(NR);
}

/* One that runs is enough for a hold to last; a core may lie idle beside it. */
static u32 turns_beside, hold_over;

static void be_held_long(struct vcpu *cpu)
{
	u32 before;

	while (!__atomic_load_n(&turns_beside, __ATOMIC_SEQ_CST))
		sched_relax(1000);
	before = __atomic_load_n(&turns_beside, __ATOMIC_SEQ_CST);
	hw_hold(&hold_word, hold_word, 64);
	done[0] = __atomic_load_n(&turns_beside, __ATOMIC_SEQ_CST) - before;
	__atomic_store_n(&hold_over, 1, __ATOMIC_SEQ_CST);
	vcpu_kick(m->cpus[2]);
}

static void take_turns(struct vcpu *cpu)
{
	while (!__atomic_load_n(&hold_over, __ATOMIC_SEQ_CST)) {
		__atomic_fetch_add(&turns_beside, 1, __ATOMIC_SEQ_CST);
		vcpu_yield(cpu);
	}
}

static void lie_idle(struct vcpu *cpu)
{
	while (!__atomic_load_n(&hold_over, __ATOMIC_SEQ_CST))
		vcpu_idle_wait(cpu);
}

static void holds_last(void **state)
{
	static void (*const body[])(struct vcpu *) = { be_held_long, take_turns, lie_idle };

	m = rig_machine(3, RUN_FREE, 64);
	turns_beside = hold_over = 0;
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(vcpu_start(m->cpus[i], body[i]), 0);
	for (unsigned int i = 0; i < 3; i++)
		vcpu_join(m->cpus[i]);
	/* Its turns are counted from when it was set aside. */
	assert_in_range(done[0], 60, 1000000);
	machine_destroy(m);
}

/* With interrupts off a hold ends when an interrupt comes, before it or in the middle. */
#define DEAF		20
#define FOR_EVER	100000000	/* turns: minutes */
static u32 deaf, answers;

static void be_held_deaf(struct vcpu *cpu)
{
	for (unsigned int i = 0; i < DEAF; i++) {
		local_irq_disable();
		__atomic_store_n(&deaf, i + 1, __ATOMIC_SEQ_CST);
		hw_hold(&hold_word, hold_word, FOR_EVER);
		local_irq_enable();
		while (__atomic_load_n(&answers, __ATOMIC_SEQ_CST) <= i)
			sched_relax(1000);
	}
}

static void answer(void *info)
{
	__atomic_fetch_add(&answers, 1, __ATOMIC_SEQ_CST);
}

static void interrupt(struct vcpu *cpu)
{
	for (unsigned int i = 0; i < DEAF; i++) {
		while (__atomic_load_n(&deaf, __ATOMIC_SEQ_CST) <= i)
			sched_relax(1000);
		ipi_call_one(0, answer, NULL);
	}
}

/* A third, so that the core of who waits would not idle without the held one. */
static void run_until_answered(struct vcpu *cpu)
{
	while (__atomic_load_n(&answers, __ATOMIC_SEQ_CST) < DEAF)
		vcpu_yield(cpu);
}

static void holds_end_for_interrupts(void **state)
{
	static void (*const body[])(struct vcpu *) = {
		be_held_deaf, interrupt, run_until_answered,
	};

	m = rig_machine(3, RUN_FREE, 64);
	deaf = answers = 0;
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(vcpu_start(m->cpus[i], body[i]), 0);
	for (unsigned int i = 0; i < 3; i++)
		vcpu_join(m->cpus[i]);
	assert_int_equal(answers, DEAF);
	machine_destroy(m);
}

/* Kicks are not lost, whichever comes first. */
static u32 rounds[2];

static void ping_pong(struct vcpu *cpu)
{
	struct vcpu *other = m->cpus[!cpu->nr];

	for (u32 i = 0; i < 2000; i++) {
		__atomic_store_n(&rounds[cpu->nr], i + 1, __ATOMIC_SEQ_CST);
		vcpu_kick(other);
		while (__atomic_load_n(&rounds[!cpu->nr], __ATOMIC_SEQ_CST) < i + 1)
			vcpu_idle_wait(cpu);
	}
}

static void kicks(void **state)
{
	m = rig_machine(2, RUN_FREE, 64);
	memset(rounds, 0, sizeof(rounds));
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(vcpu_start(m->cpus[i], ping_pong), 0);
	for (unsigned int i = 0; i < 2; i++)
		vcpu_join(m->cpus[i]);
	machine_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_more_than_tokens),
		cmocka_unit_test(turns_end),
		cmocka_unit_test(lock_holders_get_tokens),
		cmocka_unit_test(holds_end),
		cmocka_unit_test(holds_last),
		cmocka_unit_test(holds_end_for_interrupts),
		cmocka_unit_test(kicks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
