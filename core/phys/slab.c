/* SPDX-License-Identifier: MIT */
/*
 * Object caches: fixed-size objects over the host's allocator.
 *
 * A free object goes to its vCPU's magazine (that vCPU only, and without a
 * point on the way), from there sixteen at a time to the cache's depot
 * (cache->lock, rank SLAB), and from a full depot back to the host: at once, or for a
 * type-safe cache after a grace period.  In sanitizer builds the objects of
 * other caches skip all that, so that the sanitizer sees each free; under control too,
 * in every build alike.
 *
 * Owns objects while they are free, and fills them with poison (not so the type-safe
 * and the constructed): who still reads one reads nonsense, who writes to it is found
 * when it is handed out again.  Must never write to a free type-safe
 * object: lockless readers may look at it.  Its bookkeeping (rcu_head) lies
 * behind the object for that reason.
 */
#include <stdio.h>
#include <string.h>

#include "base/atomic.h"
#include "base/bug.h"
#include "base/err.h"
#include "base/finding.h"
#include "base/list.h"
#include "base/tsan.h"
#include "phys/fail.h"
#include "phys/phys_mem.h"
#include "phys/poison.h"
#include "phys/slab.h"
#include "sync/irqflags.h"
#include "sync/rcu.h"

#if MM_JEMALLOC
#include <jemalloc/jemalloc.h>
#endif

#define MAGAZINE_SIZE	32U
#define TRANSFER	(MAGAZINE_SIZE / 2)

/*
 * Bytes of free objects that a depot keeps for each vCPU: what one grace period gives
 * back at once.  Where memory is poisoned, little: it is when it goes back to the host.
 */
#define DEPOT_BYTES	(MM_CHECK ? 0 : 1UL << 20)

struct slab_cpu {
	unsigned int	n;
	long		inuse;		/* allocs minus frees made here */
	void		*obj[MAGAZINE_SIZE];
} __cacheline_aligned;

struct kmem_cache {
	/* Immutable. */
	const char		*name;
	struct slab_state	*slab;
	size_t			object_size;
	size_t			trailer;	/* offset of the rcu_head, 0: none */
	size_t			size;		/* with trailer */
	size_t			align;
	slab_flags_t		flags;
	void			(*ctor)(void *);
	bool			direct;		/* no magazines: the sanitizer watches */
	bool			poisoned;	/* while they are free, in magazines too */

	/* Under lock. */
	spinlock_t		lock __cacheline_aligned;
	unsigned int		depot_n;	/* also peeked at without */
	unsigned int		depot_max;
	void			**depot;

	struct list_head	node;		/* slab_state.caches, under its lock */
	struct slab_cpu		cpu[];
};

struct kmalloc_cpu {
	long	inuse;
} __cacheline_aligned;

struct slab_state {
	struct machine		*machine;
	unsigned int		arena;		/* of jemalloc */
	bool			have_arena;
	spinlock_t		lock;		/* caches */
	struct list_head	caches;
	struct kmalloc_cpu	kmalloc[];
};

/* What lies behind a type-safe object. */
struct slab_trailer {
	struct rcu_head		rcu;
	struct kmem_cache	*cache;
};

/* ---- the host's memory ------------------------------------------------------ */

#if MM_JEMALLOC
/*
 * Arenas keep one machine's objects together, and prove at its end what is left.  A
 * machine that lists its blocks does that itself.
 */
static int arena_create(struct slab_state *s)
{
	size_t len = sizeof(s->arena);

	if (s->machine->memory.listed)
		return 0;
	s->have_arena = !mallctl("arenas.create", &s->arena, &len, NULL, 0);
	return s->have_arena ? 0 : -ENOMEM;
}

static void arena_destroy(struct slab_state *s)
{
	char name[48];

	if (!s->have_arena)
		return;
	snprintf(name, sizeof(name), "arena.%u.destroy", s->arena);
	mallctl(name, NULL, NULL, NULL, 0);
}

static int arena_flags(const struct slab_state *s)
{
	return MALLOCX_ARENA(s->arena) | MALLOCX_TCACHE_NONE;
}

static void *host_alloc(struct slab_state *s, size_t size, size_t align)
{
	if (!s->have_arena)
		return machine_alloc(s->machine, size, align);
	return mallocx(size, arena_flags(s) | MALLOCX_ALIGN(align));
}

static void host_free(struct slab_state *s, void *p)
{
	if (!s->have_arena)
		machine_free(s->machine, p);
	else
		dallocx(p, MALLOCX_TCACHE_NONE);
}
#else
static int arena_create(struct slab_state *s)
{
	return 0;
}

