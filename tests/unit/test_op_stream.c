/* SPDX-License-Identifier: MIT */
/* room: mm_ops */
/* Streams: the same from the same seed, whatever else is drawn; bounded families. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/compiler.h"
#include "mm/uapi.h"
#include "ops/stream.h"
#include "ops/text.h"

static const struct op_world world = {
	.cpus = 2, .tasks = 4, .procs = 1, .pages = 100, .files = 2, .file_pages = 8,
	.seed = 7,
};

static const struct op_mix mix = {
	.name = "test",
	.weight = {
		[OP_MMAP] = 10, [OP_MUNMAP] = 10, [OP_MPROTECT] = 5,
		[OP_MREMAP] = 5, [OP_BRK] = 2, [OP_MADVISE] = 3,
		[OP_LOAD] = 30, [OP_STORE] = 30, [OP_RMW] = 2, [OP_COPY] = 2,
		[OP_FORK] = 4, [OP_CLONE] = 2, [OP_EXIT] = 1,
		[OP_TRUNCATE] = 2, [OP_MIGRATE] = 2, [OP_YIELD] = 1,
		[OP_FAILNTH] = 1, [OP_PIN] = 4, [OP_UNPIN] = 1,
		[OP_DMA_LOAD] = 3, [OP_DMA_STORE] = 3,
	},
	.shared = 300, .file = 300, .hot = 500, .tagged = 800, .moving = 500,
	.readonly = 500, .pin_write = 400, .pin_get = 300, .len_max = 16, .hot_pages = 8,
	.depth = 2, .children = 2, .life_min = 10, .life_max = 20,
};

static bool leaves_window(u64 addr, u64 len)
{
	return op_addr_space(addr) != OP_SPACE_WINDOW ||
	       op_addr_value(addr) + len > (u64)world.pages << 12;
}

static void check_op(const struct mm_op *op)
{
	switch (op->code) {
	case OP_MMAP:
	case OP_MUNMAP:
	case OP_MPROTECT:
	case OP_MADVISE:
		assert_false(leaves_window(op->arg[0], op->arg[1]));
		break;
	case OP_MREMAP:
		assert_false(leaves_window(op->arg[0], op->arg[1]));
		if (op->arg[3])
			assert_false(leaves_window(op->arg[4], op->arg[2]));
		break;
	case OP_PIN:
		assert_false(leaves_window(op->arg[0], op->arg[1]));
		assert_in_range(op->arg[1], 1, OP_PIN_BYTES);
		break;
	case OP_FORK:
	case OP_CLONE:
		assert_in_range(op->arg[0], 0, mix.children - 1);
		return;
	default:
		break;
	}
	assert_true(op_valid(op));
}

static void test_valid_ops(void **state)
{
	unsigned int seen[OP_NR] = { 0 }, i;
	struct op_stream s;
	struct mm_op op;

	op_stream_init(&s, &world, &mix, 1);
	for (i = 0; i < 50000; i++) {
		assert_true(op_stream_next(&s, &op));
		check_op(&op);
		seen[op.code]++;
	}
	for (i = 0; i < OP_NR; i++)
		assert_int_equal(seen[i] != 0, mix.weight[i] && i != OP_EXIT);
	/* Shares are kept: loads and stores are the most frequent by far. */
	assert_in_range(seen[OP_LOAD], 12000, 16000);
	assert_in_range(seen[OP_MUNMAP], 3500, 6000);
}

static void test_same_seed(void **state)
{
	struct op_stream a, b, other;
	struct mm_op oa, ob, oo;
	int i, differ = 0;

	op_stream_init(&a, &world, &mix, 2);
	op_stream_init(&b, &world, &mix, 2);
	op_stream_init(&other, &world, &mix, 3);
	for (i = 0; i < 1000; i++) {
		op_stream_next(&a, &oa);
		/* Other streams drawn in between change nothing. */
		op_stream_next(&other, &oo);
		op_stream_next(&b, &ob);
		assert_true(op_equal(&oa, &ob));
		differ += !op_equal(&oa, &oo);
	}
	assert_in_range(differ, 900, 1000);
	/* Op k does not need the ops before it. */
	a.k = b.k = 12345;
	op_stream_next(&a, &oa);
	op_stream_next(&b, &ob);
	assert_true(op_equal(&oa, &ob));
}

/*
 * A stretch that dwells is accesses to its one or two pages (and to what was pinned
 * before); a duel has one call more.
 */
