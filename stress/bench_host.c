/* SPDX-License-Identifier: MIT */
/*
 * The real side of a benchmark: host threads of this process, real system
 * calls, the real kernel.
 *
 * It is the bare kernel in every build: nothing here is instrumented, and the calls are
 * not the C library's, which sanitizers replace.  Children are made by a bare clone and
 * make bare calls only.  Pages are of 4 KiB, as the simulated machine's: huge ones are
 * switched off for the process.
 */
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/compiler.h"
#include "stress/bench.h"

#define HOST		NO_TSAN __attribute__((no_sanitize("address")))
#define PAGE		4096ul

/*
 * Addresses for one worker; and a stretch above them all that stays free, since the host
 * puts what else this process maps at the top of where there is room.
 */
#define STRIDE		(1ul << 30)
#define MARGIN		(64ul << 30)

/* ---- memory ---- */

static HOST bool host_map(unsigned long at, unsigned long bytes)
{
	return syscall(SYS_mmap, at, bytes, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0L) == (long)at;
}

static HOST bool host_unmap(unsigned long at, unsigned long bytes)
{
	return !syscall(SYS_munmap, at, bytes);
}

static HOST bool host_protect(unsigned long at, unsigned long bytes, bool writable)
{
	return !syscall(SYS_mprotect, at, bytes, writable ? PROT_READ | PROT_WRITE : PROT_READ);
}

static HOST bool host_move(unsigned long from, unsigned long bytes, unsigned long to)
{
	return syscall(SYS_mremap, from, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, to) ==
	       (long)to;
}

static HOST bool host_dontneed(unsigned long at, unsigned long bytes)
{
	return !syscall(SYS_madvise, at, bytes, MADV_DONTNEED);
}

static HOST bool host_write(unsigned long at, unsigned long bytes)
{
	for (unsigned long end = at + bytes; at < end; at += PAGE)
		*(volatile char *)at = 1;
	return true;
}

static HOST bool host_read(unsigned long at, unsigned long bytes)
{
	for (unsigned long end = at + bytes; at < end; at += PAGE)
		(void)*(volatile char *)at;
	return true;
}

/* ---- children ---- */

/* Two processes pass a word to and fro, on one CPU; in memory that both see. */
struct host_child {
	long		pid;		/* the parent's to write */
	bool		answers;
	u32		turn;		/* atomic, futex: 0 the parent's, 1 the child's */
	unsigned long	page;
};

static HOST void await(struct host_child *c, u32 turn)
{
	while (__atomic_load_n(&c->turn, __ATOMIC_ACQUIRE) != turn)
		syscall(SYS_futex, &c->turn, FUTEX_WAIT, !turn, NULL, NULL, 0);
}

static HOST void pass(struct host_child *c, u32 turn)
{
	__atomic_store_n(&c->turn, turn, __ATOMIC_RELEASE);
	syscall(SYS_futex, &c->turn, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static HOST void __attribute__((noreturn)) child_main(struct host_child *c)
{
	syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL);
	while (c->answers) {
		await(c, 1);
		host_read(c->page, PAGE);
		pass(c, 0);
	}
	for (;;)
		syscall(SYS_pause);
}

/* Both on one CPU, so that they do switch. */
static HOST void pin(unsigned int nr)
{
	cpu_set_t all, one;
	unsigned int i, left;

	if (sched_getaffinity(0, sizeof(all), &all))
		return;
	left = nr % (unsigned int)CPU_COUNT(&all);
	for (i = 0; !CPU_ISSET(i, &all) || left--; i++)
		;
	CPU_ZERO(&one);
	CPU_SET(i, &one);
	sched_setaffinity(0, sizeof(one), &one);
}

static HOST bool host_fork(struct bench_worker *w, bool answers)
{
	struct host_child *c = w->child;
	long pid;

	if (!c) {
		long at = syscall(SYS_mmap, NULL, PAGE, PROT_READ | PROT_WRITE,
				  MAP_SHARED | MAP_ANONYMOUS, -1, 0L);

		if (at < 0 && at > -(long)PAGE)
			return false;
		w->child = c = (struct host_child *)at;
	}
	c->page = w->base;
	c->answers = answers;
	if (answers)
		pin(w->nr);
	pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, 0L);
	if (!pid)
		child_main(c);
	c->pid = pid;
	return pid > 0;
}

