/* SPDX-License-Identifier: MIT */
/* room: mm_pgtable */
/*
 * The planted bugs of switches, tags and tables, one race each, by hand: without the bug
 * the witnesses below stay silent, with it they speak.
 *
 * Where two vCPUs take part the race is not left to chance.  Every window of jitter mode
 * asks the scheduler to hold the vCPU, and here the scheduler is the test: what is held
 * waits until the other has done its part, or waits itself for an interrupt to be taken.
 */
#include "hw/check_ops.h"
#include "pgtable_rig.h"
#include "zoo/zoo.h"

#define VA	0x7f0000000000UL
#define ROUNDS	400

static struct machine *m;
static struct mm_context ctx[2];
static u64 stale, freed_tables;

static void witness_access(struct vcpu *cpu, struct access_record *rec)
{
	if (rec->gen != ram_gen(&m->ram, rec->pfn))
		__atomic_fetch_add(&stale, 1, __ATOMIC_RELAXED);
}

static void witness_walk(struct vcpu *cpu, unsigned long va, unsigned long pfn, u32 gen)
{
	if (gen != ram_gen(&m->ram, pfn))
		__atomic_fetch_add(&freed_tables, 1, __ATOMIC_RELAXED);
}

static const struct check_ops witness = {
	.access_moved = witness_access, .table_walked = witness_walk,
};

static void start(unsigned int cpus, enum run_mode mode, int bug)
{
	m = pg_rig_create(cpus, mode, 512);
	m->vec.page_fault = pg_rig_fault;
	m->check = &witness;
	m->config.speculate_ppm = 1;
	stale = freed_tables = 0;
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(mm_context_init(&ctx[i]), 0);
	if (bug >= 0)
		zoo_plant(m->config.zoo, (enum zoo_bug_id)bug);
}

static void stop(void)
{
	memset(m->config.zoo, 0, sizeof(m->config.zoo));
	m->check = NULL;
	for (unsigned int i = m->nr_cpus; i-- > 0;) {
		machine_bind_host(m, i);
		leave_mm();
		tlb_flush_all(&this_cpu()->tlb);
	}
	for (unsigned int i = 0; i < 2; i++) {
		pg_rig_exit(&ctx[i]);
		mm_context_destroy(&ctx[i]);
	}
	pg_rig_destroy(m);
}

/* What is freed is poisoned: AddressSanitizer is the first to speak, and ends the program. */
#define SPOKEN_FOR	MM_ASAN

/* ---- one party after the other ------------------------------------------------------------ */

/* A vCPU that went lazy keeps its walks; the tables go; then its hardware speculates. */
static u64 lazy_vcpu(int bug)
{
	u64 v, met;

	start(2, RUN_SERIAL, bug);
	switch_mm(NULL, &ctx[0]);
	user_load(VA, 8, &v);
	enter_lazy_tlb(&ctx[0]);
	machine_bind_host(m, 1);
	switch_mm(NULL, &ctx[0]);
	pg_rig_zap(&ctx[0], VA, VA + PAGE_SIZE, true);
	rcu_barrier();
	machine_bind_host(m, 0);
	mmu_speculate_idle(this_cpu());
	met = freed_tables;
	stop();
	return met;
}

static void lazy_tlb_walks_freed_table(void **state)
{
	assert_int_equal(lazy_vcpu(-1), 0);
	assert_true(SPOKEN_FOR || lazy_vcpu(ZOO_LAZY_TLB_WALKS_FREED_TABLE) > 0);
}

/* A table has been unlinked, and the gather is still open. */
static u64 open_gather(int bug)
{
	struct mmu_gather tlb;
	spinlock_t *ptl;
	u64 v, met;
	pmd_t *pmd;
	pte_t *pte;

	start(1, RUN_SERIAL, bug);
	switch_mm(NULL, &ctx[0]);
	user_load(VA, 8, &v);
	pmd = pgtable_pmd(&ctx[0], VA);
	tlb_gather_mmu(&tlb, &ctx[0]);
	pte = pte_offset_map_lock(&ctx[0], pmd, VA, &ptl);
	tlb_remove_tlb_entry(&tlb, VA);
	__tlb_remove_page(&tlb, pte_page(ptep_get_and_clear(pte)), false);
	pte_unmap_unlock(pte, ptl);
	assert_true(try_to_free_pte(&ctx[0], pmd, VA, &tlb));
	mmu_speculate_idle(this_cpu());
	met = freed_tables;
	tlb_finish_mmu(&tlb);
	rcu_barrier();
	freed_tables = 0;
	mmu_speculate_idle(this_cpu());
	assert_int_equal(freed_tables, 0);
	stop();
	return met;
}

static void table_freed_before_flush(void **state)
{
	assert_int_equal(open_gather(-1), 0);
	assert_true(SPOKEN_FOR || open_gather(ZOO_TABLE_FREED_BEFORE_FLUSH) > 0);
}

/* ---- two parties ---------------------------------------------------------------------------- */

enum turn { NOBODY, GO, DONE, AGAIN, OVER };

static u32 turn = OVER;	/* the guest's: to act, has acted, to act again, may leave */
static unsigned int host_nr;	/* the vCPU that is held for it */

static bool asked_to_answer(const struct vcpu *cpu)
{
	return __atomic_load_n(&cpu->sched.local.attn, __ATOMIC_RELAXED) & ATTN_IRQ;
}

