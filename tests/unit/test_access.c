/* SPDX-License-Identifier: MIT */
/* room: mm_hw */
/* User accesses: sizes, pages crossed, faults and signals, TLB use, oracle hooks, speed. */
#include "hw_rig.h"

#include <errno.h>

#include "hw/access.h"

#define VA	0x10000000UL

static struct machine *m;
static struct vcpu *cpu;
static unsigned int faults, last_err;
static unsigned long last_va;
static int (*on_fault)(unsigned long va, unsigned int err, struct fault_info *fi);

static int page_fault(unsigned long va, unsigned int err, struct fault_info *fi)
{
	faults++;
	last_err = err;
	last_va = va;
	assert_int_equal(cpu->in_access, 0);
	return on_fault(va, err, fi);
}

static int segv(unsigned long va, unsigned int err, struct fault_info *fi)
{
	if (err & X86_PF_USER)
		*fi = (struct fault_info){ MM_SIGSEGV, MM_SEGV_MAPERR, va };
	return -EFAULT;
}

static int map_it(unsigned long va, unsigned int err, struct fault_info *fi)
{
	rig_map(m, va & PAGE_MASK, 100 + (va >> 12 & 15), RIG_USER_RW, 0);
	return 0;
}

static int do_nothing(unsigned long va, unsigned int err, struct fault_info *fi)
{
	return 0;
}

static void bind_with(unsigned int frame_bytes)
{
	m = rig_machine(1, RUN_SERIAL, frame_bytes);
	machine_bind_host(m, 0);
	cpu = this_cpu();
	mmu_load_cr3(cpu, RIG_ROOT, 1);
	m->vec.page_fault = page_fault;
	on_fault = map_it;
	faults = 0;
}

static int bind(void **state)
{
	bind_with(4096);
	return 0;
}

static int bind_tagged(void **state)
{
	bind_with(64);
	return 0;
}

static int unbind(void **state)
{
	machine_unbind_host(m);
	machine_destroy(m);
	return 0;
}

static void sizes(void **state)
{
	const u64 pattern = 0x8877665544332211ULL;
	u64 v;

	assert_int_equal(user_store(VA, 8, pattern), 0);
	assert_int_equal(faults, 1);
	assert_int_equal(last_err, X86_PF_USER | X86_PF_WRITE);
	for (unsigned int size = 1; size <= 8; size *= 2) {
		for (unsigned int off = 0; off + size <= 8; off++) {
			u64 mask = size == 8 ? ~0ULL : (1ULL << (8 * size)) - 1;

			assert_int_equal(user_load(VA + off, size, &v), 0);
			assert_int_equal(v, pattern >> (8 * off) & mask);
		}
	}
	assert_int_equal(user_store(VA + 3, 2, 0xabcd), 0);
	assert_int_equal(user_load(VA, 8, &v), 0);
	assert_int_equal(v, 0x887766abcd332211ULL);
	assert_int_equal(faults, 1);
}

static void crosses_pages(void **state)
{
	u64 v;

	assert_int_equal(user_store(VA + 4096 - 3, 8, 0x0102030405060708ULL), 0);
	assert_int_equal(faults, 2);
	assert_int_equal(user_load(VA + 4096 - 3, 8, &v), 0);
	assert_int_equal(v, 0x0102030405060708ULL);
	assert_int_equal(user_load(VA + 4096, 4, &v), 0);
	assert_int_equal(v, 0x02030405);
	/* The second page refuses: nothing of the first is stored. */
	assert_int_equal(user_store(VA + 2 * 4096 - 4, 4, 0x55555555), 0);
	on_fault = segv;
	assert_int_equal(user_store(VA + 2 * 4096 - 4, 8, ~0ULL), -EFAULT);
	assert_int_equal(current_fault()->addr, VA + 2 * 4096);
	assert_int_equal(user_load(VA + 2 * 4096 - 4, 4, &v), 0);
	assert_int_equal(v, 0x55555555);
}

static void read_modify_write(void **state)
{
	u64 old;

	assert_int_equal(user_store(VA, 8, 10), 0);
	assert_int_equal(user_xadd(VA, 5, &old), 0);
	assert_int_equal(old, 10);
	assert_int_equal(user_cmpxchg(VA, 14, 99, &old), 0);
	assert_int_equal(old, 15);
	assert_int_equal(user_cmpxchg(VA, 15, 99, &old), 0);
	assert_int_equal(old, 15);
	assert_int_equal(user_load(VA, 8, &old), 0);
	assert_int_equal(old, 99);
	assert_int_equal(user_xadd(VA + 4, 1, &old), -EINVAL);
}

