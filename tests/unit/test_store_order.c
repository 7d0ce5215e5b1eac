/* SPDX-License-Identifier: MIT */
/* room: mm_sync */
/*
 * Store buffers against what they stand for, every schedule of small programs.
 *
 * The reference has what hardware has: a memory that each store reaches late, and loads that
 * look into their own vCPU's buffer first.  sync/store_buffer.h has it the other way round.
 * What ours leads to the reference must too, for the known litmus tests and for programs that
 * are drawn; and, where no two vCPUs store to one location, to as much in these.
 */
#define MM_WEAK	1
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/atomic.h"
#include "base/prng.h"
#include "sync/sched.h"
#include "sync/store_buffer.h"

#if MM_POINTS
#define CPUS	4
#define OPS	5
#define BYTES	24
#define REGS	OPS		/* of a vCPU: one for each of its ops */
#define WAITING	OPS		/* no more stores than ops */

enum kind { END, LOAD, STORE, RELEASE, RMW, RMW_RELAXED, WRITE_BARRIER };

struct op {
	u8	kind, at, size, value;
};

struct program {
	struct op	op[CPUS][OPS];
};

/* What the reference's vCPU has stored and its memory has not. */
struct waiting {
	u8	at, size;
	bool	release;
	u8	epoch;
	u8	bytes[8];
};

struct memory {
	u8	bytes[BYTES];
};

/* Whole: two are equal if their bytes are. */
struct state {
	struct memory	memory;
	u64		reg[CPUS][REGS];
	u8		pc[CPUS];
	u8		nr[CPUS], epoch[CPUS];
	struct waiting	waiting[CPUS][WAITING];
};

/* ---- sets of hashes ---- */

#define SET	(1u << 15)

struct set {
	u64		of[SET];
	unsigned int	nr;
};

static bool add(struct set *set, u64 hash)
{
	size_t i = (hash |= 1) % SET;

	while (set->of[i] && set->of[i] != hash)
		i = (i + 1) % SET;
	if (set->of[i])
		return false;
	set->of[i] = hash;
	assert_true(++set->nr < SET / 2);
	return true;
}

static bool has(const struct set *set, u64 hash)
{
	size_t i = (hash |= 1) % SET;

	while (set->of[i] && set->of[i] != hash)
		i = (i + 1) % SET;
	return set->of[i];
}

static u64 hash_of(const void *p, size_t size, u64 h)
{
	const u8 *byte = p;

	for (size_t i = 0; i < size; i++)
		h = mix64(h + byte[i] + 1);
	return h;
}

/* ---- a program under way, in one of the two ---- */

typedef bool (*match_fn)(const struct state *end);

struct search {
	const struct program	*program;
	enum memory_model	model;
	match_fn		match;
	bool			matched;
	struct set		seen, ends;
};

static void note_end(struct search *s, const struct state *end)
{
	u64 h = hash_of(end->reg, sizeof(end->reg), hash_of(&end->memory, BYTES, 0));

	add(&s->ends, h);
	s->matched |= s->match && s->match(end);
}

static bool ended(const struct search *s, const struct state *now)
{
	for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
		if (now->pc[cpu] < OPS && s->program->op[cpu][now->pc[cpu]].kind != END)
			return false;
	}
	return true;
}

/* What an RMW makes of it: adds, so that none is lost unseen. */
static u64 added(u64 value, const struct op *op)
{
	return value + op->value;
}

/* ---- the reference ---- */

static bool overlap(unsigned int at, unsigned int size, unsigned int other, unsigned int as)
{
	return at < other + as && other < at + size;
}

static bool in_order(enum memory_model model, const struct waiting *a, const struct waiting *b)
{
	return model == MEMORY_TSO || b->release || a->epoch != b->epoch ||
	       overlap(a->at, a->size, b->at, b->size);
}

static bool may_reach(const struct search *s, const struct state *now, unsigned int cpu,
		      unsigned int i)
{
	for (unsigned int j = 0; j < i; j++) {
		if (in_order(s->model, &now->waiting[cpu][j], &now->waiting[cpu][i]))
			return false;
	}
	return true;
}

static void reach(struct state *now, unsigned int cpu, unsigned int i)
{
	struct waiting *w = now->waiting[cpu];

	memcpy(&now->memory.bytes[w[i].at], w[i].bytes, w[i].size);
	memmove(&w[i], &w[i + 1], (size_t)(--now->nr[cpu] - i) * sizeof(*w));
	memset(&w[now->nr[cpu]], 0, sizeof(*w));
}

