/* SPDX-License-Identifier: MIT */
/*
 * The controlled machine: who goes on, and what happens to whom, at every point.
 *
 * Owns struct control.  No lock: one thread runs everything.  A vCPU that has stopped is
 * inside decide(), on the stack that it used; who decides next may be any other, and
 * switches straight to the chosen one.  What is chosen for a vCPU (its interrupts, its
 * callbacks) it does itself, on its own stack, where it stopped; that has points of its
 * own and may stop in decide() again, so struct control_cpu is put back afterwards.
 *
 * Compiled without ThreadSanitizer, and a switch between vCPUs orders nothing for it: to
 * it they are as free of each other as threads, so a race is a race in every schedule.
 * Must never look at a host clock, draw a random number, or let an address decide.
 */
#include "hw/control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "base/atomic.h"
#include "base/bug.h"
#include "base/prng.h"
#include "base/tsan.h"
#include "hw/ipi.h"
#include "hw/machine.h"
#include "hw/mmu.h"
#include "sync/rcu.h"

static struct control *control_of(const struct sched_cpu *sched)
{
	return ((const struct vcpu *)sched)->machine->control;
}

static struct vcpu *nth_cpu(const struct control *c, unsigned int nr)
{
	return c->machine->cpus[nr];
}

static void hash_in(struct control *c, u64 word)
{
	u64 h = (c->stats.hash ^ word) * 0x9e3779b97f4a7c15ULL;

	c->stats.hash = h ^ h >> 29;
}

/* ---- what may happen ---- */

static bool can_tick(const struct control *c, const struct vcpu *cpu)
{
	return c->cpu[cpu->nr].ticked != c->cpu[cpu->nr].step && !c->cpu[cpu->nr].busy &&
	       (READ_ONCE(cpu->sched.local.attn) & ATTN_RESCHED) &&
	       cpu->current_task && vcpu_preemptible(cpu) &&
	       cpu->sched.ctx->state == CTX_RUNNING;
}

static bool can_end_grace(const struct vcpu *cpu)
{
	return cpu->sched.rcu.batch && vcpu_preemptible(cpu) && rcu_batch_ready(&cpu->sched);
}

/*
 * The page that the vCPU accessed last, if it has been flushed since, else one of its
 * neighbours: what a program is at work on is where a fill can do harm.
 */
static unsigned long fill_page(struct vcpu *cpu)
{
	static const long offset[] = { 0, 1, -1 };

	if (cpu->root_pfn == NO_ROOT || !cpu->fill_near || cpu->in_access)
		return 0;
	for (unsigned int i = 0; i < ARRAY_SIZE(offset); i++) {
		unsigned long va = cpu->fill_near + (unsigned long)offset[i] * PAGE_SIZE;

		if (!tlb_lookup(&cpu->tlb, cpu->pcid, va))
			return va;
	}
	return 0;
}

static void add(struct control *c, unsigned int *nr, unsigned int cpu, enum sched_event event)
{
	struct sched_choice *choice = &c->choice[(*nr)++];
	struct control_cpu *cc = &c->cpu[cpu];

	choice->cpu = (u16)cpu;
	choice->event = (u8)event;
	choice->kind = cc->kind;
	choice->step = cc->step;
	choice->obj = event == SCHED_RUN ? cc->obj : NULL;
}

/* A store of its comes out: each time another thing to choose. */
static void add_drain(struct control *c, unsigned int *nr, unsigned int cpu,
		      enum sched_event event, const void *obj)
{
	if (!obj)
		return;
	add(c, nr, cpu, event);
	c->choice[*nr - 1].step = c->stores->cpu[cpu].drained;
	c->choice[*nr - 1].obj = obj;
}

static void gather_drains(struct control *c, unsigned int *nr, unsigned int cpu)
{
	add_drain(c, nr, cpu, SCHED_DRAIN, store_buffer_oldest(c->stores, cpu));
	add_drain(c, nr, cpu, SCHED_OVERTAKE, store_buffer_newest(c->stores, cpu));
}

