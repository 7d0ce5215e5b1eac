/* SPDX-License-Identifier: MIT */
/*
 * Store buffers of a controlled machine (sync/store_buffer.h has the model).
 *
 * Owns struct store_buffers; no lock: one thread runs all vCPUs.  At most one vCPU has
 * stores to a location that wait: another's store lets them out first.  Must never look at
 * memory but when a store to it is about to be made, and never store to it.
 */
#define MM_WEAK	1	/* the declarations of what is defined here */
#include "sync/store_buffer.h"

#include <stdlib.h>
#include <string.h>

#include "base/atomic.h"
#include "base/bug.h"
#include "base/tsan.h"
#include "sync/sched.h"

const char *memory_model_name(enum memory_model model)
{
	static const char *const name[] = {
		[MEMORY_SC] = "sc", [MEMORY_TSO] = "tso", [MEMORY_PSO] = "pso",
	};

	MM_BUG_ON((unsigned int)model >= NR_MEMORY_MODELS);
	return name[model];
}

struct store_buffers *store_buffers_create(enum memory_model model, unsigned int nr_cpus)
{
	struct store_buffers *b;

	if (model == MEMORY_SC)
		return NULL;
	b = calloc(1, sizeof(*b) + nr_cpus * sizeof(b->cpu[0]));
	if (b) {
		b->model = model;
		b->nr_cpus = nr_cpus;
	}
	return b;
}

static bool overlap(const struct pending_store *s, const void *addr, size_t size)
{
	const char *at = s->addr, *other = addr;

	return at < other + size && other < at + s->size;
}

/* ---- which may come out ---- */

/* Comes @later of one buffer out after @earlier in any case? */
static bool ordered(const struct store_buffers *b, const struct pending_store *earlier,
		    const struct pending_store *later)
{
	return b->model == MEMORY_TSO || later->release || earlier->epoch != later->epoch ||
	       overlap(earlier, later->addr, later->size);
}

static bool may_come_out(const struct store_buffers *b, const struct store_buffer *sb,
			 unsigned int i)
{
	for (unsigned int j = 0; j < i; j++) {
		if (ordered(b, &sb->store[j], &sb->store[i]))
			return false;
	}
	return true;
}

/* 0 when only the oldest may. */
static unsigned int newest(const struct store_buffers *b, const struct store_buffer *sb)
{
	unsigned int i = sb->nr ? sb->nr - 1 : 0;

	while (i && !may_come_out(b, sb, i))
		i--;
	return i;
}

static void come_out(struct store_buffers *b, struct store_buffer *sb, unsigned int i)
{
	sb->nr--;
	/* Any vCPU's stack may be the one: to TSan, who knows memmove(), they have no order. */
	tsan_ignore_writes_begin();
	memmove(&sb->store[i], &sb->store[i + 1], (sb->nr - i) * sizeof(sb->store[0]));
	tsan_ignore_writes_end();
	sb->drained++;
	b->pending--;
}

/* With all that must come out before it. */
static void let_out(struct store_buffers *b, struct store_buffer *sb, unsigned int i)
{
	unsigned int j, k, gone = 0;
	u32 out = 1u << i;

	for (j = i; j--;) {
		for (k = j + 1; k <= i; k++) {
			if ((out >> k & 1) && ordered(b, &sb->store[j], &sb->store[k]))
				out |= 1u << j;
		}
	}
	for (j = 0; j <= i; j++) {
		if (out >> j & 1)
			come_out(b, sb, j - gone++);
	}
}

/* All to these bytes, which may be of several stores that have no order among them. */
static void let_out_at(struct store_buffers *b, struct store_buffer *sb, const void *addr,
		       size_t size)
{
	for (unsigned int i = sb->nr; i--;) {
		if (overlap(&sb->store[i], addr, size)) {
			let_out(b, sb, i);
			i = sb->nr;
		}
	}
}

/* ---- choices ---- */

void store_buffer_drain(struct store_buffers *b, unsigned int cpu)
{
	if (b->cpu[cpu].nr)
		come_out(b, &b->cpu[cpu], 0);
}

void store_buffer_overtake(struct store_buffers *b, unsigned int cpu)
{
	if (b->cpu[cpu].nr)
		come_out(b, &b->cpu[cpu], newest(b, &b->cpu[cpu]));
}

const void *store_buffer_oldest(const struct store_buffers *b, unsigned int cpu)
{
	return b->cpu[cpu].nr ? b->cpu[cpu].store[0].addr : NULL;
}

const void *store_buffer_newest(const struct store_buffers *b, unsigned int cpu)
{
	unsigned int i = newest(b, &b->cpu[cpu]);

	return i ? b->cpu[cpu].store[i].addr : NULL;
}

/* ---- what forces them ---- */

void store_buffer_barrier(struct store_buffers *b, unsigned int cpu)
{
	struct store_buffer *sb = &b->cpu[cpu];

	sb->drained += sb->nr;
	b->pending -= sb->nr;
	sb->nr = 0;
}

