/* SPDX-License-Identifier: MIT */
/*
 * Storms and programs on a machine that refuses one allocation in five to
 * fifty, alone and on four vCPUs, with every oracle on: calls may fail, but
 * nothing is lost, nothing is half done, and everyone comes to an end.
 *
 * With an argument: that many seeds of each kind, from the second one on.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <cmocka.h>

#include "mmstorm.h"
#include "phys/fail.h"
#include "phys/page_alloc.h"

static u64 nr_seeds = 8, first_seed = 1;
static unsigned int bad;

static void on_finding(struct finding_sink *sink, const struct finding *f)
{
	(void)sink;
	bad++;
	print_message("finding: %s\n%s\n", f->title, f->detail);
}

/* Boots in the end: each refusal leaves nothing behind and is tried again. */
static struct machine *boot(enum run_mode mode, u64 seed)
{
	static const double probs[] = { 0.02, 0.05, 0.1, 0.2 };
	static const u32 scopes[] = { 0, FAIL_SCOPE_PAGES, FAIL_SCOPE_SLAB };
	struct machine_config config = {
		.nr_cpus = mode == RUN_SERIAL ? 1 : 4,
		.nr_frames = 8192,
		.frame_bytes = seed & 1 ? 4096 : 64,
		.mode = mode,
		.speculate_ppm = seed % 3 ? 10000 : 0,
		.fail = { .prob = probs[seed % 4], .scope = scopes[seed % 3],
			  .from_boot = true },
	};
	struct machine *m = NULL;
	unsigned int tries;
	int err = -ENOMEM;

	for (tries = 0; err && tries < 1000; tries++) {
		config.seed = seed + tries * 1000003;
		err = kern_boot(&config, &m);
		assert_true(!err || err == -ENOMEM);
	}
	assert_int_equal(err, 0);
	m->sink.on_finding = on_finding;
	assert_int_equal(check_attach(m, CHECK_ALL), 0);
	return m;
}

static void quiet(void *arg, struct mm_struct *const *mms, unsigned int nr_mms)
{
	(void)arg;
	(void)mms;
	(void)nr_mms;
	check_quiet(this_machine());
}

static u64 errors, fallen;

static void observe(void *arg, const struct op_place *place, const struct mm_op *op,
		    const struct op_result *r)
{
	(void)arg;
	(void)place;
	(void)op;
	if (r->ret == -ENOMEM)
		__atomic_fetch_add(&errors, 1, __ATOMIC_RELAXED);
}

static struct op_run *create(struct machine *m, const struct op_world *world)
{
	struct op_run_config config = {
		.machine = m, .world = *world, .observe = observe,
		.quiet = quiet, .quiet_ops = 300,
	};
	struct op_run *run = NULL;
	unsigned int tries;
	int err = -ENOMEM;

	for (tries = 0; err && tries < 10000; tries++) {
		err = op_run_create(&config, &run);
		assert_true(!err || err == -ENOMEM);
	}
	assert_int_equal(err, 0);
	return run;
}

static void end(struct machine *m, struct op_run *run, u64 seed)
{
	struct frame_count fc;

	op_run_destroy(run);
	machine_bind_host(m, 0);
	check_quiet(m);
	phys_count_frames(m, &fc);
	machine_unbind_host(m);
	check_detach(m);
	kern_shutdown(m);
	if (bad || fc.broken)
		fail_msg("seed %llu", (unsigned long long)seed);
}

/* ---- storms ---- */

static const struct op_mix mix = {
	.name = "fail",
	.weight = {
		[OP_MMAP] = 120, [OP_MUNMAP] = 60, [OP_MPROTECT] = 60, [OP_MREMAP] = 60,
		[OP_BRK] = 20, [OP_MADVISE] = 50, [OP_LOAD] = 250, [OP_STORE] = 300,
		[OP_RMW] = 20, [OP_COPY] = 10, [OP_FETCH] = 5, [OP_FORK] = 20, [OP_CLONE] = 10,
		[OP_EXIT] = 5, [OP_TRUNCATE] = 10, [OP_MIGRATE] = 40, [OP_YIELD] = 10,
	},
	.shared = 200, .file = 300, .hot = 700, .tagged = 900, .moving = 600, .readonly = 400,
	.len_max = 10, .hot_pages = 16,
	.depth = 2, .children = 2, .life_min = 20, .life_max = 150,
};

static void storm(enum run_mode mode, u64 seed, u64 ops)
{
	struct op_world world = {
		.cpus = 4, .tasks = 5, .procs = 3, .pages = 64, .files = 2, .file_pages = 12,
		.seed = seed,
	};
	struct machine *m = boot(mode, seed);
	struct op_run *run = create(m, &world);
	int err = op_run_streams(run, &mix, ops);

	/* The first tasks may not have got their memory. */
	assert_true(!err || err == -ENOMEM);
	fallen += err != 0;
	end(m, run, seed);
}

static void storms(enum run_mode mode, u64 ops)
{
	u64 seed;

	errors = fallen = 0;
	for (seed = first_seed; seed < first_seed + nr_seeds; seed++)
		storm(mode, seed, ops);
	print_message("%llu calls were refused memory, %llu runs did not start\n",
		      (unsigned long long)errors, (unsigned long long)fallen);
	assert_true(errors > 10 * nr_seeds);
}

static void test_serial_storms(void **state)
{
	(void)state;
	storms(RUN_SERIAL, 2000);
}

static void test_free_storms(void **state)
{
	(void)state;
	storms(RUN_FREE, 3000);
}

static void test_jitter_storms(void **state)
{
	(void)state;
	storms(RUN_JITTER, 2000);
}

/* ---- programs ---- */

static void fill(struct prng *rng, u8 *data, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		data[i] = (u8)prng_next(rng);
	/* Mostly whole pages of the window, by tasks that exist. */
	for (i = OP_WIRE_HEAD; i + 4 < size; i += OP_WIRE_RECORD) {
		data[i + 1] &= 3;
		data[i + 3] = prng_below(rng, 8) ? 0 : data[i + 3];
	}
}

static void program(enum run_mode mode, u64 seed)
{
	u8 data[1500];
	struct op_list list;
	struct op_run *run;
	struct machine *m;
	struct prng rng;
	int err;

	prng_seed(&rng, seed);
	fill(&rng, data, sizeof(data));
	assert_int_equal(op_wire_decode(data, sizeof(data), &op_wire_limits_default, &list), 0);
	m = boot(mode, seed);
	run = create(m, &list.world);
	err = op_run_program(run, &list);
	assert_true(!err || err == -ENOMEM);
	end(m, run, seed);
	op_list_free(&list);
}

static void test_programs(void **state)
{
	u64 seed;

	(void)state;
	for (seed = first_seed; seed < first_seed + 4 * nr_seeds; seed++)
		program(seed % 4 ? RUN_SERIAL : RUN_FREE, seed);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_serial_storms),
		cmocka_unit_test(test_free_storms),
		cmocka_unit_test(test_jitter_storms),
		cmocka_unit_test(test_programs),
	};

	if (argc > 1)
		nr_seeds = strtoull(argv[1], NULL, 0);
	if (argc > 2)
		first_seed = strtoull(argv[2], NULL, 0);
	if (argc == 1)
		alarm(240);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
