/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_OPS_REPLAY_TOKEN_H
#define MMSTORM_OPS_REPLAY_TOKEN_H

#include "ops/explore.h"

/*
 * A controlled run as a word that can be pasted:
 *
 *	ms1:SOURCE:BASE64
 *
 * SOURCE names the source of the core, whose points the schedule counts: every build of
 * that source runs the token alike, no other source will.  The rest is configuration,
 * ops, schedule and the hash of the run, compressed.
 */
struct replay_token {
	struct op_list		list;
	struct explore_config	config;		/* config.list is &list */
	struct schedule		schedule;
	u64			hash;		/* of the run it was made of */
};

/* The word, from malloc(); NULL when memory is short. */
char *replay_token_print(const struct explore_config *config, const struct schedule *schedule,
			 u64 hash);

/*
 * 0; -EINVAL: no token, or a damaged one; -ESTALE: of another source; -ENOMEM.  *why, if
 * not 0, is a line for people.  Blanks around the word are skipped; no byte is trusted.
 */
int replay_token_parse(const char *text, struct replay_token *token, const char **why);
void replay_token_free(struct replay_token *token);

/* Looks like a token rather than a file's name. */
bool replay_token_is(const char *text);

/* Of this program. */
extern const char replay_source_id[];	/* eight letters; made by the build */

#endif /* MMSTORM_OPS_REPLAY_TOKEN_H */
