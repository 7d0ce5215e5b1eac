/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_HW_TOKEN_H
#define MMSTORM_HW_TOKEN_H

#include "base/types.h"
#include "base/compiler.h"

struct vcpu;

/*
 * Run tokens: how many vCPUs run at once.  As many as host cores, so that a
 * running vCPU is really running and the others are all at a point.  First
 * come, first served, handed over directly.
 *
 * A vCPU may also be held: it waits without asking for a token until a number of
 * turns of others are over.  Time is counted in turns, so that a hold means as
 * much on a slow host as on a fast one.  No core idles for it where there are
 * fewer cores than vCPUs: then the hold that is nearest to its end is over.
 */
/* Ticks of a turn.  A busy waiter's few spins are one tick. */
#define TOKEN_TURN	32

struct token_pool {
	u32		lock __cacheline_aligned;	/* hw/hw_lock.h */
	unsigned int	total;
	unsigned int	free;
	unsigned int	nr_waiting;	/* waiting or held; also read without the lock, as a hint */
	u64		ticks;		/* of all turns that have ended, of any vCPU */
	struct vcpu	*head, *tail;	/* waiting */
	struct vcpu	*held;		/* in no order */
};

/* @tokens 0: as many as the host cores this process may use. */
void token_pool_init(struct token_pool *pool, unsigned int tokens, unsigned int vcpus);

/* Waits for a token.  The vCPU is not RUNNING yet. */
void token_get(struct token_pool *pool, struct vcpu *cpu);
/* Gives the token to the longest waiter, or back to the pool. */
void token_put(struct token_pool *pool, struct vcpu *cpu);

/*
 * A turn of that many ticks is over: token_put() and token_get() when somebody waits;
 * false, and the token kept, when nobody does.
 */
bool token_hand_over(struct token_pool *pool, struct vcpu *cpu, unsigned int ticks);

/*
 * Gives the token away, waits until @ticks have gone by or token_unhold()
 * ends it, and takes a token.  Returns at once when *word is not @value any more
 * (whoever changes it calls token_unhold() then), or when the token would lie idle
 * (see above).
 */
void token_hold(struct token_pool *pool, struct vcpu *cpu, const u64 *word, u64 value,
		unsigned int ticks);
/* Ends the vCPU's hold, if there is one. */
void token_unhold(struct token_pool *pool, struct vcpu *cpu);

static inline bool token_wanted(const struct token_pool *pool)
{
	return __atomic_load_n(&pool->nr_waiting, __ATOMIC_RELAXED) != 0;
}

#endif /* MMSTORM_HW_TOKEN_H */
