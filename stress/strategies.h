/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_STRESS_STRATEGIES_H
#define MMSTORM_STRESS_STRATEGIES_H

#include "ops/option.h"
#include "sync/store_buffer.h"
#include "sync/strategy.h"

/*
 * Strategies and memory models by name, as every command that searches takes them.
 */
struct named_strategy {
	enum strategy_kind	kind;
	unsigned int		depth;		/* PCT's, from 1 to PCT_DEPTH_MAX */
	bool			portfolio;	/* kinds and depths take turns */
};

#define STRATEGY_DEFAULT	"portfolio"

/* 0, or -EINVAL and *err says which name it is, and what would do. */
int strategy_by_name(const char *name, struct named_strategy *strategy,
		     struct option_error *err);
int memory_by_name(const char *name, enum memory_model *model, struct option_error *err);

/* The same for rows: a comma list of strategies; one model. */
int valid_strategies(const char *list, struct option_error *err);
int valid_memory(const char *name, struct option_error *err);

/* For the run whose turn it is; expected: strategy_start(). */
void strategy_start_named(struct strategy *s, const struct named_strategy *named, u64 turn,
			  u64 seed, u64 expected);

#endif /* MMSTORM_STRESS_STRATEGIES_H */
