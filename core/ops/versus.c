/* SPDX-License-Identifier: MIT */
/*
 * A serial run and the reference model, op by op (versus.h).
 *
 * Owns the model's side: its files and one address space per process, shared by
 * the process's tasks.  One host thread; no locks of its own; looks at final
 * layouts under mmap_lock.
 */
#include "ops/versus.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/finding.h"
#include "base/prng.h"
#include "hw/machine.h"
#include "mm/filemap.h"
#include "mm/mm.h"
#include "mm/mmap_lock.h"
#include "mm/pin.h"
#include "mm/vma.h"
#include "ops/model.h"
#include "ops/text.h"

#define COPY_PIECE	256	/* what the executor moves at once */
#define USER_END	((1UL << 47) - 4096)	/* x86-64, 4 levels */
#define OBJECTS_MAX	64	/* shared anonymous objects told apart */

struct proc {
	struct model_mm		*mm;
	unsigned int		users;
};

/* Objects of the two sides that were met as the same. */
struct pair {
	const struct inode	*inode;
	u64			object;
};

struct versus {
	struct op_versus_result	*result;
	struct op_run		*run;
	struct op_world		world;
	struct model		*model;
	struct model_file	*files[OP_FILES_MAX];
	struct proc		procs[OP_TASKS_MAX];
	struct proc		*of[OP_TASKS_MAX];	/* the process of a slot's task */
	struct model_pin	pins[OP_TASKS_MAX][PINS_MAX];
	struct pair		pairs[OBJECTS_MAX];
	unsigned int		nr_pairs;
	bool			over;			/* nothing to compare any more */
};

