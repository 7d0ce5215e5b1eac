/* SPDX-License-Identifier: MIT */
/*
 * Streams: the ops of a storm's tasks, drawn from a seed (stream.h).
 *
 * Pure functions of (seed, key, k): no locks, no machine, no clock, no state but
 * the stream's own.  Must never look at what an op answered.
 */
#include "ops/stream.h"

#include <errno.h>
#include <string.h>

#include "base/compiler.h"
#include "base/prng.h"
#include "mm/pin.h"
#include "mm/uapi.h"

#define AXIS_START	0x7374617274ULL		/* keeps kinds of keys apart */
#define AXIS_CHILD	0x6368696c64ULL
#define AXIS_LIFE	0x6c696665ULL
#define AXIS_FOCUS	0x666f637573ULL

/* Draws within one op: the first is hash64(seed, key, k). */
struct draw {
	u64 state;
};

static u64 draw(struct draw *d)
{
	d->state += 0x9e3779b97f4a7c15ULL;
	return mix64(d->state);
}

static u64 draw_below(struct draw *d, u64 n)
{
	return n ? scale64(draw(d), n) : 0;
}

/* What never happens costs no draw: what is new leaves old mixes' streams as they are. */
static bool draw_share(struct draw *d, u16 of_1000)
{
	return of_1000 && draw_below(d, 1000) < of_1000;
}

/* ---- mixes ---- */

/* What a task may draw depends on where it stands in its family. */
static bool may_draw(const struct op_mix *mix, unsigned int depth,
		     unsigned int code)
{
	switch (code) {
	case OP_FORK:
	case OP_CLONE:
		return depth < mix->depth;
	case OP_EXIT:
		return depth > 0;
	default:
		return true;
	}
}

static u32 weights(const struct op_mix *mix, unsigned int depth)
{
	unsigned int i;
	u32 sum = 0;

	for (i = 0; i < OP_NR; i++)
		if (may_draw(mix, depth, i))
			sum += mix->weight[i];
	return sum;
}

/* Of 1000. */
static bool shares_valid(const struct op_mix *mix)
{
	const u16 share[] = {
		mix->shared, mix->file, mix->stack, mix->hot, mix->tagged, mix->moving,
		mix->none, mix->readonly, mix->guard, mix->restore, mix->chain, mix->nap,
		mix->whole, mix->home, mix->pin_write, mix->pin_get,
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(share); i++)
		if (share[i] > 1000)
			return false;
	return true;
}

int op_mix_valid(const struct op_mix *mix)
{
	unsigned int depth;

	if (mix->weight[OP_BARRIER] || mix->depth > OP_DEPTH_MAX)
		return -EINVAL;
	for (depth = 0; depth <= mix->depth; depth++)
		if (!weights(mix, depth))
			return -EINVAL;
	if (!shares_valid(mix))
		return -EINVAL;
	if (mix->dwell + mix->duel > 1000 || mix->readers + mix->writers > 1000)
		return -EINVAL;
	if ((mix->duel && !mix->stretch) || (mix->dwell && !mix->dwell_ops) ||
	    (mix->dwell + mix->duel && !mix->hot_pages))
		return -EINVAL;
	if (!mix->len_max)
		return -EINVAL;
	if (!mix->depth)
		return 0;
	if (!mix->children || mix->children > OP_CHILDREN_MAX)
		return -EINVAL;
	return mix->life_min && mix->life_min <= mix->life_max ? 0 : -EINVAL;
}

unsigned long op_mix_tasks_max(const struct op_mix *mix, unsigned int initial)
{
	unsigned long all = 0, generation = initial;
	unsigned int depth;

	for (depth = 0; depth <= mix->depth; depth++) {
		all += generation;
		generation *= mix->children;
	}
	return all;
}

/* ---- arguments ---- */

static u64 nr_regions(const struct op_stream *s)
{
	return max(min((u64)s->mix->regions, s->world->pages), 1ULL);
}

static u64 region_pages(const struct op_stream *s)
{
	return s->world->pages / nr_regions(s);
}

