/* SPDX-License-Identifier: MIT */
/*
 * The executor: serial programs against the reference model, allocation failures
 * one by one, programs with order and barriers in parallel, storms and their ends.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/atomic.h"
#include "mmstorm.h"
#include "ops/versus.h"

#define HEAD "# mmstorm-ops 1 cpus=2 tasks=2 pages=64 files=2 file_pages=8 "

static struct op_list parse(const char *text)
{
	struct op_text_error err;
	struct op_list list;

	if (op_text_parse(text, strlen(text), &list, &err))
		fail_msg("line %u: %s", err.line, err.what);
	return list;
}

static struct machine *boot(enum run_mode mode, unsigned int cpus, u64 seed)
{
	struct machine_config config = {
		.nr_cpus = mode == RUN_SERIAL ? 1 : cpus,
		.nr_frames = 8192,
		.frame_bytes = seed & 1 ? 4096 : 64,
		.seed = seed,
		.mode = mode,
	};
	struct machine *m;

	assert_int_equal(kern_boot(&config, &m), 0);
	return m;
}

/* Recounts, insists on no finding, shuts down. */
static void end(struct machine *m)
{
	const struct finding *f;

	machine_bind_host(m, 0);
	check_quiet(m);
	machine_unbind_host(m);
	f = finding_get(&m->sink, 0);
	if (finding_count(&m->sink))
		fail_msg("%s: %s", f->title, f->detail);
	check_detach(m);
	kern_shutdown(m);
}

/* ---- serial ---- */

/* Random bytes are programs; every answer is the model's. */
static void test_versus_model(void **state)
{
	struct op_wire_limits limits = op_wire_limits_default;
	struct op_versus_result r;
	u64 compared = 0, ranges = 0;
	struct op_list list;
	struct machine *m;
	struct prng rng;
	u8 data[1200];
	size_t i;
	int n;

	limits.codes &= ~(1u << OP_FAILNTH | 1u << OP_BARRIER | 1u << OP_EXIT);
	prng_seed(&rng, 1);
	for (n = 0; n < 60; n++) {
		for (i = 0; i < sizeof(data); i++)
			data[i] = (u8)prng_next(&rng);
		/* Mostly whole pages of the window, by tasks that exist. */
		for (i = OP_WIRE_HEAD; i + 4 < sizeof(data); i += OP_WIRE_RECORD) {
			data[i + 1] &= 1;
			data[i + 3] = prng_below(&rng, 8) ? 0 : data[i + 3];
		}
		data[1] = 1;
		assert_int_equal(op_wire_decode(data, sizeof(data), &limits,
						&list), 0);
		m = boot(RUN_SERIAL, 1, (u64)n);
		assert_int_equal(op_versus(m, &list, &r), 0);
		end(m);
		compared += r.compared;
		ranges += r.ranges;
		op_list_free(&list);
	}
	assert_true(compared > 2000);
	assert_true(ranges > 100);
}

struct sweep {
	long	ret[64];
	bool	failed[64];
	unsigned int nr;
	struct op_run *run;
	unsigned int maps[2];	/* sums of the layout before and after the op */
};

static unsigned int layout_sum(struct op_run *run)
{
	char *text = NULL;
	unsigned int sum = 0;
	size_t len = 0, i;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(proc_maps(op_run_mm(run, 0), NULL, out), 0);
	fclose(out);
	for (i = 0; i < len; i++)
		sum = sum * 31 + (unsigned char)text[i];
	free(text);
	return sum;
}

static void watch(void *arg, const struct op_place *place,
		  const struct mm_op *op, const struct op_result *r)
{
	struct sweep *s = arg;

	s->ret[place->k] = r->ret;
	s->failed[place->k] = r->failed;
	s->nr = (unsigned int)place->k + 1;
	if (op->code == OP_FAILNTH)
		s->maps[0] = layout_sum(s->run);
	else if (s->nr && place->k && op->task == 0)
		s->maps[1] = layout_sum(s->run);
}

