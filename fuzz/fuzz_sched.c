/* SPDX-License-Identifier: MIT */
/*
 * Programs and their schedules (ops/schedule_input.h), each run in controlled mode: one
 * thread, every interleaving that the bytes ask for, under every oracle.  For ASan+UBSan.
 *
 * A run is its input: nothing wanders, and `mmstorm replay FILE' is the same run.  What
 * was put off for what, and who won which race, goes to libFuzzer as extra counters, so
 * that an input is also kept for a new interleaving of known code.
 *
 * MMSTORM_BUGS=SLUG,SLUG in the environment plants bugs.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "ops/replay_token.h"
#include "ops/schedule_input.h"

/* Of so many inputs one is run twice, to see that it is the same run. */
#define TWICE_ONE_IN	64

const struct op_wire_limits fuzz_limits = SCHEDULE_INPUT_LIMITS;

#if MM_FUZZ
/* libFuzzer looks at them after each run, and clears them. */
__attribute__((section("__libfuzzer_extra_counters")))
static u8 seen[SCHEDULE_BYTES_SEEN];
#else
#define seen	NULL
#endif

/* From one run to the next. */
static struct machine_stock stock;

static void plant(u64 *zoo)
{
	const char *slugs = getenv("MMSTORM_BUGS");
	char *text = slugs ? strdup(slugs) : NULL, *next = text, *slug;

	while ((slug = strsep(&next, ","))) {
		int id = *slug ? zoo_find(slug) : -1;

		if (id >= 0) {
			zoo_plant(zoo, (enum zoo_bug_id)id);
		} else if (*slug) {
			fprintf(stderr, "MMSTORM_BUGS: there is no bug '%s'\n", slug);
			exit(1);
		}
	}
	free(text);
}

static void run(const struct schedule_input *in, struct schedule *record, u8 *counters,
		struct explore_result *result)
{
	struct strategy strategy;

	strategy_start_bytes(&strategy, in->schedule, in->len, counters);
	if (explore_run(&in->config, &strategy, record, result))
		abort();
}

/* Again, for the schedule as a token; and it must be the same run. */
static void run_again(const struct schedule_input *in, struct schedule *record,
		      const struct explore_result *first)
{
	struct explore_result r;

	run(in, record, NULL, &r);
	if (r.hash == first->hash && r.findings == first->findings)
		return;
	fprintf(stderr, "==mmstorm== the same input is another run: trace hash 0x%llx, then 0x%llx\n",
		first->hash, r.hash);
	abort();
}

static void report(const struct schedule_input *in, const struct explore_result *r)
{
	struct schedule record = { 0 };
	char *token;

	fprintf(stderr, "==mmstorm== %s\n%s\n", r->title, r->detail);
	run_again(in, &record, r);
	token = replay_token_print(&in->config, &record, r->hash);
	fprintf(stderr, "==mmstorm== the program:\n");
	op_text_write(&in->list, stderr);
	fprintf(stderr, "==mmstorm== trace_hash=0x%llx; repeat: mmstorm replay %s\n", r->hash,
		token ? token : "FILE");
	abort();
}

/* Op text stands for its program with a walk. */
static int decode(const u8 *data, size_t size, struct schedule_input *in)
{
	struct op_list list;

	if (!fuzz_is_text(data, size))
		return schedule_input_decode(data, size, in);
	if (fuzz_program(data, size, &list))
		return -1;
	schedule_input_walk(&list, in);
	return 0;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct schedule_input in;
	struct explore_result r;

	if (decode(data, size, &in))
		return -1;
	in.config.stock = &stock;
	plant(in.config.zoo);
	run(&in, NULL, seen, &r);
	if (r.findings)
		report(&in, &r);
	if (r.hash % TWICE_ONE_IN == 0)
		run_again(&in, NULL, &r);
	schedule_input_free(&in);
	return 0;
}
