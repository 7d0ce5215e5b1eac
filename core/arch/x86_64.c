/* SPDX-License-Identifier: MIT */
/*
 * The architectures, as values.  Owns no state, takes no lock; must never grow code
 * that acts: what the hardware does is in hw/.
 *
 * Linux 6.18's numbers for x86-64 with 4 levels: TASK_SIZE_MAX, mmap_min_addr,
 * ELF_ET_DYN_BASE, stack_guard_gap (256 pages), MIN_GAP and MAX_GAP of mmap_base(),
 * mmap_rnd_bits, sysctl_max_map_count, tlb_single_page_flush_ceiling.
 */
#include "arch/x86_64.h"

#include <string.h>

#define X86_TASK_SIZE	((1UL << 47) - PAGE_SIZE)

const struct arch arch_x86_64 = {
	.name = "x86_64",

	.levels = 4,
	.va_bits = 48,
	.pa_bits = 52,
	.page_shift = PAGE_SHIFT,
	.index_bits = TABLE_SHIFT,
	.leaf_levels = 1U << 0 | 1U << 1 | 1U << 2,
	.tag_bits = X86_CR3_PCID_BITS,
	.tlb_single_flush_ceiling = 33,

	.task_size = X86_TASK_SIZE,
	.mmap_min_addr = 65536,
	.elf_et_dyn_base = X86_TASK_SIZE / 3 * 2,
	.stack_guard_gap = 256UL << PAGE_SHIFT,
	.mmap_gap_min = 128UL << 20,
	.mmap_gap_max = X86_TASK_SIZE / 6 * 5,
	.mmap_rnd_bits = 28,
	.max_map_count = 65530,
};

static const struct arch *const archs[] = {
	&arch_x86_64,
};

const struct arch *arch_get(unsigned int i)
{
	return i < ARRAY_SIZE(archs) ? archs[i] : NULL;
}

const struct arch *arch_find(const char *name)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(archs); i++)
		if (!strcmp(archs[i]->name, name))
			return archs[i];
	return NULL;
}
