/* SPDX-License-Identifier: MIT */
/*
 * Steps, the hash of their partial order, and what is remembered of them.
 *
 * Owns the table of objects that a run has touched; for each the hash of the step that
 * changed it last.  Who has looked at it need not be kept: that is in the hash of who has
 * looked.  Addresses differ from run to run, so none goes into a hash: which object it is
 * follows from what the vCPU did before.  From run to run an object is known by its name:
 * the step that touched it first, and as which of its objects.  Runs that begin alike give
 * the same names to what they have touched till then.
 *
 * No lock: one thread.  Allocates nothing while a run goes on.
 */
#include "sync/steps.h"

#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/prng.h"
#include "sync/strategy.h"

#define OBJECTS		(1u << 14)
#define OBJECTS_FULL	(OBJECTS / 4 * 3)
#define STEPS_MAX	(1u << 17)
#define UNDO_MAX	(1u << 19)
#define FOOTPRINTS	(1u << 15)
#define TOUCHES_MAX	48	/* of a step that is remembered */

struct object {
	const void	*addr;
	u64		name;
	u64		changed;	/* step that did last; 0: none has */
	u32		step;		/* by which it was touched last */
	bool		write;		/* that one changes it */
};

/* Into object[], by address or name; entries of other runs are free. */
struct index {
	u32	run, object;
};

/* What a step touched: by name, and what it found. */
struct touch {
	u64	name, found;
	bool	write;
};

struct footprint {
	u64			key;
	u64			hash;
	u32			run;		/* the latest in which it was so; 0: free */
	u32			nr;
	bool			goes_on;	/* its vCPU can */
	u64			woken;		/* vCPUs that can go on now */
	unsigned int		runner;
	u64			resume;
	struct touch		touch[TOUCHES_MAX];
};

struct undo {
	u32	object;
	u64	changed;
};

struct done_step {
	u32	cpu, nr_undo;
	u64	last, hash;
};

struct steps {
	u64		hash;
	u32		run, step;	/* step: never the same twice in a run */
	bool		open;		/* a step is under way */
	bool		lost;
	unsigned int	cpu;
	u64		key;		/* of the step: its vCPU's past, and what it begins with */
	u64		ran;		/* who could go on before it */
	struct footprint *footprint;	/* of the step that has ended; NULL: too large */
	unsigned int	nr_touched;
	unsigned int	nr_objects;
	u32		nr_steps, nr_undo;
	u64		last[STRATEGY_CPUS];
	u32		touched[OBJECTS];
	struct object	object[OBJECTS];
	struct index	by_addr[OBJECTS], by_name[OBJECTS];
	struct done_step done[STEPS_MAX];
	struct undo	undo[UNDO_MAX];
	struct footprint footprints[FOOTPRINTS];
};

struct steps *steps_new(void)
{
	return calloc(1, sizeof(struct steps));
}

void steps_free(struct steps *s)
{
	free(s);
}

void steps_reset(struct steps *s)
{
	s->hash = 0;
	s->open = s->lost = false;
	s->step = 0;
	s->footprint = NULL;
	s->nr_objects = s->nr_steps = s->nr_undo = 0;
	memset(s->last, 0, sizeof(s->last));
	s->run++;
}

u32 steps_run(const struct steps *s)
{
	return s->run;
}

u64 steps_hash(const struct steps *s)
{
	return s->hash;
}

bool steps_lost(const struct steps *s)
{
	return s->lost;
}

u32 steps_count(const struct steps *s)
{
	return s->nr_steps;
}

/* ---- objects ---- */

static struct object *new_object(struct steps *s)
{
	struct object *o = &s->object[s->nr_objects];

	if (s->nr_objects >= OBJECTS_FULL)
		return NULL;
	s->nr_objects++;
	memset(o, 0, sizeof(*o));
	return o;
}

static void set_index(const struct steps *s, struct index *index, const struct object *o)
{
	index->run = s->run;
	index->object = (u32)(o - s->object);
}

static struct index *find_name(struct steps *s, u64 name)
{
	size_t i = name % OBJECTS;

	while (s->by_name[i].run == s->run && s->object[s->by_name[i].object].name != name)
		i = (i + 1) % OBJECTS;
	return &s->by_name[i];
}

static struct object *object_named(struct steps *s, u64 name)
{
	struct index *index = find_name(s, name);
	struct object *o;

	if (index->run == s->run)
		return &s->object[index->object];
	o = new_object(s);
	if (o) {
		o->name = name;
		set_index(s, index, o);
	}
	return o;
}

static struct index *find_addr(struct steps *s, const void *addr)
{
	size_t i = (u64)(uintptr_t)addr * 0x9e3779b97f4a7c15ULL >> 40 & (OBJECTS - 1);

	while (s->by_addr[i].run == s->run && s->object[s->by_addr[i].object].addr != addr)
		i = (i + 1) % OBJECTS;
	return &s->by_addr[i];
}

static struct object *object_at(struct steps *s, const void *addr)
{
	struct index *index = find_addr(s, addr);
	struct object *o;

	if (index->run == s->run)
		return &s->object[index->object];
	o = object_named(s, mix64(s->key + s->nr_touched + 1));
	if (o) {
		o->addr = addr;
		set_index(s, index, o);
	}
	return o;
}

/* ---- a step ---- */

