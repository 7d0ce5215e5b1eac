/* SPDX-License-Identifier: MIT */
/*
 * The life of an address space (kernel/fork.c: mm_alloc, mmput, mmdrop) and its layout.
 *
 * mm_users counts those who may run in it; the last one empties it (exit_mmap). mm_count counts
 * those who hold the structure, all users together as one; the last one frees it. A vCPU that
 * is lazily on its page tables holds mm_count.
 */
#include "mm/mm.h"

#include <string.h>

#include "base/bug.h"
#include "hw/machine.h"
#include "mm/fork.h"
#include "mm/vma_tree.h"
#include "phys/slab.h"

#define SZ_1M	(1UL << 20)
#define SZ_1G	(1UL << 30)

void mm_params_default(struct mm_params *p)
{
	unsigned int i;

	*p = (struct mm_params){
		.dac_mmap_min_addr = 4096,
		.lsm_mmap_min_addr = 65536,
		.stack_guard_gap = 256 * PAGE_SIZE,
		.max_map_count = 65530,
		.overcommit = 0,
		.total_pages = 24 * SZ_1G / PAGE_SIZE,
		.thp_align = true,
		.cap_sys_rawio = true,
		.cap_ipc_lock = true,
		.personality = ADDR_NO_RANDOMIZE,
	};
	for (i = 0; i < RLIM_NLIMITS; i++)
		p->rlim[i] = RLIM_INFINITY;
	p->rlim[RLIMIT_STACK] = 8 * SZ_1M;
	p->rlim[RLIMIT_MEMLOCK] = 8 * SZ_1M;
}

/* arch/x86/mm/mmap.c, without randomness. */
void mm_pick_layout(struct mm_struct *mm)
{
	const struct arch *arch = mm->machine->arch;
	unsigned long gap = mm_rlimit(mm, RLIMIT_STACK);
	unsigned long pad = mm->params.stack_guard_gap;
	unsigned long gap_max = mm->task_size / 6 * 5;

	VM_BUG_ON(mm->map_count);
	if (gap + pad > gap)
		gap += pad;
	gap = clamp(gap, arch->mmap_gap_min, gap_max);
	mm->mmap_legacy_base = PAGE_ALIGN(mm->task_size / 3);
	mm->mmap_base = PAGE_ALIGN(mm->task_size - gap);
	mm->flags = 0;
	if (mm->params.personality & ADDR_COMPAT_LAYOUT)
		mm->mmap_base = mm->mmap_legacy_base;
	else
		mm->flags = 1UL << MMF_TOPDOWN;
}

static void mm_link(struct mm_struct *mm)
{
	struct mm_global *g = mm->machine->mmg;

	mm->id = (unsigned int)atomic_inc_return(&g->next_mm_id);
	spin_lock(&g->lock);
	list_add_tail(&mm->mmlist, &g->mms);
	spin_unlock(&g->lock);
}

struct mm_struct *mm_alloc(struct machine *m, const struct mm_params *params)
{
	struct mm_global *g = m->mmg;
	struct mm_struct *mm = kmem_cache_zalloc(g->mm_cachep, GFP_KERNEL);

	if (!mm)
		return NULL;
	mm->machine = m;
	mm->params = params ? *params : g->default_params;
	mm->task_size = m->arch->task_size;
	atomic_set(&mm->mm_users, 1);
	atomic_set(&mm->mm_count, 1);
	init_rwsem(&mm->mmap_lock, LOCK_RANK_MMAP_LOCK, "mmap_lock");
	init_waitqueue_head(&mm->vma_writer_wait);
	seqcount_init(&mm->write_protect_seq);
	if (mm_context_init(&mm->context)) {
		kmem_cache_free(g->mm_cachep, mm);
		return NULL;
	}
	mm_pick_layout(mm);
	mm_link(mm);
	return mm;
}

void mmdrop(struct mm_struct *mm)
{
	struct mm_global *g = mm->machine->mmg;

	if (!atomic_dec_and_test(&mm->mm_count))
		return;
	MM_WARN_ON_ONCE(mm->mm_vma_root != NULL);
	spin_lock(&g->lock);
	list_del(&mm->mmlist);
	spin_unlock(&g->lock);
	mm_context_destroy(&mm->context);
	kmem_cache_free(g->mm_cachep, mm);
}

void mmput(struct mm_struct *mm)
{
	might_sleep();
	if (!atomic_dec_and_test(&mm->mm_users))
		return;
	exit_mmap(mm);
	mmdrop(mm);
}
