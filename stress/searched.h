/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_STRESS_SEARCHED_H
#define MMSTORM_STRESS_SEARCHED_H

#include "ops/op.h"

/*
 * What `mmstorm explore' searches: one program, or several in turn.
 */
struct searched {
	const char	*name;
	struct op_list	list;
	/* Of a run, about: PCT's n and k.  0: not known yet. */
	unsigned int	actors;
	u64		decisions;
};

struct searched_set {
	struct searched	*item;
	unsigned int	nr;
	char		*words;		/* where the names are */
};

/**
 * searched_load() - the programs of @words
 * @words: a scenario, a file of op text, several of them with commas between, or "all"
 *	scenarios
 * @command: for messages
 *
 * EXIT_CLEAN, or another exit code after a message, and the set is empty.
 */
int searched_load(struct searched_set *set, const char *command, const char *words);
void searched_free(struct searched_set *set);

#endif /* MMSTORM_STRESS_SEARCHED_H */
