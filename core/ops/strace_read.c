/* SPDX-License-Identifier: MIT */
/*
 * strace_read.c: lines of strace, one or two of which make a call:
 *
 *	[PID] [TIME] NAME(ARGS) = RET [NOTE]
 *	[PID] [TIME] NAME(ARGS <unfinished ...>
 *	[PID] [TIME] <... NAME resumed>ARGS) = RET
 *	[PID] [TIME] +++ exited with 0 +++
 *
 * PID is "123" or "[pid 123]". Signals and strace's own remarks are passed by.
 * Written to a terminal, strace leaves PID out while there is one process, and
 * breaks lines off to say that it attached to another.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "ops/strace.h"

#define UNFINISHED	"<unfinished ...>"

static char *skip_blanks(char *p)
{
	while (*p == ' ' || *p == '\t')
		p++;
	return p;
}

/* Past a time: 12:34:56.789, 1795206676.690634, +0.000123. */
static char *skip_time(char *p)
{
	char *end = p;

	if (!isdigit((unsigned char)p[*p == '+']))
		return p;
	while (isdigit((unsigned char)*end) || *end == ':' || *end == '.' || *end == '+')
		end++;
	return end > p && *end == ' ' ? skip_blanks(end) : p;
}

/* Past process and time. A number alone is the process, if no dot is in it. */
static char *skip_head(char *p, unsigned *pid)
{
	char *end;

	*pid = 0;
	p = skip_blanks(p);
	if (!strncmp(p, "[pid ", 5)) {
		*pid = (unsigned)strtoul(p + 5, &end, 10);
		if (*end != ']')
			return p;
		p = skip_blanks(end + 1);
	} else if (isdigit((unsigned char)*p)) {
		unsigned long nr = strtoul(p, &end, 10);

		if (*end == ' ') {
			*pid = (unsigned)nr;
			p = skip_blanks(end);
		}
	}
	return skip_time(p);
}

/* --- logs of a terminal --------------------------------------------------------- */

/* "NAME(ARG, strace: Process 30768 attached": what comes before is kept. */
static int take_remark(struct strace_log *log, char *line, bool *torn)
{
	char *at = strstr(line, "strace: Process "), *end;
	unsigned *child;
	unsigned long nr;

	*torn = false;
	if (!at)
		return 0;
	nr = strtoul(at + strlen("strace: Process "), &end, 10);
	if (strcmp(end, " attached"))
		return 0;
	child = realloc(log->child, (log->nr_children + 1) * sizeof(*child));
	if (!child)
		return -ENOMEM;
	log->child = child;
	child[log->nr_children++] = (unsigned)nr;
	*at = '\0';
	free(log->torn);
	log->torn = strdup(line);
	*torn = true;
	return log->torn ? 0 : -ENOMEM;
}

static unsigned *find_child(const struct strace_log *log, unsigned pid)
{
	size_t i;

	for (i = 0; i < log->nr_children; i++)
		if (log->child[i] == pid)
			return &log->child[i];
	return NULL;
}

/* A number that nobody was given is the first process's; none, the last one's. */
static unsigned whose(const struct strace_log *log, unsigned pid)
{
	size_t i;

	if (!log->nr_children || (pid && find_child(log, pid)))
		return pid;
	if (pid || !log->first_gone)
		return 0;
	for (i = log->nr_children; i-- > 0;)
		if (log->child[i])
			return log->child[i];
	return 0;
}

static void note_end(struct strace_log *log, unsigned pid)
{
	unsigned *child = find_child(log, pid);

	if (child)
		*child = 0;
	else
		log->first_gone = true;
}

/* --- lines ------------------------------------------------------------------------ */

static size_t name_len(const char *p)
{
	size_t n = 0;

	while (islower((unsigned char)p[n]) || isdigit((unsigned char)p[n]) || p[n] == '_')
		n++;
	return n;
}

bool strace_is_line(const char *line)
{
	unsigned pid;
	const char *p = skip_head((char *)line, &pid);
	size_t n = name_len(p);

	return (n > 1 && p[n] == '(') || !strncmp(p, "<... ", 5) ||
	       !strncmp(p, "+++ ", 4) || !strncmp(p, "--- ", 4) ||
	       !strncmp(p, "strace: ", 8);
}

/* The last ") = " ends the arguments: whatever strings are in them. */
static char *find_result(char *p)
{
	char *at = p + strlen(p);

	while (at-- > p) {
		char *close = at;

		if (at[0] != '=' || at[1] != ' ')
			continue;
		while (close > p && close[-1] == ' ')
			close--;
		if (close < at && close > p && close[-1] == ')') {
			close[-1] = '\0';
			return at + 2;
		}
	}
	return NULL;
}

