/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_KERN_BOOT_H
#define MMSTORM_KERN_BOOT_H

#include "hw/machine.h"

/*
 * From nothing to a running system, and back.
 */

/**
 * kern_boot() - make a machine and boot every layer on it
 * @config: copied
 * @out: the machine; no host thread is bound when this returns
 *
 * Order: hardware, physical memory, page tables, scheduler, mm.  A failure at
 * any step undoes the earlier ones.  0, -EINVAL or -ENOMEM.
 */
int kern_boot(const struct machine_config *config, struct machine **out);

/*
 * kern_shutdown() - the reverse; leaks become findings on the way
 *
 * Every task must have exited and machine_stop() been called; no host thread
 * is bound (a bound caller is unbound).  @m may be NULL.
 *
 * Findings live in the machine: read them before, or install
 * sink.on_finding: leaks are found here.
 */
void kern_shutdown(struct machine *m);

/*
 * kern_drop() - the end of a controlled machine that is stuck (machine_wait() was
 * false), was not set up to its end, or not shut down to its end
 *
 * Takes nothing apart: stacks are unmapped in the middle of what ran on them, and every
 * block of the host's memory goes back.  No host thread is bound.
 */
void kern_drop(struct machine *m);

/*
 * What each layer provides.  All run bound to vCPU 0, may sleep; init returns
 * 0 or -errno having undone its own work; exit runs in reverse order with
 * every callback of call_rcu() done.
 */
int phys_init(struct machine *m);
void phys_exit(struct machine *m);
int pgtable_init(struct machine *m);
void pgtable_exit(struct machine *m);
int kern_init(struct machine *m);	/* kern/sched.c */
void kern_exit(struct machine *m);
int mm_init(struct machine *m);
void mm_exit(struct machine *m);

#endif /* MMSTORM_KERN_BOOT_H */
