/* SPDX-License-Identifier: MIT */
/* Functions that the sanitizers' runtimes look for by name, called before main(). */
#ifndef BASE_SANITIZER_H
#define BASE_SANITIZER_H

extern const int mm_sanitizer_defaults;

const char *__tsan_default_options(void);
const char *__tsan_default_suppressions(void);
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

#endif
