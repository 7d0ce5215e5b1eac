/* SPDX-License-Identifier: MIT */
/* wrap: malloc calloc realloc aligned_alloc posix_memalign free */
/*
 * The host's memory runs out: at each allocation in turn, what reads text, boots a
 * machine, attaches the oracles or runs a program says so and leaves nothing behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "host_alloc.h"
#include "mmstorm.h"
#include "ops/explore.h"
#include "ops/job.h"
#include "ops/program.h"
#include "ops/read_file.h"

/* ---- text ---- */

static const char ops[] =
	"# mmstorm-ops 1 cpus=2 tasks=1 pages=64 files=1\n"
	"t0 mmap(p0, 8, RW, PRIVATE|ANON|FIXED)\n"
	"t0 store(p1, 8, tag)\n"
	"t0 mmap(p8, 8, RW, SHARED|FIXED, F0, 0)\n"
	"t0 store(p9, 8, 7)\n"
	"t0 fork(t1)\n"
	"t1 store(p1, 8, tag)\n"
	"t1 mremap(p0, 8, 8, MAYMOVE|FIXED, p32)\n"
	"t1 madvise(p33, 2, DONTNEED)\n"
	"t0 truncate(F0, 1)\n"
	"t0 clone(t2)\n"
	"t2 munmap(p8, 4)\n"
	"t1 exit()\n";

static int parse_ops(void *arg)
{
	struct op_text_error err;
	struct op_list list;
	int ret = op_text_parse(ops, sizeof(ops) - 1, &list, &err);

	if (ret) {
		assert_null(list.ops);
		assert_non_null(strstr(err.what, "out of memory"));
	}
	op_list_free(&list);
	return ret;
}

static int parse_job(void *arg)
{
	static const char text[] = "[global]\nstorm = x\n[a]\n[b]\ncpus = 2\n";
	struct job_error err;
	struct job job;
	int ret = job_parse(text, sizeof(text) - 1, &job, &err);

	if (ret) {
		assert_null(job.text);
		assert_non_null(strstr(err.what, "out of memory"));
	} else {
		assert_int_equal(job.nr_sections, 2);
	}
	job_free(&job);
	return ret;
}

static int read_whole(void *arg)
{
	char *text = NULL;
	size_t len;
	int ret = read_file(arg, &text, &len);

	if (!ret)
		assert_true(len > 4096);
	else
		assert_null(text);
	free(text);
	return ret;
}

static void text_is_read(void **state)
{
	assert_true(host_alloc_sweep(parse_ops, NULL) >= 1);
	assert_int_equal(host_alloc_sweep(parse_job, NULL), 3);
	/* This file, so that room is made more than once. */
	assert_true(host_alloc_sweep(read_whole, (void *)__FILE__) >= 2);
}

/* ---- machines ---- */

static int boot(const struct machine_config *config)
{
	struct machine *m;
	int ret = kern_boot(config, &m);

	if (ret)
		return ret;
	ret = check_attach(m, MM_CHECK ? CHECK_ALL : 0);
	check_detach(m);
	kern_shutdown(m);
	return ret;
}

static int boot_serial(void *arg)
{
	return boot(&(struct machine_config){
		.nr_cpus = 1, .nr_frames = 512, .frame_bytes = 64, .mode = RUN_SERIAL,
		.trace = true,
	});
}

static int boot_parallel(void *arg)
{
	return boot(&(struct machine_config){
		.nr_cpus = 3, .nr_frames = 512, .frame_bytes = 64, .mode = RUN_JITTER,
		.trace = true,
	});
}

static void machines_boot(void **state)
{
	assert_true(host_alloc_sweep(boot_serial, NULL) > 10);
	assert_true(host_alloc_sweep(boot_parallel, NULL) > 10);
}

/* ---- programs ---- */

static int run_on(struct machine *m, const struct op_list *list)
{
	struct op_run_config config = { .machine = m, .world = list->world };
	struct op_run *run;
	int ret = op_run_create(&config, &run);

	if (ret)
		return ret;
	ret = op_run_program(run, list);
	op_run_destroy(run);
	machine_bind_host(m, 0);
	check_quiet(m);
	machine_unbind_host(m);
	return ret;
}

