/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_HW_SUMS_H
#define MMSTORM_HW_SUMS_H

#include "base/atomic.h"
#include "hw/machine.h"
#include "sync/windows.h"
#include "trace/counters.h"

/* Per-vCPU counts of a machine, summed; it may be running. */

static inline u64 windows_sum(const struct machine *m, enum window_id id)
{
	u64 sum = 0;
	unsigned int i;

	for (i = 0; i < m->nr_cpus; i++)
		sum += READ_ONCE(m->cpus[i]->sched.windows[id]);
	return sum;
}

static inline void vm_events_sum(const struct machine *m,
				 u64 sum[NR_VM_EVENT_ITEMS])
{
	unsigned int i;

	for (i = 0; i < NR_VM_EVENT_ITEMS; i++)
		sum[i] = 0;
	for (i = 0; i < m->nr_cpus; i++)
		if (m->cpus[i]->sched.local.vm_events)
			vm_events_add(sum, m->cpus[i]->sched.local.vm_events);
}

#endif /* MMSTORM_HW_SUMS_H */
