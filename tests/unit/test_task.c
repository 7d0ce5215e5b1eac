/* SPDX-License-Identifier: MIT */
/* room: mm_kern */
/*
 * Tasks: creation and death, stacks used again, what the mm is told at each
 * switch (who is loaded, who is lazy, who is referenced), serial mode, and switches
 * that no turn ends in the midst of.
 */
#include "kern_rig.h"

#include "base/atomic.h"

/* ---- an mm that only counts ---- */

struct mm_struct {
	atomic_t	users;
	atomic_t	count;
	u32		freed;
	u32		loads;
};

struct loaded {
	struct mm_struct *mm;
	bool lazy;
};

static struct loaded loaded[64];

static struct mm_struct *new_mm(void)
{
	struct mm_struct *mm = calloc(1, sizeof(*mm));

	atomic_set(&mm->users, 1);
	atomic_set(&mm->count, 1);
	return mm;
}

static void fake_mmdrop(struct mm_struct *mm)
{
	if (atomic_dec_and_test(&mm->count))
		__atomic_store_n(&mm->freed, 1, __ATOMIC_RELAXED);
}

static void fake_mmgrab(struct mm_struct *mm)
{
	assert_true(atomic_inc_not_zero(&mm->count));
}

static void fake_mmput(struct mm_struct *mm)
{
	if (atomic_dec_and_test(&mm->users))
		fake_mmdrop(mm);
}

static void fake_switch(struct mm_struct *prev, struct mm_struct *next, struct task_struct *tsk)
{
	struct loaded *here = &loaded[smp_processor_id()];

	assert_true(irqs_disabled());
	assert_ptr_equal(prev, here->mm);
	assert_ptr_equal(tsk->mm, next);
	assert_int_equal(__atomic_load_n(&next->freed, __ATOMIC_RELAXED), 0);
	here->mm = next;
	here->lazy = false;
	__atomic_fetch_add(&next->loads, 1, __ATOMIC_RELAXED);
}

static void fake_lazy(struct mm_struct *mm, struct task_struct *tsk)
{
	struct loaded *here = &loaded[smp_processor_id()];

	assert_ptr_equal(mm, here->mm);
	assert_int_equal(__atomic_load_n(&mm->freed, __ATOMIC_RELAXED), 0);
	here->lazy = true;
}

static void fake_leave(struct mm_struct *mm)
{
	struct loaded *here = &loaded[smp_processor_id()];

	assert_ptr_equal(mm, here->mm);
	here->mm = NULL;
}

static const struct kern_mm_ops fake_ops = {
	.switch_mm = fake_switch, .enter_lazy_tlb = fake_lazy, .mmgrab = fake_mmgrab,
	.mmdrop = fake_mmdrop, .exit_mm = fake_mmput, .leave_mm = fake_leave,
};

static void boot_with_mm(unsigned int nr_cpus, enum run_mode mode)
{
	memset(loaded, 0, sizeof(loaded));
	rig_boot(nr_cpus, mode);
	kern_set_mm_ops(rig, &fake_ops);
}

static struct task_struct *task_of(struct mm_struct *mm, void (*fn)(void *), void *arg)
{
	struct task_struct *task;

	atomic_inc(&mm->users);
	task = task_create(rig, rig_next_id++, 0, mm, fn, arg);
	assert_non_null(task);
	return task;
}

/* The last reference of its maker. */
static void put_and_check(struct mm_struct *mm)
{
	fake_mmput(mm);
	assert_int_equal(atomic_read(&mm->count), 0);
	assert_true(mm->freed);
	free(mm);
}

/* ---- the loaded mm is always the task's, wherever it runs ---- */

static void check_loaded(void *arg)
{
	for (unsigned int i = 0; i < 3000; i++) {
		preempt_disable();
		assert_ptr_equal(loaded[smp_processor_id()].mm, current->mm);
		assert_false(loaded[smp_processor_id()].lazy);
		preempt_enable();
		sched_point(SCHED_LOCK, NULL);
		if (i % 64 == 0)
			kern_yield();
	}
	assert_ptr_equal(current->mm, arg);
}

/* A kernel thread borrows what is there. */
static void borrow(void *arg)
{
	for (unsigned int i = 0; i < 2000; i++) {
		preempt_disable();
		assert_null(current->mm);
		assert_ptr_equal(loaded[smp_processor_id()].mm, current->active_mm);
		preempt_enable();
		sched_point(SCHED_LOCK, NULL);
		if (i % 64 == 0)
			kern_yield();
	}
}

static void address_spaces(void **state)
{
	struct mm_struct *mms[4];

	boot_with_mm(4, RUN_FREE);
	for (unsigned int i = 0; i < 4; i++) {
		mms[i] = new_mm();
		for (unsigned int k = 0; k < 4; k++)
			task_start(task_of(mms[i], check_loaded, mms[i]));
		rig_spawn(borrow, NULL);
	}
	rig_run();
	machine_bind_host(rig, 0);
	kern_release_mms(rig);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(loaded[i].mm, NULL);
		assert_true(mms[i]->loads >= 4);
		put_and_check(mms[i]);
	}
	machine_unbind_host(rig);
	rig_down();
}

/* ---- tasks that make tasks ---- */

static u64 born;

static void family(void *arg)
{
	uintptr_t depth = (uintptr_t)arg;

	__atomic_fetch_add(&born, 1, __ATOMIC_RELAXED);
	sched_point(SCHED_LOCK, NULL);
	for (unsigned int i = 0; depth && i < 2; i++) {
		struct task_struct *child;

		child = task_create(this_machine(), current->id * 2 + i, current->id, NULL, family,
				    (void *)(depth - 1));
		assert_non_null(child);
		task_start(child);
	}
}

