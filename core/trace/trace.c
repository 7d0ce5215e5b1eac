/* SPDX-License-Identifier: MIT */
/*
 * Event rings.  Each has one writer; readers come at any time.  Compiled without
 * ThreadSanitizer; takes no lock, never waits, must never reach a scheduling point.
 *
 * A record's words and the head are stored with release and read with acquire, each
 * on its own: having seen any word of record n, a reader also sees head >= n (its
 * store came before), so the check in trace_read() throws away what was overwritten.
 */
#include "trace/trace.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/prng.h"

#define WORDS	(sizeof(struct trace_record) / sizeof(u64))

static const struct {
	const char *name;
	const char *arg[3];
} events[NR_TRACE_EVENTS] = {
#define __TRACE_EVENT(event, name_, a, b, c)	[event] = { name_, { a, b, c } },
	TRACE_EVENTS(__TRACE_EVENT)
#undef __TRACE_EVENT
};

const char *trace_event_name(enum trace_event_id event)
{
	return (unsigned int)event < NR_TRACE_EVENTS ? events[event].name : NULL;
}

struct trace_ring *trace_ring_alloc(unsigned int records)
{
	u64 size = 1ULL << order_base_2(max(records, 2U));
	struct trace_ring *ring = calloc(1, sizeof(*ring) + size * sizeof(ring->rec[0]));

	if (ring)
		ring->size = size;
	return ring;
}

void trace_ring_free(struct trace_ring *ring)
{
	free(ring);
}

/*
 * An argument that is an address of the host ("&fn") differs from run to run, and is
 * left out.
 */
static void hash_record(struct trace_ring *ring, u64 clock, enum trace_event_id event,
			const u64 arg[3])
{
	u64 h = ring->hash ^ clock ^ (u64)event << 48;

	for (unsigned int i = 0; i < 3; i++) {
		if (*events[event].arg[i] != '&')
			h = mix64(h + arg[i]);
	}
	ring->hash = h;
}

void trace_write(struct trace_ring *ring, u64 clock, enum trace_event_id event, u64 a, u64 b,
		 u64 c)
{
	u64 head = ring->head;
	struct trace_record *rec = &ring->rec[head & (ring->size - 1)];

	__atomic_store_n(&rec->clock, clock, __ATOMIC_RELEASE);
	__atomic_store_n(&rec->event, (u64)event, __ATOMIC_RELEASE);
	__atomic_store_n(&rec->arg[0], a, __ATOMIC_RELEASE);
	__atomic_store_n(&rec->arg[1], b, __ATOMIC_RELEASE);
	__atomic_store_n(&rec->arg[2], c, __ATOMIC_RELEASE);
	__atomic_store_n(&ring->head, head + 1, __ATOMIC_RELEASE);
	if (unlikely(ring->hashed))
		hash_record(ring, clock, event, (const u64[]){ a, b, c });
}

void trace_event_call(enum trace_event_id event, u64 a, u64 b, u64 c)
{
	struct cpu_local *cpu = this_cpu_local_call();

	if (cpu && cpu->trace)
		trace_write(cpu->trace, cpu->clock, event, a, b, c);
}

static void copy_record(struct trace_record *to, const struct trace_record *from)
{
	const u64 *src = (const u64 *)from;
	u64 *dst = (u64 *)to;

	for (unsigned int i = 0; i < WORDS; i++)
		dst[i] = __atomic_load_n(&src[i], __ATOMIC_ACQUIRE);
}

unsigned int trace_read(const struct trace_ring *ring, struct trace_record *out, unsigned int max)
{
	u64 head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
	u64 n = min(min(head, ring->size - 1), (u64)max);
	unsigned int kept = 0;

	for (u64 i = head - n; i < head; i++) {
		copy_record(&out[kept], &ring->rec[i & (ring->size - 1)]);
		/* record i + size may be under construction once the head has come that far */
		if (i + ring->size > __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE))
			kept++;
	}
	return kept;
}

int trace_format(const struct trace_record *rec, char *buf, size_t size)
{
	int len, n;

	if (rec->event >= NR_TRACE_EVENTS)
		return snprintf(buf, size, "%llu event#%llu", rec->clock, rec->event);
	len = snprintf(buf, size, "%llu %s", rec->clock, events[rec->event].name);
	for (unsigned int i = 0; i < 3 && len >= 0; i++) {
		size_t used = min((size_t)len, size);

		const char *arg = events[rec->event].arg[i];

		if (!*arg)
			continue;
		n = snprintf(buf + used, size - used, " %s=%#llx", arg + (*arg == '&'),
			     rec->arg[i]);
		len = n < 0 ? n : len + n;
	}
	return len;
}
