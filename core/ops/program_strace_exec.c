/* SPDX-License-Identifier: MIT */
/*
 * program_strace_exec.c: how processes begin in strace's text. The layout that
 * execve makes is not in it: what can be known of it shows in the first break
 * and in the place of the first mapping, which is just below.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/program_strace.h"

#define PAGE	4096ULL

/* The first answers after it: 0 where there is none before the next execve. */
static void look_ahead(const struct strace_log *log, size_t at, uint64_t *brk,
		       uint64_t *top)
{
	unsigned pid = log->call[at].pid;
	size_t i;

	*brk = *top = 0;
	for (i = at + 1; i < log->nr && !(*brk && *top); i++) {
		const struct strace_call *c = &log->call[i];
		uint64_t ret, len;
		char *text, *arg[STRACE_MAX_ARGS];

		if (c->pid != pid || !strace_succeeded(c) || !program_number(c->ret, &ret))
			continue;
		if (strace_is(c, "execve") || strace_is(c, "execveat"))
			return;
		if (strace_is(c, "brk") && !*brk)
			*brk = ret;
		if (!strace_is(c, "mmap") || strncmp(c->args, "NULL,", 5) || *top)
			continue;
		text = strdup(c->args);
		if (text && strace_split(text, arg, STRACE_MAX_ARGS) > 1 &&
		    strace_number(arg[1], &len))
			*top = ret + ((len + PAGE - 1) & ~(PAGE - 1));
		free(text);
	}
}

/* Without randomisation the stack's limit decides where mappings begin. */
static uint64_t fixed_base(const struct program_proc *p)
{
	uint64_t gap = p->rlimit[3], least = 128ULL << 20, task = 0x7ffffffff000ULL;

	gap = gap > task - (1ULL << 20) ? task : gap + (1ULL << 20);
	if (gap < least)
		gap = least;
	if (gap > task / 6 * 5)
		gap = task / 6 * 5;
	return (task - gap) & ~(PAGE - 1);
}

/* The program, its interpreter and [vdso], as far as their places are known. */
static int layout_of_exec(struct program_state *s, unsigned pid, uint64_t brk,
			  uint64_t top)
{
	struct program_proc *p = program_proc(s, pid);
	uint64_t base = fixed_base(p), pie = 0x555555554000ULL, low;
	char program[64] = "";

	if (!top)
		top = base - (8ULL << 12);
	/* Further away than any interpreter is long: placed at random. */
	if (top >= base || base - top > 64ULL << 20)
		base = top + (1ULL << 20);
	low = brk > pie && brk - pie < 1ULL << 30 ? pie :
	      brk > 0x400000 && brk < 1ULL << 30 ? 0x400000 : 0;
	if (low)
		snprintf(program, sizeof(program), " %llx-%llx:rw-p:0:program",
			 (unsigned long long)low >> 12,
			 (unsigned long long)(brk + PAGE - 1) >> 12);
	p->given_below = brk;
	p->given_above = top;
	return strace_emit(s, "D %u%s %llx-%llx:r-xp:0:interpreter 7ffffffde-7ffffffff:rw-p:0:[stack]",
		    pid, program, (unsigned long long)top >> 12,
		    (unsigned long long)base >> 12);
}

/* A process begins with what execve leaves behind; from: whose limits it has. */
static int new_image(struct program_strace *t, size_t at, const char *path,
		     const char *from)
{
	struct program_state *s = t->s;
	unsigned pid = t->log.call[at].pid;
	uint64_t brk, top;
	int err;

	look_ahead(&t->log, at, &brk, &top);
	err = strace_emit(s, "E P%u %s from=%s", pid, path, from);
	if (!err)
		err = layout_of_exec(s, pid, brk, top);
	if (!err && brk)
		err = strace_emit(s, "B %u start_brk=%#llx start_data=0 end_data=0", pid,
			   (unsigned long long)brk);
	if (!err)
		program_proc(s, pid)->given_calls = (brk != 0) + 2 * (top != 0);
	return err;
}

int strace_exec(struct program_strace *t, size_t at, char **arg, unsigned n)
{
	unsigned pid = t->log.call[at].pid;
	struct program_proc *p = program_proc(t->s, pid);
	char path[256] = "", from[24] = "PNone";
	int err;

	if (strace_fd_owner(t, pid) == STRACE_NO_TASK) {
		err = strace_add_task(t, pid, pid);
		if (err)
			return err;
	}
	if (n)
		strace_string(arg[n > 1 && strace_is(&t->log.call[at], "execveat")], path,
			      sizeof(path));
	if (p)
		snprintf(from, sizeof(from), "P%u", p->nr);
	/* A child that has borrowed its parent's memory gives it back. */
	if (p && p->nr != pid) {
		err = strace_emit(t->s, "X %u", pid);
		if (err)
			return err;
	}
	return new_image(t, at, path, from);
}

/* --- processes that were not seen to begin ------------------------------------------ */

static bool has_exec(const struct strace_log *log)
{
	size_t i;

	for (i = 0; i < log->nr; i++)
		if (strace_is(&log->call[i], "execve") || strace_is(&log->call[i], "execveat"))
			return true;
	return false;
}

/*
 * brk(NULL) tells the break and changes nothing. In a log that leaves execve
 * out, another break than the last is another program.
 */
static bool exec_unseen(struct program_strace *t, const struct strace_call *c,
			char **arg, unsigned n)
{
	struct program_proc *p = program_proc(t->s, c->pid);
	const uint64_t none[6] = { 0 };
	uint64_t brk;

	return n && strace_is(c, "brk") && !strcmp(arg[0], "NULL") && !has_exec(&t->log) &&
	       program_number(c->ret, &brk) &&
	       (uint64_t)t->s->b->call(t->s->host, p->handle, PROGRAM_BRK, none, NULL) != brk;
}

/* Sees to it that the process is there, unless it has ended before. */
int strace_introduce(struct program_strace *t, size_t at, char **arg, unsigned n)
{
	const struct strace_call *c = &t->log.call[at];

	if (program_proc(t->s, c->pid))
		return exec_unseen(t, c, arg, n) ? new_image(t, at, "?", "PNone") : 0;
	if (strace_fd_owner(t, c->pid) != STRACE_NO_TASK)
		return 0;
	if (t->nr_tasks)
		return program_broken(t->s, "process %u, but no clone or fork made it; record "
				      "with strace -f -e trace=%%memory,%%process,%%desc", c->pid);
	/* The first one, whose execve was not seen. */
	return strace_add_task(t, c->pid, c->pid) ? -ENOMEM : new_image(t, at, "?", "PNone");
}
