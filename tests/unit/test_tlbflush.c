/* SPDX-License-Identifier: MIT */
/* room: mm_pgtable */
/*
 * The flush protocol under load: vCPUs that switch between address spaces,
 * idle lazily, speculate, and take pages and rights away from each other.
 *
 * Judged by two witnesses of the test's own, which do not know the protocol:
 * an access through a translation whose frame has been freed since
 * (generation), and a store to a page after its protection was complete; and
 * by the room's own findings, such as a free frame that was written.
 */
#include "hw/check_ops.h"
#include "pgtable_rig.h"

#define NR_CTX		8	/* more than there are tags */
#define NR_PAGES	6
#define VA		0x7f0000000000UL
/* Half of the pages in another 2 MiB, so that tables come and go. */
#define PAGE_VA(i)	(VA + (i) * PAGE_SIZE + ((i) & 1) * PMD_SIZE)

static struct mm_context ctxs[NR_CTX];
static u64 stale, protected_writes;
static u64 accesses, zaps, protects, replaces, lazies;
static double begun;	/* when the vCPUs were let go */

static bool late(unsigned int round)
{
	return round % 32 == 31 && rig_late(begun);
}

static void count(u64 *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

static void witness(struct vcpu *cpu, struct access_record *rec)
{
	if (rec->gen != ram_gen(&cpu->machine->ram, rec->pfn))
		count(&stale);
}

static const struct check_ops witness_ops = { .access_moved = witness };

/* Break-before-make: another frame with the same contents. */
static void replace_page(struct mm_context *ctx, unsigned long va)
{
	pmd_t *pmd = pgtable_pmd(ctx, va);
	struct page *new = alloc_page(GFP_KERNEL), *old = NULL;
	spinlock_t *ptl;
	pte_t *pte;

	if (!new)
		return;
	pte = pmd ? pte_offset_map_lock(ctx, pmd, va, &ptl) : NULL;
	if (pte && pte_present(ptep_get(pte))) {
		old = pte_page(ptep_clear_flush(ctx, va, pte));
		copy_page(new, old);
		set_pte_at(ctx, va, pte, mk_pte(new, PAGE_SHARED));
		new = old;
		count(&replaces);
	}
	if (pte)
		pte_unmap_unlock(pte, ptl);
	put_page(new);
}

/* Once the flush is done nobody may store; then the right comes back. */
static void protect_page(struct mm_context *ctx, unsigned long va)
{
	pmd_t *pmd = pgtable_pmd(ctx, va);
	spinlock_t *ptl;
	pte_t *pte;
	u64 *word, before;

	pte = pmd ? pte_offset_map_lock(ctx, pmd, va, &ptl) : NULL;
	if (!pte)
		return;
	if (pte_present(ptep_get(pte))) {
		ptep_set_wrprotect(pte);
		flush_tlb_page(ctx, va);
		word = page_address(pte_page(ptep_get(pte)));
		before = READ_ONCE(*word);
		for (unsigned int i = 0; i < 8; i++)
			sched_point(SCHED_WAIT, NULL);
		if (READ_ONCE(*word) != before)
			count(&protected_writes);
		set_pte_at(ctx, va, pte, pte_mkwrite(ptep_get(pte)));
		count(&protects);
	}
	pte_unmap_unlock(pte, ptl);
}

static void use(struct vcpu *cpu, struct mm_context *ctx, struct prng *rng)
{
	unsigned long va = PAGE_VA(prng_below(rng, NR_PAGES));
	u64 v;

	count(&accesses);
	switch (prng_below(rng, 3)) {
	case 0:
		user_load(va + 8 * cpu->nr, 8, &v);
		break;
	case 1:
		user_store(va + 8 * cpu->nr, 8, prng_next(rng));
		break;
	default:
		user_xadd(va, 1, &v);
	}
}

static void be_lazy(struct vcpu *cpu, struct mm_context *ctx, struct prng *rng)
{
	enter_lazy_tlb(ctx);
	for (unsigned int i = 0; i < 10; i++) {
		mmu_speculate(this_cpu(), PAGE_VA(prng_below(rng, NR_PAGES)));
		sched_point(SCHED_WAIT, NULL);
	}
	count(&lazies);
}

static void disturb(struct mm_context *ctx, struct prng *rng)
{
	unsigned int i = (unsigned int)prng_below(rng, NR_PAGES);

	switch (prng_below(rng, 4)) {
	case 0:
		replace_page(ctx, PAGE_VA(i));
		break;
	case 1:
		protect_page(ctx, PAGE_VA(i));
		break;
	case 2:
		pg_rig_zap(ctx, PAGE_VA(i), PAGE_VA(i) + PAGE_SIZE, false);
		count(&zaps);
		break;
	default:
		pg_rig_zap(ctx, VA, VA + 2 * PMD_SIZE, true);
		count(&zaps);
	}
}

static void live(struct vcpu *cpu)
{
	struct mm_context *ctx = &ctxs[0];
	struct prng rng;

	prng_seed(&rng, cpu->machine->config.seed * 1000 + cpu->nr);
	switch_mm(NULL, ctx);
	for (unsigned int i = 0; i < RIG_LOOPS(200000) && !late(i); i++) {
		u64 what = prng_below(&rng, 100);

		if (what < 12) {
			/* Two favourites, so that vCPUs meet; the rest to wear out tags. */
			struct mm_context *next =
				&ctxs[prng_chance(&rng, 800000) ? prng_below(&rng, 2) :
								  prng_below(&rng, NR_CTX)];

			if (prng_chance(&rng, 500000))
				be_lazy(cpu, ctx, &rng);
			switch_mm(ctx, next);
			ctx = next;
		} else if (what < 30) {
			/* Often a neighbour's, as reverse mapping does. */
			disturb(prng_chance(&rng, 300000) ? &ctxs[prng_below(&rng, 2)] : ctx, &rng);
		} else {
			use(cpu, ctx, &rng);
		}
		if (i % 64 == 0)
			rcu_process_callbacks();
	}
	leave_mm();
}

static void storm(enum run_mode mode, unsigned int cpus, u64 seed)
{
	struct machine_config config = {
		.nr_cpus = cpus, .nr_frames = 1024, .frame_bytes = 64, .seed = seed,
		.mode = mode, .run_tokens = 2, .checks = 1, .speculate_ppm = 50000,
		.jitter_ppm = 20000,
	};
	struct machine *m;

	stale = protected_writes = 0;
	accesses = zaps = protects = replaces = lazies = 0;
	assert_int_equal(machine_create(&config, &m), 0);
	machine_bind_host(m, 0);
	assert_int_equal(phys_init(m), 0);
	assert_int_equal(pgtable_init(m), 0);
	m->vec.page_fault = pg_rig_fault;
	m->check = &witness_ops;
	for (unsigned int i = 0; i < NR_CTX; i++)
		assert_int_equal(mm_context_init(&ctxs[i]), 0);
	begun = rig_seconds();
	phys_rig_run(m, live);
	print_message("%llu accesses %llu zaps %llu protects %llu replaces %llu lazy; "
		      "%llu remote flushes, %llu received\n", accesses, zaps, protects, replaces,
		      lazies, vm_event(m, NR_TLB_REMOTE_FLUSH),
		      vm_event(m, NR_TLB_REMOTE_FLUSH_RECEIVED));
	for (enum window_id w = 0; w < NR_WINDOWS; w++) {
		u64 sum = 0;

		for (unsigned int i = 0; i < cpus; i++)
			sum += m->cpus[i]->sched.windows[w];
		if (sum)
			print_message("  window %s: %llu\n", window_name(w), sum);
	}
	assert_true(zaps && protects && replaces && lazies);
	for (unsigned int i = 0; i < NR_CTX; i++) {
		pg_rig_exit(&ctxs[i]);
		mm_context_destroy(&ctxs[i]);
	}
	assert_int_equal(stale, 0);
	assert_int_equal(protected_writes, 0);
	pg_rig_destroy(m);
}

static void free_running(void **state)
{
	storm(RUN_FREE, 4, 1);
}

static void disturbed(void **state)
{
	storm(RUN_JITTER, 3, 2);
	storm(RUN_JITTER, 6, 3);
}

/*
 * A duel: one vCPU leaves an address space and comes back to a tag that is up
 * to date as far as it can see, while another replaces the page it will use.
 * The switch is most of what the first does, so the flush falls into it often.
 */
static u32 duel_over;

static void flip_or_replace(struct vcpu *cpu)
{
	struct prng rng;
	u64 v;

	prng_seed(&rng, cpu->machine->config.seed * 100 + cpu->nr);
	if (cpu->nr) {
		while (!smp_load_acquire(&duel_over)) {
			replace_page(&ctxs[0], VA);
			for (u64 n = prng_below(&rng, 20); n; n--)
				sched_point(SCHED_WAIT, NULL);
			/*
			 * The host core to the other, with no lock held: on a single one
			 * it would else only run while the page is being replaced.
			 */
			if (prng_below(&rng, 4) == 0)
				sched_relax(1023);
		}
		return;
	}
	for (unsigned int i = 0; i < RIG_LOOPS(400000) && !late(i); i++) {
		switch_mm(NULL, &ctxs[0]);
		user_load(VA, 8, &v);
		switch_mm(&ctxs[0], &ctxs[1]);
	}
	leave_mm();
	smp_store_release(&duel_over, 1);
}

static void duel(enum run_mode mode)
{
	struct machine *m = pg_rig_create(2, mode, 256);
	u64 hits = 0;

	stale = 0;
	duel_over = 0;
	m->vec.page_fault = pg_rig_fault;
	m->check = &witness_ops;
	for (unsigned int i = 0; i < 2; i++)
		assert_int_equal(mm_context_init(&ctxs[i]), 0);
	assert_int_equal(pg_rig_map(&ctxs[0], VA, PAGE_SHARED), 0);
	begun = rig_seconds();
	phys_rig_run(m, flip_or_replace);
	for (unsigned int i = 0; i < 2; i++) {
		hits += m->cpus[i]->sched.windows[WIN_SWITCH_VS_FLUSH];
		pg_rig_exit(&ctxs[i]);
		mm_context_destroy(&ctxs[i]);
	}
	print_message("  switch met by a flush: %llu\n", hits);
	assert_int_equal(stale, 0);
	pg_rig_destroy(m);
}

static void switch_against_flush(void **state)
{
	duel(RUN_FREE);
	duel(RUN_JITTER);
}

/* One range at a time, in order, on two vCPUs: who does what is exact. */
static void who_is_interrupted(void **state)
{
	struct machine *m = pg_rig_create(3, RUN_SERIAL, 256);
	struct mm_context *ctx = &ctxs[0];
	struct tlb_cpu_state *ts;
	u64 v;

	m->vec.page_fault = pg_rig_fault;
	assert_int_equal(mm_context_init(ctx), 0);
	for (unsigned int i = 3; i-- > 0;) {
		machine_bind_host(m, i);
		switch_mm(NULL, ctx);
		for (unsigned int p = 0; p < 3; p++)
			assert_int_equal(user_load(VA + p * PAGE_SIZE, 8, &v), 0);
	}
	/* Bound to 0: 1 and 2 are interrupted, for one page each. */
	flush_tlb_page(ctx, VA);
	assert_int_equal(vm_event(m, NR_TLB_REMOTE_FLUSH), 1);
	assert_int_equal(vm_event(m, NR_TLB_REMOTE_FLUSH_RECEIVED), 2);
	assert_int_equal(vm_event(m, NR_TLB_LOCAL_FLUSH_ONE), 1);
	for (unsigned int i = 0; i < 3; i++) {
		struct vcpu *cpu = m->cpus[i];

		assert_null(tlb_lookup(&cpu->tlb, cpu->pcid, VA));
		assert_non_null(tlb_lookup(&cpu->tlb, cpu->pcid, VA + PAGE_SIZE));
	}
	/* One that missed a flush while lazy catches up by a full one. */
	machine_bind_host(m, 2);
	enter_lazy_tlb(ctx);
	machine_bind_host(m, 0);
	flush_tlb_page(ctx, VA);
	assert_int_equal(vm_event(m, NR_TLB_REMOTE_FLUSH_RECEIVED), 3);
	assert_non_null(tlb_lookup(&m->cpus[2]->tlb, m->cpus[2]->pcid, VA + PAGE_SIZE));
	machine_bind_host(m, 2);
	switch_mm(ctx, ctx);
	ts = this_tlbstate();
	assert_null(tlb_lookup(&this_cpu()->tlb, this_cpu()->pcid, VA + PAGE_SIZE));
	assert_int_equal(ts->slots[ts->loaded_asid].tlb_gen, atomic64_read(&ctx->tlb_gen));
	pg_rig_unload(m);
	pg_rig_exit(ctx);
	mm_context_destroy(ctx);
	pg_rig_destroy(m);
}

static void flush_cost(void **state)
{
	struct machine *m = pg_rig_create(2, RUN_SERIAL, 256);
	struct mm_context *ctx = &ctxs[0];
	unsigned int n = RIG_LOOPS(1000000);
	double t;

	assert_int_equal(mm_context_init(ctx), 0);
	switch_mm(NULL, ctx);
	t = rig_cpu_seconds();
	for (unsigned int i = 0; i < n; i++)
		flush_tlb_page(ctx, VA);
	print_message("local flush of a page: %.0f ns\n", (rig_cpu_seconds() - t) / n * 1e9);
	machine_bind_host(m, 1);
	switch_mm(NULL, ctx);
	t = rig_cpu_seconds();
	for (unsigned int i = 0; i < n; i++)
		flush_tlb_page(ctx, VA);
	print_message("flush with one parked vCPU: %.0f ns\n", (rig_cpu_seconds() - t) / n * 1e9);
	pg_rig_unload(m);
	pg_rig_exit(ctx);
	mm_context_destroy(ctx);
	pg_rig_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_is_interrupted),
		cmocka_unit_test(free_running),
		cmocka_unit_test(switch_against_flush),
		cmocka_unit_test(disturbed),
		cmocka_unit_test(flush_cost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
