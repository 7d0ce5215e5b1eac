/* SPDX-License-Identifier: MIT */
/*
 * Interrupt and preemption state of the current vCPU: counts in struct sched_cpu,
 * its owner's alone (a sender who acts for a parked vCPU holds its state lock).
 *
 * Enabling serves what is pending, so it is a place where handlers run; nothing here
 * may switch tasks.
 */
#include "sync/irqflags.h"

#include "base/bug.h"
#include "sync/sched.h"

/* Interrupts have just come on: take those that waited for it. */
static void irqs_came_on(struct sched_cpu *cpu)
{
	if (unlikely(__atomic_load_n(&cpu->local.attn, __ATOMIC_ACQUIRE) & ATTN_IRQ) &&
	    !cpu->in_irq && !cpu->control && cpu->ops->serve_irqs)
		cpu->ops->serve_irqs();
}

void local_irq_disable(void)
{
	struct sched_cpu *cpu = this_sched_cpu();

	if (likely(cpu))
		cpu->irq_off++;
}

void local_irq_enable(void)
{
	struct sched_cpu *cpu = this_sched_cpu();

	if (unlikely(!cpu))
		return;
	if (MM_WARN_ON_ONCE(!cpu->irq_off))
		return;
	if (!--cpu->irq_off)
		irqs_came_on(cpu);
}

unsigned long __local_irq_save(void)
{
	struct sched_cpu *cpu = this_sched_cpu();

	return likely(cpu) ? cpu->irq_off++ : 0;
}

void local_irq_restore(unsigned long flags)
{
	struct sched_cpu *cpu = this_sched_cpu();

	if (unlikely(!cpu))
		return;
	(void)VM_WARN_ON_ONCE(cpu->irq_off != flags + 1);
	cpu->irq_off = flags;
	if (!flags)
		irqs_came_on(cpu);
}

bool irqs_disabled(void)
{
	struct sched_cpu *cpu = this_sched_cpu();

	return cpu && cpu->irq_off;
}

void preempt_disable(void)
{
	struct sched_cpu *cpu = this_sched_cpu();

	if (likely(cpu))
		cpu->preempt_count++;
}

void preempt_enable(void)
{
	struct sched_cpu *cpu = this_sched_cpu();

	if (unlikely(!cpu))
		return;
	if (MM_WARN_ON_ONCE(!cpu->preempt_count))
		return;
	cpu->preempt_count--;
}

bool in_atomic(void)
{
	struct sched_cpu *cpu = this_sched_cpu();

	return cpu && !sched_may_sleep(cpu);
}

bool in_interrupt(void)
{
	struct sched_cpu *cpu = this_sched_cpu();

	return cpu && cpu->in_irq;
}
