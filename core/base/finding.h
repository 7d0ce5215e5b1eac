/* SPDX-License-Identifier: MIT */
/*
 * Findings: the one record type for every kind of defect.
 *
 * A machine has one sink.  Findings of the same title are one finding with a count;
 * a title therefore holds no address, number or name that varies from run to run.
 * Any context may report, also with locks held and interrupts off: there is no
 * scheduling point and no lock of the machine's in here.
 */
#ifndef BASE_FINDING_H
#define BASE_FINDING_H

#include <stdarg.h>

#include "base/compiler.h"

enum finding_kind {
	FINDING_BUG,		/* MM_BUG_ON: the machine cannot go on */
	FINDING_WARN,		/* MM_WARN_ON_ONCE */
	FINDING_LOCKDEP,	/* lock order, context, balance */
	FINDING_STALE,		/* the oracles of core/check, one kind each */
	FINDING_RIGHTS,
	FINDING_VALUE,
	FINDING_COW,
	FINDING_REFS,
	FINDING_STRUCT,
	FINDING_AGE,
	FINDING_LIVE,
	FINDING_INIT,
	FINDING_MODEL,		/* the reference model answers otherwise */
	FINDING_SANITIZER,	/* a sanitizer's own report */
	NR_FINDING_KINDS,
};

#define FINDING_NO_CPU	U32_MAX
#define FINDINGS_MAX	256

struct finding {
	enum finding_kind kind;
	u32		vcpu;		/* of the first report, or FINDING_NO_CPU */
	u64		seq;		/* 1, 2, ... in order of first report */
	u64		clock;		/* that vCPU's virtual time */
	unsigned int	count;		/* reports under this title; atomic */
	char		title[160];
	char		detail[2048];	/* of the first report */
};

struct finding_sink {
	/* immutable once the machine runs */
	void		(*on_finding)(struct finding_sink *sink, const struct finding *f);
	void		(*on_panic)(struct finding_sink *sink, const struct finding *f);
	void		*priv;		/* for the two above */
	/* protected by lock */
	int		lock;
	unsigned int	nr;		/* distinct titles kept; read atomically */
	unsigned int	dropped;	/* reports of new titles when full */
	struct finding	*found[FINDINGS_MAX];
};

void finding_sink_init(struct finding_sink *sink);
void finding_sink_destroy(struct finding_sink *sink);

/*
 * finding_report(): reports to the sink of the vCPU this thread is; with none the
 * finding goes to stderr.  @fmt describes this occurrence (addresses welcome).
 * on_finding is called once per title, on the reporting thread, without the sink's lock.
 */
void finding_report(enum finding_kind kind, const char *title, const char *fmt, ...)
	__printf(3, 4);
void finding_report_to(struct finding_sink *sink, enum finding_kind kind, const char *title,
		       const char *fmt, ...) __printf(4, 5);
void finding_vreport_to(struct finding_sink *sink, enum finding_kind kind, const char *title,
			const char *fmt, va_list args);

/* Distinct titles so far, and the i-th of them (NULL past the end).  Any context. */
unsigned int finding_count(const struct finding_sink *sink);
const struct finding *finding_get(const struct finding_sink *sink, unsigned int i);

/* "lockdep", "stale", ...: lower case, as the summaries and JSON print it. */
const char *finding_kind_name(enum finding_kind kind);

#endif
