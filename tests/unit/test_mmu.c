/* SPDX-License-Identifier: MIT */
/* room: mm_hw */
/* The walker: exact error codes, A and D, rights over the levels, leaves of each size. */
#include "hw_rig.h"

#define VA	0x7f1234567000UL

static struct machine *m;
static struct vcpu *cpu;

static int bind(void **state)
{
	m = rig_machine(1, RUN_SERIAL, 64);
	machine_bind_host(m, 0);
	cpu = this_cpu();
	mmu_load_cr3(cpu, RIG_ROOT, 5);
	return 0;
}

static int unbind(void **state)
{
	machine_unbind_host(m);
	machine_destroy(m);
	return 0;
}

/* The error code of a walk that must fail. */
static unsigned int fails(unsigned int acc)
{
	struct tlb_entry *e = NULL;
	unsigned int err = ~0u;

	assert_int_equal(mmu_walk(cpu, VA, acc, &e, &err), 1);
	assert_null(tlb_lookup(&cpu->tlb, cpu->pcid, VA));
	return err;
}

static struct tlb_entry *walks(unsigned int acc)
{
	struct tlb_entry *e = NULL;
	unsigned int err;

	assert_int_equal(mmu_walk(cpu, VA, acc, &e, &err), 0);
	assert_ptr_equal(e, tlb_lookup(&cpu->tlb, 5, VA));
	return e;
}

static void not_present(void **state)
{
	assert_int_equal(fails(ACC_READ), X86_PF_USER);
	rig_map(m, VA, 100, 0, 0);
	assert_int_equal(fails(ACC_READ), X86_PF_USER);
	assert_int_equal(fails(ACC_WRITE), X86_PF_USER | X86_PF_WRITE);
	assert_int_equal(fails(ACC_EXEC), X86_PF_USER | X86_PF_INSTR);
	assert_int_equal(fails(ACC_READ | ACC_KERNEL), 0);
	assert_int_equal(fails(ACC_WRITE | ACC_KERNEL), X86_PF_WRITE);
	mmu_unload_cr3(cpu);
	assert_int_equal(fails(ACC_WRITE), X86_PF_USER | X86_PF_WRITE);
}

static void rights(void **state)
{
	rig_map(m, VA, 100, _PAGE_PRESENT | _PAGE_USER | _PAGE_NX, 0);
	assert_int_equal(fails(ACC_WRITE), X86_PF_PROT | X86_PF_USER | X86_PF_WRITE);
	assert_int_equal(fails(ACC_EXEC), X86_PF_PROT | X86_PF_USER | X86_PF_INSTR);
	assert_int_equal(fails(ACC_WRITE | ACC_KERNEL), X86_PF_PROT | X86_PF_WRITE);
	/* A faulting walk leaves no trace. */
	assert_false(*rig_slot(m, VA, 0) & (_PAGE_ACCESSED | _PAGE_DIRTY));
	rig_map(m, VA, 100, _PAGE_PRESENT | _PAGE_RW, 0);
	assert_int_equal(fails(ACC_READ), X86_PF_PROT | X86_PF_USER);
	assert_int_equal(walks(ACC_READ | ACC_KERNEL)->flags & TLB_USER, 0);
}

/* One level without the right is enough. */
static void rights_of_upper_levels(void **state)
{
	rig_map(m, VA, 100, _PAGE_PRESENT | _PAGE_RW | _PAGE_USER, 0);
	*rig_slot(m, VA, 2) &= ~_PAGE_RW;
	assert_int_equal(fails(ACC_WRITE), X86_PF_PROT | X86_PF_USER | X86_PF_WRITE);
	assert_false(walks(ACC_READ)->flags & TLB_WRITE);
	tlb_flush_all(&cpu->tlb);
	*rig_slot(m, VA, 3) |= _PAGE_NX;
	assert_int_equal(fails(ACC_EXEC), X86_PF_PROT | X86_PF_USER | X86_PF_INSTR);
	*rig_slot(m, VA, 1) &= ~_PAGE_USER;
	tlb_flush_all(&cpu->tlb);
	assert_int_equal(fails(ACC_READ), X86_PF_PROT | X86_PF_USER);
}

static void accessed_and_dirty(void **state)
{
	struct tlb_entry *e;

	rig_map(m, VA, 100, RIG_USER_RW, 0);
	*rig_slot(m, VA, 1) &= ~_PAGE_ACCESSED;
	ram_gen_bump(&m->ram, 100);
	e = walks(ACC_READ);
	assert_int_equal(e->flags, TLB_VALID | TLB_USER | TLB_WRITE | TLB_NX);
	assert_int_equal(e->pfn, 100);
	assert_int_equal(e->gen, 1);
	assert_true(*rig_slot(m, VA, 1) & _PAGE_ACCESSED);
	assert_int_equal(*rig_slot(m, VA, 0) & (_PAGE_ACCESSED | _PAGE_DIRTY), _PAGE_ACCESSED);
	e = walks(ACC_WRITE);
	assert_true(e->flags & TLB_DIRTY);
	assert_true(*rig_slot(m, VA, 0) & _PAGE_DIRTY);
}

static void two_megabytes(void **state)
{
	struct tlb_entry *e;

	rig_map(m, VA & PMD_MASK, 1024, RIG_USER_RW | _PAGE_PSE, 1);
	e = walks(ACC_WRITE);
	assert_true(e->flags & TLB_2M);
	assert_int_equal(e->pfn, 1024);
	assert_int_equal(tlb_pfn(e, VA), 1024 + (VA >> 12 & 511));
	assert_true(*rig_slot(m, VA, 1) & _PAGE_DIRTY);
}

