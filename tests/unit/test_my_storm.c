/* SPDX-License-Identifier: MIT */
/* A storm of one's own in 40 lines: threads and forks fight over 64 pages. */
#include <stdio.h>
#include "mmstorm.h"

static const struct op_mix mix = {
	.name = "my-storm",
	.weight = {
		[OP_MMAP] = 12, [OP_MUNMAP] = 6, [OP_MPROTECT] = 6,
		[OP_LOAD] = 30, [OP_STORE] = 30, [OP_MADVISE] = 5, [OP_FORK] = 1,
	},
	.tagged = 900, .hot = 800, .hot_pages = 12, .len_max = 8, .readonly = 300,
	.depth = 1, .children = 2, .life_min = 20, .life_max = 100,
};

static int storm(struct machine *m, u64 seed)
{
	struct op_run_config config = {
		.machine = m,
		.world = { .cpus = 4, .tasks = 8, .pages = 64, .seed = seed },
	};
	struct op_run *run;
	struct op_counts c;

	if (op_run_create(&config, &run) || op_run_streams(run, &mix, 20000))
		return 1;
	op_run_counts(run, -1, &c);
	printf("%llu ops by %llu tasks, %llu signals from loads\n",
	       (unsigned long long)c.ops, (unsigned long long)c.tasks,
	       (unsigned long long)c.signal[OP_LOAD]);
	op_run_destroy(run);
	machine_bind_host(m, 0);
	check_quiet(m);
	machine_unbind_host(m);
	return finding_count(&m->sink) ? 2 : 0;
}

int main(void)
{
	struct machine_config config = {
		.nr_cpus = 4, .nr_frames = 16384, .frame_bytes = 64,
		.seed = 42, .mode = RUN_FREE,
	};
	struct machine *m;
	int ret;

	if (kern_boot(&config, &m) || check_attach(m, CHECK_ALL))
		return 1;
	ret = storm(m, config.seed);
	check_detach(m);
	kern_shutdown(m);
	return ret;
}
