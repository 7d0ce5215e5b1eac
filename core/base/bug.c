/* SPDX-License-Identifier: MIT */
/*
 * What failed assertions do.  Compiled without ThreadSanitizer; takes no lock but
 * the sink's.  Must never return from a panic: on_panic may leave by longjmp (tests)
 * or exit (programs); failing that we abort.
 */
#include "base/bug.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/finding_internal.h"
#include "base/this_cpu.h"

static const char *base_name(const char *file)
{
	const char *slash = strrchr(file, '/');

	return slash ? slash + 1 : file;
}

static __noreturn void vpanic(const char *title, const char *fmt, va_list args)
{
	struct cpu_local *cpu = this_cpu_local_call();
	struct finding_sink *sink = cpu ? cpu->sink : NULL;
	const struct finding *f = NULL;
	struct finding local;
	va_list again;

	va_copy(again, args);
	if (sink)
		f = finding_record(sink, FINDING_BUG, title, fmt, args);
	if (!f) {
		finding_fill(&local, FINDING_BUG, title, fmt, again);
		f = &local;
	}
	va_end(again);
	if (sink && sink->on_panic)
		sink->on_panic(sink, f);
	fprintf(stderr, "mmstorm: panic: %s: %s\n", f->title, f->detail);
	abort();
}

void mm_panic(const char *title, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vpanic(title, fmt, args);
}

void mm_bug(const char *cond, const char *func, const char *file, int line)
{
	char title[sizeof(((struct finding *)0)->title)];

	snprintf(title, sizeof(title), "BUG: %s in %s (%s)", cond, func, base_name(file));
	mm_panic(title, "%s:%d: %s", base_name(file), line, cond);
}

void mm_warn(const char *cond, const char *func, const char *file, int line)
{
	char title[sizeof(((struct finding *)0)->title)];

	snprintf(title, sizeof(title), "WARN: %s in %s (%s)", cond, func, base_name(file));
	finding_report(FINDING_WARN, title, "%s:%d: %s", base_name(file), line, cond);
}
