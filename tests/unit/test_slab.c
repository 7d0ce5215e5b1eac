/* SPDX-License-Identifier: MIT */
/* room: mm_phys */
/* Object caches: contents, counts, type-safe reuse, leaks reported, many vCPUs. */
#include "phys_rig.h"

struct thing {
	u64	magic;
	u64	owner;
	u64	pad[10];
};

#define MAGIC	0x7468696e67ULL

static void construct(void *p)
{
	struct thing *t = p;

	t->magic = MAGIC;
}

static void alloc_free_count(void **state)
{
	struct machine *m = phys_rig_create(2, RUN_SERIAL, 64, 64, 0);
	struct kmem_cache *s = kmem_cache_create("thing", sizeof(struct thing), 0,
						 SLAB_HWCACHE_ALIGN, NULL);
	struct thing *t[200];

	for (unsigned int round = 0; round < 3; round++) {
		for (unsigned int i = 0; i < 200; i++) {
			t[i] = kmem_cache_zalloc(s, GFP_KERNEL);
			assert_int_equal((unsigned long)t[i] % 64, 0);
			for (unsigned int w = 0; w < 10; w++)
				assert_true(t[i]->pad[w] == 0);
			memset(t[i], 0xee, sizeof(*t[i]));
		}
		assert_int_equal(kmem_cache_inuse(s), 200);
		machine_bind_host(m, round % 2);
		for (unsigned int i = 0; i < 200; i++)
			kmem_cache_free(s, t[i]);
		assert_int_equal(kmem_cache_inuse(s), 0);
	}
	kmem_cache_free(s, NULL);
	kmem_cache_destroy(s);
	phys_rig_destroy(m);
}

static void typesafe_keeps_its_type(void **state)
{
	struct machine *m = phys_rig_create(1, RUN_SERIAL, 64, 64, 0);
	struct kmem_cache *s = kmem_cache_create("typesafe", sizeof(struct thing), 0,
						 SLAB_TYPESAFE_BY_RCU, construct);
	struct thing *t = kmem_cache_alloc(s, GFP_KERNEL), *again;

	assert_true(t->magic == MAGIC);
	rcu_read_lock();
	kmem_cache_free(s, t);
	/* Still a thing, and the next one handed out. */
	assert_true(READ_ONCE(t->magic) == MAGIC);
	again = kmem_cache_alloc(s, GFP_ATOMIC);
	assert_ptr_equal(again, t);
	rcu_read_unlock();
	kmem_cache_free(s, again);
	kmem_cache_free_now(s, kmem_cache_alloc(s, GFP_KERNEL));
	kmem_cache_destroy(s);
	phys_rig_destroy(m);
}

static void leaks_are_named(void **state)
{
	struct machine *m = phys_rig_create(1, RUN_SERIAL, 64, 64, 0);
	struct kmem_cache *s = kmem_cache_create("leaky", 64, 0, 0, NULL);
	void *lost = kmem_cache_alloc(s, GFP_KERNEL);

	kmem_cache_destroy(s);
	assert_int_equal(finding_count(&m->sink), 1);
	assert_string_equal(finding_get(&m->sink, 0)->title, "REFS: objects left in cache leaky");
	phys_exit(m);
	machine_unbind_host(m);
	machine_destroy(m);
	if (!MM_JEMALLOC)
		free(lost);	/* an arena dies with its machine */
}

/* In time for who reads it, and for who gets it next. */
static void use_after_free(void **state)
{
	struct machine *m = phys_rig_create(1, RUN_SERIAL, 64, 64, 0);
	struct kmem_cache *s = kmem_cache_create("stale", sizeof(struct thing), 0, 0, NULL);
	struct thing *t = kmem_cache_zalloc(s, GFP_KERNEL);

	/* A sanitizer says so itself; without checks nobody does. */
	if (!MM_CHECK || MM_ASAN || MM_TSAN) {
		kmem_cache_free(s, t);
		kmem_cache_destroy(s);
		phys_rig_destroy(m);
		return;
	}
	kmem_cache_free(s, t);
	assert_true(READ_ONCE(t->owner) == 0x6b6b6b6b6b6b6b6bULL);
	WRITE_ONCE(t->pad[9], 1);
	assert_int_equal(finding_count(&m->sink), 0);
	assert_ptr_equal(kmem_cache_alloc(s, GFP_KERNEL), t);
	assert_int_equal(finding_count(&m->sink), 1);
	assert_string_equal(finding_get(&m->sink, 0)->title,
			    "REFS: a free object of cache stale was written to");
	kmem_cache_free(s, t);
	WRITE_ONCE(t->magic, 1);
	kmem_cache_destroy(s);
	assert_int_equal(finding_get(&m->sink, 0)->count, 2);
	phys_exit(m);
	machine_unbind_host(m);
	machine_destroy(m);
}