static u64 step_key(const struct steps *s, unsigned int cpu, unsigned int kind,
		    const struct step_turn *turn)
{
	/* An event goes back to who ran; who runs has made himself the runner. */
	u64 runner = kind == SCHED_RUN ? 0 : turn->runner + 1;

	return hash64(mix64(s->last[cpu] ^ cpu), turn->resume, runner * NR_SCHED_EVENTS + kind);
}

void steps_begin(struct steps *s, unsigned int cpu, unsigned int kind,
		 const struct step_turn *turn)
{
	s->open = true;
	s->step++;
	s->cpu = cpu;
	s->key = step_key(s, cpu, kind, turn);
	s->ran = turn->can_run;
	s->nr_touched = 0;
}

void steps_touch(struct steps *s, const void *obj, bool write)
{
	struct object *o;

	if (!s->open)
		return;
	o = object_at(s, obj);
	if (!o) {
		s->lost = true;
		return;
	}
	if (o->step != s->step) {
		o->step = s->step;
		o->write = false;
		s->touched[s->nr_touched++] = (u32)(o - s->object);
	}
	o->write |= write;
}

/* What it comes after directly, in the order in which it meets it. */
static u64 step_hash(const struct steps *s)
{
	u64 h = s->key;

	for (unsigned int i = 0; i < s->nr_touched; i++) {
		const struct object *o = &s->object[s->touched[i]];

		h = mix64(h + o->changed + o->write);
	}
	return h;
}

static void change(struct steps *s, struct object *o, u64 hash)
{
	s->undo[s->nr_undo++] = (struct undo){ (u32)(o - s->object), o->changed };
	o->changed = hash;
}

/* The objects changed by it have been: since undo[@first]. */
static void count_step(struct steps *s, unsigned int cpu, u64 hash, u32 first)
{
	s->done[s->nr_steps++] = (struct done_step){
		.cpu = cpu, .nr_undo = s->nr_undo - first, .last = s->last[cpu], .hash = hash,
	};
	s->last[cpu] = hash;
	s->hash += hash;
}

static bool room_for(const struct steps *s, unsigned int touches)
{
	return s->nr_steps < STEPS_MAX && s->nr_undo + touches < UNDO_MAX;
}

static struct footprint *footprint_of(struct steps *s, u64 key)
{
	return &s->footprints[key % FOOTPRINTS];
}

/* Before it is applied. */
static struct footprint *take_footprint(struct steps *s, u64 hash)
{
	struct footprint *f = footprint_of(s, s->key);

	if (s->nr_touched > TOUCHES_MAX)
		return NULL;
	f->key = s->key;
	f->hash = hash;
	f->run = 0;
	f->nr = s->nr_touched;
	for (unsigned int i = 0; i < f->nr; i++) {
		const struct object *o = &s->object[s->touched[i]];

		f->touch[i] = (struct touch){ o->name, o->changed, o->write };
	}
	return f;
}

void steps_end(struct steps *s)
{
	u32 first = s->nr_undo;
	u64 h;

	if (!s->open)
		return;
	s->open = false;
	if (!room_for(s, s->nr_touched)) {
		s->lost = true;
		return;
	}
	h = step_hash(s);
	s->footprint = take_footprint(s, h);
	for (unsigned int i = 0; i < s->nr_touched; i++) {
		struct object *o = &s->object[s->touched[i]];

		if (o->write)
			change(s, o, h);
	}
	count_step(s, s->cpu, h, first);
}

void steps_after(struct steps *s, const struct step_turn *turn)
{
	struct footprint *f = s->footprint;
	u64 self = 1ULL << s->cpu;

	s->footprint = NULL;
	if (!f || s->lost)
		return;
	f->run = s->run;
	f->goes_on = turn->can_run & self;
	f->woken = turn->can_run & ~s->ran & ~self;
	f->runner = turn->runner;
	f->resume = turn->resume;
}

/* ---- back, and ahead ---- */

void steps_undo(struct steps *s, u32 count)
{
	while (s->nr_steps > count) {
		const struct done_step *d = &s->done[--s->nr_steps];

		s->last[d->cpu] = d->last;
		s->hash -= d->hash;
		for (u32 i = 0; i < d->nr_undo; i++) {
			const struct undo *u = &s->undo[--s->nr_undo];

			s->object[u->object].changed = u->changed;
		}
	}
}

static bool would_find_the_same(struct steps *s, const struct footprint *f)
{
	for (unsigned int i = 0; i < f->nr; i++) {
		const struct touch *t = &f->touch[i];
		const struct object *o = object_named(s, t->name);

		if (!o || o->changed != t->found)
			return false;
	}
	return true;
}

bool steps_imagine(struct steps *s, unsigned int cpu, unsigned int kind, u32 since,
		   struct step_turn *turn)
{
	u64 key = step_key(s, cpu, kind, turn);
	const struct footprint *f = footprint_of(s, key);
	u32 first = s->nr_undo;

	if (s->lost || f->key != key || !f->run || f->run < since || !room_for(s, f->nr) ||
	    !would_find_the_same(s, f))
		return false;
	for (unsigned int i = 0; i < f->nr; i++) {
		if (f->touch[i].write)
			change(s, object_named(s, f->touch[i].name), f->hash);
	}
	count_step(s, cpu, f->hash, first);
	turn->can_run = (turn->can_run & ~(1ULL << cpu)) | f->woken |
			(f->goes_on ? 1ULL << cpu : 0);
	turn->runner = f->runner;
	turn->resume = f->resume;
	return true;
}
