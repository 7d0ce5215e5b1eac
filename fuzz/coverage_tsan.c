/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer and ThreadSanitizer in one program, for clang 14: the compiler's
 * coverage counters are plain increments that threads share, and TSan reports
 * them.  They are declared benign here, in a file compiled without coverage (in
 * an instrumented one the section's own symbols would switch the counters off).
 * Newer compilers do not report them; saying it again does no harm.
 */
#include "fuzz/fuzz.h"

#if MM_TSAN && MM_FUZZ
extern char __start___sancov_cntrs[] __attribute__((weak));
extern char __stop___sancov_cntrs[] __attribute__((weak));
void AnnotateBenignRaceSized(const char *file, int line,
			     const volatile void *mem, size_t size,
			     const char *what);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	if (__start___sancov_cntrs)
		AnnotateBenignRaceSized(__FILE__, __LINE__,
			__start___sancov_cntrs,
			(size_t)(__stop___sancov_cntrs - __start___sancov_cntrs),
			"coverage counters");
	return 0;
}
#endif
