/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_HW_CONTROL_H
#define MMSTORM_HW_CONTROL_H

#include "hw/cost.h"
#include "hw/fiber.h"
#include "sync/schedule.h"
#include "sync/store_buffer.h"
#include "sync/strategy.h"

struct machine;
struct vcpu;

/*
 * Controlled mode: the vCPUs of a machine as fibers on one host thread, one of them at
 * a time, and a decision at each scheduling point.
 *
 * A vCPU stops at every point, before the operation.  What may happen next is gathered
 * from all vCPUs: one that is not blocked goes on; one with interrupts pending and on
 * takes them; another task of its queue gets its turn; its RCU callbacks run, when all
 * readers that they wait for have left; the hardware fills its TLB, or lets a store of
 * its be seen (config.memory says whether they ever wait).  Two or more are a
 * decision, and the strategy's; the default is that who ran goes on.  Nothing else
 * decides: the same choices give the same run, in every build, on every host.
 *
 * A vCPU that waits (sched_wait()) is blocked until what it waits for has changed.  When
 * nothing can happen any more, and work is left, that is a deadlock; there is no other
 * way to wait for ever but to make steps for ever, for which there is a bound.
 *
 * Time is virtual.  Hardware's own doings have a budget (control_config.fills), or a
 * search would drown in them.
 */
/* The current vCPU has come to a point, and goes no further before others have had a chance. */
typedef void (*control_watch_fn)(void *arg, struct vcpu *cpu, enum sched_kind kind,
				 const void *obj);

struct control_config {
	struct strategy	*strategy;	/* started; NULL: the default, always */
	struct schedule	*record;	/* gets what is not the default; may be NULL */
	u64		max_points;	/* 0: CONTROL_MAX_POINTS */
	unsigned int	fills;		/* of TLBs, by hardware, in a run */
	enum memory_model memory;	/* sync/store_buffer.h */
	struct cost_times *times;	/* decides instead of the strategy; may be NULL */
	control_watch_fn watch;		/* may be NULL; disturbs nothing */
	void		*watch_arg;
};

#define CONTROL_MAX_POINTS	1000000ULL

enum control_end {
	CONTROL_QUIET,		/* nothing can happen any more */
	CONTROL_LIMIT,		/* max_points were passed */
	CONTROL_ABANDONED,	/* control_abandon() */
};

/* Of one vCPU.  What it stands before, and whether it can go on. */
struct control_cpu {
	const void	*blocked;	/* waits for this to change; NULL: it can go on */
	const char	*what;		/* what kind of thing that is */
	const void	*obj;		/* of the step it stands before */
	u8		kind;
	bool		ended;		/* has left its fiber for good */
	bool		busy;		/* waits awake: no other task gets its turn there */
	bool		loads;		/* stands before a load: nothing else happens to it */
	u64		ticked;		/* its step at the latest tick: a turn is a step at least */
	u64		step;
	unsigned int	fills;		/* made here */
};

/* What a run was: equal for equal runs. */
struct control_stats {
	u64	points;
	u64	decisions;	/* points at which there was a choice */
	u64	hash;		/* of every point and choice; the rings have one of events */
};

struct control {
	struct machine		*machine;
	struct control_config	config;
	struct control_stats	stats;
	enum control_end	end;
	unsigned int		cur;		/* vCPU */
	unsigned int		runner;		/* that went on last, or is in an event */
	u64			resume;		/* sum over events under way: who went on before */
	struct exhaust		*exhaust;	/* the strategy's, or NULL */
	enum sched_event	event;		/* that was chosen for it */
	unsigned int		fills_left;
	struct store_buffers	*stores;	/* NULL: MEMORY_SC */
	struct fiber		host;		/* who called control_run() */
	void			(*main)(struct vcpu *cpu);
	u64			begin, finish;	/* TSan: host -> vCPUs -> host */
	struct sched_choice	*choice;	/* of all actors: behind cpu[] */
	struct control_cpu	cpu[];
};

/*
 * control_start() - prepare the vCPUs of a controlled machine to run @main, each on
 * its fiber @stack(cpu)
 *
 * -ENOMEM, or -EINVAL for more than STRATEGY_CPUS vCPUs.  Nothing runs yet.
 */
int control_start(struct machine *m, const struct control_config *config,
		  void (*main)(struct vcpu *cpu), struct fiber *(*stack)(struct vcpu *cpu));

/* Lets things happen until nothing can any more, or the run is cut off. */
enum control_end control_run(struct control *c);

/*
 * From inside a run: leaves it for good, as it is; control_run() returns.  The vCPUs stay
 * in the middle of what they did: the machine can be looked at, not shut down.
 */
void control_abandon(struct machine *m) __attribute__((noreturn));

/*
 * The vCPUs go on no more, though they have not ended: what they did comes before what the
 * caller does, as ThreadSanitizer is told.
 */
void control_freeze(struct control *c);

/* Every vCPU has ended, or the run was cut off.  The statistics go to *stats if not NULL. */
void control_stop(struct machine *m, struct control_stats *stats);

#endif /* MMSTORM_HW_CONTROL_H */
