/* SPDX-License-Identifier: MIT */
/*
 * What a person reads: findings as they come, the machine when it stands
 * still, and the summary at the end.
 */
#include <string.h>

#include "base/atomic.h"
#include "hw/machine.h"
#include "hw/sums.h"
#include "kern/sched.h"
#include "kern/task.h"
#include "ops/swarm.h"
#include "stress/run.h"
#include "stress/sanitizer.h"
#include "trace/counters.h"
#include "trace/trace.h"

#define EVENTS_SHOWN	12

static void print_events(FILE *out, const struct vcpu *cpu)
{
	struct trace_record rec[EVENTS_SHOWN];
	unsigned int i, nr;
	char line[256];

	if (!cpu->sched.local.trace)
		return;
	nr = trace_read(cpu->sched.local.trace, rec, EVENTS_SHOWN);
	for (i = 0; i < nr; i++) {
		trace_format(&rec[i], line, sizeof(line));
		fprintf(out, "    cpu %u  %s\n", cpu->nr, line);
	}
}

/* Other vCPUs may find something at the same time. */
void report_finding(FILE *out, const struct run *run, const struct finding *f)
{
	unsigned int i;

	flockfile(out);
	fprintf(out, "\n%s\n  %s\n", f->title, f->detail);
	if (f->vcpu != FINDING_NO_CPU && f->vcpu < run->machine->nr_cpus &&
	    run->o->trace) {
		fprintf(out, "  last events, the reporting vCPU first:\n");
		print_events(out, run->machine->cpus[f->vcpu]);
		for (i = 0; i < run->machine->nr_cpus; i++)
			if (i != f->vcpu)
				print_events(out, run->machine->cpus[i]);
	}
	fprintf(out, "  repeat with: %s\n\n", run->repeat);
	fflush(out);
	funlockfile(out);
}

static const char *state_name(u32 state)
{
	switch (state) {
	case VCPU_IDLE:		return "idle";
	case VCPU_PARKED:	return "parked";
	case VCPU_RUNNING:	return "running";
	default:		return "?";
	}
}

static void print_task(struct task_struct *task, void *arg)
{
	static const char *const run_name[] = {
		[TASK_NEW] = "new", [TASK_QUEUED] = "queued",
		[TASK_ON_CPU] = "on cpu", [TASK_BLOCKED] = "asleep",
		[TASK_DEAD] = "dead",
	};

	fprintf(arg, "  task %llu: %s, last on vCPU %u%s\n",
		(unsigned long long)task->id, run_name[READ_ONCE(task->run)],
		READ_ONCE(task->last_cpu),
		READ_ONCE(task->in_op) ? ", in an op" : "");
}

void report_machine(FILE *out, const struct run *run)
{
	unsigned int i;

	for (i = 0; i < run->machine->nr_cpus; i++) {
		struct vcpu *cpu = run->machine->cpus[i];

		fprintf(out, "  vCPU %u: %s, attention 0x%x, interrupts %s, %u preempt-disabled, clock %llu\n",
			i, state_name(READ_ONCE(cpu->state)),
			READ_ONCE(cpu->sched.local.attn),
			READ_ONCE(cpu->sched.irq_off) ? "off" : "on",
			READ_ONCE(cpu->sched.preempt_count),
			(unsigned long long)READ_ONCE(cpu->sched.local.clock));
		print_events(out, cpu);
	}
	kern_for_each_task(run->machine, print_task, out);
}

static void print_ops(FILE *out, const struct run *run)
{
	struct op_counts total, one;
	unsigned int i;

	op_run_counts(run->ops, -1, &total);
	fprintf(out, "ops       %llu in %.1f s, %.0f/s; %llu tasks started, %llu ended; %llu ops ended on another vCPU\n",
		(unsigned long long)total.ops, run->seconds,
		total.ops / run->seconds, (unsigned long long)total.tasks,
		(unsigned long long)total.tasks_ended,
		(unsigned long long)total.moved);
	for (i = 0; i < OP_NR; i++)
		if (total.count[i])
			fprintf(out, "  %-10s %10llu  %9llu answered -errno  %9llu raised a signal\n",
				op_name(i),
				(unsigned long long)total.count[i],
				(unsigned long long)total.error[i],
				(unsigned long long)total.signal[i]);
	fprintf(out, "per vCPU ");
	for (i = 0; i < run->machine->nr_cpus; i++) {
		op_run_counts(run->ops, i, &one);
		fprintf(out, " %llu", (unsigned long long)one.ops);
	}
	fprintf(out, "\n");
}