__printf(3, 4)
static void differ(struct versus *v, const char *title, const char *fmt, ...)
{
	char what[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	finding_report(FINDING_MODEL, title, "%s", what);
	v->result->differences++;
	v->over = true;
}

static void inconclusive(struct versus *v)
{
	v->result->inconclusive = true;
	v->over = true;
}

/* ---- one op on the model ---- */

struct answer {
	long			ret;
	uint64_t		value;
	struct model_fault	fault;
};

static struct model_file *file_of(struct versus *v, u64 file)
{
	return file < OP_FILES_MAX ? v->files[file] : NULL;
}

static long model_call(struct versus *v, struct model_mm *mm,
		       const struct mm_op *op, unsigned long va)
{
	const u64 *arg = op->arg;

	switch (op->code) {
	case OP_MMAP:
		return model_mmap(mm, va, arg[1], arg[2], arg[3],
				  file_of(v, arg[4]), arg[5]);
	case OP_MUNMAP:
		return model_munmap(mm, va, arg[1]);
	case OP_MPROTECT:
		return model_mprotect(mm, va, arg[1], arg[2]);
	case OP_MREMAP:
		return model_mremap(mm, va, arg[1], arg[2], arg[3],
				    op_resolve(&v->world, arg[4],
					       OP_HEAP_START));
	case OP_BRK:
		return model_brk(mm, va);
	case OP_MADVISE:
		return model_madvise(mm, va, arg[1], (int)arg[2]);
	default:
		return file_of(v, arg[0]) ?
		       model_ftruncate(file_of(v, arg[0]), arg[1]) : -EBADF;
	}
}

/*
 * A locked instruction writes, also when the comparison fails, and its fault is a
 * write's: rights are judged before what lies behind them.
 */
static void model_rmw(struct model_mm *mm, const struct mm_op *op,
		      unsigned long va, struct answer *a)
{
	uint64_t old;

	if (va & 7) {
		a->ret = -EINVAL;
		return;
	}
	if (model_load(mm, va, 8, &old, NULL)) {
		a->ret = model_store(mm, va, 8, 0, &a->fault);
		return;
	}
	a->value = old;
	if (op->arg[1] == OP_RMW_XADD)
		old += op->arg[2];
	else if (old == op->arg[3])
		old = op->arg[2];
	a->ret = model_store(mm, va, 8, old, &a->fault);
	if (a->ret)
		a->value = 0;
}

static void model_access(struct model_mm *mm, const struct mm_op *op,
			 const struct op_result *r, struct answer *a)
{
	unsigned int size = (unsigned int)op->arg[1];

	switch (op->code) {
	case OP_LOAD:
		a->ret = model_load(mm, r->va, size, &a->value, &a->fault);
		break;
	case OP_STORE:
		if (op->arg[2] == OP_VALUE_TAG)
			size = 8;
		a->value = r->value;
		a->ret = model_store(mm, r->va, size, r->value, &a->fault);
		break;
	case OP_RMW:
		model_rmw(mm, op, r->va, a);
		break;
	default:
		a->ret = model_exec(mm, r->va, &a->fault);
	}
}

/* access_ok(): the kernel's copies refuse a range that reaches its half. */
static bool user_range(unsigned long va, size_t len)
{
	return len <= USER_END && va <= USER_END - len;
}

static size_t copy_in(struct model_mm *mm, u8 *buf, unsigned long va, size_t n)
{
	size_t i;
	uint64_t byte;

	for (i = 0; user_range(va, n) && i < n; i++) {
		if (model_load(mm, va + i, 1, &byte, NULL))
			break;
		buf[i] = (u8)byte;
	}
	return i;
}

static size_t copy_out(struct model_mm *mm, unsigned long va, const u8 *buf,
		       size_t n)
{
	size_t i;

	for (i = 0; user_range(va, n) && i < n; i++)
		if (model_store(mm, va + i, 1, buf[i], NULL))
			break;
	return i;
}

static void model_copy(struct versus *v, struct model_mm *mm,
		       const struct mm_op *op, struct answer *a)
{
	unsigned long to = op_resolve(&v->world, op->arg[0], OP_HEAP_START);
	unsigned long from = op_resolve(&v->world, op->arg[1], OP_HEAP_START);
	size_t left = op->arg[2], n, out, i;
	u8 buf[COPY_PIECE];

	while (left) {
		n = min(left, sizeof(buf));
		out = copy_out(mm, to, buf, copy_in(mm, buf, from, n));
		for (i = 0; i < out; i++)
			a->value = mix64(a->value + buf[i] + 1);
		a->ret += (long)out;
		if (out < n)
			break;
		to += n;
		from += n;
		left -= n;
	}
	if (!a->ret && left)
		a->ret = -EFAULT;
}

/* ---- devices ---- */

static void model_device(struct versus *v, struct model_pin *pins, struct model_mm *mm,
			 const struct mm_op *op, const struct op_result *r,
			 struct answer *a)
{
	const u64 *arg = op->arg;

	switch (op->code) {
	case OP_PIN:
		a->ret = model_pin(mm, &pins[arg[3]], r->va, arg[1], (unsigned)arg[2]);
		break;
	case OP_UNPIN:
		a->ret = model_unpin(&pins[arg[0]]);
		break;
	case OP_DMA_LOAD:
		a->ret = model_dma_load(v->model, &pins[arg[0]], r->va,
					(unsigned)arg[2], &a->value);
		break;
	default:
		/* A tag is a word, wherever the device was told to write. */
		a->value = r->value;
		a->ret = model_dma_store(v->model, &pins[arg[0]], r->va,
					 arg[3] == OP_VALUE_TAG ? 8 : (unsigned)arg[2],
					 r->value);
	}
}

static void drop_pins(struct model_pin *pins)
{
	unsigned int i;

	for (i = 0; i < PINS_MAX; i++)
		model_unpin(&pins[i]);
}

/* ---- processes ---- */

static struct proc *new_proc(struct versus *v, struct model_mm *mm)
{
	unsigned int i;

	for (i = 0; i < OP_TASKS_MAX; i++)
		if (!v->procs[i].users) {
			v->procs[i].mm = mm;
			v->procs[i].users = 1;
			return &v->procs[i];
		}
	return NULL;
}

static void put_proc(struct proc *p)
{
	if (p && !--p->users) {
		model_mm_destroy(p->mm);
		p->mm = NULL;
	}
}

static void make_child(struct versus *v, unsigned int task,
		       const struct mm_op *op)
{
	struct proc *p = v->of[task];
	struct model_mm *mm;

	if (op->code == OP_CLONE) {
		p->users++;
	} else {
		mm = model_fork(p->mm);
		p = mm ? new_proc(v, mm) : NULL;
		if (!p)
			inconclusive(v);
	}
	v->of[op->arg[0]] = p;
}

/* ---- comparing ---- */

static void compare(struct versus *v, const struct op_place *place,
		    const struct mm_op *op, const struct op_result *r,
		    const struct answer *a)
{
	char text[OP_TEXT_LINE], title[64];

	v->result->compared++;
	if (r->ret == a->ret && r->value == a->value &&
	    r->signo == a->fault.signo &&
	    (!r->signo || (r->code == a->fault.code &&
			   r->address == a->fault.addr)))
		return;
	op_text_print(op, text, sizeof(text));
	snprintf(title, sizeof(title), "MODEL: %s answers otherwise",
		 op_name((enum mm_op_code)op->code));
	differ(v, title,
	       "op %llu: %s\nmachine: %ld value 0x%llx signal %d/%d at 0x%lx\nmodel:   %ld value 0x%llx signal %d/%d at 0x%lx",
	       (unsigned long long)place->k, text, r->ret,
	       (unsigned long long)r->value, r->signo, r->code, r->address,
	       a->ret, (unsigned long long)a->value, a->fault.signo,
	       a->fault.code, a->fault.addr);
}

/* The range that an mremap names goes on behind its first mapping. */
static bool names_several(const struct model_mm *mm, const struct mm_op *op,
			  const struct op_result *r)
{
	unsigned long len = (op->arg[1] + PAGE_SIZE - 1) & PAGE_MASK;
	struct model_range first;
	size_t i = model_find_range(mm, r->va);

	if (i >= model_nr_ranges(mm))
		return false;
	model_range(mm, i, &first);
	return r->va + len > first.end;
}

/*
 * An op that was made to fail has done nothing (the model is not asked), or has
 * got by without that memory.  brk says by the old break that it failed.
 */
static bool gave_up(struct versus *v, struct model_mm *mm,
		    const struct mm_op *op, const struct op_result *r)
{
	/* These stop in the middle, as the kernel's do, and say the same of a hole. */
	if (op->code == OP_MPROTECT || op->code == OP_MADVISE)
		inconclusive(v);
	/*
	 * A fault leaves things behind, also one that fails: a stack that grew, an
	 * anon_vma that keeps ranges from merging later.
	 */
	if (op_desc((enum mm_op_code)op->code)->class == OP_CLASS_ACCESS ||
	    op->code == OP_PIN)
		inconclusive(v);
	/* Nor does a move of several mappings take back the ones that went well. */
	if (op->code == OP_MREMAP && names_several(mm, op, r))
		inconclusive(v);
	if (r->ret == -ENOMEM)
		return true;
	if (op->code == OP_BRK)
		return r->ret == model_brk(mm, 0) && r->ret != (long)r->va;
	/*
	 * A move succeeds with the old range still mapped, as the kernel's does
	 * (mm/mremap.c, unmap_source_vma), when only that range's split failed.
	 */
	if (op->code == OP_MREMAP)
		inconclusive(v);
	return false;
}

static void on_op(struct versus *v, const struct op_place *place,
		  const struct mm_op *op, const struct op_result *r)
{
	struct proc *p = v->of[place->task];
	struct answer a = { .ret = 0 };

	if (r->failed && (gave_up(v, p->mm, op, r) || v->over))
		return;
	switch (op->code) {
	case OP_FORK:
	case OP_CLONE:
		if (!r->ret)
			make_child(v, place->task, op);
		return;
	case OP_EXIT:
		put_proc(p);
		drop_pins(v->pins[place->task]);
		v->of[place->task] = NULL;
		return;
	case OP_YIELD:
	case OP_BARRIER:
	case OP_FAILNTH:
	case OP_MIGRATE:
		return;
	case OP_LOAD:
	case OP_STORE:
	case OP_RMW:
	case OP_FETCH:
		model_access(p->mm, op, r, &a);
		break;
	case OP_COPY:
		model_copy(v, p->mm, op, &a);
		break;
	case OP_PIN:
	case OP_UNPIN:
	case OP_DMA_LOAD:
	case OP_DMA_STORE:
		model_device(v, v->pins[place->task], p->mm, op, r, &a);
		break;
	default:
		a.ret = model_call(v, p->mm, op, r->va);
	}
	/* RAM is not the model's: it never runs out of it. */
	if (r->ret == -ENOMEM && a.ret != -ENOMEM)
		inconclusive(v);
	if (!v->over)
		compare(v, place, op, r, &a);
}

static void observe(void *arg, const struct op_place *place,
		    const struct mm_op *op, const struct op_result *r)
{
	struct versus *v = arg;

	if (r->done && !v->over)
		on_op(v, place, op, r);
}

/* ---- layouts ---- */

/* The same object on both sides, or both met for the first time. */
static bool same_object(struct versus *v, const struct vm_area_struct *vma,
			u64 object)
{
	const struct inode *inode;
	unsigned int i;

	if (vma_is_anonymous(vma) || !object)
		return vma_is_anonymous(vma) && !object;
	inode = file_inode(vma->vm_file);
	for (i = 0; i < v->world.files; i++)
		if (inode == file_inode(op_run_file(v->run, i)))
			return object == model_file_object(v->files[i]);
	for (i = 0; i < v->nr_pairs; i++)
		if (v->pairs[i].inode == inode || v->pairs[i].object == object)
			return v->pairs[i].inode == inode &&
			       v->pairs[i].object == object;
	if (i < OBJECTS_MAX)
		v->pairs[v->nr_pairs++] = (struct pair){ inode, object };
	return true;
}

static bool same_range(struct versus *v, const struct vm_area_struct *vma,
		       const struct model_range *r)
{
	unsigned int prot = (vma->vm_flags & VM_READ ? PROT_READ : 0) |
			    (vma->vm_flags & VM_WRITE ? PROT_WRITE : 0) |
			    (vma->vm_flags & VM_EXEC ? PROT_EXEC : 0);

	return vma->vm_start == r->start && vma->vm_end == r->end &&
	       prot == r->prot && same_object(v, vma, r->object) &&
	       !!(vma->vm_flags & VM_MAYSHARE) == r->shared &&
	       (vma_is_anonymous(vma) || vma->vm_pgoff == r->pgoff);
}

static void compare_ranges(struct versus *v, struct mm_struct *mm,
			   struct model_mm *model, unsigned int task)
{
	struct vm_area_struct *vma;
	struct model_range r = { 0 };
	struct vma_iter it;
	size_t i = 0;

	for_each_vma(it, mm, vma) {
		if (i < model_nr_ranges(model))
			model_range(model, i, &r);
		if (i >= model_nr_ranges(model) || !same_range(v, vma, &r)) {
			differ(v, "MODEL: final layouts differ",
			       "t%u range %zu: %lx-%lx flags %lx pgoff %lx; model: %lx-%lx prot %x %s pgoff %lx object %llx (%zu ranges)",
			       task, i, vma->vm_start, vma->vm_end,
			       vma->vm_flags, vma->vm_pgoff, r.start, r.end,
			       r.prot, r.shared ? "shared" : "private", r.pgoff,
			       (unsigned long long)r.object,
			       model_nr_ranges(model));
			return;
		}
		i++;
		v->result->ranges++;
	}
	if (i < model_nr_ranges(model)) {
		model_range(model, i, &r);
		differ(v, "MODEL: final layouts differ",
		       "t%u: no range %zu; model: %lx-%lx", task, i, r.start,
		       r.end);
	}
}

static void compare_layouts(void *arg, struct mm_struct *const *mms,
			    unsigned int nr_mms)
{
	struct versus *v = arg;
	struct mm_struct *mm;
	unsigned int i;

	for (i = 0; i < OP_TASKS_MAX && !v->over; i++) {
		mm = op_run_mm(v->run, i);
		if (!mm || !v->of[i])
			continue;
		mmap_read_lock(mm);
		compare_ranges(v, mm, v->of[i]->mm, i);
		mmap_read_unlock(mm);
	}
}

/* ---- the run ---- */

static int make_model(struct versus *v, const struct machine *m)
{
	struct model_params params;
	unsigned int i, procs = max(v->world.procs, 1u);

	model_params_default(&params);
	params.page_bytes = m->config.frame_bytes;
	v->model = model_create(&params);
	if (!v->model)
		return -ENOMEM;
	for (i = 0; i < v->world.files; i++) {
		v->files[i] = model_file_create(v->model,
			i & 1 ? MODEL_FILE_MEMFD : MODEL_FILE_EXT4,
			(u64)v->world.file_pages << PAGE_SHIFT,
			MODEL_MAY_READ | MODEL_MAY_WRITE);
		if (!v->files[i])
			return -ENOMEM;
	}
	for (i = 0; i < procs; i++) {
		struct model_mm *mm = model_mm_create(v->model, 8UL << 20);

		if (!mm)
			return -ENOMEM;
		model_set_brk(mm, OP_HEAP_START, OP_HEAP_START, 0);
		v->procs[i].mm = mm;
	}
	for (i = 0; i < v->world.tasks; i++) {
		v->of[i] = &v->procs[i % procs];
		v->of[i]->users++;
	}
	return 0;
}

static void free_model(struct versus *v)
{
	unsigned int i;

	for (i = 0; i < OP_TASKS_MAX; i++)
		drop_pins(v->pins[i]);
	for (i = 0; i < OP_FILES_MAX; i++)
		if (v->files[i])
			model_file_close(v->files[i]);
	if (v->model)
		model_destroy(v->model);
}

int op_versus(struct machine *machine, const struct op_list *list,
	      struct op_versus_result *result)
{
	struct op_run_config config = {
		.machine = machine, .world = list->world,
		.observe = observe, .quiet = compare_layouts,
	};
	struct versus *v;
	int err;

	memset(result, 0, sizeof(*result));
	if (!machine->serial || op_world_valid(&list->world))
		return -EINVAL;
	v = calloc(1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	v->result = result;
	v->world = list->world;
	config.arg = v;
	err = make_model(v, machine);
	if (!err)
		err = op_run_create(&config, &v->run);
	if (!err)
		err = op_run_program(v->run, list);
	op_run_destroy(v->run);
	free_model(v);
	free(v);
	return err;
}