/* Each byte as it was stored last here, or else as memory has it. */
static u64 looked_up(const struct state *now, unsigned int cpu, const struct op *op)
{
	struct memory m = now->memory;
	u64 value = 0;

	for (unsigned int i = 0; i < now->nr[cpu]; i++) {
		const struct waiting *w = &now->waiting[cpu][i];

		memcpy(&m.bytes[w->at], w->bytes, w->size);
	}
	memcpy(&value, &m.bytes[op->at], op->size);
	return value;
}

/* It can be done: what must have reached memory before has. */
static bool ready(const struct search *s, const struct state *now, unsigned int cpu,
		  const struct op *op)
{
	if (op->kind == RMW || (op->kind == RMW_RELAXED && s->model == MEMORY_TSO))
		return !now->nr[cpu];
	for (unsigned int i = 0; op->kind == RMW_RELAXED && i < now->nr[cpu]; i++) {
		const struct waiting *w = &now->waiting[cpu][i];

		if (w->epoch != now->epoch[cpu] || overlap(w->at, w->size, op->at, op->size))
			return false;
	}
	return true;
}

static void refer(struct state *now, unsigned int cpu, const struct op *op)
{
	u64 *reg = &now->reg[cpu][now->pc[cpu]], value;
	struct waiting *w = &now->waiting[cpu][now->nr[cpu]];

	switch ((enum kind)op->kind) {
	case LOAD:
		*reg = looked_up(now, cpu, op);
		break;
	case STORE:
	case RELEASE:
		*w = (struct waiting){
			.at = op->at, .size = op->size, .epoch = now->epoch[cpu],
			.release = op->kind == RELEASE,
		};
		memset(w->bytes, op->value, op->size);
		now->nr[cpu]++;
		break;
	case RMW:
	case RMW_RELAXED:
		*reg = looked_up(now, cpu, op);
		value = added(*reg, op);
		memcpy(&now->memory.bytes[op->at], &value, op->size);
		break;
	case WRITE_BARRIER:
		now->epoch[cpu]++;
		break;
	case END:
		break;
	}
	now->pc[cpu]++;
}

static void search_reference(struct search *s, const struct state *now)
{
	struct state next;
	bool quiet = true;

	if (!add(&s->seen, hash_of(now, sizeof(*now), 0)))
		return;
	for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
		const struct op *op = &s->program->op[cpu][now->pc[cpu]];

		for (unsigned int i = 0; i < now->nr[cpu]; i++) {
			quiet = false;
			if (!may_reach(s, now, cpu, i))
				continue;
			next = *now;
			reach(&next, cpu, i);
			search_reference(s, &next);
		}
		if (now->pc[cpu] == OPS || op->kind == END || !ready(s, now, cpu, op))
			continue;
		next = *now;
		refer(&next, cpu, op);
		if (s->model == MEMORY_SC && next.nr[cpu])
			reach(&next, cpu, 0);
		search_reference(s, &next);
	}
	if (quiet && ended(s, now))
		note_end(s, now);
}

/* ---- ours ---- */

static struct memory real __aligned(8);
static struct sched_cpu cpus[CPUS];
static struct store_buffers *buffers;

/* Where others may come between, they have: the search tries all orders of ops. */
static void no_point(struct sched_cpu *cpu, const void *obj)
{
}

static const struct sched_control control = { .load = no_point };

static u64 load(const void *p, unsigned int size)
{
	switch (size) {
	case 1:		return READ_ONCE(*(const u8 *)p);
	case 2:		return READ_ONCE(*(const u16 *)p);
	case 4:		return READ_ONCE(*(const u32 *)p);
	default:	return READ_ONCE(*(const u64 *)p);
	}
}

static void store(void *p, unsigned int size, u64 value, bool release)
{
	switch (size | (release ? 16u : 0)) {
	case 1:		WRITE_ONCE(*(u8 *)p, (u8)value);		break;
	case 2:		WRITE_ONCE(*(u16 *)p, (u16)value);		break;
	case 4:		WRITE_ONCE(*(u32 *)p, (u32)value);		break;
	case 8:		WRITE_ONCE(*(u64 *)p, value);			break;
	case 16 + 1:	smp_store_release((u8 *)p, (u8)value);		break;
	case 16 + 2:	smp_store_release((u16 *)p, (u16)value);	break;
	case 16 + 4:	smp_store_release((u32 *)p, (u32)value);	break;
	default:	smp_store_release((u64 *)p, value);		break;
	}
}