/*
 * The host's vCPU is in a window: now is the guest's turn, once a round.  Until it has
 * done its part; or until it waits for an acknowledgement, which we owe it.
 */
static void held(const u64 *word, u64 value, unsigned int turns)
{
	u32 expected = NOBODY;

	if (this_cpu()->nr != host_nr ||
	    !__atomic_compare_exchange_n(&turn, &expected, GO, false, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST))
		return;
	while (smp_load_acquire(&turn) == GO && !asked_to_answer(this_cpu()))
		hw_relax(1023);
}

static void wait_for(enum turn what)
{
	while (smp_load_acquire(&turn) != (u32)what)
		sched_relax(1023);
}

struct race {
	void (*host)(void);	/* passes windows */
	void (*guest)(void);	/* once, in one of them */
	void (*settle)(void);	/* the host afterwards, if it has anything to do */
	void (*again)(void);	/* the guest, if it has */
};

static const struct race *race;

static void parties(struct vcpu *cpu)
{
	if (cpu->nr == host_nr) {
		for (unsigned int i = 0; i < ROUNDS; i++) {
			smp_store_release(&turn, NOBODY);
			race->host();
			if (smp_load_acquire(&turn) == NOBODY)
				continue;
			wait_for(DONE);
			if (race->settle)
				race->settle();
			if (race->again) {
				smp_store_release(&turn, AGAIN);
				wait_for(DONE);
			}
		}
		smp_store_release(&turn, OVER);
		leave_mm();
		return;
	}
	for (;;) {
		u32 now = smp_load_acquire(&turn);

		if (now == OVER)
			break;
		if (now == GO || now == AGAIN) {
			if (now == GO)
				race->guest();
			else
				race->again();
			smp_store_release(&turn, DONE);
		}
		sched_relax(1023);
	}
	leave_mm();
}

static u64 meet(const struct race *r, unsigned int host, int bug)
{
	static struct sched_ops ops;
	u64 met;

	start(2, RUN_JITTER, bug);
	m->jitter.window_ppm = 1000000;
	ops = hw_sched_ops;
	ops.hold = held;
	machine_set_sched_ops(m, &ops);
	for (unsigned long i = 0; i < 16; i++)
		assert_int_equal(pg_rig_map(&ctx[0], VA + i * PAGE_SIZE, PAGE_SHARED), 0);
	race = r;
	host_nr = host;
	turn = NOBODY;
	phys_rig_run(m, parties);
	met = stale;
	machine_set_sched_ops(m, &hw_sched_ops);
	stop();
	return met;
}

/* ThreadSanitizer would see the stale accesses themselves, and end the program. */
static bool meets(const struct race *r, unsigned int host, int bug)
{
	return MM_TSAN || SPOKEN_FOR || meet(r, host, bug) > 0;
}

/* A vCPU comes back to an address space whose pages are being taken away. */

static void use_all(void)
{
	u64 v;

	for (unsigned long i = 0; i < 16; i++)
		user_load(VA + i * PAGE_SIZE, 8, &v);
}

static void come_back(void)
{
	switch_mm(NULL, &ctx[1]);
	switch_mm(NULL, &ctx[0]);
}

/* The same, but the mask has forgotten it meanwhile. */
static void come_back_forgotten(void)
{
	switch_mm(NULL, &ctx[1]);
	cpumask_clear_cpu(this_cpu()->nr, mm_cpumask(&ctx[0]));
	flush_tlb_mm(&ctx[0]);
	switch_mm(NULL, &ctx[0]);
}

static void take_away(void)
{
	switch_mm(NULL, &ctx[1]);
	pg_rig_zap(&ctx[0], VA, VA + 16 * PAGE_SIZE, false);
}

static const struct race back = { come_back, take_away, use_all, NULL };
static const struct race back_forgotten = { come_back_forgotten, take_away, use_all, NULL };

/* Pages are taken away while a vCPU comes back, and then uses what it finds. */

static void come(void)
{
	switch_mm(NULL, &ctx[0]);
}

/* And leaves, with a tag full of what it has used. */
static void use_and_leave(void)
{
	use_all();
	switch_mm(NULL, &ctx[1]);
}

static const struct race forth = { take_away, come, NULL, use_and_leave };

static void switch_mm_barrier(void **state)
{
	assert_int_equal(meet(&back_forgotten, 0, -1), 0);
	assert_true(meets(&back_forgotten, 0, ZOO_SWITCH_MM_BARRIER));
}

static void should_flush_window(void **state)
{
	assert_int_equal(meet(&back, 0, -1), 0);
	assert_true(meets(&back, 0, ZOO_SHOULD_FLUSH_WINDOW));
}

static void openbsd_cpu_bit_gap(void **state)
{
	assert_true(meets(&back, 0, ZOO_OPENBSD_CPU_BIT_GAP));
}

static void freebsd_pcid_gen_after_ipi(void **state)
{
	assert_int_equal(meet(&forth, 1, -1), 0);
	assert_true(meets(&forth, 1, ZOO_FREEBSD_PCID_GEN_AFTER_IPI));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lazy_tlb_walks_freed_table),
		cmocka_unit_test(table_freed_before_flush),
		cmocka_unit_test(switch_mm_barrier),
		cmocka_unit_test(should_flush_window),
		cmocka_unit_test(openbsd_cpu_bit_gap),
		cmocka_unit_test(freebsd_pcid_gen_after_ipi),
	};

	if (!MM_ZOO)
		return 0;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
