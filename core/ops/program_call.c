/* SPDX-License-Identifier: MIT */
/*
 * program_call.c: S lines: the call is made on the backend and its result
 * compared with the recorded one.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/program_int.h"
#include "ops/program_strace.h"

const char *const program_call_names[PROGRAM_NR_CALLS] = {
	[PROGRAM_MMAP] = "mmap", [PROGRAM_MUNMAP] = "munmap",
	[PROGRAM_MPROTECT] = "mprotect", [PROGRAM_MREMAP] = "mremap",
	[PROGRAM_BRK] = "brk", [PROGRAM_MADVISE] = "madvise",
	[PROGRAM_MLOCK] = "mlock", [PROGRAM_MUNLOCK] = "munlock",
	[PROGRAM_MLOCK2] = "mlock2", [PROGRAM_MLOCKALL] = "mlockall",
	[PROGRAM_MUNLOCKALL] = "munlockall", [PROGRAM_MSYNC] = "msync",
	[PROGRAM_MSEAL] = "mseal", [PROGRAM_MBIND] = "mbind",
	[PROGRAM_FTRUNCATE] = "ftruncate", [PROGRAM_MINCORE] = "mincore",
	[PROGRAM_REMAP_FILE_PAGES] = "remap_file_pages",
	[PROGRAM_PKEY_MPROTECT] = "pkey_mprotect", [PROGRAM_PKEY_ALLOC] = "pkey_alloc",
	[PROGRAM_PKEY_FREE] = "pkey_free", [PROGRAM_SHMAT] = "shmat",
	[PROGRAM_SHMDT] = "shmdt",
};

#define MAP_ANON	0x20
#define MAP_FIXED_BITS	0x100010	/* FIXED, FIXED_NOREPLACE */
#define ADVICE_HUGEPAGE	14
#define MAX_ARGS	6

/* A call cut into its parts: name args... = ret [@file] */
struct call_line {
	char		**arg;
	unsigned	nr_args;
	const char	*ret;
	const char	*note;		/* the @ part, or NULL */
	uint64_t	value[MAX_ARGS];
	bool		number[MAX_ARGS];
};

static void split_call(char **word, unsigned n, struct call_line *c)
{
	unsigned i;

	memset(c, 0, sizeof(*c));
	c->arg = word;
	for (i = 0; i < n && strcmp(word[i], "="); i++)
		;
	c->nr_args = i;
	if (i + 1 >= n)
		return;
	c->ret = word[i + 1];
	if (i + 2 < n && word[i + 2][0] == '@')
		c->note = word[i + 2] + 1;
	for (i = 0; i < c->nr_args && i < MAX_ARGS; i++)
		c->number[i] = program_number(c->arg[i], &c->value[i]);
}

/* A segment may have a name; everything else is a number. */
static bool numbers_ok(const struct call_line *c, enum program_call call)
{
	unsigned i;

	for (i = call == PROGRAM_SHMAT; i < c->nr_args && i < MAX_ARGS; i++)
		if (!c->number[i])
			return false;
	return true;
}

/* --- comparing ---------------------------------------------------------------- */

static void show(char *buf, size_t size, long ret)
{
	if (ret < 0 && ret >= -4095)
		snprintf(buf, size, "%s", program_errno_name((int)-ret));
	else
		snprintf(buf, size, "%#lx", (unsigned long)ret);
}

static void compare_result(struct program_state *s, const struct program_proc *p,
			   const char *name, const struct call_line *c, long ret)
{
	uint64_t want;
	char got[40];
	bool same;

	if (program_number(c->ret, &want))
		same = (uint64_t)ret == want;
	else
		same = ret < 0 && program_errno(c->ret) == (int)-ret;
	if (same) {
		program_equal(s, PROGRAM_S);
		return;
	}
	show(got, sizeof(got), ret);
	program_unequal(s, PROGRAM_S, "P%u %s is %s, the kernel said %s", p->nr,
			name, got, c->ret);
}

/*
 * In golden and fuzz recordings a layout follows each call that changed it:
 * see whether the backend's has changed too.
 */