static void signals(void **state)
{
	u64 v;
	u8 buf[16];

	on_fault = segv;
	assert_int_equal(user_load(VA, 8, &v), -EFAULT);
	assert_int_equal(current_fault()->signo, MM_SIGSEGV);
	assert_int_equal(current_fault()->code, MM_SEGV_MAPERR);
	assert_int_equal(current_fault()->addr, VA);
	/* Not canonical: no page fault, the general protection's signal. */
	faults = 0;
	assert_int_equal(user_load(1UL << 47, 8, &v), -EFAULT);
	assert_int_equal(faults, 0);
	assert_int_equal(current_fault()->signo, MM_SIGSEGV);
	assert_int_equal(current_fault()->code, MM_SI_KERNEL);
	assert_int_equal(current_fault()->addr, 0);
	/* The kernel's copies give no signal, and say how much is left. */
	assert_int_equal(copy_from_user(buf, VA, sizeof(buf)), sizeof(buf));
	assert_int_equal(last_err, 0);
	assert_int_equal(current_fault()->signo, 0);
	assert_int_equal(copy_to_user(~0UL - 100, buf, 16), 16);
}

static void blocks(void **state)
{
	u8 in[10000], out[10000];

	for (unsigned int i = 0; i < sizeof(in); i++)
		in[i] = (u8)(i * 7 + i / 256);
	assert_int_equal(copy_to_user(VA + 13, in, sizeof(in)), 0);
	assert_int_equal(faults, 3);
	assert_int_equal(copy_from_user(out, VA + 13, sizeof(out)), 0);
	assert_memory_equal(in, out, sizeof(in));
	assert_int_equal(user_read_block(VA + 14, out, 99), 0);
	assert_memory_equal(in + 1, out, 99);
	assert_int_equal(user_write_block(VA, in, 50), 0);
	/* A copy that stops at a page's end. */
	on_fault = segv;
	assert_int_equal(copy_from_user(out, VA + 3 * 4096 - 5, 12), 7);
	assert_int_equal(out[5], 0);
}

/* A store sets D by a walk of its own; rights in the TLB fault without a look at the tables. */
static void dirty_and_spurious(void **state)
{
	u64 v;

	rig_map(m, VA, 100, RIG_USER_RW, 0);
	assert_int_equal(user_load(VA, 8, &v), 0);
	assert_false(*rig_slot(m, VA, 0) & _PAGE_DIRTY);
	assert_int_equal(user_store(VA, 8, 1), 0);
	assert_true(*rig_slot(m, VA, 0) & _PAGE_DIRTY);
	assert_int_equal(faults, 0);

	rig_map(m, VA, 100, RIG_USER_RW & ~_PAGE_RW, 0);
	tlb_flush_all(&cpu->tlb);
	assert_int_equal(user_load(VA, 8, &v), 0);
	rig_map(m, VA, 100, RIG_USER_RW, 0);
	on_fault = do_nothing;
	assert_int_equal(user_store(VA, 8, 2), 0);
	assert_int_equal(faults, 1);
	assert_int_equal(last_err, X86_PF_USER | X86_PF_WRITE | X86_PF_PROT);
}

static void execute(void **state)
{
	on_fault = segv;
	rig_map(m, VA, 100, RIG_USER_RW, 0);
	assert_int_equal(user_exec(VA), -EFAULT);
	assert_int_equal(last_err, X86_PF_USER | X86_PF_INSTR | X86_PF_PROT);
	rig_map(m, VA, 100, RIG_USER_RW & ~_PAGE_NX, 0);
	assert_int_equal(user_exec(VA), 0);
}

static void no_progress_is_found(void **state)
{
	u64 v;

	on_fault = do_nothing;
	assert_int_equal(user_load(VA, 8, &v), -EFAULT);
	assert_int_equal(finding_count(&m->sink), 1);
	assert_int_equal(finding_get(&m->sink, 0)->kind, FINDING_LIVE);
}