static void check_stretch(struct op_stream *s, unsigned int ops, bool duel)
{
	u64 first = ~0ULL, last = 0;
	u8 call = OP_NR;
	struct mm_op op;

	while (ops--) {
		assert_true(op_stream_next(s, &op));
		if (op.code == OP_LOAD || op.code == OP_STORE || op.code == OP_MMAP) {
			first = min(first, op_addr_value(op.arg[0]) >> 12);
			last = max(last, op_addr_value(op.arg[0]) >> 12);
		}
		if (op_desc((enum mm_op_code)op.code)->class == OP_CLASS_ACCESS)
			continue;
		assert_true(duel);
		if (op.code == OP_MMAP)
			continue;	/* there must be something to fight for */
		assert_true(call == OP_NR || op.code == call);
		call = op.code;
	}
	assert_true(first == ~0ULL || last - first < 2);
}

static void test_focus(void **state)
{
	struct op_mix focused = mix;
	struct op_stream s;
	unsigned int i;

	focused.stretch = 50;
	focused.dwell_ops = 300;
	focused.dwell = 1000;
	op_stream_init(&s, &world, &focused, 0);
	for (i = 0; i < 100; i++)
		check_stretch(&s, focused.dwell_ops, false);
	focused.dwell = 0;
	focused.duel = 1000;
	op_stream_init(&s, &world, &focused, 0);
	for (i = 0; i < 100; i++)
		check_stretch(&s, focused.stretch, true);
}

/* What one op unmaps or cuts off the next puts back. */
static void test_restore(void **state)
{
	struct op_mix careful = mix;
	unsigned int i, restored = 0;
	struct mm_op op, last = { 0 };
	struct op_stream s;

	careful.restore = 1000;
	op_stream_init(&s, &world, &careful, 0);
	for (i = 0; i < 20000; i++, last = op) {
		assert_true(op_stream_next(&s, &op));
		if (last.code == OP_MUNMAP) {
			assert_int_equal(op.code, OP_MMAP);
			assert_int_equal(op.arg[0], last.arg[0]);
			assert_int_equal(op.arg[1], last.arg[1]);
			restored++;
		}
		if (last.code == OP_TRUNCATE && last.arg[1] < (u64)world.file_pages << 12) {
			assert_int_equal(op.code, OP_TRUNCATE);
			assert_int_equal(op.arg[0], last.arg[0]);
			assert_int_equal(op.arg[1], (u64)world.file_pages << 12);
			restored++;
		}
	}
	assert_in_range(restored, 1000, 4000);
}

/* Rights that were taken altogether come back, and guards go. */
static void test_restore_rights(void **state)
{
	struct op_mix m = {
		.name = "rights", .weight = { [OP_MPROTECT] = 1, [OP_MADVISE] = 1 },
		.none = 500, .readonly = 500, .guard = 500, .restore = 1000, .len_max = 4,
	};
	unsigned int i, rights = 0, guards = 0;
	struct mm_op op, last = { 0 };
	struct op_stream s;

	op_stream_init(&s, &world, &m, 0);
	for (i = 0; i < 5000; i++, last = op) {
		bool none = last.code == OP_MPROTECT && last.arg[2] == PROT_NONE;
		bool guard = last.code == OP_MADVISE && last.arg[2] == MADV_GUARD_INSTALL;

		assert_true(op_stream_next(&s, &op));
		check_op(&op);
		if (none || guard) {
			assert_int_equal(op.code, last.code);
			assert_int_equal(op.arg[0], last.arg[0]);
			assert_int_equal(op.arg[1], last.arg[1]);
		}
		if (none)
			assert_true(op.arg[2] & PROT_READ);
		if (guard)
			assert_int_equal(op.arg[2], MADV_GUARD_REMOVE);
		rights += none;
		guards += guard;
	}
	assert_in_range(rights, 500, 1500);
	assert_in_range(guards, 500, 1500);
}

static const struct op_world cut_world = {
	.cpus = 2, .tasks = 8, .procs = 2, .pages = 103, .seed = 7,
};
#define REGION	25	/* pages, of four; three are left over at the end */

/* What a call is about: its pages, [0] to [1], and where it moves them. */
static bool draw_call(struct op_stream *s, u64 pages[2], u64 *to)
{
	struct mm_op op;

	assert_true(op_stream_next(s, &op));
	if (op.code != OP_MUNMAP && op.code != OP_MREMAP)
		return false;
	pages[0] = op_addr_value(op.arg[0]) >> 12;
	pages[1] = pages[0] + (op.arg[1] >> 12) - 1;
	*to = op.code == OP_MREMAP ? op_addr_value(op.arg[4]) >> 12 : 4 * REGION;
	return true;
}

