/* SPDX-License-Identifier: MIT */
/*
 * One op of the current task: the call or access, what the oracles are told of
 * it, and its result and counts.
 *
 * Owns nothing and takes no lock.  Runs as the task; between the start and the
 * end of an op the task may sleep and wake on another vCPU.
 */
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "base/err.h"
#include "base/prng.h"
#include "check/check.h"
#include "hw/access.h"
#include "hw/machine.h"
#include "kern/sched.h"
#include "kern/task.h"
#include "mm/fork.h"
#include "mm/mm.h"
#include "mm/pin.h"
#include "mm/syscalls.h"
#include "ops/exec_int.h"
#include "sync/store_buffer.h"
#include "zoo/canary.h"
#include "trace/trace.h"

static unsigned long resolve(const struct op_task *t, u64 addr)
{
	return op_resolve(&t->run->world, addr, OP_HEAP_START);
}

/* ---- what the oracles are told ---- */

static enum check_backing backing(const struct mm_op *op)
{
	u64 type = op->arg[3] & MAP_TYPE;

	if (type == MAP_SHARED || type == MAP_SHARED_VALIDATE)
		return CHECK_BACK_SHARED;
	return op->arg[3] & MAP_ANONYMOUS ? CHECK_BACK_ANON : CHECK_BACK_FILE;
}

/*
 * A mapping may go anywhere in the window, or a change begin further down: all
 * of the window is open.
 */
static void describe_window(const struct op_task *t, struct check_call *call)
{
	call->effect = CHECK_EFFECT_ANY;
	call->start = op_window_start(&t->run->world);
	call->len = op_window_end(&t->run->world) - call->start;
}

static void describe_mmap(const struct op_task *t, const struct mm_op *op,
			  struct check_call *call)
{
	call->effect = CHECK_EFFECT_MAP;
	call->prot = (unsigned int)op->arg[2];
	call->backing = backing(op);
	call->fixed = op->arg[3] & (MAP_FIXED | MAP_FIXED_NOREPLACE);
	call->grows = op->arg[3] & MAP_GROWSDOWN;
	if (call->fixed)
		return;
	/* A hint is rounded; where it cannot be had, the window is left. */
	call->start = ALIGN_DOWN(call->start, PAGE_SIZE);
	/* But these are given places from the window's middle up. */
	if (op->arg[3] & MAP_32BIT)
		describe_window(t, call);
}

static enum check_effect advice_effect(u64 advice)
{
	switch (advice) {
	case MADV_DONTNEED:
	case MADV_DONTNEED_LOCKED:
		return CHECK_EFFECT_ZERO;
	case MADV_GUARD_INSTALL:
	case MADV_GUARD_REMOVE:
		/* Where guards were, and are, is not kept: rights may come and go. */
		return CHECK_EFFECT_ANY;
	case MADV_DONTFORK:
	case MADV_WIPEONFORK:
		return CHECK_EFFECT_ADVISE;
	default:
		return CHECK_EFFECT_NONE;
	}
}

/* False for ops that change nothing of an address space. */
static bool describe(const struct op_task *t, const struct mm_op *op,
		     struct check_call *call)
{
	memset(call, 0, sizeof(*call));
	call->start = resolve(t, op->arg[0]);
	call->len = op->arg[1];
	switch (op->code) {
	case OP_MMAP:
		describe_mmap(t, op, call);
		return true;
	case OP_MUNMAP:
		call->effect = CHECK_EFFECT_UNMAP;
		return true;
	case OP_MPROTECT:
		call->effect = CHECK_EFFECT_PROTECT;
		call->prot = (unsigned int)op->arg[2];
		if (op->arg[2] & PROT_GROWSDOWN)
			describe_window(t, call);
		return true;
	case OP_MREMAP:
		call->effect = CHECK_EFFECT_MOVE;
		call->keeps = op->arg[3] & MREMAP_DONTUNMAP;
		call->to = op->arg[3] & (MREMAP_FIXED | MREMAP_DONTUNMAP) ?
			   resolve(t, op->arg[4]) : call->start;
		call->to_len = op->arg[2];
		return true;
	case OP_MADVISE:
		call->effect = advice_effect(op->arg[2]);
		return true;
	case OP_TRUNCATE:
		call->effect = CHECK_EFFECT_TRUNCATE;
		call->start = 0;
		call->len = 0;
		return true;
	default:
		return false;
	}
}

/* ---- calls ---- */

