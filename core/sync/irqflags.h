/* SPDX-License-Identifier: MIT */
/*
 * Interrupts and preemption of the current vCPU (kernel: include/linux/irqflags.h,
 * preempt.h).  Counts in struct sched_cpu; nothing on a thread without a vCPU.
 * Interrupts off means that no handler of this vCPU runs, here or by another in its
 * place; the change back to on takes what is pending before it returns.
 */
#ifndef MM_SYNC_IRQFLAGS_H
#define MM_SYNC_IRQFLAGS_H

#include "base/types.h"

void local_irq_disable(void);
void local_irq_enable(void);
/* flags: nothing but what restore wants back.  Pairs nest. */
unsigned long __local_irq_save(void);
void local_irq_restore(unsigned long flags);
#define local_irq_save(flags)	((flags) = __local_irq_save())
bool irqs_disabled(void);

/* The current context keeps its vCPU: no task switch. */
void preempt_disable(void);
void preempt_enable(void);
/* Interrupts off, a spinlock held, a handler, or a read section. */
bool in_atomic(void);
bool in_interrupt(void);

#endif
