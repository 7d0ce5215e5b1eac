/* SPDX-License-Identifier: MIT */
/*
 * Random numbers: equal seeds give equal sequences on every host.
 *
 * hash64() draws without state: what task t does at its k-th operation is a function
 * of (seed, t, k), whatever the timing.  struct prng (xoshiro256**, Blackman and Vigna)
 * is for streams that one owner draws from in order.
 */
#ifndef BASE_PRNG_H
#define BASE_PRNG_H

#include "base/compiler.h"

struct prng {
	u64 s[4];
};

/* splitmix64's finaliser: a bijection on 64 bits that mixes well. */
static inline u64 mix64(u64 x)
{
	x ^= x >> 30;
	x *= 0xbf58476d1ce4e5b9ULL;
	x ^= x >> 27;
	x *= 0x94d049bb133111ebULL;
	x ^= x >> 31;
	return x;
}

/* The draw that belongs to (seed, t, k); the constants are odd, so no two axes cancel. */
static inline u64 hash64(u64 seed, u64 t, u64 k)
{
	u64 x = mix64(seed + 0x9e3779b97f4a7c15ULL);

	x = mix64(x ^ (t + 0x9e3779b97f4a7c15ULL));
	return mix64(x + (k + 1) * 0xd1342543de82ef95ULL);
}

void prng_seed(struct prng *p, u64 seed);

static inline u64 prng_next(struct prng *p)
{
	u64 *s = p->s;
	u64 r = s[1] * 5;
	u64 t = s[1] << 17;

	r = ((r << 7) | (r >> 57)) * 9;
	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = (s[3] << 45) | (s[3] >> 19);
	return r;
}

/* A number in [0, n) out of 64 random bits; n > 0.  The bias is below n / 2^64. */
static inline u64 scale64(u64 random, u64 n)
{
	return (u64)(((unsigned __int128)random * n) >> 64);
}

/* In [0, n); n > 0. */
static inline u64 prng_below(struct prng *p, u64 n)
{
	return scale64(prng_next(p), n);
}

/* In [lo, hi], both included; lo <= hi. */
static inline u64 prng_range(struct prng *p, u64 lo, u64 hi)
{
	return hi - lo == U64_MAX ? prng_next(p) : lo + prng_below(p, hi - lo + 1);
}

/* True @ppm times in a million. */
static inline bool prng_chance(struct prng *p, u32 ppm)
{
	return ppm && prng_below(p, 1000000) < ppm;
}

/* In [0, 1). */
static inline double prng_double(struct prng *p)
{
	return (double)(prng_next(p) >> 11) * 0x1p-53;
}

#endif
