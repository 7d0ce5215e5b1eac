/* SPDX-License-Identifier: MIT */
#ifndef TESTS_HOST_ALLOC_H
#define TESTS_HOST_ALLOC_H

/*
 * The host's allocations, counted and refused one at a time.  A test that includes this
 * says in one of its first lines which functions are to be taken over:
 *
 *	wrap: malloc calloc realloc aligned_alloc posix_memalign free (in a comment)
 *
 * Those of the core and of the test are; the C library's own are not.  Only those of a
 * thread that has asked for it are counted.
 */

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/compiler.h"

struct host_alloc {
	bool		armed;
	unsigned long	calls;		/* since it was armed */
	unsigned long	refuse;		/* the nth of them fails; 0: none */
	long		live;		/* blocks not freed since */
};

static _Thread_local struct host_alloc host_alloc;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_aligned_alloc(size_t align, size_t size);
int __real_posix_memalign(void **out, size_t align, size_t size);
void __real_free(void *p);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_aligned_alloc(size_t align, size_t size);
int __wrap_posix_memalign(void **out, size_t align, size_t size);
void __wrap_free(void *p);

/* To ThreadSanitizer a controlled machine's vCPUs are threads, which share them. */
static inline NO_TSAN bool host_alloc_refused(void)
{
	return host_alloc.armed && ++host_alloc.calls == host_alloc.refuse;
}

static inline NO_TSAN void *host_alloc_made(void *p)
{
	host_alloc.live += host_alloc.armed && p;
	return p;
}

NO_TSAN void *__wrap_malloc(size_t size)
{
	return host_alloc_refused() ? NULL : host_alloc_made(__real_malloc(size));
}

NO_TSAN void *__wrap_calloc(size_t n, size_t size)
{
	return host_alloc_refused() ? NULL : host_alloc_made(__real_calloc(n, size));
}

NO_TSAN void *__wrap_realloc(void *old, size_t size)
{
	void *p;

	if (host_alloc_refused())
		return NULL;
	p = __real_realloc(old, size);
	return old ? p : host_alloc_made(p);
}

NO_TSAN void *__wrap_aligned_alloc(size_t align, size_t size)
{
	return host_alloc_refused() ? NULL :
				      host_alloc_made(__real_aligned_alloc(align, size));
}

NO_TSAN int __wrap_posix_memalign(void **out, size_t align, size_t size)
{
	int err;

	if (host_alloc_refused())
		return ENOMEM;
	err = __real_posix_memalign(out, align, size);
	if (!err)
		host_alloc_made(*out);
	return err;
}

NO_TSAN void __wrap_free(void *p)
{
	host_alloc.live -= host_alloc.armed && p;
	__real_free(p);
}

/*
 * Calls work() with its 1st, 2nd, ... allocation refused until there is none left to
 * refuse.  It must answer 0, as it must when nothing is refused, or -ENOMEM, and leave
 * nothing behind.  Returns how many allocations there were.
 */
static inline unsigned long host_alloc_sweep(int (*work)(void *arg), void *arg)
{
	unsigned long n;
	int ret;

	for (n = 1;; n++) {
		host_alloc = (struct host_alloc){ .armed = true, .refuse = n };
		ret = work(arg);
		host_alloc.armed = false;
		if (host_alloc.live)
			fail_msg("allocation %lu refused: %ld blocks are left", n,
				 host_alloc.live);
		if (host_alloc.calls < n)
			break;
		if (ret && ret != -ENOMEM)
			fail_msg("allocation %lu refused: answered %d", n, ret);
	}
	assert_int_equal(ret, 0);
	return n - 1;
}

#endif
