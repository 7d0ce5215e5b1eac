/* SPDX-License-Identifier: MIT */
/*
 * Bit maps with the kernel's names.  Reading helpers take each word once and
 * atomically, so that a map may be looked at while others set bits (set_bit());
 * what they answer is then true of some moment per word, not of the whole map.
 */
#ifndef BASE_BITMAP_H
#define BASE_BITMAP_H

#include <string.h>

#include "base/atomic.h"

#define BITS_TO_LONGS(n)	DIV_ROUND_UP(n, (unsigned int)BITS_PER_LONG)
#define DECLARE_BITMAP(name, n)	unsigned long name[BITS_TO_LONGS(n)]

/* The bits of a map's last word that belong to it. */
#define BITMAP_LAST_WORD_MASK(n)	(~0UL >> (-(n) & (unsigned int)(BITS_PER_LONG - 1)))
#define BITMAP_FIRST_WORD_MASK(start)	(~0UL << ((start) & (unsigned int)(BITS_PER_LONG - 1)))

/* The first bit at or after @start that is set (clear): @size when there is none. */
unsigned long find_next_bit(const unsigned long *map, unsigned long size, unsigned long start);
unsigned long find_next_zero_bit(const unsigned long *map, unsigned long size,
				 unsigned long start);

static inline unsigned long find_first_bit(const unsigned long *map, unsigned long size)
{
	return find_next_bit(map, size, 0);
}

static inline unsigned long find_first_zero_bit(const unsigned long *map, unsigned long size)
{
	return find_next_zero_bit(map, size, 0);
}

#define for_each_set_bit(bit, map, size)					\
	for ((bit) = find_first_bit(map, size); (bit) < (size);			\
	     (bit) = find_next_bit(map, size, (bit) + 1))

/* Plain writers: the caller owns the destination. */
static inline void bitmap_zero(unsigned long *map, unsigned int n)
{
	memset(map, 0, BITS_TO_LONGS(n) * sizeof(long));
}

void bitmap_fill(unsigned long *map, unsigned int n);
void bitmap_copy(unsigned long *to, const unsigned long *from, unsigned int n);
void bitmap_set(unsigned long *map, unsigned int start, unsigned int len);
void bitmap_clear(unsigned long *map, unsigned int start, unsigned int len);
void bitmap_or(unsigned long *to, const unsigned long *a, const unsigned long *b, unsigned int n);
/* These two return whether the result has a bit. */
bool bitmap_and(unsigned long *to, const unsigned long *a, const unsigned long *b, unsigned int n);
bool bitmap_andnot(unsigned long *to, const unsigned long *a, const unsigned long *b,
		   unsigned int n);

unsigned int bitmap_weight(const unsigned long *map, unsigned int n);
bool bitmap_equal(const unsigned long *a, const unsigned long *b, unsigned int n);
/* Are all bits of @a in @b? */
bool bitmap_subset(const unsigned long *a, const unsigned long *b, unsigned int n);
bool bitmap_intersects(const unsigned long *a, const unsigned long *b, unsigned int n);

static inline bool bitmap_empty(const unsigned long *map, unsigned int n)
{
	return find_first_bit(map, n) >= n;
}

static inline bool bitmap_full(const unsigned long *map, unsigned int n)
{
	return find_first_zero_bit(map, n) >= n;
}

#endif
