/* SPDX-License-Identifier: MIT */
/*
 * Private to vma.c and vma_merge.c: taking VMAs out of reverse mapping while their range changes.
 */
#ifndef MMSTORM_MM_VMA_INT_H
#define MMSTORM_MM_VMA_INT_H

struct address_space;
struct anon_vma;
struct vm_area_struct;

/* What one split or merge touches (struct vma_prepare of mm/vma.h). All are write-locked. */
struct vma_prepare {
	struct vm_area_struct	*vma;		/* changes its range */
	struct vm_area_struct	*adj_next;	/* changes its start too, or NULL */
	struct vm_area_struct	*insert;	/* new, or NULL */
	struct vm_area_struct	*remove[2];	/* go away, or NULL */
	struct address_space	*mapping;	/* of the file, or NULL */
	struct anon_vma		*anon_vma;
};

/* Locks the file's and the anon_vma's trees and takes the VMAs out of them. May sleep. */
void vma_prepare(struct vma_prepare *vp);
/* Puts them back under their new ranges and unlocks. */
void vma_complete(struct vma_prepare *vp);

#endif /* MMSTORM_MM_VMA_INT_H */
