/* SPDX-License-Identifier: MIT */
/* What the compiler offers beyond C11, under the kernel's names. */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#include "base/types.h"

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

#ifndef __always_inline
#define __always_inline	inline __attribute__((always_inline))
#endif
#define noinline	__attribute__((noinline))
#ifndef __must_check
#define __must_check	__attribute__((warn_unused_result))
#endif
#define __printf(a, b)	__attribute__((format(printf, a, b)))
#define __maybe_unused	__attribute__((unused))
#define __cold		__attribute__((cold))
#define __noreturn	__attribute__((noreturn))
#define __weak		__attribute__((weak))
#define fallthrough	__attribute__((fallthrough))
#ifndef __aligned
#define __aligned(n)	__attribute__((aligned(n)))
#endif

#define SMP_CACHE_BYTES	64
#define __cacheline_aligned	__aligned(SMP_CACHE_BYTES)

/*
 * A function whose plain accesses ThreadSanitizer does not look at (whole files:
 * core/CMakeLists.txt); its atomics it does.  For what looks, plainly, only at what is
 * its own or never changes: no race can be missed there.
 */
#define NO_TSAN		__attribute__((no_sanitize("thread")))

#define __mm_concat(a, b)	a##b
#define mm_concat(a, b)		__mm_concat(a, b)
#define __UNIQUE_ID(prefix)	mm_concat(__uid_##prefix##_, __COUNTER__)

#define BUILD_BUG_ON(cond)	_Static_assert(!(cond), "BUILD_BUG_ON: " #cond)

#define ARRAY_SIZE(a)		(sizeof(a) / sizeof((a)[0]))

#define container_of(ptr, type, member)						\
	((type *)((char *)(ptr) - offsetof(type, member) +			\
		  0 * sizeof((ptr) == &((type *)0)->member)))

/* Powers of two only. */
#define ALIGN_DOWN(x, a)	((x) & ~((__typeof__(x))(a) - 1))
#define ALIGN(x, a)		ALIGN_DOWN((x) + ((__typeof__(x))(a) - 1), a)
#define IS_ALIGNED(x, a)	(((x) & ((__typeof__(x))(a) - 1)) == 0)
#define DIV_ROUND_UP(n, d)	(((n) + (d) - 1) / (d))
#define BIT(n)			(1UL << (n))

#define __mm_min(a, b, x, y)							\
	({ __typeof__(a) x = (a); __typeof__(b) y = (b); x < y ? x : y; })
#define __mm_max(a, b, x, y)							\
	({ __typeof__(a) x = (a); __typeof__(b) y = (b); x > y ? x : y; })
#define min(a, b)	__mm_min(a, b, __UNIQUE_ID(x), __UNIQUE_ID(y))
#define max(a, b)	__mm_max(a, b, __UNIQUE_ID(x), __UNIQUE_ID(y))
#define clamp(v, lo, hi)	min(max(v, lo), hi)

#define __mm_swap(a, b, t)							\
	do { __typeof__(a) t = (a); (a) = (b); (b) = t; } while (0)
#define swap(a, b)	__mm_swap(a, b, __UNIQUE_ID(t))

/* Index of the lowest and of the highest set bit; x must not be 0. */
#define __ffs(x)	((unsigned long)__builtin_ctzl(x))
#define __fls(x)	((unsigned long)(BITS_PER_LONG - 1 - __builtin_clzl(x)))

static inline bool is_power_of_2(unsigned long n)
{
	return n && !(n & (n - 1));
}

/* Smallest order with (1 << order) >= n; n > 0. */
static inline unsigned int order_base_2(unsigned long n)
{
	return n > 1 ? (unsigned int)__fls(n - 1) + 1 : 0;
}

#endif