static int run_ops(void *arg)
{
	const struct machine_config config = {
		.nr_cpus = 1, .nr_frames = 2048, .frame_bytes = 64, .mode = RUN_SERIAL,
	};
	struct op_text_error err;
	struct op_list list;
	struct machine *m;
	bool armed = host_alloc.armed;
	int ret;

	/* What comes before has its own tests. */
	host_alloc.armed = false;
	assert_int_equal(op_text_parse(ops, sizeof(ops) - 1, &list, &err), 0);
	assert_int_equal(kern_boot(&config, &m), 0);
	assert_int_equal(check_attach(m, MM_CHECK ? CHECK_ALL : 0), 0);
	host_alloc.armed = armed;
	ret = run_on(m, &list);
	host_alloc.armed = false;
	if (finding_count(&m->sink))
		fail_msg("allocation %lu refused: %s\n%s", host_alloc.refuse,
			 finding_get(&m->sink, 0)->title, finding_get(&m->sink, 0)->detail);
	check_detach(m);
	kern_shutdown(m);
	op_list_free(&list);
	/* The machine keeps some of what it got: it is the sanitizer that sees leaks here. */
	host_alloc.live = 0;
	return ret;
}

static void programs_run(void **state)
{
	/* Fewer where nothing watches. */
	assert_true(host_alloc_sweep(run_ops, NULL) > 4);
}

/* ---- controlled runs ---- */

#if MM_POINTS
/* How many mappings this process has: a stack is one, or two with its guard. */
static unsigned int nr_mappings(void)
{
	FILE *f = fopen("/proc/self/maps", "r");
	unsigned int nr = 0;

	assert_non_null(f);
	for (int c; (c = fgetc(f)) != EOF;)
		nr += c == '\n';
	fclose(f);
	return nr;
}

/* Cut off after so many points, in the middle of whatever it does; 0: it ends. */
static int run_controlled_with(u64 points, struct machine_stock *stock)
{
	struct op_text_error err;
	struct op_list list;
	struct explore_config config = {
		.list = &list, .checks = CHECK_ALL, .max_points = points, .stock = stock,
	};
	struct explore_result r;
	bool armed = host_alloc.armed;
	struct strategy strategy;
	int ret;

	host_alloc.armed = false;
	assert_int_equal(op_text_parse(ops, sizeof(ops) - 1, &list, &err), 0);
	strategy_start(&strategy, STRATEGY_STICKY, points, 0, 0);
	host_alloc.armed = armed;
	ret = explore_run(&config, &strategy, NULL, &r);
	host_alloc.armed = false;
	if (!ret)
		assert_int_equal(r.stuck, points != 0);
	else
		assert_int_equal(ret, -ENOMEM);
	op_list_free(&list);
	return ret;
}

static int run_controlled(void *arg)
{
	return run_controlled_with(*(u64 *)arg, NULL);
}

/* Two machines, the second with what the first has left; all of it goes back in the end. */
static int run_with_stock(void *arg)
{
	struct machine_stock stock = { .ram = { .base = NULL } };
	int ret = run_controlled_with(*(u64 *)arg, &stock);

	host_alloc.armed = true;
	if (!ret)
		ret = run_controlled_with(*(u64 *)arg, &stock);
	host_alloc.armed = true;
	machine_stock_drop(&stock);
	host_alloc.armed = false;
	return ret;
}

static void controlled_runs(void **state)
{
	u64 points = 0;

	assert_true(host_alloc_sweep(run_controlled, &points) > 40);
	assert_true(host_alloc_sweep(run_with_stock, &points) > 80);
	points = 300;
	assert_true(host_alloc_sweep(run_controlled, &points) > 40);
	assert_true(host_alloc_sweep(run_with_stock, &points) > 80);
}

/*
 * Mappings of others that come with time: heaps', and of ThreadSanitizer for its fibers'
 * traces, its shadow and its heap, 8 to 21 of them here.  One left by each run would be 760.
 */
