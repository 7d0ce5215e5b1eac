/* SPDX-License-Identifier: MIT */
/*
 * Boot and shutdown of the mm: its caches, the page-fault vector, what the scheduler calls.
 *
 * Owns machine->mmg. Runs on a bound host thread before any task and after the last one.
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/finding.h"
#include "hw/machine.h"
#include "kern/boot.h"
#include "kern/sched.h"
#include "mm/fault.h"
#include "mm/fault_state.h"
#include "mm/mm.h"
#include "mm/pin.h"
#include "mm/vma_tree.h"
#include "pgtable/switch.h"
#include "phys/slab.h"

/* Runs once per object: readers may look at these two even in free memory. */
static void vm_area_ctor(void *p)
{
	struct vm_area_struct *vma = p;

	atomic_set(&vma->vm_refcnt, 0);
	WRITE_ONCE(vma->vm_lock_seq, ~0U);
}

/* ---- the scheduler's view of address spaces ------------------------------------------------ */

static void op_switch_mm(struct mm_struct *prev, struct mm_struct *next, struct task_struct *tsk)
{
	switch_mm_irqs_off(prev ? &prev->context : NULL, &next->context);
}

static void op_enter_lazy_tlb(struct mm_struct *mm, struct task_struct *tsk)
{
	enter_lazy_tlb(&mm->context);
}

static void op_leave_mm(struct mm_struct *mm)
{
	leave_mm();
}

static const struct kern_mm_ops mm_ops = {
	.switch_mm = op_switch_mm,
	.enter_lazy_tlb = op_enter_lazy_tlb,
	.mmgrab = mmgrab,
	.mmdrop = mmdrop,
	.exit_mm = mmput,
	.exit_pins = exit_pins,
	.leave_mm = op_leave_mm,
};

/* ---- boot ------------------------------------------------------------------------------------ */

static void caches_destroy(struct mm_global *g)
{
	if (g->vma_node_cachep)
		kmem_cache_destroy(g->vma_node_cachep);
	if (g->vm_area_cachep)
		kmem_cache_destroy(g->vm_area_cachep);
	if (g->mm_cachep)
		kmem_cache_destroy(g->mm_cachep);
}

static int caches_create(struct mm_global *g)
{
	g->mm_cachep = kmem_cache_create("mm_struct", sizeof(struct mm_struct), SMP_CACHE_BYTES,
					 SLAB_HWCACHE_ALIGN, NULL);
	g->vm_area_cachep = kmem_cache_create("vm_area_struct", sizeof(struct vm_area_struct),
					      SMP_CACHE_BYTES,
					      SLAB_TYPESAFE_BY_RCU | SLAB_HWCACHE_ALIGN,
					      vm_area_ctor);
	g->vma_node_cachep = kmem_cache_create("vma_node", vma_node_size, SMP_CACHE_BYTES,
					       SLAB_HWCACHE_ALIGN, NULL);
	return g->mm_cachep && g->vm_area_cachep && g->vma_node_cachep ? 0 : -ENOMEM;
}

static int committed_create(struct machine *m, struct mm_global *g)
{
	size_t bytes = m->nr_cpus * sizeof(*g->vm_committed_as);

	g->vm_committed_as = machine_zalloc(m, bytes, SMP_CACHE_BYTES);
	return g->vm_committed_as ? 0 : -ENOMEM;
}

static void global_free(struct mm_global *g)
{
	caches_destroy(g);
	machine_free(this_machine(), g->vm_committed_as);
	kfree(g);
}

int mm_init(struct machine *m)
{
	struct mm_global *g = kzalloc(sizeof(*g), GFP_KERNEL);
	int err;

	if (!g)
		return -ENOMEM;
	spin_lock_init(&g->lock, LOCK_RANK_LEAF, "mmlist_lock");
	INIT_LIST_HEAD(&g->mms);
	mm_params_default(&g->default_params);
	m->mmg = g;
	err = committed_create(m, g);
	if (!err)
		err = caches_create(g);
	if (!err)
		err = fault_state_init(m);
	if (err) {
		global_free(g);
		m->mmg = NULL;
		return err;
	}
	m->vec.page_fault = exc_page_fault;
	kern_set_mm_ops(m, &mm_ops);
	return 0;
}

void mm_exit(struct machine *m)
{
	struct mm_global *g = m->mmg;
	struct mm_struct *mm;

	list_for_each_entry(mm, &g->mms, mmlist)
		finding_report(FINDING_REFS, "REFS: mm_struct left at shutdown",
			       "mm %u: mm_users %d, mm_count %d", mm->id,
			       atomic_read(&mm->mm_users), atomic_read(&mm->mm_count));
	fault_state_exit(m);
	global_free(g);
	m->mmg = NULL;
}
