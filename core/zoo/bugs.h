/* SPDX-License-Identifier: MIT */
/*
 * The planted bugs: real historical races, each re-created by switching off the one
 * statement that repaired it.  A new bug is one line here and one `zoo()` in the code.
 */
#ifndef ZOO_BUGS_H
#define ZOO_BUGS_H

/* ZOO_BUG(enumerator, "slug", "what goes wrong", "where it happened") */
#define ZOO_BUGS(ZOO_BUG)							\
	ZOO_BUG(ZOO_PARALLEL_ZAP_FLUSH_MISS, "parallel-zap-flush-miss",		\
		"a zap that finds its PTEs already cleared by another returns before they are flushed", \
		"Linux 4.13, 99baac21e458 and 4647706ebeee")			\
	ZOO_BUG(ZOO_COW_NEW_PAGE_VISIBLE_BEFORE_FLUSH, "cow-new-page-visible-before-flush", \
		"COW maps the copy while others still read the old page through their TLBs", \
		"FreeBSD rS336294, OpenBSD amd64 (golang issue 34988)")		\
	ZOO_BUG(ZOO_MREMAP_FLUSH_LATE, "mremap-flush-late",			\
		"mremap flushes the old range after the page-table locks are dropped",	\
		"Linux 4.19, eb66ae030829, CVE-2018-18281")			\
	ZOO_BUG(ZOO_FORK_WITHOUT_VMA_LOCK, "fork-without-vma-lock",		\
		"fork copies page tables while faults under the VMA lock change them",	\
		"Linux 6.4, fb49c455323f")					\
	ZOO_BUG(ZOO_PTE_TABLE_PUBLISH_BEFORE_INIT, "pte-table-publish-before-init", \
		"a page table is reachable by walkers before it is zeroed",	\
		"Linux 2.6.26, 362a61ad6119")					\
	ZOO_BUG(ZOO_VMA_FREED_WITHOUT_GRACE, "vma-freed-without-grace",		\
		"a VMA's memory goes back while lockless lookups may still hold it", \
		"the rule behind lock_vma_under_rcu, Linux 6.4 and later")	\
	ZOO_BUG(ZOO_SWITCH_MM_BARRIER, "switch-mm-barrier",			\
		"a switch loads the root before flushes can see that the CPU comes", \
		"Linux 4.5, 71b3c126e611, CVE-2016-2069, as an order of statements") \
	ZOO_BUG(ZOO_SWITCH_MM_BARRIER_MISSING, "switch-mm-barrier-missing",	\
		"a switch marks itself by a store that its read of tlb_gen may overtake", \
		"Linux 6.17, \"x86/mm: Fix SMP ordering in switch_mm_irqs_off()\"") \
	ZOO_BUG(ZOO_SHOULD_FLUSH_WINDOW, "should-flush-window",			\
		"a switch marks itself only after it has decided what to flush",	\
		"Linux 6.15, fea4e317f9e7, CVE-2025-37964")			\
	ZOO_BUG(ZOO_OPENBSD_CPU_BIT_GAP, "openbsd-cpu-bit-gap",			\
		"a CPU is in no cpumask while it switches, even to where it was",	\
		"OpenBSD amd64, pm_cpus, 9f1181d59de3 of the mirror")		\
	ZOO_BUG(ZOO_FREEBSD_PCID_GEN_AFTER_IPI, "freebsd-pcid-gen-after-ipi",	\
		"a flush sends its interrupts first and outdates other CPUs' tags after", \
		"FreeBSD 12 and 13, 3fd989da9118, FreeBSD-EN-22:04.pcid")	\
	ZOO_BUG(ZOO_FORK_COPIES_ASID, "fork-copies-asid",			\
		"fork gives the child the parent's tag",			\
		"Linux 5.2, powerpc, ca72d88378b2, CVE-2019-12817")		\
	ZOO_BUG(ZOO_LAZY_TLB_WALKS_FREED_TABLE, "lazy-tlb-walks-freed-table",	\
		"lazy CPUs are left alone even when page tables are freed",	\
		"Linux 4.14 and 4.20, b956575bed91, 2ff6ddf19c0e")		\
	ZOO_BUG(ZOO_TABLE_FREED_BEFORE_FLUSH, "table-freed-before-flush",	\
		"page tables go back to the allocator before the flush that covers them", \
		"Linux 4.19, a6f572084fbe, d86564a2f085")			\
	ZOO_BUG(ZOO_NEW_VMA_VISIBLE_UNLOCKED, "new-vma-visible-unlocked",	\
		"faults can use a new VMA while its maker is still at work on it", \
		"Linux 6.5, 33313a747e81")					\
	ZOO_BUG(ZOO_ANON_VMA_PREPARE_UNLOCKED, "anon-vma-prepare-unlocked",	\
		"a new anon_vma is given to its VMA and filled without its lock", \
		"Linux 2.6.28, d9d332e0874f")					\
	ZOO_BUG(ZOO_ANON_VMA_SET_UNLOCKED, "anon-vma-set-unlocked",		\
		"a merge gives a VMA an anon_vma before faults are shut out of it", \
		"Linux 6.5, d8ab9f7b644a")					\
	ZOO_BUG(ZOO_VMA_LOCK_SEQ_ORDER, "vma-lock-seq-order",			\
		"VMAs are unlocked by a store that does not carry their changes", \
		"Linux 6.5, b1f02b95758d")					\
	ZOO_BUG(ZOO_MREMAP_RMAP_ORDER, "mremap-rmap-order",			\
		"mremap moves entries to where a walk of the reverse map has already been", \
		"Linux 3.2, 948f017b0934")					\
	ZOO_BUG(ZOO_FLUSH_PENDING_BOOL, "flush-pending-bool",			\
		"that a flush is pending is said by a flag, which the first of two takes down", \
		"Linux 4.13, 16af97dc5a89")					\
	ZOO_BUG(ZOO_PROTNONE_NOT_FLUSHED, "protnone-not-flushed",		\
		"migration relies on whoever took all rights of a page to have flushed already", \
		"Linux 3.13, 20841405940e")					\
	ZOO_BUG(ZOO_ZAP_DIRTY_FLUSH_AFTER_UNLOCK, "zap-dirty-flush-after-unlock", \
		"a zap drops the page-table lock before it flushes dirty pages of a file", \
		"Linux 3.15, 1cf35d47712d")					\
	ZOO_BUG(ZOO_PROTECT_LOST_DIRTY, "protect-lost-dirty",			\
		"mprotect reads an entry and writes it back, over a bit that hardware sets between", \
		"FreeBSD PR 61852; Linux 4.7, arm64, 66dbd6e61a52")		\
	ZOO_BUG(ZOO_FAULT_VS_TRUNCATE, "fault-vs-truncate",			\
		"a fault maps a page of a file that it has unlocked, and truncation has taken", \
		"Linux 2.6.23, d00806b18315")					\
	ZOO_BUG(ZOO_MOVE_TABLE_NO_RMAP_LOCK, "move-table-no-rmap-lock",		\
		"mremap moves a page table away under walks of the reverse map",	\
		"Linux 5.14, 97113eb39fa7, CVE-2022-41222")			\
	ZOO_BUG(ZOO_EXPAND_VMA_UNLOCKED, "expand-vma-unlocked",			\
		"a stack grows under faults that hold its VMA's lock",		\
		"Linux 6.4, c137381f71ae")					\
	ZOO_BUG(ZOO_MIGRATE_ANON_VMA_FREED, "migrate-anon-vma-freed",		\
		"migration unmaps a page with no reference to its anon_vma, and looks for it there", \
		"Linux 2.6.23, dc386d4d1e98")					\
	ZOO_BUG(ZOO_PAGE_LOCK_LOST_WAKEUP, "page-lock-lost-wakeup",		\
		"who unlocks a page asks for waiters before the lock is free",	\
		"Linux, 2017, a8b169afbf06")					\
	ZOO_BUG(ZOO_GUP_FAST_VS_FORK, "gup-fast-vs-fork",			\
		"GUP-fast does not look again whether a fork was write-protecting the page", \
		"Linux 5.11, 57efa1fe5957")					\
	ZOO_BUG(ZOO_COW_BREAKS_EITHER_WAY, "cow-breaks-either-way",		\
		"a COW fault reuses a page by its map count, and overlooks who reads it by a reference", \
		"Linux 5.8, 17839856fd58, CVE-2020-29374")

