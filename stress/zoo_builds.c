/* SPDX-License-Identifier: MIT */
/*
 * The builds of this program that detectors need: where they are, and whether they
 * are what their folder says.
 *
 * A program is asked (`--version'), not trusted: a column measured with the wrong
 * build would be a wrong figure.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stress/process.h"
#include "stress/zoo.h"

const struct detector detectors[NR_DETECTORS] = {
	[DETECT_TSAN] = { "tsan", "tsan", "tsan", "none",
		"ThreadSanitizer alone, oracles off" },
	[DETECT_ORACLES] = { "oracles", "release", "none", "all",
		"oracles alone, no sanitizer" },
	[DETECT_BOTH] = { "both", "tsan", "tsan", "all",
		"ThreadSanitizer and oracles" },
	[DETECT_ASAN] = { "asan", "dev", "asan+ubsan", "none",
		"AddressSanitizer alone, oracles off" },
};

int zoo_default_builds(char *path, size_t size)
{
	ssize_t len = readlink("/proc/self/exe", path, size - 1);
	int up;

	if (len < 0)
		return -errno;
	path[len] = '\0';
	/* the file, stress/, the build's own folder */
	for (up = 0; up < 3; up++) {
		char *slash = strrchr(path, '/');

		if (!slash)
			return -ENOENT;
		*slash = '\0';
	}
	return 0;
}

/* Does the line of `--version' say that the build can do the detector's work? */
static void judge_version(const struct detector *d, const char *line,
			  struct zoo_program *program)
{
	char wanted[64];

	snprintf(wanted, sizeof(wanted), " sanitizer=%s ", d->sanitizer);
	if (!strstr(line, wanted))
		snprintf(program->lacks, sizeof(program->lacks),
			 "%s is not a build with sanitizer=%s", program->path, d->sanitizer);
	else if (!strstr(line, " zoo=1 "))
		snprintf(program->lacks, sizeof(program->lacks), "%s has no zoo", program->path);
	else if (!strstr(line, " checks=1 "))
		snprintf(program->lacks, sizeof(program->lacks), "%s has no oracles",
			 program->path);
}

static void ask_version(const struct detector *d, struct zoo_program *program)
{
	const char *argv[] = { program->path, "--version", NULL };
	struct process_output out = { .more = NULL };
	int status, ret = process_run(argv, 60, &out, &status);

	if (ret) {
		snprintf(program->lacks, sizeof(program->lacks), "%s: %s", program->path,
			 strerror(-ret));
		return;
	}
	judge_version(d, out.text, program);
	free(out.text);
}

void zoo_find_program(const struct detector *d, const char *builds, const char *named,
		      struct zoo_program *program)
{
	*program = (struct zoo_program){ 0 };
	if (snprintf(program->path, sizeof(program->path), named ? "%s" : "%s/%s/stress/mmstorm",
		     named ? named : builds, d->build) >= (int)sizeof(program->path))
		snprintf(program->lacks, sizeof(program->lacks), "its path is too long");
	else if (access(program->path, X_OK))
		snprintf(program->lacks, sizeof(program->lacks), "%s: %s", program->path,
			 strerror(errno));
	else
		ask_version(d, program);
}
