/* SPDX-License-Identifier: MIT */
/*
 * Panics of a controlled machine, wherever it is (wrap: mm_init check_detach): in its
 * boot, before and after its run, while it goes down.  Each is a finding, stuck, and
 * the same again; the next machine knows nothing of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/bug.h"
#include "base/compiler.h"
#include "check/check.h"
#include "hw/machine.h"
#include "kern/boot.h"
#include "ops/explore.h"
#include "ops/text.h"

enum where { NOWHERE, IN_BOOT, BEFORE, IN_RUN, AFTER, GOING_DOWN, NR_WHERES };

static enum where where;

static void maybe(enum where here)
{
	if (where == here)
		mm_panic("BUG: planted by a test", "in %d", here);
}

int __real_mm_init(struct machine *m);
int __wrap_mm_init(struct machine *m);
void __real_check_detach(struct machine *m);
void __wrap_check_detach(struct machine *m);

int __wrap_mm_init(struct machine *m)
{
	maybe(IN_BOOT);
	return __real_mm_init(m);
}

void __wrap_check_detach(struct machine *m)
{
	machine_bind_host(m, 0);
	maybe(GOING_DOWN);
	machine_unbind_host(m);
	__real_check_detach(m);
}

#if MM_POINTS && MM_CHECK
static void bound(struct machine *m, enum where here)
{
	machine_bind_host(m, 0);
	maybe(here);
	machine_unbind_host(m);
}

static void on_begin(void *arg, struct machine *m)
{
	bound(m, BEFORE);
}

static void on_end(void *arg, struct machine *m)
{
	if (where == AFTER)
		bound(m, AFTER);
}

static void on_point(void *arg, struct vcpu *cpu, enum sched_kind kind, const void *obj)
{
	if (kind == SCHED_ACCESS)
		maybe(IN_RUN);
}

static struct explore_result explore(const struct op_list *list)
{
	static const struct explore_watch watch = {
		.begin = on_begin, .end = on_end, .point = on_point,
	};
	struct explore_config config = {
		.list = list, .checks = CHECK_ALL, .max_points = 100000, .watch = &watch,
	};
	struct explore_result r;
	struct strategy strategy;

	strategy_start(&strategy, STRATEGY_RANDOM, 3, 0, 0);
	assert_int_equal(explore_run(&config, &strategy, NULL, &r), 0);
	return r;
}

static void panics_are_findings(void **state)
{
	static const char text[] =
		"# mmstorm-ops 1 cpus=2 tasks=2 pages=8 files=1 file_pages=2 seed=0x1\n"
		"t0 mmap(p0, 1, RW, PRIVATE|ANON|FIXED)\n"
		"t0 store(p0, 8, tag)\n"
		"t1 load(p0, 8)\n";
	struct explore_result clean, r, again;
	struct op_text_error err;
	struct op_list list;

	assert_int_equal(op_text_parse(text, strlen(text), &list, &err), 0);
	where = NOWHERE;
	clean = explore(&list);
	assert_int_equal(clean.findings, 0);
	assert_false(clean.stuck);
	for (where = IN_BOOT; where < NR_WHERES; where++) {
		r = explore(&list);
		again = explore(&list);
		assert_int_equal(r.findings, 1);
		assert_string_equal(r.title, "BUG: planted by a test");
		assert_true(r.stuck);
		assert_int_equal(r.hash, again.hash);
	}
	where = NOWHERE;
	again = explore(&list);
	assert_int_equal(again.hash, clean.hash);
	op_list_free(&list);
}
#endif

int main(void)
{
#if MM_POINTS && MM_CHECK
	const struct CMUnitTest tests[] = { cmocka_unit_test(panics_are_findings) };

	return cmocka_run_group_tests(tests, NULL, NULL);
#else
	return 0;
#endif
}