static void arena_destroy(struct slab_state *s)
{
}

static void *host_alloc(struct slab_state *s, size_t size, size_t align)
{
	return machine_alloc(s->machine, size, align);
}

static void host_free(struct slab_state *s, void *p)
{
	machine_free(s->machine, p);
}
#endif

static void fresh(const struct slab_state *s, const void *p, size_t size)
{
	if (unlikely(s->machine->memory.listed))
		sched_fresh(p, size);
}

static struct slab_state *this_slab(void)
{
	return this_machine()->phys->slab;
}

/* ---- objects from and to the host ---------------------------------------------- */

static struct slab_trailer *trailer_of(const struct kmem_cache *s, void *obj)
{
	return (struct slab_trailer *)((char *)obj + s->trailer);
}

static void *new_object(struct kmem_cache *s)
{
	void *obj = host_alloc(s->slab, s->size, s->align);

	if (!obj)
		return NULL;
	if (s->trailer)
		trailer_of(s, obj)->cache = s;
	if (s->ctor)
		s->ctor(obj);
	return obj;
}

static void destroy_object(struct kmem_cache *s, void *obj)
{
	/* Whoever still uses it races with this (the host's free says so too). */
	tsan_write_range(obj, s->size);
	/* A sanitizer sees it by itself; elsewhere let it not look alive. */
	if (MM_CHECK && !MM_TSAN && !MM_ASAN)
		memset(obj, POISON_OBJECT_BYTE, s->object_size);
	host_free(s->slab, obj);
}

static void destroy_object_rcu(struct rcu_head *head)
{
	struct slab_trailer *t = container_of(head, struct slab_trailer, rcu);
	struct kmem_cache *s = t->cache;

	destroy_object(s, (char *)t - s->trailer);
}

/* A type-safe object's memory outlives every reader that may have found it. */
static void retire_object(struct kmem_cache *s, void *obj)
{
	if (s->flags & SLAB_TYPESAFE_BY_RCU)
		call_rcu(&trailer_of(s, obj)->rcu, destroy_object_rcu);
	else
		destroy_object(s, obj);
}

/* ---- depot ------------------------------------------------------------------------ */

static unsigned int depot_take(struct kmem_cache *s, void **objs, unsigned int n)
{
	spin_lock(&s->lock);
	n = min(n, s->depot_n);
	WRITE_ONCE(s->depot_n, s->depot_n - n);
	memcpy(objs, s->depot + s->depot_n, n * sizeof(*objs));
	spin_unlock(&s->lock);
	return n;
}

/* Returns how many of the first ones it took. */
static unsigned int depot_put(struct kmem_cache *s, void **objs, unsigned int n)
{
	spin_lock(&s->lock);
	n = min(n, s->depot_max - s->depot_n);
	memcpy(s->depot + s->depot_n, objs, n * sizeof(*objs));
	WRITE_ONCE(s->depot_n, s->depot_n + n);
	spin_unlock(&s->lock);
	return n;
}

/* ---- alloc and free --------------------------------------------------------------- */

/* Every byte of a free object is poison, unless somebody has written to it since. */
static noinline void poison_check(const struct kmem_cache *s, const void *obj)
{
	const u8 *byte = obj, *last = byte + s->object_size - 1;
	char title[120];

	if (likely(*byte == POISON_OBJECT_BYTE && !memcmp(byte, byte + 1, s->object_size - 1)))
		return;
	snprintf(title, sizeof(title), "REFS: a free object of cache %s was written to", s->name);
	while (byte < last && *byte == POISON_OBJECT_BYTE)
		byte++;
	finding_report_to(&s->slab->machine->sink, FINDING_REFS, title, "byte %zu of %zu is %#x",
			  (size_t)(byte - (const u8 *)obj), s->object_size, *byte);
}

static noinline void *refill_alloc(struct kmem_cache *s)
{
	struct slab_cpu *c;
	void *obj = NULL;

	preempt_disable();
	c = &s->cpu[this_cpu()->nr];
	c->n = depot_take(s, c->obj, TRANSFER);
	if (c->n)
		obj = c->obj[--c->n];
	preempt_enable();
	return obj;
}

/* No point, so no other task, between finding the magazine and using it. */
static void *magazine_alloc(struct kmem_cache *s)
{
	struct slab_cpu *c = &s->cpu[this_cpu()->nr];

	if (likely(c->n))
		return c->obj[--c->n];
	return READ_ONCE(s->depot_n) ? refill_alloc(s) : NULL;
}

