/* SPDX-License-Identifier: MIT */
/*
 * Lock order and context checks (sync/lockdep.h has the rules; core/LOCKING.md the
 * table in words).
 *
 * Owns: the held stack of the running context (its owner's alone) and the machine's
 * class table (atomics; a class is found by its name's address, and classes with equal
 * text and rank share the usage of the first).
 *
 * Must not order anything, take a lock, or change what the checked code does: every
 * breach is a finding and the code goes on.
 */
#include "sync/lockdep.h"

#include <stdio.h>
#include <string.h>

#include "base/finding.h"
#include "sync/sched.h"

/* In MM_LOCK_RANKS's words. */
#define SLEEPS		LOCK_TRAIT_SLEEPS
#define SPINS		LOCK_TRAIT_SPINS
#define BY_ADDRESS	LOCK_TRAIT_BY_ADDRESS

const char *lock_rank_name(enum lock_rank rank)
{
	static const char *const name[] = {
#define RANK(n, traits) [LOCK_RANK_##n] = #n,
		MM_LOCK_RANKS(RANK)
#undef RANK
	};

	return (unsigned int)rank < NR_LOCK_RANKS ? name[rank] : "?";
}

unsigned int lock_rank_traits(enum lock_rank rank)
{
	static const unsigned char traits_of[] = {
#define RANK(n, traits) [LOCK_RANK_##n] = (traits),
		MM_LOCK_RANKS(RANK)
#undef RANK
	};

	return (unsigned int)rank < NR_LOCK_RANKS ? traits_of[rank] : 0;
}

#if MM_CHECK

enum class_usage {
	USED_IN_IRQ	= 1,	/* a handler waited for it */
	USED_IRQS_ON	= 2,	/* taken where a handler may interrupt the holder */
};

/* Class index when there is no table, or no room in it. */
#define NO_CLASS	0xff

static struct sched_cpu *checked_cpu(void)
{
	struct sched_cpu *cpu = this_sched_cpu();

	return cpu && !(cpu->lockdep && cpu->lockdep->off) ? cpu : NULL;
}

bool lockdep_unknown(void)
{
	return !checked_cpu();
}

/* --- reports ---------------------------------------------------------------- */

const char *lockdep_held_text(const struct sched_ctx *ctx, char *buf, size_t size)
{
	unsigned int i;
	size_t len = 0;

	if (size)
		buf[0] = '\0';
	for (i = 0; i < ctx->locks.depth && len < size; i++) {
		const struct held_lock *h = &ctx->locks.held[i];

		len += snprintf(buf + len, size - len, "%s%s%s", i ? " " : "", h->name,
				h->flags & LOCKDEP_READ ? "(r)" : "");
	}
	return buf;
}

static void report(const struct sched_ctx *ctx, const char *what, const char *from,
		   const char *to)
{
	char title[160], held[1024];

	snprintf(title, sizeof(title), "LOCKDEP: %s%s%s%s%s", what, from ? " " : "",
		 from ? from : "", to ? " -> " : "", to ? to : "");
	finding_report(FINDING_LOCKDEP, title, "context %s, held: %s", ctx->name,
		       ctx->locks.depth ? lockdep_held_text(ctx, held, sizeof(held)) : "nothing");
}

void lockdep_assert_failed(const char *what)
{
	struct sched_cpu *cpu = checked_cpu();

	if (cpu)
		report(cpu->ctx, "not so:", what, NULL);
}

/* --- classes ------------------------------------------------------------------ */

/*
 * The class that keeps the usage of all with this text and rank: the one that others
 * have settled on, else (both new at once) the lower of the two.
 */
static u32 find_same(struct lockdep_state *ls, u32 index, const char *name, enum lock_rank rank)
{
	u32 i, same;

	for (i = 0; i < LOCKDEP_CLASSES; i++) {
		u64 key = __atomic_load_n(&ls->class[i].key, __ATOMIC_ACQUIRE);

		if (i == index || !key || (key & 0xff) != rank ||
		    strcmp((const char *)(uintptr_t)(key >> 8), name))
			continue;
		same = __atomic_load_n(&ls->class[i].same, __ATOMIC_RELAXED);
		return same ? same - 1 : min(i, index);
	}
	return index;
}

