/* SPDX-License-Identifier: MIT */
/*
 * A host that refuses threads, one after the other (wrap: pthread_create): a run says so,
 * none of its tasks has begun, and everything goes back.
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/compiler.h"
#include "check/check.h"
#include "kern/boot.h"
#include "ops/exec.h"

#define CPUS	4

static unsigned int until_refused;	/* threads; 0: none is refused */

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *),
			  void *arg);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *),
			  void *arg);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *),
			  void *arg)
{
	if (until_refused && !--until_refused)
		return EAGAIN;
	return __real_pthread_create(thread, attr, fn, arg);
}

static const struct op_mix mix = {
	.name = "test", .weight = { [OP_MMAP] = 1, [OP_LOAD] = 4, [OP_STORE] = 4 },
	.hot = 900, .hot_pages = 3, .len_max = 2,
};

static struct machine *boot(enum run_mode mode, struct op_run **run)
{
	struct machine_config config = {
		.nr_cpus = CPUS, .nr_frames = 4096, .frame_bytes = 64, .mode = mode,
		.checks = CHECK_ALL,
	};
	struct op_run_config rc = {
		.world = { .cpus = CPUS, .tasks = 6, .procs = 2, .pages = 16 },
	};
	struct machine *m;

	assert_int_equal(kern_boot(&config, &m), 0);
	assert_int_equal(check_attach(m, CHECK_ALL), 0);
	rc.machine = m;
	assert_int_equal(op_run_create(&rc, run), 0);
	return m;
}

static void refused(enum run_mode mode, unsigned int nth)
{
	struct op_counts counts;
	struct op_run *run;
	struct machine *m = boot(mode, &run);

	until_refused = nth;
	assert_int_equal(op_run_streams(run, &mix, 100), -EAGAIN);
	until_refused = 0;
	op_run_counts(run, -1, &counts);
	assert_int_equal(counts.ops, 0);
	assert_int_equal(counts.tasks, counts.tasks_ended);
	op_run_destroy(run);
	machine_bind_host(m, 0);
	check_quiet(m);
	machine_unbind_host(m);
	assert_int_equal(finding_count(&m->sink), 0);
	check_detach(m);
	kern_shutdown(m);
}

static void each_thread(void **state)
{
	for (unsigned int nth = 1; nth <= CPUS; nth++) {
		refused(RUN_FREE, nth);
		refused(RUN_JITTER, nth);
	}
}

static void none(void **state)
{
	struct op_counts counts;
	struct op_run *run;
	struct machine *m = boot(RUN_FREE, &run);

	assert_int_equal(op_run_streams(run, &mix, 100), 0);
	op_run_counts(run, -1, &counts);
	assert_true(counts.ops >= 100);
	op_run_destroy(run);
	assert_int_equal(finding_count(&m->sink), 0);
	check_detach(m);
	kern_shutdown(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_thread), cmocka_unit_test(none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
