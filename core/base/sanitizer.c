/* SPDX-License-Identifier: MIT */
/*
 * The sanitizers' default options, part of every program that links the core, so that
 * a bare `mmstorm` run means the same as one under the scripts.  TSAN_OPTIONS and its
 * sisters still override.  Owns no state; must never call anything: it runs before
 * the runtimes are up.
 *
 * detect_deadlocks=0: lock order is judged by sync/lockdep.h; TSan's own detector
 * reports gate-locked pairs and gives up above 64 locks held.
 */
#include "base/sanitizer.h"

/* The linker is told to look for this name (core/CMakeLists.txt): it brings the rest in. */
const int mm_sanitizer_defaults = 1;

#define NO_SANITIZE	__attribute__((no_sanitize("thread", "address", "undefined"), used))

NO_SANITIZE const char *__tsan_default_options(void)
{
	return "detect_deadlocks=0:history_size=4:exitcode=66"
#if MM_FUZZ
	       /* libFuzzer's handlers allocate: said in the handler, it hangs there. */
	       ":report_signal_unsafe=0:halt_on_error=1"
#endif
	       ;
}

/*
 * One line per suppression, each with its cause, why it is safe, and when to look
 * again.  There is none.
 */
NO_SANITIZE const char *__tsan_default_suppressions(void)
{
	return "";
}

/* Tasks' stacks are switched by hand: the fake stack of use-after-return does not follow. */
NO_SANITIZE const char *__asan_default_options(void)
{
	return "exitcode=99:detect_stack_use_after_return=0:strict_init_order=1";
}

NO_SANITIZE const char *__ubsan_default_options(void)
{
	return "print_stacktrace=1";
}
