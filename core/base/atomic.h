/* SPDX-License-Identifier: MIT */
/*
 * Atomics under the kernel's names, over the compiler's builtins.
 *
 * Order, as in the kernel: read-modify-writes that return a value are fully ordered
 * (sequentially consistent here), those that return nothing are relaxed, and the
 * suffixes _acquire, _release and _relaxed say otherwise.  There are no stand-alone
 * fences (no smp_mb()): ThreadSanitizer does not model them.  Order is carried by
 * the variable; where two sides store one thing and then look at the other, both
 * stores are sequentially consistent read-modify-writes.
 *
 * Every read-modify-write is a scheduling point.  The raw_ forms are not: they are
 * for the scheduler, the run tokens and interrupt delivery, which points end up in.
 */
#ifndef BASE_ATOMIC_H
#define BASE_ATOMIC_H

#include "base/compiler.h"
#include "base/point.h"

/* A pointer whose target is going to be looked at, or changed: base/point.h. */
#define __looked_at(p)	((__typeof__(p))sched_touched((const void *)(p), false))
#define __changed(p)	((__typeof__(p))sched_touched((const void *)(p), true))

/*
 * MM_WEAK: in the files of the operating system (core/CMakeLists.txt) stores may wait to
 * be seen by others, when a controlled machine says so (sync/store_buffer.h).  There a
 * load may see what was before such a store, and is a scheduling point while any waits.
 * Elsewhere, and by the raw_ and RAW_ forms, memory is what it is.
 */
#ifndef MM_WEAK
#define MM_WEAK	0
#endif

#if MM_WEAK && MM_POINTS
void weak_store_begins(const void *p, size_t size, bool release);
void weak_store_epoch(void);
void weak_load_begins(const void *p);
u64 weak_load_sees(const void *p, size_t size, u64 value);
void weak_rmw_begins(const void *p);
void weak_forget(const void *p, size_t size);

/* Arguments are evaluated once, and before the operation: they may have points of their own. */
#define __load(ptr, p, read, weak, val)						\
	({									\
		__typeof__(ptr) p = (ptr);					\
		bool weak = this_cpu_weak();					\
										\
		if (unlikely(weak))						\
			weak_load_begins(p);					\
		__typeof__(*p) val = (read);					\
		unlikely(weak) ? (__typeof__(*p))				\
				 weak_load_sees(p, sizeof(*p), (u64)val) :	\
				 val;						\
	})
#define __load_order(ptr, p, order, weak, val)					\
	__load(ptr, p, __atomic_load_n(__looked_at(p), order), weak, val)
#define __load_plain(ptr, p, weak, val)						\
	__load(ptr, p, *__looked_at(p), weak, val)
#define __store(ptr, p, v, order, val)						\
	({									\
		__typeof__(ptr) p = (ptr);					\
		__typeof__(*p) val = (v);					\
										\
		if (unlikely(this_cpu_weak()))					\
			weak_store_begins(p, sizeof(*p),			\
					  (order) != __ATOMIC_RELAXED);		\
		__atomic_store_n(__changed(p), val, order);			\
	})
#define __load_once(ptr, order)							\
	__load_order(ptr, __UNIQUE_ID(p), order, __UNIQUE_ID(weak), __UNIQUE_ID(val))
#define __store_once(ptr, v, order)						\
	__store(ptr, __UNIQUE_ID(p), v, order, __UNIQUE_ID(val))

/* What the vCPU reads with its plain accesses, and another stores by WRITE_ONCE(). */
#define plain_read(x)								\
	__load_plain(&(x), __UNIQUE_ID(p), __UNIQUE_ID(weak), __UNIQUE_ID(val))
/* Stores before it are seen before those after it. */
#define weak_wmb()		do { if (unlikely(this_cpu_weak())) weak_store_epoch(); } while (0)
/* A read-modify-write of *p is next that has no point of its own for it. */
#define weak_rmw(p)		\
	do { if (unlikely(this_cpu_weak())) weak_rmw_begins(p); } while (0)
/* These bytes are an object no more: nobody sees what was in it before its last stores. */
#define weak_free(p, n)		do { if (unlikely(this_cpu_weak())) weak_forget(p, n); } while (0)
#else
#define __load_once(p, order)		__atomic_load_n(__looked_at(p), order)
#define __store_once(p, v, order)	__atomic_store_n(__changed(p), (v), order)
#define plain_read(x)			(*__looked_at(&(x)))
#define weak_wmb()			do { } while (0)
#define weak_rmw(p)			do { } while (0)
#define weak_free(p, n)			do { } while (0)
#endif

