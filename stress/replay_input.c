/* SPDX-License-Identifier: MIT */
/*
 * `mmstorm replay' of an input of fuzz_sched: the same run as the fuzzer's, and a token
 * of it, which is shorter to pass on and says how it is run.
 */
#include "stress/replay_input.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/read_file.h"
#include "ops/replay_token.h"
#include "ops/schedule_input.h"
#include "stress/exit_codes.h"
#include "stress/sanitizer.h"

bool replay_is_input(const char *path)
{
	char head[SCHEDULE_INPUT_HEAD];
	FILE *f = fopen(path, "rb");
	bool is;

	if (!f)
		return false;
	is = schedule_input_is(head, fread(head, 1, sizeof(head), f));
	fclose(f);
	return is;
}

/* The runs after the first must be the first again. */
static int run(struct schedule_input *in, unsigned int repeat, struct schedule *record,
	       struct explore_result *r, bool *same)
{
	struct machine_stock stock = { .ram = { .base = NULL } };
	u64 hash = 0;
	int err = 0;

	*same = true;
	in->config.stock = &stock;
	for (unsigned int i = 0; !err && i < repeat && *same; i++) {
		struct strategy strategy;

		strategy_start_bytes(&strategy, in->schedule, in->len, NULL);
		err = explore_run(&in->config, &strategy, record, r);
		*same = err || !i || r->hash == hash;
		hash = r->hash;
	}
	in->config.stock = NULL;
	machine_stock_drop(&stock);
	return err;
}

static int say(const struct schedule_input *in, const struct schedule *record,
	       const struct explore_result *r, bool same)
{
	unsigned int findings = r->findings + sanitizer_reports();
	char *token = replay_token_print(&in->config, record, r->hash);

	if (r->findings)
		printf("%s\n  %s\n", r->title, r->detail);
	if (token)
		printf("repeat: mmstorm replay %s\n", token);
	free(token);
	printf("mmstorm: %s trace_hash=0x%llx decisions=%llu ops=%llu findings=%u\n",
	       !same ? "DIVERGED" : findings ? "FINDINGS" : "SUCCESS", r->hash, r->decisions,
	       r->ops, findings);
	if (!same)
		return EXIT_DIVERGED;
	return findings ? EXIT_FINDINGS : EXIT_CLEAN;
}

int replay_input(const char *path, unsigned int repeat, u32 checks, const u64 zoo[2])
{
	struct schedule record = { 0 };
	struct explore_result r;
	struct schedule_input in;
	char *data;
	size_t size;
	bool same;
	int err = read_file(path, &data, &size), ret;

	if (!err) {
		err = schedule_input_decode((const u8 *)data, size, &in);
		if (err)
			free(data);
	}
	if (err) {
		fprintf(stderr, "mmstorm replay: %s: %s\n", path, strerror(-err));
		return EXIT_RESOURCES;
	}
	in.config.checks = checks;
	memcpy(in.config.zoo, zoo, sizeof(in.config.zoo));
	err = run(&in, repeat, &record, &r, &same);
	if (err)
		fprintf(stderr, "mmstorm replay: the machine could not be set up: %s\n",
			strerror(-err));
	ret = err ? EXIT_RESOURCES : say(&in, &record, &r, same);
	schedule_free(&record);
	schedule_input_free(&in);
	free(data);
	return ret;
}
