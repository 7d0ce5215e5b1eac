/* SPDX-License-Identifier: MIT */
/* room: mm_hw */
/*
 * Interrupts: to idle, parked, running and deaf vCPUs; who acts as whom; the
 * orders they give; and how many shootdowns 16 vCPUs make on two tokens.
 */
#include "hw_rig.h"

#include "sync/cpu_relax.h"
#include "sync/irqflags.h"
#include "sync/spinlock.h"

#define NR	16

static struct machine *m;
static u32 stop;

static bool stopped(void)
{
	return __atomic_load_n(&stop, __ATOMIC_RELAXED);
}

static cpumask_t all_cpus(void)
{
	cpumask_t mask = { { 0 } };

	for (unsigned int i = 0; i < m->nr_cpus; i++)
		__cpumask_set_cpu(i, &mask);
	return mask;
}

/* ---- one sender, everybody else idle ---- */

static u64 calls[NR];

static void count_call(void *info)
{
	struct vcpu *cpu = this_cpu();

	assert_true(irqs_disabled());
	assert_true(in_interrupt());
	assert_ptr_equal(cpu->sched.ctx, &cpu->sched.irq_ctx);
	calls[cpu->nr] += *(u64 *)info;
}

static void idle_targets(void **state)
{
	u64 one = 1;
	cpumask_t mask;

	m = rig_machine(NR, RUN_FREE, 64);
	memset(calls, 0, sizeof(calls));
	machine_bind_host(m, 3);
	mask = all_cpus();
	for (unsigned int i = 0; i < 10; i++)
		ipi_call_many(&mask, count_call, &one);
	for (unsigned int i = 0; i < NR; i++)
		assert_int_equal(calls[i], i == 3 ? 0 : 10);
	assert_int_equal(smp_processor_id(), 3);
	assert_int_equal(this_cpu()->ipi.for_others, 10 * (NR - 1));
	assert_int_equal(this_cpu()->ipi.sent, 10);
	machine_unbind_host(m);
	machine_destroy(m);
}

/* ipi_call_one() to oneself is a plain call with interrupts off. */
static void note_self(void *info)
{
	*(unsigned int *)info = irqs_disabled() && !in_interrupt();
}

static bool only_odd(unsigned int cpu, void *info)
{
	return cpu % 2;
}

static void conditions(void **state)
{
	unsigned int ok = 0;
	u64 one = 1;
	cpumask_t mask;

	m = rig_machine(NR, RUN_FREE, 64);
	memset(calls, 0, sizeof(calls));
	machine_bind_host(m, 0);
	mask = all_cpus();
	ipi_call_many_cond(&mask, count_call, &one, only_odd);
	for (unsigned int i = 0; i < NR; i++)
		assert_int_equal(calls[i], i % 2);
	assert_int_equal(this_cpu()->ipi.skipped, NR / 2 - 1);
	ipi_call_one(0, note_self, &ok);
	assert_int_equal(ok, 1);
	rig_no_findings(m);
	machine_unbind_host(m);
	machine_destroy(m);
}

/* ---- waiting with interrupts off ---- */

static void sending_while_deaf(void **state)
{
	u64 one = 1;
	cpumask_t mask;

	m = rig_machine(2, RUN_FREE, 64);
	machine_bind_host(m, 0);
	mask = all_cpus();
	local_irq_disable();
	ipi_call_many(&mask, count_call, &one);
	local_irq_enable();
#if MM_CHECK
	assert_int_equal(finding_count(&m->sink), 1);
	assert_int_equal(finding_get(&m->sink, 0)->kind, FINDING_LOCKDEP);
#endif
	machine_unbind_host(m);
	machine_destroy(m);
}

/* ---- targets that are running, deaf, or in an access ---- */

static u64 mailbox, seen_by_handler;	/* plain: the interrupt orders them */
static u32 target_ready;
static u64 deaf_progress;
static u64 nr_sent;

/* Interrupts are off for most of the time, and the target never waits. */
static void deaf_target(struct vcpu *cpu)
{
	while (!stopped()) {
		local_irq_disable();
		deaf_progress++;
		__atomic_store_n(&target_ready, 1, __ATOMIC_RELAXED);
		for (unsigned int i = 0; i < 50; i++)
			sched_point(SCHED_LOCK, NULL);
		deaf_progress++;
		local_irq_enable();
	}
}

/* ---- a target that waits busily: its interrupts are taken for it, and it keeps its token ---- */

