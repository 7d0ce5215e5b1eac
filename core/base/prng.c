/* SPDX-License-Identifier: MIT */
/* Seeding.  Owns nothing; draws nothing from the host. */
#include "base/prng.h"

/* Four consecutive splitmix64 outputs, as xoshiro's authors advise: never all zero. */
void prng_seed(struct prng *p, u64 seed)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(p->s); i++) {
		seed += 0x9e3779b97f4a7c15ULL;
		p->s[i] = mix64(seed);
	}
}
