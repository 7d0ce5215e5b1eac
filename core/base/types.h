/* SPDX-License-Identifier: MIT */
/* The integer names the kernel uses, and the C types everybody needs. */
#ifndef BASE_TYPES_H
#define BASE_TYPES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* long long on every host, as in the kernel, so that "%llu" prints a u64. */
typedef unsigned char		u8;
typedef unsigned short		u16;
typedef unsigned int		u32;
typedef unsigned long long	u64;
typedef signed char		s8;
typedef short			s16;
typedef int			s32;
typedef long long		s64;

#define U32_MAX		((u32)~0U)
#define U64_MAX		((u64)~0ULL)
#define BITS_PER_LONG	((int)(sizeof(long) * 8))

#endif
