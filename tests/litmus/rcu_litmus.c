/* SPDX-License-Identifier: MIT */
/*
 * RCU programs.  Two readers, two updaters (one waits, one queues callbacks), a list
 * and a two-level tree.  What is wrong in the wrong ones is a flag of `wrong'.
 */
#include "litmus.h"

#include <unistd.h>

#include "base/atomic.h"
#include "sync/spinlock.h"

enum wrong {
	NO_GRACE	= 1,	/* freed without waiting */
	PLAIN_PUBLISH	= 2,	/* the pointer is stored without release */
	UNLINK_LATE	= 4,	/* waits first, unlinks afterwards */
};

#define SLOTS	8
#define UPDATES	120

struct leaf {
	struct rcu_head	rcu;
	unsigned long	value;
};

struct node {
	struct node	*next;
	struct leaf	*leaf[SLOTS];
};

static unsigned int wrong;
static struct node nodes[2], *head;
/* One each, so that the updaters are not ordered by it. */
static spinlock_t update_lock[2];
static unsigned int running, ready;
static unsigned long sum;

static unsigned int step;

/* Frees by writing all of it, so that any reader left is a race, and then for good. */
static void destroy(struct leaf *l)
{
	memset(l, 0x6b, sizeof(*l));
	free(l);
}

static void destroy_rcu(struct rcu_head *rcu)
{
	destroy(container_of(rcu, struct leaf, rcu));
}

static struct leaf *new_leaf(void)
{
	struct leaf *l = malloc(sizeof(*l));

	l->value = 42;
	return l;
}

static void publish(struct leaf **slot, struct leaf *l)
{
	if (wrong & PLAIN_PUBLISH)
		*(struct leaf *volatile *)slot = l;
	else
		rcu_assign_pointer(*slot, l);
}

static struct leaf *unlink_leaf(struct leaf **slot, spinlock_t *lock)
{
	struct leaf *new = new_leaf(), *old;

	spin_lock(lock);
	old = rcu_dereference_protected(*slot, lockdep_is_held(lock));
	publish(slot, new);
	spin_unlock(lock);
	return old;
}

static void update(struct leaf **slot, spinlock_t *lock, bool wait)
{
	struct leaf *old;

	if (wrong & UNLINK_LATE) {
		synchronize_rcu();
		destroy(unlink_leaf(slot, lock));
		return;
	}
	old = unlink_leaf(slot, lock);
	if (wrong & NO_GRACE) {
		destroy(old);
	} else if (wait) {
		synchronize_rcu();
		destroy(old);
	} else {
		call_rcu(&old->rcu, destroy_rcu);
	}
}

/* Without any order: the programs' own flags must not hide what is wrong. */
static void await(const unsigned int *word, unsigned int n)
{
	while (__atomic_load_n(word, __ATOMIC_RELAXED) < n)
		sched_relax(1000);
}

static unsigned long read_all(unsigned int turn)
{
	unsigned long total = 0;
	struct leaf *l = NULL;
	struct node *n;

	rcu_read_lock();
	for (n = rcu_dereference(head); n; n = rcu_dereference(n->next)) {
		l = rcu_dereference(n->leaf[turn % SLOTS]);
		if (l->value != 42 && !wrong)
			litmus_fail("a reader saw a freed leaf");
		/* Others come in between, also where host cores are scarce. */
		if (turn % 4 == 0)
			sched_relax(1000);
		total += l->value;
	}
	rcu_read_unlock();
	return total;
}

static void work(struct rig *rig, unsigned int cpu)
{
	unsigned long total = 0;
	unsigned int i;

	if (cpu < 2) {
		await(&ready, 2);
		for (i = 0; i < UPDATES; i++) {
			update(&nodes[cpu].leaf[i % SLOTS], &update_lock[cpu], cpu == 0);
			if (i % 10 == 9)
				rcu_process_callbacks();
			if (i % 2 == 0)
				sched_relax(1000);
		}
		__atomic_fetch_sub(&running, 1, __ATOMIC_RELAXED);
		return;
	}
	for (i = 0; __atomic_load_n(&running, __ATOMIC_RELAXED); i++) {
		total += read_all(i);
		if (!i)
			__atomic_fetch_add(&ready, 1, __ATOMIC_RELAXED);
		if (i % 16 == 0)
			sched_relax(1000);
	}
	__atomic_fetch_add(&sum, total, __ATOMIC_RELAXED);
}

