/* SPDX-License-Identifier: MIT */
/*
 * RCU on liburcu's memb flavour, and the truth about it for ThreadSanitizer.
 *
 * The library orders by inline assembly and membarrier(2), which TSan cannot see: bare,
 * it makes correct programs look racy, and one annotation for "a grace period" would
 * make wrong ones look correct.  What RCU promises is less: a grace period that begins
 * in phase p0 is after the *read sections begun before it*, and sections begun after
 * it are after what the updater did before.  So:
 *
 *   - the machine counts phases, one per grace period;
 *   - a vCPU releases its clock to `cur' whenever it leaves its outermost section, and,
 *     when it enters one and finds that phases k have gone by since its last, to
 *     prev[k % RCU_RING] for each: prev[k] covers what it did before phase k;
 *   - a grace period acquires, of each vCPU, `cur' when the vCPU has not been seen in a
 *     later phase, else prev[p0 + 1]: exactly the sections it had to wait for.  Slots
 *     that are used again only add order that has been there for long;
 *   - the library itself runs with synchronisation ignored: its mutexes would order
 *     everything.
 *
 * phase and last_phase are sequentially consistent.  A reader's phase is read before
 * the library's lock, so each section that the library waits for has last_phase <= p0
 * or has passed through prev[p0 + 1].
 *
 * In controlled mode the vCPUs take turns on one thread, and the library, which knows
 * threads, would wait for ever.  There a *model* says when a grace period may end: when
 * each section whose vCPU entered it in phase p0 or before has been left.  When it does
 * end, and callbacks run, is up to the schedule.  What TSan is told is the same.
 *
 * The file is compiled without TSan and calls the library's functions (sync/urcu.h).
 * It must not enter the library on a thread that acts for another's vCPU, and must not
 * hold the run token while the library waits: the reader it waits for may need it.
 */
#include "sync/rcu.h"

#include <stdio.h>
#include <string.h>

#include "base/bug.h"
#include "base/finding.h"
#include "base/tsan.h"
#include "sync/irqflags.h"
#include "sync/sched.h"
#include "sync/store_buffer.h"
#include "sync/urcu.h"
#include "trace/counters.h"

void rcu_state_init(struct rcu_state *rs, struct sched_cpu **cpus, unsigned int nr,
		    enum rcu_mode mode)
{
	memset(rs, 0, sizeof(*rs));
	rs->cpus = cpus;
	rs->nr_cpus = nr;
	rs->mode = mode;
}

void rcu_state_destroy(struct rcu_state *rs)
{
	unsigned int i;

	for (i = 0; i < rs->nr_cpus; i++) {
		if (rs->cpus[i] && (rs->cpus[i]->rcu.callbacks || rs->cpus[i]->rcu.batch))
			finding_report(FINDING_REFS, "REFS: RCU callbacks left at the end",
				       "vCPU %u has some", i);
	}
}

void rcu_cpu_online(void)
{
	struct rcu_cpu *rc = &this_sched_cpu()->rcu;

	if (!rc->state)
		return;
	MM_BUG_ON(rc->online || rc->nest);
	rc->online = true;
	rc->library = rc->state->mode == RCU_LIBRARY;
	if (!rc->library || lib_registered())
		return;
	tsan_ignore_sync_begin();
	urcu_memb_register_thread();
	tsan_ignore_sync_end();
	rc->registered = true;
}

void rcu_cpu_offline(void)
{
	struct rcu_cpu *rc = &this_sched_cpu()->rcu;

	if (!rc->state)
		return;
	MM_BUG_ON(!rc->online || rc->nest);
	rc->online = false;
	rc->library = false;
	if (!rc->registered)
		return;
	tsan_ignore_sync_begin();
	urcu_memb_unregister_thread();
	tsan_ignore_sync_end();
	rc->registered = false;
}

/* --- readers ------------------------------------------------------------------ */

