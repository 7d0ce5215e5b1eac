/* SPDX-License-Identifier: MIT */
/*
 * Weak memory in controlled runs, by litmus tests: what each memory allows comes up, what
 * it forbids never does.  Each program runs under many schedules and fills a set of
 * outcomes, a bit each; r[] are what its loads saw.
 */
#define MM_WEAK	1
#include "kern_rig.h"

#include <string.h>

#include "base/atomic.h"
#include "hw/ipi.h"
#include "sync/seqcount.h"
#include "sync/spinlock.h"
#include "sync/store_buffer.h"
#include "sync/wait.h"

#if MM_POINTS
#define SCHEDULES	300

static struct strategy strategy;
static u32 x, y, r[4];
static u64 wide;
static spinlock_t locks[2];
static wait_queue_head_t wq;
static seqcount_t seq;
static struct thing { struct rcu_head rcu; u32 value; } object;

struct litmus {
	const char	*name;
	void		(*task[4])(void *);
	u64		allowed[NR_MEMORY_MODELS];	/* of these outcomes... */
	u64		wanted[NR_MEMORY_MODELS];	/* ...these must come up */
};

/* Two loads of 0 to 3. */
#define SAW(a, b)	(1ULL << ((a) * 4 + (b)))

static void reset(void)
{
	x = y = 0;
	wide = 0;
	memset(r, 0, sizeof(r));
	object.value = 5;
	spin_lock_init(&locks[0], LOCK_RANK_LEAF, "left");
	spin_lock_init(&locks[1], LOCK_RANK_LEAF, "right");
	init_waitqueue_head(&wq);
	seqcount_init(&seq);
}

static void boot(enum memory_model memory)
{
	struct machine_config config = {
		.nr_cpus = 4, .nr_frames = 64, .frame_bytes = 64, .seed = 7,
		.mode = RUN_CONTROLLED, .stack_size = 64 << 10,
		.control = { .strategy = &strategy, .memory = memory },
	};

	assert_int_equal(machine_create(&config, &rig), 0);
	machine_bind_host(rig, 0);
	assert_int_equal(kern_init(rig), 0);
	machine_unbind_host(rig);
	rig_next_id = 1;
}

static void start(u64 seed)
{
	static const enum strategy_kind kind[] = {
		STRATEGY_RANDOM, STRATEGY_STICKY, STRATEGY_PCT,
	};

	strategy_start(&strategy, kind[seed % ARRAY_SIZE(kind)], seed, 3, 60);
}

static u64 run_once(const struct litmus *t, enum memory_model memory, u64 seed)
{
	start(seed);
	boot(memory);
	reset();
	for (unsigned int i = 0; i < ARRAY_SIZE(t->task) && t->task[i]; i++)
		rig_spawn(t->task[i], NULL);
	rig_run();
	rig_down();
	return SAW(min(r[0], 3u), min(r[1], 3u));
}

static void judge(const struct litmus *t)
{
	for (unsigned int memory = 0; memory < NR_MEMORY_MODELS; memory++) {
		u64 seen = 0;

		for (u64 seed = 0; seed < SCHEDULES; seed++)
			seen |= run_once(t, memory, seed);
		if ((seen & ~t->allowed[memory]) || (t->wanted[memory] & ~seen))
			fail_msg("%s, %s: saw %#llx, may %#llx, must %#llx", t->name,
				 memory_model_name(memory), seen, t->allowed[memory],
				 t->wanted[memory]);
	}
}

#define ALL		(~0ULL)
#define EACH(set)	{ set, set, set }

/* The end of a task orders its stores: not at once, there is more to do. */
static void linger(void)
{
	for (unsigned int i = 0; i < 3; i++)
		sched_point(SCHED_WINDOW, NULL);
}

/* ---- store buffering: each stores, then looks at the other's ---- */

static void sb_left(void *arg)
{
	WRITE_ONCE(x, 1);
	r[0] = READ_ONCE(y);
	linger();
}

static void sb_right(void *arg)
{
	smp_store_release(&y, 1);
	r[1] = smp_load_acquire(&x);
	linger();
}

static void sb_left_rmw(void *arg)
{
	xchg(&x, 1);
	r[0] = READ_ONCE(y);
	linger();
}

static void sb_right_rmw(void *arg)
{
	xchg_acquire(&y, 1);
	r[1] = READ_ONCE(x);
}

/* The end of a lock is a store like others; its beginning is not. */
static void sb_left_unlock(void *arg)
{
	spin_lock(&locks[0]);
	WRITE_ONCE(x, 1);
	spin_unlock(&locks[0]);
	r[0] = READ_ONCE(y);
	linger();
}