static u64 hot_pages(const struct op_stream *s)
{
	return min((u64)s->mix->hot_pages, region_pages(s));
}

/* The first page of the region in which the task is at the moment. */
static u64 draw_region(const struct op_stream *s, struct draw *d)
{
	u64 nr = nr_regions(s);

	if (nr == 1)
		return 0;
	if (draw_share(d, s->mix->home))
		return s->thread % nr * region_pages(s);
	return draw_below(d, nr) * region_pages(s);
}

/*
 * Hot pages lie across the middle of a region (without regions two page tables meet
 * there); the first of them are hotter than the others.
 */
static u64 draw_hot(const struct op_stream *s, struct draw *d)
{
	u64 first = draw_region(s, d), hot = hot_pages(s);

	return first + (region_pages(s) - hot) / 2 + draw_below(d, 1 + draw_below(d, hot));
}

static u64 draw_page(const struct op_stream *s, struct draw *d)
{
	if (s->focus.pages)
		return s->focus.page + draw_below(d, s->focus.pages);
	if (hot_pages(s) && draw_share(d, s->mix->hot))
		return draw_hot(s, d);
	return draw_region(s, d) + draw_below(d, region_pages(s));
}

static u64 draw_addr(const struct op_stream *s, struct draw *d, u64 offset)
{
	return op_page(draw_page(s, d), offset);
}

/* One of the eight words of a page that tasks tag. */
static u64 draw_word(struct draw *d)
{
	return 8 * draw_below(d, 8);
}

/* Short ranges are more frequent; none reaches over the window's end. */
static void draw_range(const struct op_stream *s, struct draw *d, u64 *addr,
		       u64 *len)
{
	bool whole = !s->focus.pages && draw_share(d, s->mix->whole);
	u64 page = whole ? draw_region(s, d) : draw_page(s, d);
	u64 end = s->focus.pages ? s->focus.page + s->focus.pages : s->world->pages;
	u64 most = min((u64)s->mix->len_max, end - page);
	u64 pages = 1 + draw_below(d, most);

	if (draw(d) & 1)
		pages = 1 + draw_below(d, pages);
	if (whole)
		pages = region_pages(s);
	*addr = op_page(page, 0);
	*len = pages << 12;
}

/* What is mapped in the range arg[0], arg[1]. */
static void draw_mapping(const struct op_stream *s, struct draw *d,
			 struct mm_op *op)
{
	const struct op_mix *mix = s->mix;
	bool shared = draw_share(d, mix->shared);

	op->arg[2] = PROT_READ | PROT_WRITE;
	if (mix->weight[OP_FETCH])
		op->arg[2] |= PROT_EXEC;
	op->arg[3] = MAP_FIXED | (shared ? MAP_SHARED : MAP_PRIVATE);
	op->arg[4] = OP_NO_FILE;
	if (s->world->files && draw_share(d, mix->file)) {
		op->arg[4] = draw_below(d, s->world->files);
		op->arg[5] = draw_below(d, s->world->file_pages) << 12;
	} else {
		op->arg[3] |= MAP_ANONYMOUS;
		if (!shared && draw_share(d, mix->stack))
			op->arg[3] |= MAP_GROWSDOWN;
	}
}

static void draw_mmap(const struct op_stream *s, struct draw *d,
		      struct mm_op *op)
{
	draw_range(s, d, &op->arg[0], &op->arg[1]);
	draw_mapping(s, d, op);
}

/* Some rights, at least to read. */
static u64 draw_prot(const struct op_stream *s, struct draw *d)
{
	u64 prot = PROT_READ;

	if (!draw_share(d, s->mix->readonly))
		prot |= PROT_WRITE;
	if (s->mix->weight[OP_FETCH])
		prot |= PROT_EXEC;
	return prot;
}

static void draw_mprotect(const struct op_stream *s, struct draw *d,
			  struct mm_op *op)
{
	draw_range(s, d, &op->arg[0], &op->arg[1]);
	op->arg[2] = draw_share(d, s->mix->none) ? PROT_NONE : draw_prot(s, d);
}