static void print_counters(FILE *out, const struct run *run)
{
	u64 sum[NR_VM_EVENT_ITEMS];
	unsigned int i, shown = 0;

	vm_events_sum(run->machine, sum);
	fprintf(out, "counters\n");
	for (i = 0; i < NR_VM_EVENT_ITEMS; i++)
		if (sum[i])
			fprintf(out, "  %-30s %12llu%s", vm_event_name(i),
				(unsigned long long)sum[i],
				++shown % 2 ? "" : "\n");
	if (shown % 2)
		fprintf(out, "\n");
}

static bool window_asked(const struct run *run, enum window_id id)
{
	unsigned int i;

	for (i = 0; i < run->storm->nr_windows; i++)
		if (run->storm->windows[i] == id)
			return true;
	return false;
}

static void print_windows(FILE *out, const struct run *run)
{
	unsigned int id;

	fprintf(out, "windows   times hit; * this storm must hit\n");
	for (id = 0; id < NR_WINDOWS; id++) {
		u64 hits = windows_sum(run->machine, id);

		if (hits || window_asked(run, id))
			fprintf(out, "  %c %-26s %10llu  %s\n",
				window_asked(run, id) ? '*' : ' ',
				window_name(id), (unsigned long long)hits,
				window_text(id));
	}
}

/* What RCU readers met, one line for each kind of object; wrong is what the last two count. */
static void print_ages(FILE *out, const struct run *run)
{
	unsigned int what, how;

	fprintf(out, "ages      what RCU readers met:");
	for (how = 0; how < NR_RCU_MET; how++)
		fprintf(out, "%s %s", how ? "," : "", rcu_met_name(how));
	for (what = 0; what < NR_CHECK_OBJECTS; what++) {
		fprintf(out, "\n    %-10s", check_object_name(what));
		for (how = 0; how < NR_RCU_MET; how++)
			fprintf(out, " %12llu",
				(unsigned long long)check_ages(run->machine, what, how));
	}
	fprintf(out, "\n");
}

static void print_checks(FILE *out, const struct run *run)
{
	unsigned int id;

	fprintf(out, "oracles   conclusive checks, and those excused by a call under way\n");
	for (id = 0; id < NR_CHECKS; id++)
		if (run->checks & 1u << id)
			fprintf(out, "    %-10s %12llu %12llu  %s\n",
				check_info[id].slug,
				(unsigned long long)check_conclusive(run->machine, id),
				(unsigned long long)check_excused(run->machine, id),
				check_info[id].what);
	if (strcmp(sanitizer_name(), "none"))
		fprintf(out, "    %-10s %25u reports\n", sanitizer_name(),
			run_sanitizer_reports(run));
}

void report_findings(FILE *out, const struct run *run)
{
	const struct finding *f;
	unsigned int i;

	for (i = 0; (f = finding_get(&run->machine->sink, i)); i++)
		fprintf(out, "finding   %s (%u times)\n", f->title,
			READ_ONCE(f->count));
	if (run_sanitizer_reports(run))
		fprintf(out, "finding   %u reports of %s, above\n",
			run_sanitizer_reports(run), sanitizer_name());
}

void report_mix(FILE *out, const char *before, const struct run *run)
{
	char mix[600];

	if (!run->storm->swarm)
		return;
	op_mix_print(&run->mix, mix, sizeof(mix));
	fprintf(out, "%s%s\n", before, mix);
}

void report_verdict(FILE *out, const char *word, u64 seed, u64 ops,
		    unsigned int findings)
{
	fprintf(out, "mmstorm: %s seed=0x%llx ops=%llu findings=%u\n", word,
		(unsigned long long)seed, (unsigned long long)ops, findings);
	fflush(out);
}

void report_last_word(const struct run *run, const char *word)
{
	report_verdict(stdout, word, run->o->seed, run_ops(run), run_findings(run));
}

void report_summary(FILE *out, const struct run *run)
{
	const struct verdict *verdict = &run->verdict;

	report_mix(out, "mix       ", run);
	print_ops(out, run);
	print_counters(out, run);
	print_windows(out, run);
	print_checks(out, run);
	if (run->checks & 1u << CHECK_AGE)
		print_ages(out, run);
	report_findings(out, run);
	if (verdict->why[0])
		fprintf(out, "because   %s\n", verdict->why);
	if (verdict->code)
		fprintf(out, "repeat    %s\n", run->repeat);
	report_verdict(out, verdict->word, run->o->seed, run_ops(run),
		       run_findings(run));
}