static void sb_right_unlock(void *arg)
{
	spin_lock(&locks[1]);
	WRITE_ONCE(y, 1);
	spin_unlock(&locks[1]);
	r[1] = READ_ONCE(x);
	linger();
}

static void sb_left_lock(void *arg)
{
	WRITE_ONCE(x, 1);
	spin_lock(&locks[0]);
	r[0] = READ_ONCE(y);
	spin_unlock(&locks[0]);
}

static void sb_right_lock(void *arg)
{
	WRITE_ONCE(y, 1);
	spin_lock(&locks[1]);
	r[1] = READ_ONCE(x);
	spin_unlock(&locks[1]);
}

/* Its own store a vCPU sees at once, however it looks. */
static void forward_left(void *arg)
{
	WRITE_ONCE(x, 1);
	WRITE_ONCE(x, 2);
	r[0] = READ_ONCE(x) == 2 && RAW_READ_ONCE(x) == 2;
	linger();
}

static void forward_right(void *arg)
{
	r[1] = READ_ONCE(x);
}

static void stores_wait(void **state)
{
	static const struct litmus tests[] = {
		{ "SB", { sb_left, sb_right },
		  { ALL & ~SAW(0, 0), ALL, ALL },
		  { SAW(0, 1) | SAW(1, 0), SAW(0, 0) | SAW(1, 0), SAW(0, 0) | SAW(1, 0) } },
		{ "SB, left alone orders", { sb_left_rmw, sb_right },
		  { ALL & ~SAW(0, 0), ALL, ALL }, { 0, SAW(0, 0), SAW(0, 0) } },
		{ "SB, both order", { sb_left_rmw, sb_right_rmw },
		  EACH(ALL & ~SAW(0, 0)), EACH(SAW(0, 1) | SAW(1, 0)) },
		{ "SB, unlock", { sb_left_unlock, sb_right_unlock },
		  { ALL & ~SAW(0, 0), ALL, ALL }, { 0, SAW(0, 0), SAW(0, 0) } },
		{ "SB, lock", { sb_left_lock, sb_right_lock },
		  EACH(ALL & ~SAW(0, 0)), EACH(SAW(0, 1) | SAW(1, 0)) },
		{ "forwarding", { forward_left, forward_right },
		  EACH(SAW(1, 0) | SAW(1, 1) | SAW(1, 2)), { 0, SAW(1, 1), SAW(1, 1) } },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(tests); i++)
		judge(&tests[i]);
}

/* ---- message passing: a value, then a flag ---- */

static void mp_write(void *arg)
{
	WRITE_ONCE(x, 1);
	WRITE_ONCE(y, 1);
	linger();
}

static void mp_write_release(void *arg)
{
	WRITE_ONCE(x, 1);
	smp_store_release(&y, 1);
	linger();
}

/* A full barrier on x86 nevertheless. */
static void mp_write_relaxed(void *arg)
{
	WRITE_ONCE(x, 1);
	xchg_relaxed(&y, 1);
	linger();
}

static void mp_write_wmb(void *arg)
{
	WRITE_ONCE(x, 1);
	weak_wmb();
	WRITE_ONCE(y, 1);
	linger();
}

static void mp_write_grace(void *arg)
{
	WRITE_ONCE(x, 1);
	synchronize_rcu();
	WRITE_ONCE(y, 1);
}

static void mp_read(void *arg)
{
	rcu_read_lock();
	r[0] = READ_ONCE(y);
	r[1] = READ_ONCE(x);
	rcu_read_unlock();
}

/* A pair that is written between the counts of a sequence counter. */
static void seq_write(void *arg)
{
	write_seqcount_begin(&seq);
	WRITE_ONCE(x, 1);
	WRITE_ONCE(y, 1);
	write_seqcount_end(&seq);
	linger();
}

static void seq_read(void *arg)
{
	unsigned int begun;

	do {
		begun = read_seqcount_begin(&seq);
		r[0] = READ_ONCE(y);
		r[1] = READ_ONCE(x);
	} while (read_seqcount_retry(&seq, begun));
}