static void assert_moves_away(const u64 pages[2], u64 to)
{
	assert_true(to > pages[1] || to + (pages[1] - pages[0]) < pages[0]);
}

/* At home each thread of a process is in its own region; abroad in each of them. */
static void test_regions(void **state)
{
	struct op_mix cut = {
		.name = "cut", .weight = { [OP_MUNMAP] = 1, [OP_MREMAP] = 1 },
		.hot = 500, .hot_pages = 4, .len_max = 2, .moving = 1000,
		.regions = 4, .home = 1000,
	};
	unsigned int nth, i, seen = 0, targets = 0;
	struct op_stream s;
	u64 pages[2] = { 0 }, to = 0;

	for (nth = 0; nth < cut_world.tasks; nth++) {
		op_stream_init(&s, &cut_world, &cut, nth);
		for (i = 0; i < 1000; i++)
			if (draw_call(&s, pages, &to))
				assert_int_equal(pages[0] / REGION, nth / 2 % 4);
	}
	cut.home = 0;
	cut.whole = 1000;
	op_stream_init(&s, &cut_world, &cut, 0);
	for (i = 0; i < 1000; i++) {
		if (!draw_call(&s, pages, &to))
			continue;
		assert_moves_away(pages, to);
		assert_int_equal(pages[0] % REGION, 0);
		assert_int_equal(pages[1] - pages[0], REGION - 1);
		assert_int_equal(to % REGION, 0);
		seen |= 1u << pages[0] / REGION;
		targets |= 1u << to / REGION;
	}
	assert_int_equal(seen, 0xf);
	assert_int_equal(targets & 0xf, 0xf);
}

/* A move that the kernel would refuse, onto a part of itself, is not worth an op. */
static void test_moves(void **state)
{
	static const u16 regions[] = { 0, 3, 50 };
	struct op_mix moves = {
		.name = "moves", .weight = { [OP_MREMAP] = 1 },
		.hot = 500, .hot_pages = 2, .len_max = 2, .moving = 1000, .chain = 300,
	};
	u64 pages[2] = { 0 }, to = 0;
	struct op_stream s;
	unsigned int i;

	for (i = 0; i < 3 * 5000; i++) {
		moves.regions = regions[i / 5000];
		if (i % 5000 == 0)
			op_stream_init(&s, &cut_world, &moves, i / 5000);
		assert_true(draw_call(&s, pages, &to));
		assert_moves_away(pages, to);
		assert_true(to + (pages[1] - pages[0]) < cut_world.pages);
	}
}

/* What mremap moved moves again, when its hole is filled or at once: half of the times back. */
static void test_chain(void **state)
{
	struct op_mix chained = mix;
	unsigned int i, back = 0, on = 0, filled = 0;
	struct mm_op op, last = { 0 };
	struct op_stream s;

	chained.chain = 1000;
	chained.weight[OP_MREMAP] = 1;
	chained.moving = 200;
	chained.restore = 500;
	op_stream_init(&s, &world, &chained, 0);
	for (i = 0; i < 20000; i++, last = op) {
		assert_true(op_stream_next(&s, &op));
		if (last.code != OP_MREMAP || !last.arg[3])
			continue;
		if (op.code == OP_MMAP) {
			assert_int_equal(op.arg[0], last.arg[0]);
			filled++;
			assert_true(op_stream_next(&s, &op));
		}
		check_op(&op);
		assert_int_equal(op.code, OP_MREMAP);
		assert_int_equal(op.arg[0], last.arg[4]);
		assert_int_equal(op.arg[1], last.arg[2]);
		*(op.arg[4] == last.arg[0] ? &back : &on) += 1;
	}
	assert_true(back > 100 && on > 100 && filled > 100);
}

/* A task's kind is for life, and the first of a process can do anything. */
static void test_roles(void **state)
{
	struct op_mix parts = mix;
	unsigned int nth, i, of[3] = { 0 };
	struct op_stream s;
	struct mm_op op;

	parts.readers = 250;
	parts.writers = 250;
	for (nth = 0; nth < 64; nth++) {
		op_stream_init(&s, &cut_world, &parts, nth);
		of[s.role]++;
		assert_true(nth >= cut_world.procs || s.role == OP_ROLE_ANY);
		for (i = 0; i < 100 && s.role != OP_ROLE_ANY; i++) {
			op_stream_next(&s, &op);
			assert_true(op.code == OP_LOAD ||
				    (op.code == OP_STORE && s.role == OP_ROLE_WRITER));
		}
	}
	assert_in_range(of[OP_ROLE_READER], 12, 20);
	assert_in_range(of[OP_ROLE_WRITER], 12, 20);
}

