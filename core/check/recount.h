/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_CHECK_RECOUNT_H
#define MMSTORM_CHECK_RECOUNT_H

#include "base/types.h"
#include "mm/mm_types.h"

/*
 * One recount of a quiet machine, private to check/: what the parts of
 * check_quiet() share.
 */

struct page;

struct recount {
	struct machine		*machine;
	u32			*mapped;	/* PTEs that map it, by frame */
	u8			*dirty;		/* one of them is dirty */
	u32			*pinned;	/* references of tasks' pins, by frame */
	unsigned long		tables;		/* table pages seen, roots too */
	unsigned int		findings;
	bool			tlbs;		/* look at TLBs too */
	bool			dirtiness;	/* at dirty bits too */

	/* Of the mm being walked. */
	struct mm_struct	*mm;
	long			rss[NR_MM_COUNTERS];
	long			table_bytes;
	unsigned long		ptes;
};

/* Reports and counts; kind FINDING_REFS or FINDING_STRUCT. */
#define recount_report(rc, kind, title, ...)				\
	do {								\
		(rc)->findings++;					\
		finding_report(kind, title, __VA_ARGS__);		\
	} while (0)

void recount_vmas(struct recount *rc);
void recount_tables(struct recount *rc);
void recount_pins(struct recount *rc);
void recount_frames(struct recount *rc);
void recount_tlbs(struct recount *rc);
void recount_dirty(struct recount *rc, const struct page *page);

#endif /* MMSTORM_CHECK_RECOUNT_H */