#define BUSY_ROUNDS	20000

static spinlock_t busy_lock;

static void busy_target(struct vcpu *cpu)
{
	__atomic_store_n(&target_ready, 1, __ATOMIC_RELAXED);
	spin_lock(&busy_lock);
	spin_unlock(&busy_lock);
}

static void busy_waiter(void **state)
{
	u64 one = 1, before, rounds = 0;
	struct vcpu *self;
	cpumask_t mask;

	m = rig_machine(2, RUN_FREE, 64);
	target_ready = 0;
	memset(calls, 0, sizeof(calls));
	spin_lock_init(&busy_lock, LOCK_RANK_LEAF, "busy");
	machine_bind_host(m, 0);
	self = this_cpu();
	mask = all_cpus();
	spin_lock(&busy_lock);
	assert_int_equal(vcpu_start(m->cpus[1], busy_target), 0);
	while (!__atomic_load_n(&target_ready, __ATOMIC_RELAXED))
		;
	before = self->ipi.for_others;
	/* As many tokens as vCPUs: nobody asks for its token, so it is never parked for that. */
	while (self->ipi.for_others == before && rounds++ < BUSY_ROUNDS) {
		/* Not in step with the target, which would be awake each time. */
		for (u64 i = rounds % 97; i; i--)
			cpu_relax();
		ipi_call_many(&mask, count_call, &one);
	}
	spin_unlock(&busy_lock);
	vcpu_join(m->cpus[1]);
	assert_in_range(rounds, 1, BUSY_ROUNDS);
	assert_int_equal(calls[1], rounds);
	rig_no_findings(m);
	machine_unbind_host(m);
	machine_destroy(m);
}

/* Held off by an access in flight. */
static void accessing_target(struct vcpu *cpu)
{
	while (!stopped()) {
		cpu->in_access++;
		deaf_progress++;
		__atomic_store_n(&target_ready, 1, __ATOMIC_RELAXED);
		for (unsigned int i = 0; i < 50; i++)
			sched_point(SCHED_LOCK, NULL);
		deaf_progress++;
		cpu->in_access--;
		ipi_serve(cpu);
	}
}

/* In the middle of the excluded stretch deaf_progress is odd. */
static void between(void *info)
{
	assert_int_equal(deaf_progress % 2, 0);
	seen_by_handler = mailbox;
	(*(u64 *)info)++;
}

static void send_many(struct vcpu *cpu)
{
	double begun = rig_seconds();
	cpumask_t mask = all_cpus();
	u64 handled = 0;

	while (!__atomic_load_n(&target_ready, __ATOMIC_RELAXED))
		sched_relax(1000);
	for (u64 i = 1; i <= 2000 && (i % 64 != 63 || !rig_late(begun)); i++) {
		mailbox = i;
		ipi_call_many(&mask, between, &handled);
		assert_int_equal(seen_by_handler, i);
		assert_int_equal(handled, i);
	}
	nr_sent = handled;
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
}

static void run_pair(void (*target)(struct vcpu *), unsigned int tokens)
{
	struct machine_config config = { .nr_cpus = 2, .nr_frames = 64, .frame_bytes = 64,
					 .mode = RUN_FREE, .run_tokens = tokens, .turn = 5000 };

	stop = 0;
	target_ready = 0;
	deaf_progress = 0;
	assert_int_equal(machine_create(&config, &m), 0);
	assert_int_equal(vcpu_start(m->cpus[1], target), 0);
	assert_int_equal(vcpu_start(m->cpus[0], send_many), 0);
	vcpu_join(m->cpus[0]);
	vcpu_join(m->cpus[1]);
	print_message("    %llu by self, %llu taken for it\n", m->cpus[1]->ipi.by_self,
		      m->cpus[0]->ipi.for_others);
	assert_int_equal(m->cpus[1]->ipi.by_self + m->cpus[0]->ipi.for_others, nr_sent);
	rig_no_findings(m);
	machine_destroy(m);
}

static void interrupts_off_excludes(void **state)
{
	run_pair(deaf_target, 2);
	/* With one token the target must lose it, which happens at points. */
	if (MM_POINTS)
		run_pair(deaf_target, 1);
}

static void access_excludes(void **state)
{
	run_pair(accessing_target, 2);
	if (MM_POINTS)
		run_pair(accessing_target, 1);
}

/* ---- everybody at everybody, with locks ---- */

static spinlock_t lock;
static u64 guarded;
static u64 private_data[NR];	/* plain: the owner's, and its handlers' */
static u64 sums[NR];
static double hammer_seconds = 0.6;

