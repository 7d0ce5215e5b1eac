/* SPDX-License-Identifier: MIT */
/*
 * program_model.c: the reference model as a backend of recordings.
 */
#include <errno.h>
#include <stdlib.h>

#include "ops/model.h"
#include "ops/program.h"

#define LABEL(kind)	((uint64_t)1 << 60 | (kind))	/* labels of special mappings */

static int host_open(void **host)
{
	*host = model_create(NULL);
	return *host ? 0 : -ENOMEM;
}

static unsigned host_close(void *host)
{
	model_destroy(host);
	return 0;
}

static void *proc_new(void *host, const uint64_t *rlimit)
{
	struct model_mm *mm = model_mm_create(host, rlimit[MODEL_RLIMIT_STACK]);
	unsigned i;

	for (i = 0; mm && i < MODEL_RLIMIT_MAX; i++)
		model_set_rlimit(mm, i, rlimit[i]);
	return mm;
}

static void *proc_fork(void *host, void *proc)
{
	return model_fork(proc);
}

static void proc_exit(void *host, void *proc)
{
	model_mm_destroy(proc);
}

static int install(void *host, void *proc, const struct program_range *r,
		   void *file, enum program_special special)
{
	static const enum model_special kinds[] = {
		[PROGRAM_PLAIN] = MODEL_PLAIN, [PROGRAM_STACK] = MODEL_STACK,
		[PROGRAM_VVAR] = MODEL_VVAR, [PROGRAM_VVAR_VCLOCK] = MODEL_VVAR,
		[PROGRAM_VDSO] = MODEL_VDSO,
	};

	return model_install(proc, r->start, r->end, r->prot, r->shared, file,
			     r->pgoff, kinds[special],
			     special > PROGRAM_STACK ? LABEL(special) : 0);
}

static void set_brk(void *host, void *proc, uint64_t start_brk,
		    uint64_t data_bytes)
{
	model_set_brk(proc, start_brk, start_brk, data_bytes);
}

static void set_base(void *host, void *proc, uint64_t base, bool legacy)
{
	/* The model knows a legacy layout by its base. */
	model_set_mmap_base(proc, base);
}

static void set_rlimit(void *host, void *proc, unsigned nr, uint64_t value)
{
	model_set_rlimit(proc, nr, value);
}

static void set_user(void *host, void *proc, bool root)
{
	model_set_root(proc, root);
}

static void set_personality(void *host, void *proc, uint64_t persona)
{
	model_set_personality(proc, persona);
}

/* --- files ---------------------------------------------------------------- */

static uint8_t pattern_byte(void *arg, uint64_t off)
{
	uint8_t (*pattern)(uint64_t) = (uint8_t (*)(uint64_t))arg;

	return pattern(off);
}

static void *file_new(void *host, enum program_file_kind kind, uint64_t size,
		      unsigned may, uint8_t (*pattern)(uint64_t off))
{
	static const enum model_file_kind kinds[] = {
		[PROGRAM_SHMEM] = MODEL_FILE_MEMFD, [PROGRAM_EXT4] = MODEL_FILE_EXT4,
		[PROGRAM_ZERO] = MODEL_FILE_ZERO, [PROGRAM_NODEV] = MODEL_FILE_NODEV,
	};
	struct model_file *f = model_file_create(host, kinds[kind], size, may);

	if (f && pattern)
		model_file_set_pattern(f, pattern_byte, (void *)pattern);
	return f;
}

static void *file_reopen(void *host, void *file, unsigned may)
{
	return model_file_reopen(file, may);
}

static void file_close(void *host, void *file)
{
	model_file_close(file);
}

static uint64_t file_object(void *host, void *file)
{
	return model_file_object(file);
}

static int file_resize(void *host, void *file, uint64_t size)
{
	return (int)model_file_set_size(file, size);
}

/* --- calls and accesses ------------------------------------------------------ */

static const char *lacks(enum program_call call, const uint64_t *args)
{
	return NULL;
}

