/* SPDX-License-Identifier: MIT */
/*
 * The machine: making it, taking it apart, and host threads that act as one
 * of its vCPUs.
 *
 * Owns struct machine's hardware half.  No locks: a machine is made and
 * destroyed by one thread.  Must never know what runs on it: the layers above
 * hang their state on opaque pointers.
 */
#include "hw/machine.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "arch/arch.h"
#include "base/bug.h"

#define TURN_FREE	100000	/* virtual ns: some tens of microseconds of host time */
#define TURN_JITTER	20000
#define JITTER_PPM	2000
#define WINDOW_PPM	3000

static bool config_valid(const struct machine_config *config)
{
	return config->nr_cpus >= 1 && config->nr_cpus <= NR_CPUS &&
	       config->nr_frames >= MACHINE_FRAMES_MIN &&
	       (config->mode <= RUN_JITTER || (config->mode == RUN_CONTROLLED && MM_POINTS)) &&
	       (!config->stock || config->mode == RUN_CONTROLLED) &&
	       config->speculate_ppm <= 1000000 && config->jitter_ppm <= 1000000 &&
	       config->window_ppm <= 1000000;
}

static u64 turn_length(const struct machine_config *config)
{
	if (config->turn)
		return config->turn;
	return config->mode == RUN_JITTER ? TURN_JITTER : TURN_FREE;
}

static enum rcu_mode rcu_mode(const struct machine *m)
{
	if (m->serial)
		return RCU_SERIAL;
	return m->parallel ? RCU_LIBRARY : RCU_MODEL;
}

static struct ram_stock *ram_stock(struct machine *m)
{
	return m->config.stock ? &m->config.stock->ram : NULL;
}

void machine_stock_drop(struct machine_stock *stock)
{
	ram_stock_drop(&stock->ram);
	fiber_stacks_drop(&stock->stacks);
	memory_stock_drop(&stock->memory);
}

static int create_cpus(struct machine *m)
{
	m->cpus = calloc(m->nr_cpus, sizeof(*m->cpus));
	m->sched_cpus = calloc(m->nr_cpus, sizeof(*m->sched_cpus));
	if (!m->cpus || !m->sched_cpus)
		return -ENOMEM;
	for (unsigned int i = 0; i < m->nr_cpus; i++) {
		int err = vcpu_create(m, i, &m->cpus[i]);

		if (err)
			return err;
		m->sched_cpus[i] = &m->cpus[i]->sched;
	}
	return 0;
}

static void destroy_cpus(struct machine *m)
{
	for (unsigned int i = 0; m->cpus && i < m->nr_cpus; i++)
		vcpu_destroy(m->cpus[i]);
	free(m->sched_cpus);
	free(m->cpus);
}

int machine_create(const struct machine_config *config, struct machine **out)
{
	struct machine *m;
	int err;

	if (!config_valid(config))
		return -EINVAL;
	if (posix_memalign((void **)&m, _Alignof(struct machine), sizeof(*m)))
		return -ENOMEM;
	memset(m, 0, sizeof(*m));
	m->config = *config;
	m->arch = &arch_x86_64;
	m->nr_cpus = config->nr_cpus;
	m->serial = config->mode == RUN_SERIAL;
	m->parallel = config->mode == RUN_FREE || config->mode == RUN_JITTER;
	m->fail_prob = config->fail.from_boot ? config->fail.prob : 0;
	m->turn = turn_length(config);
	machine_memory_init(&m->memory, config->mode == RUN_CONTROLLED,
			    m->config.stock ? &m->config.stock->memory : NULL);
	m->sched_ops = &hw_sched_ops;
	finding_sink_init(&m->sink);
	m->sink.on_finding = config->on_finding;
	m->sink.on_panic = config->on_panic;
	m->sink.priv = config->sink_priv;
	token_pool_init(&m->tokens, config->run_tokens, config->nr_cpus);
	jitter_init(&m->jitter, config->seed, config->jitter_ppm ? config->jitter_ppm : JITTER_PPM,
		    config->window_ppm ? config->window_ppm : WINDOW_PPM);
	err = ram_create(&m->ram, config->nr_frames, config->frame_bytes, ram_stock(m));
	if (err)
		goto out_free;
	err = create_cpus(m);
	if (err)
		goto out_cpus;
	rcu_state_init(&m->rcu, m->sched_cpus, m->nr_cpus, rcu_mode(m));
	*out = m;
	return 0;

out_cpus:
	destroy_cpus(m);
	ram_destroy(&m->ram, ram_stock(m));
out_free:
	machine_memory_drop(&m->memory);
	finding_sink_destroy(&m->sink);
	free(m);
	return err;
}

/* What is above has freed its blocks, or is not asked to. */
static void free_hardware(struct machine *m)
{
	machine_memory_drop(&m->memory);
	destroy_cpus(m);
	ram_destroy(&m->ram, ram_stock(m));
	finding_sink_destroy(&m->sink);
	free(m);
}

void machine_destroy(struct machine *m)
{
	if (!m)
		return;
	rcu_state_destroy(&m->rcu);
	free_hardware(m);
}

void machine_drop(struct machine *m)
{
	MM_BUG_ON(!m->memory.listed);
	for (unsigned int i = 0; i < m->nr_cpus; i++)
		m->cpus[i]->state = VCPU_IDLE;
	free_hardware(m);
}

void machine_set_sched_ops(struct machine *m, const struct sched_ops *ops)
{
	m->sched_ops = ops;
	for (unsigned int i = 0; i < m->nr_cpus; i++)
		m->cpus[i]->sched.ops = ops;
}

void machine_bind_host(struct machine *m, unsigned int nr)
{
	struct vcpu *bound = this_cpu();

	MM_BUG_ON(nr >= m->nr_cpus);
	if (bound) {
		MM_BUG_ON(bound->machine != m);
		vcpu_leave(bound);
	}
	vcpu_enter(m->cpus[nr]);
}

void machine_unbind_host(struct machine *m)
{
	MM_BUG_ON(!this_cpu() || this_machine() != m);
	vcpu_leave(this_cpu());
}