static void bump_private(void *info)
{
	private_data[this_cpu()->nr]++;
	__atomic_fetch_add((u64 *)info, 1, __ATOMIC_RELAXED);
}

/* Once at least: the time may be up before the host lets the last one begin. */
static void hammer(struct vcpu *cpu)
{
	cpumask_t mask = all_cpus();

	do {
		u64 answered = 0;

		for (unsigned int i = 0; i < 20; i++) {
			local_irq_disable();
			private_data[cpu->nr]++;
			local_irq_enable();
			sched_point(SCHED_ATOMIC, NULL);
		}
		spin_lock(&lock);
		guarded++;
		/* A sender may hold a lock that its targets wait for. */
		if (cpu->nr % 2)
			ipi_call_many(&mask, bump_private, &answered);
		spin_unlock(&lock);
		if (!(cpu->nr % 2))
			ipi_call_many(&mask, bump_private, &answered);
		assert_int_equal(answered, m->nr_cpus - 1);
		sums[cpu->nr] += 1;
	} while (!stopped());
}

static void *end_after_a_while(void *arg)
{
	struct timespec ts = { (time_t)hammer_seconds,
			       (long)((hammer_seconds - (double)(long)hammer_seconds) * 1e9) };

	nanosleep(&ts, NULL);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	return NULL;
}

static double run_hammer(enum run_mode mode, void (*fn)(struct vcpu *))
{
	pthread_t timer;
	double start;

	m = rig_machine(NR, mode, 64);
	stop = 0;
	memset(sums, 0, sizeof(sums));
	spin_lock_init(&lock, LOCK_RANK_LEAF, "hammer");
	start = rig_seconds();
	pthread_create(&timer, NULL, end_after_a_while, NULL);
	for (unsigned int i = 0; i < NR; i++)
		assert_int_equal(vcpu_start(m->cpus[i], fn), 0);
	for (unsigned int i = 0; i < NR; i++)
		vcpu_join(m->cpus[i]);
	pthread_join(timer, NULL);
	return rig_seconds() - start;
}

static void report_hammer(double seconds)
{
	u64 sent = 0, self = 0, others = 0, waits = 0, least = ~0ULL;

	for (unsigned int i = 0; i < NR; i++) {
		sent += m->cpus[i]->ipi.sent;
		self += m->cpus[i]->ipi.by_self;
		others += m->cpus[i]->ipi.for_others;
		waits += m->cpus[i]->ipi.long_waits;
		least = min(least, sums[i]);
	}
	print_message("    %.0f rounds/s, handlers: %llu by self, %llu for parked\n",
		      (double)sent / seconds, self, others);
	print_message("    %llu long waits, at least %llu rounds each\n", waits, least);
	assert_true(least > 0);
}

static void everybody_free(void **state)
{
	report_hammer(run_hammer(RUN_FREE, hammer));
	rig_no_findings(m);
	machine_destroy(m);
}

static void everybody_jitter(void **state)
{
	report_hammer(run_hammer(RUN_JITTER, hammer));
	rig_no_findings(m);
	machine_destroy(m);
}

/* ---- speed: a one-page shootdown of 15 others ---- */

static void flush_page(void *info)
{
	struct vcpu *cpu = this_cpu();

	tlb_flush_one(&cpu->tlb, 1, *(unsigned long *)info);
}

static void shoot(struct vcpu *cpu)
{
	cpumask_t mask = all_cpus();
	unsigned long va = 0x1000UL * cpu->nr;

	do {
		tlb_fill(&cpu->tlb, 1, va, 1, 0, TLB_USER);
		ipi_call_many(&mask, flush_page, &va);
		sums[cpu->nr]++;
	} while (!stopped());
}

static void throughput(void **state)
{
	double seconds = run_hammer(RUN_FREE, shoot);

	report_hammer(seconds);
	machine_destroy(m);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_targets),
		cmocka_unit_test(conditions),
		cmocka_unit_test(sending_while_deaf),
		cmocka_unit_test(busy_waiter),
		cmocka_unit_test(interrupts_off_excludes),
		cmocka_unit_test(access_excludes),
		cmocka_unit_test(everybody_free),
		cmocka_unit_test(everybody_jitter),
		cmocka_unit_test(throughput),
	};

	/* test_ipi SECONDS: hammer for longer. */
	if (argc > 1)
		hammer_seconds = atof(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