static void gather_run(struct control *c, unsigned int *nr, unsigned int cpu)
{
	if (!c->cpu[cpu].blocked && !c->cpu[cpu].ended)
		add(c, nr, cpu, SCHED_RUN);
}

/* Interrupts and the like; returns whether hardware might fill its TLB besides. */
static void gather_events(struct control *c, unsigned int *nr, unsigned int cpu)
{
	const struct vcpu *v = nth_cpu(c, cpu);
	u32 attn = READ_ONCE(v->sched.local.attn);

	if (c->cpu[cpu].ended || c->cpu[cpu].loads)
		return;
	if (unlikely(attn)) {
		if (ipi_deliverable(v))
			add(c, nr, cpu, SCHED_IRQ);
		if (can_tick(c, v))
			add(c, nr, cpu, SCHED_TICK);
	}
	if (can_end_grace(v))
		add(c, nr, cpu, SCHED_GRACE);
}

/* The vCPUs in a ring; of numbers below twice theirs, without a division. */
static unsigned int around(unsigned int nr, unsigned int n)
{
	return nr < n ? nr : nr - n;
}

static void gather_fills(struct control *c, unsigned int *nr)
{
	for (unsigned int i = 0; i < c->machine->nr_cpus; i++) {
		if (!c->cpu[i].ended && !c->cpu[i].loads && fill_page(nth_cpu(c, i)))
			add(c, nr, i, SCHED_FILL);
	}
}

/* In virtual time only the vCPU whose clock is least is asked. */
static void gather_first(struct control *c, unsigned int *nr)
{
	const struct cost_cpu *cost = c->config.times->cpu;
	unsigned int n = c->machine->nr_cpus, first = n;

	for (unsigned int i = 0; i < n; i++) {
		if (!c->cpu[i].blocked && !c->cpu[i].ended &&
		    (first == n || cost[i].clock < cost[first].clock))
			first = i;
	}
	if (first < n)
		add(c, nr, first, SCHED_RUN);
}

/*
 * All of them, the default first: who ran goes on, or else the next that can (with
 * others, the next in any case), or else the first of the events.
 */
static unsigned int gather(struct control *c, bool others)
{
	unsigned int n = c->machine->nr_cpus, first = c->cur + others, nr = 0;

	if (c->config.times)
		gather_first(c, &nr);
	for (unsigned int i = 0; i < n && !c->config.times; i++)
		gather_run(c, &nr, around(first + i, n));
	for (unsigned int i = 0; i < n; i++)
		gather_events(c, &nr, around(first + i, n));
	for (unsigned int i = 0; c->stores && c->stores->pending && i < n; i++)
		gather_drains(c, &nr, around(first + i, n));
	if (nr && c->fills_left)
		gather_fills(c, &nr);
	return nr;
}

/* ---- choosing ---- */

static const struct sched_choice *choose(struct control *c, unsigned int nr)
{
	struct sched_choices list = {
		.decision = c->stats.decisions, .nr = nr, .choice = c->choice,
		.runner = c->runner, .resume = c->resume,
	};
	unsigned int i = 0;

	if (c->config.times)
		return &c->choice[cost_choose(c->config.times, &list, c->cur)];
	if (c->config.strategy && (nr > 1 || c->exhaust))
		i = strategy_choose(c->config.strategy, &list);
	if (c->choice[i].event == SCHED_RUN || c->choice[i].event == SCHED_TICK)
		c->runner = c->choice[i].cpu;
	if (nr == 1)
		return c->choice;
	if (i && c->config.record)
		schedule_add(c->config.record, list.decision, c->choice[i].cpu,
			     c->choice[i].event);
	c->stats.decisions++;
	hash_in(c, (u64)nr << 32 | (u64)c->choice[i].cpu << 8 | c->choice[i].event);
	return &c->choice[i];
}

/* Stores come out here and now; returns what a vCPU is to do, NULL: nothing can happen. */
static const struct sched_choice *choose_next(struct control *c, bool others)
{
	const struct sched_choice *next;
	unsigned int nr;

	while ((nr = gather(c, others))) {
		next = choose(c, nr);
		if (next->event == SCHED_DRAIN)
			store_buffer_drain(c->stores, next->cpu);
		else if (next->event == SCHED_OVERTAKE)
			store_buffer_overtake(c->stores, next->cpu);
		else
			break;
	}
	if (!nr)
		return NULL;
	c->event = next->event;
	return next;
}

