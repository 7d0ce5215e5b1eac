/* SPDX-License-Identifier: MIT */
/*
 * Serial programs against the reference model: results, loaded values, signals,
 * final layouts; and the machine is recounted at the end.  Meant for ASan+UBSan.
 *
 * Everything happens on one thread in the order of the program, so coverage is
 * stable and an input says the same thing each time.
 */
#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "ops/versus.h"

/*
 * Not clone: threads of one process in turn are the same as one thread, and cost
 * inputs.  The check of every page is made by value, not by the oracles.
 */
const struct op_wire_limits fuzz_limits = {
	.cpus_max = 1,
	.tasks_max = 6,
	.pages_max = 64,
	.ops_max = 192,
	.codes = ((1u << OP_NR) - 1) & ~(1u << OP_BARRIER),
};

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct op_versus_result result;
	struct machine_config config = {
		.nr_cpus = 1,
		.nr_frames = 2048,
		.mode = RUN_SERIAL,
	};
	struct op_list list;
	struct machine *m;

	if (fuzz_program(data, size, &list))
		return -1;
	/* Contents of whole pages, or of a line that stands for one. */
	config.frame_bytes = list.world.seed & 1 ? 4096 : 64;
	config.seed = list.world.seed;
	if (kern_boot(&config, &m))
		abort();
	if (op_versus(m, &list, &result))
		abort();
	machine_bind_host(m, 0);
	check_quiet(m);
	machine_unbind_host(m);
	fuzz_judge(m, &list);
	kern_shutdown(m);
	op_list_free(&list);
	return 0;
}
