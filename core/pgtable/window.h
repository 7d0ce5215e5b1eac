/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_PGTABLE_WINDOW_H
#define MMSTORM_PGTABLE_WINDOW_H

#include "pgtable/context.h"
#include "sync/sched.h"

/*
 * A window of an address space (sync/sched.h): key is an address in it, or 0.  Worth
 * to be held in while another vCPU runs in the same address space.
 */
#if MM_POINTS
void mm_window(enum window_id id, const struct mm_context *ctx, u64 key);
#else
static inline void mm_window(enum window_id id, const struct mm_context *ctx, u64 key) { }
#endif

#endif /* MMSTORM_PGTABLE_WINDOW_H */
