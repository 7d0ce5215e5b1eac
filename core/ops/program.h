/* SPDX-License-Identifier: MIT */
/*
 * program.h: recordings of real programs (mmtrace v1, see
 * tests/recordings/README.md) are run through a *backend* and every answer of
 * the real kernel that a recording holds is compared with the backend's.
 *
 * Backends: the reference model (program_model.c) and the mm itself
 * (program_core.c). One thread; a run owns its backend's host from open() to
 * close().
 */
#ifndef MMSTORM_OPS_PROGRAM_H
#define MMSTORM_OPS_PROGRAM_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* --- what a backend offers ---------------------------------------------- */

enum program_call {
	PROGRAM_MMAP, PROGRAM_MUNMAP, PROGRAM_MPROTECT, PROGRAM_MREMAP,
	PROGRAM_BRK, PROGRAM_MADVISE, PROGRAM_MLOCK, PROGRAM_MUNLOCK,
	PROGRAM_MLOCK2, PROGRAM_MLOCKALL, PROGRAM_MUNLOCKALL, PROGRAM_MSYNC,
	PROGRAM_MSEAL, PROGRAM_MBIND, PROGRAM_FTRUNCATE, PROGRAM_MINCORE,
	PROGRAM_REMAP_FILE_PAGES, PROGRAM_PKEY_MPROTECT, PROGRAM_PKEY_ALLOC,
	PROGRAM_PKEY_FREE, PROGRAM_SHMAT, PROGRAM_SHMDT, PROGRAM_NR_CALLS
};
extern const char *const program_call_names[PROGRAM_NR_CALLS];

enum program_access { PROGRAM_LOAD, PROGRAM_STORE, PROGRAM_EXEC };

enum program_file_kind { PROGRAM_SHMEM, PROGRAM_EXT4, PROGRAM_ZERO,
			 PROGRAM_NODEV };

struct program_fault {
	int		signo, code;	/* as siginfo_t says them */
	uint64_t	addr;
};

/* One range of an address space: a line of /proc/PID/maps. */
struct program_range {
	uint64_t	start, end;	/* bytes */
	unsigned	prot;		/* PROT_* */
	bool		shared;
	uint64_t	pgoff;		/* pages; 0 for anonymous memory */
	uint64_t	object;		/* file or special mapping; 0: anonymous */
};

/* The kernel's special mappings: how program_backend.install() is told. */
enum program_special { PROGRAM_PLAIN, PROGRAM_STACK, PROGRAM_VVAR,
		       PROGRAM_VVAR_VCLOCK, PROGRAM_VDSO };

struct program_usage {			/* pages */
	uint64_t	anon, shmem, swap, locked, size, data;
};

/*
 * `host` is what open() made; processes and files are handles the backend
 * made in it. Functions return 0, a value, or -errno. The last group may be
 * NULL: lines that need them count as unsupported.
 */
struct program_backend {
	const char *name;
	int (*open)(void **host);
	/* Returns how many defects the host itself has reported in its life. */
	unsigned (*close)(void *host);

	/* rlimit: 16 values in bytes, by Linux number. NULL: out of memory. */
	void *(*proc_new)(void *host, const uint64_t *rlimit);
	void *(*proc_fork)(void *host, void *proc);
	void (*proc_exit)(void *host, void *proc);
	int (*install)(void *host, void *proc, const struct program_range *r,
		       void *file, enum program_special special);
	void (*set_brk)(void *host, void *proc, uint64_t start_brk,
			uint64_t data_bytes);
	/* legacy: ADDR_COMPAT_LAYOUT is in force, base is the lowest place. */
	void (*set_base)(void *host, void *proc, uint64_t base, bool legacy);
	void (*set_rlimit)(void *host, void *proc, unsigned nr, uint64_t value);
	void (*set_user)(void *host, void *proc, bool root);
	void (*set_personality)(void *host, void *proc, uint64_t persona);

