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
 */
struct token_pool {
	u32		lock __cacheline_aligned;	/* hw/hw_lock.h */
	unsigned int	total;
	unsigned int	free;
	unsigned int	nr_waiting;	/* also read without the lock, as a hint */
	struct vcpu	*head, *tail;
};

/* @tokens 0: as many as the host cores this process may use. */
void token_pool_init(struct token_pool *pool, unsigned int tokens);

/* Waits for a token.  The vCPU is not RUNNING yet. */
void token_get(struct token_pool *pool, struct vcpu *cpu);
/* Gives the token to the longest waiter, or back to the pool. */
void token_put(struct token_pool *pool, struct vcpu *cpu);

/* token_put() and token_get() when somebody waits; false, and nothing done, when nobody does. */
bool token_hand_over(struct token_pool *pool, struct vcpu *cpu);

static inline bool token_wanted(const struct token_pool *pool)
{
	return __atomic_load_n(&pool->nr_waiting, __ATOMIC_RELAXED) != 0;
}

#endif /* MMSTORM_HW_TOKEN_H */