/* A move onto a part of itself would be refused: then right beside it. */
static u64 no_overlap(const struct op_stream *s, u64 page, u64 pages, u64 target)
{
	if (target + pages <= page || page + pages <= target)
		return target;
	return page + 2 * pages <= s->world->pages ? page + pages : page - min(page, pages);
}

/*
 * Where a range of that many pages goes: in a focus to and fro, a region onto another,
 * else anywhere; but where regions are, to where others meet it.
 */
static u64 draw_target(const struct op_stream *s, struct draw *d, u64 page,
		       u64 pages)
{
	u64 target;

	if (s->focus.pages > pages)
		return page == s->focus.page ? page + pages : s->focus.page;
	if (nr_regions(s) == 1)
		target = draw_below(d, s->world->pages - pages + 1);
	else if (pages == region_pages(s))
		target = draw_region(s, d);
	else
		target = min(draw_page(s, d), s->world->pages - pages);
	return no_overlap(s, page, pages, target);
}

/* Without a target it may only grow or shrink in place: see the window. */
static void draw_mremap(const struct op_stream *s, struct draw *d,
			struct mm_op *op)
{
	u64 most = min((u64)s->mix->len_max, (u64)s->world->pages);

	draw_range(s, d, &op->arg[0], &op->arg[1]);
	if (draw_share(d, s->mix->moving)) {
		u64 pages = op->arg[1] >> 12;

		op->arg[2] = op->arg[1];
		op->arg[3] = MREMAP_MAYMOVE | MREMAP_FIXED;
		op->arg[4] = op_page(draw_target(s, d, op_addr_value(op->arg[0]) >> 12,
						 pages), 0);
	} else {
		op->arg[2] = (1 + draw_below(d, most)) << 12;
	}
}

static void draw_load(const struct op_stream *s, struct draw *d,
		      struct mm_op *op)
{
	op->arg[0] = draw_addr(s, d, draw_word(d));
	op->arg[1] = 8;
	if (!draw_below(d, 16)) {
		op->arg[1] = 1ULL << draw_below(d, 4);
		op->arg[0] += draw_below(d, 8);
	}
}

static void draw_store(const struct op_stream *s, struct draw *d,
		       struct mm_op *op)
{
	bool tagged = draw_share(d, s->mix->tagged);

	op->arg[0] = draw_addr(s, d, tagged ? 0 : draw_word(d));
	op->arg[1] = 8;
	op->arg[2] = tagged ? OP_VALUE_TAG : draw(d) >> 1;
}

/* Untagged writes keep to the last word of a page, for the oracles' sake. */
static void draw_rmw(const struct op_stream *s, struct draw *d,
		     struct mm_op *op)
{
	op->arg[0] = draw_addr(s, d, 56);
	op->arg[1] = draw_below(d, 2);
	op->arg[2] = draw_below(d, 256);
	op->arg[3] = draw_below(d, 4);
}

static void draw_copy(const struct op_stream *s, struct draw *d,
		      struct mm_op *op)
{
	op->arg[0] = draw_addr(s, d, 56);
	op->arg[1] = draw_addr(s, d, 56);
	op->arg[2] = 8;
}

/* ---- pins ---- */

/* Few places, so that what is pinned is used before it is let go. */
static u64 draw_place(struct draw *d)
{
	return draw_below(d, 2);
}

static u64 draw_how(const struct op_stream *s, struct draw *d)
{
	if (draw_share(d, s->mix->pin_write))
		return PIN_WRITE | (draw_below(d, 4) ? 0 : PIN_LONGTERM);
	if (draw_share(d, s->mix->pin_get))
		return PIN_GET;
	return PIN_READ | (draw_below(d, 2) ? 0 : PIN_LONGTERM);
}

static void draw_pin(const struct op_stream *s, struct draw *d,
		     struct mm_op *op)
{
	draw_range(s, d, &op->arg[0], &op->arg[1]);
	op->arg[1] = min(op->arg[1], (u64)PIN_PAGES_MAX << 12);
	op->arg[2] = draw_how(s, d);
	op->arg[3] = draw_place(d);
}

