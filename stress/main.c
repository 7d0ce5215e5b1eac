/* SPDX-License-Identifier: MIT */
/*
 * The mmstorm program: one command a file.
 */
#include <stdio.h>
#include <string.h>

#include "stress/commands.h"
#include "stress/exit_codes.h"
#include "stress/sanitizer.h"

static const struct command {
	const char	*name;
	int		(*run)(int argc, char **argv);
	const char	*what;
} commands[] = {
	{ "run", cmd_run, "let a storm loose on a machine, with every oracle on" },
	{ "program", cmd_program, "run a recording and compare with what the real kernel answered" },
	{ "zoo", cmd_zoo, "plant historical bugs and see which detectors find them" },
	{ "bench", cmd_bench, "microbenchmarks, beside the real kernel's" },
	{ "explore", cmd_explore, "search the interleavings of a small program for one that fails" },
	{ "shrink", cmd_shrink, "of a failing run, as little as still fails, and its story" },
	{ "replay", cmd_replay, "a token's run again, or the ops of a file, under the oracles" },
	{ "show", cmd_show, "the layout that a program of op text leaves behind" },
	{ "list", cmd_list, "storms, jobs, scenarios, bugs, checks, counters, windows, ops, archs, cases" },
};

static void help(FILE *out)
{
	size_t i;

	fprintf(out, "usage: mmstorm COMMAND [arguments]\n\n");
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].what);
	fprintf(out, "\n'mmstorm COMMAND --help' says more.\n");
}

int main(int argc, char **argv)
{
	size_t i;

	if (argc < 2) {
		help(stderr);
		leave(EXIT_USAGE);
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") ||
	    !strcmp(argv[1], "help")) {
		help(stdout);
		leave(EXIT_CLEAN);
	}
	if (!strcmp(argv[1], "--version")) {
		printf("mmstorm 0.1 sanitizer=%s points=%d zoo=%d checks=%d jemalloc=%d compiler=%s\n",
		       sanitizer_name(), MM_POINTS, MM_ZOO, MM_CHECK,
		       MM_JEMALLOC, __VERSION__);
		leave(EXIT_CLEAN);
	}
	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(argv[1], commands[i].name))
			leave(commands[i].run(argc - 1, argv + 1));
	fprintf(stderr, "mmstorm: there is no command '%s'; 'mmstorm help' names them\n",
		argv[1]);
	leave(EXIT_USAGE);
}
