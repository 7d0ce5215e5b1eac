/* SPDX-License-Identifier: MIT */
/* room: mm_sync */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>


#include "../litmus/rig.h"
#include "base/atomic.h"
#include "sync/irqflags.h"
#include "sync/wait.h"

static unsigned int served, turns, slept, woken;

static void serve(void)
{
	__atomic_fetch_and(&this_cpu_local()->attn, ~ATTN_IRQ, __ATOMIC_RELAXED);
	served++;
}

static void over(void)
{
	struct cpu_local *local = this_cpu_local();

	__atomic_fetch_and(&local->attn, ~(ATTN_RESCHED | ATTN_STOP), __ATOMIC_RELAXED);
	local->turn_end = local->clock + 1000;
	turns++;
}

static void sleep_and_wake(struct sched_ctx *self)
{
	slept++;
	self->wake_clock = 123456;
	self->state = CTX_RUNNING;
}

static void wake(struct sched_ctx *ctx)
{
	woken++;
}

static void relax(unsigned int spins)
{
}

static const struct sched_ops ops = {
	.sleep = sleep_and_wake, .wake = wake, .serve_irqs = serve, .turn_over = over,
	.relax = relax,
};

static int setup(void **state)
{
	struct rig *rig = rig_create(1, &ops, true, 0);

	rig_bind(rig, 0);
	served = turns = slept = woken = 0;
	*state = rig;
	return 0;
}

static int teardown(void **state)
{
	struct rig *rig = *state;

	rig_unbind();
	rig_destroy(rig);
	return 0;
}

static void interrupts_wait_until_they_are_on(void **state)
{
	unsigned long flags, inner;

	local_irq_save(flags);
	local_irq_save(inner);
	__atomic_fetch_or(&this_cpu_local()->attn, ATTN_IRQ, __ATOMIC_RELAXED);
	sched_point_slow(SCHED_LOAD, NULL);
	sched_relax(0);
	local_irq_restore(inner);
	assert_int_equal(served, 0);
	local_irq_restore(flags);
	assert_int_equal(served, 1);
	local_irq_disable();
	local_irq_enable();
	assert_int_equal(served, 1);
	__atomic_fetch_or(&this_cpu_local()->attn, ATTN_IRQ, __ATOMIC_RELAXED);
	sched_point_slow(SCHED_LOAD, NULL);
	assert_int_equal(served, 2);
	__atomic_fetch_or(&this_cpu_local()->attn, ATTN_IRQ, __ATOMIC_RELAXED);
	sched_relax(0);
	assert_int_equal(served, 3);
}

static void handlers_are_not_disturbed(void **state)
{
	struct rig *rig = *state;
	struct sched_cpu *cpu = &rig->cpu[0].sched;
	struct sched_ctx *interrupted;

	interrupted = sched_irq_enter(cpu, true);
	assert_ptr_equal(interrupted, &rig->cpu[0].ctx);
	assert_ptr_equal(cpu->ctx, &cpu->irq_ctx);
	assert_true(in_interrupt());
	assert_true(irqs_disabled());
	__atomic_fetch_or(&cpu->local.attn, ATTN_IRQ | ATTN_RESCHED, __ATOMIC_RELAXED);
	sched_point_slow(SCHED_LOAD, NULL);
	sched_relax(0);
	assert_int_equal(served + turns, 0);
	sched_irq_exit(cpu, interrupted);
	assert_false(in_interrupt());
	sched_point_slow(SCHED_LOAD, NULL);
	assert_int_equal(served, 1);
	assert_int_equal(turns, 1);
}

#if MM_POINTS
static void clock_ends_turns(void **state)
{
	struct rig *rig = *state;
	struct cpu_local *local = &rig->cpu[0].sched.local;
	u64 clock = local->clock;

	local->turn_end = clock + 100;
	sched_point(SCHED_LOCK, NULL);
	assert_int_equal(local->clock, clock + sched_cost(SCHED_LOCK));
	assert_int_equal(turns, 0);
	while (local->clock < clock + 100)
		sched_point(SCHED_LOCK, NULL);
	assert_int_equal(turns, 1);
	assert_true(local->turn_end > local->clock);
}
#endif

/* Between prepare and sleep nobody sets the context aside: it would miss its wake-up. */
static void sleepers_are_not_set_aside(void **state)
{
	struct rig *rig = *state;
	struct cpu_local *local = &rig->cpu[0].sched.local;

	sched_prepare_sleep();
	__atomic_fetch_or(&local->attn, ATTN_RESCHED | ATTN_IRQ, __ATOMIC_RELAXED);
	sched_point_slow(SCHED_LOAD, NULL);
	assert_int_equal(turns, 0);
	assert_int_equal(served, 1);	/* interrupts are taken all the same */
	sched_finish_sleep();
	sched_point_slow(SCHED_LOAD, NULL);
	assert_int_equal(turns, 1);
}