/*
 * Canaries: a plain data race in each room that has instrumented code, for asking
 * whether ThreadSanitizer sees races there while every oracle is on.  Not bugs of any
 * kernel.  base/ and arch/ keep no shared state; sync/, trace/, kern/ and check/ are not
 * instrumented: tests/litmus/ asks sync/ the same question in its own way.
 */
#define ZOO_CANARIES(ZOO_BUG)							\
	ZOO_BUG(ZOO_CANARY_HW, "canary-hw",					\
		"a counter that vCPUs share without a lock, in hw/", "planted, no kernel's bug")	\
	ZOO_BUG(ZOO_CANARY_PHYS, "canary-phys",					\
		"a counter that vCPUs share without a lock, in phys/", "planted, no kernel's bug") \
	ZOO_BUG(ZOO_CANARY_PGTABLE, "canary-pgtable",				\
		"a counter that vCPUs share without a lock, in pgtable/", "planted, no kernel's bug") \
	ZOO_BUG(ZOO_CANARY_MM, "canary-mm",					\
		"a counter that vCPUs share without a lock, in mm/", "planted, no kernel's bug")	\
	ZOO_BUG(ZOO_CANARY_OPS, "canary-ops",					\
		"a counter that vCPUs share without a lock, in ops/", "planted, no kernel's bug")

enum zoo_bug_id {
#define __ZOO_BUG(id, slug, title, source)	id,
	ZOO_BUGS(__ZOO_BUG)
	ZOO_CANARIES(__ZOO_BUG)
#undef __ZOO_BUG
	NR_ZOO_BUGS,
	ZOO_FIRST_CANARY = ZOO_CANARY_HW,
};

#endif