/* As points have it done (hw/control.c). */
static u64 rmw(struct op op, unsigned int cpu)
{
	u32 *p = (u32 *)&real.bytes[op.at], old;

	if (op.kind == RMW)
		store_buffer_locked(buffers, cpu, p);
	else
		store_buffer_relaxed(buffers, cpu, p);
	old = raw_load_order(p, __ATOMIC_RELAXED);
	raw_store_order(p, (u32)added(old, &op), __ATOMIC_RELAXED);
	return old;
}

static void perform(struct state *now, unsigned int cpu, const struct op *op)
{
	u64 *reg = &now->reg[cpu][now->pc[cpu]], value = 0;
	void *p = &real.bytes[op->at];

	this_cpu_bind(&cpus[cpu].local);
	switch ((enum kind)op->kind) {
	case LOAD:
		*reg = load(p, op->size);
		break;
	case STORE:
	case RELEASE:
		memset(&value, op->value, op->size);
		store(p, op->size, value, op->kind == RELEASE);
		break;
	case RMW:
	case RMW_RELAXED:
		*reg = rmw(*op, cpu);
		break;
	case WRITE_BARRIER:
		weak_wmb();
		break;
	case END:
		break;
	}
	this_cpu_bind(NULL);
	now->pc[cpu]++;
}

struct ours {
	struct state		state;
	u8			head[sizeof(struct store_buffers)];
	struct store_buffer	cpu[CPUS];
};

static void keep(struct ours *o)
{
	o->state.memory = real;
	memcpy(o->head, buffers, sizeof(o->head));
	memcpy(o->cpu, buffers->cpu, sizeof(o->cpu));
}

static void back(const struct ours *o)
{
	real = o->state.memory;
	memcpy(buffers, o->head, sizeof(o->head));
	memcpy(buffers->cpu, o->cpu, sizeof(o->cpu));
}

static u64 hash_ours(const struct ours *o)
{
	u64 h = hash_of(&o->state, sizeof(o->state), 0);

	for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
		const struct store_buffer *sb = &o->cpu[cpu];

		h = hash64(h, sb->nr, sb->epoch);
		for (unsigned int i = 0; i < sb->nr; i++) {
			const struct pending_store *p = &sb->store[i];
			size_t at = (size_t)((const u8 *)p->addr - real.bytes);

			h = hash64(h, p->before, p->epoch);
			h = hash64(h, at * 16 + p->size, p->release);
		}
	}
	return h;
}

static void search_ours(struct search *s, const struct state *before);

static void come_out(struct search *s, const struct ours *o, unsigned int cpu,
		     void (*which)(struct store_buffers *b, unsigned int cpu))
{
	back(o);
	which(buffers, cpu);
	search_ours(s, &o->state);
}

/* The state of memory and buffers is where they are. */
static void search_ours(struct search *s, const struct state *before)
{
	struct ours o = { .state = *before };

	keep(&o);
	if (!add(&s->seen, hash_ours(&o)))
		return;
	for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
		const struct op *op = &s->program->op[cpu][before->pc[cpu]];
		struct state next = o.state;

		back(&o);
		if (s->model != MEMORY_SC && store_buffer_oldest(buffers, cpu))
			come_out(s, &o, cpu, store_buffer_drain);
		back(&o);
		if (s->model != MEMORY_SC && store_buffer_newest(buffers, cpu))
			come_out(s, &o, cpu, store_buffer_overtake);
		if (before->pc[cpu] == OPS || op->kind == END)
			continue;
		back(&o);
		perform(&next, cpu, op);
		search_ours(s, &next);
	}
	back(&o);
	if (ended(s, before) && !buffers->pending)
		note_end(s, &o.state);
}

/* ---- both ---- */

static struct search reference, ours;

static void begin(struct search *s, const struct program *p, enum memory_model model,
		  match_fn match)
{
	memset(s, 0, sizeof(*s));
	s->program = p;
	s->model = model;
	s->match = match;
}

