/* SPDX-License-Identifier: MIT */
/*
 * Lock programs: what our locks order, TSan must believe; what they do not, it must
 * report.  Data is plain; "wrong" programs exclude by a lock that TSan is not told of,
 * write under a read lock, or write after a downgrade.
 */
#include "litmus.h"

#include "base/atomic.h"
#include "sync/mutex.h"
#include "sync/queue_lock.h"
#include "sync/refcount.h"
#include "sync/rwsem.h"
#include "sync/seqcount.h"
#include "sync/spinlock.h"
#include "sync/wait.h"

#define TURNS	400

static spinlock_t spin;
static struct rw_semaphore sem;
static struct mutex mutex;
static struct queue_lock hookless;
static wait_queue_head_t wq;
static seqcount_t seq;
static refcount_t ref;
static unsigned long data, other, seen;
static unsigned int turn;

static void run(rig_fn fn, unsigned int cpus)
{
	struct rig *rig = rig_create(cpus, NULL, false, 0);

	data = other = seen = 0;
	turn = 0;
	spin_lock_init(&spin, LOCK_RANK_LEAF, "spin");
	init_rwsem(&sem, LOCK_RANK_MMAP_LOCK, "sem");
	mutex_init(&mutex, LOCK_RANK_I_RWSEM, "mutex");
	init_waitqueue_head(&wq);
	seqcount_init(&seq);
	refcount_set(&ref, 1);
	rig_run(rig, fn);
	if (rig_findings(rig)) {
		rig_print_findings(rig);
		litmus_fail("findings");
	}
	rig_destroy(rig);
}

static void note(unsigned long v)
{
	__atomic_fetch_add(&seen, v, __ATOMIC_RELAXED);
}

static void all_locks(struct rig *rig, unsigned int cpu)
{
	int i;

	for (i = 0; i < TURNS; i++) {
		mutex_lock(&mutex);
		other++;
		mutex_unlock(&mutex);
		if (i % 4 == 0) {
			down_write(&sem);
			data++;
			if (i % 8 == 0) {
				downgrade_write(&sem);
				note(data);
				up_read(&sem);
			} else {
				up_write(&sem);
			}
		} else {
			down_read(&sem);
			note(data);
			up_read(&sem);
		}
		if (i % 16 == 0)
			sched_relax(1000);
	}
}

static void locks_correct(void)
{
	run(all_locks, 4);
	if (other != 4 * TURNS || data != TURNS)
		litmus_fail("lost updates");
}

static void spin_only(struct rig *rig, unsigned int cpu)
{
	int i;

	for (i = 0; i < TURNS; i++) {
		if (i % 2)
			spin_lock(&spin);
		else
			while (!spin_trylock(&spin))
				sched_relax(0);
		data++;
		spin_unlock(&spin);
	}
}

static void spin_correct(void)
{
	run(spin_only, 4);
	if (data != 4 * TURNS)
		litmus_fail("lost updates");
}

static void hand_round(struct rig *rig, unsigned int cpu)
{
	unsigned int i, mine;

	for (i = 0; i < TURNS; i++) {
		mine = i * rig->nr + cpu;
		wait_event(&wq, smp_load_acquire(&turn) == mine);
		data++;
		smp_store_release(&turn, mine + 1);
		wake_up_all(&wq);
	}
}

static void wait_correct(void)
{
	run(hand_round, 3);
	if (data != 3 * TURNS)
		litmus_fail("lost updates");
}

/* The counter publishes what was written before its end. */
static void seq_publish(struct rig *rig, unsigned int cpu)
{
	unsigned int start;
	int i;

	if (cpu == 0) {
		data = 1;
		write_seqcount_begin(&seq);
		WRITE_ONCE(other, 1);
		write_seqcount_end(&seq);
		return;
	}
	for (i = 0; i < TURNS; i++) {
		start = read_seqcount_begin(&seq);
		if (start == 2 && !read_seqcount_retry(&seq, start))
			note(data + READ_ONCE(other));
		sched_relax(1000);
	}
}

static void seq_correct(void)
{
	run(seq_publish, 3);
}

static void count_refs(struct rig *rig, unsigned int cpu)
{
	int i;

	for (i = 0; i < TURNS; i++) {
		refcount_inc(&ref);
		note(refcount_read(&ref));
		refcount_dec(&ref);
	}
}

/* Wrong only when compiled with MM_CANARY_SYNC, which makes refcount_inc a plain one. */
static void refs_correct(void)
{
	run(count_refs, 3);
}

/* --- wrong ones ------------------------------------------------------------- */

static void without_hooks(struct rig *rig, unsigned int cpu)
{
	unsigned long flags;
	int i;

	for (i = 0; i < TURNS; i++) {
		flags = queue_lock_irqsave(&hookless);
		data++;
		queue_unlock_irqrestore(&hookless, flags);
	}
}

static void lock_without_hooks(void)
{
	run(without_hooks, 2);
}

static void writes_as_reader(struct rig *rig, unsigned int cpu)
{
	int i;

	for (i = 0; i < TURNS; i++) {
		down_read(&sem);
		if (cpu)
			note(data);
		else
			data++;
		sched_relax(1000);
		up_read(&sem);
	}
}

static void write_under_read_lock(void)
{
	run(writes_as_reader, 3);
}

static void writes_downgraded(struct rig *rig, unsigned int cpu)
{
	int i;

	for (i = 0; i < TURNS; i++) {
		if (cpu == 0) {
			down_write(&sem);
			downgrade_write(&sem);
			sched_relax(1000);
			data++;
		} else {
			down_read(&sem);
			note(data);
			sched_relax(1000);
		}
		up_read(&sem);
	}
}

static void write_after_downgrade(void)
{
	run(writes_downgraded, 3);
}

static void other_lock(struct rig *rig, unsigned int cpu)
{
	int i;

	for (i = 0; i < TURNS; i++) {
		if (cpu)
			mutex_lock(&mutex);
		else
			down_write(&sem);
		data++;
		sched_relax(1000);
		if (cpu)
			mutex_unlock(&mutex);
		else
			up_write(&sem);
	}
}

static void different_locks(void)
{
	run(other_lock, 2);
}

/* Waiting is no order for who is not woken: the flag is read without acquire. */
static void relaxed_flag(struct rig *rig, unsigned int cpu)
{
	if (cpu == 0) {
		data = 1;
		WRITE_ONCE(turn, 1);
		return;
	}
	while (!READ_ONCE(turn))
		sched_relax(1000);
	note(data);
}

static void flag_without_order(void)
{
	run(relaxed_flag, 2);
}

const struct litmus lock_litmus[] = {
	{ "spinlock-correct", spin_correct, false },
	{ "rwsem-mutex-correct", locks_correct, false },
	{ "wait-correct", wait_correct, false },
	{ "seqcount-correct", seq_correct, false },
	{ "refcount-correct", refs_correct, false },
	{ "lock-without-hooks", lock_without_hooks, true },
	{ "rwsem-write-under-read-lock", write_under_read_lock, true },
	{ "rwsem-write-after-downgrade", write_after_downgrade, true },
	{ "different-locks", different_locks, true },
	{ "flag-without-order", flag_without_order, true },
	{ NULL },
};