/* One access, neither torn, repeated nor invented; no order with other variables. */
#define READ_ONCE(x)		__load_once(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, v)	__store_once(&(x), v, __ATOMIC_RELAXED)
/* The same of what no other code than its owner's depends on: statistics, users' data. */
#define RAW_READ_ONCE(x)	__atomic_load_n(__looked_at(&(x)), __ATOMIC_RELAXED)
#define RAW_WRITE_ONCE(x, v)	__atomic_store_n(__changed(&(x)), (v), __ATOMIC_RELAXED)

/* What came before a store_release of a value is seen by who load_acquires that value. */
#define smp_load_acquire(p)	__load_once(p, __ATOMIC_ACQUIRE)
#define smp_store_release(p, v)	__store_once(p, v, __ATOMIC_RELEASE)

/* No scheduling point; the order is one of __ATOMIC_RELAXED ... __ATOMIC_SEQ_CST. */
#define raw_load_order(p, order)		__atomic_load_n(__looked_at(p), order)
#define raw_store_order(p, v, order)		__atomic_store_n(__changed(p), (v), order)
#define raw_fetch_add_order(p, v, order)	__atomic_fetch_add(__changed(p), (v), order)
#define raw_fetch_sub_order(p, v, order)	__atomic_fetch_sub(__changed(p), (v), order)
#define raw_fetch_or_order(p, v, order)		__atomic_fetch_or(__changed(p), (v), order)
#define raw_fetch_and_order(p, v, order)	__atomic_fetch_and(__changed(p), (v), order)
#define raw_fetch_xor_order(p, v, order)	__atomic_fetch_xor(__changed(p), (v), order)
#define raw_xchg_order(p, v, order)		__atomic_exchange_n(__changed(p), (v), order)
#define raw_xchg(p, v)			raw_xchg_order(p, v, __ATOMIC_SEQ_CST)

/*
 * With a scheduling point before it.  What is to be stored is known by then: between the
 * point, where others' stores to *p are made to be seen, and the operation no other may come.
 */
#define __xchg_at(ptr, v, point, order, p, val)					\
	({									\
		__typeof__(ptr) p = (ptr);					\
		__typeof__(*p) val = (v);					\
										\
		sched_point(point, (const void *)p);				\
		raw_xchg_order(p, val, order);					\
	})
#define __xchg(ptr, v, point, order)						\
	__xchg_at(ptr, v, point, order, __UNIQUE_ID(p), __UNIQUE_ID(val))

#define xchg(p, v)		__xchg(p, v, SCHED_ATOMIC, __ATOMIC_SEQ_CST)
#define xchg_acquire(p, v)	__xchg(p, v, SCHED_ATOMIC, __ATOMIC_ACQUIRE)
#define xchg_release(p, v)	__xchg(p, v, SCHED_ATOMIC, __ATOMIC_RELEASE)
#define xchg_relaxed(p, v)	__xchg(p, v, SCHED_ATOMIC_RELAXED, __ATOMIC_RELAXED)

/* bool: stored @new?  If not, *@oldp is what was found.  A failure orders as an acquire at most. */
#define raw_try_cmpxchg_order(p, oldp, new, order, fail)			\
	__atomic_compare_exchange_n(__changed(p), (oldp), (new), false, order, fail)