/* Mostly the first page: a pin of several may have found fewer. */
static u64 draw_at(const struct op_stream *s, struct draw *d, u64 offset)
{
	return (draw_below(d, 1 + draw_below(d, min(s->mix->len_max, PIN_PAGES_MAX))) << 12) +
	       offset;
}

static void draw_dma(const struct op_stream *s, struct draw *d,
		     struct mm_op *op)
{
	bool tagged = op->code == OP_DMA_STORE && draw_share(d, s->mix->tagged);

	op->arg[0] = draw_place(d);
	op->arg[1] = draw_at(s, d, tagged ? 0 : draw_word(d));
	op->arg[2] = 8;
	if (op->code == OP_DMA_STORE)
		op->arg[3] = tagged ? OP_VALUE_TAG : draw(d) >> 1;
}

static void draw_args(const struct op_stream *s, struct draw *d,
		      struct mm_op *op)
{
	switch ((enum mm_op_code)op->code) {
	case OP_MMAP:
		draw_mmap(s, d, op);
		break;
	case OP_MUNMAP:
		draw_range(s, d, &op->arg[0], &op->arg[1]);
		break;
	case OP_MPROTECT:
		draw_mprotect(s, d, op);
		break;
	case OP_MREMAP:
		draw_mremap(s, d, op);
		break;
	case OP_BRK:
		op->arg[0] = op_addr(OP_SPACE_HEAP, draw_below(d, 17) << 12);
		break;
	case OP_MADVISE:
		draw_range(s, d, &op->arg[0], &op->arg[1]);
		op->arg[2] = draw_share(d, s->mix->guard) ? MADV_GUARD_INSTALL : MADV_DONTNEED;
		break;
	case OP_LOAD:
		draw_load(s, d, op);
		break;
	case OP_STORE:
		draw_store(s, d, op);
		break;
	case OP_RMW:
		draw_rmw(s, d, op);
		break;
	case OP_COPY:
		draw_copy(s, d, op);
		break;
	case OP_FETCH:
	case OP_MIGRATE:
		op->arg[0] = draw_addr(s, d, 0);
		break;
	case OP_FORK:
	case OP_CLONE:
		op->arg[0] = draw_below(d, s->mix->children);
		break;
	case OP_TRUNCATE:
		op->arg[0] = draw_below(d, s->world->files);
		/* What is to be torn away must be some of it. */
		op->arg[1] = draw_below(d, 1 + draw_below(d, s->world->file_pages + 1)) << 12;
		break;
	case OP_FAILNTH:
		op->arg[0] = 1 + draw_below(d, 8);
		break;
	case OP_PIN:
		draw_pin(s, d, op);
		break;
	case OP_UNPIN:
		op->arg[0] = draw_place(d);
		break;
	case OP_DMA_LOAD:
	case OP_DMA_STORE:
		draw_dma(s, d, op);
		break;
	default:
		break;
	}
}

/* ---- streams ---- */

/* Spread over the threads of a process: each has some of every kind, the first calls. */
static u8 role_of(const struct op_mix *mix, unsigned int thread)
{
	unsigned int place = 999 - thread * 618 % 1000;

	if (place < mix->readers)
		return OP_ROLE_READER;
	return place < (unsigned int)mix->readers + mix->writers ? OP_ROLE_WRITER : OP_ROLE_ANY;
}

static void stream_start(struct op_stream *s, u64 key)
{
	s->key = key;
	s->k = 0;
	s->stretch_end = 0;
	s->nap = 0;
	memset(&s->focus, 0, sizeof(s->focus));
	memset(&s->last, 0, sizeof(s->last));
	memset(&s->moved, 0, sizeof(s->moved));
	s->weights = weights(s->mix, s->depth);
}

void op_stream_init(struct op_stream *s, const struct op_world *world,
		    const struct op_mix *mix, unsigned int nth)
{
	memset(s, 0, sizeof(*s));
	s->world = world;
	s->mix = mix;
	s->task = (u16)nth;
	s->thread = (u16)(nth / max(world->procs, 1u));
	s->role = role_of(mix, s->thread);
	stream_start(s, hash64(world->seed, AXIS_START, nth));
}

