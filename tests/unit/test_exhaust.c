/* SPDX-License-Identifier: MIT */
/* room: mm_sync */
/*
 * The bounded search on programs of a few threads that add up words: it tries what brute
 * force tries, comes to the same ends by fewer runs, keeps within its bounds, and says
 * when it is done.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/bug.h"
#include "base/prng.h"
#include "sync/strategy.h"

#if MM_POINTS
#define THREADS	3
#define LENGTH	6
#define WORDS	4

/* One touches a word, or two, the second by whether the first is odd. */
struct op {
	unsigned int	word, then;
	bool		write;
};

struct toy {
	unsigned int	threads, length;
	struct op	op[THREADS][LENGTH];
	bool		locked;		/* op 0 takes a lock that the last gives back */
};

struct machine_toy {
	const struct toy *toy;
	unsigned int	pc[THREADS];
	u64		word[WORDS], local[THREADS];
	unsigned int	owner;		/* of the lock; THREADS: nobody */
	bool		event_pending[THREADS];
};

static bool toy_can_run(const struct machine_toy *m, unsigned int t)
{
	if (m->pc[t] == m->toy->length)
		return false;
	return !m->toy->locked || m->pc[t] || m->owner == THREADS;
}

static unsigned int toy_gather(const struct machine_toy *m, struct sched_choice *choice)
{
	unsigned int nr = 0;

	for (unsigned int t = 0; t < m->toy->threads; t++)
		if (toy_can_run(m, t))
			choice[nr++] = (struct sched_choice){ .cpu = (u16)t, .event = SCHED_RUN };
	for (unsigned int t = 0; t < m->toy->threads; t++)
		if (m->event_pending[t])
			choice[nr++] = (struct sched_choice){ .cpu = (u16)t, .event = SCHED_IRQ };
	return nr;
}

static void access_word(struct machine_toy *m, struct exhaust *e, unsigned int t, unsigned int w,
			bool write)
{
	exhaust_touch(e, &m->word[w], write);
	m->local[t] = mix64(m->local[t] + m->word[w] + 1);
	if (write)
		m->word[w] = m->word[w] * 3 + m->local[t] % 7;
}

static void toy_step(struct machine_toy *m, struct exhaust *e, unsigned int t)
{
	const struct op *op = &m->toy->op[t][m->pc[t]];
	bool odd;

	if (m->toy->locked && (!m->pc[t] || m->pc[t] + 1 == m->toy->length)) {
		exhaust_touch(e, &m->owner, true);
		m->owner = m->pc[t] ? THREADS : t;
	}
	exhaust_touch(e, &m->word[op->word], false);
	odd = m->word[op->word] & 1;
	access_word(m, e, t, op->word, op->write);
	if (odd)
		access_word(m, e, t, op->then, !op->write);
	m->pc[t]++;
}

/* An interrupt: it adds to the vCPU's first word. */
static void toy_event(struct machine_toy *m, struct exhaust *e, unsigned int t)
{
	m->event_pending[t] = false;
	access_word(m, e, t, t, true);
}

/* Returns the end; *switches counts those away from who could go on, *early events. */
static u64 toy_run(const struct toy *toy, struct exhaust *e, unsigned int *switches,
		   unsigned int *early)
{
	struct machine_toy m = { .toy = toy, .owner = THREADS };
	struct sched_choice choice[2 * THREADS];
	struct sched_choices c = { .runner = STRATEGY_CPUS, .choice = choice };
	u64 end = 0;

	for (unsigned int t = 0; t < toy->threads; t++)
		m.event_pending[t] = toy->length > 3;
	*switches = *early = 0;
	while ((c.nr = toy_gather(&m, choice))) {
		const struct sched_choice *next = &choice[exhaust_choose(e, &c)];

		if (next->event == SCHED_RUN) {
			*switches += c.runner != STRATEGY_CPUS && next->cpu != c.runner &&
				     toy_can_run(&m, c.runner);
			c.runner = next->cpu;
			toy_step(&m, e, next->cpu);
		} else {
			*early += choice[0].event == SCHED_RUN;
			toy_event(&m, e, next->cpu);
		}
		exhaust_step_end(e);
		c.decision++;
	}
	for (unsigned int w = 0; w < WORDS; w++)
		end = mix64(end + m.word[w] + 1);
	for (unsigned int t = 0; t < toy->threads; t++)
		end = mix64(end + m.local[t] + 1);
	return end;
}

static struct exhaust_stats search(const struct toy *toy, struct exhaust_bounds bounds)
{
	struct exhaust *e = exhaust_new(&bounds);
	struct exhaust_stats st;
	unsigned int switches, early;

	assert_non_null(e);
	while (exhaust_next(e)) {
		u64 end = toy_run(toy, e, &switches, &early);

		assert_true(switches <= bounds.preemptions && early <= bounds.events);
		exhaust_end(e, end);
	}
	assert_null(exhaust_failed(e));
	assert_true(exhaust_done(e));
	exhaust_stats(e, &st);
	assert_int_equal(st.left, 0);
	exhaust_free(e);
	return st;
}