#define raw_try_cmpxchg(p, oldp, new)						\
	raw_try_cmpxchg_order(p, oldp, new, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
#define __try_cmpxchg_at(ptr, oldp, new, point, order, fail, p, val)		\
	({									\
		__typeof__(ptr) p = (ptr);					\
		__typeof__(*p) val = (new);					\
										\
		sched_point(point, (const void *)p);				\
		raw_try_cmpxchg_order(p, oldp, val, order, fail);		\
	})
#define __try_cmpxchg(ptr, oldp, new, point, order, fail)			\
	__try_cmpxchg_at(ptr, oldp, new, point, order, fail, __UNIQUE_ID(p),	\
			 __UNIQUE_ID(val))
#define try_cmpxchg(p, oldp, new)						\
	__try_cmpxchg(p, oldp, new, SCHED_ATOMIC, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)
#define try_cmpxchg_acquire(p, oldp, new)					\
	__try_cmpxchg(p, oldp, new, SCHED_ATOMIC, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE)
#define try_cmpxchg_release(p, oldp, new)					\
	__try_cmpxchg(p, oldp, new, SCHED_ATOMIC, __ATOMIC_RELEASE, __ATOMIC_RELAXED)
#define try_cmpxchg_relaxed(p, oldp, new)					\
	__try_cmpxchg(p, oldp, new, SCHED_ATOMIC_RELAXED, __ATOMIC_RELAXED, __ATOMIC_RELAXED)

/* The value found: @old when @new was stored. */
#define __cmpxchg(p, old, new, try, o)						\
	({									\
		__typeof__(*(p)) o = (old);					\
		(void)try(p, &o, new);						\
		o;								\
	})
#define raw_cmpxchg(p, old, new)	__cmpxchg(p, old, new, raw_try_cmpxchg, __UNIQUE_ID(found))
#define cmpxchg(p, old, new)		__cmpxchg(p, old, new, try_cmpxchg, __UNIQUE_ID(found))
#define cmpxchg_acquire(p, old, new)						\
	__cmpxchg(p, old, new, try_cmpxchg_acquire, __UNIQUE_ID(found))
#define cmpxchg_release(p, old, new)						\
	__cmpxchg(p, old, new, try_cmpxchg_release, __UNIQUE_ID(found))
#define cmpxchg_relaxed(p, old, new)						\
	__cmpxchg(p, old, new, try_cmpxchg_relaxed, __UNIQUE_ID(found))

typedef struct { int counter; } atomic_t;
typedef struct { s64 counter; } atomic64_t;
typedef struct { long counter; } atomic_long_t;

#define ATOMIC_INIT(i)		{ (i) }
#define ATOMIC64_INIT(i)	{ (i) }
#define ATOMIC_LONG_INIT(i)	{ (i) }

/* One read-modify-write function: NAME##_OP(v, ...) and its raw_ form. */
#define __ATOMIC_FETCH_OP(type, val, fn, suffix, op, order)			\
static inline val raw_##fn##suffix(val i, type *v)				\
{										\
	return op(__changed(&v->counter), i, order);				\
}										\
static inline val fn##suffix(val i, type *v)					\
{										\
	sched_point((order) == __ATOMIC_RELAXED ? SCHED_ATOMIC_RELAXED : SCHED_ATOMIC, v); \
	return raw_##fn##suffix(i, v);						\
}

#define __ATOMIC_FETCH_ORDERS(type, val, fn, op)				\
	__ATOMIC_FETCH_OP(type, val, fn, , op, __ATOMIC_SEQ_CST)		\
	__ATOMIC_FETCH_OP(type, val, fn, _acquire, op, __ATOMIC_ACQUIRE)	\
	__ATOMIC_FETCH_OP(type, val, fn, _release, op, __ATOMIC_RELEASE)	\
	__ATOMIC_FETCH_OP(type, val, fn, _relaxed, op, __ATOMIC_RELAXED)

#define __ATOMIC_VOID_OP(type, val, name, op)					\
static inline void raw_##name(val i, type *v)					\
{										\
	(void)op(__changed(&v->counter), i, __ATOMIC_RELAXED);			\
}										\
static inline void name(val i, type *v)						\
{										\
	sched_point(SCHED_ATOMIC_RELAXED, v);					\
	raw_##name(i, v);							\
}

#define __ATOMIC_CMPXCHG(type, val, name, suffix)				\
static inline bool name##_try_cmpxchg##suffix(type *v, val *old, val new)	\
{										\
	return try_cmpxchg##suffix(&v->counter, old, new);			\
}										\
static inline val name##_cmpxchg##suffix(type *v, val old, val new)		\
{										\
	(void)try_cmpxchg##suffix(&v->counter, &old, new);			\
	return old;								\
}										\
static inline val name##_xchg##suffix(type *v, val new)				\
{										\
	return xchg##suffix(&v->counter, new);					\
}

/* The whole family for one type: atomic_t, atomic64_t and atomic_long_t are alike. */
#define __ATOMIC_TYPE(type, val, name)						\
static inline val name##_read(const type *v) { return READ_ONCE(v->counter); }	\
static inline val name##_read_acquire(const type *v)				\
{										\
	return smp_load_acquire(&v->counter);					\
}										\
static inline void name##_set(type *v, val i) { WRITE_ONCE(v->counter, i); }	\
static inline void name##_set_release(type *v, val i)				\
{										\
	smp_store_release(&v->counter, i);					\
}										\
__ATOMIC_FETCH_ORDERS(type, val, name##_add_return, __atomic_add_fetch)		\
__ATOMIC_FETCH_ORDERS(type, val, name##_sub_return, __atomic_sub_fetch)		\
__ATOMIC_FETCH_ORDERS(type, val, name##_fetch_add, __atomic_fetch_add)		\
__ATOMIC_FETCH_ORDERS(type, val, name##_fetch_sub, __atomic_fetch_sub)		\
__ATOMIC_FETCH_ORDERS(type, val, name##_fetch_or, __atomic_fetch_or)		\
__ATOMIC_FETCH_ORDERS(type, val, name##_fetch_and, __atomic_fetch_and)		\
__ATOMIC_FETCH_ORDERS(type, val, name##_fetch_xor, __atomic_fetch_xor)		\
__ATOMIC_VOID_OP(type, val, name##_add, __atomic_fetch_add)			\
__ATOMIC_VOID_OP(type, val, name##_sub, __atomic_fetch_sub)			\
__ATOMIC_VOID_OP(type, val, name##_or, __atomic_fetch_or)			\
__ATOMIC_VOID_OP(type, val, name##_and, __atomic_fetch_and)			\
__ATOMIC_VOID_OP(type, val, name##_xor, __atomic_fetch_xor)			\
static inline void name##_andnot(val i, type *v) { name##_and(~i, v); }		\
static inline void name##_inc(type *v) { name##_add(1, v); }			\
static inline void name##_dec(type *v) { name##_sub(1, v); }			\
static inline val name##_inc_return(type *v) { return name##_add_return(1, v); }	\
static inline val name##_dec_return(type *v) { return name##_sub_return(1, v); }	\
static inline val name##_inc_return_acquire(type *v)				\
{										\
	return name##_add_return_acquire(1, v);					\
}										\
static inline val name##_dec_return_release(type *v)				\
{										\
	return name##_sub_return_release(1, v);					\
}										\
static inline val name##_fetch_inc(type *v) { return name##_fetch_add(1, v); }	\
static inline val name##_fetch_dec(type *v) { return name##_fetch_sub(1, v); }	\
static inline bool name##_inc_and_test(type *v) { return !name##_inc_return(v); }	\
static inline bool name##_dec_and_test(type *v) { return !name##_dec_return(v); }	\
static inline bool name##_sub_and_test(val i, type *v)				\
{										\
	return !name##_sub_return(i, v);					\
}										\
static inline bool name##_add_negative(val i, type *v)				\
{										\
	return name##_add_return(i, v) < 0;					\
}										\
__ATOMIC_CMPXCHG(type, val, name, )						\
__ATOMIC_CMPXCHG(type, val, name, _acquire)					\
__ATOMIC_CMPXCHG(type, val, name, _release)					\
__ATOMIC_CMPXCHG(type, val, name, _relaxed)					\
/* Adds @a unless the value is @u; returns what was there. */			\
static inline val name##_fetch_add_unless(type *v, val a, val u)		\
{										\
	val old = name##_read(v);						\
										\
	while (old != u && !name##_try_cmpxchg(v, &old, old + a))		\
		;								\
	return old;								\
}										\
static inline bool name##_add_unless(type *v, val a, val u)			\
{										\
	return name##_fetch_add_unless(v, a, u) != u;				\
}										\
static inline bool name##_inc_not_zero(type *v)					\
{										\
	return name##_add_unless(v, 1, 0);					\
}										\
/* The new value; negative, and nothing stored, when there was none to take. */	\
static inline val name##_dec_if_positive(type *v)				\
{										\
	val old = name##_read(v);						\
										\
	while (old > 0 && !name##_try_cmpxchg(v, &old, old - 1))		\
		;								\
	return old - 1;								\
}

__ATOMIC_TYPE(atomic_t, int, atomic)
__ATOMIC_TYPE(atomic64_t, s64, atomic64)
__ATOMIC_TYPE(atomic_long_t, long, atomic_long)

#include "base/bitops.h"

#endif