/* One op with its nth allocation failed: all or nothing.  True when it fired. */
static bool fail_once(const char *op, unsigned int nth)
{
	struct sweep s = { .nr = 0 };
	struct op_run_config config = { .observe = watch, .arg = &s };
	char text[1024];
	struct op_list list;
	bool fired;

	snprintf(text, sizeof(text), HEAD "seed=1\n"
		 "mmap(p0, 32, RW, PRIVATE|ANON|FIXED)\n"
		 "mmap(p40, 8, RW, SHARED|FIXED, F0, 0)\n"
		 "store(p4, 8, 0x1)\nstore(p41, 8, 0x2)\n"
		 "failnth(%u)\n%s\n", nth, op);
	list = parse(text);
	config.machine = boot(RUN_SERIAL, 1, 1);
	config.world = list.world;
	assert_int_equal(op_run_create(&config, &s.run), 0);
	assert_int_equal(op_run_program(s.run, &list), 0);
	fired = s.failed[5];
	assert_int_equal(s.nr, 6);
	if (fired && s.ret[5] == -ENOMEM)
		assert_int_equal(s.maps[0], s.maps[1]);
	else if (!fired)
		assert_true(s.ret[5] >= 0);
	op_run_destroy(s.run);
	end(config.machine);
	op_list_free(&list);
	return fired;
}

static void test_fail_sweeps(void **state)
{
	static const char *const ops[] = {
		"mmap(p10, 4, RW, PRIVATE|ANON|FIXED)",
		"mmap(0x0, 4, RW, SHARED|ANON)",
		"mmap(p10, 4, RW, SHARED|FIXED, F1, 0)",
		"munmap(p8, 8)", "munmap(p0, 32)", "mprotect(p8, 8, R)",
		"mremap(p8, 4, 4, MAYMOVE|FIXED, p50)",
		"mremap(p40, 8, 12, MAYMOVE, 0x0)", "mremap(p0, 32, 16, 0, 0x0)",
		"brk(b4)", "madvise(p0, 32, DONTNEED)", "store(p9, 8, 0x5)",
		"load(p20, 8)", "load(p42, 8)", "store(p43, 8, 0x5)",
		"copy(p44, p4, 256)", "rmw(p9, XADD, 0x1, 0x0)",
		"fork(t5)", "clone(t5)", "truncate(F0, 2)", "migrate(p4)",
	};
	unsigned int i, nth, fired = 0;

	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		for (nth = 1; fail_once(ops[i], nth); nth++)
			assert_true(nth < 200);
		fired += nth - 1;
	}
	assert_true(fired > 30);
}

/* ---- parallel ---- */

struct log {
	u64	nr;
	u64	line[64];
	u64	value[64];
	unsigned int quiets, mms;
};

static void log_op(void *arg, const struct op_place *place,
		   const struct mm_op *op, const struct op_result *r)
{
	struct log *log = arg;
	u64 n = __atomic_fetch_add(&log->nr, 1, __ATOMIC_SEQ_CST);

	(void)op;
	if (n < 64) {
		log->line[n] = place->k;
		log->value[n] = r->value;
	}
}

static void log_quiet(void *arg, struct mm_struct *const *mms,
		      unsigned int nr_mms)
{
	struct log *log = arg;

	(void)mms;
	log->quiets++;
	log->mms = nr_mms;
	check_quiet(this_machine());
}

static void run_parallel(const char *text, struct log *log)
{
	struct op_list list = parse(text);
	struct op_run_config config = {
		.machine = boot(RUN_FREE, 2, 2), .world = list.world,
		.observe = log_op, .quiet = log_quiet, .arg = log,
	};
	struct op_run *run;

	memset(log, 0, sizeof(*log));
	assert_int_equal(check_attach(config.machine, CHECK_ALL), 0);
	assert_int_equal(op_run_create(&config, &run), 0);
	assert_int_equal(op_run_program(run, &list), 0);
	op_run_destroy(run);
	end(config.machine);
	op_list_free(&list);
}

static void test_ordered(void **state)
{
	struct log log;
	unsigned int i, n;

	for (n = 0; n < 20; n++) {
		run_parallel(HEAD "ordered=1 seed=2\n"
			     "t1 mmap(p0, 4, RW, PRIVATE|ANON|FIXED)\n"
			     "t0 store(p0, 8, 0x1)\nt1 load(p0, 8)\n"
			     "t5 yield()\n"		/* nobody's */
			     "t1 fork(t5)\nt0 store(p0, 8, 0x2)\n"
			     "t5 load(p0, 8)\nt1 load(p0, 8)\n", &log);
		assert_int_equal(log.nr, 7);
		for (i = 1; i < 7; i++)
			assert_true(log.line[i] > log.line[i - 1]);
		assert_int_equal(log.value[2], 1);
		assert_int_equal(log.value[5], 1);	/* the child's own */
		assert_int_equal(log.value[6], 2);
		assert_int_equal(log.quiets, 1);
		assert_int_equal(log.mms, 2);
	}
}

