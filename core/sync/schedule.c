/* SPDX-License-Identifier: MIT */
/*
 * Schedules as lists of deviations, and their packed form.
 *
 * Packed: for each deviation the distance from the one before and what is done instead,
 * both as numbers of seven bits a byte, the low ones first, and all bytes but the last
 * of a number with the high bit set.  Owns nothing but the list; no lock: a schedule
 * belongs to one thread.
 */
#include "sync/schedule.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/compiler.h"
#include "base/tsan.h"

const char *sched_event_name(enum sched_event event)
{
	static const char *const name[] = {
		[SCHED_RUN] = "run", [SCHED_IRQ] = "irq", [SCHED_TICK] = "tick",
		[SCHED_GRACE] = "grace", [SCHED_FILL] = "fill",
		[SCHED_DRAIN] = "drain", [SCHED_OVERTAKE] = "overtake",
	};

	MM_BUG_ON((unsigned int)event >= NR_SCHED_EVENTS);
	return name[event];
}

void schedule_init(struct schedule *s)
{
	memset(s, 0, sizeof(*s));
}

void schedule_free(struct schedule *s)
{
	free(s->dev);
	schedule_init(s);
}

void schedule_clear(struct schedule *s)
{
	s->nr = 0;
	s->lost = false;
}

static bool make_room(struct schedule *s, size_t nr)
{
	size_t room = max(nr, 2 * s->room + 64);
	struct deviation *dev;

	if (nr <= s->room)
		return true;
	/* Any vCPU may be the one that adds: to TSan they are threads without order. */
	tsan_ignore_writes_begin();
	dev = realloc(s->dev, room * sizeof(*dev));
	tsan_ignore_writes_end();
	if (!dev)
		return false;
	s->dev = dev;
	s->room = room;
	return true;
}

void schedule_add(struct schedule *s, u64 at, unsigned int cpu, enum sched_event event)
{
	if (!make_room(s, s->nr + 1)) {
		s->lost = true;
		return;
	}
	s->dev[s->nr++] = (struct deviation){ .at = at, .cpu = (u16)cpu, .event = (u16)event };
}

int schedule_copy(struct schedule *to, const struct schedule *from)
{
	schedule_clear(to);
	if (!make_room(to, from->nr))
		return -ENOMEM;
	if (from->nr)
		memcpy(to->dev, from->dev, from->nr * sizeof(*to->dev));
	to->nr = from->nr;
	to->lost = from->lost;
	return 0;
}

/* ---- packed ---- */

static size_t pack_number(u64 value, u8 *out, size_t at, size_t room)
{
	do {
		u8 byte = value & 0x7f;

		value >>= 7;
		if (at < room)
			out[at] = value ? byte | 0x80 : byte;
		at++;
	} while (value);
	return at;
}

size_t schedule_pack(const struct schedule *s, u8 *out, size_t room)
{
	u64 next = 0;
	size_t len = 0;

	for (size_t i = 0; i < s->nr; i++) {
		const struct deviation *d = &s->dev[i];

		len = pack_number(d->at - next, out, len, room);
		len = pack_number((u64)d->cpu * NR_SCHED_EVENTS + d->event, out, len, room);
		next = d->at + 1;
	}
	return len;
}

static bool unpack_number(const u8 *data, size_t size, size_t *at, u64 *value)
{
	unsigned int shift = 0;

	*value = 0;
	while (*at < size && shift < 63) {
		u8 byte = data[(*at)++];

		*value |= (u64)(byte & 0x7f) << shift;
		shift += 7;
		/* A last byte of zero says nothing: no packing gives it. */
		if (!(byte & 0x80))
			return byte || shift == 7;
	}
	return false;
}

int schedule_unpack(struct schedule *s, const u8 *data, size_t size)
{
	u64 next = 0, gap, what;
	size_t at = 0;

	schedule_clear(s);
	while (at < size) {
		if (!unpack_number(data, size, &at, &gap) ||
		    !unpack_number(data, size, &at, &what) ||
		    what / NR_SCHED_EVENTS > 0xffff || gap > U64_MAX / 2 - next)
			return -EINVAL;
		next += gap;
		schedule_add(s, next++, (unsigned int)(what / NR_SCHED_EVENTS),
			     what % NR_SCHED_EVENTS);
	}
	return s->lost ? -ENOMEM : 0;
}