static void set_up(enum memory_model model)
{
	buffers = store_buffers_create(model == MEMORY_SC ? MEMORY_TSO : model, CPUS);
	assert_non_null(buffers);
	memset(&real, 0, sizeof(real));
	for (unsigned int cpu = 0; cpu < CPUS; cpu++) {
		memset(&cpus[cpu], 0, sizeof(cpus[cpu]));
		cpus[cpu].local.id = cpu;
		cpus[cpu].local.turn_end = U64_MAX;
		cpus[cpu].local.weak = model != MEMORY_SC;
		cpus[cpu].stores = buffers;
		cpus[cpu].control = &control;
	}
}

static void search_both(const struct program *p, enum memory_model model, match_fn match)
{
	static const struct state first;

	begin(&reference, p, model, match);
	search_reference(&reference, &first);
	begin(&ours, p, model, match);
	set_up(model);
	search_ours(&ours, &first);
	free(buffers);
}

static bool within(const struct set *less, const struct set *all)
{
	for (size_t i = 0; i < SET; i++) {
		if (less->of[i] && !has(all, less->of[i]))
			return false;
	}
	return true;
}

/* ---- the known ones ---- */

#define X	0
#define Y	8
#define Z	16

#define W(a, v)		{ STORE, a, 4, v }
#define WREL(a, v)	{ RELEASE, a, 4, v }
#define R(a)		{ LOAD, a, 4, 0 }
#define F(a)		{ RMW, a, 4, 0x10 }
#define FRLX(a)		{ RMW_RELAXED, a, 4, 0x10 }
#define WMB		{ WRITE_BARRIER, 0, 0, 0 }

static u64 reg(const struct state *end, unsigned int cpu, unsigned int op)
{
	return end->reg[cpu][op];
}

static u32 last(const struct state *end, unsigned int at)
{
	u32 value;

	memcpy(&value, &end->memory.bytes[at], sizeof(value));
	return value & 0xff;
}

static bool sb_weak(const struct state *e) { return !reg(e, 0, 1) && !reg(e, 1, 1); }
static bool sb_own_weak(const struct state *e)
{
	return reg(e, 0, 1) && reg(e, 1, 1) && !reg(e, 0, 2) && !reg(e, 1, 2);
}
static bool mp_weak(const struct state *e) { return reg(e, 1, 0) && !reg(e, 1, 1); }
static bool lb_weak(const struct state *e) { return reg(e, 0, 0) && reg(e, 1, 0); }
static bool corr_weak(const struct state *e)
{
	return (u8)reg(e, 1, 0) == 2 && (u8)reg(e, 1, 1) != 2;
}
static bool cowr_weak(const struct state *e) { return !reg(e, 0, 1); }
static bool iriw_weak(const struct state *e)
{
	return reg(e, 2, 0) && !reg(e, 2, 1) && reg(e, 3, 0) && !reg(e, 3, 1);
}
static bool wrc_weak(const struct state *e)
{
	return reg(e, 1, 0) && reg(e, 2, 0) && !reg(e, 2, 1);
}
static bool r_weak(const struct state *e) { return last(e, Y) == 2 && !reg(e, 1, 1); }
static bool s_weak(const struct state *e) { return last(e, X) == 2 && reg(e, 1, 0); }
static bool two_weak(const struct state *e) { return last(e, X) == 1 && last(e, Y) == 1; }
/* A wide load sees the first of two stores, a narrow one after it does not. */
static bool wide_weak(const struct state *e)
{
	return (u8)reg(e, 1, 0) == 1 && !reg(e, 1, 1);
}
static bool middle_weak(const struct state *e)
{
	return !reg(e, 0, 3) && !reg(e, 1, 1) && reg(e, 1, 2) && !reg(e, 1, 3) && !reg(e, 1, 4);
}

struct litmus {
	const char	*name;
	match_fn	weak;
	bool		allowed[NR_MEMORY_MODELS];	/* by hardware */
	bool		unseen[NR_MEMORY_MODELS];	/* of these by ours (sync/store_buffer.h) */
	struct program	program;
};

#define NEVER	{ false, false, false }
#define TSO	{ false, true, false }
#define PSO	{ false, false, true }
#define BOTH	{ false, true, true }