	/* may: 1 read, 2 write. pattern: contents, as a function of the offset. */
	void *(*file_new)(void *host, enum program_file_kind kind, uint64_t size,
			  unsigned may, uint8_t (*pattern)(uint64_t off));
	void *(*file_reopen)(void *host, void *file, unsigned may);
	void (*file_close)(void *host, void *file);
	uint64_t (*file_object)(void *host, void *file);
	int (*file_resize)(void *host, void *file, uint64_t size);

	/* What of this call it does not have, by name; NULL: nothing. */
	const char *(*lacks)(enum program_call call, const uint64_t *args);
	/* The file is what an fd argument or a segment's number names, or NULL. */
	long (*call)(void *host, void *proc, enum program_call call,
		     const uint64_t *args, void *file);
	/* 0, or -EFAULT and the signal. */
	int (*access)(void *host, void *proc, enum program_access kind,
		      uint64_t addr, unsigned size, uint64_t *value,
		      struct program_fault *fault);
	/* The first range that ends above addr; false: there is none. */
	bool (*next_range)(void *host, void *proc, uint64_t addr,
			   struct program_range *r);

	char (*page_class)(void *host, void *proc, uint64_t addr);
	int (*incore)(void *host, void *proc, uint64_t addr);
	int (*vmflags)(void *host, void *proc, uint64_t addr, char *buf,
		       size_t size);
	int (*usage)(void *host, void *proc, struct program_usage *u);
	/* Look for such defects: processes are at rest, alive. */
	void (*check)(void *host);
};

extern const struct program_backend program_model;
extern const struct program_backend program_core;

/* --- running a recording ------------------------------------------------ */

/* The kinds of lines that are compared. */
enum program_kind {
	PROGRAM_S,	/* results of calls */
	PROGRAM_D,	/* layouts */
	PROGRAM_SAME,	/* layouts that a call must have left alone (no D line) */
	PROGRAM_T,	/* touches */
	PROGRAM_F,	/* page faults of programs: the access must succeed */
	PROGRAM_G, PROGRAM_V, PROGRAM_L, PROGRAM_C, PROGRAM_Q,
	PROGRAM_NR_KINDS
};
extern const char *const program_kind_names[PROGRAM_NR_KINDS];

struct program_tally {
	uint64_t	equal, unequal, unsupported;
};

/* Something that a recording uses and the backend lacks. */
struct program_lack {
	char		name[48];
	uint64_t	count;
};

struct program_case {
	char		id[80];
	uint64_t	line;		/* of the first line that is not equal */
	unsigned	unequal, unsupported;	/* S, D, SAME and T lines */
	/*
	 * Unequal before any unsupported call: nothing but a fault of the
	 * backend explains these.
	 */
	unsigned	unexplained;
};

struct program_report {
	uint64_t	lines;
	struct program_tally tally[PROGRAM_NR_KINDS];
	struct program_tally layouts;	/* of processes at their end (programs) */
	/* Answers that tell what is not recorded, and so are not compared. */
	uint64_t	given;
	uint64_t	findings;	/* reported by the backend's machine */
	struct program_lack lack[64];
	unsigned	nr_lacks;
	struct program_case *cases;	/* malloc'ed; program_report_free() */
	size_t		nr_cases, cap_cases;
	/* "line N: what": the first differences, newline after each. */
	char		*diffs;
	size_t		diffs_len;
	unsigned	nr_diffs, max_diffs;
	/* FILE:LINE: what is wrong with the recording, or with the run. */
	char		error[512];
};

/*
 * Run the recording at path. report is zeroed but for max_diffs, which the
 * caller sets (0: keep none). 0; -EINVAL: the recording is broken, and
 * -errno otherwise: report->error says more, the tallies hold what was run.
 */
int program_run(const char *path, const struct program_backend *backend,
		struct program_report *report);
void program_report_free(struct program_report *report);

/* Share of S, D and T lines that are equal, 0..1; 1 if there are none. */
double program_equal_share(const struct program_report *report);

#endif /* MMSTORM_OPS_PROGRAM_H */
