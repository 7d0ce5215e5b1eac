/* SPDX-License-Identifier: MIT */
/*
 * program_int.h: the parts of a run of a recording (program*.c): the reader,
 * the state of the recorded processes and files, and the comparisons.
 */
#ifndef MMSTORM_OPS_PROGRAM_INT_H
#define MMSTORM_OPS_PROGRAM_INT_H

#include "ops/program.h"

#define PROGRAM_NR_RLIMITS	16
#define PROGRAM_MAX_WORDS	64
/* Pages in one go; a line that asks for more is broken: nothing recorded comes near. */
#define PROGRAM_MAX_RUN		65536ULL

/* --- program_read.c: lines and words ------------------------------------ */

struct program_reader {
	void		*gz;		/* gzFile */
	const char	*path;
	uint64_t	line;		/* of the last line given out */
	char		*buf;
	size_t		cap;
};

int program_open(struct program_reader *r, const char *path, char *error,
		 size_t size);
void program_close(struct program_reader *r);
/* 1: *line is the next line, without its newline; 0: end; -errno and error. */
int program_next_line(struct program_reader *r, char **line, char *error,
		      size_t size);
/* Cut a line into words (in place); the number of them, at most max. */
unsigned program_words(char *line, char **word, unsigned max);
/* 0x-hex, decimal, -decimal, 0o-octal. false: not a number. */
bool program_number(const char *text, uint64_t *value);
/* "EINVAL" -> EINVAL; 0: no such name. */
int program_errno(const char *name);
const char *program_errno_name(int err);
/* Value of KEY in a word KEY=VALUE of the words; NULL if there is none. */
const char *program_value(char **word, unsigned n, const char *key);

/* --- program_state.c: processes, files and objects of a recording ------- */

/* A page fault of a program whose end is not known yet (program_touch.c). */
struct program_last_fault {
	bool		waiting, refused, by_kernel;
	struct program_fault fault;
	uint64_t	addr, code, line;
};

struct program_proc {
	unsigned	nr;		/* its number in the recording */
	unsigned	shares;		/* handle NULL: process whose memory it uses; 0: ended */
	void		*handle;	/* NULL: ended */
	bool		fresh;		/* its layout is to be installed */
	bool		at_exec;	/* g lines say what was resident at exec */
	uint64_t	layout;		/* hash of the layout last compared */
	bool		moved;		/* a call changed the layout, D not seen */
	bool		huge;		/* it asked for huge pages */
	struct program_last_fault last;
	/* Of strace's text: below and above lies what execve mapped. */
	uint64_t	given_below, given_above;
	unsigned	given_calls;	/* that only tell where: 1 brk, 2 mmap */
	uint64_t	rlimit[PROGRAM_NR_RLIMITS];
};

struct program_file {
	char		name[24];	/* F3; with an access mode for programs */
	unsigned	may;
	enum program_file_kind kind;
	void		*handle;
};

struct program_fd {
	uint64_t	fd;
	void		*file;		/* one of the files' handles */
};

/* Which name of the recording is which object of the backend. */
struct program_object {
	char		name[24];
	uint64_t	object;
};

struct program_strace;

struct program_state {
	const struct program_backend *b;
	void		*host;
	struct program_report *report;
	struct program_reader *reader;
	bool		cases;		/* golden or fuzz: D after each change */
	bool		no_layouts;	/* this case has none: too many ranges */
	struct program_strace *strace;	/* the text that is run, or NULL */
	bool		given;		/* the next answer is not compared */
	struct program_proc *proc;
	size_t		nr_procs, cap_procs;
	struct program_file *file;
	size_t		nr_files, cap_files;
	struct program_fd *fd;
	size_t		nr_fds, cap_fds;
	struct program_object *object;
	size_t		nr_objects, cap_objects;
	char		**path;		/* of the files of strace's text, by number */
	size_t		nr_paths, cap_paths;
};

int program_state_reset(struct program_state *s);
void program_state_free(struct program_state *s);
struct program_proc *program_proc(struct program_state *s, unsigned nr);
struct program_proc *program_proc_new(struct program_state *s, unsigned nr,
				      const uint64_t *rlimit);
struct program_proc *program_proc_fork(struct program_state *s,
				       struct program_proc *parent, unsigned nr);
