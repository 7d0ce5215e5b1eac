/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_PHYS_POISON_H
#define MMSTORM_PHYS_POISON_H

#include "base/types.h"

/*
 * What checking builds fill frames with, so that a reader of memory that was
 * freed, or given out and never initialised, can tell.  Repeated 8-byte words,
 * in whichever face the frame has.  As page-table entries both are neither
 * present, PROT_NONE nor huge (bits 0, 7 and 8 clear).
 */
#define POISON_FREE_WORD	0x6b6b6b6bf66ef66eULL
#define POISON_ALLOC_WORD	0x5a5a5a5aa010a010ULL

#endif /* MMSTORM_PHYS_POISON_H */
