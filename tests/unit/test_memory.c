/* SPDX-License-Identifier: MIT */
/* room: mm_mm mm_kern */
/*
 * Everything at once: tasks of several address spaces fault, write, unmap, protect, move,
 * migrate, truncate and fork over one small area, on four vCPUs.  Under ThreadSanitizer this is
 * the test of the page-table half of the mm; without it, of its counts: every frame comes back.
 */

#include <stdlib.h>

#include "base/prng.h"
#include "sync/windows.h"
#include "mm_fixture.h"

#define AREA	12UL		/* pages that all fight over */
#define STEPS	4000u
#define TASKS	8u

struct storm {
	struct machine *m;
	struct file *file;
	atomic_t next_id;
	unsigned int steps;
};

struct worker {
	struct storm *storm;
	u64 id;
	unsigned int steps;
	unsigned int depth;
};

static void start_worker(struct storm *s, struct mm_struct *mm, unsigned int steps,
			 unsigned int depth);

static void step_fork(struct worker *w)
{
	struct mm_struct *mm;

	if (w->depth >= 2)
		return;
	mm = dup_mm(current->mm);
	if (!IS_ERR(mm))
		start_worker(w->storm, mm, w->steps / 6, w->depth + 1);
}

static void step(struct worker *w, u64 r)
{
	unsigned long page = r % AREA, n = 1 + (r >> 8) % 6;
	unsigned long va = PG(page), other = PG(2 * AREA + (r >> 16) % AREA);
	u64 v;

	switch ((r >> 24) % 48) {
	case 0:
		sys_munmap(va, n * PAGE_SIZE);
		break;
	case 1:
		sys_mmap(va, n * PAGE_SIZE, RW, ANON | MAP_FIXED, NULL, 0);
		break;
	case 2:
		sys_mmap(va, n * PAGE_SIZE, RW, ((r >> 30) % 2 ? MAP_PRIVATE : MAP_SHARED) |
			 MAP_FIXED, w->storm->file, page * PAGE_SIZE);
		break;
	case 3:
		sys_mprotect(va, n * PAGE_SIZE, PROT_READ);
		break;
	case 4:
		sys_mprotect(va, n * PAGE_SIZE, RW);
		break;
	case 5:
		sys_madvise(va, n * PAGE_SIZE, MADV_DONTNEED);
		break;
	case 6:
		sys_mremap(va, n * PAGE_SIZE, n * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
			   other);
		break;
	case 7:
		sys_mremap(other, n * PAGE_SIZE, n * PAGE_SIZE, MREMAP_MAYMOVE | MREMAP_FIXED,
			   va);
		break;
	case 8:
		if ((r >> 32) % 4)
			break;
		sys_truncate(w->storm->file, (s64)(page * PAGE_SIZE));
		sys_truncate(w->storm->file, (s64)(AREA * PAGE_SIZE));
		break;
	case 9:
	case 14:
		sys_migrate(va);
		break;
	case 10:
		if ((r >> 32) % 3 == 0)
			step_fork(w);
		break;
	case 15 ... 24:
		user_load(va, 8, &v);
		break;
	default:
		user_store(va + (r >> 40) % 64 * 8, 8, r);
		break;
	}
}

static void work(void *arg)
{
	struct worker *w = arg;
	unsigned int i;

	for (i = 0; i < w->steps; i++)
		step(w, hash64(w->storm->m->config.seed, w->id, i));
	free(w);
}

static void start_worker(struct storm *s, struct mm_struct *mm, unsigned int steps,
			 unsigned int depth)
{
	struct worker *w = malloc(sizeof(*w));
	struct task_struct *task;

	*w = (struct worker){ s, (u64)atomic_inc_return(&s->next_id), steps, depth };
	task = task_create(s->m, w->id, 0, mm, work, w);
	if (!task) {
		mmput(mm);
		free(w);
		return;
	}
	task_start(task);
}

/* What the run went through, for who reads the log; the counts are luck. */
static void print_windows(struct machine *m)
{
	unsigned int id, cpu;

	for (id = 0; id < NR_WINDOWS; id++) {
		u64 sum = 0;

		for (cpu = 0; cpu < m->nr_cpus; cpu++)
			sum += m->cpus[cpu]->sched.windows[id];
		print_message("%s=%llu ", window_name(id), (unsigned long long)sum);
	}
	print_message("\n");
}

static void run_storm(enum run_mode mode, u64 seed, double fail_prob)
{
	struct machine_config config = {
		.nr_cpus = 4, .nr_frames = 16384, .frame_bytes = 64, .seed = seed,
		.mode = mode, .speculate_ppm = 20000,
		.fail = { .prob = fail_prob },
	};
	struct storm s = { 0 };
	unsigned long before;
	struct mm_struct *mm;
	unsigned int i;

	assert_int_equal(kern_boot(&config, &s.m), 0);
	s.m->sink.on_finding = mmfix_print;
	machine_bind_host(s.m, 0);
	before = mmfix_free(s.m);
	s.file = file_create(FILE_SHMEM, AREA * PAGE_SIZE, FMODE_READ | FMODE_WRITE);
	mm = mm_alloc(s.m, NULL);
	assert_true(!IS_ERR(s.file) && mm);
	for (i = 0; i < TASKS; i++) {
		mmget(mm);
		start_worker(&s, mm, STEPS, 0);
	}
	machine_unbind_host(s.m);
	fail_start(s.m);
	assert_int_equal(machine_run(s.m), 0);
	assert_true(machine_wait(s.m, 250000));
	machine_stop(s.m);
	fail_stop(s.m);
	print_windows(s.m);

	machine_bind_host(s.m, 0);
	mmput(mm);
	fput(s.file);
	kern_release_mms(s.m);
	assert_int_equal(mmfix_free(s.m), before);
	assert_int_equal(finding_count(&s.m->sink), 0);
	kern_shutdown(s.m);
}

static void test_free_running(void **state)
{
	run_storm(RUN_FREE, 1, 0);
}

static void test_jittered(void **state)
{
	run_storm(RUN_JITTER, 2, 0);
}

static void test_no_memory(void **state)
{
	run_storm(RUN_FREE, 3, 0.01);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_free_running),
		cmocka_unit_test(test_jittered),
		cmocka_unit_test(test_no_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