static u64 cpu_of(long pid)
{
	struct timespec ts = { 0 };
	clockid_t id;

	if (!clock_getcpuclockid((pid_t)pid, &id))
		clock_gettime(id, &ts);
	return (u64)ts.tv_sec * 1000000000u + (u64)ts.tv_nsec;
}

static HOST void host_reap(struct bench_worker *w)
{
	struct host_child *c = w->child;

	if (c->answers)
		w->child_cpu = cpu_of(c->pid);
	syscall(SYS_kill, c->pid, SIGKILL);
	syscall(SYS_wait4, c->pid, NULL, __WALL, NULL);
}

static HOST bool host_call(struct bench_worker *w)
{
	struct host_child *c = w->child;

	pass(c, 1);
	await(c, 0);
	return host_read(w->base, PAGE);
}

/* ---- the side ---- */

/* Who waits to begin stays on its CPU, if it can: they are to run at the same time. */
static void host_breathe(bool waits)
{
	for (unsigned int i = 0; waits && i < 10000; i++)
		__builtin_ia32_pause();
	if (waits)
		sched_yield();
}

static const u64 *host_counters(void)
{
	return NULL;
}

static const struct bench_os host_os = {
	.map = host_map,
	.unmap = host_unmap,
	.protect = host_protect,
	.move = host_move,
	.dontneed = host_dontneed,
	.write = host_write,
	.read = host_read,
	.fork = host_fork,
	.reap = host_reap,
	.call = host_call,
	.breathe = host_breathe,
	.counters = host_counters,
};

static void *host_main(void *arg)
{
	bench_worker_run(arg);
	return NULL;
}

/* Room for all workers, where nothing is: MAP_FIXED would not ask.  0: there is none. */
static HOST unsigned long find_room(unsigned int threads)
{
	unsigned long bytes = (threads + 1) * STRIDE + MARGIN;
	long at = syscall(SYS_mmap, NULL, bytes, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0L);

	if (at == -1 || !host_unmap((unsigned long)at, bytes))
		return 0;
	return ALIGN((unsigned long)at, STRIDE);
}

static int run_threads(struct bench_worker *w, pthread_t *thread, unsigned int threads)
{
	unsigned int i, started;
	int ret = 0;

	for (started = 0; started < threads && !ret; started += !ret)
		ret = -pthread_create(&thread[started], NULL, host_main, &w[started]);
	if (ret)
		__atomic_store_n(&w->shared->failed, ret, __ATOMIC_RELAXED);
	for (i = 0; i < started; i++)
		pthread_join(thread[i], NULL);
	for (i = 0; i < threads; i++) {
		host_unmap(w[i].base, w[i].c->region);
		if (w[i].child)
			host_unmap((unsigned long)w[i].child, PAGE);
		free(w[i].private);
	}
	return ret;
}

int bench_run_host(const struct bench_case *c, unsigned int threads, double seconds,
		   struct bench_rate *out)
{
	struct bench_worker *w = calloc(threads, sizeof(*w));
	pthread_t *thread = calloc(threads, sizeof(*thread));
	struct bench_shared shared = { .threads = threads };
	unsigned long base = find_room(threads);
	unsigned int i;
	int ret = -ENOMEM;

	*out = (struct bench_rate){ 0 };
	/* A kernel without huge pages refuses, and has none to give. */
	(void)prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0);
	if (w && thread && base) {
		for (i = 0; i < threads; i++)
			w[i] = (struct bench_worker){
				.c = c, .os = &host_os, .shared = &shared, .nr = i,
				.seconds = seconds, .base = base + i * STRIDE,
			};
		ret = run_threads(w, thread, threads);
		if (!ret)
			ret = bench_sum(w, threads, out);
	}
	(void)prctl(PR_SET_THP_DISABLE, 0, 0, 0, 0);
	free(thread);
	free(w);
	return ret;
}