static void others_let_out(struct store_buffers *b, unsigned int cpu, const void *addr,
			   size_t size)
{
	for (unsigned int i = 0; i < b->nr_cpus; i++) {
		if (i != cpu && b->cpu[i].nr)
			let_out_at(b, &b->cpu[i], addr, size);
	}
}

bool store_buffer_locked(struct store_buffers *b, unsigned int cpu, const void *addr)
{
	unsigned int pending;

	store_buffer_barrier(b, cpu);
	pending = b->pending;
	if (unlikely(pending))
		others_let_out(b, cpu, addr, 1);
	return b->pending != pending;
}

void store_buffer_relaxed(struct store_buffers *b, unsigned int cpu, const void *addr)
{
	struct store_buffer *sb = &b->cpu[cpu];

	if (b->model == MEMORY_TSO) {
		(void)store_buffer_locked(b, cpu, addr);
		return;
	}
	/* It is a store after the latest write barrier: those before that are seen first. */
	while (sb->nr && sb->store[0].epoch != sb->epoch)
		come_out(b, sb, 0);
	let_out_at(b, sb, addr, 1);
	others_let_out(b, cpu, addr, 1);
}

void store_buffers_drain_all(struct store_buffers *b)
{
	for (unsigned int i = 0; i < b->nr_cpus; i++)
		store_buffer_barrier(b, i);
}

/* ---- stores ---- */

static u64 look(const void *p, size_t size)
{
	switch (size) {
	case 1:		return __atomic_load_n((const u8 *)p, __ATOMIC_RELAXED);
	case 2:		return __atomic_load_n((const u16 *)p, __ATOMIC_RELAXED);
	case 4:		return __atomic_load_n((const u32 *)p, __ATOMIC_RELAXED);
	default:	return __atomic_load_n((const u64 *)p, __ATOMIC_RELAXED);
	}
}

static void store_waits(struct store_buffers *b, unsigned int cpu, const void *p, size_t size,
			bool release)
{
	struct store_buffer *sb = &b->cpu[cpu];

	others_let_out(b, cpu, p, size);
	if (sb->nr == STORE_BUFFER_SIZE)
		come_out(b, sb, 0);
	sb->store[sb->nr++] = (struct pending_store){
		.addr = p, .before = look(p, size), .epoch = sb->epoch, .size = (u8)size,
		.release = release,
	};
	b->pending++;
}

static void store_begins(const void *p, size_t size, bool release)
{
	const struct sched_cpu *cpu = this_sched_cpu();

	store_waits(cpu->stores, cpu->local.id, p, size, release);
}

void smp_store_waits(const void *p, size_t size)
{
	if (this_cpu_weak())
		store_begins(p, size, true);
}

void smp_store_barrier_slow(void)
{
	const struct sched_cpu *cpu = this_sched_cpu();

	store_buffer_barrier(cpu->stores, cpu->local.id);
}

bool smp_stores_pending(void)
{
	return this_cpu_weak() && this_sched_cpu()->stores->pending;
}

void smp_store_barrier_all(void)
{
	if (this_cpu_weak())
		store_buffers_drain_all(this_sched_cpu()->stores);
}

#if MM_POINTS
/* ---- what base/atomic.h calls ---- */

void weak_store_begins(const void *p, size_t size, bool release)
{
	store_begins(p, size, release);
}

void weak_store_epoch(void)
{
	const struct sched_cpu *cpu = this_sched_cpu();

	cpu->stores->cpu[cpu->local.id].epoch++;
}

void weak_rmw_begins(const void *p)
{
	const struct sched_cpu *cpu = this_sched_cpu();

	store_buffer_locked(cpu->stores, cpu->local.id, p);
}

void weak_forget(const void *p, size_t size)
{
	const struct sched_cpu *cpu = this_sched_cpu();

	for (unsigned int i = 0; i < cpu->stores->nr_cpus; i++)
		let_out_at(cpu->stores, &cpu->stores->cpu[i], p, size);
}

/* ---- loads ---- */

/* Others may come between while anything of theirs is on its way; this vCPU stays at it. */
void weak_load_begins(const void *p)
{
	struct sched_cpu *cpu = this_sched_cpu();
	const struct store_buffers *b = cpu->stores;

	if (b->pending != b->cpu[cpu->local.id].nr)
		cpu->control->load(cpu, p);
}

static const struct pending_store *oldest_at(const struct store_buffer *sb, const void *p,
					     size_t size)
{
	for (unsigned int i = 0; i < sb->nr; i++) {
		if (overlap(&sb->store[i], p, size))
			return &sb->store[i];
	}
	return NULL;
}

u64 weak_load_sees(const void *p, size_t size, u64 value)
{
	const struct sched_cpu *cpu = this_sched_cpu();
	struct store_buffers *b = cpu->stores;

	if (likely(b->pending == b->cpu[cpu->local.id].nr))
		return value;
	for (unsigned int i = 0; i < b->nr_cpus; i++) {
		const struct pending_store *s = oldest_at(&b->cpu[i], p, size);

		if (i == cpu->local.id || !s)
			continue;
		if (s->addr == p && s->size == size)
			return s->before;
		/* Of another size: hardware may have let it out by now. */
		let_out_at(b, &b->cpu[i], p, size);
	}
	return value;
}
#endif
