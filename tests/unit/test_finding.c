/* SPDX-License-Identifier: MIT */
/* room: mm_base */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/bug.h"
#include "base/finding.h"
#include "base/this_cpu.h"

static unsigned int heard;
static jmp_buf panicked;
static char panic_title[160];

static void on_finding(struct finding_sink *sink, const struct finding *f)
{
	__atomic_fetch_add(&heard, 1, __ATOMIC_RELAXED);
}

static void on_panic(struct finding_sink *sink, const struct finding *f)
{
	snprintf(panic_title, sizeof(panic_title), "%s", f->title);
	longjmp(panicked, 1);
}

static void test_same_title_counts(void **state)
{
	struct finding_sink sink;
	const struct finding *f;

	finding_sink_init(&sink);
	sink.on_finding = on_finding;
	heard = 0;
	for (int i = 0; i < 3; i++)
		finding_report_to(&sink, FINDING_STALE, "stale translation used", "pfn %d", i);
	finding_report_to(&sink, FINDING_COW, "child sees parent's write", "x");
	assert_int_equal(finding_count(&sink), 2);
	assert_int_equal(heard, 2);
	f = finding_get(&sink, 0);
	assert_int_equal(f->count, 3);
	assert_string_equal(f->detail, "pfn 0");
	assert_int_equal(f->vcpu, FINDING_NO_CPU);
	assert_int_equal(finding_get(&sink, 1)->kind, FINDING_COW);
	assert_null(finding_get(&sink, 2));
	finding_sink_destroy(&sink);
}

static void test_full_sink_drops(void **state)
{
	struct finding_sink sink;
	char title[32];

	finding_sink_init(&sink);
	for (int i = 0; i < FINDINGS_MAX + 10; i++) {
		snprintf(title, sizeof(title), "title %c%c", 'a' + i % 26, 'a' + i / 26);
		finding_report_to(&sink, FINDING_WARN, title, "-");
	}
	assert_int_equal(finding_count(&sink), FINDINGS_MAX);
	assert_int_equal(sink.dropped, 10);
	finding_sink_destroy(&sink);
}

static int failing_line(int x)
{
	return MM_WARN_ON_ONCE(x > 1) ? 1 : 0;
}

static void test_warn_and_bug(void **state)
{
	struct finding_sink sink;
	struct cpu_local cpu = { .id = 3, .sink = &sink, .clock = 77, .turn_end = U64_MAX };

	finding_sink_init(&sink);
	sink.on_panic = on_panic;
	this_cpu_bind(&cpu);
	assert_int_equal(failing_line(1), 0);
	assert_int_equal(finding_count(&sink), 0);
	assert_int_equal(failing_line(2), 1);
	assert_int_equal(finding_count(&sink), 1);
	assert_int_equal(finding_get(&sink, 0)->vcpu, 3);
	assert_int_equal(finding_get(&sink, 0)->clock, 77);
	/* a title names the place, never a line or a value */
	assert_string_equal(finding_get(&sink, 0)->title,
			    "WARN: x > 1 in failing_line (test_finding.c)");
	if (!setjmp(panicked)) {
		MM_BUG_ON(cpu.id == 3);
		fail();
	}
	this_cpu_bind(NULL);
	assert_string_equal(panic_title,
			    "BUG: cpu.id == 3 in test_warn_and_bug (test_finding.c)");
	assert_int_equal(finding_get(&sink, 1)->kind, FINDING_BUG);
	finding_sink_destroy(&sink);
}

static void *reporter(void *arg)
{
	struct cpu_local cpu = { .sink = arg, .turn_end = U64_MAX };
	char title[32];

	this_cpu_bind(&cpu);
	for (int i = 0; i < 1000; i++) {
		snprintf(title, sizeof(title), "race %c", 'a' + i % 20);
		finding_report(FINDING_WARN, title, "round %d", i);
	}
	this_cpu_bind(NULL);
	return NULL;
}

static void test_parallel_reports(void **state)
{
	struct finding_sink sink;
	unsigned int total = 0;
	pthread_t thread[4];

	finding_sink_init(&sink);
	sink.on_finding = on_finding;
	heard = 0;
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, reporter, &sink), 0);
	/* read while they report, as a progress line does */
	while (finding_count(&sink) < 20)
		for (unsigned int i = 0; i < finding_count(&sink); i++)
			assert_int_equal(finding_get(&sink, i)->title[0], 'r');
	for (int i = 0; i < 4; i++)
		pthread_join(thread[i], NULL);
	for (unsigned int i = 0; i < finding_count(&sink); i++)
		total += finding_get(&sink, i)->count;
	assert_int_equal(finding_count(&sink), 20);
	assert_int_equal(total, 4000);
	assert_int_equal(heard, 20);
	finding_sink_destroy(&sink);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_title_counts),
		cmocka_unit_test(test_full_sink_drops),
		cmocka_unit_test(test_warn_and_bug),
		cmocka_unit_test(test_parallel_reports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
