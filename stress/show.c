/* SPDX-License-Identifier: MIT */
/*
 * `mmstorm show': what a program of op text leaves behind, in the kernel's own
 * forms.  Runs it serially.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ops/procfs.h"
#include "stress/commands.h"
#include "stress/exit_codes.h"
#include "stress/script.h"

static const struct {
	const char	*name;
	int		(*show)(struct mm_struct *mm, const struct proc_names *names, FILE *out);
} views[] = {
	{ "maps", proc_maps }, { "smaps", proc_smaps },
};

static int show(struct script *s, int (*view)(struct mm_struct *,
					       const struct proc_names *, FILE *))
{
	struct proc_names names = { .name = op_run_file_name, .arg = s->run };
	struct mm_struct *mm;
	unsigned int task;
	int ret = op_run_program(s->run, &s->list);

	if (ret) {
		fprintf(stderr, "mmstorm show: the program could not go on: %s\n",
			strerror(-ret));
		return EXIT_RESOURCES;
	}
	machine_bind_host(s->machine, 0);
	for (task = 0; task < OP_TASKS_MAX && !ret; task++) {
		mm = op_run_mm(s->run, task);
		if (!mm || (task && mm == op_run_mm(s->run, task - 1)))
			continue;
		printf("# t%u\n", task);
		ret = view(mm, &names, stdout);
	}
	machine_unbind_host(s->machine);
	return ret ? EXIT_RESOURCES : EXIT_CLEAN;
}

static int usage(FILE *out)
{
	fprintf(out, "usage: mmstorm show maps|smaps FILE   (FILE: op text)\n");
	return out == stdout ? EXIT_CLEAN : EXIT_USAGE;
}

int cmd_show(int argc, char **argv)
{
	static const u64 no_bugs[2];
	struct script s;
	size_t i;
	int ret;

	if (argc == 2 && !strcmp(argv[1], "--help"))
		return usage(stdout);
	if (argc != 3)
		return usage(stderr);
	for (i = 0; i < sizeof(views) / sizeof(views[0]); i++)
		if (!strcmp(views[i].name, argv[1]))
			break;
	if (i == sizeof(views) / sizeof(views[0]))
		return usage(stderr);
	ret = script_load(&s, "show", argv[2]);
	if (ret)
		return ret;
	ret = script_boot(&s, RUN_SERIAL, 0, no_bugs);
	if (!ret)
		ret = show(&s, views[i].show);
	script_shutdown(&s);
	script_free(&s);
	return ret;
}
