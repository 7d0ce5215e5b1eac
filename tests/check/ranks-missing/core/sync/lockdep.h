/* SPDX-License-Identifier: MIT */
#define MM_LOCK_RANKS(RANK) RANK(OP, SLEEPS)
