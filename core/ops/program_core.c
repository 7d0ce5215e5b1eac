/* SPDX-License-Identifier: MIT */
/*
 * program_core.c: the mm itself as a backend of recordings: a serial machine
 * with whole frames, booted for each case. A recorded process is a task; its
 * calls are system calls, its touches go through TLB, page tables and faults.
 *
 * The caller's thread is bound to vCPU 0 from open() to close().
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/compiler.h"
#include "base/err.h"
#include "base/finding.h"
#include "check/check.h"
#include "hw/access.h"
#include "hw/machine.h"
#include "kern/boot.h"
#include "kern/sched.h"
#include "kern/task.h"
#include "mm/filemap.h"
#include "mm/fork.h"
#include "mm/mm.h"
#include "mm/syscalls.h"
#include "ops/program.h"
#include "pgtable/walk.h"
#include "phys/page.h"

#define CORE_FRAMES	(192UL << 10)		/* 768 MiB, touched when used */
#define RECORDER_RAM	6171023UL		/* pages of the recording machine */
/* Those that need no notice of what a call promises. */
#define CORE_CHECKS	(1U << CHECK_STALE | 1U << CHECK_REFS | 1U << CHECK_STRUCT | \
			 1U << CHECK_TLB | 1U << CHECK_INIT)
#define PATTERN_MAX	(256UL << 10)		/* bytes of contents filled in */

struct core_host {
	struct machine	*m;
	u64		next_id;
	unsigned	findings;
};

struct core_proc {
	struct task_struct *task;
	struct mm_struct *mm;
};

/* --- hosts and processes ---------------------------------------------------- */

static void print_finding(struct finding_sink *sink, const struct finding *f)
{
	struct core_host *h = sink->priv;

	h->findings++;
	fprintf(stderr, "finding: %s: %s\n%s\n", finding_kind_name(f->kind), f->title,
		f->detail);
}

static int core_open(void **host)
{
	const struct machine_config config = {
		.nr_cpus = 1, .nr_frames = CORE_FRAMES, .frame_bytes = 4096,
		.seed = 1, .mode = RUN_SERIAL, .run_tokens = 1,
	};
	struct core_host *h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return -ENOMEM;
	err = kern_boot(&config, &h->m);
	if (err) {
		free(h);
		return err;
	}
	h->m->sink.priv = h;
	h->m->sink.on_finding = print_finding;
	machine_bind_host(h->m, 0);
	err = check_attach(h->m, CORE_CHECKS);
	if (err) {
		kern_shutdown(h->m);
		free(h);
		return err;
	}
	*host = h;
	return 0;
}

static void core_check(void *host)
{
	check_quiet(((struct core_host *)host)->m);
}

static unsigned core_close(void *host)
{
	struct core_host *h = host;
	unsigned findings;

	kern_switch_to(NULL);
	kern_release_mms(h->m);
	check_detach(h->m);
	/* What has leaked is found here. */
	kern_shutdown(h->m);
	findings = h->findings;
	free(h);
	return findings;
}

static void run_as(const struct core_proc *p)
{
	if (current != p->task)
		kern_switch_to(p->task);
}

/* Gives the mm to a new process. */
static struct core_proc *proc_of_mm(struct core_host *h, struct mm_struct *mm)
{
	struct core_proc *p = calloc(1, sizeof(*p));

	if (p)
		p->task = task_create(h->m, ++h->next_id, 0, mm, NULL, NULL);
	if (!p || !p->task) {
		mmput(mm);
		free(p);
		return NULL;
	}
	p->mm = mm;
	return p;
}

static void *core_proc_new(void *host, const uint64_t *rlimit)
{
	struct core_host *h = host;
	struct mm_params params;
	struct mm_struct *mm;
	unsigned i;

	mm_params_default(&params);
	params.total_pages = RECORDER_RAM;
	for (i = 0; i < RLIM_NLIMITS; i++)
		params.rlim[i] = rlimit[i];
	mm = mm_alloc(h->m, &params);
	return mm ? proc_of_mm(h, mm) : NULL;
}

