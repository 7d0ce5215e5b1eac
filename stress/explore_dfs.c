/* SPDX-License-Identifier: MIT */
/*
 * The bounded exhaustive search as `mmstorm explore' offers it: its bounds, and what it
 * says of itself.  "done" is said of all schedules within the bounds, or not at all.
 */
#include "stress/explore_dfs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "stress/json.h"

bool explore_dfs_parse(struct explore_dfs *d, const char *strategy)
{
	unsigned long bound;
	char *end;

	if (strncmp(strategy, "dfs:", 4) || strategy[4] < '0' || strategy[4] > '9')
		return false;
	bound = strtoul(strategy + 4, &end, 10);
	if (*end || bound > EXHAUST_BOUND_MAX)
		return false;
	d->asked = true;
	d->bounds.preemptions = (unsigned int)bound;
	return true;
}

int explore_dfs_begin(struct explore_dfs *d, unsigned int events, bool compare)
{
	if (!d->asked)
		return 0;
	d->bounds.events = events;
	d->compare = compare;
	d->exhaust = exhaust_new(&d->now);
	return d->exhaust ? 0 : -ENOMEM;
}

void explore_dfs_end(struct explore_dfs *d)
{
	exhaust_free(d->exhaust);
	exhaust_free(d->reduced);
}

/* From the reduced search to brute force. */
static bool turn_to_brute_force(struct explore_dfs *d)
{
	struct exhaust_bounds bounds = d->bounds;
	struct exhaust *brute;

	bounds.brute = true;
	brute = exhaust_new(&bounds);
	if (!brute)
		return false;
	d->reduced = d->exhaust;
	d->exhaust = brute;
	return exhaust_next(brute);
}

static bool at_bounds(const struct explore_dfs *d)
{
	return d->now.preemptions == d->bounds.preemptions && d->now.events == d->bounds.events;
}

/* One more of each, from none to what is asked for. */
static bool widen(struct explore_dfs *d)
{
	struct exhaust_bounds wider = {
		.preemptions = min(d->now.preemptions + 1, d->bounds.preemptions),
		.events = min(d->now.events + 1, d->bounds.events),
	};
	struct exhaust *next = exhaust_new(&wider);

	if (!next)
		return false;
	d->before = d->now;
	d->nr_before++;
	d->now = wider;
	exhaust_free(d->exhaust);
	d->exhaust = next;
	return exhaust_next(next);
}

bool explore_dfs_next(struct explore_dfs *d)
{
	if (exhaust_next(d->exhaust))
		return true;
	if (!exhaust_done(d->exhaust))
		return false;
	if (!at_bounds(d))
		return widen(d);
	return d->compare && !d->reduced && turn_to_brute_force(d);
}

bool explore_dfs_disagrees(const struct explore_dfs *d)
{
	struct exhaust_stats less, all;

	if (!d->reduced || !exhaust_done(d->exhaust))
		return false;
	exhaust_stats(d->reduced, &less);
	exhaust_stats(d->exhaust, &all);
	return less.finals != all.finals || less.finals_hash != all.finals_hash;
}

/* ---- what it says ---- */

static const char *how_far(const struct exhaust *e)
{
	return exhaust_failed(e) ? "failed" : exhaust_done(e) ? "done" : "not done";
}

static const char *plural(u64 n)
{
	return n == 1 ? "" : "s";
}

static void print_bounds(const char *how_far, const struct exhaust_bounds *b)
{
	printf("%s: every schedule with at most %u preemption%s and %u hardware event%s",
	       how_far, b->preemptions, plural(b->preemptions), b->events, plural(b->events));
}

static void report_one(const struct exhaust *e, const char *how)
{
	struct exhaust_stats st;

	exhaust_stats(e, &st);
	if (exhaust_failed(e))
		printf("failed: %s\n", exhaust_failed(e));
	print_bounds(how_far(e), &st.bounds);
	printf("%s; %llu schedules, %llu pruned", how, st.runs, st.pruned);
	if (!exhaust_done(e))
		printf("; at least %llu left", st.left);
	printf("\n  %llu final state%s (0x%llx); %llu schedules joined an earlier one; %llu states remembered\n",
	       st.finals, plural(st.finals), st.finals_hash, st.joined, st.states);
}

void explore_dfs_report(const struct explore_dfs *d)
{
	if (d->nr_before && !exhaust_done(d->exhaust) && !d->reduced) {
		print_bounds("done", &d->before);
		printf("\n");
	}
	if (!d->reduced) {
		report_one(d->exhaust, "");
		return;
	}
	report_one(d->reduced, "");
	report_one(d->exhaust, ", equivalent ones too");
	if (exhaust_done(d->exhaust))
		printf("%s\n", explore_dfs_disagrees(d) ?
		       "EXPLORE: reduction and brute force came to different final states" :
		       "reduction and brute force came to the same final states");
}

static void json_one(const struct exhaust *e, struct json *j, const char *key)
{
	struct exhaust_stats st;

	exhaust_stats(e, &st);
	json_open_object(j, key);
	json_u64(j, "preemptions", st.bounds.preemptions);
	json_u64(j, "events", st.bounds.events);
	json_string(j, "how_far", how_far(e));
	json_u64(j, "schedules", st.runs);
	json_u64(j, "joined", st.joined);
	json_u64(j, "pruned", st.pruned);
	json_u64(j, "left", st.left);
	json_u64(j, "states", st.states);
	json_u64(j, "final_states", st.finals);
	json_hex(j, "final_states_hash", st.finals_hash);
	json_close(j);
}

void explore_dfs_json(const struct explore_dfs *d, struct json *j)
{
	json_one(d->reduced ? d->reduced : d->exhaust, j, "dfs");
	if (d->reduced)
		json_one(d->exhaust, j, "brute_force");
}