/* Stale entries are used as they are: that is what oracles are for. */
static struct access_record seen[8];
static unsigned int nr_seen;

static void note(struct vcpu *c, struct access_record *rec)
{
	assert_int_equal(c->in_access, 1);
	seen[nr_seen++] = *rec;
}

static void note_end(struct vcpu *c, struct access_record *rec)
{
	assert_int_equal(c->in_access, 0);
	seen[nr_seen++] = *rec;
}

static void oracle_hooks(void **state)
{
	const struct check_ops ops = { .access_translated = note, .access_moved = note,
				       .access_end = note_end };
	u64 v;

	m->check = &ops;
	nr_seen = 0;
	ram_gen_bump(&m->ram, 100);
	assert_int_equal(user_store(VA, 8, 77), 0);
	assert_int_equal(nr_seen, 3);
	assert_false(seen[0].tlb_hit);
	assert_int_equal(seen[0].pfn, 100);
	assert_int_equal(seen[0].gen, 1);
	assert_int_equal(seen[1].value, 77);
	assert_int_equal(seen[2].result, 0);
	ram_gen_bump(&m->ram, 100);
	nr_seen = 0;
	assert_int_equal(user_load(VA, 8, &v), 0);
	assert_true(seen[0].tlb_hit);
	assert_int_equal(seen[0].gen, 1);
	assert_int_equal(ram_gen(&m->ram, 100), 2);
	assert_int_equal(seen[1].value, 77);
	on_fault = segv;
	nr_seen = 0;
	assert_int_equal(user_load(VA + 4096, 8, &v), -EFAULT);
	assert_int_equal(nr_seen, 1);
	assert_int_equal(seen[0].result, -EFAULT);
	assert_int_equal(seen[0].fault->signo, MM_SIGSEGV);
}

static void folds_when_tagged(void **state)
{
	u64 v;

	assert_int_equal(user_store(VA + 8, 8, 123), 0);
	assert_int_equal(user_load(VA + 64 + 8, 8, &v), 0);
	assert_int_equal(v, 123);
	assert_int_equal(user_store(VA + 62, 4, 0x44332211), 0);
	assert_int_equal(user_load(VA, 2, &v), 0);
	assert_int_equal(v, 0x4433);
}

static void speculates(void **state)
{
	struct machine_config config = { .nr_cpus = 1, .nr_frames = 4096, .frame_bytes = 64,
					 .seed = 3, .speculate_ppm = 100000 };
	u64 v;

	machine_unbind_host(m);
	machine_destroy(m);
	assert_int_equal(machine_create(&config, &m), 0);
	machine_bind_host(m, 0);
	cpu = this_cpu();
	mmu_load_cr3(cpu, RIG_ROOT, 1);
	for (unsigned long i = 0; i < 40; i++)
		rig_map(m, VA + i * 4096, 100 + i, RIG_USER_RW, 0);
	for (unsigned int i = 0; i < 2000; i++)
		assert_int_equal(user_load(VA + 20 * 4096, 8, &v), 0);
	assert_in_range(cpu->tlb.fills_speculative, 8, 16);
}

static void hit_speed(void **state)
{
	const unsigned int n = 2000000;
	double start;
	u64 v = 0;

	assert_int_equal(user_store(VA, 8, 1), 0);
	start = rig_cpu_seconds();
	for (unsigned int i = 0; i < n; i++)
		(void)user_load(VA + (i & 56), 8, &v);
	print_message("user_load hit: %.1f ns\n", (rig_cpu_seconds() - start) * 1e9 / n);
	start = rig_cpu_seconds();
	for (unsigned int i = 0; i < n; i++)
		(void)user_store(VA + (i & 56), 8, i);
	print_message("user_store hit: %.1f ns\n", (rig_cpu_seconds() - start) * 1e9 / n);
	rig_no_findings(m);
}

#define CASE(fn)	cmocka_unit_test_setup_teardown(fn, bind, unbind)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(sizes), CASE(crosses_pages), CASE(read_modify_write), CASE(signals),
		CASE(blocks), CASE(dirty_and_spurious), CASE(execute), CASE(no_progress_is_found),
		CASE(oracle_hooks), CASE(speculates), CASE(hit_speed),
		cmocka_unit_test_setup_teardown(folds_when_tagged, bind_tagged, unbind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