/* The magazine is full: its older half goes, the rest is warm in the cache. */
static noinline void spill(struct kmem_cache *s)
{
	void *out[TRANSFER];
	unsigned int taken;
	struct slab_cpu *c;

	preempt_disable();
	c = &s->cpu[this_cpu()->nr];
	memcpy(out, c->obj, sizeof(out));
	c->n -= TRANSFER;
	memmove(c->obj, c->obj + TRANSFER, c->n * sizeof(*out));
	taken = depot_put(s, out, TRANSFER);
	preempt_enable();
	for (unsigned int i = taken; i < TRANSFER; i++)
		retire_object(s, out[i]);
}

static void magazine_free(struct kmem_cache *s, void *obj)
{
	struct slab_cpu *c = &s->cpu[this_cpu()->nr];

	c->obj[c->n++] = obj;
	if (unlikely(c->n == MAGAZINE_SIZE))
		spill(s);
}

static void count_object(struct kmem_cache *s, long n)
{
	struct slab_cpu *c = &s->cpu[this_cpu()->nr];

	RAW_WRITE_ONCE(c->inuse, c->inuse + n);
}

void *kmem_cache_alloc(struct kmem_cache *s, gfp_t gfp)
{
	void *obj = NULL;

	sched_point(SCHED_ALLOC, s);
	if (gfpflags_allow_blocking(gfp))
		might_sleep();
	if (unlikely(should_fail_alloc(FAIL_SCOPE_SLAB, gfp)))
		return NULL;
	if (!s->direct)
		obj = magazine_alloc(s);
	if (obj && s->poisoned)
		poison_check(s, obj);
	if (unlikely(!obj))
		obj = new_object(s);
	if (unlikely(!obj))
		return NULL;
	if (gfp & __GFP_ZERO) {
		VM_BUG_ON(s->ctor);
		memset(obj, 0, s->object_size);
	}
	count_object(s, 1);
	fresh(s->slab, obj, s->object_size);
	return obj;
}

void kmem_cache_free(struct kmem_cache *s, void *obj)
{
	if (!obj)
		return;
	sched_point(SCHED_ALLOC, s);
	weak_free(obj, s->object_size);
	count_object(s, -1);
	if (s->poisoned)
		memset(obj, POISON_OBJECT_BYTE, s->object_size);
	if (s->direct)
		destroy_object(s, obj);
	else
		magazine_free(s, obj);
}

void kmem_cache_free_now(struct kmem_cache *s, void *obj)
{
	if (!obj)
		return;
	count_object(s, -1);
	destroy_object(s, obj);
}

long kmem_cache_inuse(struct kmem_cache *s)
{
	long sum = 0;

	for (unsigned int i = 0; i < s->slab->machine->nr_cpus; i++)
		sum += RAW_READ_ONCE(s->cpu[i].inuse);
	return sum;
}

/* ---- caches -------------------------------------------------------------------------- */

static void layout_object(struct kmem_cache *s, size_t size, size_t align)
{
	s->align = max(align, (size_t)8);
	if (s->flags & SLAB_HWCACHE_ALIGN)
		s->align = max(s->align, (size_t)SMP_CACHE_BYTES);
	s->object_size = size;
	s->size = size;
	if (s->flags & SLAB_TYPESAFE_BY_RCU) {
		s->trailer = ALIGN(size, sizeof(void *));
		s->size = s->trailer + sizeof(struct slab_trailer);
	}
	s->size = ALIGN(s->size, s->align);
}

struct kmem_cache *kmem_cache_create(const char *name, size_t size,
				     size_t align, slab_flags_t flags,
				     void (*ctor)(void *))
{
	struct slab_state *slab = this_slab();
	unsigned int nr = slab->machine->nr_cpus;
	size_t bytes = ALIGN(sizeof(struct kmem_cache) + nr * sizeof(struct slab_cpu),
			     (size_t)SMP_CACHE_BYTES);
	struct kmem_cache *s = host_alloc(slab, bytes, SMP_CACHE_BYTES);

	if (!s)
		return NULL;
	memset(s, 0, bytes);
	s->name = name;
	s->slab = slab;
	s->flags = flags;
	s->ctor = ctor;
	layout_object(s, size, align);
	/* A controlled run has the same points in every build. */
	s->direct = (MM_ASAN || MM_TSAN || slab->machine->memory.listed) &&
		    !(flags & SLAB_TYPESAFE_BY_RCU) && !ctor;
	/* As SLUB's debugging does: what must survive a free cannot be poisoned. */
	s->poisoned = MM_CHECK && !s->direct && !(flags & SLAB_TYPESAFE_BY_RCU) && !ctor;
	s->depot_max = nr * max(MAGAZINE_SIZE, (unsigned int)(DEPOT_BYTES / s->size));
	s->depot = host_alloc(slab, s->depot_max * sizeof(void *), sizeof(void *));
	if (!s->depot) {
		host_free(slab, s);
		return NULL;
	}
	spin_lock_init(&s->lock, LOCK_RANK_SLAB, "slab_depot");
	spin_lock(&slab->lock);
	list_add_tail(&s->node, &slab->caches);
	spin_unlock(&slab->lock);
	return s;
}