static const struct litmus litmus[] = {
	{ "SB", sb_weak, BOTH, NEVER, { { { W(X, 1), R(Y) }, { W(Y, 1), R(X) } } } },
	{ "SB, release", sb_weak, BOTH, NEVER,
	  { { { WREL(X, 1), R(Y) }, { WREL(Y, 1), R(X) } } } },
	{ "SB, one orders", sb_weak, BOTH, NEVER,
	  { { { F(X), R(Y) }, { W(Y, 1), R(X) } } } },
	{ "SB, both order", sb_weak, NEVER, NEVER, { { { F(X), R(Y) }, { F(Y), R(X) } } } },
	{ "SB, own seen first", sb_own_weak, BOTH, NEVER,
	  { { { W(X, 1), R(X), R(Y) }, { W(Y, 1), R(Y), R(X) } } } },
	{ "MP", mp_weak, PSO, NEVER, { { { W(X, 1), W(Y, 1) }, { R(Y), R(X) } } } },
	{ "MP, release", mp_weak, NEVER, NEVER, { { { W(X, 1), WREL(Y, 1) }, { R(Y), R(X) } } } },
	{ "MP, write barrier", mp_weak, NEVER, NEVER,
	  { { { W(X, 1), WMB, W(Y, 1) }, { R(Y), R(X) } } } },
	{ "MP, read-modify-write", mp_weak, NEVER, NEVER,
	  { { { W(X, 1), F(Y) }, { R(Y), R(X) } } } },
	{ "MP, relaxed one", mp_weak, PSO, NEVER, { { { W(X, 1), FRLX(Y) }, { R(Y), R(X) } } } },
	{ "MP, relaxed one after a write barrier", mp_weak, NEVER, NEVER,
	  { { { W(X, 1), WMB, FRLX(Y) }, { R(Y), R(X) } } } },
	{ "MP, after a release", mp_weak, PSO, NEVER,
	  { { { WREL(X, 1), W(Y, 1) }, { R(Y), R(X) } } } },
	{ "LB", lb_weak, NEVER, NEVER, { { { R(X), W(Y, 1) }, { R(Y), W(X, 1) } } } },
	{ "WRC", wrc_weak, NEVER, NEVER,
	  { { { W(X, 1) }, { R(X), W(Y, 1) }, { R(Y), R(X) } } } },
	{ "IRIW", iriw_weak, NEVER, NEVER,
	  { { { W(X, 1) }, { W(Y, 1) }, { R(X), R(Y) }, { R(Y), R(X) } } } },
	{ "CoRR", corr_weak, NEVER, NEVER, { { { W(X, 1), W(X, 2) }, { R(X), R(X) } } } },
	{ "CoWR", cowr_weak, NEVER, NEVER, { { { W(X, 1), R(X) } } } },
	{ "sizes", wide_weak, NEVER, NEVER,
	  { { { W(X, 1), W(X + 4, 1) }, { { LOAD, X, 8, 0 }, R(X) } } } },
	{ "R", r_weak, BOTH, TSO, { { { W(X, 1), W(Y, 1) }, { W(Y, 2), R(X) } } } },
	{ "S", s_weak, PSO, PSO, { { { W(X, 2), W(Y, 1) }, { R(Y), W(X, 1) } } } },
	{ "2+2W", two_weak, PSO, PSO,
	  { { { W(X, 1), W(Y, 2) }, { W(Y, 1), W(X, 2) } } } },
	{ "the middle of three", middle_weak, PSO, PSO,
	  { { { W(X, 1), W(Y, 1), W(X + 4, 1), R(Z) }, { F(Z), R(Y), R(Y), R(X), R(X + 4) } } } },
};

static void known_shapes(void **state)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(litmus); i++) {
		const struct litmus *t = &litmus[i];

		for (unsigned int model = 0; model < NR_MEMORY_MODELS; model++) {
			search_both(&t->program, model, t->weak);
			if (reference.matched != t->allowed[model] ||
			    ours.matched != (t->allowed[model] && !t->unseen[model]) ||
			    !within(&ours.ends, &reference.ends))
				fail_msg("%s, %s: hardware %d, ours %d", t->name,
					 memory_model_name(model), reference.matched, ours.matched);
		}
	}
}

/* ---- any ---- */

struct shape {
	unsigned int	cpus, ops;
	bool		apart;		/* each vCPU stores to its own, in one size */
};

