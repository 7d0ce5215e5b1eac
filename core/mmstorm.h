/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_H
#define MMSTORM_H

/*
 * mmstorm: a Linux-like memory-management subsystem in user space, on a
 * simulated computer whose CPUs are threads, to be broken by storms.
 *
 * This header is enough to write a storm, a test or a fuzz target.  The life
 * of a run (tests/unit/test_my_storm.c is one in 40 lines):
 *
 *	kern_boot(&config, &m)			a computer with a running system
 *	check_attach(m, CHECK_ALL)		judges: oracles that watch it
 *	op_run_create(&run_config, &run)	files and processes
 *	op_run_streams(run, &mix, ops)		a storm drawn from a seed, or
 *	op_run_program(run, &list)		a program: op text, fuzz bytes
 *	op_run_destroy(run)
 *	check_quiet(m)				everything is recounted
 *	finding_count(&m->sink)			what is wrong
 *	check_detach(m); kern_shutdown(m);
 *
 * Functions return 0 or -errno unless they say otherwise.
 */

#include "base/finding.h"	/* findings: every kind of defect */
#include "base/prng.h"
#include "check/check.h"	/* the oracles */
#include "hw/machine.h"		/* struct machine_config */
#include "kern/boot.h"
#include "ops/exec.h"		/* runs */
#include "ops/op.h"		/* ops, worlds, programs */
#include "ops/procfs.h"		/* /proc/PID/maps of a process */
#include "ops/stream.h"		/* storms drawn from a seed */
#include "ops/text.h"		/* programs as text */
#include "ops/wire.h"		/* programs as bytes */
#include "trace/counters.h"	/* pgfault, nr_tlb_remote_flush, ... */
#include "zoo/zoo.h"		/* planted bugs */

#endif /* MMSTORM_H */
