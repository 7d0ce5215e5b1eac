/* SPDX-License-Identifier: MIT */
/*
 * Bit maps.  Owns nothing, takes no lock.  Reads each word once (READ_ONCE), so that a
 * map may change under a reader; must never write outside the map's bits.
 */
#include "base/bitmap.h"

/* The first bit at or after @start that differs from those of @flip. */
static unsigned long find_next(const unsigned long *map, unsigned long size,
			       unsigned long start, unsigned long flip)
{
	unsigned long word, i;

	if (start >= size)
		return size;
	i = BIT_WORD(start);
	word = (READ_ONCE(map[i]) ^ flip) & BITMAP_FIRST_WORD_MASK(start);
	while (!word) {
		if (++i >= BITS_TO_LONGS(size))
			return size;
		word = READ_ONCE(map[i]) ^ flip;
	}
	return min(i * (unsigned long)BITS_PER_LONG + __ffs(word), size);
}

unsigned long find_next_bit(const unsigned long *map, unsigned long size, unsigned long start)
{
	return find_next(map, size, start, 0);
}

unsigned long find_next_zero_bit(const unsigned long *map, unsigned long size,
				 unsigned long start)
{
	return find_next(map, size, start, ~0UL);
}

/* The bits of word @i that belong to a map of @n bits. */
static unsigned long word_mask(unsigned int i, unsigned int n)
{
	return i == BITS_TO_LONGS(n) - 1 ? BITMAP_LAST_WORD_MASK(n) : ~0UL;
}

void bitmap_fill(unsigned long *map, unsigned int n)
{
	for (unsigned int i = 0; i < BITS_TO_LONGS(n); i++)
		map[i] = word_mask(i, n);
}

void bitmap_copy(unsigned long *to, const unsigned long *from, unsigned int n)
{
	for (unsigned int i = 0; i < BITS_TO_LONGS(n); i++)
		to[i] = READ_ONCE(from[i]);
}

void bitmap_set(unsigned long *map, unsigned int start, unsigned int len)
{
	for (unsigned int bit = start; bit < start + len; bit++)
		__set_bit(bit, map);
}

void bitmap_clear(unsigned long *map, unsigned int start, unsigned int len)
{
	for (unsigned int bit = start; bit < start + len; bit++)
		__clear_bit(bit, map);
}

void bitmap_or(unsigned long *to, const unsigned long *a, const unsigned long *b, unsigned int n)
{
	for (unsigned int i = 0; i < BITS_TO_LONGS(n); i++)
		to[i] = READ_ONCE(a[i]) | READ_ONCE(b[i]);
}

bool bitmap_and(unsigned long *to, const unsigned long *a, const unsigned long *b, unsigned int n)
{
	unsigned long any = 0;

	for (unsigned int i = 0; i < BITS_TO_LONGS(n); i++) {
		to[i] = READ_ONCE(a[i]) & READ_ONCE(b[i]) & word_mask(i, n);
		any |= to[i];
	}
	return any;
}

bool bitmap_andnot(unsigned long *to, const unsigned long *a, const unsigned long *b,
		   unsigned int n)
{
	unsigned long any = 0;

	for (unsigned int i = 0; i < BITS_TO_LONGS(n); i++) {
		to[i] = READ_ONCE(a[i]) & ~READ_ONCE(b[i]) & word_mask(i, n);
		any |= to[i];
	}
	return any;
}

unsigned int bitmap_weight(const unsigned long *map, unsigned int n)
{
	unsigned int weight = 0;

	for (unsigned int i = 0; i < BITS_TO_LONGS(n); i++)
		weight += (unsigned int)__builtin_popcountl(READ_ONCE(map[i]) & word_mask(i, n));
	return weight;
}

bool bitmap_equal(const unsigned long *a, const unsigned long *b, unsigned int n)
{
	for (unsigned int i = 0; i < BITS_TO_LONGS(n); i++)
		if ((READ_ONCE(a[i]) ^ READ_ONCE(b[i])) & word_mask(i, n))
			return false;
	return true;
}

bool bitmap_subset(const unsigned long *a, const unsigned long *b, unsigned int n)
{
	for (unsigned int i = 0; i < BITS_TO_LONGS(n); i++)
		if (READ_ONCE(a[i]) & ~READ_ONCE(b[i]) & word_mask(i, n))
			return false;
	return true;
}

bool bitmap_intersects(const unsigned long *a, const unsigned long *b, unsigned int n)
{
	for (unsigned int i = 0; i < BITS_TO_LONGS(n); i++)
		if (READ_ONCE(a[i]) & READ_ONCE(b[i]) & word_mask(i, n))
			return true;
	return false;
}
