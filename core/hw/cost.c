/* SPDX-License-Identifier: MIT */
/*
 * The cost model: clocks of vCPUs, and who has which line.
 *
 * Owns struct cost_times.  No lock: one thread runs a controlled machine.  Compiled
 * without ThreadSanitizer, to which its vCPUs are threads.  Must never let an address
 * decide anything but whether two are the same, nor look at the host's clock: figures
 * are equal in every build.
 */
#include "hw/cost.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/bug.h"
#include "base/compiler.h"
#include "base/tsan.h"
#include "hw/cpumask.h"

#define ROOM_MIN	4096
#define ALIGNMENT	4	/* of the smallest object that a step is about */

/* Of an object; not in the table: nobody has touched it. */
struct cost_line {
	const void	*obj;
	u64		free_at;	/* the last writer is done */
	u64		sharer[CPUMASK_WORDS];
};

const struct cost_constant cost_constants[] = {
	{ "line", offsetof(struct cost_model, line), 45,
	  "half of a round trip of a line between two CPUs, measured: 85-93 ns" },
	{ "hand-over", offsetof(struct cost_model, hand_over), 90,
	  "the waiter's look and its store: a round trip of a line, 85-93 ns" },
	{ "ipi", offsetof(struct cost_model, ipi), 2700,
	  "a bare interrupt on 16 cores: 2.7 us (LATR, ASPLOS 2018)" },
	{ "wake", offsetof(struct cost_model, wake), 23000,
	  "half of a futex wake and wait round trip, measured: 46 us" },
	{ "grace", offsetof(struct cost_model, grace), 1000000,
	  "chosen: a tick or so" },
	{ "slice", offsetof(struct cost_model, slice), 1000000,
	  "chosen: a tick" },
	{ .name = NULL },
};

void cost_model_default(struct cost_model *model)
{
	for (const struct cost_constant *c = cost_constants; c->name; c++)
		*(u32 *)((char *)model + c->offset) = c->ns;
}

int cost_times_init(struct cost_times *t, const struct cost_model *model, unsigned int nr_cpus)
{
	memset(t, 0, sizeof(*t));
	t->model = *model;
	t->nr_cpus = nr_cpus;
	t->end = U64_MAX;
	t->room = ROOM_MIN;
	t->cpu = calloc(nr_cpus, sizeof(*t->cpu));
	t->line = calloc(t->room, sizeof(*t->line));
	for (unsigned int i = 0; t->cpu && i < nr_cpus; i++)
		t->cpu[i].slice_end = model->slice;
	if (t->cpu && t->line)
		return 0;
	cost_times_free(t);
	return -ENOMEM;
}

void cost_times_free(struct cost_times *t)
{
	free(t->cpu);
	free(t->line);
	t->cpu = NULL;
	t->line = NULL;
}

u64 cost_now(const struct cost_times *t)
{
	u64 now = 0;

	for (unsigned int i = 0; i < t->nr_cpus; i++)
		now = max(now, t->cpu[i].clock);
	return now;
}

/* ---- lines ---- */

static size_t home_of(size_t room, const void *obj)
{
	return (size_t)(((u64)(uintptr_t)obj >> 2) * 0x9e3779b97f4a7c15ULL >> 24) & (room - 1);
}

static struct cost_line *find(struct cost_line *line, size_t room, const void *obj)
{
	size_t i = home_of(room, obj);

	while (line[i].obj && line[i].obj != obj)
		i = (i + 1) & (room - 1);
	return &line[i];
}

/* Without more room the table is emptied: the figures are void, the run goes on. */
static void grow(struct cost_times *t)
{
	struct cost_line *more;

	/* Any vCPU may be the one: to TSan they are threads without order. */
	tsan_ignore_writes_begin();
	more = calloc(2 * t->room, sizeof(*more));
	for (size_t i = 0; more && i < t->room; i++) {
		if (t->line[i].obj)
			*find(more, 2 * t->room, t->line[i].obj) = t->line[i];
	}
	if (more) {
		free(t->line);
		t->line = more;
		t->room *= 2;
	} else {
		memset(t->line, 0, t->room * sizeof(*t->line));
		t->nr_lines = 0;
		t->lost = true;
	}
	tsan_ignore_writes_end();
}

static struct cost_line *line_of(struct cost_times *t, const void *obj)
{
	struct cost_line *line = find(t->line, t->room, obj);

	if (line->obj)
		return line;
	if (2 * ++t->nr_lines > t->room) {
		grow(t);
		line = find(t->line, t->room, obj);
	}
	line->obj = obj;
	return line;
}

static void forget(struct cost_times *t, struct cost_line *line)
{
	size_t mask = t->room - 1, hole = (size_t)(line - t->line), i = hole;

	while (t->line[i = (i + 1) & mask].obj) {
		size_t home = home_of(t->room, t->line[i].obj);

		if (((i - home) & mask) < ((i - hole) & mask))
			continue;
		t->line[hole] = t->line[i];
		hole = i;
	}
	memset(&t->line[hole], 0, sizeof(t->line[hole]));
	t->nr_lines--;
}

void cost_forget(struct cost_times *t, const void *p, size_t size)
{
	for (size_t off = 0; off < size; off += ALIGNMENT) {
		struct cost_line *line = find(t->line, t->room, (const char *)p + off);

		if (line->obj)
			forget(t, line);
	}
}

static bool untouched(const struct cost_line *line)
{
	for (unsigned int i = 0; i < CPUMASK_WORDS; i++) {
		if (line->sharer[i])
			return false;
	}
	return true;
}

