/* SPDX-License-Identifier: MIT */
/*
 * The cases: what one round asks of an operating system, whichever it is.
 *
 * A round is long enough that looking at the clock costs nothing beside it, and counts
 * the units it did (w->done).  What it must prepare stands between bench_pause() and
 * bench_resume().
 */
#include "base/atomic.h"
#include "stress/bench.h"
#include "stress/run.h"

#define PAGE		4096ul
#define BATCH		64u

/* One mapping of c->n pages, all written to. */
static bool map_and_write(struct bench_worker *w)
{
	return w->os->map(w->base, w->c->n * PAGE) && w->os->write(w->base, w->c->n * PAGE);
}

/* ---- faults, mapping and unmapping ---- */

static bool page_fault1_round(struct bench_worker *w)
{
	w->done += w->c->n;
	return map_and_write(w) && w->os->unmap(w->base, w->c->n * PAGE);
}

static const struct bench_case page_fault1 = {
	.name = "page_fault1",
	.what = "write faults of anonymous memory, map and unmap included (will-it-scale)",
	.unit = "fault", .n = 32768, .region = 32768 * PAGE, .frames = 40960, .contents = true,
	.round = page_fault1_round,
};

static bool mmap1_round(struct bench_worker *w)
{
	unsigned int i;

	w->done += BATCH;
	for (i = 0; i < BATCH; i++)
		if (!w->os->map(w->base, w->c->n * PAGE) || !w->os->unmap(w->base, w->c->n * PAGE))
			return false;
	return true;
}

static const struct bench_case mmap1 = {
	.name = "mmap1",
	.what = "map and unmap 128 MiB, nothing touched (will-it-scale)",
	.unit = "map", .n = 32768, .region = 32768 * PAGE,
	.round = mmap1_round,
};

static bool map_touch_unmap_round(struct bench_worker *w)
{
	unsigned int i;

	w->done += BATCH;
	for (i = 0; i < BATCH; i++)
		if (!map_and_write(w) || !w->os->unmap(w->base, w->c->n * PAGE))
			return false;
	return true;
}

static const struct bench_case map_touch_unmap = {
	.name = "map_touch_unmap",
	.what = "map a page, write to it, unmap it",
	.unit = "map", .n = 1, .region = PAGE, .contents = true,
	.round = map_touch_unmap_round,
};

/* Mappings that do not touch, nor share a page table, each unmapped by a call of its own. */
#define UNMAPS		16u
#define UNMAP_STRIDE	(4ul << 20)

static bool munmap_round(struct bench_worker *w)
{
	unsigned long bytes = w->c->n * PAGE;
	bool ok = true;
	unsigned int i;

	bench_pause(w);
	for (i = 0; ok && i < UNMAPS; i++)
		ok = w->os->map(w->base + i * UNMAP_STRIDE, bytes) &&
		     w->os->write(w->base + i * UNMAP_STRIDE, bytes);
	bench_resume(w);
	for (i = 0; ok && i < UNMAPS; i++)
		ok = w->os->unmap(w->base + i * UNMAP_STRIDE, bytes);
	w->done += UNMAPS * w->c->n;
	return ok;
}

static const struct bench_case munmap_512 = {
	.name = "munmap_512",
	.what = "unmap 512 touched pages, the unmapping alone",
	.unit = "page", .n = 512, .region = UNMAPS * UNMAP_STRIDE, .frames = 16384,
	.round = munmap_round,
};

/* ---- fork and copy on write ---- */

static bool fork_round(struct bench_worker *w)
{
	bool ok = w->os->fork(w, false);

	w->done++;
	bench_pause(w);
	if (ok)
		w->os->reap(w);
	/* All is the parent's own again, and writable. */
	ok = ok && w->os->write(w->base, w->c->n * PAGE);
	bench_resume(w);
	return ok;
}

static const struct bench_case fork_only_1024 = {
	.name = "fork_only_1024",
	.what = "fork a process with 1024 touched pages, the call alone",
	.unit = "fork", .n = 1024, .region = 1024 * PAGE, .frames = 4096,
	.setup = map_and_write, .round = fork_round,
};

static bool fork_pages_round(struct bench_worker *w)
{
	bool ok = fork_round(w);

	w->done += w->c->n - 1;
	return ok;
}

static const struct bench_case fork_only_25600 = {
	.name = "fork_only_25600",
	.what = "the same with 25600 touched pages: what each of them costs",
	.unit = "page", .n = 25600, .region = 25600 * PAGE, .frames = 40960,
	.setup = map_and_write, .round = fork_pages_round,
};

/* The child's life is preparation; it lives or not while the parent writes. */
static bool cow_round(struct bench_worker *w, bool child_lives)
{
	bool ok;

	bench_pause(w);
	ok = w->os->fork(w, false);
	if (ok && !child_lives)
		w->os->reap(w);
	bench_resume(w);
	w->done += w->c->n;
	if (!ok)
		return false;
	ok = w->os->write(w->base, w->c->n * PAGE);
	bench_pause(w);
	if (child_lives)
		w->os->reap(w);
	bench_resume(w);
	return ok;
}

static bool cow_copy_round(struct bench_worker *w)
{
	return cow_round(w, true);
}