static u64 at_line(const struct log *log, u64 line)
{
	u64 i;

	for (i = 0; i < log->nr; i++)
		if (log->line[i] == line)
			return i;
	fail_msg("line %llu was not done", (unsigned long long)line);
	return 0;
}

static void test_barriers(void **state)
{
	struct log log;
	unsigned int n;

	for (n = 0; n < 20; n++) {
		run_parallel(HEAD "tasks=3 seed=2\n"
			     "t0 mmap(p0, 4, RW, PRIVATE|ANON|FIXED)\n"
			     "t0 store(p0, 8, 0x1)\nt0 barrier(t1)\n"
			     "t1 barrier(t0)\nt1 load(p0, 8)\n"
			     "t2 barrier(all)\nt0 yield()\nt2 exit()\n"
			     "t0 fork(t2)\nt2 load(p0, 8)\n", &log);
		assert_int_equal(log.value[at_line(&log, 4)], 1);
		assert_true(at_line(&log, 1) < at_line(&log, 4));
	}
}

/* Any bytes end, whatever they wait for. */
static void test_any_program_ends(void **state)
{
	struct op_list list;
	struct op_run *run;
	struct prng rng;
	u8 data[400];
	size_t i;
	int n;

	prng_seed(&rng, 5);
	for (n = 0; n < 40; n++) {
		struct op_run_config config = { .machine = NULL };

		for (i = 0; i < sizeof(data); i++)
			data[i] = (u8)prng_next(&rng);
		op_wire_decode(data, sizeof(data), &op_wire_limits_default,
			       &list);
		config.machine = boot(n & 1 ? RUN_JITTER : RUN_FREE, 3, (u64)n);
		config.world = list.world;
		assert_int_equal(op_run_create(&config, &run), 0);
		assert_int_equal(op_run_program(run, &list), 0);
		op_run_destroy(run);
		end(config.machine);
		op_list_free(&list);
	}
}

/* ---- storms ---- */

static const struct op_mix mix = {
	.name = "test",
	.weight = {
		[OP_MMAP] = 12, [OP_MUNMAP] = 6, [OP_MPROTECT] = 5,
		[OP_MREMAP] = 3, [OP_MADVISE] = 5, [OP_LOAD] = 28,
		[OP_STORE] = 30, [OP_FORK] = 2, [OP_CLONE] = 1, [OP_EXIT] = 1,
		[OP_TRUNCATE] = 1, [OP_MIGRATE] = 3, [OP_YIELD] = 1,
	},
	.shared = 150, .file = 200, .hot = 800, .tagged = 900, .moving = 700,
	.readonly = 400, .len_max = 8, .hot_pages = 12,
	.depth = 2, .children = 2, .life_min = 10, .life_max = 60,
};

static const struct op_world storm_world = {
	.cpus = 3, .tasks = 4, .procs = 2, .pages = 64, .files = 2,
	.file_pages = 8, .seed = 9,
};

static void storm(enum run_mode mode, u64 ops, const struct op_mix *mix, struct log *log,
		  struct op_counts *c)
{
	struct op_run_config config = {
		.machine = boot(mode, 3, 4), .world = storm_world,
		.quiet = log_quiet, .quiet_ops = 1000, .arg = log,
	};
	struct op_run *run;

	memset(log, 0, sizeof(*log));
	assert_int_equal(check_attach(config.machine, CHECK_ALL), 0);
	assert_int_equal(op_run_create(&config, &run), 0);
	assert_int_equal(op_run_streams(run, mix, ops), 0);
	op_run_counts(run, -1, c);
	op_run_destroy(run);
	end(config.machine);
}

static void same_either_way(const struct op_mix *mix)
{
	struct op_counts serial, parallel;
	struct log log;
	unsigned int i;

	storm(RUN_SERIAL, 4000, mix, &log, &serial);
	assert_true(log.quiets > 3);
	storm(RUN_JITTER, 4000, mix, &log, &parallel);
	assert_true(log.quiets > 1);
	assert_int_equal(parallel.tasks, parallel.tasks_ended);
	/* What tasks do does not depend on how they run. */
	assert_int_equal(serial.tasks, parallel.tasks);
	for (i = 0; i < OP_NR; i++)
		assert_int_equal(serial.count[i], parallel.count[i]);
	assert_true(serial.signal[OP_LOAD] && serial.count[OP_FORK]);
}