static void run_list(unsigned int how)
{
	struct rig *rig = rig_create(4, NULL, false, 0);
	unsigned int i, j;

	wrong = how;
	running = 2;
	ready = 0;
	for (i = 0; i < 2; i++) {
		spin_lock_init(&update_lock[i], LOCK_RANK_LEAF, "update");
		for (j = 0; j < SLOTS; j++)
			nodes[i].leaf[j] = new_leaf();
	}
	nodes[0].next = &nodes[1];
	head = &nodes[0];
	rig_run(rig, work);
	for (i = 0; i < 2; i++) {
		for (j = 0; j < SLOTS; j++)
			free(nodes[i].leaf[j]);
	}
	if (rig_findings(rig)) {
		rig_print_findings(rig);
		litmus_fail("findings");
	}
	rig_destroy(rig);
}

static void correct(void)
{
	run_list(0);
}

static void no_grace(void)
{
	run_list(NO_GRACE);
}

static void plain_publish(void)
{
	run_list(PLAIN_PUBLISH);
}

static void unlink_late(void)
{
	run_list(UNLINK_LATE);
}

/*
 * The one that a single "grace period" annotation hides, made to happen each time: the
 * reader's section begins when the grace period has begun, finds the leaf, and is over
 * before the writer unlinks it, too late.
 */
static void set_step(unsigned int n)
{
	__atomic_store_n(&step, n, __ATOMIC_RELAXED);
}

static void after_the_begin(struct rig *rig, unsigned int cpu)
{
	struct leaf *l;

	if (cpu == 0) {		/* keeps the grace period going */
		rcu_read_lock();
		set_step(1);
		await(&step, 3);
		rcu_read_unlock();
	} else if (cpu == 1) {
		while (!__atomic_load_n(&rig->rcu.phase, __ATOMIC_RELAXED))
			sched_relax(1000);
		rcu_read_lock();
		l = rcu_dereference(nodes[0].leaf[0]);
		__atomic_fetch_add(&sum, l->value, __ATOMIC_RELAXED);
		rcu_read_unlock();
		set_step(3);
	} else {
		await(&step, 1);
		synchronize_rcu();
		await(&step, 3);
		destroy(unlink_leaf(&nodes[0].leaf[0], &update_lock[0]));
	}
}

/* The reader uses the leaf after its section, when the writer has waited and freed it. */
static void use_late(struct rig *rig, unsigned int cpu)
{
	struct leaf *l;

	if (cpu == 0) {
		rcu_read_lock();
		l = rcu_dereference(nodes[0].leaf[0]);
		rcu_read_unlock();
		set_step(1);
		await(&step, 2);
		__atomic_fetch_add(&sum, l->value, __ATOMIC_RELAXED);
	} else {
		await(&step, 1);
		l = unlink_leaf(&nodes[0].leaf[0], &update_lock[0]);
		synchronize_rcu();
		destroy(l);
		set_step(2);
	}
}

/* One leaf, and vCPUs that go through it step by step. */
static void run_steps(unsigned int nr, void (*fn)(struct rig *, unsigned int))
{
	struct rig *rig = rig_create(nr, NULL, false, 0);

	step = 0;
	spin_lock_init(&update_lock[0], LOCK_RANK_LEAF, "update");
	nodes[0].leaf[0] = new_leaf();
	rig_run(rig, fn);
	rig_destroy(rig);
}

static void late_use(void)
{
	run_steps(2, use_late);
}

static void section_after_begin(void)
{
	run_steps(3, after_the_begin);
}

/*
 * Callbacks of two vCPUs that count without a lock.  Both are queued before either
 * runs, and nobody reads: a reader that saw what one of them published later would
 * carry the order from the one to the other.  One runs when the other has run: the
 * library ends one grace period for both who wait, and two accesses within a few
 * hundred cycles of each other may each be checked before TSan has noted either.
 */
static unsigned long freed_unlocked;

static void count_and_destroy(struct rcu_head *rcu)
{
	freed_unlocked++;
	destroy(container_of(rcu, struct leaf, rcu));
}

static void queue_and_process(struct rig *rig, unsigned int cpu)
{
	call_rcu(&new_leaf()->rcu, count_and_destroy);
	__atomic_fetch_add(&step, 1, __ATOMIC_RELAXED);
	await(&step, 2 + cpu);
	rcu_process_callbacks();
	/* The barrier at a thread's end would run the other's callback too. */
	__atomic_fetch_add(&step, 1, __ATOMIC_RELAXED);
	await(&step, 4);
}

static void callback_races(void)
{
	struct rig *rig = rig_create(2, NULL, false, 0);

	step = 0;
	rig_run(rig, queue_and_process);
	rig_destroy(rig);
}

const struct litmus rcu_litmus[] = {
	{ "rcu-correct", correct, false },
	{ "rcu-no-grace-period", no_grace, true },
	{ "rcu-plain-publish", plain_publish, true },
	{ "rcu-use-after-unlock", late_use, true },
	{ "rcu-unlink-after-synchronize", unlink_late, true },
	{ "rcu-callback-races", callback_races, true },
	{ "rcu-section-after-begin", section_after_begin, true },
	{ NULL },
};