static void kmalloc_family(void **state)
{
	struct machine *m = phys_rig_create(1, RUN_SERIAL, 64, 64, 0);
	u8 *p = kzalloc(1000, GFP_KERNEL);

	for (unsigned int i = 0; i < 1000; i++)
		assert_int_equal(p[i], 0);
	kfree(p);
	kfree(NULL);
	assert_null(kcalloc((size_t)-1 / 2, 4, GFP_KERNEL));
	kfree(kcalloc(3, 5, GFP_KERNEL));
	phys_rig_destroy(m);
}

static struct kmem_cache *shared_cache;

/* The owner word is written by its owner only, while it owns. */
static void hammer(struct vcpu *cpu)
{
	struct thing *held[40] = { NULL };
	struct prng rng;

	prng_seed(&rng, cpu->nr);
	for (unsigned int i = 0; i < RIG_LOOPS(400000); i++) {
		struct thing **slot = &held[prng_below(&rng, 40)];

		if (*slot) {
			MM_BUG_ON((*slot)->owner != cpu->nr);
			kmem_cache_free(shared_cache, *slot);
			*slot = NULL;
		} else {
			*slot = kmem_cache_alloc(shared_cache, GFP_KERNEL);
			(*slot)->owner = cpu->nr;
		}
	}
	for (unsigned int i = 0; i < 40; i++)
		kmem_cache_free(shared_cache, held[i]);
}

static void many_vcpus(void **state)
{
	static const slab_flags_t flags[] = { 0, SLAB_TYPESAFE_BY_RCU };

	for (unsigned int i = 0; i < 2; i++) {
		struct machine *m = phys_rig_create(6, RUN_FREE, 64, 64, 0);

		shared_cache = kmem_cache_create("hammer", sizeof(struct thing), 0, flags[i],
						 flags[i] ? construct : NULL);
		phys_rig_run(m, hammer);
		assert_int_equal(kmem_cache_inuse(shared_cache), 0);
		kmem_cache_destroy(shared_cache);
		phys_rig_destroy(m);
	}
}

/*
 * Lookups under RCU of type-safe objects that come and go: whatever they find
 * is a thing, until the section ends.
 */
static struct thing *published;

static void lookup_or_replace(struct vcpu *cpu)
{
	for (unsigned int i = 0; i < RIG_LOOPS(100000); i++) {
		struct thing *t;

		if (cpu->nr) {
			rcu_read_lock();
			t = rcu_dereference(published);
			MM_BUG_ON(t && READ_ONCE(t->magic) != MAGIC);
			rcu_read_unlock();
			continue;
		}
		t = xchg(&published, kmem_cache_alloc(shared_cache, GFP_KERNEL));
		/* Half reused at once, half pushed out to the host. */
		kmem_cache_free(shared_cache, t);
		if (i % 64 == 0) {
			struct thing *many[128];

			for (unsigned int k = 0; k < 128; k++)
				many[k] = kmem_cache_alloc(shared_cache, GFP_KERNEL);
			for (unsigned int k = 0; k < 128; k++)
				kmem_cache_free(shared_cache, many[k]);
			rcu_process_callbacks();
		}
	}
}

static void typesafe_under_lookup(void **state)
{
	struct machine *m = phys_rig_create(2, RUN_FREE, 64, 64, 0);

	shared_cache = kmem_cache_create("lookup", sizeof(struct thing), 0,
					 SLAB_TYPESAFE_BY_RCU, construct);
	phys_rig_run(m, lookup_or_replace);
	kmem_cache_free(shared_cache, published);
	kmem_cache_destroy(shared_cache);
	phys_rig_destroy(m);
}

static void pair_cost(void **state)
{
	struct machine *m = phys_rig_create(1, RUN_SERIAL, 64, 64, 0);
	struct kmem_cache *s = kmem_cache_create("cost", 200, 0, 0, NULL);
	unsigned int n = RIG_LOOPS(4000000);
	double t = rig_cpu_seconds();

	for (unsigned int i = 0; i < n; i++)
		kmem_cache_free(s, kmem_cache_alloc(s, GFP_KERNEL));
	print_message("kmem_cache_alloc + free: %.1f ns\n", (rig_cpu_seconds() - t) / n * 1e9);
	t = rig_cpu_seconds();
	for (unsigned int i = 0; i < 1000; i++) {
		phys_rig_destroy(m);
		m = phys_rig_create(1, RUN_SERIAL, 64, 1024, 0);
	}
	print_message("machine with memory, boot + destroy: %.1f us\n",
		      (rig_cpu_seconds() - t) / 1000 * 1e6);
	phys_rig_destroy(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alloc_free_count),
		cmocka_unit_test(typesafe_keeps_its_type),
		cmocka_unit_test(leaks_are_named),
		cmocka_unit_test(use_after_free),
		cmocka_unit_test(kmalloc_family),
		cmocka_unit_test(many_vcpus),
		cmocka_unit_test(typesafe_under_lookup),
		cmocka_unit_test(pair_cost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
