/* SPDX-License-Identifier: MIT */
/*
 * The cases: the same round of work twice, once for each side.
 */
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/compiler.h"
#include "hw/access.h"
#include "mm/syscalls.h"
#include "stress/bench.h"

#define PAGE		4096ul

/*
 * The host's side is the bare kernel in every build: the code around the system
 * calls is not instrumented, and the calls are not the sanitizer's.
 */
#define HOST_SIDE	NO_TSAN __attribute__((no_sanitize("address")))

/* Private anonymous memory of pages of 4 KiB, as the simulated machine's; NULL: none. */
static HOST_SIDE void *host_mmap(size_t bytes)
{
	long at = syscall(SYS_mmap, NULL, bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);

	if (at == -1)
		return NULL;
	/* A kernel without huge pages refuses, and has none to give. */
	(void)syscall(SYS_madvise, at, bytes, MADV_NOHUGEPAGE);
	return (void *)at;
}

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

static HOST_SIDE bool page_fault1_host(struct bench_worker *w)
{
	volatile char *p = (volatile char *)host_mmap(FAULT_BYTES);
	unsigned long at;

	(void)w;
	if (!p)
		return false;
	for (at = 0; at < FAULT_BYTES; at += PAGE)
		p[at] = 1;
	return !syscall(SYS_munmap, p, FAULT_BYTES);
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
