/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include "mmstorm.h"

static const struct op_mix mix = {	/* what a task does, how often, and where */
	.name = "my-storm",
	.weight = {
		[OP_MMAP] = 12, [OP_MUNMAP] = 6, [OP_MPROTECT] = 6,
		[OP_LOAD] = 30, [OP_STORE] = 30, [OP_MADVISE] = 5, [OP_FORK] = 1,
	},
	.tagged = 900, .hot = 800, .hot_pages = 12, .len_max = 8, .readonly = 300,
	.depth = 1, .children = 2, .life_min = 20, .life_max = 100,
};

int main(void)
{
	struct machine_config computer = {
		.nr_cpus = 4, .nr_frames = 16384, .frame_bytes = 64, .seed = 42, .mode = RUN_FREE,
	};
	struct op_run_config storm = {
		.world = { .cpus = 4, .tasks = 8, .pages = 64, .seed = 42 },
	};
	struct op_run *run;
	unsigned int found;

	if (kern_boot(&computer, &storm.machine) || check_attach(storm.machine, CHECK_ALL))
		return 1;
	if (op_run_create(&storm, &run) || op_run_streams(run, &mix, 20000))
		return 1;
	op_run_destroy(run);
	machine_bind_host(storm.machine, 0);
	check_quiet(storm.machine);	/* recount everything, now that nobody runs */
	machine_unbind_host(storm.machine);
	found = finding_count(&storm.machine->sink);
	printf("%u findings\n", found);
	check_detach(storm.machine);
	kern_shutdown(storm.machine);
	return found ? 2 : 0;
}
