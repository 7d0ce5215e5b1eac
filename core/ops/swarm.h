/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_OPS_SWARM_H
#define MMSTORM_OPS_SWARM_H

#include "ops/stream.h"

/*
 * Swarms: a mix drawn from a mix.  What a mix does all of, in even shares, hides what
 * only a few ops do often enough, or what some op always repairs; a swarm's runs each
 * leave some of it out and skew the rest, as their seeds say.
 */

/*
 * Some of what `base' does, more of this and less of that.  mmap and loads are never
 * left out.  Valid whenever base is and each of its shares that add up is at most half
 * of what it may be.
 */
void op_mix_swarm(const struct op_mix *base, u64 seed, struct op_mix *mix);

/* "mmap 24, load 300; shared 120, len_max 3, ...": all that is not 0. */
void op_mix_print(const struct op_mix *mix, char *buf, size_t size);

#endif /* MMSTORM_OPS_SWARM_H */
