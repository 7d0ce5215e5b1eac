/* SPDX-License-Identifier: MIT */
/*
 * A run as JSON lines: one "finding" line each, then one "summary".
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/atomic.h"
#include "hw/machine.h"
#include "hw/sums.h"
#include "ops/swarm.h"
#include "ops/text.h"
#include "stress/json.h"
#include "stress/run.h"
#include "stress/sanitizer.h"
#include "trace/counters.h"

static void write_section(struct json *j, const struct run *run)
{
	if (run->section)
		json_string(j, "section", run->section);
}

/* What finds it again: the ops around the first finding, and what they ran under. */
static void write_program(struct json *j, const struct run *run)
{
	struct op_list list;
	char *text = NULL;
	size_t len = 0;
	FILE *out;

	if (recent_program(&run->recent, &run->world, &run->mix, &list))
		return;
	out = open_memstream(&text, &len);
	if (out) {
		op_text_write(&list, out);
		if (!fclose(out))
			json_string(j, "program", text);
	}
	free(text);
	op_list_free(&list);
}

static void write_asked(struct json *j, const struct run *run)
{
	json_string(j, "storm", run->storm->name);
	json_hex(j, "seed", run->o->seed);
	if (run->o->bugs)
		json_string(j, "bugs", run->o->bugs);
	if (run->o->checks)
		json_string(j, "checks", run->o->checks);
}

void report_json_findings(FILE *file, const struct run *run)
{
	const struct finding *f;
	struct json j;
	unsigned int i;

	for (i = 0; (f = finding_get(&run->machine->sink, i)); i++) {
		json_begin(&j, file, "finding");
		write_section(&j, run);
		json_string(&j, "kind", finding_kind_name(f->kind));
		json_string(&j, "title", f->title);
		json_string(&j, "detail", f->detail);
		json_u64(&j, "count", READ_ONCE(f->count));
		json_string(&j, "repeat", run->repeat);
		write_asked(&j, run);
		if (!i)
			write_program(&j, run);
		json_end(&j);
	}
}

static void write_ops(struct json *j, const struct run *run)
{
	struct op_counts counts;
	unsigned int i;

	op_run_counts(run->ops, -1, &counts);
	json_open_object(j, "ops_by_name");
	for (i = 0; i < OP_NR; i++) {
		json_open_object(j, op_name(i));
		json_u64(j, "count", counts.count[i]);
		json_u64(j, "errors", counts.error[i]);
		json_u64(j, "signals", counts.signal[i]);
		json_close(j);
	}
	json_close(j);
	json_open_array(j, "ops_by_vcpu");
	for (i = 0; i < run->machine->nr_cpus; i++) {
		op_run_counts(run->ops, i, &counts);
		json_u64(j, NULL, counts.ops);
	}
	json_close(j);
}

static void write_ages(struct json *j, const struct run *run)
{
	unsigned int what, how;

	json_open_object(j, "ages");
	for (what = 0; what < NR_CHECK_OBJECTS; what++) {
		json_open_object(j, check_object_name(what));
		for (how = 0; how < NR_RCU_MET; how++)
			json_u64(j, rcu_met_name(how), check_ages(run->machine, what, how));
		json_close(j);
	}
	json_close(j);
}

static void write_counts(struct json *j, const struct run *run)
{
	u64 ev[NR_VM_EVENT_ITEMS];
	unsigned int i;

	vm_events_sum(run->machine, ev);
	json_open_object(j, "counters");
	for (i = 0; i < NR_VM_EVENT_ITEMS; i++)
		json_u64(j, vm_event_name(i), ev[i]);
	json_close(j);
	json_open_object(j, "windows");
	for (i = 0; i < NR_WINDOWS; i++)
		json_u64(j, window_name(i), windows_sum(run->machine, i));
	json_close(j);
	json_open_object(j, "oracles");
	for (i = 0; i < NR_CHECKS; i++) {
		if (!(run->checks & 1u << i))
			continue;
		json_open_object(j, check_info[i].slug);
		json_u64(j, "conclusive", check_conclusive(run->machine, i));
		json_u64(j, "excused", check_excused(run->machine, i));
		json_close(j);
	}
	json_close(j);
	if (run->checks & 1u << CHECK_AGE)
		write_ages(j, run);
}

static void write_summary(FILE *file, const struct run *run)
{
	const struct verdict *verdict = &run->verdict;
	char mix[600];
	struct json j;

	json_begin(&j, file, "summary");
	write_section(&j, run);
	json_string(&j, "verdict", verdict->word);
	json_string(&j, "why", verdict->why);
	json_u64(&j, "exit_code", verdict->code);
	json_string(&j, "storm", run->storm->name);
	op_mix_print(&run->mix, mix, sizeof(mix));
	json_string(&j, "mix", mix);
	json_hex(&j, "seed", run->o->seed);
	json_u64(&j, "ops", run_ops(run));
	json_double(&j, "seconds", run->seconds);
	json_u64(&j, "findings", run_findings(run));
	json_string(&j, "sanitizer", sanitizer_name());
	json_u64(&j, "sanitizer_reports", run_sanitizer_reports(run));
	json_string(&j, "repeat", run->repeat);
	write_ops(&j, run);
	write_counts(&j, run);
	json_end(&j);
}

void report_json(FILE *out, const struct run *run)
{
	report_json_findings(out, run);
	write_summary(out, run);
}
