/* SPDX-License-Identifier: MIT */
/*
 * Which vCPU a host thread is: the one mutable thread-local of the core.
 *
 * Compiled without ThreadSanitizer; takes no lock.  Must never grow a second
 * thread-local: state belongs to the machine.
 */
#include "base/this_cpu.h"
#include "base/point.h"

/* The layout that the asm of this_cpu_local() and this_cpu_weak() has in mind. */
struct cpu_binding {
	struct cpu_local	*cpu;
	bool			weak;		/* cpu->weak; nearer */
};

BUILD_BUG_ON(offsetof(struct cpu_binding, weak) != 8);

/* Found by name from that asm: external, and local-exec by its declaration. */
extern __thread struct cpu_binding mm_bound_cpu __attribute__((tls_model("local-exec")));
__thread struct cpu_binding mm_bound_cpu __attribute__((used));

noinline struct cpu_local *this_cpu_local_call(void)
{
	/* keeps a caller's compiler, seeing this body, from taking the call for pure */
	__asm__ __volatile__("" ::: "memory");
	return mm_bound_cpu.cpu;
}

noinline bool this_cpu_weak_call(void)
{
	__asm__ __volatile__("" ::: "memory");
	return mm_bound_cpu.weak;
}

noinline void this_cpu_bind(struct cpu_local *cpu)
{
	mm_bound_cpu.cpu = cpu;
	mm_bound_cpu.weak = cpu && cpu->weak;
}

void sched_point_call(enum sched_kind kind, const void *obj)
{
	struct cpu_local *cpu = this_cpu_local_call();

	if (unlikely(!cpu))
		return;
	cpu->clock += sched_cost(kind);
	if (unlikely(__atomic_load_n(&cpu->attn, __ATOMIC_RELAXED) |
		     (cpu->clock >= cpu->turn_end)))
		sched_point_slow(kind, obj);
}

void sched_touch_call(void *obj, bool write)
{
	struct cpu_local *cpu = this_cpu_local_call();

	if (unlikely(cpu && __atomic_load_n(&cpu->attn, __ATOMIC_RELAXED) & ATTN_WATCH))
		sched_touch_slow(obj, write);
}

/* Programs without a scheduler (this room's own tests); sync/sched.c has the real ones. */
__weak void sched_point_slow(enum sched_kind kind, const void *obj)
{
}

__weak void sched_touch_slow(void *obj, bool write)
{
}
