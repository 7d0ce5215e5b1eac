/* SPDX-License-Identifier: MIT */
/*
 * A machine made of nothing but what core/sync needs: a sink, RCU and lockdep state,
 * and a few vCPUs that are plain threads with the default ops.  For the tests of sync.
 */
#ifndef TESTS_LITMUS_RIG_H
#define TESTS_LITMUS_RIG_H

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/finding.h"
#include "base/this_cpu.h"
#include "sync/lockdep.h"
#include "sync/rcu.h"
#include "sync/sched.h"

#define RIG_CPUS	16

struct rig;
typedef void (*rig_fn)(struct rig *rig, unsigned int cpu);

struct rig_cpu {
	struct sched_cpu	sched;		/* first */
	struct sched_ctx	ctx;
	struct rig		*rig;
	rig_fn			fn;
	pthread_t		thread;
};

struct rig {
	struct finding_sink	sink;
	struct rcu_state	rcu;
	struct lockdep_state	lockdep;
	struct jitter		jitter;
	unsigned int		nr;
	struct rig_cpu		cpu[RIG_CPUS];
	struct sched_cpu	*cpus[RIG_CPUS];
	void			*arg;
};

/* ops NULL: the default ones; jitter_ppm 0: none. */
static inline struct rig *rig_create(unsigned int nr, const struct sched_ops *ops, bool serial,
				     u32 jitter_ppm)
{
	struct rig *rig = aligned_alloc(64, sizeof(*rig));
	unsigned int i;

	memset(rig, 0, sizeof(*rig));
	finding_sink_init(&rig->sink);
	rig->nr = nr;
	jitter_init(&rig->jitter, 1, jitter_ppm, jitter_ppm);
	for (i = 0; i < nr; i++) {
		struct rig_cpu *c = &rig->cpu[i];

		sched_ctx_init(&c->ctx, "thread");
		sched_cpu_init(&c->sched, i, &c->ctx, ops, &rig->rcu, &rig->lockdep,
			       jitter_ppm ? &rig->jitter : NULL);
		c->sched.local.sink = &rig->sink;
		c->rig = rig;
		rig->cpus[i] = &c->sched;
	}
	rcu_state_init(&rig->rcu, rig->cpus, nr, serial ? RCU_SERIAL : RCU_LIBRARY);
	return rig;
}

static inline void rig_bind(struct rig *rig, unsigned int i)
{
	this_cpu_bind(&rig->cpu[i].sched.local);
	rcu_cpu_online();
}

static inline void rig_unbind(void)
{
	rcu_cpu_offline();
	this_cpu_bind(NULL);
}

static inline void *rig_thread(void *arg)
{
	struct rig_cpu *c = arg;

	rig_bind(c->rig, c->sched.local.id);
	c->fn(c->rig, c->sched.local.id);
	rcu_barrier();
	rig_unbind();
	return NULL;
}

/* fn on every vCPU, each a thread; returns when all are done. */
static inline void rig_run(struct rig *rig, rig_fn fn)
{
	unsigned int i;

	for (i = 0; i < rig->nr; i++) {
		rig->cpu[i].fn = fn;
		if (pthread_create(&rig->cpu[i].thread, NULL, rig_thread, &rig->cpu[i]))
			abort();
	}
	for (i = 0; i < rig->nr; i++)
		pthread_join(rig->cpu[i].thread, NULL);
}

static inline unsigned int rig_findings(const struct rig *rig)
{
	return finding_count(&rig->sink);
}

static inline bool rig_found(const struct rig *rig, const char *title)
{
	unsigned int i;

	for (i = 0; i < finding_count(&rig->sink); i++) {
		if (!strcmp(finding_get(&rig->sink, i)->title, title))
			return true;
	}
	return false;
}

static inline void rig_print_findings(const struct rig *rig)
{
	unsigned int i;

	for (i = 0; i < finding_count(&rig->sink); i++)
		fprintf(stderr, "finding: %s (%s)\n", finding_get(&rig->sink, i)->title,
			finding_get(&rig->sink, i)->detail);
}

static inline void rig_destroy(struct rig *rig)
{
	rcu_state_destroy(&rig->rcu);
	finding_sink_destroy(&rig->sink);
	free(rig);
}

#endif