static struct toy draw(u64 seed)
{
	struct prng rng;
	struct toy toy = { 0 };

	prng_seed(&rng, seed);
	toy.threads = 2 + (unsigned int)prng_below(&rng, THREADS - 1);
	toy.length = 2 + (unsigned int)prng_below(&rng, toy.threads == 2 ? LENGTH - 1 : 3);
	toy.locked = !prng_below(&rng, 3);
	for (unsigned int t = 0; t < toy.threads; t++) {
		for (unsigned int i = 0; i < toy.length; i++)
			toy.op[t][i] = (struct op){
				.word = (unsigned int)prng_below(&rng, WORDS),
				.then = (unsigned int)prng_below(&rng, WORDS),
				.write = !prng_below(&rng, 3),
			};
	}
	return toy;
}

static void reduction_comes_to_the_same_ends(void **state)
{
	u64 brute_runs = 0, runs = 0;

	for (u64 seed = 0; seed < 60; seed++) {
		const struct toy toy = draw(seed);
		struct exhaust_bounds bounds = {
			.preemptions = seed % 4, .events = seed / 4 % 3,
		};
		struct exhaust_stats less = search(&toy, bounds), all;

		bounds.brute = true;
		all = search(&toy, bounds);
		if (less.finals != all.finals || less.finals_hash != all.finals_hash)
			fail_msg("seed %llu: %llu ends of %llu", seed, less.finals, all.finals);
		assert_true(less.runs <= all.runs);
		brute_runs += all.runs;
		runs += less.runs;
	}
	/* It is worth it. */
	assert_true(runs * 3 < brute_runs);
}

/* One thread after the other, in any order: 3! runs; with one preemption of two by hand. */
static void brute_force_is_all_there_is(void **state)
{
	struct toy toy = { .threads = 3, .length = 2 };
	struct exhaust_bounds bounds = { .brute = true };

	assert_int_equal(search(&toy, bounds).runs, 6);
	toy.threads = 2;
	bounds.preemptions = 1;
	/* ab begins: aabb abba; abab and baab have two. */
	assert_int_equal(search(&toy, bounds).runs, 4);
	bounds.preemptions = 2;
	assert_int_equal(search(&toy, bounds).runs, 6);
}

/* What never meets need not be tried in every order. */
static void what_commutes_is_run_less(void **state)
{
	struct toy toy = { .threads = 2, .length = 3 };
	struct exhaust_bounds bounds = { .preemptions = 2 };
	struct exhaust_stats st, all;

	for (unsigned int t = 0; t < 2; t++)
		for (unsigned int i = 0; i < 3; i++)
			toy.op[t][i] = (struct op){ .word = t, .then = t, .write = true };
	st = search(&toy, bounds);
	assert_int_equal(st.finals, 1);
	bounds.brute = true;
	all = search(&toy, bounds);
	if (st.runs * 3 > all.runs * 2 || !st.pruned)
		fail_msg("%llu runs of %llu, %llu pruned", st.runs, all.runs, st.pruned);
}

static void a_full_table_only_costs_runs(void **state)
{
	const struct toy toy = draw(7);
	struct exhaust_bounds bounds = { .preemptions = 2, .events = 1 };
	struct exhaust_stats st = search(&toy, bounds), few;

	bounds.max_states = 3;
	few = search(&toy, bounds);
	assert_true(few.states <= 3 && few.runs >= st.runs);
	assert_int_equal(few.finals_hash, st.finals_hash);
}

/* A run that does not follow the one before it is no basis for anything. */
static void another_run_is_noticed(void **state)
{
	const struct exhaust_bounds bounds = { .preemptions = 1 };
	struct toy toy = { .threads = 2, .length = 4 };
	struct exhaust *e = exhaust_new(&bounds);
	unsigned int switches, early;

	assert_non_null(e);
	for (unsigned int t = 0; t < 2; t++)
		for (unsigned int i = 0; i < 4; i++)
			toy.op[t][i].write = true;
	assert_true(exhaust_next(e));
	exhaust_end(e, toy_run(&toy, e, &switches, &early));
	toy.length = 1;
	while (exhaust_next(e))
		exhaust_end(e, toy_run(&toy, e, &switches, &early));
	assert_non_null(exhaust_failed(e));
	assert_false(exhaust_done(e));
	exhaust_free(e);
}
#endif

static void without_points_nothing_is_searched(void **state)
{
	assert_true(EXHAUST_BOUND_MAX < 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#if MM_POINTS
		cmocka_unit_test(reduction_comes_to_the_same_ends),
		cmocka_unit_test(brute_force_is_all_there_is),
		cmocka_unit_test(what_commutes_is_run_less),
		cmocka_unit_test(a_full_table_only_costs_runs),
		cmocka_unit_test(another_run_is_noticed),
#endif
		cmocka_unit_test(without_points_nothing_is_searched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
