/* SPDX-License-Identifier: MIT */
/*
 * Making failing schedules short: they are lists, any part of which is a schedule too.
 *
 * Owns nothing.  Must never accept a schedule that fails in another way.
 */
#include "ops/shorten.h"

#include <string.h>

#include "base/compiler.h"

struct shortening {
	const struct explore_config *config;
	const char		*title;
	struct schedule		try, record;
	struct strategy		strategy;
	unsigned int		runs, max_runs;
	bool			(*go_on)(void *arg);
	void			*arg;
};

static bool may_run(const struct shortening *s)
{
	return s->runs < s->max_runs && (!s->go_on || s->go_on(s->arg));
}

/* All of @from but @nr deviations from @first on. */
static bool leave_out(struct shortening *s, const struct schedule *from, size_t first, size_t nr)
{
	if (schedule_copy(&s->try, from))
		return false;
	memmove(s->try.dev + first, s->try.dev + first + nr,
		(from->nr - first - nr) * sizeof(*s->try.dev));
	s->try.nr -= nr;
	return true;
}

/* Does it fail as it should?  What was really done goes to s->record. */
static bool fails(struct shortening *s, struct explore_result *r)
{
	s->runs++;
	strategy_start_replay(&s->strategy, &s->try);
	return !explore_run(s->config, &s->strategy, &s->record, r) && r->findings &&
	       !strcmp(r->title, s->title);
}

/* One pass with pieces of @nr; true if any could go. */
static bool pass(struct shortening *s, struct schedule *schedule, size_t nr,
		 struct explore_result *result)
{
	struct explore_result r;
	bool shorter = false;
	size_t at = 0;

	while (at < schedule->nr && may_run(s)) {
		size_t n = min(nr, schedule->nr - at);

		if (leave_out(s, schedule, at, n) && fails(s, &r) &&
		    s->record.nr < schedule->nr && !schedule_copy(schedule, &s->record)) {
			*result = r;
			shorter = true;
		} else {
			at += n;
		}
	}
	return shorter;
}

unsigned int shorten_schedule(const struct explore_config *config, struct schedule *schedule,
			      const char *title, unsigned int max_runs,
			      bool (*go_on)(void *arg), void *arg,
			      struct explore_result *result)
{
	struct shortening s = {
		.config = config, .title = title, .max_runs = max_runs, .go_on = go_on,
		.arg = arg,
	};
	size_t nr = schedule->nr;

	while (nr && may_run(&s)) {
		if (!pass(&s, schedule, nr, result) || nr > schedule->nr)
			nr = nr > 1 ? nr / 2 : 0;
	}
	schedule_free(&s.try);
	schedule_free(&s.record);
	return s.runs;
}
