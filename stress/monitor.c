/* SPDX-License-Identifier: MIT */
/*
 * The monitor: a host thread beside the machine that keeps the run's time,
 * shows that it lives, and says so when it does not.
 *
 * It only reads counters and asks the run to stop; Ctrl-C and SIGTERM are its to
 * handle.  A run that then does not stop, or that makes no progress, is a stall:
 * the monitor prints where every vCPU stands and ends the program, since nothing
 * else can.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/atomic.h"
#include "hw/machine.h"
#include "hw/sums.h"
#include "stress/run.h"
#include "stress/sanitizer.h"
#include "trace/counters.h"

#define TICK_NS		20000000ull

static pthread_t monitor;

u64 monitor_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ull + ts.tv_nsec;
}

/* A signal is for the run that is on and for those that were to follow. */
static u32 interrupted;

bool monitor_interrupted(void)
{
	return READ_ONCE(interrupted);
}

static void on_signal(int signo)
{
	(void)signo;
	WRITE_ONCE(interrupted, 1u);
	signal(SIGINT, SIG_DFL);	/* a second one ends it at once */
	signal(SIGTERM, SIG_DFL);
}

/*
 * The monitor alone takes signals while the run is on: it sleeps in calls that
 * ThreadSanitizer knows.  Elsewhere the sanitizer keeps a signal until the thread makes
 * such a call, and one that waits by a bare futex never does.
 */
static void signals(int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	pthread_sigmask(how, &set, NULL);
}

static void request_stop(struct run *run, enum run_stop why)
{
	u32 none = STOP_NONE;

	raw_try_cmpxchg(&run->stop, &none, (u32)why);
	op_run_stop(run->ops);
}

static const char *short_number(char *buf, size_t size, double value)
{
	if (value >= 1e6)
		snprintf(buf, size, "%.2fM", value / 1e6);
	else if (value >= 1e3)
		snprintf(buf, size, "%.1fk", value / 1e3);
	else
		snprintf(buf, size, "%.0f", value);
	return buf;
}

static unsigned long rss_megabytes(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss / 1024;
}

static void show_progress(const struct run *run, double seconds, bool line)
{
	u64 ev[NR_VM_EVENT_ITEMS], ops = run_ops(run);
	char total[16], rate[16], faults[16], flushes[16];

	vm_events_sum(run->machine, ev);
	fprintf(stderr, "%s#%.0fs ops %s %s/s  faults %s  flushes %s  findings %u  rss %luM%s",
		line ? "" : "\r\033[K", seconds,
		short_number(total, sizeof(total), ops),
		short_number(rate, sizeof(rate), ops / seconds),
		short_number(faults, sizeof(faults), ev[PGFAULT]),
		short_number(flushes, sizeof(flushes), ev[NR_TLB_REMOTE_FLUSH]),
		run_findings(run), rss_megabytes(), line ? "\n" : "");
	fflush(stderr);
}

/* When the next line is due: each second on a terminal, else ever more rarely. */
static double next_line(double now, bool tty)
{
	return now + (tty || now < 5 ? 1 : now < 60 ? 5 : 60);
}

static void stalled(struct run *run, const char *what)
{
	WRITE_ONCE(run->stop, STOP_STALL);
	fprintf(stderr, "\nmmstorm: %s for %g s\n", what, run->o->stall);
	report_machine(stderr, run);
	fprintf(stderr, "repeat with: %s\n", run->repeat);
	report_last_word(run, "STALL");
	_exit(EXIT_STALL);
}

static void *monitor_main(void *arg)
{
	struct run *run = arg;
	const struct run_options *o = run->o;
	bool tty = isatty(STDERR_FILENO);
	bool show = !o->quiet && (o->progress == 1 || (o->progress == 0));
	double due = 1, now, moved = 0, asked = 0;
	u64 ops, last = 0;

	signals(SIG_UNBLOCK);
	while (!smp_load_acquire(&run->finished)) {
		usleep(TICK_NS / 1000);
		now = (monitor_now_ns() - run->started_ns) / 1e9;
		ops = run_ops(run);
		if (ops != last) {
			last = ops;
			moved = now;
		}
		if (show && now >= due) {
			show_progress(run, now, !tty || o->progress == 1);
			due = next_line(now, tty);
		}
		if (o->timeout > 0 && now >= o->timeout)
			request_stop(run, STOP_TIMEOUT);
		if (run_findings(run) >= o->max_findings)
			request_stop(run, STOP_FINDINGS);
		if (monitor_interrupted())
			request_stop(run, STOP_SIGNAL);
		if (READ_ONCE(run->stop) && !asked)
			asked = now;
		if (now - moved > o->stall && !asked)
			stalled(run, "no op has ended");
		if (asked && now - asked > o->stall)
			stalled(run, "asked to stop, tasks have not ended");
	}
	if (show && tty)
		fprintf(stderr, "\r\033[K");
	return NULL;
}

int monitor_start(struct run *run)
{
	struct sigaction act = { .sa_handler = on_signal };
	int err;

	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	/* Of this thread, and of the vCPUs' that it will start. */
	signals(SIG_BLOCK);
	run->started_ns = monitor_now_ns();
	err = pthread_create(&monitor, NULL, monitor_main, run);
	if (err)
		signals(SIG_UNBLOCK);
	return -err;
}

void monitor_join(struct run *run)
{
	smp_store_release(&run->finished, 1u);
	pthread_join(monitor, NULL);
	signals(SIG_UNBLOCK);
	run->seconds = (monitor_now_ns() - run->started_ns) / 1e9;
}