static u8 class_index(struct lockdep_state *ls, const char *name, enum lock_rank rank)
{
	u64 key = (u64)(uintptr_t)name << 8 | rank;
	u32 i = (u32)((key * 0x9e3779b97f4a7c15ULL) >> 57) % LOCKDEP_CLASSES, n, same;

	for (n = 0; n < LOCKDEP_CLASSES; n++, i = (i + 1) % LOCKDEP_CLASSES) {
		u64 old = __atomic_load_n(&ls->class[i].key, __ATOMIC_ACQUIRE);

		if (!old && __atomic_compare_exchange_n(&ls->class[i].key, &old, key, false,
							__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
			old = key;
		if (old != key)
			continue;
		same = __atomic_load_n(&ls->class[i].same, __ATOMIC_RELAXED);
		if (unlikely(!same)) {
			same = find_same(ls, i, name, rank) + 1;
			__atomic_store_n(&ls->class[i].same, same, __ATOMIC_RELAXED);
		}
		return same - 1;
	}
	return NO_CLASS;
}

static u32 class_usage(struct lockdep_state *ls, u8 class)
{
	return __atomic_load_n(&ls->class[class].usage, __ATOMIC_RELAXED);
}

/*
 * A handler that waits for a lock whose holder it has interrupted waits for ever; and
 * so does one that waits for a lock whose holder waits for one like that.
 */
static void check_irq_usage(struct sched_cpu *cpu, u8 class, const struct held_lock *new)
{
	const struct lockdep_stack *stack = &cpu->ctx->locks;
	struct lockdep_state *ls = cpu->lockdep;
	u32 usage = class_usage(ls, class), seen = 0;
	unsigned int i;

	if (cpu->in_irq)
		seen = new->flags & LOCKDEP_TRY ? 0 : USED_IN_IRQ;
	else if (!cpu->irq_off)
		seen = USED_IRQS_ON;
	if (seen & ~usage)
		usage = __atomic_or_fetch(&ls->class[class].usage, seen, __ATOMIC_RELAXED);
	if (unlikely(usage == (USED_IN_IRQ | USED_IRQS_ON)))
		report(cpu->ctx, "taken in a handler and with interrupts on:", new->name, NULL);
	if (!(usage & USED_IRQS_ON) || (new->flags & LOCKDEP_TRY))
		return;
	for (i = 0; i < stack->depth; i++) {
		if (stack->held[i].class != NO_CLASS &&
		    class_usage(ls, stack->held[i].class) & USED_IN_IRQ)
			report(cpu->ctx, "interrupt-safe then unsafe", stack->held[i].name,
			       new->name);
	}
}

/* --- order ---------------------------------------------------------------------- */

static bool may_nest(const struct held_lock *held, const struct held_lock *new)
{
	if (held->rank != new->rank)
		return held->rank < new->rank;
	if (new->subclass != held->subclass)
		return new->subclass > held->subclass;
	return (lock_rank_traits(new->rank) & BY_ADDRESS) && new->lock > held->lock;
}

static void check_order(struct sched_cpu *cpu, const struct held_lock *new)
{
	const struct lockdep_stack *stack = &cpu->ctx->locks;
	unsigned int i;

	for (i = 0; i < stack->depth; i++) {
		const struct held_lock *held = &stack->held[i];

		if (unlikely(held->lock == new->lock))
			report(cpu->ctx, "recursion on", new->name, NULL);
		else if (unlikely(!may_nest(held, new)))
			report(cpu->ctx, held->rank == new->rank ? "nesting" : "order",
			       held->name, new->name);
	}
}

void lockdep_acquire(const void *lock, enum lock_rank rank, unsigned int subclass,
		     unsigned int flags, const char *name)
{
	struct sched_cpu *cpu = checked_cpu();
	struct held_lock new = { .lock = lock, .name = name ? name : lock_rank_name(rank),
				 .rank = rank, .subclass = subclass, .flags = flags,
				 .class = NO_CLASS };
	unsigned int trait = flags & LOCKDEP_SPIN ? SPINS : SLEEPS;
	struct lockdep_stack *stack;

	if (!cpu)
		return;
	stack = &cpu->ctx->locks;
	if (unlikely(!(lock_rank_traits(rank) & trait)))
		report(cpu->ctx, "rank is not for this kind of lock:", new.name, NULL);
	if (!(flags & LOCKDEP_TRY))
		check_order(cpu, &new);
	if (cpu->lockdep) {
		new.class = class_index(cpu->lockdep, new.name, rank);
		if ((flags & LOCKDEP_SPIN) && new.class != NO_CLASS)
			check_irq_usage(cpu, new.class, &new);
	}
	if (unlikely(stack->depth == LOCKDEP_DEPTH)) {
		report(cpu->ctx, "too many locks held", NULL, NULL);
		return;
	}
	stack->held[stack->depth++] = new;
}

static struct held_lock *find_held(struct lockdep_stack *stack, const void *lock)
{
	unsigned int i;

	for (i = stack->depth; i-- > 0;) {
		if (stack->held[i].lock == lock)
			return &stack->held[i];
	}
	return NULL;
}

void lockdep_release(const void *lock)
{
	struct sched_cpu *cpu = checked_cpu();
	struct lockdep_stack *stack;
	struct held_lock *h;

	if (!cpu)
		return;
	stack = &cpu->ctx->locks;
	h = find_held(stack, lock);
	if (unlikely(!h)) {
		report(cpu->ctx, "release of a lock that is not held", NULL, NULL);
		return;
	}
	stack->depth--;
	if (unlikely(h != &stack->held[stack->depth]))
		memmove(h, h + 1, (char *)&stack->held[stack->depth] - (char *)h);
}

void lockdep_downgrade(const void *lock)
{
	struct sched_cpu *cpu = checked_cpu();
	struct held_lock *h;

	if (!cpu)
		return;
	h = find_held(&cpu->ctx->locks, lock);
	if (!h || (h->flags & LOCKDEP_READ))
		report(cpu->ctx, "downgrade of a lock not held for writing", NULL, NULL);
	else
		h->flags |= LOCKDEP_READ;
}

bool lockdep_is_held(const void *lock)
{
	struct sched_cpu *cpu = checked_cpu();

	return !cpu || find_held(&cpu->ctx->locks, lock);
}

bool lockdep_is_held_write(const void *lock)
{
	struct sched_cpu *cpu = checked_cpu();
	struct held_lock *h;

	if (!cpu)
		return true;
	h = find_held(&cpu->ctx->locks, lock);
	return h && !(h->flags & LOCKDEP_READ);
}

/* --- context ---------------------------------------------------------------------- */

/* The innermost held lock whose holder must not sleep. */
static const struct held_lock *held_spinlock(const struct lockdep_stack *stack)
{
	unsigned int i;

	for (i = stack->depth; i-- > 0;) {
		if (stack->held[i].flags & LOCKDEP_SPIN)
			return &stack->held[i];
	}
	return NULL;
}

void might_sleep(void)
{
	struct sched_cpu *cpu = checked_cpu();
	const struct held_lock *h;

	if (!cpu)
		return;
	if (unlikely(__atomic_load_n(&cpu->ctx->state, __ATOMIC_RELAXED) != CTX_RUNNING))
		report(cpu->ctx, "blocking inside a wait's condition", NULL, NULL);
	if (likely(sched_may_sleep(cpu)))
		return;
	h = held_spinlock(&cpu->ctx->locks);
	if (cpu->in_irq)
		report(cpu->ctx, "sleeping in a handler", NULL, NULL);
	else if (h)
		report(cpu->ctx, "sleeping while holding", h->name, NULL);
	else if (cpu->irq_off)
		report(cpu->ctx, "sleeping with interrupts off", NULL, NULL);
	else if (cpu->rcu.nest)
		report(cpu->ctx, "sleeping in a read section", NULL, NULL);
	else
		report(cpu->ctx, "sleeping with preemption off", NULL, NULL);
}

void lockdep_ipi_wait(void)
{
	struct sched_cpu *cpu = checked_cpu();
	unsigned int i;

	if (!cpu)
		return;
	if (unlikely(cpu->in_irq))
		report(cpu->ctx, "waiting for an interrupt's acknowledgement in a handler",
		       NULL, NULL);
	else if (unlikely(cpu->irq_off))
		report(cpu->ctx, "waiting for an interrupt's acknowledgement with interrupts off",
		       NULL, NULL);
	if (!cpu->lockdep)
		return;
	for (i = 0; i < cpu->ctx->locks.depth; i++) {
		const struct held_lock *h = &cpu->ctx->locks.held[i];

		if (h->class != NO_CLASS && class_usage(cpu->lockdep, h->class) & USED_IN_IRQ)
			report(cpu->ctx, "waiting for an interrupt's acknowledgement holding",
			       h->name, NULL);
	}
}

void lockdep_assert_none_held(struct sched_ctx *ctx)
{
	unsigned int i;

	if (likely(!ctx->locks.depth) || lockdep_unknown())
		return;
	for (i = 0; i < ctx->locks.depth; i++)
		report(ctx, "still held at the end:", ctx->locks.held[i].name, NULL);
	ctx->locks.depth = 0;
}

#endif
