/* SPDX-License-Identifier: MIT */
/*
 * program_strace.c: strace's text as a recording. Each call becomes the line
 * of mmtrace that means the same, and is run as such.
 *
 * What strace does not tell is taken from what it tells later, and counted as
 * given instead of compared (tests/recordings/README.md): the layout that
 * execve made shows in the first brk and the first mmap, and in calls that
 * succeed on what execve mapped. Calls of threads that overlap in time have no
 * order in a log: they are run as they returned, and where that does not lead
 * to the kernel's answer, one that was under way is tried first.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/program_strace.h"

#define PAGE	4096ULL

int strace_emit(struct program_state *s, const char *fmt, ...)
{
	char line[1024];
	va_list args;

	va_start(args, fmt);
	vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	return program_run_line(s, line);
}

bool strace_is(const struct strace_call *c, const char *name)
{
	return !strcmp(c->name, name);
}

bool strace_succeeded(const struct strace_call *c)
{
	return c->end && !program_errno(c->ret) && strcmp(c->ret, "?");
}

/* --- processes -------------------------------------------------------------------- */

static bool is_clone(const struct strace_call *c)
{
	return strace_is(c, "fork") || strace_is(c, "vfork") || strace_is(c, "clone") ||
	       strace_is(c, "clone3");
}

/* At its beginning, for the child may be faster. */
static int do_clone(struct program_strace *t, const struct strace_call *c)
{
	bool vm = strace_is(c, "vfork") || strstr(c->args, "CLONE_VM");
	bool files = strstr(c->args, "CLONE_FILES");
	struct program_proc *p = program_proc(t->s, c->pid);
	unsigned owner = strace_fd_owner(t, c->pid);
	uint64_t child;
	int err;

	if (!strace_succeeded(c) || !program_number(c->ret, &child) || !child)
		return 0;
	err = strace_add_task(t, (unsigned)child, files ? owner : (unsigned)child);
	if (!err && !files)
		err = strace_copy_fds(t, owner, (unsigned)child);
	if (err)
		return err;
	if (vm)
		return program_proc_share(t->s, p, (unsigned)child);
	return strace_emit(t->s, "K %u fork = P%llu", c->pid, (unsigned long long)child);
}

/* prlimit64(0, RLIMIT_STACK, {rlim_cur=8192*1024, ...}, NULL), setrlimit(...) */
static int do_rlimit(struct program_strace *t, const struct strace_call *c, char **arg,
		     unsigned n)
{
	unsigned at = strace_is(c, "prlimit64");
	uint64_t nr, value, who = 0;
	char *cur;

	if (n < at + 2 || !strace_succeeded(c) || (at && !strace_number(arg[0], &who)) ||
	    !strace_number(arg[at], &nr))
		return 0;
	cur = strstr(arg[at + 1], "rlim_cur=");
	if (!cur || (who && who != c->pid))
		return 0;
	cur += 9;
	cur[strcspn(cur, ",}")] = '\0';
	if (!strace_number(cur, &value))
		return program_broken(t->s, "rlim_cur needs a number, not '%.40s'", cur);
	return strace_emit(t->s, "R %u res%llu %llu", c->pid, (unsigned long long)nr,
		    (unsigned long long)value);
}

/* --- calls that are compared ---------------------------------------------------------- */

static const char *const compared[] = {
	"mmap", "munmap", "mprotect", "mremap", "brk", "madvise", "mlock", "mlock2",
	"munlock", "mlockall", "munlockall", "msync", "mseal", "pkey_mprotect",
	"pkey_alloc", "pkey_free", "remap_file_pages", "shmget", "shmat", "shmdt",
	"personality",
};

static bool is_compared(const struct strace_call *c)
{
	size_t i;

	for (i = 0; i < sizeof(compared) / sizeof(compared[0]); i++)
		if (strace_is(c, compared[i]))
			return true;
	return false;
}

/* The first answers after execve have told where things are. */
static bool is_given(struct program_proc *p, const struct strace_call *c, char **arg,
		     unsigned n)
{
	unsigned bit = 0;

	if (strace_is(c, "brk"))
		bit = 1;
	if (strace_is(c, "mmap") && n && !strcmp(arg[0], "NULL"))
		bit = 2;
	if (!(p->given_calls & bit))
		return false;
	p->given_calls &= ~bit;
	return true;
}

/* "S pid name 0x1 0x2 = ret [@note]" */
static int do_call(struct program_strace *t, const struct strace_call *c, char **arg,
		   unsigned n)
{
	struct program_proc *p = program_proc(t->s, c->pid);
	char text[512] = "", note[64] = "";
	uint64_t value;
	unsigned i;
	int err = 0;

	if (!p || !strcmp(c->ret, "?"))
		return 0;
	for (i = 0; i < n; i++) {
		if (strace_is(c, "mmap") && i == 4) {
			value = ~0ULL;
			err = strace_file_note(t, c, arg[i], note, sizeof(note));
		} else if (!strace_number(arg[i], &value)) {
			/* What a call only reads from memory is no matter here. */
			if (arg[i][0] != '{' && arg[i][0] != '[')
				return program_broken(t->s, "'%.60s' is no argument of %s "
						      "that is known", arg[i], c->name);
			value = 0;
		}
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%#llx ",
			 (unsigned long long)value);
	}
	if (err)
		return err;
	t->s->given = is_given(p, c, arg, n);
	err = strace_emit(t->s, "S %u %s %s= %s %s", c->pid, c->name, text, c->ret, note);
	t->s->given = false;
	return err;
}