static void watch_layout(struct program_state *s, struct program_proc *p)
{
	uint64_t hash;

	if (!s->cases || s->no_layouts)
		return;
	hash = program_layout_hash(s, p);
	p->moved = hash != p->layout;
	p->layout = hash;
}

/* --- the file of an mmap --------------------------------------------------------- */

/* "F3:size=47547:mode=100644:acc=r" */
static int file_of_note(struct program_state *s, const char *note, void **file)
{
	char name[24], copy[160], *part, *save;
	unsigned may = 0;
	uint64_t size;

	snprintf(copy, sizeof(copy), "%s", note);
	part = strtok_r(copy, ":", &save);
	if (!part || part[0] != 'F') {
		*file = NULL;
		return 0;
	}
	snprintf(name, sizeof(name), "%s", part);
	while ((part = strtok_r(NULL, ":", &save))) {
		if (!strncmp(part, "acc=", 4))
			may = (strchr(part + 4, 'r') ? 1 : 0) |
			      (strchr(part + 4, 'w') ? 2 : 0);
		if (!strncmp(part, "size=", 5) && program_number(part + 5, &size) &&
		    program_file(s, name, 0))
			s->b->file_resize(s->host, program_file(s, name, 0), size);
	}
	*file = program_file(s, name, may ? may : 1);
	if (!*file)
		return program_broken(s, "%s is mapped, but no N or F line "
				      "introduced it", name);
	return 0;
}

static int file_of_call(struct program_state *s, const struct call_line *c,
			enum program_call call, void **file)
{
	*file = NULL;
	if (call == PROGRAM_SHMAT) {
		*file = c->nr_args ? program_segment(s, c->arg[0]) : NULL;
		return 0;
	}
	if (call == PROGRAM_FTRUNCATE) {
		*file = program_fd(s, c->value[0]);
		return 0;
	}
	if (call != PROGRAM_MMAP || (c->value[3] & MAP_ANON))
		return 0;
	if (c->note && !s->cases)
		return file_of_note(s, c->note, file);
	*file = program_fd(s, c->value[4]);
	return 0;
}

/* --- calls that are not the mm's --------------------------------------------------- */

static int do_fork(struct program_state *s, struct program_proc *p,
		   const struct call_line *c)
{
	unsigned nr;

	if (sscanf(c->ret, "P%u", &nr) != 1)
		return 0;
	/* What the child does cannot be compared without it. */
	if (!program_proc_fork(s, p, nr))
		return -ENOMEM;
	program_equal(s, PROGRAM_S);
	return 0;
}

/* Calls that only set the scene: done as far as they matter, not compared. */
static bool do_context(struct program_state *s, struct program_proc *p,
		       const char *name, const struct call_line *c)
{
	uint64_t ret;

	if (!strcmp(name, "setresuid")) {
		s->b->set_user(s->host, p->handle, !c->value[1]);
		return true;
	}
	if (!strcmp(name, "personality")) {
		s->b->set_personality(s->host, p->handle, c->value[0]);
		return true;
	}
	if (!strcmp(name, "dup")) {
		if (program_number(c->ret, &ret))
			program_fd_set(s, ret, program_fd(s, c->value[0]));
		return true;
	}
	/* A limit has its R line, a new size its Z line. */
	return program_shm_call(s, name, c->arg, c->nr_args, c->ret) ||
	       !strcmp(name, "prlimit64") || !strcmp(name, "setrlimit") ||
	       !strcmp(name, "getrlimit") || !strcmp(name, "fallocate") ||
	       !strcmp(name, "exit_group") || !strcmp(name, "exit");
}

/* A file's size changes by its Z line where its descriptor is not known. */
static bool is_unknown_truncate(const struct program_state *s,
				enum program_call call, void *file)
{
	return call == PROGRAM_FTRUNCATE && !file && !s->cases;
}

/* --- what a log of strace leaves open -------------------------------------------- */

