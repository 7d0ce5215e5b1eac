/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_OPS_SHORTEN_H
#define MMSTORM_OPS_SHORTEN_H

#include "ops/explore.h"

/**
 * shorten_schedule() - leave out what a failing schedule can do without
 * @schedule: of a run that found something titled @title; made shorter in place
 * @max_runs: tries, at most
 * @go_on: asked before each, may be NULL; false: no more
 * @result: of the schedule that is left
 *
 * Deviations are left out, halves first and single ones last, as long as the first
 * finding stays the same (delta debugging).  Returns how many runs that took; fewer than
 * max_runs means, if it was let go on, that no single one can be left out any more.
 */
unsigned int shorten_schedule(const struct explore_config *config, struct schedule *schedule,
			      const char *title, unsigned int max_runs,
			      bool (*go_on)(void *arg), void *arg,
			      struct explore_result *result);

#endif /* MMSTORM_OPS_SHORTEN_H */
