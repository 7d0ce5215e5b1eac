/* SPDX-License-Identifier: MIT */
/*
 * Event counters, with /proc/vmstat's names where the event is the kernel's and the
 * prefix mms_ where it is ours.  Each vCPU counts for itself; readers sum.
 */
#ifndef TRACE_COUNTERS_H
#define TRACE_COUNTERS_H

#include "base/this_cpu.h"

/* VM_EVENT(enumerator, "name as in /proc/vmstat") */
#define VM_EVENTS(VM_EVENT)							\
	VM_EVENT(PGALLOC_NORMAL, "pgalloc_normal")				\
	VM_EVENT(PGFREE, "pgfree")						\
	VM_EVENT(PGFAULT, "pgfault")						\
	VM_EVENT(PGMAJFAULT, "pgmajfault")					\
	VM_EVENT(PGREUSE, "pgreuse")						\
	VM_EVENT(PGMIGRATE_SUCCESS, "pgmigrate_success")			\
	VM_EVENT(PGMIGRATE_FAIL, "pgmigrate_fail")				\
	VM_EVENT(NR_FOLL_PIN_ACQUIRED, "nr_foll_pin_acquired")			\
	VM_EVENT(NR_FOLL_PIN_RELEASED, "nr_foll_pin_released")			\
	VM_EVENT(NR_TLB_REMOTE_FLUSH, "nr_tlb_remote_flush")			\
	VM_EVENT(NR_TLB_REMOTE_FLUSH_RECEIVED, "nr_tlb_remote_flush_received")	\
	VM_EVENT(NR_TLB_LOCAL_FLUSH_ALL, "nr_tlb_local_flush_all")		\
	VM_EVENT(NR_TLB_LOCAL_FLUSH_ONE, "nr_tlb_local_flush_one")		\
	VM_EVENT(VMA_LOCK_SUCCESS, "vma_lock_success")				\
	VM_EVENT(VMA_LOCK_ABORT, "vma_lock_abort")				\
	VM_EVENT(VMA_LOCK_RETRY, "vma_lock_retry")				\
	VM_EVENT(VMA_LOCK_MISS, "vma_lock_miss")				\
	VM_EVENT(MMS_TLB_HIT, "mms_tlb_hit")					\
	VM_EVENT(MMS_TLB_MISS, "mms_tlb_miss")					\
	VM_EVENT(MMS_TLB_SPECULATIVE_FILL, "mms_tlb_speculative_fill")		\
	VM_EVENT(MMS_IPI_SENT, "mms_ipi_sent")					\
	VM_EVENT(MMS_IPI_SELF, "mms_ipi_self")					\
	VM_EVENT(MMS_IPI_TAKEN_FOR_PARKED, "mms_ipi_taken_for_parked")		\
	VM_EVENT(MMS_IPI_SKIPPED, "mms_ipi_skipped")				\
	VM_EVENT(MMS_SWITCH_TASK, "mms_switch_task")				\
	VM_EVENT(MMS_SWITCH_MM, "mms_switch_mm")				\
	VM_EVENT(MMS_LAZY_TLB, "mms_lazy_tlb")					\
	VM_EVENT(MMS_TASK_MIGRATED, "mms_task_migrated")			\
	VM_EVENT(MMS_TOKEN_WAIT, "mms_token_wait")				\
	VM_EVENT(MMS_RCU_GRACE_PERIOD, "mms_rcu_grace_period")			\
	VM_EVENT(MMS_RCU_CALLBACK, "mms_rcu_callback")				\
	VM_EVENT(MMS_PTE_TABLE_ALLOC, "mms_pte_table_alloc")			\
	VM_EVENT(MMS_PTE_TABLE_FREE, "mms_pte_table_free")			\
	VM_EVENT(MMS_RMAP_ADD, "mms_rmap_add")					\
	VM_EVENT(MMS_RMAP_REMOVE, "mms_rmap_remove")				\
	VM_EVENT(MMS_COW_COPY, "mms_cow_copy")					\
	VM_EVENT(MMS_ZERO_PAGE, "mms_zero_page")				\
	VM_EVENT(MMS_FORK, "mms_fork")						\
	VM_EVENT(MMS_EXIT, "mms_exit")						\
	VM_EVENT(MMS_ALLOC_FAIL_INJECTED, "mms_alloc_fail_injected")

enum vm_event_item {
#define __VM_EVENT(item, name)	item,
	VM_EVENTS(__VM_EVENT)
#undef __VM_EVENT
	NR_VM_EVENT_ITEMS,
};

/* Adds to the counter of the vCPU this thread is; nothing when it is none. */
void count_vm_events_call(enum vm_event_item item, u64 n);

static __always_inline void count_vm_events(enum vm_event_item item, u64 n)
{
#if MM_TSAN
	count_vm_events_call(item, n);
#else
	struct cpu_local *cpu = this_cpu_local();
	u64 *counter;

	if (unlikely(!cpu || !cpu->vm_events))
		return;
	/* owner-written: a load and a store, no locked instruction */
	counter = &cpu->vm_events[item];
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
#endif
}

static __always_inline void count_vm_event(enum vm_event_item item)
{
	count_vm_events(item, 1);
}

/* "pgfault", ...; NULL past the end. */
const char *vm_event_name(enum vm_event_item item);

/* Adds one vCPU's counters to @sum[NR_VM_EVENT_ITEMS]; it may be running. */
void vm_events_add(u64 *sum, const u64 *counters);

#endif
