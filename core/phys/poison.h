/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_PHYS_POISON_H
#define MMSTORM_PHYS_POISON_H

#include "base/types.h"
#include "sync/rcu_age.h"

/*
 * What checking builds fill frames with, so that a reader of memory that was
 * freed, or given out and never initialised, can tell.  Repeated 8-byte words,
 * in whichever face the frame has.  As page-table entries both are neither
 * present, PROT_NONE nor huge (bits 0, 7 and 8 clear).
 */
#define POISON_FREE_WORD	0x6b6b6b6bf66ef66eULL
#define POISON_ALLOC_WORD	0x5a5a5a5aa010a010ULL

/*
 * And objects of a cache whose memory goes back to the host; as the age of an
 * object it says "freed".
 */
#define POISON_OBJECT_BYTE	0x6b
_Static_assert(RCU_AGE_FREED == POISON_OBJECT_BYTE * 0x0101010101010101ULL,
	       "poison is not the age of what is freed");

#endif /* MMSTORM_PHYS_POISON_H */
