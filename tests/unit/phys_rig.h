/* SPDX-License-Identifier: MIT */
/* What the tests of phys/ and pgtable/ share: a booted machine, vCPUs that run a function. */
#ifndef TESTS_PHYS_RIG_H
#define TESTS_PHYS_RIG_H

#include "hw_rig.h"
#include "phys/page_alloc.h"
#include "phys/phys_mem.h"
#include "phys/poison.h"
#include "phys/slab.h"
#include "sync/irqflags.h"
#include "sync/rcu.h"

static inline struct machine *phys_rig_create(unsigned int nr_cpus, enum run_mode mode,
					      unsigned int frame_bytes, unsigned long nr_frames,
					      u32 checks)
{
	struct machine_config config = {
		.nr_cpus = nr_cpus, .nr_frames = nr_frames, .frame_bytes = frame_bytes,
		.seed = 1, .mode = mode, .run_tokens = 2, .checks = checks,
	};
	struct machine *m;

	assert_int_equal(machine_create(&config, &m), 0);
	machine_bind_host(m, 0);
	assert_int_equal(phys_init(m), 0);
	return m;
}

/* The caller is bound to a vCPU.  Nothing may be left over. */
static inline void phys_rig_destroy(struct machine *m)
{
	rcu_barrier();
	phys_exit(m);
	machine_unbind_host(m);
	rig_no_findings(m);
	machine_destroy(m);
}

/* fn on every vCPU at once; the caller is bound to one before and after. */
static inline void phys_rig_run(struct machine *m, void (*fn)(struct vcpu *))
{
	machine_unbind_host(m);
	for (unsigned int i = 0; i < m->nr_cpus; i++)
		assert_int_equal(vcpu_start(m->cpus[i], fn), 0);
	for (unsigned int i = 0; i < m->nr_cpus; i++)
		vcpu_join(m->cpus[i]);
	machine_bind_host(m, 0);
}

static inline void assert_frames(struct machine *m, unsigned long allocated)
{
	struct frame_count fc;

	phys_count_frames(m, &fc);
	assert_int_equal(fc.broken, 0);
	assert_int_equal(fc.allocated, allocated);
	assert_int_equal(fc.reserved + fc.buddy + fc.pcp + fc.allocated, fc.total);
}

/* Sanitizers run the same loops, shorter. */
#define RIG_LOOPS(n)	((MM_TSAN || MM_ASAN) ? (n) / 20 : (n))

#endif
