/* SPDX-License-Identifier: MIT */
/*
 * User accesses: the bytes a program moves.
 *
 * Owns nothing but the time between a translation and its use: cpu->in_access
 * holds interrupts off for that long, so that a sender that has its
 * acknowledgement knows that no access is under way through what it flushed.
 * Locks: none.  Bytes move by relaxed atomics, because programs may race with
 * themselves; what the mm does to frames it does with accesses of its own.
 *
 * The hit path touches the vCPU's own lines and the frame, nothing shared.
 * HW functions are not instrumented: what they look at is the vCPU's own and this
 * access's.  What is shared, the bytes and the tables, others touch: what moves bytes
 * below, user_load(), user_store() and what reads entries in mmu.c are instrumented.
 * Must never keep a vCPU or a translation across a page fault.
 */
#include "hw/access.h"

#include <errno.h>
#include <string.h>

#include "arch/x86_64.h"
#include "base/atomic.h"
#include "base/finding.h"
#include "base/point.h"
#include "hw/bytes.h"
#include "hw/machine.h"
#include "hw/mmu.h"
#include "trace/counters.h"
#include "trace/trace.h"
#include "zoo/canary.h"

#define HW	NO_TSAN

enum access_kind { DO_LOAD, DO_STORE, DO_CMPXCHG, DO_XADD, DO_EXEC };

/* One access within one page. */
struct access {
	unsigned long	va;
	unsigned int	size;
	unsigned int	acc;		/* enum mmu_access | ACC_KERNEL */
	enum access_kind kind;
	u64		value;		/* stored or added; what was loaded */
	u64		expect;
};

/* ---- moving bytes ---- */

