/* SPDX-License-Identifier: MIT */
/*
 * Sanitizer reports as findings: counted through the runtime's own hooks.
 *
 * A hook runs inside the sanitizer, with its locks held: it may count, and
 * write what was prepared, and nothing else.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/atomic.h"
#include "stress/exit_codes.h"
#include "stress/sanitizer.h"

static atomic_t reports;
static const char *epitaph;

const char *sanitizer_name(void)
{
#if MM_TSAN
	return "tsan";
#elif MM_ASAN
	return "asan+ubsan";
#else
	return "none";
#endif
}

unsigned int sanitizer_reports(void)
{
	return atomic_read(&reports);
}

void sanitizer_set_epitaph(const char *text)
{
	epitaph = text;
}

#if MM_TSAN || MM_ASAN
static __attribute__((unused)) void last_words(void)
{
	if (!epitaph)
		return;
	if (write(STDERR_FILENO, epitaph, strlen(epitaph)) < 0 ||
	    write(STDERR_FILENO, "\n", 1) < 0)
		return;		/* nobody is left to tell */
}
#endif

#if MM_TSAN
void __tsan_on_report(void *report);
void __tsan_on_report(void *report)
{
	(void)report;
	raw_atomic_add(1, &reports);
}
#endif

#if MM_ASAN
void __asan_on_error(void);
void __asan_on_error(void)
{
	last_words();
}
#endif

void leave(int code)
{
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "mmstorm: standard output could not be written\n");
		if (code == EXIT_CLEAN)
			code = EXIT_RESOURCES;
	}
	fflush(stderr);
	if (MM_TSAN)
		_exit(code);
	exit(code);
}
