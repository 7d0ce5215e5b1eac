/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_HW_ACCESS_H
#define MMSTORM_HW_ACCESS_H

#include <stddef.h>
#include "base/compiler.h"
#include "base/types.h"
#include "hw/vectors.h"

/*
 * What programs do to memory, on the calling vCPU and through its TLB.
 *
 * An access looks in the TLB, walks on a miss, enters the page-fault vector
 * when the walk or the rights fail, and starts over when that says so; then
 * bytes move, by relaxed atomics, between the look-up and the next moment at
 * which an interrupt can be taken.  An access that spans two pages is made in
 * two parts, as on hardware.  Aligned accesses are single-copy atomic.
 *
 * All return 0, -EFAULT, or what the page-fault vector failed with (-ENOMEM).
 * After -EFAULT of a user-mode access current_fault() says which signal the
 * program would get.  Task context (or
 * a bound thread), interrupts on, no spinlock, no RCU section: the fault may
 * sleep, and the caller may be on another vCPU afterwards.
 */
int user_load(unsigned long va, unsigned int size, u64 *value);		/* size 1, 2, 4, 8 */
int user_store(unsigned long va, unsigned int size, u64 value);
/* 8 bytes, aligned (else -EINVAL). *old gets what was there; stored when it equalled @expect. */
int user_cmpxchg(unsigned long va, u64 expect, u64 desired, u64 *old);
int user_xadd(unsigned long va, u64 add, u64 *old);
/* Fetches an instruction byte: needs execute permission. */
int user_exec(unsigned long va);
/* Block copies and fills in user mode (a program's memcpy): user_load/store for each word. */
int user_read_block(unsigned long va, void *to, size_t len);
int user_write_block(unsigned long va, const void *from, size_t len);

/*
 * The kernel's copies: kernel-mode accesses.  Return the number of bytes that
 * could not be copied, as the kernel's do; no signal.
 */
size_t __must_check copy_from_user(void *to, unsigned long from, size_t len);
size_t __must_check copy_to_user(unsigned long to, const void *from, size_t len);

/* The last refused access of the calling vCPU's current task. */
const struct fault_info *current_fault(void);

/* Retries of one access without getting through before it is a LIVE finding and fails. */
#define USER_ACCESS_RETRIES	(1u << 16)

#endif /* MMSTORM_HW_ACCESS_H */
