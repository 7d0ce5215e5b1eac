/* SPDX-License-Identifier: MIT */
/* room: mm_sync */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>


#include "../litmus/rig.h"
#include "base/atomic.h"
#include "sync/seqcount.h"
#include "sync/spinlock.h"

#define TURNS	20000

static seqcount_t seq;
static spinlock_t writers;
static unsigned long a, b;
static unsigned long torn, good, odd;

static void read_or_write(struct rig *rig, unsigned int cpu)
{
	unsigned long x, y;
	unsigned int start;
	int i;

	for (i = 0; i < TURNS; i++) {
		if (cpu < 2) {
			spin_lock(&writers);
			write_seqcount_begin(&seq);
			WRITE_ONCE(a, READ_ONCE(a) + 1);
			WRITE_ONCE(b, READ_ONCE(b) + 1);
			write_seqcount_end(&seq);
			spin_unlock(&writers);
			continue;
		}
		if (i % 2 && !raw_seqcount_try_begin(&seq, &start)) {
			__atomic_fetch_add(&odd, 1, __ATOMIC_RELAXED);
			continue;
		}
		if (!(i % 2))
			start = read_seqcount_begin(&seq);
		x = READ_ONCE(a);
		y = READ_ONCE(b);
		if (read_seqcount_retry(&seq, start))
			continue;
		__atomic_fetch_add(x == y ? &good : &torn, 1, __ATOMIC_RELAXED);
	}
}

static void readers_see_whole_writes(void **state)
{
	struct rig *rig = rig_create(4, NULL, false, 5000);

	seqcount_init(&seq);
	spin_lock_init(&writers, LOCK_RANK_LEAF, "writers");
	rig_run(rig, read_or_write);
	assert_int_equal(a, 2 * TURNS);
	assert_int_equal(torn, 0);
	assert_true(good > 0);
	rig_print_findings(rig);
	assert_int_equal(rig_findings(rig), 0);
	rig_destroy(rig);
}

static void counts(void **state)
{
	unsigned int start;

	seqcount_init(&seq);
	start = read_seqcount_begin(&seq);
	assert_false(read_seqcount_retry(&seq, start));
	write_seqcount_begin(&seq);
	assert_false(raw_seqcount_try_begin(&seq, &start));
	write_seqcount_end(&seq);
	assert_true(raw_seqcount_try_begin(&seq, &start));
	assert_int_equal(start, 2);
	assert_true(read_seqcount_retry(&seq, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts), cmocka_unit_test(readers_see_whole_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
