/* SPDX-License-Identifier: MIT */
/* The story of a token's run, for those who print it. */
#include "stress/tell.h"

#include "ops/story.h"

int story_of(const struct replay_token *token, FILE *out)
{
	struct explore_config config = token->config;
	struct explore_result result;
	struct strategy strategy;
	struct story story;
	int err;

	story_init(&story, &token->list);
	config.watch = &story.watch;
	strategy_start_replay(&strategy, &token->schedule);
	err = explore_run(&config, &strategy, NULL, &result);
	if (!err)
		story_print(&story, out);
	story_free(&story);
	return err;
}
