/* SPDX-License-Identifier: MIT */
/*
 * Assertions.
 *
 * MM_BUG_ON(c)		the state is corrupt: a finding, then the sink's on_panic, then abort()
 * MM_WARN_ON_ONCE(c)	wrong but survivable: a finding; evaluates to the truth of c
 * VM_BUG_ON(c)		as MM_BUG_ON, in checking builds only: c costs something
 * VM_WARN_ON_ONCE(c)	as MM_WARN_ON_ONCE, in checking builds only; 0 elsewhere
 *
 * Titles carry the condition, function and file, never a line: they survive edits.
 */
#ifndef BASE_BUG_H
#define BASE_BUG_H

#include "base/compiler.h"

__noreturn __cold void mm_panic(const char *title, const char *fmt, ...) __printf(2, 3);
__noreturn __cold void mm_bug(const char *cond, const char *func, const char *file, int line);
__cold void mm_warn(const char *cond, const char *func, const char *file, int line);

#define MM_BUG_ON(cond)								\
	do {									\
		if (unlikely(cond))						\
			mm_bug(#cond, __func__, __FILE__, __LINE__);		\
	} while (0)

#define MM_BUG()	mm_bug("reached", __func__, __FILE__, __LINE__)

#define MM_WARN_ON_ONCE(cond)							\
	({									\
		bool __warn = !!(cond);						\
		if (unlikely(__warn))						\
			mm_warn(#cond, __func__, __FILE__, __LINE__);		\
		unlikely(__warn);						\
	})

#if MM_CHECK
#define VM_BUG_ON(cond)		MM_BUG_ON(cond)
#define VM_WARN_ON_ONCE(cond)	MM_WARN_ON_ONCE(cond)
#else
/* Compiled, so that it stays right, but never evaluated. */
static inline bool mm_unasked(size_t size)
{
	return false;
}

#define VM_BUG_ON(cond)		((void)sizeof(!!(cond)))
#define VM_WARN_ON_ONCE(cond)	mm_unasked(sizeof(!!(cond)))
#endif

#endif
