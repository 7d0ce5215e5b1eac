/* SPDX-License-Identifier: MIT */
/*
 * What we tell ThreadSanitizer; nothing elsewhere.
 *
 * An annotation states an order that the code really has.  MM_TSAN says that the
 * program is linked with the runtime, so these work in files that are themselves
 * compiled without instrumentation (core/CMakeLists.txt lists them).
 */
#ifndef BASE_TSAN_H
#define BASE_TSAN_H

#include "base/compiler.h"

/* tsan_switch_to_fiber(): do not make the old fiber happen before the new one. */
#define TSAN_SWITCH_SYNC	0U
#define TSAN_SWITCH_NO_SYNC	1U

/* tsan_mutex_*() flags, the values of <sanitizer/tsan_interface.h>. */
#define TSAN_MUTEX_READ_LOCK		(1U << 3)
#define TSAN_MUTEX_TRY_LOCK		(1U << 4)
#define TSAN_MUTEX_TRY_READ_LOCK	(TSAN_MUTEX_READ_LOCK | TSAN_MUTEX_TRY_LOCK)

#if MM_TSAN

void __tsan_acquire(void *addr);
void __tsan_release(void *addr);
void __tsan_mutex_create(void *addr, unsigned int flags);
void __tsan_mutex_pre_lock(void *addr, unsigned int flags);
void __tsan_mutex_post_lock(void *addr, unsigned int flags, int recursion);
int __tsan_mutex_pre_unlock(void *addr, unsigned int flags);
void __tsan_mutex_post_unlock(void *addr, unsigned int flags);
void __tsan_write_range(void *addr, unsigned long size);
void *__tsan_get_current_fiber(void);
void *__tsan_create_fiber(unsigned int flags);
void __tsan_destroy_fiber(void *fiber);
void __tsan_switch_to_fiber(void *fiber, unsigned int flags);
void AnnotateIgnoreSyncBegin(const char *file, int line);
void AnnotateIgnoreSyncEnd(const char *file, int line);
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);

#define __tsan_do(call)	(call)
#define __tsan_get(call, otherwise)	(call)

#else

#define __tsan_do(call)	((void)0)
#define __tsan_get(call, otherwise)	(otherwise)

#endif

#define tsan_acquire(p)			__tsan_do(__tsan_acquire((void *)(p)))
#define tsan_release(p)			__tsan_do(__tsan_release((void *)(p)))
#define tsan_mutex_create(p, f)		__tsan_do(__tsan_mutex_create((void *)(p), f))
#define tsan_mutex_pre_lock(p, f)	__tsan_do(__tsan_mutex_pre_lock((void *)(p), f))
#define tsan_mutex_post_lock(p, f)	__tsan_do(__tsan_mutex_post_lock((void *)(p), f, 1))
#define tsan_mutex_pre_unlock(p, f)	__tsan_do((void)__tsan_mutex_pre_unlock((void *)(p), f))
#define tsan_mutex_post_unlock(p, f)	__tsan_do(__tsan_mutex_post_unlock((void *)(p), f))
/* Around foreign work done inside a lock's slow path (else its order is ignored). */
/* Counts as a plain access to each byte: a later racing use is reported. */
#define tsan_write_range(p, n)		__tsan_do(__tsan_write_range((void *)(p), n))
#define tsan_get_current_fiber()	__tsan_get(__tsan_get_current_fiber(), NULL)
#define tsan_create_fiber()		__tsan_get(__tsan_create_fiber(0), NULL)
#define tsan_destroy_fiber(f)		__tsan_do(__tsan_destroy_fiber(f))
#define tsan_switch_to_fiber(f, flags)	__tsan_do(__tsan_switch_to_fiber(f, flags))
#define tsan_ignore_sync_begin()	__tsan_do(AnnotateIgnoreSyncBegin(__FILE__, __LINE__))
#define tsan_ignore_sync_end()		__tsan_do(AnnotateIgnoreSyncEnd(__FILE__, __LINE__))
#define tsan_ignore_writes_begin()	__tsan_do(AnnotateIgnoreWritesBegin(__FILE__, __LINE__))
#define tsan_ignore_writes_end()	__tsan_do(AnnotateIgnoreWritesEnd(__FILE__, __LINE__))

#endif