static bool shared_by(const struct cost_line *line, unsigned int cpu)
{
	return line->sharer[cpu / 64] >> (cpu % 64) & 1;
}

static bool alone(const struct cost_line *line, unsigned int cpu)
{
	for (unsigned int i = 0; i < CPUMASK_WORDS; i++) {
		if (line->sharer[i] != (i == cpu / 64 ? 1ULL << (cpu % 64) : 0))
			return false;
	}
	return true;
}

static void transfer(struct cost_times *t, struct cost_cpu *cpu, const struct cost_line *line)
{
	t->counts.lines++;
	if (line->free_at > cpu->clock) {
		t->counts.line_waits++;
		cpu->clock = line->free_at;
	}
	cpu->clock += t->model.line;
}

static void read_line(struct cost_times *t, unsigned int nr, const void *obj)
{
	struct cost_line *line = line_of(t, obj);

	if (!untouched(line) && !shared_by(line, nr))
		transfer(t, &t->cpu[nr], line);
	line->sharer[nr / 64] |= 1ULL << (nr % 64);
}

static void write_line(struct cost_times *t, unsigned int nr, const void *obj, unsigned int cost)
{
	struct cost_line *line = line_of(t, obj);

	if (!untouched(line) && !alone(line, nr))
		transfer(t, &t->cpu[nr], line);
	memset(line->sharer, 0, sizeof(line->sharer));
	line->sharer[nr / 64] = 1ULL << (nr % 64);
	line->free_at = t->cpu[nr].clock + cost;
}

/* ---- steps ---- */

static void charge_step(struct cost_times *t, const struct sched_choice *step)
{
	struct cost_cpu *cpu = &t->cpu[step->cpu];
	unsigned int cost = sched_cost(step->kind);

	/* All kinds: a new one must say what its line does. */
	switch ((enum sched_kind)step->kind) {
	case SCHED_LOCK:
	case SCHED_UNLOCK:
	case SCHED_ATOMIC:
	case SCHED_ATOMIC_RELAXED:
	case SCHED_STORE:
		if (step->obj)
			write_line(t, step->cpu, step->obj, cost);
		break;
	case SCHED_LOAD:
	case SCHED_PTE:
	case SCHED_ACCESS:
		if (step->obj)
			read_line(t, step->cpu, step->obj);
		break;
	case SCHED_RCU:
	case SCHED_IPI:
	case SCHED_WAIT:
	case SCHED_TLB:
	case SCHED_ALLOC:
	case SCHED_WINDOW:
	case NR_SCHED_KINDS:
		break;
	}
	cpu->clock += cost;
}

/* When it can happen. */
static u64 due(struct cost_times *t, const struct sched_choice *c, unsigned int cur)
{
	struct cost_cpu *cpu = &t->cpu[c->cpu];

	switch (c->event) {
	case SCHED_IRQ:
		/* Whoever was on has just sent it, or has just let it in. */
		if (!cpu->irq_at)
			cpu->irq_at = 1 + t->cpu[cur].clock + (c->cpu == cur ? 0 : t->model.ipi);
		return max(cpu->clock, cpu->irq_at);
	case SCHED_GRACE:
		if (!cpu->grace_at)
			cpu->grace_at = 1 + t->cpu[cur].clock + t->model.grace;
		return max(cpu->clock, cpu->grace_at);
	case SCHED_TICK:
		return max(cpu->clock, cpu->slice_end);
	default:
		return cpu->clock;
	}
}

static void charge(struct cost_times *t, const struct sched_choice *c, u64 at)
{
	struct cost_cpu *cpu = &t->cpu[c->cpu];

	cpu->clock = at;
	switch (c->event) {
	case SCHED_RUN:
		charge_step(t, c);
		break;
	case SCHED_IRQ:
		cpu->irq_at = 0;
		t->counts.ipis++;
		break;
	case SCHED_GRACE:
		cpu->grace_at = 0;
		break;
	case SCHED_TICK:
		cpu->slice_end = at + t->model.slice;
		break;
	default:
		break;
	}
}

/*
 * What is due when its vCPU would go on comes first: that vCPU is always as early, and an
 * interrupt would wait until it sleeps.  A fill or a store that comes out is never due.
 */
static bool interrupts(const struct sched_choice *c, const struct sched_choice *other)
{
	return other->event == SCHED_RUN && (c->event == SCHED_IRQ || c->event == SCHED_TICK ||
					     c->event == SCHED_GRACE);
}

unsigned int cost_choose(struct cost_times *t, const struct sched_choices *c, unsigned int cur)
{
	u64 first = due(t, &c->choice[0], cur);
	unsigned int best = 0;

	for (unsigned int i = 1; i < c->nr; i++) {
		u64 at = due(t, &c->choice[i], cur);

		if (at < first || (at == first && interrupts(&c->choice[i], &c->choice[best]))) {
			first = at;
			best = i;
		}
	}
	charge(t, &c->choice[best], first);
	if (unlikely(first >= t->end)) {
		t->end = U64_MAX;
		t->over(t->arg);
	}
	return best;
}

void cost_wake(struct cost_times *t, unsigned int cpu, unsigned int cur, bool idle)
{
	u64 at = t->cpu[cur].clock + (idle ? t->model.wake : t->model.hand_over);

	if (idle)
		t->counts.wakes++;
	else
		t->counts.hand_overs++;
	t->cpu[cpu].clock = max(t->cpu[cpu].clock, at);
}