static void *core_proc_fork(void *host, void *proc)
{
	struct core_proc *p = proc;
	struct mm_struct *mm;

	run_as(p);
	mm = dup_mm(p->mm);
	return IS_ERR(mm) ? NULL : proc_of_mm(host, mm);
}

static void core_proc_exit(void *host, void *proc)
{
	struct core_proc *p = proc;

	if (current == p->task)
		kern_switch_to(NULL);
	task_free(p->task);
	free(p);
}

/* --- setting a process up ------------------------------------------------------ */

static vm_flags_t install_flags(const struct program_range *r,
				enum program_special special)
{
	vm_flags_t flags = r->prot | VM_MAYREAD;

	if (special == PROGRAM_VVAR || special == PROGRAM_VVAR_VCLOCK)
		return flags | VM_IO | VM_DONTEXPAND | VM_PFNMAP | VM_DONTDUMP;
	flags |= VM_MAYWRITE | VM_MAYEXEC;
	if (special == PROGRAM_VDSO)
		return flags | VM_DONTEXPAND;
	if (r->shared)
		flags |= VM_SHARED | VM_MAYSHARE;
	else if (flags & VM_WRITE)
		flags |= VM_ACCOUNT;
	return special == PROGRAM_STACK ? flags | VM_GROWSDOWN : flags;
}

static int core_install(void *host, void *proc, const struct program_range *r,
			void *file, enum program_special special)
{
	static const char *const names[] = {
		[PROGRAM_VVAR] = "[vvar]", [PROGRAM_VVAR_VCLOCK] = "[vvar_vclock]",
		[PROGRAM_VDSO] = "[vdso]",
	};
	const struct vm_special_mapping *mapping = NULL;
	struct core_proc *p = proc;
	unsigned long pgoff = r->pgoff;

	run_as(p);
	if (special > PROGRAM_STACK)
		mapping = mm_special_mapping(names[special]);
	else if (!file)
		pgoff = r->start >> PAGE_SHIFT;
	return mm_install_vma(p->mm, r->start, r->end, install_flags(r, special),
			      pgoff, file, mapping);
}

static void core_set_brk(void *host, void *proc, uint64_t start_brk,
			 uint64_t data_bytes)
{
	struct mm_struct *mm = ((struct core_proc *)proc)->mm;

	mm->start_brk = mm->brk = start_brk;
	mm->start_data = 0;
	mm->end_data = data_bytes;
}

static void core_set_base(void *host, void *proc, uint64_t base, bool legacy)
{
	struct mm_struct *mm = ((struct core_proc *)proc)->mm;

	mm->mmap_base = base;
	if (legacy)
		mm->flags &= ~(1UL << MMF_TOPDOWN);
}

static void core_set_rlimit(void *host, void *proc, unsigned nr, uint64_t value)
{
	((struct core_proc *)proc)->mm->params.rlim[nr] = value;
}

static void core_set_user(void *host, void *proc, bool root)
{
	struct mm_params *params = &((struct core_proc *)proc)->mm->params;

	params->cap_sys_rawio = root;
	params->cap_ipc_lock = root;
}

static void core_set_personality(void *host, void *proc, uint64_t persona)
{
	struct core_proc *p = proc;

	p->task->personality = (unsigned int)persona;
	p->mm->params.personality = (unsigned int)persona;
}

/* --- files ----------------------------------------------------------------------- */

static int fill(struct file *file, uint64_t size, uint8_t (*pattern)(uint64_t))
{
	size_t i, n = size < PATTERN_MAX ? size : PATTERN_MAX;
	unsigned int mode = file->f_mode;
	uint8_t *bytes = malloc(n);
	long ret;

	if (!bytes)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		bytes[i] = pattern(i);
	/* What was in it was written before it was opened this way. */
	file->f_mode |= FMODE_WRITE;
	ret = file_write(file, bytes, n, 0);
	file->f_mode = mode;
	free(bytes);
	return ret < 0 ? (int)ret : 0;
}

