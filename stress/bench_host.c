/* SPDX-License-Identifier: MIT */
/*
 * The real side of a benchmark: host threads of this process, real system
 * calls, the real kernel.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "stress/bench.h"

static void *host_main(void *arg)
{
	struct bench_worker *w = arg;

	bench_worker_run(w, w->c->host);
	return NULL;
}

static int run_threads(struct bench_worker *w, pthread_t *thread, unsigned int threads)
{
	unsigned int i, started;
	int ret = 0;

	for (started = 0; started < threads && !ret; started += !ret)
		ret = -pthread_create(&thread[started], NULL, host_main, &w[started]);
	for (i = 0; i < started; i++)
		pthread_join(thread[i], NULL);
	return ret;
}

int bench_run_host(const struct bench_case *c, unsigned int threads, double seconds,
		   struct bench_rate *out)
{
	struct bench_worker *w = calloc(threads, sizeof(*w));
	pthread_t *thread = calloc(threads, sizeof(*thread));
	unsigned int i;
	int ret = -ENOMEM;

	*out = (struct bench_rate){ 0 };
	if (w && thread) {
		for (i = 0; i < threads; i++)
			w[i] = (struct bench_worker){ .nr = i, .c = c, .seconds = seconds };
		ret = run_threads(w, thread, threads);
		if (!ret)
			ret = bench_sum(w, threads, out);
	}
	free(thread);
	free(w);
	return ret;
}
