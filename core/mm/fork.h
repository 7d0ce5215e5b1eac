/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_MM_FORK_H
#define MMSTORM_MM_FORK_H

/*
 * Making and unmaking an address space as a whole (kernel/fork.c's mm part and
 * exit_mmap of mm/mmap.c).
 */

struct mm_struct;

/*
 * dup_mm - a copy of @oldmm with COW between the two
 * Takes @oldmm's mmap_lock for writing.  Return: the child's mm with one user,
 * or ERR_PTR(-ENOMEM) with everything undone.
 */
struct mm_struct *dup_mm(struct mm_struct *oldmm);

/*
 * dup_mmap - fill the empty @mm from @oldmm; 0 or -ENOMEM.  After an error @mm
 * holds a prefix of complete VMAs: exit_mmap (through mmput) undoes it.
 */
int dup_mmap(struct mm_struct *mm, struct mm_struct *oldmm);

/*
 * exit_mmap - unmap everything and free tables and VMAs, when the last user of
 * @mm is gone (mm_users 0).  The mm_struct stays until mmdrop.
 */
void exit_mmap(struct mm_struct *mm);

#endif
