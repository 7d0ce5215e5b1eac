/* SPDX-License-Identifier: MIT */
/* What the tests of hw/ and kern/ share: a machine, and page tables made by hand. */
#ifndef TESTS_HW_RIG_H
#define TESTS_HW_RIG_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "arch/x86_64.h"
#include "hw/machine.h"
#include "hw/mmu.h"

static inline struct machine *rig_machine(unsigned int nr_cpus, enum run_mode mode,
					  unsigned int frame_bytes)
{
	struct machine_config config = {
		.nr_cpus = nr_cpus, .nr_frames = 4096, .frame_bytes = frame_bytes, .seed = 1,
		.mode = mode, .run_tokens = 2,
	};
	struct machine *m;

	assert_int_equal(machine_create(&config, &m), 0);
	return m;
}

/* Fails the test on any finding, with its text. */
static inline void rig_no_findings(struct machine *m)
{
	for (unsigned int i = 0; i < finding_count(&m->sink); i++)
		print_error("%s: %s\n", finding_get(&m->sink, i)->title,
			    finding_get(&m->sink, i)->detail);
	assert_int_equal(finding_count(&m->sink), 0);
}

static inline double rig_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/*
 * Rounds in which threads meet may each cost a turn of a loaded host's: who has made
 * enough of them for the test's sake may stop when the others take too long.
 */
#define RIG_PATIENCE	20.0	/* seconds */

static inline bool rig_late(double begun)
{
	return rig_seconds() > begun + RIG_PATIENCE;
}

/* Of this thread: what a busy host does not disturb. */
static inline double rig_cpu_seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/*
 * Maps @va to @pfn in the tables under frame 1, with @leaf flags at @level;
 * tables are frames 2 to 4 (one region is enough for a test).
 */
#define RIG_ROOT	1

static inline u64 *rig_slot(struct machine *m, unsigned long va, unsigned int level)
{
	unsigned int depth = m->arch->levels - 1 - level;

	return &frame_table(m, RIG_ROOT + depth)[arch_index(m->arch, level, va)];
}

static inline void rig_map(struct machine *m, unsigned long va, unsigned long pfn, u64 flags,
			   unsigned int level)
{
	for (unsigned int l = m->arch->levels - 1; l > level; l--)
		__atomic_store_n(rig_slot(m, va, l),
				 x86_make_entry(RIG_ROOT + m->arch->levels - l, _PAGE_TABLE),
				 __ATOMIC_RELEASE);
	__atomic_store_n(rig_slot(m, va, level), x86_make_entry(pfn, flags), __ATOMIC_RELEASE);
}

#define RIG_USER_RW	(_PAGE_PRESENT | _PAGE_RW | _PAGE_USER | _PAGE_NX)

#endif