/* "-1 EINVAL (Invalid argument)" -> "EINVAL"; else the first word. */
static char *result_word(char *ret)
{
	char *end;

	if (!strncmp(ret, "-1 E", 4))
		ret += 3;
	end = ret + strcspn(ret, " <");
	*end = '\0';
	return ret;
}

static struct strace_call *new_call(struct strace_log *log)
{
	if (log->nr == log->cap) {
		size_t cap = log->cap ? 2 * log->cap : 1024;
		struct strace_call *call = realloc(log->call, cap * sizeof(*call));

		if (!call)
			return NULL;
		log->call = call;
		log->cap = cap;
	}
	memset(&log->call[log->nr], 0, sizeof(*log->call));
	return &log->call[log->nr++];
}

static int add_call(struct strace_log *log, unsigned pid, uint64_t begin,
		    const char *name, const char *args)
{
	struct strace_call *c = new_call(log);

	if (!c)
		return -ENOMEM;
	c->pid = pid;
	c->begin = begin;
	c->name = strdup(name);
	c->args = strdup(args);
	return c->name && c->args ? 0 : -ENOMEM;
}

static int end_call(struct strace_call *c, uint64_t line, const char *ret)
{
	c->end = line;
	c->ret = strdup(ret);
	return c->ret ? 0 : -ENOMEM;
}

/* The call of this process that has not returned. */
static struct strace_call *find_unfinished(struct strace_log *log, unsigned pid)
{
	size_t i;

	for (i = log->nr; i-- > 0;)
		if (log->call[i].pid == pid)
			return log->call[i].end ? NULL : &log->call[i];
	return NULL;
}

/* "<... mmap resumed>) = 0x7ffff7fc0000" */
static int add_resumed(struct strace_log *log, unsigned pid, char *p, uint64_t nr,
		       const char **what)
{
	struct strace_call *c = find_unfinished(log, pid);
	char *rest = strchr(p, '>'), *ret, *args;

	*what = "the end of a call whose beginning is not there: record from the start on";
	if (!c || !rest)
		return -EINVAL;
	ret = find_result(++rest);
	*what = "a call needs: NAME(ARGS) = RESULT";
	if (!ret)
		return -EINVAL;
	args = realloc(c->args, strlen(c->args) + strlen(rest) + 1);
	if (!args)
		return -ENOMEM;
	c->args = strcat(args, rest);
	return end_call(c, nr, result_word(ret));
}

static int add_begun(struct strace_log *log, unsigned pid, char *p, uint64_t nr,
		     const char **what)
{
	size_t n = name_len(p);
	char *args = p + n + 1, *unfinished, *ret;
	int err;

	*what = "a line of strace needs: NAME(ARGS) = RESULT; record with strace -f -o FILE";
	if (!n || p[n] != '(')
		return -EINVAL;
	p[n] = '\0';
	unfinished = strstr(args, UNFINISHED);
	if (unfinished && !unfinished[strlen(UNFINISHED)]) {
		*unfinished = '\0';
		return add_call(log, pid, nr, p, args);
	}
	ret = find_result(args);
	if (!ret)
		return -EINVAL;
	err = add_call(log, pid, nr, p, args);
	return err ? err : end_call(&log->call[log->nr - 1], nr, result_word(ret));
}

static int add_whole(struct strace_log *log, char *line, uint64_t nr,
		     const char **what)
{
	unsigned pid;
	char *p = skip_head(line, &pid);
	int err;

	pid = whose(log, pid);
	if (!*p || !strncmp(p, "--- ", 4) || !strncmp(p, "strace: ", 8))
		return 0;
	if (!strncmp(p, "+++ ", 4)) {
		note_end(log, pid);
		err = add_call(log, pid, nr, "", "");
		return err ? err : end_call(&log->call[log->nr - 1], nr, "0");
	}
	if (!strncmp(p, "<... ", 5))
		return add_resumed(log, pid, p, nr, what);
	return add_begun(log, pid, p, nr, what);
}

int strace_add_line(struct strace_log *log, char *line, uint64_t nr,
		    const char **what)
{
	char *whole = NULL;
	bool torn;
	int err;

	if (log->torn) {
		whole = malloc(strlen(log->torn) + strlen(line) + 1);
		if (!whole)
			return -ENOMEM;
		line = strcat(strcpy(whole, log->torn), line);
		free(log->torn);
		log->torn = NULL;
	}
	err = take_remark(log, line, &torn);
	if (!err && !torn)
		err = add_whole(log, line, nr, what);
	free(whole);
	return err;
}

void strace_log_free(struct strace_log *log)
{
	size_t i;

	for (i = 0; i < log->nr; i++) {
		free(log->call[i].name);
		free(log->call[i].args);
		free(log->call[i].ret);
	}
	free(log->call);
	free(log->torn);
	free(log->child);
	memset(log, 0, sizeof(*log));
}
