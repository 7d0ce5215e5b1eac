/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_PHYS_SLAB_H
#define MMSTORM_PHYS_SLAB_H

#include "base/types.h"
#include "phys/gfp.h"

/*
 * Object caches of a machine, with the meaning of include/linux/slab.h.
 * Memory comes from the host: jemalloc, one arena per machine, when
 * MM_JEMALLOC; the C library's (or the sanitizer's) allocator otherwise.
 *
 * All calls act on this_machine(); alloc and free from any context with
 * preemption possible; no locks needed; none of them sleeps.
 */
typedef u32 slab_flags_t;

/*
 * A freed object may be handed out again at once, of the same type; its
 * memory returns to the host only after a grace period.  With a ctor the
 * object keeps its constructed state over free and alloc.
 */
#define SLAB_TYPESAFE_BY_RCU	0x1u
#define SLAB_HWCACHE_ALIGN	0x2u

struct kmem_cache;
struct machine;

/*
 * name stays the caller's (a literal).  align 0 = 8.  ctor, if any, runs once
 * when memory is fetched from the host.  NULL: no memory.
 */
struct kmem_cache *kmem_cache_create(const char *name, size_t size,
				     size_t align, slab_flags_t flags,
				     void (*ctor)(void *));
/*
 * Objects still allocated are reported as a REFS finding with the cache's
 * name.  Waits for a grace period when the cache is type-safe (may sleep).
 */
void kmem_cache_destroy(struct kmem_cache *s);

/* NULL: no memory (or injected, unless __GFP_NOFAIL).  __GFP_ZERO clears. */
void *kmem_cache_alloc(struct kmem_cache *s, gfp_t gfp);
#define kmem_cache_zalloc(s, gfp) kmem_cache_alloc(s, (gfp) | __GFP_ZERO)
/*
 * obj may be NULL.  A free object is poison, and one that was written to is a REFS finding
 * when it is handed out again, or at the cache's end; in sanitizer builds it is gone, and
 * the sanitizer reports.  Not so type-safe and constructed ones.  (MM_CHECK)
 */
void kmem_cache_free(struct kmem_cache *s, void *obj);
/*
 * A type-safe object's memory goes back to the host at once, without the
 * grace period: what planted bugs and final teardown use.
 */
void kmem_cache_free_now(struct kmem_cache *s, void *obj);

/* Objects allocated now; exact only when the machine is quiet. */
long kmem_cache_inuse(struct kmem_cache *s);

void *kmalloc(size_t size, gfp_t gfp);
#define kzalloc(size, gfp) kmalloc(size, (gfp) | __GFP_ZERO)
void *kcalloc(size_t n, size_t size, gfp_t gfp);
void kfree(const void *p);

/* Boot and shutdown of the machine's object caches (phys_init/phys_exit). */
int slab_init(struct machine *m);
void slab_exit(struct machine *m);

#endif /* MMSTORM_PHYS_SLAB_H */
