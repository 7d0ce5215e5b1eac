/* SPDX-License-Identifier: MIT */
/*
 * program_strace.h: a run of strace's text (program_strace.c), and what the
 * run of a call asks it.
 */
#ifndef MMSTORM_OPS_PROGRAM_STRACE_H
#define MMSTORM_OPS_PROGRAM_STRACE_H

#include "ops/program_int.h"
#include "ops/strace.h"

struct strace_task {
	unsigned	pid;
	unsigned	fds;		/* the process whose descriptors it uses */
};

/* A descriptor, and how it was opened (1 read, 2 write). */
struct strace_file {
	unsigned	owner;
	int64_t		fd;
	unsigned	may;
	char		path[256];
};

struct program_strace {
	struct program_state *s;
	struct strace_log log;
	struct strace_task *task;
	size_t		nr_tasks, cap_tasks;
	struct strace_file *file;
	size_t		nr_files, cap_files;
	int		err;		/* of a call that was run first */
};

/* --- what program_strace*.c share ---------------------------------------- */

/* Run a line of mmtrace. */
__attribute__((format(printf, 2, 3)))
int strace_emit(struct program_state *s, const char *fmt, ...);
bool strace_is(const struct strace_call *c, const char *name);
bool strace_succeeded(const struct strace_call *c);

/* execve: a new image for the process. */
int strace_exec(struct program_strace *t, size_t at, char **arg, unsigned n);
/* See to it that the call's process is there, unless it has ended before. */
int strace_introduce(struct program_strace *t, size_t at, char **arg, unsigned n);

#define STRACE_NO_TASK	(~0U)

/* Whose descriptors a task uses; STRACE_NO_TASK: it was never met. */
unsigned strace_fd_owner(const struct program_strace *t, unsigned pid);
int strace_add_task(struct program_strace *t, unsigned pid, unsigned fds);
int strace_copy_fds(struct program_strace *t, unsigned from, unsigned to);
int strace_open(struct program_strace *t, const struct strace_call *c, char **arg,
		unsigned n);
int strace_dup(struct program_strace *t, const struct strace_call *c, char **arg,
	       unsigned n);
/* The note that mmtrace has for the file of an mmap. */
int strace_file_note(struct program_strace *t, const struct strace_call *c,
		     const char *text, char *note, size_t size);

/* --- for the run of a recording --------------------------------------------- */

/* All of it; line is the first. */
int program_strace_run(struct program_state *s, char *line);
/* Run a call on process nr's memory that was under way meanwhile; false: none. */
bool program_strace_other_first(struct program_state *s, unsigned nr);
/*
 * The kernel found [addr, addr + len) mapped: map what execve may have mapped
 * there. True when there was something, so that the answer proves nothing.
 */
bool program_strace_believe(struct program_state *s, struct program_proc *p,
			    uint64_t addr, uint64_t len);

#endif /* MMSTORM_OPS_PROGRAM_STRACE_H */
