/* SPDX-License-Identifier: MIT */
/*
 * The cases: the same round of work twice, once for each side.
 */
#include <sys/mman.h>

#include "hw/access.h"
#include "mm/syscalls.h"
#include "stress/bench.h"

#define PAGE		4096ul

/*
 * page_fault1: map 128 MiB of anonymous memory, write to each page, unmap.
 */
#define FAULT_BYTES	(128ul << 20)

static bool page_fault1_sim(struct bench_worker *w)
{
	unsigned long at;

	if (sys_mmap(w->base, FAULT_BYTES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, NULL, 0) !=
	    (long)w->base)
		return false;
	for (at = w->base; at < w->base + FAULT_BYTES; at += PAGE)
		if (user_store(at, 1, 1))
			return false;
	return !sys_munmap(w->base, FAULT_BYTES);
}

static bool page_fault1_host(struct bench_worker *w)
{
	volatile char *p;
	unsigned long at;

	p = mmap(w->host_base, FAULT_BYTES, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | (w->host_base ? MAP_FIXED : 0),
		 -1, 0);
	if (p == MAP_FAILED)
		return false;
	/* Pages of 4 KiB on both sides; without huge pages there is nothing to refuse. */
	(void)madvise((void *)p, FAULT_BYTES, MADV_NOHUGEPAGE);
	for (at = 0; at < FAULT_BYTES; at += PAGE)
		p[at] = 1;
	return !munmap((void *)p, FAULT_BYTES);
}

static const struct bench_case page_fault1 = {
	.name = "page_fault1",
	.what = "write faults of anonymous memory, map and unmap included (will-it-scale)",
	.unit = "fault",
	.per_round = FAULT_BYTES / PAGE,
	.region = FAULT_BYTES,
	.sim = page_fault1_sim,
	.host = page_fault1_host,
};

const struct bench_case *const bench_cases[] = {
	&page_fault1,
	NULL,
};
