/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_STRESS_TELL_H
#define MMSTORM_STRESS_TELL_H

#include <stdio.h>

#include "ops/replay_token.h"

/* Runs the token once more, and tells what happens (ops/story.h).  0 or -errno. */
int story_of(const struct replay_token *token, FILE *out);

#endif /* MMSTORM_STRESS_TELL_H */