/* Naps are the first generation's, and leave the ops as they are. */
static void test_naps(void **state)
{
	struct op_mix sleepy = mix;
	struct op_stream s, awake, child;
	unsigned int i, naps = 0;
	struct mm_op op, same;

	sleepy.nap = 100;
	op_stream_init(&s, &world, &sleepy, 0);
	op_stream_init(&awake, &world, &mix, 0);
	for (i = 0; i < 10000; i++) {
		op_stream_next(&s, &op);
		op_stream_next(&awake, &same);
		assert_true(op_equal(&op, &same));
		assert_in_range(s.nap, 0, 3);
		naps += s.nap != 0;
	}
	assert_in_range(naps, 800, 1200);
	op_stream_child(&s, 0, &child);
	while (op_stream_next(&child, &op))
		assert_int_equal(child.nap, 0);
}

/* Counts the tasks of a family and its deepest generation. */
static unsigned int family(struct op_stream *s, int ops, unsigned int *deepest)
{
	unsigned int tasks = 1;
	struct op_stream child;
	struct mm_op op;

	*deepest = s->depth > *deepest ? s->depth : *deepest;
	while (ops-- && op_stream_next(s, &op)) {
		if (op.code != OP_FORK && op.code != OP_CLONE)
			continue;
		op_stream_child(s, (unsigned int)op.arg[0], &child);
		assert_in_range(child.life, mix.life_min, mix.life_max);
		assert_true(child.key != s->key);
		tasks += family(&child, 1000, deepest);
		assert_in_range(child.k, 1, child.life);
	}
	return tasks;
}

static void test_families(void **state)
{
	unsigned int deepest = 0, tasks;
	struct op_stream s;

	op_stream_init(&s, &world, &mix, 0);
	tasks = family(&s, 1000, &deepest);
	assert_int_equal(deepest, mix.depth);
	assert_in_range(tasks, 50, 1000);
	deepest = 0;
	op_stream_init(&s, &world, &mix, 0);
	assert_int_equal(family(&s, 1000, &deepest), tasks);
	assert_int_equal(op_mix_tasks_max(&mix, 4), 4 * (1 + 2 + 4));
}

static void test_mix_valid(void **state)
{
	struct op_mix m = mix;

	assert_int_equal(op_mix_valid(&m), 0);
	m.weight[OP_BARRIER] = 1;
	assert_int_equal(op_mix_valid(&m), -EINVAL);
	m = mix;
	m.children = 0;
	assert_int_equal(op_mix_valid(&m), -EINVAL);
	m = mix;
	m.life_min = m.life_max + 1;
	assert_int_equal(op_mix_valid(&m), -EINVAL);
	m = mix;
	m.hot = 1001;
	assert_int_equal(op_mix_valid(&m), -EINVAL);
	m = mix;
	m.dwell = 600;
	m.dwell_ops = 10;
	assert_int_equal(op_mix_valid(&m), 0);
	m.duel = 400;
	assert_int_equal(op_mix_valid(&m), -EINVAL);	/* stretches of no ops */
	m.stretch = 10;
	assert_int_equal(op_mix_valid(&m), 0);
	m.duel = 401;
	assert_int_equal(op_mix_valid(&m), -EINVAL);
	m = mix;
	m.readers = 600;
	m.writers = 400;
	assert_int_equal(op_mix_valid(&m), 0);
	m.writers = 401;
	assert_int_equal(op_mix_valid(&m), -EINVAL);
	m = mix;
	m.whole = 1001;
	assert_int_equal(op_mix_valid(&m), -EINVAL);
	m = mix;
	memset(m.weight, 0, sizeof(m.weight));
	assert_int_equal(op_mix_valid(&m), -EINVAL);
	m.weight[OP_FORK] = 1;	/* nothing to do for the last generation */
	assert_int_equal(op_mix_valid(&m), -EINVAL);
	m.weight[OP_LOAD] = 1;
	assert_int_equal(op_mix_valid(&m), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid_ops),
		cmocka_unit_test(test_same_seed),
		cmocka_unit_test(test_focus),
		cmocka_unit_test(test_restore),
		cmocka_unit_test(test_restore_rights),
		cmocka_unit_test(test_regions),
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_chain),
		cmocka_unit_test(test_roles),
		cmocka_unit_test(test_naps),
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_mix_valid),
	};

	return cmocka_run_group_tests_name("op_stream", tests, NULL, NULL);
}