#if MM_CHECK || MM_TSAN || MM_POINTS
/* How many objects were unlinked, for all to see: the store may be on its way (store_buffer.h). */
static u64 unlinked(struct rcu_state *rs)
{
	if (unlikely(this_cpu_weak())) {
		if (!smp_stores_pending())
			rs->all_see = rs->unlinked;
		return rs->all_see;
	}
	return raw_load_order(&rs->unlinked, __ATOMIC_SEQ_CST);
}

/* The outermost section begins: leave a mark for each phase that has gone by. */
static void reader_enter(struct sched_cpu *cpu)
{
	struct rcu_cpu *rc = &cpu->rcu;
	u64 phase;

	if (!rc->state)
		return;
	VM_BUG_ON(cpu->irq_by_other);
	VM_BUG_ON(!rc->online);
	rc->entered = unlinked(rc->state);
	phase = raw_load_order(&rc->state->phase, __ATOMIC_SEQ_CST);
	if (unlikely(phase != rc->last_phase)) {
#if MM_TSAN
		u64 k = rc->last_phase + 1;

		if (phase - k >= RCU_RING)
			k = phase - RCU_RING + 1;
		for (; k <= phase; k++)
			tsan_release(&rc->prev[k % RCU_RING]);
#endif
		raw_store_order(&rc->last_phase, phase, __ATOMIC_SEQ_CST);
		/*
		 * gp_begin is released before the phase moves on; while it has not, there
		 * is nothing that this vCPU has not acquired (tasks that change places on
		 * it, or come to it, bring its past along).
		 */
		tsan_acquire(&rc->state->gp_begin);
	}
}

static void reader_leave(struct sched_cpu *cpu)
{
	VM_BUG_ON(cpu->irq_by_other);
	tsan_release(&cpu->rcu.cur);
}
#else
static inline void reader_enter(struct sched_cpu *cpu)
{
}

static inline void reader_leave(struct sched_cpu *cpu)
{
}
#endif

static inline void set_nest(struct rcu_cpu *rc, unsigned int nest)
{
	/* Others read it, as a hint for statistics. */
	raw_store_order(&rc->nest, nest, __ATOMIC_RELAXED);
}

void rcu_read_lock(void)
{
	struct sched_cpu *cpu;
	unsigned int nest;

	sched_point(SCHED_RCU, NULL);
	cpu = this_sched_cpu();
	if (unlikely(!cpu))
		return;
	nest = cpu->rcu.nest;
	set_nest(&cpu->rcu, nest + 1);
	if (nest)
		return;
	reader_enter(cpu);
	if (likely(cpu->rcu.library))
		lib_read_lock();
}

void rcu_read_unlock(void)
{
	struct sched_cpu *cpu;
	unsigned int nest;

	sched_point(SCHED_RCU, NULL);
	cpu = this_sched_cpu();
	if (unlikely(!cpu))
		return;
	nest = cpu->rcu.nest;
	VM_BUG_ON(!nest);
	if (nest == 1)
		reader_leave(cpu);
	set_nest(&cpu->rcu, nest - 1);
	/* Last, and the vCPU not needed after it: keeps the fast path free of spills. */
	if (nest == 1 && likely(cpu->rcu.library))
		lib_read_unlock();
	else if (nest == 1)
		sched_changed(cpu->rcu.state);
}

bool rcu_read_lock_held(void)
{
	struct sched_cpu *cpu = this_sched_cpu();

	return !cpu || !cpu->rcu.state || cpu->rcu.nest;
}

#if MM_CHECK || MM_TSAN
void rcu_check_deref(bool ok, const char *what)
{
	char title[160];

	if (likely(ok || rcu_read_lock_held()))
		return;
	snprintf(title, sizeof(title), "LOCKDEP: rcu_dereference(%s) outside a read section", what);
	finding_report(FINDING_LOCKDEP, title, "no read section, and the condition does not hold");
}
#endif

/* --- grace periods ------------------------------------------------------------- */

