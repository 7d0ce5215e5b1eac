/* SPDX-License-Identifier: MIT */
/* A machine with a scheduler and nothing else above the hardware. */
#ifndef TESTS_KERN_RIG_H
#define TESTS_KERN_RIG_H

#include "hw_rig.h"

#include "kern/boot.h"
#include "kern/sched.h"
#include "sync/irqflags.h"
#include "sync/rcu.h"

static struct machine *rig;
static u64 rig_next_id;

static inline void rig_boot(unsigned int nr_cpus, enum run_mode mode)
{
	struct machine_config config = {
		.nr_cpus = nr_cpus, .nr_frames = 64, .frame_bytes = 64, .seed = 7, .mode = mode,
		.run_tokens = 2, .turn = 20000, .stack_size = 128 << 10,
	};

	assert_int_equal(machine_create(&config, &rig), 0);
	machine_bind_host(rig, 0);
	assert_int_equal(kern_init(rig), 0);
	machine_unbind_host(rig);
	rig_next_id = 1;
}

static inline struct task_struct *rig_spawn(void (*fn)(void *), void *arg)
{
	struct task_struct *task = task_create(rig, rig_next_id++, 0, NULL, fn, arg);

	assert_non_null(task);
	task_start(task);
	return task;
}

static inline void rig_run(void)
{
	assert_int_equal(machine_run(rig), 0);
	assert_true(machine_wait(rig, 60000));
	machine_stop(rig);
}

static inline void rig_down(void)
{
	rig_no_findings(rig);
	machine_bind_host(rig, 0);
	kern_release_mms(rig);
	rcu_barrier();
	kern_exit(rig);
	machine_unbind_host(rig);
	machine_destroy(rig);
}

#endif