static void *core_file_new(void *host, enum program_file_kind kind, uint64_t size,
			   unsigned may, uint8_t (*pattern)(uint64_t off))
{
	static const enum file_kind kinds[] = {
		[PROGRAM_SHMEM] = FILE_SHMEM, [PROGRAM_EXT4] = FILE_REGULAR,
		[PROGRAM_ZERO] = FILE_ZERO, [PROGRAM_NODEV] = FILE_NOMMAP,
	};
	struct file *file = file_create(kinds[kind], size, may);

	if (IS_ERR(file))
		return NULL;
	if (pattern && fill(file, size, pattern)) {
		fput(file);
		return NULL;
	}
	return file;
}

static void *core_file_reopen(void *host, void *file, unsigned may)
{
	struct file *again = file_reopen(file, may);

	return IS_ERR(again) ? NULL : again;
}

static void core_file_close(void *host, void *file)
{
	fput(file);
}

static uint64_t core_file_object(void *host, void *file)
{
	return file_inode(file)->i_ino;
}

static int core_file_resize(void *host, void *handle, uint64_t size)
{
	struct file *file = handle;
	unsigned int mode = file->f_mode;
	int err;

	file->f_mode |= FMODE_WRITE;
	err = do_truncate(file, (s64)size);
	file->f_mode = mode;
	return err;
}

/* --- calls and accesses -------------------------------------------------------------- */

/* What madvise() does not do here; bad advice is for it to refuse. */
static const struct { int advice; const char *name; } advice_lacking[] = {
	{ MADV_COLLAPSE, "madvise MADV_COLLAPSE" },
};

static const char *lacking_advice(int advice)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(advice_lacking); i++)
		if (advice_lacking[i].advice == advice)
			return advice_lacking[i].name;
	return NULL;
}

static const char *core_lacks(enum program_call call, const uint64_t *args)
{
	switch (call) {
	case PROGRAM_MADVISE:
		return lacking_advice((int)args[2]);
	case PROGRAM_MBIND:
		return program_call_names[call];
	default:
		return NULL;
	}
}

static long core_call(void *host, void *proc, enum program_call call,
		      const uint64_t *a, void *file)
{
	run_as(proc);
	switch (call) {
	case PROGRAM_MMAP: return sys_mmap(a[0], a[1], a[2], a[3], file, a[5]);
	case PROGRAM_MUNMAP: return sys_munmap(a[0], a[1]);
	case PROGRAM_MPROTECT: return sys_mprotect(a[0], a[1], a[2]);
	case PROGRAM_MREMAP: return sys_mremap(a[0], a[1], a[2], a[3], a[4]);
	case PROGRAM_BRK: return sys_brk(a[0]);
	case PROGRAM_MADVISE: return sys_madvise(a[0], a[1], (int)a[2]);
	case PROGRAM_MLOCK: return sys_mlock(a[0], a[1]);
	case PROGRAM_MLOCK2: return sys_mlock2(a[0], a[1], (int)a[2]);
	case PROGRAM_MUNLOCK: return sys_munlock(a[0], a[1]);
	case PROGRAM_MLOCKALL: return sys_mlockall((int)a[0]);
	case PROGRAM_MUNLOCKALL: return sys_munlockall();
	case PROGRAM_MSYNC: return sys_msync(a[0], a[1], (int)a[2]);
	case PROGRAM_MSEAL: return sys_mseal(a[0], a[1], a[2]);
	case PROGRAM_MINCORE: return sys_mincore(a[0], a[1], a[2]);
	case PROGRAM_REMAP_FILE_PAGES:
		return sys_remap_file_pages(a[0], a[1], a[2], a[3], a[4]);
	case PROGRAM_PKEY_MPROTECT:
		return sys_pkey_mprotect(a[0], a[1], a[2], (int)a[3]);
	case PROGRAM_PKEY_ALLOC: return sys_pkey_alloc(a[0], a[1]);
	case PROGRAM_PKEY_FREE: return sys_pkey_free((int)a[0]);
	case PROGRAM_SHMAT: return sys_shmat(file, a[1], (int)a[2]);
	case PROGRAM_SHMDT: return sys_shmdt(a[0]);
	case PROGRAM_FTRUNCATE:
		return file ? sys_truncate(file, (s64)a[1]) : -EBADF;
	default:
		return -ENOSYS;
	}
}

