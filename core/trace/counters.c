/* SPDX-License-Identifier: MIT */
/*
 * Counters: names and sums.  The arrays are the vCPUs'; each is written by its owner
 * with relaxed stores.  Compiled without ThreadSanitizer; takes no lock, must never
 * make a sum look like a snapshot: vCPUs go on while it is taken.
 */
#include "trace/counters.h"

static const char *const names[NR_VM_EVENT_ITEMS] = {
#define __VM_EVENT(item, name)	[item] = name,
	VM_EVENTS(__VM_EVENT)
#undef __VM_EVENT
};

const char *vm_event_name(enum vm_event_item item)
{
	return (unsigned int)item < NR_VM_EVENT_ITEMS ? names[item] : NULL;
}

void count_vm_events_call(enum vm_event_item item, u64 n)
{
	struct cpu_local *cpu = this_cpu_local_call();
	u64 *counter;

	if (!cpu || !cpu->vm_events)
		return;
	counter = &cpu->vm_events[item];
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

void vm_events_add(u64 *sum, const u64 *counters)
{
	for (unsigned int i = 0; i < NR_VM_EVENT_ITEMS; i++)
		sum[i] += __atomic_load_n(&counters[i], __ATOMIC_RELAXED);
}
