/* SPDX-License-Identifier: MIT */
/*
 * A ring of recent events per vCPU.
 *
 * One writer (the vCPU, or who acts as it under its state lock), never waits, loses
 * the oldest.  Any thread may read, also while the vCPU runs: it gets whole records
 * or none.  Compiled without ThreadSanitizer: creates no order that a race could hide in.
 */
#ifndef TRACE_TRACE_H
#define TRACE_TRACE_H

#include "base/this_cpu.h"
#include "trace/events.h"

struct trace_record {
	u64	clock;		/* the vCPU's virtual time */
	u64	event;		/* enum trace_event_id */
	u64	arg[3];
};

struct trace_ring {
	u64			size;		/* a power of two; immutable */
	u64			head;		/* records ever written; store-released */
	u64			hash;		/* of all but addresses of the host; writer's */
	bool			hashed;		/* keep it; set before the first record */
	struct trace_record	rec[];
};

/* A ring for the last @records (rounded up to a power of two); NULL: no memory. */
struct trace_ring *trace_ring_alloc(unsigned int records);
void trace_ring_free(struct trace_ring *ring);

/* Appends to @ring; the caller is its only writer. */
void trace_write(struct trace_ring *ring, u64 clock, enum trace_event_id event, u64 a, u64 b,
		 u64 c);
void trace_event_call(enum trace_event_id event, u64 a, u64 b, u64 c);

/* Appends to the ring of the vCPU this thread is; nothing when tracing is off. */
static __always_inline void trace_event(enum trace_event_id event, u64 a, u64 b, u64 c)
{
#if MM_TSAN
	trace_event_call(event, a, b, c);
#else
	struct cpu_local *cpu = this_cpu_local();

	if (unlikely(cpu && cpu->trace))
		trace_write(cpu->trace, cpu->clock, event, a, b, c);
#endif
}

/*
 * Copies the newest @max records, oldest first, and returns how many.  A record that
 * was overwritten meanwhile is left out.
 */
unsigned int trace_read(const struct trace_ring *ring, struct trace_record *out, unsigned int max);

/* "clock name arg=0x.. ..." into @buf, without newline; as snprintf() returns. */
int trace_format(const struct trace_record *rec, char *buf, size_t size);

const char *trace_event_name(enum trace_event_id event);

#endif
