/* SPDX-License-Identifier: MIT */
/*
 * Loading op text and booting the machine that it asks for.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "check/check.h"
#include "kern/boot.h"
#include "ops/text.h"
#include "stress/exit_codes.h"
#include "stress/script.h"

int script_load(struct script *s, const char *command, const char *path)
{
	struct op_text_error err = { 0 };
	int ret;

	*s = (struct script){ .command = command };
	ret = op_text_load(path, &s->list, &err);
	if (!ret)
		return 0;
	if (err.line)
		fprintf(stderr, "%s:%u: %s\n", path, err.line, err.what);
	else
		fprintf(stderr, "mmstorm %s: %s: %s\n", command, path,
			err.what[0] ? err.what : strerror(-ret));
	return ret == -ENOMEM ? EXIT_RESOURCES : EXIT_USAGE;
}

static unsigned long frames_for(const struct op_world *world)
{
	return 4096 + OP_TASKS_MAX * (world->pages + 64) * 2 +
	       world->files * world->file_pages;
}

static void on_quiet(void *arg, struct mm_struct *const *mms, unsigned int nr)
{
	struct script *s = arg;

	(void)mms;
	(void)nr;
	check_quiet(s->machine);
}

int script_boot(struct script *s, enum run_mode mode, u32 checks,
		const u64 zoo[2])
{
	struct machine_config config = {
		.nr_cpus = mode == RUN_SERIAL ? 1 : s->list.world.cpus,
		.nr_frames = frames_for(&s->list.world),
		.frame_bytes = 64,
		.seed = s->list.world.seed,
		.mode = mode,
		.zoo = { zoo[0], zoo[1] },
		.checks = checks,
		.trace = true,
	};
	struct op_run_config run = {
		.world = s->list.world, .quiet = on_quiet, .arg = s,
	};
	int ret = kern_boot(&config, &s->machine);

	if (!ret)
		ret = check_attach(s->machine, checks);
	if (!ret) {
		run.machine = s->machine;
		ret = op_run_create(&run, &s->run);
	}
	if (!ret)
		return 0;
	fprintf(stderr, "mmstorm %s: the machine could not be set up: %s\n",
		s->command, strerror(-ret));
	script_shutdown(s);
	return ret == -EINVAL ? EXIT_USAGE : EXIT_RESOURCES;
}

void script_shutdown(struct script *s)
{
	if (s->run)
		op_run_destroy(s->run);
	if (s->machine) {
		check_detach(s->machine);
		kern_shutdown(s->machine);
	}
	s->run = NULL;
	s->machine = NULL;
}

void script_free(struct script *s)
{
	op_list_free(&s->list);
}
