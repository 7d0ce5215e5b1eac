/* SPDX-License-Identifier: MIT */
/*
 * The fences of sequence counters in a TSan build, out of its sight (sync/seqcount.h
 * says why).  Owns nothing, and must not grow a fence that publishes anything.
 */
#include "sync/seqcount.h"

#if MM_TSAN
void seqcount_rmb(void)
{
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
}

void seqcount_wmb(void)
{
	__atomic_thread_fence(__ATOMIC_RELEASE);
}
#endif
