/* SPDX-License-Identifier: MIT */
/*
 * The real side of a benchmark: host threads of this process, real system
 * calls, the real kernel.
 */
#include <errno.h>
#include <pthread.h>

#include "base/atomic.h"
#include "stress/bench.h"
#include "stress/run.h"

#define THREADS_MAX	256

struct host_thread {
	pthread_t		thread;
	struct bench_worker	worker;
	const struct bench_case	*c;
	const u32		*stop;
	u64			rounds;
	bool			failed;
};

static void *host_main(void *arg)
{
	struct host_thread *t = arg;

	while (!READ_ONCE(*t->stop) && !t->failed) {
		t->failed = !t->c->host(&t->worker);
		t->rounds++;
	}
	return NULL;
}

static void wait_until(u64 deadline)
{
	struct timespec ts = { 0, 1000000 };

	while (monitor_now_ns() < deadline)
		nanosleep(&ts, NULL);
}

int bench_run_host(const struct bench_case *c, unsigned int threads,
		   double seconds, struct bench_rate *out)
{
	static struct host_thread t[THREADS_MAX];
	unsigned int i, started;
	u32 stop = 0;
	u64 begin = monitor_now_ns();
	int ret = 0;

	*out = (struct bench_rate){ 0 };
	for (started = 0; started < threads; started++) {
		t[started] = (struct host_thread){
			.worker.nr = started, .c = c, .stop = &stop,
		};
		ret = -pthread_create(&t[started].thread, NULL, host_main,
				      &t[started]);
		if (ret)
			break;
	}
	if (!ret)
		wait_until(begin + (u64)(seconds * 1e9));
	WRITE_ONCE(stop, 1u);
	for (i = 0; i < started; i++) {
		pthread_join(t[i].thread, NULL);
		out->done += t[i].rounds * c->per_round;
		if (t[i].failed)
			ret = -EIO;
	}
	out->per_second = out->done / ((monitor_now_ns() - begin) / 1e9);
	return ret;
}
