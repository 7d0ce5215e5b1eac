/* SPDX-License-Identifier: MIT */
/*
 * Running another program and keeping what it says.
 *
 * The child is in a group of its own, so that Ctrl-C reaches it once, through this
 * program, as SIGTERM: a second signal would end it before it has summed up.  Signals
 * are read from a descriptor, beside the child's words: a handler would wait for ever
 * under ThreadSanitizer, which calls it only around calls that it knows to block.
 * Used while this program has one thread.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "stress/process.h"

/* clang-14's ThreadSanitizer gives up where the host randomises more bits of an address. */
#define TSAN_RND_BITS	28

/* There is one Ctrl-C for the whole program. */
static int signal_fd = -1;
static bool interrupted;

static void ours(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
}

void process_take_signals(void)
{
	sigset_t set;

	ours(&set);
	signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signal_fd >= 0)
		sigprocmask(SIG_BLOCK, &set, NULL);
}

bool process_interrupted(void)
{
	return interrupted;
}

static bool randomises_too_much(void)
{
	FILE *file = fopen("/proc/sys/vm/mmap_rnd_bits", "r");
	int bits = 0;

	if (!file)
		return false;
	if (fscanf(file, "%d", &bits) != 1)
		bits = 0;
	fclose(file);
	return bits > TSAN_RND_BITS;
}

static __attribute__((noreturn)) void become(const char *const argv[], int out, pid_t parent,
					     bool calm, unsigned int seconds)
{
	sigset_t set;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	if (calm)
		personality(ADDR_NO_RANDOMIZE);
	ours(&set);
	sigprocmask(SIG_UNBLOCK, &set, NULL);
	alarm(seconds);		/* outlives the exec */
	if (dup2(out, STDOUT_FILENO) < 0 || dup2(out, STDERR_FILENO) < 0)
		_exit(127);
	execv(argv[0], (char *const *)argv);
	dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static void pass_signals_on(pid_t pid)
{
	struct signalfd_siginfo info;

	while (read(signal_fd, &info, sizeof(info)) == sizeof(info)) {
		kill(pid, interrupted ? SIGKILL : SIGTERM);
		interrupted = true;
	}
}

/* All that comes out of the pipe, and signals as they come. */
static void listen(int fd, pid_t pid, FILE *said, struct process_output *out)
{
	struct pollfd wait[] = {
		{ .fd = fd, .events = POLLIN },
		{ .fd = signal_fd, .events = POLLIN },	/* below 0: left out */
	};
	char buf[4096];
	ssize_t got;

	for (;;) {
		if (poll(wait, 2, -1) < 0 && errno != EINTR)
			return;
		if (wait[1].revents)
			pass_signals_on(pid);
		if (!wait[0].revents)
			continue;
		got = read(fd, buf, sizeof(buf));
		if (got <= 0)
			return;
		fwrite(buf, 1, got, said);
		/* Only now text and size are what has been said. */
		if (!fflush(said) && out->more)
			out->more(out);
	}
}

/* The child's number, or -errno. */
static pid_t start(const char *const argv[], unsigned int seconds, int *fd)
{
	bool calm = randomises_too_much();
	pid_t pid, parent = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	fflush(NULL);
	pid = fork();
	if (!pid)
		become(argv, ends[1], parent, calm, seconds);
	close(ends[1]);
	*fd = ends[0];
	if (pid > 0)
		return pid;
	close(ends[0]);
	return -EAGAIN;
}

int process_run(const char *const argv[], unsigned int seconds, struct process_output *out,
		int *status)
{
	FILE *said = open_memstream(&out->text, &out->size);
	int fd = -1, ret = 0;
	pid_t pid;

	if (!said)
		return -ENOMEM;
	pid = start(argv, seconds, &fd);
	if (pid > 0) {
		listen(fd, pid, said, out);
		close(fd);
		while (waitpid(pid, status, 0) < 0 && errno == EINTR)
			;
	} else {
		ret = pid;
	}
	if (fclose(said) && !ret)
		ret = -ENOMEM;
	if (ret)
		free(out->text);
	return ret;
}