/* A thread: nr names p's address space too. */
int program_proc_share(struct program_state *s, const struct program_proc *p,
		       unsigned nr);
/* The process of that number ends; memory that it only shares stays. */
bool program_proc_exit(struct program_state *s, unsigned nr);
void program_proc_end(struct program_state *s, struct program_proc *p);
/* The file of that name opened so; any opening of it if may is 0. */
void *program_file(struct program_state *s, const char *name, unsigned may);
void *program_file_new(struct program_state *s, const char *name,
		       enum program_file_kind kind, uint64_t size, unsigned may,
		       const char *path);
/* A file that no layout names: its object gets its name by the first D line. */
void *program_file_unnamed(struct program_state *s, const char *name,
			   uint64_t size);
/* "@F3:acc=r": the file of that path, made when it is met. 0 or -ENOMEM. */
int program_path_note(struct program_state *s, const char *path,
		      enum program_file_kind kind, unsigned may, char *note,
		      size_t size);
/* A file on a disk: which of its pages are in memory is the disk's matter. */
bool program_disk_object(const struct program_state *s, uint64_t object);
int program_fd_set(struct program_state *s, uint64_t fd, void *file);
void *program_fd(const struct program_state *s, uint64_t fd);
/* Is `object` what the recording calls name? The first time decides. */
bool program_same_object(struct program_state *s, const char *name,
			 uint64_t object);
int program_name_object(struct program_state *s, const char *name,
			uint64_t object);
void *program_grow(void *array, size_t n, size_t *cap, size_t size);

/* --- program.c ------------------------------------------------------------ */

/* One line of mmtrace, which is cut up. */
int program_run_line(struct program_state *s, char *line);

/* --- program_report.c ---------------------------------------------------- */

void program_equal(struct program_state *s, enum program_kind kind);
__attribute__((format(printf, 3, 4)))
void program_unequal(struct program_state *s, enum program_kind kind,
		     const char *fmt, ...);
void program_unsupported(struct program_state *s, enum program_kind kind,
			 const char *what);
__attribute__((format(printf, 2, 3)))
int program_broken(struct program_state *s, const char *fmt, ...);
/*
 * Something in memory is not as the kernel's: unequal, or unsupported where
 * the kernel used what no backend has: swap (said by swapped), huge pages.
 */
__attribute__((format(printf, 5, 6)))
void program_unlike(struct program_state *s, enum program_kind kind,
		    const struct program_proc *p, bool swapped, const char *fmt, ...);
/* A number, or the line is broken. */
bool program_want_number(struct program_state *s, const char *text,
			 uint64_t *value);
int program_start_case(struct program_state *s, const char *id);

/* --- program_layout.c ---------------------------------------------------- */

/* A D line (after "D n "): install it for a fresh process, else compare. */
int program_layout_line(struct program_state *s, struct program_proc *p,
			char *text);
uint64_t program_layout_hash(struct program_state *s, struct program_proc *p);

/* --- program_touch.c: accesses --------------------------------------------- */

int program_touch_line(struct program_state *s, struct program_proc *p,
		       char **word, unsigned n);
int program_fault_line(struct program_state *s, struct program_proc *p,
		       char **word, unsigned n);
int program_resident_line(struct program_state *s, struct program_proc *p,
			  char **word, unsigned n);
int program_signal_line(struct program_state *s, struct program_proc *p,
			char **word, unsigned n);
/* The process went on after its last fault; result: of the call it made next. */
void program_fault_passed(struct program_state *s, struct program_proc *p,
			  const char *result);

/* --- program_shm.c: SysV segments ------------------------------------------- */

/* shmget, shmctl: true when it was one of them. */
bool program_shm_call(struct program_state *s, const char *name, char **arg,
		      unsigned n, const char *ret);
/* The segment of that number ("38", "0x26", "ID0"), or NULL. */
void *program_segment(struct program_state *s, const char *id);

/* --- program_call.c: S lines; program_lines.c: all others ---------------- */

int program_call_line(struct program_state *s, char **word, unsigned n);
int program_other_line(struct program_state *s, char **word, unsigned n);

#endif /* MMSTORM_OPS_PROGRAM_INT_H */