static void stores_overtake(void **state)
{
	static const struct litmus tests[] = {
		{ "MP", { mp_write, mp_read }, { ALL & ~SAW(1, 0), ALL & ~SAW(1, 0), ALL },
		  { SAW(0, 0) | SAW(1, 1), SAW(0, 1) | SAW(1, 1), SAW(1, 0) | SAW(0, 1) } },
		{ "MP, release", { mp_write_release, mp_read },
		  EACH(ALL & ~SAW(1, 0)), EACH(SAW(0, 0) | SAW(1, 1)) },
		{ "MP, relaxed", { mp_write_relaxed, mp_read },
		  { ALL & ~SAW(1, 0), ALL & ~SAW(1, 0), ALL },
		  { SAW(1, 1), SAW(1, 1), SAW(1, 0) | SAW(1, 1) } },
		{ "MP, write barrier", { mp_write_wmb, mp_read },
		  EACH(ALL & ~SAW(1, 0)), { 0, SAW(0, 1), SAW(0, 1) } },
		{ "MP, grace period", { mp_write_grace, mp_read },
		  EACH(ALL & ~SAW(1, 0)), EACH(SAW(0, 0) | SAW(1, 1)) },
		{ "sequence counter", { seq_write, seq_read },
		  EACH(SAW(0, 0) | SAW(1, 1)), EACH(SAW(0, 0) | SAW(1, 1)) },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(tests); i++)
		judge(&tests[i]);
}

/* ---- what no memory here allows ---- */

static void lb_left(void *arg)
{
	r[0] = READ_ONCE(x);
	WRITE_ONCE(y, 1);
	linger();
}

static void lb_right(void *arg)
{
	r[1] = READ_ONCE(y);
	WRITE_ONCE(x, 1);
	linger();
}

static void store_x(void *arg)
{
	WRITE_ONCE(x, 1);
	linger();
}

static void store_y(void *arg)
{
	WRITE_ONCE(y, 1);
	linger();
}

/* 1: x, then y not yet; 2: as mp_read has it. */
static void iriw_left(void *arg)
{
	u32 first = READ_ONCE(x), then = READ_ONCE(y);

	r[0] = first && !then;
}

static void iriw_right(void *arg)
{
	u32 first = READ_ONCE(y), then = READ_ONCE(x);

	r[1] = first && !then;
}

static void store_twice(void *arg)
{
	WRITE_ONCE(x, 1);
	WRITE_ONCE(x, 2);
	linger();
}

static void load_twice(void *arg)
{
	r[0] = READ_ONCE(x);
	r[1] = READ_ONCE(x);
}

static void add_locked(void *arg)
{
	spin_lock(&locks[0]);
	WRITE_ONCE(x, READ_ONCE(x) + 1);
	spin_unlock(&locks[0]);
}

static void last_of_two(void *arg)
{
	add_locked(arg);
	spin_lock(&locks[0]);
	r[0] = max(READ_ONCE(x), r[0]);
	spin_unlock(&locks[0]);
}

static void narrow_store(void *arg)
{
	__store_once((u32 *)&wide, 3, __ATOMIC_RELAXED);
	__store_once((u32 *)&wide + 1, 1, __ATOMIC_RELAXED);
	linger();
}

static void wide_load(void *arg)
{
	u64 first = READ_ONCE(wide), then = READ_ONCE(wide);

	r[0] = (u32)first;
	r[1] = (u32)then;
}

static void memory_is_coherent(void **state)
{
	static const struct litmus tests[] = {
		{ "LB", { lb_left, lb_right }, EACH(ALL & ~SAW(1, 1)), EACH(SAW(0, 1)) },
		{ "IRIW", { iriw_left, iriw_right, store_x, store_y },
		  EACH(ALL & ~SAW(1, 1)), EACH(SAW(0, 0)) },
		{ "CoRR", { store_twice, load_twice },
		  EACH(SAW(0, 0) | SAW(0, 1) | SAW(0, 2) | SAW(1, 1) | SAW(1, 2) | SAW(2, 2)),
		  { SAW(0, 0) | SAW(2, 2), SAW(0, 1) | SAW(1, 2), SAW(0, 1) | SAW(1, 2) } },
		{ "a lock", { add_locked, last_of_two },
		  EACH(SAW(1, 0) | SAW(2, 0)), EACH(SAW(1, 0) | SAW(2, 0)) },
		{ "sizes", { narrow_store, wide_load },
		  EACH(SAW(0, 0) | SAW(0, 3) | SAW(3, 3)), { 0 } },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(tests); i++)
		judge(&tests[i]);
}

/* ---- what else orders ---- */

static void look(void *info)
{
	r[0] = READ_ONCE(x);
}

static void ipi_write(void *arg)
{
	WRITE_ONCE(x, 1);
	ipi_call_one(smp_processor_id() ^ 1, look, NULL);
	r[1] = 1;
}

