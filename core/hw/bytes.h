/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_HW_BYTES_H
#define MMSTORM_HW_BYTES_H

#include "base/atomic.h"

/*
 * Bytes of a frame, moved as hardware moves them: relaxed atomics, because programs
 * and devices may race with each other.  Aligned; size 1, 2, 4 or 8.
 */
static inline u64 load_aligned(const void *p, unsigned int size)
{
	switch (size) {
	case 1: return raw_load_order((const u8 *)p, __ATOMIC_RELAXED);
	case 2: return raw_load_order((const u16 *)p, __ATOMIC_RELAXED);
	case 4: return raw_load_order((const u32 *)p, __ATOMIC_RELAXED);
	default: return raw_load_order((const u64 *)p, __ATOMIC_RELAXED);
	}
}

static inline void store_aligned(void *p, unsigned int size, u64 value)
{
	switch (size) {
	case 1: raw_store_order((u8 *)p, (u8)value, __ATOMIC_RELAXED); break;
	case 2: raw_store_order((u16 *)p, (u16)value, __ATOMIC_RELAXED); break;
	case 4: raw_store_order((u32 *)p, (u32)value, __ATOMIC_RELAXED); break;
	default: raw_store_order((u64 *)p, value, __ATOMIC_RELAXED); break;
	}
}

#endif /* MMSTORM_HW_BYTES_H */
