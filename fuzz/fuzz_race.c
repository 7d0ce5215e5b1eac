/* SPDX-License-Identifier: MIT */
/*
 * Programs on 2-4 vCPUs that really run in parallel, under every oracle.  Meant
 * for TSan with halt_on_error; coverage wanders a little, as timing does, and an
 * input may need several runs to say again what it said (-runs=100 FILE).
 */
#include <stdlib.h>

#include "fuzz/fuzz.h"

const struct op_wire_limits fuzz_limits = {
	.cpus_max = 4,
	.tasks_max = 8,
	.pages_max = 64,
	.ops_max = 96,
	.codes = (1u << OP_NR) - 1,
};

static void quiet(void *arg, struct mm_struct *const *mms, unsigned int nr)
{
	(void)mms;
	(void)nr;
	check_quiet(arg);
}

static void run_program(struct machine *m, const struct op_list *list)
{
	struct op_run_config config = {
		.machine = m,
		.world = list->world,
		.quiet = quiet,
		.arg = m,
	};
	struct op_run *run;

	if (op_run_create(&config, &run) || op_run_program(run, list))
		abort();
	op_run_destroy(run);
	machine_bind_host(m, 0);
	check_quiet(m);
	machine_unbind_host(m);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct machine_config config = {
		.nr_frames = 2048,
		.frame_bytes = 64,
		.speculate_ppm = 50000,
	};
	struct op_list list;
	struct machine *m;

	if (fuzz_program(data, size, &list))
		return -1;
	config.nr_cpus = list.world.cpus < 2 ? 2 : list.world.cpus;
	config.seed = list.world.seed;
	config.mode = list.world.seed & 1 ? RUN_JITTER : RUN_FREE;
	if (kern_boot(&config, &m) || check_attach(m, CHECK_ALL))
		abort();
	run_program(m, &list);
	fuzz_judge(m, &list);
	check_detach(m);
	kern_shutdown(m);
	op_list_free(&list);
	return 0;
}
