/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_STRESS_SANITIZER_H
#define MMSTORM_STRESS_SANITIZER_H

/*
 * The sanitizer that this program was built with, as a source of findings.
 */

/* "tsan", "asan+ubsan" or "none". */
const char *sanitizer_name(void);

/* Reports so far.  TSan goes on after a report; the others do not. */
unsigned int sanitizer_reports(void);

/*
 * A line to print when AddressSanitizer, or without a sanitizer a crash, ends the program:
 * how to repeat the run.
 * The text must stay; NULL: there is none.
 */
void sanitizer_set_epitaph(const char *text);

/**
 * leave() - end the program with @code
 *
 * Flushes standard output; a document that could not be written makes it
 * EXIT_RESOURCES.  Under TSan its own exit code does not replace ours; leak
 * checks of the others still run.
 */
void leave(int code) __attribute__((noreturn));

#endif /* MMSTORM_STRESS_SANITIZER_H */
