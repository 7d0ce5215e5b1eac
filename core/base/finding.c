/* SPDX-License-Identifier: MIT */
/*
 * The sink: keeps the first of each title, counts the rest, tells who listens.
 *
 * Compiled without ThreadSanitizer; its lock is a bare spin of its own, held for a
 * table search, so that it creates no order and may be taken in any context.  Must
 * never reach a scheduling point, nor call a listener with the lock held.
 */
#include "base/finding.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/finding_internal.h"
#include "base/this_cpu.h"
#include "base/tsan.h"

static const char *const kind_names[NR_FINDING_KINDS] = {
	[FINDING_BUG] = "bug",
	[FINDING_WARN] = "warn",
	[FINDING_LOCKDEP] = "lockdep",
	[FINDING_STALE] = "stale",
	[FINDING_RIGHTS] = "rights",
	[FINDING_VALUE] = "value",
	[FINDING_COW] = "cow",
	[FINDING_REFS] = "refs",
	[FINDING_STRUCT] = "struct",
	[FINDING_AGE] = "age",
	[FINDING_LIVE] = "live",
	[FINDING_INIT] = "init",
	[FINDING_MODEL] = "model",
	[FINDING_SANITIZER] = "sanitizer",
};

const char *finding_kind_name(enum finding_kind kind)
{
	return (unsigned int)kind < NR_FINDING_KINDS ? kind_names[kind] : "unknown";
}

static void sink_lock(struct finding_sink *sink)
{
	while (__atomic_exchange_n(&sink->lock, 1, __ATOMIC_ACQUIRE))
		sched_yield();
}

static void sink_unlock(struct finding_sink *sink)
{
	__atomic_store_n(&sink->lock, 0, __ATOMIC_RELEASE);
}

void finding_sink_init(struct finding_sink *sink)
{
	memset(sink, 0, sizeof(*sink));
}

void finding_sink_destroy(struct finding_sink *sink)
{
	for (unsigned int i = 0; i < sink->nr; i++)
		free(sink->found[i]);
	sink->nr = 0;
}

unsigned int finding_count(const struct finding_sink *sink)
{
	return __atomic_load_n(&sink->nr, __ATOMIC_ACQUIRE);
}

const struct finding *finding_get(const struct finding_sink *sink, unsigned int i)
{
	return i < finding_count(sink) ? sink->found[i] : NULL;
}

void finding_fill(struct finding *f, enum finding_kind kind, const char *title, const char *fmt,
		  va_list args)
{
	struct cpu_local *cpu = this_cpu_local_call();

	f->kind = kind;
	f->vcpu = cpu ? cpu->id : FINDING_NO_CPU;
	f->clock = cpu ? cpu->clock : 0;
	f->seq = 0;
	f->count = 1;
	snprintf(f->title, sizeof(f->title), "%s", title);
	vsnprintf(f->detail, sizeof(f->detail), fmt, args);
}

/* Caller holds the lock. */
static struct finding *find_title(struct finding_sink *sink, const char *title)
{
	for (unsigned int i = 0; i < sink->nr; i++)
		if (!strncmp(sink->found[i]->title, title, sizeof(sink->found[i]->title) - 1))
			return sink->found[i];
	return NULL;
}

/*
 * Counts @title, and keeps the finding when it is new: *@fresh.  NULL when there is no
 * room for a new one.
 */
static struct finding *sink_record(struct finding_sink *sink, enum finding_kind kind,
				   const char *title, const char *fmt, va_list args, bool *fresh)
{
	struct finding *f;

	*fresh = false;
	sink_lock(sink);
	f = find_title(sink, title);
	if (f) {
		__atomic_fetch_add(&f->count, 1, __ATOMIC_RELAXED);
		goto out;
	}
	f = sink->nr < FINDINGS_MAX ? malloc(sizeof(*f)) : NULL;
	if (!f) {
		sink->dropped++;
		goto out;
	}
	finding_fill(f, kind, title, fmt, args);
	f->seq = sink->nr + 1;
	sink->found[sink->nr] = f;
	__atomic_store_n(&sink->nr, sink->nr + 1, __ATOMIC_RELEASE);
	*fresh = true;
out:
	sink_unlock(sink);
	return f;
}

struct finding *finding_record(struct finding_sink *sink, enum finding_kind kind,
			       const char *title, const char *fmt, va_list args)
{
	struct finding *f;
	bool fresh;

	/*
	 * The record is written through intercepted libc functions and read by
	 * whoever reports, with no order that TSan could see: not its business.
	 */
	tsan_ignore_writes_begin();
	f = sink_record(sink, kind, title, fmt, args, &fresh);
	tsan_ignore_writes_end();
	if (fresh && sink->on_finding)
		sink->on_finding(sink, f);
	return f;
}

static void report_homeless(enum finding_kind kind, const char *title, const char *fmt,
			    va_list args)
{
	char detail[512];

	vsnprintf(detail, sizeof(detail), fmt, args);
	fprintf(stderr, "mmstorm: finding outside any machine: %s: %s: %s\n",
		finding_kind_name(kind), title, detail);
}

void finding_vreport_to(struct finding_sink *sink, enum finding_kind kind, const char *title,
			const char *fmt, va_list args)
{
	if (sink)
		finding_record(sink, kind, title, fmt, args);
	else
		report_homeless(kind, title, fmt, args);
}

void finding_report_to(struct finding_sink *sink, enum finding_kind kind, const char *title,
		       const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	finding_vreport_to(sink, kind, title, fmt, args);
	va_end(args);
}

void finding_report(enum finding_kind kind, const char *title, const char *fmt, ...)
{
	struct cpu_local *cpu = this_cpu_local_call();
	va_list args;

	va_start(args, fmt);
	finding_vreport_to(cpu ? cpu->sink : NULL, kind, title, fmt, args);
	va_end(args);
}