/* ---- switching ---- */

/* From what runs here (NULL: the host thread) to vCPU @nr. */
static void switch_to(struct control *c, struct fiber *from, unsigned int nr)
{
	struct vcpu *to = nth_cpu(c, nr);

	c->cur = nr;
	this_cpu_bind(&to->sched.local);
	fiber_switch_unordered(from, to->fiber);
}

/* The run stops here, perhaps to be taken up again. */
static void back_to_host(struct control *c, struct fiber *from, enum control_end end)
{
	c->end = end;
	this_cpu_bind(NULL);
	fiber_switch_unordered(from, &c->host);
}

static void cut_off(struct control *c, enum control_end end)
{
	back_to_host(c, nth_cpu(c, c->cur)->fiber, end);
	MM_BUG();	/* nobody may go on */
}

/* ---- what a vCPU does besides going on ---- */

static void fill(struct control *c, struct vcpu *cpu)
{
	unsigned long va = fill_page(cpu);

	c->fills_left--;
	c->cpu[cpu->nr].fills++;
	if (va)
		mmu_speculate(cpu, va);
}

static void do_event(struct control *c, struct vcpu *cpu, enum sched_event event)
{
	struct control_cpu *cc = &c->cpu[cpu->nr];
	struct control_cpu before = *cc;
	unsigned int runner = c->runner;
	u64 resume = hash64(runner, cpu->nr, event);

	/* A tick ends when the task has its next turn: who went on before it is long gone. */
	if (event != SCHED_TICK) {
		c->runner = cpu->nr;
		c->resume += resume;
	}
	/* Whatever it waits for, it looks again afterwards. */
	cc->blocked = NULL;
	switch (event) {
	case SCHED_IRQ:
		ipi_take(cpu);
		break;
	case SCHED_TICK:
		cc->ticked = cc->step;
		sched_turn_over();
		break;
	case SCHED_GRACE:
		rcu_batch_end();
		break;
	case SCHED_FILL:
		fill(c, cpu);
		break;
	default:
		MM_BUG();
	}
	if (event != SCHED_TICK) {
		c->resume -= resume;
		if (c->runner == cpu->nr)
			c->runner = runner;
	}
	/* After a tick another vCPU may be ours. */
	cc = &c->cpu[this_cpu()->nr];
	cc->blocked = NULL;
	cc->kind = before.kind;
	cc->obj = before.obj;
}

/* ---- deciding ---- */

/* What was chosen has been done, and nothing else has been chosen yet. */
static void step_end(struct control *c)
{
	if (unlikely(c->exhaust))
		exhaust_step_end(c->exhaust);
}

/* The caller's vCPU has stopped; returns when it is to go on. */
static void decide(struct control *c, bool others)
{
	for (;;) {
		struct vcpu *self = nth_cpu(c, c->cur);
		const struct sched_choice *next = choose_next(c, others);

		if (!next)
			back_to_host(c, self->fiber, CONTROL_QUIET);
		else if (next->cpu != c->cur)
			switch_to(c, self->fiber, next->cpu);
		if (c->event == SCHED_RUN)
			return;
		do_event(c, this_cpu(), c->event);
		step_end(c);
		others = false;
	}
}

static void step(struct control *c, struct control_cpu *cc, enum sched_kind kind, const void *obj)
{
	struct vcpu *cpu = nth_cpu(c, c->cur);

	if (unlikely(c->config.watch))
		c->config.watch(c->config.watch_arg, cpu, kind, obj);
	step_end(c);
	if (unlikely(++c->stats.points > c->config.max_points))
		cut_off(c, CONTROL_LIMIT);
	cc->kind = (u8)kind;
	cc->obj = obj;
	cc->step++;
	hash_in(c, cpu->sched.local.clock << 16 | (u64)cpu->nr << 8 | (u64)kind);
}

