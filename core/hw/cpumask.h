/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_HW_CPUMASK_H
#define MMSTORM_HW_CPUMASK_H

#include "base/atomic.h"
#include "base/compiler.h"
#include "base/point.h"
#include "base/types.h"

/*
 * Sets of vCPUs, by number.  Plain values; the atomic operations are for
 * masks that several vCPUs change (mm_cpumask).  As in the kernel,
 * cpumask_set_cpu() and cpumask_clear_cpu() are full barriers: switch_mm()
 * relies on "set my bit, then read tlb_gen" against "raise tlb_gen, then read
 * the mask" (include/linux/cpumask.h, arch/x86/mm/tlb.c).
 */
#define NR_CPUS		256
#define CPUMASK_WORDS	(NR_CPUS / 64)

typedef struct cpumask {
	u64 bits[CPUMASK_WORDS];
} cpumask_t;

static inline void cpumask_set_cpu(unsigned int cpu, cpumask_t *mask)
{
	sched_point(SCHED_ATOMIC, &mask->bits[cpu / 64]);
	raw_fetch_or_order(&mask->bits[cpu / 64], 1ULL << (cpu % 64), __ATOMIC_SEQ_CST);
}

static inline void cpumask_clear_cpu(unsigned int cpu, cpumask_t *mask)
{
	sched_point(SCHED_ATOMIC, &mask->bits[cpu / 64]);
	raw_fetch_and_order(&mask->bits[cpu / 64], ~(1ULL << (cpu % 64)), __ATOMIC_SEQ_CST);
}

/* The same for a mask that nobody else can see. */
static inline void __cpumask_set_cpu(unsigned int cpu, cpumask_t *mask)
{
	mask->bits[cpu / 64] |= 1ULL << (cpu % 64);
}

static inline bool cpumask_test_cpu(unsigned int cpu, const cpumask_t *mask)
{
	return raw_load_order(&mask->bits[cpu / 64], __ATOMIC_SEQ_CST) >> (cpu % 64) & 1;
}

static inline void cpumask_clear(cpumask_t *mask)
{
	for (unsigned int i = 0; i < CPUMASK_WORDS; i++)
		raw_store_order(&mask->bits[i], 0, __ATOMIC_RELAXED);
}

/* Word by word: of a mask that changes meanwhile, each word is some value it had. */
static inline void cpumask_copy(cpumask_t *dst, const cpumask_t *src)
{
	for (unsigned int i = 0; i < CPUMASK_WORDS; i++)
		raw_store_order(&dst->bits[i], raw_load_order(&src->bits[i], __ATOMIC_SEQ_CST),
				 __ATOMIC_RELAXED);
}

/* The first member >= @cpu, or NR_CPUS. */
static inline unsigned int cpumask_next(unsigned int cpu, const cpumask_t *mask)
{
	while (cpu < NR_CPUS) {
		u64 word = raw_load_order(&mask->bits[cpu / 64], __ATOMIC_RELAXED) >> (cpu % 64);

		if (word)
			return cpu + (unsigned int)__builtin_ctzll(word);
		cpu = (cpu / 64 + 1) * 64;
	}
	return NR_CPUS;
}

static inline unsigned int cpumask_first(const cpumask_t *mask)
{
	return cpumask_next(0, mask);
}

/* Is some CPU other than @cpu a member?  (cpumask_any_but(mask, cpu) < nr_cpu_ids) */
static inline bool cpumask_any_other(const cpumask_t *mask, unsigned int cpu)
{
	unsigned int first = cpumask_first(mask);

	if (first == cpu)
		first = cpumask_next(cpu + 1, mask);
	return first != NR_CPUS;
}

#define for_each_cpu(cpu, mask) \
	for ((cpu) = cpumask_first(mask); (cpu) < NR_CPUS; (cpu) = cpumask_next((cpu) + 1, (mask)))

#endif /* MMSTORM_HW_CPUMASK_H */