static long call(void *host, void *proc, enum program_call call,
		 const uint64_t *a, void *file)
{
	switch (call) {
	case PROGRAM_MMAP: return model_mmap(proc, a[0], a[1], a[2], a[3], file, a[5]);
	case PROGRAM_MUNMAP: return model_munmap(proc, a[0], a[1]);
	case PROGRAM_MPROTECT: return model_mprotect(proc, a[0], a[1], a[2]);
	case PROGRAM_MREMAP:
		return model_mremap(proc, a[0], a[1], a[2], a[3], a[4]);
	case PROGRAM_BRK: return model_brk(proc, a[0]);
	case PROGRAM_MADVISE: return model_madvise(proc, a[0], a[1], (int)a[2]);
	case PROGRAM_MLOCK: return model_mlock(proc, a[0], a[1], 0);
	case PROGRAM_MUNLOCK: return model_munlock(proc, a[0], a[1]);
	case PROGRAM_MLOCK2: return model_mlock(proc, a[0], a[1], (unsigned)a[2]);
	case PROGRAM_MLOCKALL: return model_mlockall(proc, (unsigned)a[0]);
	case PROGRAM_MUNLOCKALL: return model_munlockall(proc);
	case PROGRAM_MSYNC: return model_msync(proc, a[0], a[1], (int)a[2]);
	case PROGRAM_MSEAL: return model_mseal(proc, a[0], a[1], a[2]);
	case PROGRAM_MBIND: return model_mbind(proc, a[0], a[1], a[2]);
	case PROGRAM_MINCORE: return model_mincore(proc, a[0], a[1], a[2]);
	case PROGRAM_REMAP_FILE_PAGES:
		return model_remap_file_pages(proc, a[0], a[1], a[2], a[3], a[4]);
	case PROGRAM_PKEY_MPROTECT:
		return model_pkey_mprotect(proc, a[0], a[1], a[2], (int)a[3]);
	case PROGRAM_PKEY_ALLOC: case PROGRAM_PKEY_FREE: return -EINVAL;
	case PROGRAM_SHMAT:
		return file ? model_shmat(proc, file, a[1], (int)a[2]) : -EINVAL;
	case PROGRAM_SHMDT: return model_shmdt(proc, a[0]);
	case PROGRAM_FTRUNCATE: return file ? model_ftruncate(file, a[1]) : -EBADF;
	case PROGRAM_NR_CALLS: break;
	}
	return -ENOSYS;
}

static int access_memory(void *host, void *proc, enum program_access kind,
			 uint64_t addr, unsigned size, uint64_t *value,
			 struct program_fault *fault)
{
	struct model_fault f = { 0, 0, 0 };
	int err;

	if (kind == PROGRAM_LOAD)
		err = model_load(proc, addr, size, value, &f);
	else if (kind == PROGRAM_STORE)
		err = model_store(proc, addr, size, *value, &f);
	else
		err = model_exec(proc, addr, &f);
	*fault = (struct program_fault) { f.signo, f.code, f.addr };
	return err;
}

/* --- looking ------------------------------------------------------------------ */

static bool next_range(void *host, void *proc, uint64_t addr,
		       struct program_range *r)
{
	size_t i = model_find_range(proc, addr);
	struct model_range m;

	if (i == model_nr_ranges(proc))
		return false;
	model_range(proc, i, &m);
	*r = (struct program_range) { m.start, m.end, m.prot, m.shared, m.pgoff,
				      m.object };
	return true;
}

static char page_class(void *host, void *proc, uint64_t addr)
{
	return model_page_class(proc, addr);
}

static int incore(void *host, void *proc, uint64_t addr)
{
	return model_page_incore(proc, addr);
}

static int vmflags(void *host, void *proc, uint64_t addr, char *buf,
		   size_t size)
{
	return model_vmflags(proc, addr, buf, size);
}

static int usage(void *host, void *proc, struct program_usage *u)
{
	struct model_usage m;

	model_usage(proc, &m);
	*u = (struct program_usage) { m.anon, m.shmem, m.swap, m.locked, m.size,
				      m.data };
	return 0;
}

const struct program_backend program_model = {
	.name = "model", .open = host_open, .close = host_close,
	.proc_new = proc_new, .proc_fork = proc_fork, .proc_exit = proc_exit,
	.install = install, .set_brk = set_brk, .set_base = set_base,
	.set_rlimit = set_rlimit, .set_user = set_user,
	.set_personality = set_personality, .file_new = file_new,
	.file_reopen = file_reopen, .file_close = file_close,
	.file_object = file_object, .file_resize = file_resize, .lacks = lacks,
	.call = call, .access = access_memory, .next_range = next_range,
	.page_class = page_class, .incore = incore, .vmflags = vmflags,
	.usage = usage,
};