/* Everything in the read sections begun before phase p0 ended is before us. */
static void acquire_readers(struct rcu_state *rs, u64 p0)
{
	smp_store_barrier_all();
#if MM_TSAN
	unsigned int i;

	for (i = 0; i < rs->nr_cpus; i++) {
		struct sched_cpu *cpu = rs->cpus[i];

		if (!cpu)
			continue;
		if (raw_load_order(&cpu->rcu.last_phase, __ATOMIC_SEQ_CST) <= p0)
			tsan_acquire(&cpu->rcu.cur);
		else
			tsan_acquire(&cpu->rcu.prev[(p0 + 1) % RCU_RING]);
	}
#endif
}

/* Somebody is in a section that the grace period begun in phase p0 must outlast. */
static bool readers_inside(const struct rcu_state *rs, u64 p0)
{
	unsigned int i;

	for (i = 0; i < rs->nr_cpus; i++) {
		struct sched_cpu *cpu = rs->cpus[i];

		if (cpu && raw_load_order(&cpu->rcu.nest, __ATOMIC_RELAXED) &&
		    raw_load_order(&cpu->rcu.last_phase, __ATOMIC_RELAXED) <= p0)
			return true;
	}
	return false;
}

static void library_wait(struct sched_cpu *cpu)
{
	if (cpu->ops->blocking_begin)
		cpu->ops->blocking_begin();
	tsan_ignore_sync_begin();
	urcu_memb_synchronize_rcu();
	tsan_ignore_sync_end();
	if (cpu->ops->blocking_end)
		cpu->ops->blocking_end();
}

/* Returns the phase that ends: sections begun in a later one are not waited for. */
static u64 begin_grace_period(struct rcu_state *rs)
{
	u64 p0;

	/* Who begins a section later sees what was stored before. */
	smp_store_barrier_all();
	tsan_release(&rs->gp_begin);
	p0 = raw_fetch_add_order(&rs->phase, 1, __ATOMIC_SEQ_CST);
#if MM_CHECK
	raw_store_order(&rs->in_grace, unlinked(rs), __ATOMIC_RELAXED);
#endif
	raw_fetch_add_order(&rs->nr_grace_periods, 1, __ATOMIC_RELAXED);
	count_vm_event(MMS_RCU_GRACE_PERIOD);
	if (rs->mode != RCU_SERIAL && MM_CHECK && readers_inside(rs, p0))
		window_hit(WIN_GP_WAITED_FOR_READER);
	return p0;
}

/* The one grace period: for synchronize_rcu and for batches of callbacks. */
static void wait_for_readers(struct sched_cpu *cpu)
{
	struct rcu_state *rs = cpu->rcu.state;
	u64 p0 = begin_grace_period(rs);

	if (rs->mode == RCU_LIBRARY)
		library_wait(cpu);
	else if (rs->mode == RCU_MODEL)
		sched_wait(rs, "grace period", !readers_inside(rs, p0));
	acquire_readers(rs, p0);
}

void synchronize_rcu(void)
{
	struct sched_cpu *cpu;

	might_sleep();
	sched_point(SCHED_RCU, NULL);
	cpu = this_sched_cpu();
	/* It would wait for itself. */
	MM_BUG_ON(cpu && cpu->rcu.nest);
	if (cpu && cpu->rcu.state)
		wait_for_readers(cpu);
}

/* --- callbacks ------------------------------------------------------------------ */

static void push_callback(struct rcu_cpu *rc, struct rcu_head *head)
{
	struct rcu_head *first = raw_load_order(&rc->callbacks, __ATOMIC_RELAXED);

	do {
		head->next = first;
	} while (!raw_try_cmpxchg_order(&rc->callbacks, &first, head, __ATOMIC_RELEASE,
					__ATOMIC_RELAXED));
	raw_store_order(&rc->nr_queued, rc->nr_queued + 1, __ATOMIC_RELAXED);
}

