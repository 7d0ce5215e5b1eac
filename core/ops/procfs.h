/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_OPS_PROCFS_H
#define MMSTORM_OPS_PROCFS_H

#include <stdio.h>

struct mm_struct;

/*
 * An address space as /proc/PID/maps and /proc/PID/smaps show it, line for
 * line in the kernel's form, so that every tool and eye that knows them
 * works here.  Files of a run are named F0, F1, ...; shared anonymous memory is
 * "/dev/zero (deleted)".
 *
 * Both take mmap_lock for reading; the caller is on a task, or bound to a vCPU.
 * Return 0, or -EIO when `out' would not take the text.
 */
int proc_maps(struct mm_struct *mm, FILE *out);
int proc_smaps(struct mm_struct *mm, FILE *out);

#endif /* MMSTORM_OPS_PROCFS_H */
