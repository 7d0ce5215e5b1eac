/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_STRESS_SEARCHED_H
#define MMSTORM_STRESS_SEARCHED_H

#include "ops/op.h"
#include "stress/storm.h"

/*
 * What `mmstorm explore' searches: one program, or several in turn.
 */
struct searched {
	const char	*name;
	const struct storm_info	*storm;	/* that draws the program, or NULL */
	struct op_list	list;
	/* Of a run, about: PCT's n and k.  0: not known yet. */
	unsigned int	actors;
	u64		decisions;
};

/* Programs of a storm: how many ops, on how many CPUs, of how many tasks (0: the storm's). */
struct searched_draw {
	unsigned int	ops, cpus, tasks;
};

struct searched_set {
	struct searched	*item;
	unsigned int	nr;
	char		*words;		/* where the names are */
};

/**
 * searched_load() - the programs of @words
 * @words: a scenario, a file of op text, "storm:" and a storm, several of them with
 *	commas between, or "all" scenarios
 * @command: for messages
 *
 * EXIT_CLEAN, or another exit code after a message, and the set is empty.
 */
int searched_load(struct searched_set *set, const char *command, const char *words);
/* The same of one program: op text that stands in a file of another form. */
int searched_load_text(struct searched_set *set, const char *command, const char *file,
		       const char *text);
void searched_free(struct searched_set *set);

/* What run @run of @seed is of, if a storm draws it; as it is, if not.  -ENOMEM. */
int searched_draw(struct searched *item, const struct searched_draw *draw, u64 seed, u64 run);

#endif /* MMSTORM_STRESS_SEARCHED_H */