static int core_access(void *host, void *proc, enum program_access kind,
		       uint64_t addr, unsigned size, uint64_t *value,
		       struct program_fault *fault)
{
	u64 loaded = 0;
	int err;

	run_as(proc);
	if (kind == PROGRAM_LOAD) {
		err = user_load(addr, size, &loaded);
		*value = loaded;
	} else if (kind == PROGRAM_STORE) {
		err = user_store(addr, size, *value);
	} else {
		err = user_exec(addr);
	}
	if (err) {
		const struct fault_info *info = current_fault();

		*fault = (struct program_fault) { info->signo, info->code, info->addr };
	}
	return err;
}

/* --- looking --------------------------------------------------------------------------- */

static bool core_next_range(void *host, void *proc, uint64_t addr,
			    struct program_range *r)
{
	struct core_proc *p = proc;
	struct vma_view v;

	run_as(p);
	if (!mm_view_vma(p->mm, addr, &v))
		return false;
	*r = (struct program_range) {
		.start = v.start, .end = v.end, .prot = v.flags & VM_ACCESS_FLAGS,
		.shared = v.flags & VM_MAYSHARE, .pgoff = v.pgoff,
	};
	if (v.file)
		r->object = file_inode(v.file)->i_ino;
	else if (v.flags & VM_DONTEXPAND)
		/* A special mapping: its name is a constant of the mm. */
		r->object = (uintptr_t)v.name;
	return true;
}

static char core_page_class(void *host, void *proc, uint64_t addr)
{
	struct core_proc *p = proc;
	pte_t *ptep = pgtable_peek_pte(&p->mm->context, addr), pte;
	struct page *page;

	if (!ptep)
		return '.';
	pte = ptep_get(ptep);
	if (pte_none(pte))
		return '.';
	if (!pte_present(pte))
		return 'S';
	/* The zero page belongs to nobody, so to several. */
	if (pte_special(pte))
		return 'A';
	page = pte_page(pte);
	if (PageAnon(page))
		return page_mapcount(page) > 1 ? 'A' : 'a';
	return page_mapcount(page) > 1 ? 'F' : 'f';
}

static int core_incore(void *host, void *proc, uint64_t addr)
{
	run_as(proc);
	return mm_incore(((struct core_proc *)proc)->mm, addr);
}

static int core_vmflags(void *host, void *proc, uint64_t addr, char *buf,
			size_t size)
{
	struct core_proc *p = proc;
	struct vma_view v;

	run_as(p);
	if (!mm_view_vma(p->mm, addr, &v) || v.start > addr)
		return -ENOMEM;
	vma_flags_text(v.flags, buf, size);
	return 0;
}

static int core_usage(void *host, void *proc, struct program_usage *u)
{
	struct mm_struct *mm = ((struct core_proc *)proc)->mm;

	*u = (struct program_usage) {
		.anon = get_mm_counter(mm, MM_ANONPAGES),
		.shmem = get_mm_counter(mm, MM_SHMEMPAGES),
		.swap = get_mm_counter(mm, MM_SWAPENTS),
		.locked = mm->locked_vm, .size = mm->total_vm, .data = mm->data_vm,
	};
	return 0;
}

const struct program_backend program_core = {
	.name = "mm", .open = core_open, .close = core_close,
	.check = core_check, .proc_new = core_proc_new,
	.proc_fork = core_proc_fork, .proc_exit = core_proc_exit,
	.install = core_install, .set_brk = core_set_brk,
	.set_base = core_set_base, .set_rlimit = core_set_rlimit,
	.set_user = core_set_user, .set_personality = core_set_personality,
	.file_new = core_file_new, .file_reopen = core_file_reopen,
	.file_close = core_file_close, .file_object = core_file_object,
	.file_resize = core_file_resize, .lacks = core_lacks, .call = core_call,
	.access = core_access, .next_range = core_next_range,
	.page_class = core_page_class, .incore = core_incore,
	.vmflags = core_vmflags, .usage = core_usage,
};