/* Wherever it goes on, a task sees what it has stored. */
static void wander(void *arg)
{
	u32 *mine = arg ? &y : &x;

	WRITE_ONCE(*mine, 1);
	kern_yield();
	if (READ_ONCE(*mine) != 1)
		r[0] = 1;
	WRITE_ONCE(*mine, 2);
	kern_yield();
	if (READ_ONCE(*mine) != 2)
		r[0] = 1;
}

/* Memory that has become another object has none of its stores. */
static void free_object(void *arg)
{
	WRITE_ONCE(object.value, 0);
	weak_free(&object, sizeof(object));
	raw_store_order(&y, 1, __ATOMIC_RELEASE);
	linger();
}

static void reuse_object(void *arg)
{
	if (raw_load_order(&y, __ATOMIC_ACQUIRE)) {
		object.value = 2;
		r[0] = READ_ONCE(object.value);
	}
}

static void others_order(void **state)
{
	static const struct litmus tests[] = {
		{ "IPI", { ipi_write }, EACH(SAW(1, 1)), EACH(SAW(1, 1)) },
		{ "tasks", { wander, wander, wander, wander }, EACH(SAW(0, 0)),
		  EACH(SAW(0, 0)) },
		{ "freed", { free_object, reuse_object }, EACH(SAW(0, 0) | SAW(2, 0)),
		  EACH(SAW(2, 0)) },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(tests); i++)
		judge(&tests[i]);
}

/* ---- waiting ---- */

static void waiter(void *arg)
{
	wait_event(&wq, READ_ONCE(x));
}

static void waker(void *arg)
{
	WRITE_ONCE(x, 1);
	__wake_up(&wq, 0, NULL);
}

/* The kernel's waitqueue_active() without the barrier that its comment asks for. */
static void lazy_waker(void *arg)
{
	WRITE_ONCE(x, 1);
	if (waitqueue_active(&wq))
		__wake_up(&wq, 0, NULL);
	linger();
}

/* How many of the schedules leave the waiter asleep; those machines are lost. */
static unsigned int asleep(void (*wake)(void *), enum memory_model memory)
{
	static struct machine *left[64];
	static unsigned int nr_left;
	unsigned int stuck = 0;

	for (u64 seed = 0; seed < 600 && stuck < 8; seed++) {
		start(seed);
		boot(memory);
		reset();
		rig_spawn(waiter, NULL);
		rig_spawn(wake, NULL);
		assert_int_equal(machine_run(rig), 0);
		if (!machine_wait(rig, 0)) {
			assert_true(nr_left < ARRAY_SIZE(left));
			left[nr_left++] = rig;
			stuck++;
			continue;
		}
		machine_stop(rig);
		rig_down();
	}
	return stuck;
}

static void wakeups_need_their_barrier(void **state)
{
	for (unsigned int memory = 0; memory < NR_MEMORY_MODELS; memory++)
		assert_int_equal(asleep(waker, memory), 0);
	assert_int_equal(asleep(lazy_waker, MEMORY_SC), 0);
	assert_true(asleep(lazy_waker, MEMORY_TSO));
	assert_true(asleep(lazy_waker, MEMORY_PSO));
}

/* ---- the order of one buffer, without a machine ---- */

static void programs_without_weak_memory(void **state)
{
	struct store_buffers *b;

	assert_null(store_buffers_create(MEMORY_SC, 2));
	b = store_buffers_create(MEMORY_PSO, 2);
	assert_non_null(b);
	assert_null(store_buffer_oldest(b, 0));
	assert_null(store_buffer_newest(b, 0));
	store_buffer_drain(b, 0);
	store_buffer_overtake(b, 0);
	store_buffer_locked(b, 0, &x);
	store_buffers_drain_all(b);
	assert_int_equal(b->pending, 0);
	assert_int_equal(b->cpu[0].drained, 0);
	free(b);
	assert_false(this_cpu_weak());
	smp_store_barrier();
	smp_store_barrier_all();
	assert_false(smp_stores_pending());
	assert_string_equal(memory_model_name(MEMORY_PSO), "pso");
}
#endif

int main(void)
{
	const struct CMUnitTest tests[] = {
#if MM_POINTS
		cmocka_unit_test(stores_wait),
		cmocka_unit_test(stores_overtake),
		cmocka_unit_test(memory_is_coherent),
		cmocka_unit_test(others_order),
		cmocka_unit_test(wakeups_need_their_barrier),
		cmocka_unit_test(programs_without_weak_memory),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