#define OTHERS_MAPPINGS	(MM_TSAN ? 60 : 20)

/* Wherever it was. */
static void stuck_machines_leave_nothing(void **state)
{
	unsigned int mappings = 0;

	for (u64 points = 1; points < 400; points++) {
		host_alloc = (struct host_alloc){ .armed = true };
		assert_int_equal(run_controlled(&points), 0);
		assert_int_equal(host_alloc.live, 0);
		host_alloc.armed = true;
		assert_int_equal(run_with_stock(&points), 0);
		assert_int_equal(host_alloc.live, 0);
		/* Others' caches have filled by then. */
		if (points == 20)
			mappings = nr_mappings();
	}
	assert_in_range(nr_mappings(), 0, mappings + OTHERS_MAPPINGS);
}
#endif

/* ---- recordings ---- */

struct recording {
	char				path[32];
	const struct program_backend	*backend;
};

static int run_recording(void *arg)
{
	const struct recording *rec = arg;
	struct program_report r = { .max_diffs = 2 };
	int ret = program_run(rec->path, rec->backend, &r);

	assert_true(!ret == !r.error[0]);
	assert_int_equal(r.findings, 0);
	program_report_free(&r);
	return ret;
}

static const char cases[] =
	"@case a | file and fork\n"
	"P 1 init\n"
	"D 1 n=2 400-401:r-xp:0:exe 7ffffffde-7ffffffff:rw-p:0:[stack]\n"
	"F 1 fd=3 file=F0 kind=memfd size=8192\n"
	"S 1 mmap 0x10000 0x2000 0x3 0x1 3 0x0 = 0x7ffffffdb000\n"
	"S 1 mmap 0x10000 0x2000 0x3 0x32 -1 0x0 = 0x10000\n"
	"T 1 w 0x10000 0x5 = ok\n"
	"S 1 fork 0 = P2\n"
	"T 2 w 0x10000 0x6 = ok\n"
	"X 2\n"
	"S 1 clone CLONE_VM = P3\n"
	"X 3\n"
	"F 1 fd=4 file=F1 kind=ext4 size=8192 path=/data/data.bin\n"
	"S 1 mmap 0x20000 0x2000 0x3 0x12 4 0x0 = 0x20000\n"
	"T 1 w 0x20000 0x5 = ok\n"
	"T 1 r 0x21001 = ok 0x1\n"
	"S 1 mmap 0x30000 0x8000 0x3 0x32 -1 0x0 = 0x30000\n"
	"T 1 w 0x31000 0x5 = ok\n"
	"S 1 mprotect 0x32000 0x1000 0x1 = 0\n"
	"S 1 madvise 0x33000 0x1000 0xa = 0\n"
	"S 1 munmap 0x36000 0x1000 = 0\n"
	"S 1 mremap 0x30000 0x2000 0x4000 0x3 0x50000 = 0x50000\n"
	"S 1 madvise 0x50000 0x2000 0x4 = 0\n"
	"S 1 mmap 0x60000 0x2000 0x3 0x21 -1 0x0 = 0\n"
	"S 1 ftruncate 3 0x1000 = 0\n"
	"X 1\n"
	"@case b | another\n"
	"P 1 init\n"
	"S 1 nosuchcall 0 = 0\n"
	"S 1 brk 0 = 0x1\n";

static void recordings_run(void **state)
{
	struct recording rec = { "/tmp/mmstorm.XXXXXX", &program_model };
	int fd = mkstemp(rec.path);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, cases, sizeof(cases) - 1), sizeof(cases) - 1);
	close(fd);
	assert_true(host_alloc_sweep(run_recording, &rec) > 10);
	rec.backend = &program_core;
	assert_true(host_alloc_sweep(run_recording, &rec) > 10);
	unlink(rec.path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_is_read),
		cmocka_unit_test(machines_boot),
		cmocka_unit_test(programs_run),
#if MM_POINTS
		cmocka_unit_test(controlled_runs),
		cmocka_unit_test(stuck_machines_leave_nothing),
#endif
		cmocka_unit_test(recordings_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