/* What the operation that comes next says of stores before it (sync/store_buffer.h). */
static void order_stores(struct control *c, enum sched_kind kind, const void *obj)
{
	switch (kind) {
	case SCHED_ATOMIC:
	case SCHED_LOCK:
	case SCHED_WAIT:
		(void)store_buffer_locked(c->stores, c->cur, obj);
		break;
	case SCHED_ATOMIC_RELAXED:
		store_buffer_relaxed(c->stores, c->cur, obj);
		break;
	case SCHED_IPI:
	case SCHED_TLB:
	case SCHED_ACCESS:
		store_buffer_barrier(c->stores, c->cur);
		break;
	default:
		break;
	}
}

static void control_point(struct sched_cpu *sched, enum sched_kind kind, const void *obj)
{
	struct control *c = control_of(sched);

	step(c, &c->cpu[sched->local.id], kind, obj);
	decide(c, false);
	if (c->stores)
		order_stores(c, kind, obj);
}

static void control_load(struct sched_cpu *sched, const void *obj)
{
	struct control *c = control_of(sched);
	struct control_cpu *cc = &c->cpu[sched->local.id];

	cc->loads = true;
	step(c, cc, SCHED_LOAD, obj);
	decide(c, false);
	cc->loads = false;
}

static void control_wait(struct sched_cpu *sched, const void *obj, const char *what)
{
	struct control *c = control_of(sched);
	struct control_cpu *cc = &c->cpu[sched->local.id];

	/* What it waits for may have happened, and be on its way: it looks again at once. */
	if (c->stores && store_buffer_locked(c->stores, c->cur, obj))
		return;
	cc->what = what;
	step(c, cc, SCHED_WAIT, obj);
	cc->blocked = obj;
	sched->ctx->waits_for = obj;
	cc->busy = true;
	decide(c, false);
	cc->busy = false;
	if (c->stores)
		order_stores(c, SCHED_WAIT, obj);
	this_sched_cpu()->ctx->waits_for = NULL;
}

static void control_changed(struct sched_cpu *sched, const void *obj)
{
	struct control *c = control_of(sched);

	sched_touch(obj, false);
	for (unsigned int i = 0; i < c->machine->nr_cpus; i++) {
		if (c->cpu[i].blocked != obj)
			continue;
		c->cpu[i].blocked = NULL;
		if (c->config.times)
			cost_wake(c->config.times, i, c->cur, obj == &nth_cpu(c, i)->kicked);
	}
}

static void control_yield(struct sched_cpu *sched)
{
	struct control *c = control_of(sched);
	struct control_cpu *cc = &c->cpu[sched->local.id];

	step(c, cc, SCHED_WAIT, NULL);
	cc->busy = true;
	/* Anybody may go on now. */
	if (c->runner == sched->local.id)
		c->runner = STRATEGY_CPUS;
	decide(c, true);
	cc->busy = false;
}

static void control_fresh(struct sched_cpu *sched, const void *obj, size_t size)
{
	struct control *c = control_of(sched);

	if (c->config.times)
		cost_forget(c->config.times, obj, size);
}

static void control_touch(struct sched_cpu *sched, const void *obj, bool write)
{
	exhaust_touch(control_of(sched)->exhaust, obj, write);
}

static const struct sched_control control_ops = {
	.point		= control_point,
	.wait		= control_wait,
	.changed	= control_changed,
	.yield		= control_yield,
	.load		= control_load,
	.fresh		= control_fresh,
	.touch		= control_touch,
};

/* ---- a vCPU's life ---- */

static void fiber_body(void *arg)
{
	struct vcpu *cpu = arg;
	struct control *c = cpu->machine->control;
	const struct sched_choice *next;

	tsan_acquire(&c->begin);
	this_cpu_bind(NULL);
	vcpu_enter(cpu);
	c->main(cpu);
	vcpu_leave(cpu);
	tsan_release(&c->finish);
	c->cpu[cpu->nr].ended = true;
	step_end(c);
	next = choose_next(c, false);
	if (next)
		switch_to(c, cpu->fiber, next->cpu);
	back_to_host(c, cpu->fiber, CONTROL_QUIET);
	MM_BUG();
}