static void test_storms(void **state)
{
	struct op_mix sleepy = mix;

	same_either_way(&mix);
	sleepy.nap = 300;
	same_either_way(&sleepy);
}

/* A storm may have more tasks than a program has names for. */
static void test_many(void **state)
{
	struct op_run_config config = {
		.machine = boot(RUN_FREE, 3, 4), .world = storm_world,
	};
	struct op_list none = { .nr = 0 };
	struct op_counts c;
	struct op_run *run;

	config.world.tasks = OP_STORM_TASKS_MAX + 1;
	assert_int_equal(op_run_create(&config, &run), -EINVAL);
	config.world.tasks = OP_TASKS_MAX + 8;
	config.world.procs = OP_TASKS_MAX + 1;
	assert_int_equal(op_run_create(&config, &run), 0);
	assert_int_equal(op_run_program(run, &none), -EINVAL);
	assert_int_equal(op_run_streams(run, &mix, 4000), 0);
	op_run_counts(run, -1, &c);
	assert_true(c.tasks > OP_TASKS_MAX + 8 && c.tasks == c.tasks_ended);
	op_run_destroy(run);
	end(config.machine);
}

struct turns {
	unsigned int last;
	unsigned int taken;
};

static void count_turns(void *arg, const struct op_place *place,
			const struct mm_op *op, const struct op_result *r)
{
	struct turns *turns = arg;

	turns->taken += place->task != turns->last;
	turns->last = place->task;
}

/* How often another task did the next op, on one vCPU that does only accesses. */
static unsigned int turns_taken(unsigned int nap)
{
	struct op_mix touch = mix;
	struct turns turns = { 0 };
	struct op_run_config config = {
		.machine = boot(RUN_JITTER, 1, 4), .world = storm_world,
		.observe = count_turns, .arg = &turns,
	};
	struct op_run *run;

	memset(touch.weight, 0, sizeof(touch.weight));
	touch.weight[OP_STORE] = touch.weight[OP_LOAD] = 1;
	touch.nap = (u16)nap;
	assert_int_equal(op_run_create(&config, &run), 0);
	assert_int_equal(op_run_streams(run, &touch, 40000), 0);
	op_run_destroy(run);
	end(config.machine);
	return turns.taken;
}

/* On one vCPU no op is left half way, and yet no task waits for another's end. */
static void test_turns(void **state)
{
	assert_true(turns_taken(0) > 2 * storm_world.tasks);
}

/*
 * Who sleeps after every op does one before another task's turn, or two when it was the
 * last awake; until the first has ended, which is near the end.
 */
static void test_naps(void **state)
{
	unsigned int awake = turns_taken(0), taken = turns_taken(1000);

	assert_true(awake < 40000 / 8);
	assert_true(taken > 40000 / 4);
}

/* In the middle: not before it has begun. */
static void *stop_soon(void *run)
{
	struct op_counts c;

	do {
		usleep(1000);
		op_run_counts(run, -1, &c);
	} while (c.ops < 2000);
	op_run_stop(run);
	return NULL;
}

static void test_stop(void **state)
{
	struct log log = { .nr = 0 };
	struct op_run_config config = {
		.machine = boot(RUN_FREE, 3, 4), .world = storm_world,
		.quiet = log_quiet, .arg = &log,
	};
	struct op_run *run;
	pthread_t thread;

	assert_int_equal(op_run_create(&config, &run), 0);
	assert_int_equal(pthread_create(&thread, NULL, stop_soon, run), 0);
	assert_int_equal(op_run_streams(run, &mix, 0), 0);
	pthread_join(thread, NULL);
	assert_int_equal(log.quiets, 1);
	assert_true(log.mms >= 2);
	op_run_destroy(run);
	end(config.machine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versus_model),
		cmocka_unit_test(test_fail_sweeps),
		cmocka_unit_test(test_ordered),
		cmocka_unit_test(test_barriers),
		cmocka_unit_test(test_any_program_ends),
		cmocka_unit_test(test_storms),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_naps),
		cmocka_unit_test(test_stop),
	};

	alarm(240);
	return cmocka_run_group_tests_name("exec", tests, NULL, NULL);
}
