/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_HW_MEMORY_H
#define MMSTORM_HW_MEMORY_H

#include <stddef.h>
#include "base/types.h"

struct machine;

/*
 * Memory of the host for what runs on a machine: blocks, as of malloc().
 *
 * A controlled machine keeps a list of them, because it may get stuck: then nobody can
 * take apart what is on it, and machine_drop() gives all of it back as it is.  The
 * others free what they have, and keep none.
 */
struct machine_memory {
	bool	listed;
	void	**block;	/* a hash table of pointers; NULL: nothing here */
	size_t	nr;
	size_t	room;		/* a power of two, or 0 */
};

/* @align: 0, or a power of two.  NULL when the host has none. */
void *machine_alloc(struct machine *m, size_t size, size_t align);
/* The same in zeros; large and untouched, it costs nothing. */
void *machine_zalloc(struct machine *m, size_t size, size_t align);
/* @p may be NULL. */
void machine_free(struct machine *m, void *p);

/* Frees what is left of a listed machine's blocks. */
void machine_memory_drop(struct machine_memory *mem);

#endif /* MMSTORM_HW_MEMORY_H */