static long call(struct op_task *t, const struct mm_op *op, unsigned long va)
{
	const u64 *arg = op->arg;
	struct file *file;

	switch (op->code) {
	case OP_MMAP:
		file = arg[4] == OP_NO_FILE ? NULL :
		       op_run_file(t->run, (unsigned int)arg[4]);
		return sys_mmap(va, arg[1], arg[2], arg[3], file, arg[5]);
	case OP_MUNMAP:
		return sys_munmap(va, arg[1]);
	case OP_MPROTECT:
		return sys_mprotect(va, arg[1], arg[2]);
	case OP_MREMAP:
		return sys_mremap(va, arg[1], arg[2], arg[3],
				  resolve(t, arg[4]));
	case OP_BRK:
		return sys_brk(va);
	case OP_MADVISE:
		return sys_madvise(va, arg[1], (int)arg[2]);
	case OP_TRUNCATE:
		file = op_run_file(t->run, (unsigned int)arg[0]);
		return file ? sys_truncate(file, (s64)arg[1]) : -EBADF;
	default:
		return sys_migrate(va);
	}
}

static void do_call(struct op_task *t, const struct mm_op *op,
		    struct op_result *r)
{
	struct check_call cc;
	bool told = describe(t, op, &cc);

	if (op->code != OP_TRUNCATE)
		r->va = resolve(t, op->arg[0]);
	if (told)
		check_call_begin(current, &cc);
	r->ret = call(t, op, r->va);
	smp_store_barrier();
	if (told)
		check_call_end(current, &cc, r->ret);
}

/* ---- accesses ---- */

/* A tagged store goes to the task's own word of the page. */
static u64 store_value(struct op_task *t, const struct mm_op *op,
		       unsigned long *va)
{
	if (op->arg[2] != OP_VALUE_TAG)
		return op->arg[2];
	*va = ALIGN_DOWN(*va, PAGE_SIZE) + check_slot_offset(current);
	return check_tag(current, ++t->tags);
}

static void signal_of(struct op_result *r)
{
	const struct fault_info *fi = current_fault();

	r->signo = fi->signo;
	r->code = fi->code;
	r->address = fi->addr;
}

static long rmw(const struct mm_op *op, struct op_result *r)
{
	if (op->arg[1] == OP_RMW_CMPXCHG)
		return user_cmpxchg(r->va, op->arg[3], op->arg[2], &r->value);
	return user_xadd(r->va, op->arg[2], &r->value);
}

static void do_access(struct op_task *t, const struct mm_op *op,
		      struct op_result *r)
{
	unsigned int size = (unsigned int)op->arg[1];

	r->va = resolve(t, op->arg[0]);
	switch (op->code) {
	case OP_LOAD:
		r->ret = user_load(r->va, size, &r->value);
		break;
	case OP_STORE:
		r->value = store_value(t, op, &r->va);
		if (op->arg[2] == OP_VALUE_TAG)
			size = 8;
		r->ret = user_store(r->va, size, r->value);
		break;
	case OP_RMW:
		r->ret = rmw(op, r);
		break;
	default:
		r->ret = user_exec(r->va);
		break;
	}
	if (r->ret == -EFAULT)
		signal_of(r);
}

/* As read() and write() of a pipe would: in, then out, as far as it goes. */
static void do_copy(struct op_task *t, const struct mm_op *op,
		    struct op_result *r)
{
	unsigned long to = resolve(t, op->arg[0]);
	unsigned long from = resolve(t, op->arg[1]);
	size_t left = op->arg[2], n, in, out, i;
	u8 buf[256];

	r->va = to;
	while (left) {
		n = min(left, sizeof(buf));
		in = n - copy_from_user(buf, from, n);
		out = in - copy_to_user(to, buf, in);
		for (i = 0; i < out; i++)
			r->value = mix64(r->value + buf[i] + 1);
		r->ret += (long)out;
		if (out < n)
			break;
		to += n;
		from += n;
		left -= n;
	}
	if (!r->ret && left)
		r->ret = -EFAULT;
}

/* ---- devices ---- */

_Static_assert(OP_PIN_BYTES == PIN_PAGES_MAX * PAGE_SIZE, "ops say how long a pin may be");

/* The device's store is the task's own, to its own word of the page. */
static u64 dma_value(struct op_task *t, const struct mm_op *op, u64 *at,
		     unsigned int *size)
{
	if (op->arg[3] != OP_VALUE_TAG)
		return op->arg[3];
	*at = ALIGN_DOWN(*at, PAGE_SIZE) + check_slot_offset(current);
	*size = 8;
	return check_tag(current, ++t->tags);
}

static void do_dma(struct op_task *t, const struct mm_op *op,
		   struct op_result *r)
{
	unsigned int place = (unsigned int)op->arg[0], size = (unsigned int)op->arg[2];
	u64 at = op->arg[1];

	if (op->code == OP_DMA_STORE)
		r->value = dma_value(t, op, &at, &size);
	r->va = at;
	r->ret = op->code == OP_DMA_LOAD ?
		 sys_dma_load(place, at, size, &r->value) :
		 sys_dma_store(place, at, size, r->value);
}

static void do_pin(struct op_task *t, const struct mm_op *op,
		   struct op_result *r)
{
	unsigned int place = (unsigned int)op->arg[3];
	struct check_pin pin = {
		.place = place, .how = (unsigned int)op->arg[2],
	};

