/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_PHYS_POISON_H
#define MMSTORM_PHYS_POISON_H

#include "base/types.h"

/*
 * What checking builds fill frames with, so that a reader of memory that was
 * freed, or given out and never initialised, can tell.  Repeated 8-byte words,
 * in both faces of a frame.  As page-table entries both are non-present (bit
 * 0 clear) and of no type that the mm writes.
 */
#define POISON_FREE_WORD	0x6b6b6b6bf7eef7eeULL
#define POISON_ALLOC_WORD	0x5a5a5a5aa110a110ULL

#endif /* MMSTORM_PHYS_POISON_H */
