/* SPDX-License-Identifier: MIT */
/*
 * The named windows: stretches of code in which a race with another CPU is
 * possible, and legal.  Two things hang on the name:
 *
 *   sched_window(WIN_x, place, key)
 *				stands where the window opens; jitter mode may hold
 *				the vCPU there, for a while or until a partner comes
 *				with the same place and key (sync/sched.h)
 *   window_hit(WIN_x)		counts, and is called only in the branch that the
 *				race alone reaches: never with one task (LAZY_*: but
 *				for a vCPU that it left), and with one vCPU only
 *				where an op has slept, or another process was served
 *
 * A run's summary prints the counts; a window that a storm promises and does not
 * hit makes the run NOT-EXERCISED.
 */
#ifndef MM_SYNC_WINDOWS_H
#define MM_SYNC_WINDOWS_H

/* WINDOW(name, text) */
#define MM_WINDOWS(WINDOW)						\
	WINDOW(COW_RACE_LOST, "a COW fault found its entry changed by another")	\
	WINDOW(FAULT_VS_MUNMAP, "a fault met a VMA being unmapped")		\
	WINDOW(REMOTE_FLUSH, "a TLB flush reached another CPU")			\
	WINDOW(VMA_LOCK_FALLBACK, "a fault fell back from VMA lock to mmap_lock") \
	WINDOW(SPURIOUS_FAULT, "a fault found its entry already good")		\
	WINDOW(TASK_MIGRATED_IN_OP, "a task changed CPU in the middle of an op") \
	WINDOW(PTE_CHANGED_UNDER_FAULT, "an entry changed before its lock was taken") \
	WINDOW(MIGRATION_ENTRY_WAIT, "a fault waited for a migration")		\
	WINDOW(PT_GONE, "a page table went away under a walker")		\
	WINDOW(SWITCH_VS_FLUSH, "a flush met a CPU in the middle of switch_mm")	\
	WINDOW(TLB_NESTED_FLUSH, "two gathers flushed one mm at once")		\
	WINDOW(IPI_TAKEN_FOR_PARKED, "an interrupt was taken for a parked vCPU") \
	WINDOW(RWSEM_WRITER_WAITED, "a writer queued behind a semaphore's holder") \
	WINDOW(RWSEM_READER_WAITED, "a reader queued behind a semaphore's writer") \
	WINDOW(GP_WAITED_FOR_READER, "a grace period outlasted a read section")	\
	WINDOW(VMA_CUT_UNDER_FAULT, "a fault's VMA was cut or moved before it was locked") \
	WINDOW(VMA_RECYCLED, "a fault locked a VMA that another address space has by now") \
	WINDOW(PT_RACE_LOST, "a page table was there before the one made for it") \
	WINDOW(ANON_VMA_RACE_LOST, "a VMA had got its anon_vma from another fault") \
	WINDOW(CACHE_RACE_LOST, "a page was in the cache before the one made for it") \
	WINDOW(PAGE_TRUNCATED_UNDER_FAULT, "a fault's page left its file before it was locked") \
	WINDOW(TRUNCATE_MET_FAULT, "truncation found a page mapped again") \
	WINDOW(RMAP_ENTRY_CHANGED, "an entry changed under a walk of the reverse map") \
	WINDOW(MIGRATION_ENTRY_ZAPPED, "a page was unmapped in the middle of its migration") \
	WINDOW(MIGRATION_ENTRY_PROTECTED, "a page was protected in the middle of its migration") \
	WINDOW(MIGRATION_ENTRY_COPIED, "fork met a page in the middle of its migration") \
	WINDOW(MIGRATION_ENTRY_MOVED, "mremap moved a page in the middle of its migration") \
	WINDOW(FLUSH_OVERTAKEN, "a flush's work had been done before it came") \
	WINDOW(FLUSH_WIDENED, "a CPU had missed more than the flush that came")	\
	WINDOW(TAG_BEHIND, "a switch came back to a tag that had missed a flush") \
	WINDOW(LAZY_SKIPPED, "a flush left a lazy CPU alone")			\
	WINDOW(LAZY_BEHIND, "a CPU that was lazy had missed a flush")		\
	WINDOW(LAZY_MET_TABLE_FREE, "a lazy CPU let go of tables that were freed") \
	WINDOW(GUP_FAST_RACED, "GUP-fast took a page and found its entry changed") \
	WINDOW(GUP_FAST_VS_FORK, "GUP-fast met fork's write_protect_seq")	\
	WINDOW(GUP_FAULTED_AGAIN, "a page was gone again before it could be pinned") \
	WINDOW(JITTER_PARTNER_MET, "jitter brought two vCPUs to one window")

enum window_id {
#define WINDOW(name, text) WIN_##name,
	MM_WINDOWS(WINDOW)
#undef WINDOW
	NR_WINDOWS
};

/* The name as written above, and its line of text, for reports. */
const char *window_name(enum window_id id);
const char *window_text(enum window_id id);

/* Count one hit on this vCPU; nothing on an unbound thread. */
void window_hit(enum window_id id);

#endif