static void sleeper_takes_the_wakers_clock(void **state)
{
	sched_prepare_sleep();
	sched_sleep(NULL);
	sched_finish_sleep();
	assert_int_equal(slept, 1);
	assert_int_equal(sched_clock(), 123456);
	sched_clock_advance(1);
	assert_int_equal(sched_clock(), 123456);
}

static void wake_ends_a_sleep_once(void **state)
{
	struct sched_ctx ctx;

	sched_ctx_init(&ctx, "other");
	assert_false(sched_wake(&ctx));
	ctx.state = CTX_SLEEPING;
	this_cpu_local()->clock = 77;
	assert_true(sched_wake(&ctx));
	assert_int_equal(ctx.state, CTX_RUNNING);
	assert_int_equal(ctx.wake_clock, 77);
	assert_false(sched_wake(&ctx));
	assert_int_equal(woken, 1);
}

static void no_sleep_when_woken_before(void **state)
{
	struct sched_ctx *ctx = sched_prepare_sleep();

	assert_true(sched_wake(ctx));
	sched_sleep(NULL);
	sched_finish_sleep();
	assert_int_equal(slept, 0);
}

/* The seam of controlled scheduling: whoever is there is asked, and nothing else done. */
static struct {
	unsigned int	points, waits, yields;
	const void	*changed;
	u32		*word;
} asked;

static void control_point(struct sched_cpu *cpu, enum sched_kind kind, const void *obj)
{
	asked.points++;
}

static void control_wait(struct sched_cpu *cpu, const void *obj, const char *what)
{
	asked.waits++;
	assert_ptr_equal(obj, asked.word);
	*asked.word = 1;
}

static void control_changed(struct sched_cpu *cpu, const void *obj)
{
	asked.changed = obj;
}

static void control_yield(struct sched_cpu *cpu)
{
	asked.yields++;
}

static const struct sched_control control = {
	.point = control_point, .wait = control_wait, .changed = control_changed,
	.yield = control_yield,
};

static void control_is_asked(void **state)
{
	struct rig *rig = *state;
	struct sched_cpu *cpu = &rig->cpu[0].sched;
	const struct sched_ops *ops = cpu->ops;
	u32 word = 0;

	memset(&asked, 0, sizeof(asked));
	asked.word = &word;
	cpu->control = &control;
	cpu->local.turn_end = 0;
	__atomic_fetch_or(&cpu->local.attn, ATTN_IRQ, __ATOMIC_SEQ_CST);
	if (MM_POINTS) {
		sched_point(SCHED_LOAD, NULL);
		cpu->in_irq++;
		sched_point(SCHED_LOAD, NULL);
		cpu->in_irq--;
		assert_int_equal(asked.points, 2);
	}
	local_irq_disable();
	local_irq_enable();
	sched_relax(0);
	assert_int_equal(asked.yields, 1);
	assert_int_equal(served, 0);
	sched_wait(&word, "a test", __atomic_load_n(&word, __ATOMIC_RELAXED));
	assert_int_equal(asked.waits, 1);
	sched_changed(&word);
	assert_ptr_equal(asked.changed, &word);
	/* A turn that ends is the schedule's doing: the next has points too. */
	__atomic_fetch_and(&cpu->local.attn, ~(u32)ATTN_IRQ, __ATOMIC_SEQ_CST);
	cpu->ops = &sched_default_ops;
	sched_turn_over();
	cpu->ops = ops;
	sched_point(SCHED_LOAD, NULL);
	assert_int_equal(asked.points, MM_POINTS ? 3 : 0);
	cpu->control = NULL;
}

static void waits_are_busy_without_control(void **state)
{
	unsigned int looked = 0;

	sched_wait(&looked, "a test", ++looked == 3);
	assert_int_equal(looked, 3);
	sched_changed(&looked);
}

static void unbound_threads_pass(void **state)
{
	struct rig *rig = *state;

	rig_unbind();
	sched_point(SCHED_LOCK, NULL);
	sched_relax(0);
	local_irq_disable();
	preempt_disable();
	assert_false(in_atomic());
	preempt_enable();
	local_irq_enable();
	window_hit(WIN_PT_GONE);
	sched_window(WIN_PT_GONE, 1, 0);
	assert_int_equal(sched_clock(), 0);
	rig_bind(rig, 0);
}

static void windows_count(void **state)
{
	struct rig *rig = *state;

	window_hit(WIN_REMOTE_FLUSH);
	window_hit(WIN_REMOTE_FLUSH);
	assert_int_equal(rig->cpu[0].sched.windows[WIN_REMOTE_FLUSH], 2);
	assert_string_equal(window_name(WIN_REMOTE_FLUSH), "REMOTE_FLUSH");
	assert_true(strlen(window_text(WIN_PT_GONE)) > 0);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(interrupts_wait_until_they_are_on), T(handlers_are_not_disturbed),
#if MM_POINTS
		T(clock_ends_turns),
#endif
		T(sleepers_are_not_set_aside), T(sleeper_takes_the_wakers_clock),
		T(wake_ends_a_sleep_once), T(no_sleep_when_woken_before),
		T(control_is_asked), T(waits_are_busy_without_control),
		T(unbound_threads_pass), T(windows_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