	pin.start = r->va = resolve(t, op->arg[0]);
	check_pin_begin(current, &pin);
	r->ret = sys_pin(place, r->va, op->arg[1], pin.how);
	check_pin_end(current, &pin, r->ret);
}

/* ---- tasks ---- */

static int make_thread(struct op_task *child)
{
	mmget(current->mm);
	return op_task_make(child, current->mm);
}

static int make_process(struct op_task *child)
{
	struct check_mm *token = check_fork_begin(current);
	struct mm_struct *mm = dup_mm(current->mm);
	int err;

	if (IS_ERR(mm)) {
		child->run->runner->left(child);
		err = (int)PTR_ERR(mm);
	} else {
		err = op_task_make(child, mm);
	}
	/* The child has not run yet. */
	check_fork_end(current, token, err ? NULL : mm);
	return err;
}

static void do_child(struct op_task *t, const struct mm_op *op,
		     struct op_result *r)
{
	struct op_task *child = t->run->runner->place(t, op);

	if (!child) {
		r->ret = -EEXIST;
		return;
	}
	r->ret = op->code == OP_CLONE ? make_thread(child) :
					make_process(child);
	if (!r->ret)
		r->ret = op_task_watch(child);
	if (!r->ret)
		op_task_go(child);
}

/* ---- ops ---- */

static void execute(struct op_task *t, const struct mm_op *op,
		    struct op_result *r)
{
	switch (op->code) {
	case OP_LOAD:
	case OP_STORE:
	case OP_RMW:
	case OP_FETCH:
		do_access(t, op, r);
		break;
	case OP_COPY:
		do_copy(t, op, r);
		break;
	case OP_PIN:
		do_pin(t, op, r);
		break;
	case OP_UNPIN:
		r->ret = sys_unpin((unsigned int)op->arg[0]);
		break;
	case OP_DMA_LOAD:
	case OP_DMA_STORE:
		do_dma(t, op, r);
		break;
	case OP_FORK:
	case OP_CLONE:
		do_child(t, op, r);
		break;
	case OP_YIELD:
		if (!t->run->serial)
			kern_yield();
		break;
	case OP_FAILNTH:
		t->arm = op->arg[0];
		break;
	case OP_EXIT:
	case OP_BARRIER:
		break;
	default:
		do_call(t, op, r);
		break;
	}
}

/* With the failure that the op before it asked for. */
static void execute_armed(struct op_task *t, const struct mm_op *op,
			  struct op_result *r)
{
	u64 nth = t->arm;

	t->arm = 0;
	if (!nth) {
		execute(t, op, r);
		return;
	}
	fail_nth_begin(&t->fail, nth, FAIL_SCOPE_ALL);
	execute(t, op, r);
	r->failed = fail_nth_end(&t->fail);
}

static void add(u64 *counter)
{
	WRITE_ONCE(*counter, *counter + 1);
}

static void count(struct op_task *t, const struct mm_op *op,
		  const struct op_result *r, bool moved)
{
	struct op_run *run = t->run;
	struct op_counts *c = &run->counts[smp_processor_id()].c;

	canary(ZOO_CANARY_OPS);

	add(&c->ops);
	add(&c->count[op->code]);
	if (r->signo)
		add(&c->signal[op->code]);
	else if (r->ret < 0)
		add(&c->error[op->code]);
	if (moved)
		add(&c->moved);
	if (run->quiet_share && c->ops % run->quiet_share == 0)
		smp_store_release(&run->rest.want, 1u);
}

static void observe(struct op_task *t, const struct mm_op *op, u64 k,
		    const struct op_result *r)
{
	const struct op_run_config *config = &t->run->config;
	struct op_place place = {
		.task = t->index,
		.key = t->stream.key,
		.k = k,
		.cpu = smp_processor_id(),
		.mm = current->mm,
	};

	if (config->observe)
		config->observe(config->arg, &place, op, r);
}

bool op_do(struct op_task *t, const struct mm_op *op, u64 k)
{
	struct op_result r = { .done = true };
	struct task_struct *self = current;
	u32 i;

	if (!t->run->serial)
		for (i = 0; i < op->delay; i++) {
			kern_yield();
			sched_relax(i);
		}
	self->op_cpu = smp_processor_id();
	WRITE_ONCE(self->in_op, true);	/* a report may look */
	trace_event(EV_OP_BEGIN, op->code, resolve(t, op->arg[0]), op->arg[1]);
	self->sched.what = 1u + op->code;
	execute_armed(t, op, &r);
	/* That it has ended is told at once, by other ways than stores of its own. */
	smp_store_barrier();
	self->sched.what = 0;
	trace_event(EV_OP_END, op->code, (u64)r.ret, (u64)r.signo);
	WRITE_ONCE(self->in_op, false);
	t->k++;
	count(t, op, &r, smp_processor_id() != self->op_cpu);
	observe(t, op, k, &r);
	if (!t->run->serial)
		cond_resched();
	return op->code != OP_EXIT;
}
