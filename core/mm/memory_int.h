/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_MM_MEMORY_INT_H
#define MMSTORM_MM_MEMORY_INT_H

/*
 * Between memory.c, memory_file.c and the copiers of entries; nobody else's.
 */

#include "mm/memory.h"
#include "pgtable/window.h"

bool is_cow_mapping(vm_flags_t flags);
pte_t maybe_mkwrite(pte_t pte, struct vm_area_struct *vma);

/* A window of a fault: its place is the address space, its key the page. */
static inline void vmf_window(const struct vm_fault *vmf, enum window_id id)
{
	mm_window(id, &vmf->vma->vm_mm->context, vmf->address & PAGE_MASK);
}

/* Map and lock vmf->pte; false when there is no table. */
bool vmf_pte_lock(struct vm_fault *vmf);
void vmf_pte_unlock(struct vm_fault *vmf);
/* PTL held: the entry is not the one this fault began with. */
bool vmf_pte_changed(struct vm_fault *vmf);

/* memory_file.c: a missing entry of a file mapping. */
vm_fault_t do_fault(struct vm_fault *vmf);
/*
 * A write to a write-protected entry of a shared mapping; PTL held, dropped by
 * @reuse, which makes the entry writable.
 */
vm_fault_t wp_page_shared(struct vm_fault *vmf,
			  void (*reuse)(struct vm_fault *vmf));

#endif