static struct op draw_op(struct prng *rng, const struct shape *shape, unsigned int cpu,
			 unsigned int value)
{
	static const enum kind kinds[] = {
		LOAD, LOAD, LOAD, STORE, STORE, STORE, RELEASE, RMW, RMW_RELAXED, WRITE_BARRIER,
	};
	struct op op = {
		.kind = (u8)kinds[prng_below(rng, ARRAY_SIZE(kinds))], .size = 4,
		.value = (u8)value,
	};

	if (op.kind == RMW || op.kind == RMW_RELAXED) {
		/* Of one size, as the stores there. */
		op.at = (u8)(shape->apart ? Z - 8 * cpu : Z);
	} else if (shape->apart) {
		op.at = (u8)(op.kind == LOAD ? 8 * prng_below(rng, 3) : Z - 8 * cpu);
	} else {
		op.size = (u8)(1 << prng_below(rng, 4));
		op.at = (u8)(prng_below(rng, 16 / op.size) * op.size);
		if (!prng_below(rng, 3))
			op = (struct op){ op.kind, Z, 4, op.value };
	}
	return op;
}

static struct program draw(u64 seed, const struct shape *shape)
{
	struct program p = { 0 };
	struct prng rng;

	prng_seed(&rng, seed);
	for (unsigned int cpu = 0; cpu < shape->cpus; cpu++) {
		for (unsigned int i = 0; i < shape->ops; i++)
			p.op[cpu][i] = draw_op(&rng, shape, cpu, cpu * OPS + i + 1);
	}
	return p;
}

static void compare(const struct shape *shape, u64 seeds)
{
	for (u64 seed = 0; seed < seeds; seed++) {
		const struct program p = draw(seed, shape);

		for (unsigned int model = 0; model < NR_MEMORY_MODELS; model++) {
			search_both(&p, model, NULL);
			if (!within(&ours.ends, &reference.ends))
				fail_msg("%s, seed %llu: an end that hardware has not",
					 memory_model_name(model), seed);
			if (shape->apart && ours.ends.nr != reference.ends.nr)
				fail_msg("%s, seed %llu: %u ends of %u", memory_model_name(model),
					 seed, ours.ends.nr, reference.ends.nr);
		}
	}
}

static void drawn_programs(void **state)
{
	static const struct shape shape[] = {
		{ .cpus = 2, .ops = 4 }, { .cpus = 3, .ops = 3 },
		{ .cpus = 2, .ops = 4, .apart = true },
		{ .cpus = 3, .ops = 3, .apart = true },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(shape); i++)
		compare(&shape[i], 60);
}

/* Of an object that is freed nothing waits, whatever the order of its stores. */
static void what_is_freed_waits_no_more(void **state)
{
	struct state now = { .pc = { 0 } };
	struct op op = { .kind = STORE, .size = 4, .value = 7 };

	set_up(MEMORY_PSO);
	for (op.at = 0; op.at < BYTES; op.at += 4)
		perform(&now, 0, &op);
	this_cpu_bind(&cpus[1].local);
	weak_free(&real.bytes[4], 12);
	this_cpu_bind(NULL);
	for (op.kind = LOAD, op.at = 0; op.at < BYTES; op.at += 4) {
		now.pc[1] = 0;
		perform(&now, 1, &op);
		assert_int_equal((u8)now.reg[1][0], op.at >= 4 && op.at < 16 ? 7 : 0);
	}
	free(buffers);
}

/* What is read again could be another by then: macros look at their arguments once. */
static void arguments_count_once(void **state)
{
	u32 x[8] = { 1, 2, 3, 4 }, *p = x, old = 5;

	set_up(MEMORY_PSO);
	this_cpu_bind(&cpus[0].local);
	assert_int_equal(READ_ONCE(*p++), 1);
	assert_int_equal(smp_load_acquire(p++), 2);
	assert_int_equal(plain_read(*p++), 3);
	WRITE_ONCE(*p++, 5);
	smp_store_release(p++, old++);
	assert_int_equal(xchg(p++, old++), 0);
	assert_int_equal(cmpxchg(p++, 0, old++), 0);
	this_cpu_bind(NULL);
	assert_ptr_equal(p, x + 7);
	assert_int_equal(old, 8);
	for (unsigned int i = 3; i < 7; i++)
		assert_int_equal(x[i], i + 2 - (i > 3));
	free(buffers);
}
#endif

static void without_points_nothing_waits(void **state)
{
	assert_false(this_cpu_weak());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#if MM_POINTS
		cmocka_unit_test(known_shapes),
		cmocka_unit_test(drawn_programs),
		cmocka_unit_test(what_is_freed_waits_no_more),
		cmocka_unit_test(arguments_count_once),
#endif
		cmocka_unit_test(without_points_nothing_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