/* ---- from the host's side ---- */

static void arm(struct control *c, struct vcpu *cpu)
{
	cpu->sched.control = &control_ops;
	cpu->sched.stores = cpu->machine->control->stores;
	cpu->sched.local.weak = cpu->sched.stores;
	cpu->fill_near = 0;
	/* Every access says where it was (hw/access.c). */
	if (c->config.fills)
		cpu->speculate_at = 0;
	if (c->exhaust)
		vcpu_attn(cpu, ATTN_WATCH);
}

static void disarm(struct vcpu *cpu)
{
	cpu->sched.control = NULL;
	cpu->sched.stores = NULL;
	cpu->sched.local.weak = false;
	cpu->sched.local.attn &= ~(u32)ATTN_WATCH;
	fiber_reset(cpu->fiber);
	cpu->fiber = NULL;
	vcpu_new_turn(cpu);
	vcpu_next_speculation(cpu);
}

int control_start(struct machine *m, const struct control_config *config,
		  void (*main)(struct vcpu *cpu), struct fiber *(*stack)(struct vcpu *cpu))
{
	struct control *c;

	if (m->nr_cpus > STRATEGY_CPUS)
		return -EINVAL;
	c = machine_zalloc(m, sizeof(*c) + m->nr_cpus * (sizeof(c->cpu[0]) +
							 NR_SCHED_EVENTS * sizeof(*c->choice)), 0);
	if (!c)
		return -ENOMEM;
	c->choice = (struct sched_choice *)&c->cpu[m->nr_cpus];
	c->machine = m;
	c->config = *config;
	if (!c->config.max_points)
		c->config.max_points = CONTROL_MAX_POINTS;
	c->fills_left = config->fills;
	c->stores = store_buffers_create(config->memory, m->nr_cpus);
	if (config->memory != MEMORY_SC && !c->stores) {
		machine_free(m, c);
		return -ENOMEM;
	}
	c->runner = STRATEGY_CPUS;
	c->exhaust = strategy_exhaust(config->strategy);
	c->main = main;
	for (unsigned int i = 0; i < m->nr_cpus; i++) {
		struct fiber *fiber = stack(m->cpus[i]);

		fiber_take_stack(fiber, machine_spare_stacks(m), m->config.stack_size);
		if (fiber_create(fiber, fiber_body, m->cpus[i], m->config.stack_size)) {
			while (i--)
				fiber_reset(m->cpus[i]->fiber);
			free(c->stores);
			machine_free(m, c);
			return -ENOMEM;
		}
		m->cpus[i]->fiber = fiber;
	}
	m->control = c;
	for (unsigned int i = 0; i < m->nr_cpus; i++)
		arm(c, m->cpus[i]);
	fiber_init_thread(&c->host);
	tsan_release(&c->begin);
	return 0;
}

enum control_end control_run(struct control *c)
{
	const struct sched_choice *next;

	c->end = CONTROL_QUIET;
	next = choose_next(c, false);
	if (next)
		switch_to(c, &c->host, next->cpu);
	tsan_acquire(&c->finish);
	return c->end;
}

/* As each of them in turn, which only ThreadSanitizer can be: no stack is left. */
void control_freeze(struct control *c)
{
	for (unsigned int i = 0; i < c->machine->nr_cpus; i++) {
		tsan_switch_to_fiber(nth_cpu(c, i)->fiber->tsan, TSAN_SWITCH_NO_SYNC);
		tsan_release(&c->finish);
	}
	tsan_switch_to_fiber(c->host.tsan, TSAN_SWITCH_NO_SYNC);
	tsan_acquire(&c->finish);
}

void control_abandon(struct machine *m)
{
	cut_off(m->control, CONTROL_ABANDONED);
	MM_BUG();
}

void control_stop(struct machine *m, struct control_stats *stats)
{
	struct control *c = m->control;

	if (stats)
		*stats = c->stats;
	for (unsigned int i = 0; i < m->nr_cpus; i++)
		disarm(m->cpus[i]);
	m->control = NULL;
	free(c->stores);
	machine_free(m, c);
}
