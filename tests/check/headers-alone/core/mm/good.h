/* SPDX-License-Identifier: MIT */
#ifndef GOOD_H
#define GOOD_H
#include <stddef.h>
static inline void f(size_t n) {}
#endif
