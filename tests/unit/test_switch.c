/* SPDX-License-Identifier: MIT */
/* room: mm_pgtable */
/* switch_mm: tags, generations, laziness, and who is in the mask. */
#include "pgtable_rig.h"

#define VA	0x100000UL

static struct machine *m;

/* With n address spaces, the first of them loaded. */
static void start(unsigned int cpus, struct mm_context *ctxs, unsigned int n)
{
	m = pg_rig_create(cpus, RUN_SERIAL, 512);
	m->vec.page_fault = pg_rig_fault;
	for (unsigned int i = 0; i < n; i++)
		assert_int_equal(mm_context_init(&ctxs[i]), 0);
	if (n)
		switch_mm(NULL, &ctxs[0]);
}

static void stop(struct mm_context *ctxs, unsigned int n)
{
	pg_rig_unload(m);
	for (unsigned int i = 0; i < n; i++) {
		pg_rig_exit(&ctxs[i]);
		mm_context_destroy(&ctxs[i]);
	}
	pg_rig_destroy(m);
}

static struct tlb_entry *cached(unsigned int nr, unsigned long va)
{
	struct vcpu *cpu = m->cpus[nr];

	return tlb_lookup(&cpu->tlb, cpu->pcid, va);
}

static void tags_are_kept(void **state)
{
	struct mm_context ctx[8];
	struct tlb_cpu_state *ts;
	unsigned int pcid;
	u64 v;

	start(1, ctx, 8);
	ts = this_tlbstate();
	assert_int_equal(user_store(VA, 8, 77), 0);
	pcid = this_cpu()->pcid;
	switch_mm(&ctx[0], &ctx[1]);
	assert_int_not_equal(this_cpu()->pcid, pcid);
	assert_null(cached(0, VA));
	assert_int_equal(user_load(VA, 8, &v), 0);
	assert_int_equal(v, 0);
	/* Back: the tag and its entries are as we left them. */
	switch_mm(&ctx[1], &ctx[0]);
	assert_int_equal(this_cpu()->pcid, pcid);
	assert_non_null(cached(0, VA));
	/* Seven contexts share six tags: the oldest loses its own. */
	for (unsigned int i = 1; i < 8; i++)
		switch_mm(NULL, &ctx[i]);
	switch_mm(NULL, &ctx[0]);
	assert_null(cached(0, VA));
	assert_int_equal(user_load(VA, 8, &v), 0);
	assert_int_equal(v, 77);
	assert_ptr_equal(ts->loaded_ctx, &ctx[0]);
	stop(ctx, 8);
}

static void a_tag_left_behind_is_flushed(void **state)
{
	struct mm_context ctx[2];
	u64 v;

	start(2, ctx, 2);
	assert_int_equal(user_load(VA, 8, &v), 0);
	assert_true(cpumask_test_cpu(0, mm_cpumask(&ctx[0])));
	switch_mm(NULL, &ctx[1]);
	/* Another vCPU changes what vCPU 0 has under a tag that is not loaded. */
	machine_bind_host(m, 1);
	switch_mm(NULL, &ctx[0]);
	pg_rig_zap(&ctx[0], VA, VA + PAGE_SIZE, false);
	machine_bind_host(m, 0);
	switch_mm(NULL, &ctx[0]);
	assert_null(cached(0, VA));
	assert_int_equal(this_tlbstate()->slots[this_tlbstate()->loaded_asid].tlb_gen,
			 atomic64_read(&ctx[0].tlb_gen));
	stop(ctx, 2);
}

static void lazy_is_left_alone_and_catches_up(void **state)
{
	struct mm_context ctx;
	u64 v, received;

	start(2, &ctx, 1);
	assert_int_equal(user_load(VA, 8, &v), 0);
	assert_int_equal(user_load(VA + PAGE_SIZE, 8, &v), 0);
	enter_lazy_tlb(&ctx);
	machine_bind_host(m, 1);
	switch_mm(NULL, &ctx);
	received = vm_event(m, NR_TLB_REMOTE_FLUSH_RECEIVED);
	pg_rig_zap(&ctx, VA, VA + PAGE_SIZE, false);
	/* Not interrupted, still holding the stale entry: allowed, it runs nobody. */
	assert_int_equal(vm_event(m, NR_TLB_REMOTE_FLUSH_RECEIVED), received);
	assert_non_null(cached(0, VA));
	machine_bind_host(m, 0);
	switch_mm(&ctx, &ctx);
	assert_null(cached(0, VA));
	assert_false(this_tlbstate()->is_lazy);
	/* Tables freed: even a lazy one must let go of the root. */
	assert_int_equal(user_load(VA, 8, &v), 0);
	enter_lazy_tlb(&ctx);
	machine_bind_host(m, 1);
	pg_rig_zap(&ctx, VA, VA + 2 * PAGE_SIZE, true);
	assert_ptr_equal(m->cpus[0]->tlbstate->loaded_ctx, init_mm_context(m));
	assert_int_equal(m->cpus[0]->root_pfn, page_to_pfn(init_mm_context(m)->pgd));
	stop(&ctx, 1);
}

static void idle_on_the_kernel_root_is_not_lazy(void **state)
{
	start(1, NULL, 0);
	leave_mm();
	enter_lazy_tlb(init_mm_context(m));
	assert_false(this_tlbstate()->is_lazy);
	stop(NULL, 0);
}

static void the_mask_is_trimmed(void **state)
{
	struct mm_context ctx[2];
	u64 v;

	start(2, ctx, 2);
	switch_mm(NULL, &ctx[1]);
	/* Elsewhere now, but still a member: leaving costs nobody a shared line. */
	assert_true(cpumask_test_cpu(0, mm_cpumask(&ctx[0])));
	machine_bind_host(m, 1);
	switch_mm(NULL, &ctx[0]);
	for (unsigned int i = 0; i < 64; i++) {
		assert_int_equal(user_load(VA, 8, &v), 0);
		pg_rig_zap(&ctx[0], VA, VA + PAGE_SIZE, false);
	}
	assert_false(cpumask_test_cpu(0, mm_cpumask(&ctx[0])));
	assert_true(cpumask_test_cpu(1, mm_cpumask(&ctx[0])));
	stop(ctx, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tags_are_kept),
		cmocka_unit_test(a_tag_left_behind_is_flushed),
		cmocka_unit_test(lazy_is_left_alone_and_catches_up),
		cmocka_unit_test(idle_on_the_kernel_root_is_not_lazy),
		cmocka_unit_test(the_mask_is_trimmed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