/* Take all of a vCPU's callbacks, oldest first. */
static struct rcu_head *take_callbacks(struct rcu_cpu *rc, struct rcu_head *tail)
{
	struct rcu_head *head = raw_xchg_order(&rc->callbacks, NULL, __ATOMIC_SEQ_CST);

	while (head) {
		struct rcu_head *next = head->next;

		head->next = tail;
		tail = head;
		head = next;
	}
	return tail;
}

/* As the kernel's softirq: preemption off, a context of its own. */
static unsigned long run_callbacks(struct sched_cpu *cpu, struct rcu_head *head)
{
	struct sched_ctx *ctx = cpu->ctx;
	unsigned long nr = 0;

	cpu->preempt_count++;
	cpu->ctx = &cpu->cb_ctx;
	while (head) {
		struct rcu_head *next = head->next;

		tsan_acquire(head);
		head->func(head);
		head = next;
		nr++;
	}
	lockdep_assert_none_held(&cpu->cb_ctx);
	cpu->ctx = ctx;
	cpu->preempt_count--;
	raw_store_order(&cpu->rcu.nr_done, cpu->rcu.nr_done + nr, __ATOMIC_RELAXED);
	count_vm_events(MMS_RCU_CALLBACK, nr);
	return nr;
}

/* A batch begins before its callbacks leave their lists: rcu_barrier finds one or the other. */
static void batch_begin(struct rcu_cpu *rc)
{
	raw_store_order(&rc->batch_begun, rc->batch_begun + 1, __ATOMIC_SEQ_CST);
}

static void batch_end(struct rcu_cpu *rc)
{
	tsan_release(&rc->batch_ended);
	raw_store_order(&rc->batch_ended, rc->batch_ended + 1, __ATOMIC_SEQ_CST);
	sched_changed(&rc->batch_ended);
}

/* --- the model's batches -------------------------------------------------------- */

/*
 * One batch of a vCPU waits at a time; the grace period of what comes meanwhile begins
 * when it has ended, as in the kernel.
 */
static void begin_batch(struct rcu_cpu *rc)
{
	if (rc->batch || !rc->callbacks)
		return;
	batch_begin(rc);
	rc->batch = take_callbacks(rc, NULL);
	rc->batch_phase = begin_grace_period(rc->state);
}

bool rcu_batch_ready(const struct sched_cpu *cpu)
{
	return cpu->rcu.batch && !readers_inside(cpu->rcu.state, cpu->rcu.batch_phase);
}

void rcu_batch_end(void)
{
	struct sched_cpu *cpu = this_sched_cpu();
	struct rcu_cpu *rc = &cpu->rcu;
	struct rcu_head *list = rc->batch;

	rc->batch = NULL;
	acquire_readers(rc->state, rc->batch_phase);
	run_callbacks(cpu, list);
	batch_end(rc);
	begin_batch(rc);
}

/* The schedule may have ended the batch while we waited for its readers. */
static unsigned long process_model(struct sched_cpu *cpu)
{
	struct rcu_cpu *rc = &cpu->rcu;
	u64 done = rc->nr_done;

	begin_batch(rc);
	sched_wait(rc->state, "grace period", !rc->batch || rcu_batch_ready(cpu));
	if (rc->batch)
		rcu_batch_end();
	return (unsigned long)(rc->nr_done - done);
}

void call_rcu(struct rcu_head *head, void (*func)(struct rcu_head *head))
{
	struct sched_cpu *cpu;

	sched_point(SCHED_RCU, head);
	cpu = this_sched_cpu();
	MM_BUG_ON(!cpu || !cpu->rcu.state);
	head->func = func;
	tsan_release(head);
	push_callback(&cpu->rcu, head);
	if (cpu->rcu.state->mode == RCU_MODEL)
		begin_batch(&cpu->rcu);
	else if (unlikely(cpu->rcu.nr_queued >= cpu->rcu.process_at) && sched_may_sleep(cpu))
		rcu_process_callbacks();
}

