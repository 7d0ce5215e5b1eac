/* SPDX-License-Identifier: MIT */
/*
 * Jitter mode: seeded disturbance of what runs when.
 *
 * The random numbers are each vCPU's own; the table of windows is the machine's and
 * is worked by compare-and-exchange alone.  A claim is one word: a hash of the key, the
 * claimer's number, and whether a partner has come.
 *
 * Must not wait without a bound, must not hold a vCPU with interrupts off for more than
 * a few microseconds (others wait for its acknowledgement), and must order nothing.
 */
#include "sync/sched.h"

#include <string.h>

#include "sync/cpu_relax.h"

#define CLAIM_MET	(1ULL << 63)
#define CLAIM_CPU_BITS	9
#define CLAIM_CPU_MASK	((1ULL << CLAIM_CPU_BITS) - 1)

/* Busy turns of a hold, before and after others are let run. */
#define HOLD_SPINS	200
#define HOLD_YIELDS	24
/* With interrupts off. */
#define HOLD_SPINS_ATOMIC	100
/* Enough turns for any ops->relax to give the token away. */
#define RELAX_HARD	(1U << 20)

void jitter_init(struct jitter *j, u64 seed, u32 ppm, u32 window_ppm)
{
	memset(j, 0, sizeof(*j));
	j->seed = seed;
	j->ppm = ppm;
	j->window_ppm = window_ppm;
}

static void spin_about(struct sched_cpu *cpu, unsigned int most)
{
	u64 turns = prng_below(&cpu->jitter_rng, most);

	while (turns--)
		cpu_relax();
}

void jitter_point(struct sched_cpu *cpu, enum sched_kind kind, const void *obj)
{
	if (!prng_chance(&cpu->jitter_rng, cpu->jitter->ppm))
		return;
	if (cpu->irq_off)
		spin_about(cpu, HOLD_SPINS_ATOMIC);
	else if (prng_below(&cpu->jitter_rng, 4))
		spin_about(cpu, 400);
	else
		cpu->ops->relax(RELAX_HARD);
}

#if MM_POINTS
static void count(u64 *counter)
{
	__atomic_fetch_add(counter, 1, __ATOMIC_RELAXED);
}

/* Somebody waits here for our key: tell it that we have come. */
static bool meet(struct jitter *j, u64 *slot, u64 claim)
{
	u64 there = __atomic_load_n(slot, __ATOMIC_RELAXED);

	if (!there || (there & CLAIM_MET) || ((there ^ claim) & ~CLAIM_CPU_MASK) ||
	    there == claim)
		return false;
	if (!__atomic_compare_exchange_n(slot, &there, there | CLAIM_MET, false,
					 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		return false;
	count(&j->met);
	return true;
}

static bool hold_turn(unsigned int i)
{
	struct sched_cpu *cpu = this_sched_cpu();

	if (cpu->irq_off) {
		cpu_relax();
		return i < HOLD_SPINS_ATOMIC;
	}
	sched_relax(i < HOLD_SPINS ? 0 : RELAX_HARD);
	return i < HOLD_SPINS + HOLD_YIELDS;
}

/* Claim a free slot and wait a while for a partner. */
static bool hold(struct jitter *j, u64 *slot, u64 claim)
{
	u64 expected = 0;
	unsigned int i = 0;

	if (!__atomic_compare_exchange_n(slot, &expected, claim, false, __ATOMIC_RELAXED,
					 __ATOMIC_RELAXED))
		return false;
	count(&j->held);
	while (__atomic_load_n(slot, __ATOMIC_RELAXED) == claim && hold_turn(i))
		i++;
	return __atomic_exchange_n(slot, 0, __ATOMIC_RELAXED) & CLAIM_MET;
}

void sched_window(enum window_id id, u64 key)
{
	struct sched_cpu *cpu;
	struct jitter *j;
	u64 hash, claim, *slot;

	sched_point(SCHED_WINDOW, NULL);
	cpu = this_sched_cpu();
	if (!cpu || !cpu->jitter || cpu->in_irq)
		return;
	j = cpu->jitter;
	hash = mix64(key + 1);
	claim = (hash << CLAIM_CPU_BITS | (cpu->local.id + 1)) & ~CLAIM_MET;
	slot = &j->slot[(hash >> 56) % JITTER_SLOTS].claim;
	if (meet(j, slot, claim)) {
		window_hit(WIN_JITTER_PARTNER_MET);
		return;
	}
	if (prng_chance(&cpu->jitter_rng, j->window_ppm))
		hold(j, slot, claim);
	/* Who goes first after a meeting is chance. */
}
#endif