static const struct bench_case cow_copy = {
	.name = "cow_copy",
	.what = "write to a page that a child shares: break COW by a copy",
	.unit = "page", .n = 2048, .region = 2048 * PAGE, .frames = 8192, .contents = true,
	.setup = map_and_write, .round = cow_copy_round,
};

static bool cow_reuse_round(struct bench_worker *w)
{
	return cow_round(w, false);
}

static const struct bench_case cow_reuse = {
	.name = "cow_reuse",
	.what = "write to a page that a child has shared and left: take it over",
	.unit = "page", .n = 2048, .region = 2048 * PAGE, .frames = 8192,
	.setup = map_and_write, .round = cow_reuse_round,
};

/* ---- changes of one page ---- */

static bool mprotect_round(struct bench_worker *w)
{
	unsigned int i;

	w->done += BATCH;
	for (i = 0; i < BATCH; i++)
		if (!w->os->protect(w->base, w->c->n * PAGE, i & 1))
			return false;
	return true;
}

static const struct bench_case mprotect_1 = {
	.name = "mprotect_1",
	.what = "take the right to write to a touched page, and give it back",
	.unit = "call", .n = 1, .region = PAGE,
	.setup = map_and_write, .round = mprotect_round,
};

static bool mremap_round(struct bench_worker *w)
{
	unsigned long other = w->base + 2 * w->c->n * PAGE;
	unsigned int i;

	w->done += BATCH;
	for (i = 0; i < BATCH; i += 2)
		if (!w->os->move(w->base, w->c->n * PAGE, other) ||
		    !w->os->move(other, w->c->n * PAGE, w->base))
			return false;
	return true;
}

static const struct bench_case mremap_1 = {
	.name = "mremap_1",
	.what = "move a touched page to another address",
	.unit = "move", .n = 1, .region = 3 * PAGE,
	.setup = map_and_write, .round = mremap_round,
};

static bool dontneed_round(struct bench_worker *w)
{
	unsigned int i;

	w->done += BATCH;
	for (i = 0; i < BATCH; i++)
		if (!w->os->write(w->base, w->c->n * PAGE) ||
		    !w->os->dontneed(w->base, w->c->n * PAGE))
			return false;
	return true;
}

static const struct bench_case dontneed_1 = {
	.name = "dontneed_1",
	.what = "write to a page and give it back by MADV_DONTNEED",
	.unit = "page", .n = 1, .region = PAGE, .contents = true,
	.setup = map_and_write, .round = dontneed_round,
};

/* ---- shootdown ---- */

static bool shoot_setup(struct bench_worker *w)
{
	if (!w->nr) {
		bool ok = map_and_write(w);

		w->shared->base = w->base;
		smp_store_release(&w->shared->ready, ok ? 1 : 2);
		return ok;
	}
	while (!smp_load_acquire(&w->shared->ready))
		w->os->breathe(true);
	return smp_load_acquire(&w->shared->ready) == 1;
}

/* A round of flushing on all the other CPUs: all have read the page. */
static bool shoot(struct bench_worker *w, bool writable)
{
	u64 begin = monitor_now_ns();
	bool ok = w->os->protect(w->shared->base, PAGE, writable);

	hist_add(&w->lat, monitor_now_ns() - begin);
	w->done++;
	return ok;
}

/*
 * All read, all the time; and each that finds nobody at it changes the rights of a page
 * that all of them read, twice.
 */
static bool shoot_round(struct bench_worker *w)
{
	bool ok = w->os->read(w->shared->base, w->c->n * PAGE);

	if (!ok || raw_xchg_order(&w->shared->duty, 1, __ATOMIC_ACQUIRE))
		return ok;
	ok = shoot(w, false) && shoot(w, true);
	raw_store_order(&w->shared->duty, 0, __ATOMIC_RELEASE);
	return ok;
}

static const struct bench_case shoot_mprotect = {
	.name = "shoot_mprotect",
	.what = "take and give the right to write to a page that all other CPUs read",
	.unit = "flush round", .n = 64, .region = 64 * PAGE, .min_threads = 2,
	.setup = shoot_setup, .round = shoot_round,
};

/* ---- switching ---- */

static bool switch_setup(struct bench_worker *w)
{
	return map_and_write(w) && w->os->fork(w, true);
}

static bool switch_round(struct bench_worker *w)
{
	unsigned int i;

	w->done += BATCH;
	for (i = 0; i < BATCH; i += 2)
		if (!w->os->call(w))
			return false;
	return true;
}

static void switch_teardown(struct bench_worker *w)
{
	if (w->child)
		w->os->reap(w);
}

static const struct bench_case switch_case = {
	.name = "switch",
	.what = "two processes on a CPU wake each other; each reads a page",
	.unit = "switch", .n = 1, .region = PAGE,
	.setup = switch_setup, .round = switch_round, .teardown = switch_teardown,
};

const struct bench_case *const bench_cases[] = {
	&page_fault1, &mmap1, &map_touch_unmap, &munmap_512,
	&fork_only_1024, &fork_only_25600, &cow_copy, &cow_reuse,
	&mprotect_1, &mremap_1, &dontneed_1, &shoot_mprotect,
	&bench_storm, &bench_storm_fork,
	&bench_vma_lookup[0], &bench_vma_lookup[1], &bench_vma_lookup[2],
	&bench_vma_update[0], &bench_vma_update[1], &bench_vma_update[2],
	&switch_case,
	NULL,
};