static void stacks_are_used_again(void **state)
{
	for (unsigned int round = 0; round < 3; round++) {
		born = 0;
		rig_boot(4, RUN_FREE);
		rig_spawn(family, (void *)8);
		rig_run();
		assert_int_equal(born, 511);
		rig_down();
	}
}

static void life_speed(void **state)
{
	double start;

	born = 0;
	rig_boot(2, RUN_FREE);
	rig_spawn(family, (void *)12);
	start = rig_seconds();
	rig_run();
	print_message("    task created, run and gone: %.1f us\n",
		      (rig_seconds() - start) * 1e6 / (double)born);
	rig_down();
}

/* ---- never started ---- */

static void nothing(void *arg)
{
}

static void freed_unstarted(void **state)
{
	struct mm_struct *mm;

	boot_with_mm(1, RUN_FREE);
	mm = new_mm();
	task_free(task_of(mm, nothing, NULL));
	put_and_check(mm);
	rig_down();
}

/* ---- serial: what runs is what kern_switch_to() says ---- */

static void serial(void **state)
{
	struct mm_struct *a, *b;
	struct task_struct *ta, *tb;

	boot_with_mm(2, RUN_SERIAL);
	a = new_mm();
	b = new_mm();
	machine_bind_host(rig, 0);
	ta = task_of(a, nothing, NULL);
	tb = task_of(b, nothing, NULL);
	assert_int_equal(machine_run(rig), -22);
	kern_switch_to(ta);
	assert_ptr_equal(current, ta);
	assert_ptr_equal(loaded[0].mm, a);
	assert_ptr_equal(&current->exec, this_cpu()->exec);
	kern_switch_to(tb);
	assert_ptr_equal(loaded[0].mm, b);
	kern_switch_to(NULL);
	assert_null(current);
	assert_ptr_equal(loaded[0].mm, b);
	assert_true(loaded[0].lazy);
	assert_int_equal(atomic_read(&b->count), 2);
	task_free(tb);
	fake_mmput(b);
	assert_false(b->freed);
	kern_switch_to(ta);
	assert_true(b->freed);
	free(b);
	kern_switch_to(NULL);
	task_free(ta);
	kern_release_mms(rig);
	put_and_check(a);
	machine_unbind_host(rig);
	rig_down();
}

/* ---- exec-like change of mm ---- */

static void change_mm(void *arg)
{
	struct mm_struct *next = arg;

	kern_use_mm(next);
	assert_ptr_equal(current->mm, next);
	preempt_disable();
	assert_ptr_equal(loaded[smp_processor_id()].mm, next);
	preempt_enable();
}

static void use_mm(void **state)
{
	struct mm_struct *first, *second;

	boot_with_mm(2, RUN_FREE);
	first = new_mm();
	second = new_mm();
	atomic_inc(&second->users);
	task_start(task_of(first, change_mm, second));
	rig_run();
	machine_bind_host(rig, 0);
	kern_release_mms(rig);
	put_and_check(first);
	put_and_check(second);
	machine_unbind_host(rig);
	rig_down();
}

#if MM_POINTS
/* ---- a switch is finished before the next ---- */

static unsigned int dropping[8], nested, drops;

static void slow_mmdrop(struct mm_struct *mm)
{
	struct task_struct *self = this_cpu()->current_task;
	unsigned int *depth = &dropping[self ? self->id : 0];

	drops++;
	nested += (*depth)++ != 0;
	sched_point(SCHED_LOCK, mm);
	sched_point(SCHED_LOCK, mm);
	fake_mmdrop(mm);
	--*depth;
}

/*
 * Turns end wherever they may, but every fourth time: a switch passes points, after
 * which a turn may end again before its task has made a step, and so on for ever.
 */
static unsigned int tick_first(void *arg, const struct sched_choices *c)
{
	unsigned int *nr = arg;

	++*nr;
	for (unsigned int i = 0; i < c->nr; i++)
		if (c->choice[i].event == SCHED_TICK && *nr % 4)
			return i;
	return 0;
}

static void steps(void *arg)
{
	for (unsigned int i = 0; i < 20; i++)
		sched_point(SCHED_LOCK, NULL);
}

/* One in the other they would take a stack each, and there is one. */
static void switches_do_not_nest(void **state)
{
	struct kern_mm_ops ops = fake_ops;
	struct strategy strategy;
	unsigned int asked = 0;
	struct machine_config config = {
		.nr_cpus = 1, .nr_frames = 64, .frame_bytes = 64, .mode = RUN_CONTROLLED,
		.stack_size = 128 << 10, .control = { .strategy = &strategy },
	};
	struct mm_struct *mms[2];

	strategy_start_caller(&strategy, tick_first, &asked);
	memset(loaded, 0, sizeof(loaded));
	assert_int_equal(machine_create(&config, &rig), 0);
	machine_bind_host(rig, 0);
	assert_int_equal(kern_init(rig), 0);
	machine_unbind_host(rig);
	rig_next_id = 1;
	ops.mmdrop = slow_mmdrop;
	kern_set_mm_ops(rig, &ops);
	drops = nested = 0;
	for (unsigned int i = 0; i < 2; i++) {
		mms[i] = new_mm();
		task_start(task_of(mms[i], steps, NULL));
		rig_spawn(steps, NULL);
	}
	rig_run();
	assert_true(drops > 10);
	assert_int_equal(nested, 0);
	rig_down();
	put_and_check(mms[0]);
	put_and_check(mms[1]);
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_spaces),
		cmocka_unit_test(stacks_are_used_again),
		cmocka_unit_test(life_speed),
		cmocka_unit_test(freed_unstarted),
		cmocka_unit_test(serial),
		cmocka_unit_test(use_mm),
#if MM_POINTS
		cmocka_unit_test(switches_do_not_nest),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
