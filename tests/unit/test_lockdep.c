/* SPDX-License-Identifier: MIT */
/* room: mm_sync */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "../litmus/rig.h"
#include "sync/irqflags.h"
#include "sync/mutex.h"
#include "sync/rwsem.h"
#include "sync/spinlock.h"

#if MM_CHECK

static spinlock_t pte, pte2, pmd, zone;
static struct rw_semaphore mmap_lock;
static struct mutex i_rwsem, i_rwsem2;

static int setup(void **state)
{
	struct rig *rig = rig_create(2, NULL, true, 0);

	rig_bind(rig, 0);
	spin_lock_init(&pte, LOCK_RANK_PTE_LOCK, "pte_lock");
	spin_lock_init(&pte2, LOCK_RANK_PTE_LOCK, "pte_lock");
	spin_lock_init(&pmd, LOCK_RANK_PMD_LOCK, "pmd_lock");
	spin_lock_init(&zone, LOCK_RANK_ZONE, "zone_lock");
	init_rwsem(&mmap_lock, LOCK_RANK_MMAP_LOCK, "mmap_lock");
	mutex_init(&i_rwsem, LOCK_RANK_I_RWSEM, "i_rwsem");
	mutex_init(&i_rwsem2, LOCK_RANK_I_RWSEM, "i_rwsem");
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

static void expect_only(struct rig *rig, const char *title)
{
	if (!rig_found(rig, title) || rig_findings(rig) != 1)
		rig_print_findings(rig);
	assert_true(rig_found(rig, title));
	assert_int_equal(rig_findings(rig), 1);
}

static void right_order_is_silent(void **state)
{
	struct rig *rig = *state;

	mutex_lock(&i_rwsem);
	down_write(&mmap_lock);
	lockdep_assert_held_write(&mmap_lock);
	spin_lock(&pmd);
	spin_lock(&pte);
	spin_lock(&zone);
	lockdep_assert_held(&zone);
	spin_unlock(&pmd);	/* not in reverse order: legal */
	spin_unlock(&zone);
	spin_unlock(&pte);
	downgrade_write(&mmap_lock);
	up_read(&mmap_lock);
	mutex_unlock(&i_rwsem);
	lockdep_assert_none_held(&rig->cpu[0].ctx);
	assert_int_equal(rig_findings(rig), 0);
}

static void wrong_order(void **state)
{
	struct rig *rig = *state;

	spin_lock(&zone);
	spin_lock(&pte);
	spin_unlock(&pte);
	spin_unlock(&zone);
	expect_only(rig, "LOCKDEP: order zone_lock -> pte_lock");
	/* the same again is the same finding */
	spin_lock(&zone);
	spin_lock(&pte);
	spin_unlock(&pte);
	spin_unlock(&zone);
	assert_int_equal(rig_findings(rig), 1);
	assert_int_equal(finding_get(&rig->sink, 0)->count, 2);
}

static void trylock_is_exempt_but_held(void **state)
{
	struct rig *rig = *state;

	spin_lock(&zone);
	assert_true(spin_trylock(&pte));
	assert_int_equal(rig_findings(rig), 0);
	spin_lock(&pmd);	/* against both held ones */
	spin_unlock(&pmd);
	spin_unlock(&pte);
	spin_unlock(&zone);
	assert_true(rig_found(rig, "LOCKDEP: order zone_lock -> pmd_lock"));
	assert_true(rig_found(rig, "LOCKDEP: order pte_lock -> pmd_lock"));
}

static void same_rank(void **state)
{
	struct rig *rig = *state;
	spinlock_t *lo = &pte < &pte2 ? &pte : &pte2, *hi = lo == &pte ? &pte2 : &pte;

	spin_lock(lo);
	spin_lock(hi);		/* ascending addresses: stated rule of the rank */
	spin_unlock(hi);
	spin_unlock(lo);
	spin_lock(hi);
	spin_lock_nested(lo, 1);	/* subclass */
	spin_unlock(lo);
	spin_unlock(hi);
	assert_int_equal(rig_findings(rig), 0);
	spin_lock(hi);
	spin_lock(lo);
	spin_unlock(lo);
	spin_unlock(hi);
	expect_only(rig, "LOCKDEP: nesting pte_lock -> pte_lock");
}

static void recursion(void **state)
{
	struct rig *rig = *state;

	down_read(&mmap_lock);
	down_read(&mmap_lock);	/* would deadlock with a writer between */
	up_read(&mmap_lock);
	up_read(&mmap_lock);
	expect_only(rig, "LOCKDEP: recursion on mmap_lock");
}

static void interrupt_safety(void **state)
{
	struct rig *rig = *state;
	struct sched_cpu *cpu = &rig->cpu[0].sched;
	struct sched_ctx *interrupted;
	unsigned long flags;

	spin_lock_irqsave(&zone, flags);
	spin_unlock_irqrestore(&zone, flags);
	interrupted = sched_irq_enter(cpu, false);
	spin_lock(&zone);
	spin_unlock(&zone);
	sched_irq_exit(cpu, interrupted);
	assert_int_equal(rig_findings(rig), 0);
	spin_lock(&zone);	/* a handler may come now */
	spin_unlock(&zone);
	expect_only(rig, "LOCKDEP: taken in a handler and with interrupts on: zone_lock");
}

static void interrupt_unsafe_inside_safe(void **state)
{
	struct rig *rig = *state;
	struct sched_cpu *cpu = &rig->cpu[0].sched;
	struct sched_ctx *interrupted;
	unsigned long flags;

	spin_lock(&zone);
	spin_unlock(&zone);
	interrupted = sched_irq_enter(cpu, false);
	spin_lock(&pte);
	spin_unlock(&pte);
	sched_irq_exit(cpu, interrupted);
	spin_lock_irqsave(&pte, flags);
	spin_lock(&zone);
	spin_unlock(&zone);
	spin_unlock_irqrestore(&pte, flags);
	expect_only(rig, "LOCKDEP: interrupt-safe then unsafe pte_lock -> zone_lock");
}

static void handlers_have_a_stack_of_their_own(void **state)
{
	struct rig *rig = *state;
	struct sched_cpu *cpu = &rig->cpu[0].sched;
	struct sched_ctx *interrupted;

	spin_lock(&zone);
	interrupted = sched_irq_enter(cpu, false);
	assert_false(lockdep_is_held(&zone));
	spin_lock(&pte);	/* no order with what was interrupted */
	spin_unlock(&pte);
	sched_irq_exit(cpu, interrupted);
	assert_true(lockdep_is_held(&zone));
	spin_unlock(&zone);
	assert_int_equal(rig_findings(rig), 0);
	interrupted = sched_irq_enter(cpu, false);
	spin_lock(&pte);
	sched_irq_exit(cpu, interrupted);
	expect_only(rig, "LOCKDEP: still held at the end: pte_lock");
}

static void sleeping_in_atomic(void **state)
{
	struct rig *rig = *state;

	spin_lock(&pte);
	might_sleep();
	spin_unlock(&pte);
	assert_true(rig_found(rig, "LOCKDEP: sleeping while holding pte_lock"));
	local_irq_disable();
	might_sleep();
	local_irq_enable();
	assert_true(rig_found(rig, "LOCKDEP: sleeping with interrupts off"));
	rcu_read_lock();
	down_read(&mmap_lock);
	up_read(&mmap_lock);
	rcu_read_unlock();
	assert_true(rig_found(rig, "LOCKDEP: sleeping in a read section"));
	preempt_disable();
	might_sleep();
	preempt_enable();
	assert_true(rig_found(rig, "LOCKDEP: sleeping with preemption off"));
	assert_int_equal(rig_findings(rig), 4);
	might_sleep();
	assert_int_equal(rig_findings(rig), 4);
}

static void waiting_for_acknowledgement(void **state)
{
	struct rig *rig = *state;

	spin_lock(&pte);
	lockdep_ipi_wait();	/* spinlocks are fine */
	spin_unlock(&pte);
	assert_int_equal(rig_findings(rig), 0);
	local_irq_disable();
	lockdep_ipi_wait();
	local_irq_enable();
	expect_only(rig, "LOCKDEP: waiting for an interrupt's acknowledgement with interrupts off");
}

static void unbalanced(void **state)
{
	struct rig *rig = *state;

	lockdep_release(&zone);
	assert_true(rig_found(rig, "LOCKDEP: release of a lock that is not held"));
	spin_lock(&zone);
	lockdep_assert_none_held(&rig->cpu[0].ctx);
	assert_true(rig_found(rig, "LOCKDEP: still held at the end: zone_lock"));
	lockdep_assert_held(&pte);
	assert_true(rig_found(rig, "LOCKDEP: not so: held &pte"));
}

static void foreign_locks(void **state)
{
	struct rig *rig = *state;
	unsigned long page_flags = 0;

	lockdep_acquire(&page_flags, LOCK_RANK_PAGE_LOCK, 0, 0, "page_lock");
	lockdep_assert_held(&page_flags);
	spin_lock(&pte);
	spin_unlock(&pte);
	lockdep_release(&page_flags);
	assert_int_equal(rig_findings(rig), 0);
	spin_lock(&pte);
	lockdep_acquire(&page_flags, LOCK_RANK_PAGE_LOCK, 0, 0, "page_lock");
	lockdep_release(&page_flags);
	spin_unlock(&pte);
	expect_only(rig, "LOCKDEP: order pte_lock -> page_lock");
}

static void classes_are_told_apart_by_text(void **state)
{
	struct rig *rig = *state;
	struct sched_cpu *cpu = &rig->cpu[0].sched;
	static const char one[] = "same text", other[] = "same text";
	struct sched_ctx *interrupted;
	spinlock_t a, b;

	spin_lock_init(&a, LOCK_RANK_LEAF, one);
	spin_lock_init(&b, LOCK_RANK_LEAF, other);
	interrupted = sched_irq_enter(cpu, false);
	spin_lock(&a);
	spin_unlock(&a);
	sched_irq_exit(cpu, interrupted);
	spin_lock(&b);		/* another lock, the same class */
	spin_unlock(&b);
	expect_only(rig, "LOCKDEP: taken in a handler and with interrupts on: same text");
}

static void too_deep(void **state)
{
	struct rig *rig = *state;
	static char lock[LOCKDEP_DEPTH + 1];
	int i;

	for (i = 0; i <= LOCKDEP_DEPTH; i++)
		lockdep_acquire(&lock[i], LOCK_RANK_VMA_LOCK, 0, LOCKDEP_READ, "vma_lock");
	expect_only(rig, "LOCKDEP: too many locks held");
	for (i = 0; i < LOCKDEP_DEPTH; i++)
		lockdep_release(&lock[i]);
}

static void unbound_thread_is_not_judged(void **state)
{
	struct rig *rig = *state;

	rig_unbind();
	spin_lock(&zone);
	spin_lock(&pte);
	might_sleep();
	lockdep_assert_held(&pmd);
	spin_unlock(&pte);
	spin_unlock(&zone);
	rig_bind(rig, 0);
	assert_int_equal(rig_findings(rig), 0);
}

#define T(f)	cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(right_order_is_silent), T(wrong_order), T(trylock_is_exempt_but_held),
		T(same_rank), T(recursion), T(interrupt_safety), T(interrupt_unsafe_inside_safe),
		T(handlers_have_a_stack_of_their_own), T(sleeping_in_atomic),
		T(waiting_for_acknowledgement), T(unbalanced), T(foreign_locks),
		T(classes_are_told_apart_by_text), T(too_deep), T(unbound_thread_is_not_judged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
#else
int main(void)
{
	return 0;	/* lockdep is compiled out */
}
#endif
