/* SPDX-License-Identifier: MIT */
/*
 * Sanitizer reports as findings: counted through the runtime's own hooks.  And the last
 * words of a program that a sanitizer or a signal ends.
 *
 * A hook runs inside the sanitizer, with its locks held, or in a signal's handler: it may
 * count, and write what was prepared, and nothing else.
 */
#include <signal.h>
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

static void say(const char *text)
{
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		return;		/* nobody is left to tell */
}

static __attribute__((unused)) void last_words(void)
{
	if (!epitaph)
		return;
	say(epitaph);
	say("\n");
}

#if MM_TSAN || MM_ASAN
/* The sanitizer has a handler of its own. */
static void watch_for_the_end(void)
{
}
#else
/* Nobody else says anything: a core that follows a pointer of freed memory, say. */
static void on_crash(int signo)
{
	say(signo == SIGBUS ? "mmstorm: panic: BUG: SIGBUS" : "mmstorm: panic: BUG: SIGSEGV");
	say(" (core): the core itself has crashed, no program that it runs\n");
	last_words();
	/* The default is back: it ends the program when this returns. */
	raise(signo);
}

static void watch_for_the_end(void)
{
	struct sigaction act = { .sa_handler = on_crash, .sa_flags = (int)SA_RESETHAND };

	sigaction(SIGSEGV, &act, NULL);
	sigaction(SIGBUS, &act, NULL);
}
#endif

void sanitizer_set_epitaph(const char *text)
{
	epitaph = text;
	watch_for_the_end();
}

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