bool rcu_callbacks_pending(void)
{
	struct sched_cpu *cpu = this_sched_cpu();

	return cpu && (raw_load_order(&cpu->rcu.callbacks, __ATOMIC_RELAXED) || cpu->rcu.batch);
}

/*
 * A grace period of the library interrupts the host's cores, and more so the more vCPUs
 * are parked inside sections: one is worth it for many callbacks.
 */
static u64 idle_batch(const struct rcu_state *rs)
{
	return rs->mode == RCU_LIBRARY ? min(RCU_IDLE_PENDING / rs->nr_cpus, RCU_BATCH) : 1;
}

bool rcu_batch_due(void)
{
	const struct rcu_cpu *rc = &this_sched_cpu()->rcu;
	u64 since = rc->nr_queued - (rc->process_at - RCU_BATCH);

	return rcu_callbacks_pending() && since >= idle_batch(rc->state);
}

unsigned long rcu_process_callbacks(void)
{
	struct sched_cpu *cpu = this_sched_cpu();
	struct rcu_cpu *rc = &cpu->rcu;
	struct rcu_head *list;
	unsigned long nr;

	if (!rcu_callbacks_pending())
		return 0;
	might_sleep();
	if (rc->state->mode == RCU_MODEL)
		return process_model(cpu);
	batch_begin(rc);
	rc->process_at = rc->nr_queued + RCU_BATCH;
	list = take_callbacks(rc, NULL);
	wait_for_readers(cpu);
	nr = run_callbacks(cpu, list);
	batch_end(rc);
	return nr;
}

/* Batches that others have begun end. */
static void wait_for_batches(struct rcu_state *rs, struct sched_cpu *self)
{
	unsigned int i;

	for (i = 0; i < rs->nr_cpus; i++) {
		struct rcu_cpu *rc;
		u64 begun;

		if (!rs->cpus[i] || rs->cpus[i] == self)
			continue;
		rc = &rs->cpus[i]->rcu;
		begun = raw_load_order(&rc->batch_begun, __ATOMIC_SEQ_CST);
		sched_wait(&rc->batch_ended, "batch of callbacks",
			   raw_load_order(&rc->batch_ended, __ATOMIC_SEQ_CST) >= begun);
		tsan_acquire(&rc->batch_ended);
	}
}

/* Nobody runs but the caller: what the model's batches hold is the caller's to run. */
static struct rcu_head *take_batches(struct rcu_state *rs, struct rcu_head *tail)
{
	unsigned int i;

	for (i = rs->nr_cpus; i-- > 0;) {
		struct rcu_head **link;
		struct rcu_cpu *rc;

		if (!rs->cpus[i] || !rs->cpus[i]->rcu.batch)
			continue;
		rc = &rs->cpus[i]->rcu;
		for (link = &rc->batch; *link; link = &(*link)->next)
			;
		*link = tail;
		tail = rc->batch;
		rc->batch = NULL;
		batch_end(rc);
	}
	return tail;
}

void rcu_barrier(void)
{
	struct sched_cpu *cpu = this_sched_cpu();
	struct rcu_head *list = NULL;
	struct rcu_state *rs;
	unsigned int i;

	MM_BUG_ON(!cpu);
	rs = cpu->rcu.state;
	if (!rs)
		return;
	might_sleep();
	batch_begin(&cpu->rcu);
	for (i = rs->nr_cpus; i-- > 0;) {
		if (rs->cpus[i])
			list = take_callbacks(&rs->cpus[i]->rcu, list);
	}
	if (!cpu->control)
		list = take_batches(rs, list);
	if (list) {
		wait_for_readers(cpu);
		run_callbacks(cpu, list);
	}
	batch_end(&cpu->rcu);
	if (cpu->rcu.batch)
		process_model(cpu);
	wait_for_batches(rs, cpu);
}
