/* SPDX-License-Identifier: MIT */
/*
 * What to say of a controlled run that is stuck: who waits for what, and who has it.
 *
 * Owns nothing.  Called from the host's side with every vCPU stopped for good, so it
 * looks at whatever it likes, without locks; lets the vCPUs go on only to see whether
 * they need have waited.  Must not let an address into a title.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/atomic.h"
#include "base/finding.h"
#include "hw/machine.h"
#include "kern/internal.h"

#define STORY_TASKS	32

/* The text of the finding, as it grows, and whom it is about. */
struct story {
	struct machine	*machine;
	struct task_struct *task[STORY_TASKS];
	unsigned int	nr_tasks;
	size_t		len;
	char		text[1800];
};

static void say(struct story *s, const char *fmt, ...) __printf(2, 3);
static void say(struct story *s, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(s->text + s->len, sizeof(s->text) - s->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		s->len = min(s->len + (size_t)n, sizeof(s->text) - 1);
}

#if MM_CHECK
/* Lockdep notes a lock before it is waited for: it is on top, and not held yet. */
static unsigned int nr_held(const struct sched_ctx *ctx)
{
	unsigned int nr = ctx->locks.depth;

	return nr && ctx->waits_for && ctx->locks.held[nr - 1].lock == ctx->waits_for ? nr - 1 : nr;
}
#endif

static void say_if_holder(struct story *s, const void *wanted, const struct sched_ctx *ctx,
			  const char *who, u64 nr)
{
#if MM_CHECK
	for (unsigned int i = 0; i < nr_held(ctx); i++) {
		if (ctx->locks.held[i].lock == wanted)
			say(s, ", which is %s, held by %s %llu", ctx->locks.held[i].name, who, nr);
	}
#endif
}

static void say_holders(struct story *s, const void *lock)
{
	for (unsigned int i = 0; lock && i < s->nr_tasks; i++)
		say_if_holder(s, lock, &s->task[i]->sched, "task", s->task[i]->id);
	for (unsigned int i = 0; lock && i < s->machine->nr_cpus; i++)
		say_if_holder(s, lock, &s->machine->cpus[i]->host_ctx, "idle vCPU", i);
}

static void say_locks(struct story *s, const struct sched_ctx *ctx)
{
#if MM_CHECK
	for (unsigned int i = 0; i < nr_held(ctx); i++)
		say(s, "%s%s", i ? " " : "; holds ", ctx->locks.held[i].name);
#endif
}

static void say_sleeper(struct story *s, const struct task_struct *task)
{
	if (task->run != TASK_BLOCKED)
		return;
	say(s, "task %llu sleeps, on vCPU %u when last seen", task->id, task->last_cpu);
	say_holders(s, task->sched.waits_for);
	say_locks(s, &task->sched);
	say(s, "\n");
}

static void say_cpu(struct story *s, const struct vcpu *cpu)
{
	const struct control_cpu *cc = &s->machine->control->cpu[cpu->nr];

	say(s, "vCPU %u", cpu->nr);
	if (cpu->current_task)
		say(s, ", task %llu,", cpu->current_task->id);
	if (cc->blocked)
		say(s, " waits for: %s", cc->what);
	else
		say(s, " could go on");
	say_holders(s, cc->blocked);
	say_locks(s, cpu->sched.ctx);
	if (cpu->sched.irq_off)
		say(s, "; interrupts off");
	if (cpu->sched.rcu.nest)
		say(s, "; in an RCU read section");
	say(s, "\n");
}

static void say_everybody(struct story *s)
{
	for (unsigned int i = 0; i < s->machine->nr_cpus; i++)
		say_cpu(s, s->machine->cpus[i]);
	for (unsigned int i = 0; i < s->nr_tasks; i++)
		say_sleeper(s, s->task[i]);
}

static void find_task(struct task_struct *task, void *arg)
{
	struct story *s = arg;

	if (s->nr_tasks < STORY_TASKS)
		s->task[s->nr_tasks++] = task;
}

/* ---- lost wake-ups ---- */

/* How far everybody has got. */
struct progress {
	u64	waits_done;	/* by all tasks */
	unsigned int live;
	u64	step[STRATEGY_CPUS];
	const void *blocked[STRATEGY_CPUS];
};

static void add_waits_done(struct task_struct *task, void *arg)
{
	struct progress *p = arg;

	p->waits_done += task->sched.waits_done;
}

static void take_progress(struct machine *m, struct progress *p)
{
	p->waits_done = 0;
	p->live = kern_nr_tasks(m);
	kern_for_each_task(m, add_waits_done, p);
	for (unsigned int i = 0; i < m->nr_cpus; i++) {
		p->step[i] = m->control->cpu[i].step;
		p->blocked[i] = m->control->cpu[i].blocked;
	}
}

/* As a wake that nobody meant: whoever gets one looks at its condition, and sleeps again. */
static void nudge(struct task_struct *task, void *arg)
{
	(void)arg;
	if (task->run == TASK_BLOCKED) {
		raw_store_order(&task->sched.state, (u32)CTX_RUNNING, __ATOMIC_SEQ_CST);
		kern_wake(&task->sched);
	}
}

/*
 * Everybody waits.  Let all look once more at what they wait for: if one finds that it
 * need not, then somebody made its condition true and did not say so.
 */
static bool wakeup_was_lost(struct machine *m)
{
	struct control *c = m->control;
	struct progress before, after;

	take_progress(m, &before);
	c->config.strategy = NULL;
	c->config.record = NULL;
	c->config.max_points += CONTROL_MAX_POINTS;
	for (unsigned int i = 0; i < m->nr_cpus; i++)
		c->cpu[i].blocked = NULL;
	if (control_run(c) != CONTROL_QUIET)
		return true;
	for (unsigned int i = 0; i < m->nr_cpus; i++) {
		/* One look in vain is one step. */
		if (c->cpu[i].step != before.step[i] + 1 ||
		    c->cpu[i].blocked != before.blocked[i])
			return true;
	}
	kern_for_each_task(m, nudge, NULL);
	if (control_run(c) != CONTROL_QUIET)
		return true;
	take_progress(m, &after);
	return after.waits_done != before.waits_done || after.live != before.live;
}

static const char *title(struct machine *m, enum control_end end)
{
	if (end == CONTROL_LIMIT)
		return "LIVE: livelock: the run does not end";
	return wakeup_was_lost(m) ? "LIVE: lost wake-up" : "LIVE: deadlock";
}

void kern_report_stuck(struct machine *m, enum control_end end)
{
	u64 points = m->control->stats.points;
	struct story s = { .machine = m };

	kern_for_each_task(m, find_task, &s);
	say_everybody(&s);
	finding_report_to(&m->sink, FINDING_LIVE, title(m, end), "after %llu points:\n%s",
			  points, s.text);
}