static void leads_out_of_ram(void **state)
{
	rig_map(m, VA, 4096, RIG_USER_RW, 0);
	assert_int_equal(fails(ACC_READ), X86_PF_USER | X86_PF_PROT | X86_PF_RSVD);
	assert_int_equal(finding_count(&m->sink), 1);
	assert_int_equal(finding_get(&m->sink, 0)->kind, FINDING_STRUCT);
	/* A 2 MiB leaf of which the end does not exist. */
	rig_map(m, VA & PMD_MASK, 4096 - 512 + 1, RIG_USER_RW | _PAGE_PSE, 1);
	assert_true(fails(ACC_READ) & X86_PF_RSVD);
}

/* Whoever rewrites upper levels must flush: until then walks end where they ended before. */
static void walks_are_cached(void **state)
{
	struct tlb_walk *walk;

	rig_map(m, VA, 100, RIG_USER_RW, 0);
	walks(ACC_READ);
	walk = tlb_walk_lookup(&cpu->tlb, 5, VA + PAGE_SIZE);
	assert_non_null(walk);
	assert_int_equal(walk->pfn, RIG_ROOT + 3);
	assert_null(tlb_walk_lookup(&cpu->tlb, 6, VA));
	assert_null(tlb_walk_lookup(&cpu->tlb, 5, VA + PMD_SIZE));
	/* The table leaves the tree, and is still walked. */
	*rig_slot(m, VA, 1) = 0;
	tlb_drop_faulted(&cpu->tlb, 5, VA + PMD_SIZE);
	tlb_flush_one(&cpu->tlb, 6, VA);
	*rig_slot(m, VA + PAGE_SIZE, 0) = x86_make_entry(101, RIG_USER_RW);
	assert_true(mmu_speculate(cpu, VA + PAGE_SIZE));
	/* What a fault, and what any flush of the tag, does to it. */
	tlb_drop_faulted(&cpu->tlb, 5, VA);
	assert_int_equal(fails(ACC_READ), X86_PF_USER);
	rig_map(m, VA, 100, RIG_USER_RW, 0);
	walks(ACC_READ);
	tlb_flush_one(&cpu->tlb, 5, VA + 7 * PMD_SIZE);
	assert_null(tlb_walk_lookup(&cpu->tlb, 5, VA));
	walks(ACC_WRITE);
	tlb_flush_tag(&cpu->tlb, 6);
	assert_non_null(tlb_walk_lookup(&cpu->tlb, 5, VA));
	tlb_flush_range(&cpu->tlb, 5, 0, PAGE_SIZE, PAGE_SHIFT);
	assert_int_equal(cpu->tlb.nr_walks, 0);
}

/* The rights of the levels that a cached walk passes over are its own. */
static void cached_walks_have_rights(void **state)
{
	rig_map(m, VA, 100, _PAGE_PRESENT | _PAGE_RW | _PAGE_USER, 0);
	*rig_slot(m, VA, 2) &= ~_PAGE_RW;
	*rig_slot(m, VA, 3) |= _PAGE_NX;
	walks(ACC_READ);
	assert_non_null(tlb_walk_lookup(&cpu->tlb, 5, VA));
	assert_true(walks(ACC_READ)->flags & TLB_NX);
	assert_false(walks(ACC_READ)->flags & TLB_WRITE);
}

static u64 freed_tables;

static void judge_table(struct vcpu *c, unsigned long va, unsigned long pfn, u32 gen)
{
	freed_tables += ram_gen(&c->machine->ram, pfn) != gen;
}

static void a_freed_table_is_noticed(void **state)
{
	static const struct check_ops judge = { .table_walked = judge_table };

	m->check = &judge;
	m->config.speculate_ppm = 1;
	rig_map(m, VA, 100, RIG_USER_RW, 0);
	mmu_speculate_idle(cpu);
	walks(ACC_READ);
	mmu_speculate_idle(cpu);
	assert_int_equal(freed_tables, 0);
	ram_gen_bump(&m->ram, RIG_ROOT + 3);
	mmu_speculate_idle(cpu);
	assert_int_equal(freed_tables, 1);
	tlb_flush_all(&cpu->tlb);
	mmu_speculate_idle(cpu);
	walks(ACC_READ);
	assert_int_equal(freed_tables, 1);
	m->check = NULL;
}

static void speculation(void **state)
{
	assert_false(mmu_speculate(cpu, VA));
	rig_map(m, VA, 100, RIG_USER_RW, 0);
	assert_true(mmu_speculate(cpu, VA));
	assert_false(mmu_speculate(cpu, VA));
	assert_true(tlb_lookup(&cpu->tlb, 5, VA)->flags & TLB_SPECULATED);
	assert_int_equal(*rig_slot(m, VA, 0) & (_PAGE_ACCESSED | _PAGE_DIRTY), _PAGE_ACCESSED);
	assert_false(mmu_speculate(cpu, 1UL << 60));
	rig_no_findings(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(not_present, bind, unbind),
		cmocka_unit_test_setup_teardown(rights, bind, unbind),
		cmocka_unit_test_setup_teardown(rights_of_upper_levels, bind, unbind),
		cmocka_unit_test_setup_teardown(accessed_and_dirty, bind, unbind),
		cmocka_unit_test_setup_teardown(two_megabytes, bind, unbind),
		cmocka_unit_test_setup_teardown(leads_out_of_ram, bind, unbind),
		cmocka_unit_test_setup_teardown(walks_are_cached, bind, unbind),
		cmocka_unit_test_setup_teardown(cached_walks_have_rights, bind, unbind),
		cmocka_unit_test_setup_teardown(a_freed_table_is_noticed, bind, unbind),
		cmocka_unit_test_setup_teardown(speculation, bind, unbind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
