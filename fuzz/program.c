/* SPDX-License-Identifier: MIT */
/*
 * Inputs as programs, and the end of a bad one.
 */
#include "fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool fuzz_is_text(const u8 *data, size_t size)
{
	static const char start[] = "# mmstorm-ops";

	return size >= sizeof(start) - 1 &&
	       !memcmp(data, start, sizeof(start) - 1);
}

/* Text may ask for more than bytes can: it is cut to the target's size. */
static void cut(struct op_list *list)
{
	if (list->nr > fuzz_limits.ops_max)
		list->nr = fuzz_limits.ops_max;
	if (list->world.cpus > fuzz_limits.cpus_max)
		list->world.cpus = fuzz_limits.cpus_max;
	if (list->world.pages > 4096)
		list->world.pages = 4096;
	if (list->world.file_pages > 64)
		list->world.file_pages = 64;
}

int fuzz_program(const u8 *data, size_t size, struct op_list *list)
{
	struct op_text_error err;
	int ret;

	if (!fuzz_is_text(data, size))
		return op_wire_decode(data, size, &fuzz_limits, list);
	ret = op_text_parse((const char *)data, size, list, &err);
	if (!ret)
		cut(list);
	return ret;
}

void fuzz_judge(struct machine *m, const struct op_list *list)
{
	unsigned int i, nr = finding_count(&m->sink);

	if (!nr)
		return;
	for (i = 0; i < nr; i++) {
		const struct finding *f = finding_get(&m->sink, i);

		if (f)
			fprintf(stderr, "==mmstorm== %s\n%s\n", f->title,
				f->detail);
	}
	fprintf(stderr, "==mmstorm== the program:\n");
	op_text_write(list, stderr);
	abort();
}
