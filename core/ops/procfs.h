/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_OPS_PROCFS_H
#define MMSTORM_OPS_PROCFS_H

#include <stdio.h>

struct file;
struct mm_struct;

/*
 * An address space as /proc/PID/maps and /proc/PID/smaps show it (kernel:
 * fs/proc/task_mmu.c), in the kernel's form, so that every tool and eye that
 * knows them works here.
 *
 * The mm knows files, not paths: whoever made the files says how they are
 * called.  A file that it does not know (NULL) is the object behind shared
 * anonymous memory, which the kernel calls "/dev/zero (deleted)".
 *
 * Both take mmap_lock for reading; context: a task, or a bound thread.  The text
 * is consistent; what smaps counts of a page may be a moment older or younger.
 * Return 0, or -EIO when `out' would not take the text.
 */
struct proc_names {
	const char	*(*name)(void *arg, const struct file *file);
	void		*arg;
};

/* names: NULL for none. */
int proc_maps(struct mm_struct *mm, const struct proc_names *names, FILE *out);
int proc_smaps(struct mm_struct *mm, const struct proc_names *names, FILE *out);

#endif /* MMSTORM_OPS_PROCFS_H */