/* Calls that fail where nothing is mapped. */
static bool needs_mapping(enum program_call call)
{
	switch (call) {
	case PROGRAM_MPROTECT: case PROGRAM_PKEY_MPROTECT: case PROGRAM_MREMAP:
	case PROGRAM_MADVISE: case PROGRAM_MLOCK: case PROGRAM_MLOCK2:
	case PROGRAM_MUNLOCK: case PROGRAM_MSYNC: case PROGRAM_MSEAL:
		return true;
	default:
		return false;
	}
}

/* A place that the kernel chose, and we another. */
static bool placed_elsewhere(const struct call_line *c, enum program_call call, long ret)
{
	uint64_t want;

	return call == PROGRAM_MMAP && !(c->value[3] & MAP_FIXED_BITS) && ret > 0 &&
	       program_number(c->ret, &want) && want != (uint64_t)ret;
}

/* Another thread's call may have come first: one by one, until it fits. */
static long call_in_order(struct program_state *s, unsigned nr, enum program_call call,
			  const struct call_line *c, void *file)
{
	struct program_proc *p = program_proc(s, nr);
	long ret = s->b->call(s->host, p->handle, call, c->value, file);

	while (s->strace && placed_elsewhere(c, call, ret)) {
		uint64_t undo[MAX_ARGS] = { (uint64_t)ret, c->value[1] };

		s->b->call(s->host, p->handle, PROGRAM_MUNMAP, undo, NULL);
		if (!program_strace_other_first(s, nr))
			return s->b->call(s->host, p->handle, call, c->value, file);
		p = program_proc(s, nr);
		ret = s->b->call(s->host, p->handle, call, c->value, file);
	}
	return ret;
}

static int do_call(struct program_state *s, struct program_proc *p,
		   enum program_call call, const char *name, struct call_line *c)
{
	unsigned nr = p->nr;
	bool given = s->given;
	const char *lacks;
	void *file;
	long ret;
	int err = file_of_call(s, c, call, &file);

	if (err || is_unknown_truncate(s, call, file))
		return err;
	lacks = s->b->lacks(call, c->value);
	if (lacks) {
		program_unsupported(s, PROGRAM_S, lacks);
		watch_layout(s, p);
		return 0;
	}
	if (s->strace && needs_mapping(call) && !program_errno(c->ret))
		given |= program_strace_believe(s, p, c->value[0], c->value[1]);
	ret = call_in_order(s, nr, call, c, file);
	p = program_proc(s, nr);
	if (call == PROGRAM_MADVISE && c->value[2] == ADVICE_HUGEPAGE)
		p->huge = true;
	if (given)
		s->report->given++;
	else
		compare_result(s, p, name, c, ret);
	watch_layout(s, p);
	return 0;
}

/* "S n name args... = ret" */
int program_call_line(struct program_state *s, char **word, unsigned n)
{
	struct program_proc *p;
	struct call_line c;
	uint64_t nr;
	unsigned i;

	if (n < 5 || !program_number(word[1], &nr))
		return program_broken(s, "a call needs: S PROCESS NAME ARGS = RESULT");
	p = program_proc(s, (unsigned)nr);
	if (!p)
		return program_broken(s, "process %s was not introduced, or has ended",
				      word[1]);
	split_call(word + 3, n - 3, &c);
	if (!c.ret)
		return program_broken(s, "a call without a result");
	program_fault_passed(s, p, c.ret);
	if (!strcmp(word[2], "fork") || (!strcmp(word[2], "clone") &&
					 strcmp(word[3], "CLONE_VM")))
		return do_fork(s, p, &c);
	if (!strcmp(word[2], "clone"))
		return sscanf(c.ret, "P%u", &i) == 1 ? program_proc_share(s, p, i) : 0;
	for (i = 0; i < PROGRAM_NR_CALLS; i++) {
		if (strcmp(word[2], program_call_names[i]))
			continue;
		if (!numbers_ok(&c, (enum program_call)i))
			return program_broken(s, "an argument of %s is no number",
					      word[2]);
		return do_call(s, p, (enum program_call)i, word[2], &c);
	}
	if (do_context(s, p, word[2], &c))
		return 0;
	program_unsupported(s, PROGRAM_S, word[2]);
	watch_layout(s, p);
	return 0;
}