static void report_leak(struct kmem_cache *s)
{
	long left = kmem_cache_inuse(s);
	char title[120];

	if (!left)
		return;
	snprintf(title, sizeof(title), "REFS: objects left in cache %s", s->name);
	finding_report_to(&s->slab->machine->sink, FINDING_REFS, title,
			  "%ld objects of %zu bytes", left, s->object_size);
}

static void destroy_free(struct kmem_cache *s, void *obj)
{
	if (s->poisoned)
		poison_check(s, obj);
	destroy_object(s, obj);
}

void kmem_cache_destroy(struct kmem_cache *s)
{
	struct slab_state *slab;

	if (!s)
		return;
	slab = s->slab;
	if (s->flags & SLAB_TYPESAFE_BY_RCU)
		rcu_barrier();
	report_leak(s);
	for (unsigned int i = 0; i < slab->machine->nr_cpus; i++)
		while (s->cpu[i].n)
			destroy_free(s, s->cpu[i].obj[--s->cpu[i].n]);
	while (s->depot_n)
		destroy_free(s, s->depot[--s->depot_n]);
	spin_lock(&slab->lock);
	list_del(&s->node);
	spin_unlock(&slab->lock);
	host_free(slab, s->depot);
	host_free(slab, s);
}

/* ---- kmalloc ---------------------------------------------------------------------------- */

static void count_kmalloc(struct slab_state *slab, long n)
{
	struct kmalloc_cpu *c = &slab->kmalloc[this_cpu()->nr];

	RAW_WRITE_ONCE(c->inuse, c->inuse + n);
}

void *kmalloc(size_t size, gfp_t gfp)
{
	struct slab_state *slab = this_slab();
	void *p;

	sched_point(SCHED_ALLOC, slab);
	if (gfpflags_allow_blocking(gfp))
		might_sleep();
	if (unlikely(should_fail_alloc(FAIL_SCOPE_SLAB, gfp)))
		return NULL;
	p = host_alloc(slab, size ? size : 1, 2 * sizeof(void *));
	if (!p)
		return NULL;
	if (gfp & __GFP_ZERO)
		memset(p, 0, size);
	count_kmalloc(slab, 1);
	fresh(slab, p, size);
	return p;
}

void *kcalloc(size_t n, size_t size, gfp_t gfp)
{
	size_t bytes;

	if (__builtin_mul_overflow(n, size, &bytes))
		return NULL;
	return kmalloc(bytes, gfp | __GFP_ZERO);
}

void kfree(const void *p)
{
	struct slab_state *slab = this_slab();

	if (!p)
		return;
	count_kmalloc(slab, -1);
	host_free(slab, (void *)p);
}

/* ---- boot ---------------------------------------------------------------------------------- */

int slab_init(struct machine *m)
{
	size_t bytes = ALIGN(sizeof(struct slab_state) +
			     m->nr_cpus * sizeof(struct kmalloc_cpu),
			     (size_t)SMP_CACHE_BYTES);
	struct slab_state *slab = machine_zalloc(m, bytes, SMP_CACHE_BYTES);
	int err;

	if (!slab)
		return -ENOMEM;
	slab->machine = m;
	spin_lock_init(&slab->lock, LOCK_RANK_SLAB, "slab_caches");
	INIT_LIST_HEAD(&slab->caches);
	err = arena_create(slab);
	if (err) {
		machine_free(m, slab);
		return err;
	}
	m->phys->slab = slab;
	return 0;
}

void slab_exit(struct machine *m)
{
	struct slab_state *slab = m->phys->slab;
	struct kmem_cache *s, *next;
	long left = 0;

	list_for_each_entry_safe(s, next, &slab->caches, node)
		kmem_cache_destroy(s);
	for (unsigned int i = 0; i < m->nr_cpus; i++)
		left += slab->kmalloc[i].inuse;
	if (left)
		finding_report_to(&m->sink, FINDING_REFS, "REFS: kmalloc memory left",
				  "%ld pieces", left);
	arena_destroy(slab);
	m->phys->slab = NULL;
	machine_free(m, slab);
}
