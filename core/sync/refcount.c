/* SPDX-License-Identifier: MIT */
/*
 * What a reference count does when it goes wrong: it stays saturated, so that its
 * object is leaked and not used after free, and a finding tells which way.  Takes no
 * lock, and must not touch the object around the count.
 */
#include "sync/refcount.h"

#include "base/finding.h"

void refcount_warn_saturate(refcount_t *r, enum refcount_error error)
{
	static const char *const title[] = {
		[REFCOUNT_ADD_OVF]	= "REFS: refcount overflow",
		[REFCOUNT_ADD_UAF]	= "REFS: refcount raised from zero",
		[REFCOUNT_SUB_UAF]	= "REFS: refcount dropped below zero",
		[REFCOUNT_DEC_LEAK]	= "REFS: refcount dropped to zero, object leaked",
	};
	int was = __atomic_exchange_n(&r->refs, REFCOUNT_SATURATED, __ATOMIC_RELAXED);

	finding_report(FINDING_REFS, title[error], "count at %p, then %d, saturates", (void *)r,
		       was);
}
