/* SPDX-License-Identifier: MIT */
#ifndef BAD_NEEDS_H
#define BAD_NEEDS_H
static inline void f(size_t n) {}
#endif
