/* SPDX-License-Identifier: MIT */
/*
 * Jitter mode: seeded disturbance of what runs when.
 *
 * The random numbers are each vCPU's own; the table of windows is the machine's and
 * is worked by compare-and-exchange alone.  A claim is one word: a hash of the
 * key, and the claimer's number.
 *
 * Must not wait without a bound, and must order nothing.  A vCPU that is held with
 * interrupts off is let go when somebody waits for its acknowledgement (hw/ipi.c).
 */
#include "sync/sched.h"

#include <string.h>

#include "sync/cpu_relax.h"

#define CLAIM_CPU_BITS	9
#define CLAIM_CPU_MASK	((1ULL << CLAIM_CPU_BITS) - 1)

/* Busy turns of a hold before the vCPU is set aside. */
#define HOLD_SPINS	100
/* Turns of others that it may last: 1, 2, 4 ... below 1 << this. */
#define HOLD_TURNS_LOG	7
/* How often a window is held, at most, and at least where another is. */
#define HOLD_PPM_MAX	250000
#define HOLD_PPM_NEAR	30000
/* A pass in company weighs as many without. */
#define HOLD_COMPANY	32
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
		spin_about(cpu, HOLD_SPINS);
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

/* ---- who waits here ---- */

struct rendezvous {
	u64	*slot;		/* where those with this place and key meet */
	u64	claim;		/* what we leave there while we wait */
};

static struct rendezvous rendezvous(struct sched_cpu *cpu, u64 place, u64 key)
{
	u64 hash = hash64(place, key, 0);

	return (struct rendezvous){
		.slot = &cpu->jitter->slot[(hash >> 56) % JITTER_SLOTS].claim,
		.claim = hash << CLAIM_CPU_BITS | (cpu->local.id + 1),
	};
}

/* Somebody waits here for our key: it may go on, and we go on, or wait in its stead. */
static bool meet(struct sched_cpu *cpu, const struct rendezvous *r, bool stay)
{
	u64 there = __atomic_load_n(r->slot, __ATOMIC_RELAXED);

	if (!there || ((there ^ r->claim) & ~CLAIM_CPU_MASK) || there == r->claim)
		return false;
	if (!__atomic_compare_exchange_n(r->slot, &there, stay ? r->claim : 0, false,
					 __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		return false;
	count(&cpu->jitter->met);
	if (cpu->ops->unhold)
		cpu->ops->unhold((there & CLAIM_CPU_MASK) - 1);
	return true;
}

/* ---- holding ---- */

/*
 * Short holds let a second party in, long ones a third; and what is held for long is
 * missing elsewhere.  So every order of magnitude gets its share.
 */
static unsigned int draw_turns(struct sched_cpu *cpu)
{
	return 1u << prng_below(&cpu->jitter_rng, HOLD_TURNS_LOG);
}

/* Waits a while, as long as *word is value. */
static void stay(struct sched_cpu *cpu, const u64 *word, u64 value)
{
	unsigned int i, turns = draw_turns(cpu);

	for (i = 0; i < HOLD_SPINS; i++) {
		if (__atomic_load_n(word, __ATOMIC_RELAXED) != value)
			return;
		cpu_relax();
	}
	if (cpu->ops->hold) {
		cpu->ops->hold(word, value, turns);
		return;
	}
	if (cpu->irq_off)
		return;
	while (turns-- && __atomic_load_n(word, __ATOMIC_RELAXED) == value)
		sched_relax(RELAX_HARD);
}

/* Our claim is in the slot: until somebody else takes it out. */
static void stay_for_partner(struct sched_cpu *cpu, const struct rendezvous *r)
{
	u64 ours = r->claim;

	stay(cpu, r->slot, ours);
	__atomic_compare_exchange_n(r->slot, &ours, 0, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

static bool claim(const struct rendezvous *r)
{
	u64 nobody = 0;

	return __atomic_compare_exchange_n(r->slot, &nobody, r->claim, false, __ATOMIC_RELAXED,
					   __ATOMIC_RELAXED);
}

/* Half of them whoever comes: it may take a third. */
static void hold(struct sched_cpu *cpu, const struct rendezvous *r, u32 *held)
{
	static const u64 nobody;

	count(&cpu->jitter->held);
	__atomic_fetch_add(held, 1, __ATOMIC_RELAXED);
	if (prng_next(&cpu->jitter_rng) & 1)
		stay(cpu, &nobody, 0);
	else if (claim(r))
		stay_for_partner(cpu, r);
	__atomic_fetch_sub(held, 1, __ATOMIC_RELAXED);
}

/* ---- windows ---- */

/* How many are held at this place, and at what shares its slot. */
static u32 *held_at(struct jitter *j, u64 place)
{
	return &j->slot[mix64(place) % JITTER_SLOTS].held;
}

/*
 * A window that is passed rarely is held as often as one that is passed all the time,
 * and that of a rare call as often as that of a frequent one: each pair of a call and a
 * window that this vCPU has met gets the same share of its holds, most of it where
 * somebody else is near.  Where one is held another is held more easily: some bugs need
 * two at once.
 */
static bool draw_hold(struct sched_cpu *cpu, enum window_id id, u32 *held, bool company)
{
	struct jitter_passes *jp = &cpu->jitter_passes;
	u64 *passes = &jp->of[cpu->ctx->what % JITTER_WHATS][id];
	u64 ppm, weight = company ? HOLD_COMPANY : 1;

	jp->pairs += !*passes;
	*passes += weight;
	jp->all++;
	ppm = cpu->jitter->window_ppm * jp->all * weight / (jp->pairs * *passes);
	if (company && __atomic_load_n(held, __ATOMIC_RELAXED))
		ppm = max(ppm, (u64)HOLD_PPM_NEAR);
	return prng_chance(&cpu->jitter_rng, (u32)min(ppm, (u64)HOLD_PPM_MAX));
}

bool sched_window_counts(void)
{
	struct sched_cpu *cpu = this_sched_cpu();

	return cpu && cpu->jitter && !cpu->in_irq;
}

void sched_window_with(enum window_id id, u64 place, u64 key, bool company)
{
	struct sched_cpu *cpu;
	struct rendezvous r;
	bool stays;
	u32 *held;

	sched_point(SCHED_WINDOW, NULL);
	cpu = this_sched_cpu();
	if (!cpu || !cpu->jitter || cpu->in_irq)
		return;
	r = rendezvous(cpu, place, key);
	held = held_at(cpu->jitter, place);
	/* Who goes first after a meeting is chance; but who was held has to be woken. */
	stays = prng_next(&cpu->jitter_rng) & 1;
	if (meet(cpu, &r, stays)) {
		window_hit(WIN_JITTER_PARTNER_MET);
		if (stays)
			stay_for_partner(cpu, &r);
	} else if (draw_hold(cpu, id, held, company)) {
		hold(cpu, &r, held);
	}
}

void sched_window(enum window_id id, u64 place, u64 key)
{
	sched_window_with(id, place, key, true);
}
#endif
