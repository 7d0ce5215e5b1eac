/* SPDX-License-Identifier: MIT */
/* room: mm_hw */
/* Run tokens: never more running than tokens, everybody progresses, nothing is lost. */
#include "hw_rig.h"

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
		cmocka_unit_test(kicks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