/* What was there; @value is stored if it was @expect. */
static inline u64 cmpxchg_aligned(void *p, u64 expect, u64 value)
{
	(void)raw_try_cmpxchg_order((u64 *)p, &expect, value, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
	return expect;
}

static inline u64 xadd_aligned(void *p, u64 add)
{
	return raw_fetch_add_order((u64 *)p, add, __ATOMIC_RELAXED);
}

/* Byte by byte: not atomic as a whole, as an access across cache lines is not. */
static HW u64 load_bytes(struct machine *m, u8 *frame, unsigned long va, unsigned int size)
{
	u64 value = 0;

	for (unsigned int i = 0; i < size; i++)
		value |= load_aligned(frame + frame_offset(m, va + i), 1) << (8 * i);
	return value;
}

static HW void store_bytes(struct machine *m, u8 *frame, unsigned long va, unsigned int size,
			u64 value)
{
	for (unsigned int i = 0; i < size; i++)
		store_aligned(frame + frame_offset(m, va + i), 1, value >> (8 * i));
}

static HW void move(struct machine *m, unsigned long pfn, struct access *a)
{
	u8 *frame = frame_data(m, pfn);
	u8 *p = frame + frame_offset(m, a->va);
	bool aligned = !(a->va & (a->size - 1)) && is_power_of_2(a->size);

	/* The mm copies and zeroes whole frames by plain accesses (phys/frame.c). */
	sched_touch(frame, a->kind != DO_LOAD && a->kind != DO_EXEC);
	switch (a->kind) {
	case DO_EXEC:
	case DO_LOAD:
		a->value = aligned ? load_aligned(p, a->size) :
				     load_bytes(m, frame, a->va, a->size);
		break;
	case DO_STORE:
		if (aligned)
			store_aligned(p, a->size, a->value);
		else
			store_bytes(m, frame, a->va, a->size, a->value);
		break;
	case DO_CMPXCHG:
		a->expect = cmpxchg_aligned(p, a->expect, a->value);
		break;
	case DO_XADD:
		a->expect = xadd_aligned(p, a->value);
		break;
	}
}

/* ---- translation ---- */

/* Which flags an entry must have, and have not, for the access. */
static inline HW bool entry_allows(const struct tlb_entry *entry, unsigned int acc)
{
	static const struct { u8 mask, want; } rule[] = {
		[ACC_READ]  = { 0, 0 },
		[ACC_WRITE] = { TLB_WRITE | TLB_DIRTY, TLB_WRITE | TLB_DIRTY },
		[ACC_EXEC]  = { TLB_NX, 0 },
	};
	unsigned int kind = acc & 3;
	u32 user = acc & ACC_KERNEL ? 0 : TLB_USER;

	return (entry->flags & (rule[kind].mask | user)) == (rule[kind].want | user);
}

/*
 * A translation for @a, from the TLB or by a walk; NULL with the error code.
 * An entry that lacks a right faults as it is, without looking at the tables:
 * they may have been relaxed since (the spurious fault).  One that lacks only
 * D is walked again, to set it.
 */
static HW struct tlb_entry *translate(struct vcpu *cpu, const struct access *a, bool *hit,
				   unsigned int *err)
{
	struct tlb_entry *entry = tlb_lookup(&cpu->tlb, cpu->pcid, a->va);
	bool allowed = entry && entry_allows(entry, a->acc);
	struct tlb_entry with_dirty;

	*hit = allowed;
	if (allowed) {
		cpu->hits_slow++;
		return entry;
	}
	if (entry) {
		with_dirty = *entry;
		with_dirty.flags |= TLB_DIRTY;
		if (!entry_allows(&with_dirty, a->acc)) {
			*err = mmu_error_bits(a->acc) | X86_PF_PROT;
			return NULL;
		}
	}
	count_vm_event(MMS_TLB_MISS);
	return mmu_walk(cpu, a->va, a->acc, &entry, err) ? NULL : entry;
}

/* ---- faults ---- */

static void set_signal(struct fault_info *fi, unsigned int acc, int signo, int code,
		       unsigned long addr)
{
	bool kernel = acc & ACC_KERNEL;

	fi->signo = kernel ? 0 : signo;
	fi->code = kernel ? 0 : code;
	fi->addr = kernel ? 0 : addr;
}

/* Enters the operating system.  0: try again.  The vCPU may be another afterwards. */
static HW int raise_fault(struct vcpu *cpu, const struct access *a, unsigned int err)
{
	struct machine *m = cpu->machine;
	struct fault_info fi = { 0 };
	int res = -EFAULT;

	/* A fault drops the entry it came from (SDM 4.10.4.1): a retry walks. */
	tlb_drop_faulted(&cpu->tlb, cpu->pcid, a->va);
	cpu->access_faults++;
	trace_event(EV_PAGE_FAULT, a->va, err, 0);
	if (m->vec.page_fault)
		res = m->vec.page_fault(a->va, err, &fi);
	else
		set_signal(&fi, a->acc, MM_SIGSEGV, MM_SEGV_MAPERR, a->va);
	trace_event(EV_FAULT_DONE, a->va, (u64)(s64)res, 0);
	if (res) {
		this_cpu()->exec->fault = fi;
		trace_event(EV_SIGNAL, (u64)fi.signo, (u64)fi.code, fi.addr);
	}
	return res;
}

static int non_canonical(const struct access *a)
{
	struct machine *m = this_machine();
	struct fault_info fi = { 0 };

	set_signal(&fi, a->acc, MM_SIGSEGV, MM_SI_KERNEL, 0);
	if (m->vec.general_protection && !(a->acc & ACC_KERNEL))
		m->vec.general_protection(a->va, &fi);
	this_cpu()->exec->fault = fi;
	return -EFAULT;
}

static int no_progress(const struct access *a, unsigned int err)
{
	finding_report(FINDING_LIVE, "LIVE: a page fault makes no progress",
		       "va %#lx error %#x: %u faults were answered with `try again'", a->va, err,
		       USER_ACCESS_RETRIES);
	set_signal(&this_cpu()->exec->fault, a->acc, MM_SIGKILL, 0, 0);
	return -EFAULT;
}

/* ---- the access ---- */

/* The hardware fills its TLB from any present entry, here one near the access. */
static noinline void speculate(struct vcpu *cpu, unsigned long va)
{
	/* There it is a decision, when and whether (hw/control.c). */
	if (cpu->sched.control) {
		cpu->fill_near = va & PAGE_MASK;
		return;
	}
	vcpu_next_speculation(cpu);
	mmu_speculate_near(cpu, va);
}

static inline HW void account(struct vcpu *cpu, unsigned long va)
{
	if (unlikely(++cpu->accesses >= cpu->speculate_at))
		speculate(cpu, va);
}

/* Interrupts that came while the access held them off. */
static inline HW void end_of_access(struct vcpu *cpu)
{
	cpu->in_access--;
	if (unlikely(raw_load_order(&cpu->sched.local.attn, __ATOMIC_RELAXED) & ATTN_IRQ))
		ipi_serve(cpu);
}

/* ---- what the oracles are told; machines that nobody watches have no record ---- */

static HW enum check_access check_kind(const struct access *a)
{
	switch (a->kind) {
	case DO_LOAD:
		return CHECK_ACCESS_READ;
	case DO_STORE:
		return CHECK_ACCESS_WRITE;
	case DO_EXEC:
		return CHECK_ACCESS_EXEC;
	default:
		return CHECK_ACCESS_RMW;
	}
}

#define watch(m, hook, cpu, rec)						\
	do {									\
		if (unlikely((m)->check && (m)->check->hook))			\
			(m)->check->hook(cpu, rec);				\
	} while (0)

static HW void note_translation(struct vcpu *cpu, struct access_record *rec, bool hit,
				const struct tlb_entry *entry)
{
	rec->tlb_hit = hit;
	rec->pfn = tlb_pfn(entry, rec->va);
	rec->gen = entry->gen;
	rec->stamp = entry->stamp;
	watch(cpu->machine, access_translated, cpu, rec);
}

static HW void note_moved(struct vcpu *cpu, struct access_record *rec, const struct access *a)
{
	rec->value = a->kind >= DO_CMPXCHG && a->kind <= DO_XADD ? a->expect : a->value;
	watch(cpu->machine, access_moved, cpu, rec);
}

/* ---- tries ---- */

/*
 * One try: true when the bytes have moved.  @prepare only asks for the
 * translation.
 */
static HW bool try_access(struct vcpu *cpu, struct access *a, struct access_record *rec,
		       bool prepare, unsigned int *err)
{
	struct tlb_entry *entry;
	unsigned long pfn;
	bool hit;

	cpu->in_access++;
	entry = translate(cpu, a, &hit, err);
	if (entry && !prepare) {
		pfn = tlb_pfn(entry, a->va);
		if (unlikely(rec))
			note_translation(cpu, rec, hit, entry);
		/* The access is in flight: what a shootdown must wait for. */
		sched_point(SCHED_ACCESS, cpu);
		move(cpu->machine, pfn, a);
		if (unlikely(rec))
			note_moved(cpu, rec, a);
	}
	end_of_access(cpu);
	return entry;
}

static HW int retry_access(struct access *a, struct access_record *rec, bool prepare)
{
	for (unsigned int tries = 0;; tries++) {
		struct vcpu *cpu = this_cpu();
		unsigned int err = 0;
		int res;

		if (try_access(cpu, a, rec, prepare, &err))
			return 0;
		if (tries == USER_ACCESS_RETRIES)
			return no_progress(a, err);
		res = raise_fault(cpu, a, err);
		if (res)
			return res;
	}
}

static noinline HW int watched_access(struct access *a)
{
	struct machine *m = this_machine();
	struct access_record rec;
	int res;

	/* Not the cookie, which is large and the listener's. */
	rec.va = a->va;
	rec.size = a->size;
	rec.kind = check_kind(a);
	rec.value = a->value;
	rec.pin = -1;
	rec.fault = NULL;
	watch(m, access_begin, this_cpu(), &rec);
	res = retry_access(a, &rec, false);
	rec.result = res;
	rec.fault = res ? current_fault() : NULL;
	watch(m, access_end, this_cpu(), &rec);
	return res;
}

/* Everything but a plain hit: misses, faults, watched machines, odd sizes. */
static noinline HW int access_slow(struct access *a)
{
	struct machine *m = this_machine();
	struct vcpu *cpu;
	int res;

	if (!arch_canonical(m->arch, a->va))
		return non_canonical(a);
	res = unlikely(m->check) ? watched_access(a) : retry_access(a, NULL, false);
	cpu = this_cpu();
	if (!res) {
		cpu->accesses_slow++;
		account(cpu, a->va);
	}
	vcpu_publish_hits(cpu);
	return res;
}

/*
 * The hit path: where the bytes are, on a machine that nobody watches; NULL
 * otherwise.  It has no need of in_access: between the look-up and the bytes
 * there is no point, and a running vCPU takes interrupts at points only.
 */
static inline HW u8 *hit(struct vcpu *cpu, unsigned long va, unsigned int acc)
{
	struct machine *m = cpu->machine;
	struct tlb_entry *entry;

	if (unlikely(m->check))
		return NULL;
	entry = tlb_lookup(&cpu->tlb, cpu->pcid, va);
	if (unlikely(!entry || !entry_allows(entry, acc)))
		return NULL;
	return (u8 *)frame_data(m, tlb_pfn(entry, va)) + frame_offset(m, va);
}

/* After it: what without scheduling points has no other place. */
static inline HW void end_of_hit(struct vcpu *cpu, unsigned long va)
{
	if (unlikely(raw_load_order(&cpu->sched.local.attn, __ATOMIC_RELAXED) & ATTN_IRQ))
		ipi_serve(cpu);
	account(cpu, va);
}

static inline HW bool crosses_page(unsigned long va, unsigned int size)
{
	return unlikely((va & (PAGE_SIZE - 1)) + size > PAGE_SIZE);
}

/*
 * In two parts.  Hardware translates both before it stores either, so the
 * second page is asked for first; another CPU may still take it away between.
 */
static HW int access_split(struct access *a)
{
	unsigned int first = (unsigned int)(PAGE_SIZE - (a->va & (PAGE_SIZE - 1)));
	struct access lo = *a, hi = *a;
	int res = 0;

	lo.size = first;
	hi.size = a->size - first;
	hi.va = a->va + first;
	hi.value = a->value >> (8 * first);
	if (a->kind == DO_STORE && arch_canonical(this_machine()->arch, hi.va)) {
		res = retry_access(&lo, NULL, true);
		if (!res)
			res = retry_access(&hi, NULL, true);
	}
	if (!res)
		res = access_slow(&lo);
	if (!res)
		res = access_slow(&hi);
	if (!res && a->kind == DO_LOAD)
		a->value = lo.value | hi.value << (8 * first);
	return res;
}

static noinline HW int load(unsigned long va, unsigned int size, unsigned int acc, u64 *value)
{
	struct access a = { .va = va, .size = size, .acc = acc, .kind = DO_LOAD };
	int res = crosses_page(va, size) ? access_split(&a) : access_slow(&a);

	if (!res)
		*value = a.value;
	return res;
}

static noinline HW int store(unsigned long va, unsigned int size, unsigned int acc, u64 value)
{
	struct access a = { .va = va, .size = size, .acc = acc, .kind = DO_STORE, .value = value };

	return crosses_page(va, size) ? access_split(&a) : access_slow(&a);
}

int user_load(unsigned long va, unsigned int size, u64 *value)
{
	struct vcpu *cpu;
	u8 *p;

	canary(ZOO_CANARY_HW);
	sched_point(SCHED_ACCESS, NULL);
	cpu = this_cpu();
	if (likely(!(va & (size - 1)))) {
		p = hit(cpu, va, ACC_READ);
		if (likely(p)) {
			*value = load_aligned(p, size);
			end_of_hit(cpu, va);
			return 0;
		}
	}
	return load(va, size, ACC_READ, value);
}

int user_store(unsigned long va, unsigned int size, u64 value)
{
	struct vcpu *cpu;
	u8 *p;

	canary(ZOO_CANARY_HW);
	sched_point(SCHED_ACCESS, NULL);
	cpu = this_cpu();
	if (likely(!(va & (size - 1)))) {
		p = hit(cpu, va, ACC_WRITE);
		if (likely(p)) {
			store_aligned(p, size, value);
			end_of_hit(cpu, va);
			return 0;
		}
	}
	return store(va, size, ACC_WRITE, value);
}

int user_cmpxchg(unsigned long va, u64 expect, u64 desired, u64 *old)
{
	struct access a = {
		.va = va, .size = 8, .acc = ACC_WRITE, .kind = DO_CMPXCHG,
		.value = desired, .expect = expect,
	};
	int res;

	if (va & 7)
		return -EINVAL;
	sched_point(SCHED_ACCESS, NULL);
	res = access_slow(&a);
	if (!res)
		*old = a.expect;
	return res;
}

int user_xadd(unsigned long va, u64 add, u64 *old)
{
	struct access a = {
		.va = va, .size = 8, .acc = ACC_WRITE, .kind = DO_XADD, .value = add,
	};
	int res;

	if (va & 7)
		return -EINVAL;
	sched_point(SCHED_ACCESS, NULL);
	res = access_slow(&a);
	if (!res)
		*old = a.expect;
	return res;
}

int user_exec(unsigned long va)
{
	struct access a = { .va = va, .size = 1, .acc = ACC_EXEC, .kind = DO_EXEC };

	sched_point(SCHED_ACCESS, NULL);
	return access_slow(&a);
}

const struct fault_info *current_fault(void)
{
	return &this_cpu()->exec->fault;
}

/* ---- blocks ---- */

/* The largest aligned piece at @va of at most @len bytes. */
static unsigned int piece(unsigned long va, size_t len)
{
	unsigned int size = 8;

	while ((va & (size - 1)) || size > len)
		size /= 2;
	return size;
}

/* Both return 0 or -errno, and say how many bytes are left in any case. */
static int read_block(void *to, unsigned long va, size_t len, unsigned int acc, size_t *left)
{
	size_t done = 0;
	int res = 0;

	while (done < len) {
		unsigned int size = piece(va + done, len - done);
		u64 value;

		sched_point(SCHED_ACCESS, NULL);
		res = load(va + done, size, acc, &value);
		if (res)
			break;
		memcpy((u8 *)to + done, &value, size);
		done += size;
	}
	*left = len - done;
	return res;
}

static int write_block(unsigned long va, const void *from, size_t len, unsigned int acc,
		       size_t *left)
{
	size_t done = 0;
	int res = 0;

	while (done < len) {
		unsigned int size = piece(va + done, len - done);
		u64 value = 0;

		memcpy(&value, (const u8 *)from + done, size);
		sched_point(SCHED_ACCESS, NULL);
		res = store(va + done, size, acc, value);
		if (res)
			break;
		done += size;
	}
	*left = len - done;
	return res;
}

int user_read_block(unsigned long va, void *to, size_t len)
{
	size_t left;

	return read_block(to, va, len, ACC_READ, &left);
}

int user_write_block(unsigned long va, const void *from, size_t len)
{
	size_t left;

	return write_block(va, from, len, ACC_WRITE, &left);
}

/* access_ok(): the range lies below the kernel's half. */
static bool access_ok(unsigned long va, size_t len)
{
	unsigned long limit = this_machine()->arch->task_size;

	return len <= limit && va <= limit - len;
}

size_t copy_from_user(void *to, unsigned long from, size_t len)
{
	size_t left = len;

	if (access_ok(from, len))
		(void)read_block(to, from, len, ACC_READ | ACC_KERNEL, &left);
	/* The kernel hands out no stale memory of its own. */
	memset((u8 *)to + (len - left), 0, left);
	return left;
}

size_t copy_to_user(unsigned long to, const void *from, size_t len)
{
	size_t left = len;

	if (access_ok(to, len))
		(void)write_block(to, from, len, ACC_WRITE | ACC_KERNEL, &left);
	return left;
}