static void child_start(struct op_stream *child, unsigned int depth, unsigned int place, u64 key)
{
	const struct op_mix *mix = child->mix;

	child->depth = (u8)depth;
	child->place = (u8)place;
	child->life = mix->life_min +
		      scale64(hash64(key, AXIS_LIFE, 0),
			      mix->life_max - mix->life_min + 1u);
	stream_start(child, key);
}

void op_stream_child(const struct op_stream *parent, unsigned int place,
		     struct op_stream *child)
{
	*child = *parent;
	child_start(child, parent->depth + 1u, place,
		    hash64(parent->key, AXIS_CHILD, parent->k - 1));
}

void op_stream_of(struct op_stream *s, const struct op_world *world, const struct op_mix *mix,
		  unsigned int nth, unsigned int depth, unsigned int place, u64 key)
{
	op_stream_init(s, world, mix, nth);
	if (depth)
		child_start(s, depth, place, key);
}

/* ---- stretches ---- */

/* What two can quarrel over. */
static bool is_call(unsigned int code)
{
	enum op_class class = op_desc((enum mm_op_code)code)->class;

	return class != OP_CLASS_ACCESS && class != OP_CLASS_CONTROL && code != OP_EXIT &&
	       code != OP_UNPIN;
}

/* A call that this task may make, as often one as another; an access if there is none. */
static u8 draw_duel_code(const struct op_stream *s, struct draw *d)
{
	u8 codes[OP_NR];
	unsigned int i, nr = 0;

	for (i = 0; i < OP_NR; i++)
		if (is_call(i) && s->mix->weight[i] && may_draw(s->mix, s->depth, i))
			codes[nr++] = (u8)i;
	return nr ? codes[draw_below(d, nr)] : OP_LOAD;
}

static void draw_focus(struct op_stream *s)
{
	const struct op_mix *mix = s->mix;
	struct draw d = {
		.state = hash64(s->key, AXIS_FOCUS, s->k),
	};
	/* Who only reads keeps what the others' writes should have taken from it. */
	static const u8 stores[] = { 0, 1, 16, 48 };
	u64 kind = draw_below(&d, 1000);
	bool dwells = kind < mix->dwell;

	memset(&s->focus, 0, sizeof(s->focus));
	s->stretch_end = s->k + (dwells ? mix->dwell_ops : mix->stretch);
	if (kind >= (u64)mix->dwell + mix->duel)
		return;
	/* The hottest of the hot: others of the process should be there too. */
	s->focus.page = min(draw_hot(s, &d), draw_hot(s, &d));
	s->focus.pages = (u16)min(1 + draw_below(&d, 2), s->world->pages - s->focus.page);
	s->focus.stores = stores[draw_below(&d, ARRAY_SIZE(stores))];
	s->focus.code = dwells ? OP_NR : draw_duel_code(s, &d);
}

/* By a device as often as the mix has it so, where it has devices. */
static enum mm_op_code draw_access(const struct op_stream *s, struct draw *d)
{
	const u16 *weight = s->mix->weight;
	u32 dma = (u32)weight[OP_DMA_LOAD] + weight[OP_DMA_STORE];
	bool store = draw_below(d, 64) < s->focus.stores;

	if (dma && draw_below(d, dma + weight[OP_LOAD] + weight[OP_STORE]) < dma)
		return store ? OP_DMA_STORE : OP_DMA_LOAD;
	return store ? OP_STORE : OP_LOAD;
}

/* Half of a duel is accesses, and now and then there must be something to fight for. */
static enum mm_op_code draw_focused(const struct op_stream *s, struct draw *d)
{
	u64 at = draw_below(d, 16);

	if (s->focus.code != OP_NR && at < 8)
		return at ? (enum mm_op_code)s->focus.code : OP_MMAP;
	return draw_access(s, d);
}

/* ---- ops ---- */

static enum mm_op_code draw_any(const struct op_stream *s, struct draw *d)
{
	u64 at = draw_below(d, s->weights);
	unsigned int i;

