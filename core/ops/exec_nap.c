/* SPDX-License-Identifier: MIT */
/*
 * Naps: tasks of a storm that sleep between two ops until another of their process
 * wakes them, as threads do that hand work to each other.  vCPUs run out of tasks by
 * it, keep the last address space lazily, and find it changed when a task comes back.
 *
 * Who naps wakes none, one or two others first, the longest asleep before the rest; the
 * last one awake of a process wakes one and stays.  So somebody always is awake to wake
 * the others, and when one has ended nobody sleeps any more.
 *
 * Locks: op_nap.lock, around who is awake.  Never held over a wake-up's sleep.
 */
#include <errno.h>
#include <stdlib.h>

#include "ops/exec_int.h"

int op_naps_init(struct op_run *run)
{
	unsigned int i;

	run->naps = machine_zalloc(run->machine, run->world.procs * sizeof(*run->naps), 0);
	if (!run->naps)
		return -ENOMEM;
	for (i = 0; i < run->world.procs; i++) {
		spin_lock_init(&run->naps[i].lock, LOCK_RANK_OP, "op_nap");
		INIT_LIST_HEAD(&run->naps[i].asleep);
	}
	for (i = 0; i < run->world.tasks; i++)
		run->naps[i % run->world.procs].awake++;
	return 0;
}

static struct op_nap *nap_of(struct op_task *t)
{
	return &t->run->naps[t->index % t->run->world.procs];
}

/* Under the lock.  Who is woken may leave the moment it sees the flag: the queue stays. */
static void wake_oldest(struct op_nap *nap)
{
	struct op_task *t = list_first_entry(&nap->asleep, struct op_task, nap);

	list_del(&t->nap);
	nap->awake++;
	smp_store_release(&t->asleep, 0u);
	wake_up_all(&t->wq);
}

static void wake_some(struct op_nap *nap, unsigned int nr)
{
	while (nr-- && !list_empty(&nap->asleep))
		wake_oldest(nap);
}

void op_nap(struct op_task *t, unsigned int wakes)
{
	struct op_nap *nap = nap_of(t);
	bool stays;

	spin_lock(&nap->lock);
	stays = nap->over || nap->awake == 1;
	wake_some(nap, stays ? max(wakes, 1u) : wakes);
	if (!stays) {
		nap->awake--;
		WRITE_ONCE(t->asleep, 1u);
		list_add_tail(&t->nap, &nap->asleep);
	}
	spin_unlock(&nap->lock);
	if (stays)
		return;
	op_rest_begin(t->run);
	wait_event(&t->wq, !smp_load_acquire(&t->asleep));
	op_rest_end(t->run);
}

void op_nap_end(struct op_task *t)
{
	struct op_nap *nap = nap_of(t);

	spin_lock(&nap->lock);
	nap->over = true;
	wake_some(nap, ~0u);
	spin_unlock(&nap->lock);
}
