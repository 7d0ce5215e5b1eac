/* SPDX-License-Identifier: MIT */
/*
 * strace.h: the text that `strace -f' writes, as calls (strace_read.c) and
 * numbers (strace_args.c). Knows nothing of what the calls mean.
 */
#ifndef MMSTORM_OPS_STRACE_H
#define MMSTORM_OPS_STRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STRACE_MAX_ARGS	8

/* A call, whole: strace may have written it in two parts. */
struct strace_call {
	unsigned	pid;		/* 0: the first one of a log that gave it no number */
	uint64_t	begin, end;	/* lines; end 0: it never returned */
	char		*name;		/* "": the process is gone */
	char		*args;		/* what stands between the brackets */
	char		*ret;		/* "0", "0x7f...", "EINVAL", "?" */
	bool		done;		/* the reader's user has carried it out */
};

struct strace_log {
	struct strace_call *call;	/* in the order of their beginnings */
	size_t		nr, cap;
	/* Of a log that was not written to a file of its own (no -o): */
	char		*torn;		/* a line that strace broke off for a remark */
	unsigned	*child;		/* that strace said it attached to; 0: it is gone */
	size_t		nr_children;
	bool		first_gone;	/* the process that had no number at first */
};

/* Does a recording that begins with this line hold strace's text? */
bool strace_is_line(const char *line);
/*
 * Take in one line, which is cut up. 0, -ENOMEM, or -EINVAL: *what says what
 * would do.
 */
int strace_add_line(struct strace_log *log, char *line, uint64_t nr,
		    const char **what);
void strace_log_free(struct strace_log *log);

/* Cut arguments at the commas between them (in place); their number. */
unsigned strace_split(char *args, char **arg, unsigned max);
/* NULL, -1, 0x10, 8192*1024, PROT_READ|0x8, {rlim_cur=..}: false: no number. */
bool strace_number(const char *text, uint64_t *value);
/* 3</etc/passwd>: the descriptor, and its path if the log has it (or ""). */
bool strace_fd(const char *text, int64_t *fd, char *path, size_t size);
/* "/bin/true" without its quotes. */
void strace_string(const char *text, char *buf, size_t size);

#endif /* MMSTORM_OPS_STRACE_H */
