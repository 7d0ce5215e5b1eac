/* SPDX-License-Identifier: MIT */
/* room: mm_trace mm_base */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "trace/counters.h"
#include "trace/trace.h"

static void test_newest_records(void **state)
{
	struct trace_ring *ring = trace_ring_alloc(5);
	struct cpu_local cpu = { .trace = ring, .turn_end = U64_MAX };
	struct trace_record rec[16];
	unsigned int n;

	assert_non_null(ring);
	assert_int_equal(ring->size, 8);
	trace_event(EV_MARK, 1, 2, 3); /* bound to nothing: lost */
	this_cpu_bind(&cpu);
	assert_int_equal(trace_read(ring, rec, 16), 0);
	for (u64 i = 0; i < 20; i++) {
		cpu.clock = i;
		trace_event(EV_PAGE_FAULT, i, 6, 0);
	}
	this_cpu_bind(NULL);
	n = trace_read(ring, rec, 16);
	assert_int_equal(n, 7);
	for (unsigned int i = 0; i < n; i++) {
		assert_int_equal(rec[i].clock, 20 - n + i);
		assert_int_equal(rec[i].arg[0], rec[i].clock);
	}
	assert_int_equal(trace_read(ring, rec, 2), 2);
	assert_int_equal(rec[1].clock, 19);
	trace_ring_free(ring);
}

static void test_format(void **state)
{
	struct trace_record rec = { .clock = 12, .event = EV_PAGE_FAULT, .arg = { 0x1000, 7, 9 } };
	char buf[64], small[8];

	/* an argument without a name is not printed */
	assert_int_equal(trace_format(&rec, buf, sizeof(buf)), 35);
	assert_string_equal(buf, "12 page_fault addr=0x1000 error=0x7");
	trace_format(&rec, small, sizeof(small));
	assert_string_equal(small, "12 page");
	rec.event = NR_TRACE_EVENTS;
	trace_format(&rec, buf, sizeof(buf));
	assert_non_null(buf);
	for (unsigned int i = 0; i < NR_TRACE_EVENTS; i++)
		assert_non_null(trace_event_name(i));
}

struct racing {
	struct trace_ring *ring;
	int stop;
};

static void *writer(void *arg)
{
	struct racing *r = arg;

	for (u64 i = 0; !__atomic_load_n(&r->stop, __ATOMIC_RELAXED); i++)
		trace_write(r->ring, i, EV_MARK, i, i, i);
	return NULL;
}

/* A reader of a running ring sees whole records in order, never a mixture of two. */
static void test_read_while_written(void **state)
{
	struct racing r = { .ring = trace_ring_alloc(1024) };
	static struct trace_record rec[1024];
	unsigned long torn = 0, seen = 0;
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, writer, &r), 0);
	while (seen < 100000) {
		unsigned int n = trace_read(r.ring, rec, 1024);

		for (unsigned int k = 0; k < n; k++) {
			torn += rec[k].arg[0] != rec[k].clock || rec[k].arg[2] != rec[k].clock;
			torn += k && rec[k].clock <= rec[k - 1].clock;
			seen++;
		}
	}
	__atomic_store_n(&r.stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	assert_int_equal(torn, 0);
	trace_ring_free(r.ring);
}

static void test_counters(void **state)
{
	u64 mine[NR_VM_EVENT_ITEMS] = { 0 }, sum[NR_VM_EVENT_ITEMS] = { 0 };
	struct cpu_local cpu = { .vm_events = mine, .turn_end = U64_MAX };

	count_vm_event(PGFAULT); /* bound to nothing: lost */
	this_cpu_bind(&cpu);
	count_vm_event(PGFAULT);
	count_vm_events(PGFAULT, 4);
	count_vm_event(VMA_LOCK_RETRY);
	this_cpu_bind(NULL);
	vm_events_add(sum, mine);
	vm_events_add(sum, mine);
	assert_int_equal(sum[PGFAULT], 10);
	assert_int_equal(sum[VMA_LOCK_RETRY], 2);
	assert_string_equal(vm_event_name(PGFAULT), "pgfault");
	assert_null(vm_event_name(NR_VM_EVENT_ITEMS));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_newest_records),
		cmocka_unit_test(test_format),
		cmocka_unit_test(test_read_while_written),
		cmocka_unit_test(test_counters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
