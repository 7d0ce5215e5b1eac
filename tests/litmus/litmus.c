/* SPDX-License-Identifier: MIT */
/*
 * litmus [--runs N] [NAME...]	run each program N times, each run a process of its own,
 *				and judge: a right one must never be reported, a wrong
 *				one in at least 95 % of the runs; "rcu" and "locks"
 *				name all of a file
 * litmus --one NAME		run one program here (exit code 66 is TSan's)
 *
 * Without TSan only the right programs are run, for what they compute.
 */
#include "litmus.h"

#include <sys/wait.h>
#include <unistd.h>

#define TSAN_EXIT	66
#define FAIL_EXIT	3

void litmus_fail(const char *what)
{
	fprintf(stderr, "litmus: %s\n", what);
	exit(FAIL_EXIT);	/* TSan's own code, if it has something to report */
}

static const struct litmus *find(const char *name)
{
	const struct litmus *sets[] = { rcu_litmus, lock_litmus }, *l;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sets); i++) {
		for (l = sets[i]; l->name; l++) {
			if (!strcmp(l->name, name))
				return l;
		}
	}
	return NULL;
}

/* The exit status of one run, its report thrown away unless show. */
static int run_once(const char *name, bool show)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return -1;
	if (!pid) {
		if (!show && !freopen("/dev/null", "w", stderr))
			_exit(1);
		execl("/proc/self/exe", "litmus", "--one", name, (char *)NULL);
		_exit(1);
	}
	if (waitpid(pid, &status, 0) < 0)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool judge(const struct litmus *l, unsigned int runs)
{
	unsigned int i, reported = 0, failed = 0;
	bool good;

	for (i = 0; i < runs; i++) {
		int rc = run_once(l->name, false);

		reported += rc == TSAN_EXIT;
		failed += rc != TSAN_EXIT && rc != 0;
	}
	good = !failed && (l->race ? reported * 100 >= runs * 95 : !reported);
	printf("%-4s %-32s %s, reported %u of %u%s\n", good ? "ok" : "FAIL", l->name,
	       l->race ? "wrong" : "right", reported, runs, failed ? ", runs failed" : "");
	fflush(stdout);
	if (!good && !l->race)
		run_once(l->name, true);
	return good;
}

static bool judge_set(const struct litmus *set, unsigned int runs)
{
	bool good = true;

	for (; set->name; set++) {
		if (MM_TSAN || !set->race)
			good &= judge(set, runs);
	}
	return good;
}

int main(int argc, char **argv)
{
	unsigned int runs = 20;
	const struct litmus *l;
	bool good = true;
	int i = 1;

	if (argc == 3 && !strcmp(argv[1], "--one")) {
		l = find(argv[2]);
		if (!l)
			return 1;
		l->run();
		return 0;
	}
	if (argc > 2 && !strcmp(argv[1], "--runs")) {
		runs = atoi(argv[2]);
		i = 3;
	}
	if (i == argc) {
		good = judge_set(rcu_litmus, runs);
		good &= judge_set(lock_litmus, runs);
	}
	for (; i < argc; i++) {
		if (!strcmp(argv[i], "rcu") || !strcmp(argv[i], "locks")) {
			good &= judge_set(argv[i][0] == 'r' ? rcu_litmus : lock_litmus, runs);
			continue;
		}
		l = find(argv[i]);
		if (!l) {
			fprintf(stderr, "litmus: no program %s\n", argv[i]);
			return 1;
		}
		good &= judge(l, runs);
	}
	return good ? 0 : 1;
}
