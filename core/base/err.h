/* SPDX-License-Identifier: MIT */
/* -errno in a pointer, as in the kernel: the last 4095 addresses are errors. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include <errno.h>

#include "base/compiler.h"

#define MAX_ERRNO	4095

#define IS_ERR_VALUE(x)	unlikely((unsigned long)(x) >= (unsigned long)-MAX_ERRNO)

static inline void *ERR_PTR(long error)
{
	return (void *)error;
}

static inline long PTR_ERR(const void *ptr)
{
	return (long)ptr;
}

static inline bool IS_ERR(const void *ptr)
{
	return IS_ERR_VALUE((unsigned long)ptr);
}

#endif
