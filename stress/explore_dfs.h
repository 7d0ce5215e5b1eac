/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_STRESS_EXPLORE_DFS_H
#define MMSTORM_STRESS_EXPLORE_DFS_H

#include "sync/exhaust.h"

struct json;

/* `mmstorm explore --strategy dfs:B': every schedule there is within bounds. */
struct explore_dfs {
	bool			asked;
	bool			compare;	/* with brute force, afterwards */
	struct exhaust_bounds	bounds;		/* asked for */
	/* Smaller ones come first, for what is found by less. */
	struct exhaust_bounds	now, before;
	unsigned int		nr_before;	/* done */
	struct exhaust		*exhaust;	/* NULL unless asked; what searches now */
	struct exhaust		*reduced;	/* the first search, when it is compared */
};

/* True for "dfs:B" that makes sense. */
bool explore_dfs_parse(struct explore_dfs *d, const char *strategy);
/* -ENOMEM; does nothing unless asked. */
int explore_dfs_begin(struct explore_dfs *d, unsigned int events, bool compare);
void explore_dfs_end(struct explore_dfs *d);

/* Before each run; false: no more. */
bool explore_dfs_next(struct explore_dfs *d);

/* The reduced search and brute force are both done, and came to different ends. */
bool explore_dfs_disagrees(const struct explore_dfs *d);
/* How far it came: `done' only when nothing is left. */
void explore_dfs_report(const struct explore_dfs *d);
void explore_dfs_json(const struct explore_dfs *d, struct json *j);

#endif /* MMSTORM_STRESS_EXPLORE_DFS_H */