	for (i = 0; i < OP_NR; i++) {
		if (!may_draw(s->mix, s->depth, i))
			continue;
		if (at < s->mix->weight[i])
			break;
		at -= s->mix->weight[i];
	}
	return (enum mm_op_code)i;
}

static u64 full_size(const struct op_stream *s)
{
	return (u64)s->world->file_pages << 12;
}

static bool moved(const struct mm_op *last)
{
	return last->code == OP_MREMAP && last->arg[3];
}

/* Did the op before take away what there was in the range arg[0], arg[1]? */
static bool unmapped(const struct mm_op *last)
{
	return last->code == OP_MUNMAP || moved(last);
}

/* What was moved goes back, or on: its pages were in many places in the end. */
static void move_on(const struct op_stream *s, struct draw *d, struct mm_op *op)
{
	const struct mm_op *before = &s->moved;

	*op = *before;
	op->arg[0] = before->arg[4];
	op->arg[4] = before->arg[0];
	if (draw(d) & 1)
		op->arg[4] = op_page(draw_target(s, d, op_addr_value(op->arg[0]) >> 12,
						 op->arg[1] >> 12), 0);
}

/* The same of all rights to a range, and of guards that stand in it. */
static bool restore_rights(const struct op_stream *s, struct draw *d, struct mm_op *op)
{
	const struct mm_op *last = &s->last;

	if (last->code == OP_MPROTECT && last->arg[2] == PROT_NONE) {
		*op = *last;
		op->arg[2] = draw_prot(s, d);
		return true;
	}
	if (last->code == OP_MADVISE && last->arg[2] == MADV_GUARD_INSTALL) {
		*op = *last;
		op->arg[2] = MADV_GUARD_REMOVE;
		return true;
	}
	return false;
}

/* Puts back what the op before took away; false if it took nothing. */
static bool restore(const struct op_stream *s, struct draw *d, struct mm_op *op)
{
	const struct mm_op *last = &s->last;

	if (unmapped(last)) {
		op->code = OP_MMAP;
		op->arg[0] = last->arg[0];
		op->arg[1] = last->arg[1];
		draw_mapping(s, d, op);
		return true;
	}
	if (last->code == OP_TRUNCATE && last->arg[1] < full_size(s)) {
		op->code = OP_TRUNCATE;
		op->arg[0] = last->arg[0];
		op->arg[1] = full_size(s);
		return true;
	}
	return restore_rights(s, d, op);
}

static void draw_op(const struct op_stream *s, struct draw *d, struct mm_op *op)
{
	if (draw_share(d, s->mix->restore) && restore(s, d, op))
		return;
	if (moved(&s->moved) && draw_share(d, s->mix->chain)) {
		move_on(s, d, op);
		return;
	}
	if (s->role != OP_ROLE_ANY)
		op->code = s->role == OP_ROLE_WRITER && draw(d) & 1 ? OP_STORE : OP_LOAD;
	else
		op->code = (u8)(s->focus.pages ? draw_focused(s, d) : draw_any(s, d));
	/* A world without files has nothing to truncate. */
	if (op->code == OP_TRUNCATE && !s->world->files)
		op->code = OP_YIELD;
	draw_args(s, d, op);
}

bool op_stream_next(struct op_stream *s, struct mm_op *op)
{
	struct draw d;

	if (s->life && s->k == s->life)
		return false;
	if (s->mix->dwell + s->mix->duel && s->k == s->stretch_end)
		draw_focus(s);
	d.state = hash64(s->world->seed, s->key, s->k);
	s->k++;
	memset(op, 0, sizeof(*op));
	op->task = s->task;
	draw_op(s, &d, op);
	if (moved(op))
		s->moved = *op;
	else if (!moved(&s->last) || op->code != OP_MMAP)	/* no repair of its hole */
		memset(&s->moved, 0, sizeof(s->moved));
	s->last = *op;
	/* Children would keep their parents waiting. */
	s->nap = !s->depth && draw_share(&d, s->mix->nap) ? (u8)(1 + draw_below(&d, 3)) : 0;
	return true;
}
