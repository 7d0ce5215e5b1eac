/* SPDX-License-Identifier: MIT */
/*
 * The events a vCPU's ring can hold: name, and what its three arguments are.  An
 * argument whose name is empty is not printed; one whose name begins with & is an address
 * of the host.
 */
#ifndef TRACE_EVENTS_H
#define TRACE_EVENTS_H

/* TRACE_EVENT(enumerator, "name", "arg a", "arg b", "arg c") */
#define TRACE_EVENTS(TRACE_EVENT)						\
	TRACE_EVENT(EV_OP_BEGIN, "op_begin", "op", "addr", "len")		\
	TRACE_EVENT(EV_OP_END, "op_end", "op", "ret", "signal")			\
	TRACE_EVENT(EV_LOAD, "load", "addr", "size", "value")			\
	TRACE_EVENT(EV_STORE, "store", "addr", "size", "value")			\
	TRACE_EVENT(EV_PAGE_FAULT, "page_fault", "addr", "error", "")		\
	TRACE_EVENT(EV_FAULT_DONE, "fault_done", "addr", "ret", "")		\
	TRACE_EVENT(EV_SIGNAL, "signal", "signo", "code", "addr")		\
	TRACE_EVENT(EV_TLB_FILL, "tlb_fill", "addr", "pfn", "tag")		\
	TRACE_EVENT(EV_TLB_SPECULATE, "tlb_speculate", "addr", "pfn", "tag")	\
	TRACE_EVENT(EV_TLB_FLUSH_LOCAL, "tlb_flush_local", "start", "end", "tag")	\
	TRACE_EVENT(EV_TLB_FLUSH_SEND, "tlb_flush_send", "start", "end", "gen")	\
	TRACE_EVENT(EV_TLB_FLUSH_FUNC, "tlb_flush_func", "start", "end", "gen")	\
	TRACE_EVENT(EV_IPI_SEND, "ipi_send", "targets", "&fn", "")		\
	TRACE_EVENT(EV_IPI_TAKE, "ipi_take", "from", "by", "&fn")		\
	TRACE_EVENT(EV_PARK, "park", "reason", "", "")				\
	TRACE_EVENT(EV_SWITCH_TASK, "switch_task", "prev", "next", "")		\
	TRACE_EVENT(EV_SWITCH_MM, "switch_mm", "ctx_id", "pcid", "gen")		\
	TRACE_EVENT(EV_LAZY_TLB, "lazy_tlb", "ctx_id", "", "")			\
	TRACE_EVENT(EV_WAKE, "wake", "task", "cpu", "")				\
	TRACE_EVENT(EV_SLEEP, "sleep", "task", "", "")				\
	TRACE_EVENT(EV_TASK_MIGRATE, "task_migrate", "task", "from", "to")	\
	TRACE_EVENT(EV_LOCK_WAIT, "lock_wait", "rank", "&lock", "")		\
	TRACE_EVENT(EV_RCU_SYNC, "rcu_sync", "phase", "", "")			\
	TRACE_EVENT(EV_PAGE_ALLOC, "page_alloc", "pfn", "order", "gfp")		\
	TRACE_EVENT(EV_PAGE_FREE, "page_free", "pfn", "order", "")		\
	TRACE_EVENT(EV_SET_PTE, "set_pte", "addr", "pte", "table")		\
	TRACE_EVENT(EV_CLEAR_PTE, "clear_pte", "addr", "old", "table")		\
	TRACE_EVENT(EV_TABLE_ALLOC, "table_alloc", "pfn", "level", "addr")	\
	TRACE_EVENT(EV_TABLE_FREE, "table_free", "pfn", "level", "addr")	\
	TRACE_EVENT(EV_COW, "cow", "addr", "old_pfn", "new_pfn")		\
	TRACE_EVENT(EV_MIGRATE_PAGE, "migrate_page", "old_pfn", "new_pfn", "ret")	\
	TRACE_EVENT(EV_FORK, "fork", "parent", "child", "")			\
	TRACE_EVENT(EV_EXIT, "exit", "task", "", "")				\
	TRACE_EVENT(EV_VMA_COMMIT, "vma_commit", "start", "end", "flags")	\
	TRACE_EVENT(EV_WINDOW, "window", "id", "key", "held")			\
	TRACE_EVENT(EV_FINDING, "finding", "seq", "kind", "")			\
	TRACE_EVENT(EV_MARK, "mark", "a", "b", "c")

enum trace_event_id {
#define __TRACE_EVENT(event, name, a, b, c)	event,
	TRACE_EVENTS(__TRACE_EVENT)
#undef __TRACE_EVENT
	NR_TRACE_EVENTS,
};

#endif