/* --- all of them ------------------------------------------------------------------------ */

static int run_split(struct program_strace *t, size_t at, char **arg, unsigned n)
{
	const struct strace_call *c = &t->log.call[at];
	bool exec = strace_is(c, "execve") || strace_is(c, "execveat");
	int err;

	if (!c->name[0])
		return program_proc(t->s, c->pid) ? strace_emit(t->s, "X %u", c->pid) : 0;
	if (exec)
		return strace_succeeded(c) ? strace_exec(t, at, arg, n) : 0;
	err = strace_introduce(t, at, arg, n);
	if (err || !program_proc(t->s, c->pid))
		return err;
	if (is_clone(c))
		return do_clone(t, c);
	if (strace_is(c, "openat") || strace_is(c, "open"))
		return strace_open(t, c, arg, n);
	if (!strncmp(c->name, "dup", 3) || strace_is(c, "fcntl"))
		return strace_dup(t, c, arg, n);
	if (strace_is(c, "prlimit64") || strace_is(c, "setrlimit"))
		return do_rlimit(t, c, arg, n);
	return is_compared(c) ? do_call(t, c, arg, n) : 0;
}

static int run_call(struct program_strace *t, size_t at)
{
	struct strace_call *c = &t->log.call[at];
	char *arg[STRACE_MAX_ARGS], *args;
	uint64_t line = t->s->reader->line;
	int err;

	c->done = true;
	if (!c->end)
		return 0;
	args = strdup(c->args);
	if (!args)
		return -ENOMEM;
	t->s->reader->line = c->end;
	err = run_split(t, at, arg, strace_split(args, arg, STRACE_MAX_ARGS));
	if (!err)
		t->s->reader->line = line;
	free(args);
	return err;
}

/* The line at which a call is run: a child may run before its parent returns. */
static uint64_t moment(const struct strace_call *c)
{
	return is_clone(c) || !c->end ? c->begin : c->end;
}

bool program_strace_other_first(struct program_state *s, unsigned nr)
{
	struct program_strace *t = s->strace;
	uint64_t now = s->reader->line;
	size_t i, best = t->log.nr;

	for (i = 0; i < t->log.nr && t->log.call[i].begin < now; i++) {
		struct strace_call *c = &t->log.call[i];

		if (c->done || !c->end || !is_compared(c) ||
		    program_proc(s, c->pid) != program_proc(s, nr))
			continue;
		if (best == t->log.nr || c->end < t->log.call[best].end)
			best = i;
	}
	if (best == t->log.nr)
		return false;
	t->err = run_call(t, best);
	return !t->err;
}

/* Is it outside of what the log has told of this process? */
bool program_strace_believe(struct program_state *s, struct program_proc *p,
			    uint64_t addr, uint64_t len)
{
	uint64_t end = addr + ((len + PAGE - 1) & ~(PAGE - 1)), next;
	struct program_range r;
	bool given = false;

	if (addr % PAGE || end <= addr)
		return false;
	if (end > p->given_below && addr < p->given_above)
		return false;
	for (; addr < end; addr = next) {
		bool have = s->b->next_range(s->host, p->handle, addr, &r);

		next = have && r.start <= addr ? r.end :
		       have && r.start < end ? r.start : end;
		if (have && r.start <= addr)
			continue;
		r = (struct program_range) { .start = addr, .end = next, .prot = 7 };
		if (s->b->install(s->host, p->handle, &r, NULL, PROGRAM_PLAIN))
			return false;
		given = true;
	}
	return given;
}

static int by_moment(const void *a, const void *b)
{
	const struct strace_call *x = *(struct strace_call *const *)a;
	const struct strace_call *y = *(struct strace_call *const *)b;

	return moment(x) < moment(y) ? -1 : moment(x) > moment(y);
}

static int run_all(struct program_strace *t)
{
	struct strace_call **order = malloc(t->log.nr * sizeof(struct strace_call *));
	size_t i;
	int err = 0;

	if (!order)
		return -ENOMEM;
	for (i = 0; i < t->log.nr; i++)
		order[i] = &t->log.call[i];
	qsort(order, t->log.nr, sizeof(struct strace_call *), by_moment);
	for (i = 0; i < t->log.nr && !err; i++) {
		t->s->reader->line = moment(order[i]);
		if (!order[i]->done)
			err = run_call(t, (size_t)(order[i] - t->log.call));
		if (!err)
			err = t->err;
	}
	free(order);
	return err;
}

int program_strace_run(struct program_state *s, char *line)
{
	struct program_strace t = { .s = s };
	struct program_report *r = s->report;
	const char *what = NULL;
	int err;

	do {
		err = strace_add_line(&t.log, line, s->reader->line, &what);
		if (err == -EINVAL)
			program_broken(s, "%s", what);
		if (err)
			break;
		err = program_next_line(s->reader, &line, r->error, sizeof(r->error));
		r->lines += err > 0;
	} while (err > 0);
	s->strace = &t;
	if (!err)
		err = run_all(&t);
	s->strace = NULL;
	strace_log_free(&t.log);
	free(t.task);
	free(t.file);
	return err;
}
