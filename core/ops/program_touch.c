/* SPDX-License-Identifier: MIT */
/*
 * program_touch.c: lines that touch memory. T: one access, whose outcome the
 * line says. f: a page fault of a program; whether it was resolved or ended in
 * a signal is said by the next line of its process, so the verdict waits.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/program_int.h"

#define PAGE	4096ULL

static void fault_text(char *buf, size_t size, int err,
		       const struct program_fault *f, enum program_access kind,
		       uint64_t value)
{
	const char *code = "MAPERR";

	if (!err && kind == PROGRAM_LOAD)
		snprintf(buf, size, "ok %#llx", (unsigned long long)value);
	else if (!err)
		snprintf(buf, size, "ok");
	else if (f->signo == SIGBUS)
		snprintf(buf, size, "SIGBUS/ADRERR@%llx", (unsigned long long)f->addr);
	else if (f->code == SI_KERNEL)
		snprintf(buf, size, "SIGSEGV/KERNEL@0");
	else {
		if (f->code == SEGV_ACCERR)
			code = "ACCERR";
		snprintf(buf, size, "SIGSEGV/%s@%llx", code,
			 (unsigned long long)f->addr);
	}
}

/* T n r|w|x|R|W addr [val] = ok [byte] | SIGNAL/CODE@addr */
int program_touch_line(struct program_state *s, struct program_proc *p,
		       char **word, unsigned n)
{
	bool store = n > 2 && (word[2][0] | 32) == 'w';
	enum program_access kind = store ? PROGRAM_STORE : PROGRAM_LOAD;
	struct program_fault fault = { 0, 0, 0 };
	unsigned at = store ? 5 : 4, size = 1;
	uint64_t addr, value = 0, want;
	const char *at_pc;
	char got[64];
	bool same;
	int err;

	if (n < at + 2 || strcmp(word[at], "="))
		return program_broken(s, "a touch needs: T n r|w|x ADDR [VALUE] = RESULT");
	if (!program_want_number(s, word[3], &addr) ||
	    (store && !program_want_number(s, word[4], &value)))
		return -EINVAL;
	if (word[2][0] == 'x')
		kind = PROGRAM_EXEC;
	if (word[2][0] == 'R' || word[2][0] == 'W')
		size = 8;
	err = s->b->access(s->host, p->handle, kind, addr, size, &value, &fault);
	fault_text(got, sizeof(got), err, &fault, kind, value);
	if (!err && kind == PROGRAM_LOAD && n > at + 2)
		same = !strcmp(word[at + 1], "ok") &&
			program_number(word[at + 2], &want) && want == value;
	else
		same = !strncmp(got, word[at + 1], strlen(word[at + 1])) &&
			(err ? !got[strlen(word[at + 1])] : true);
	/*
	 * An executed byte was run: a fault elsewhere is what the instruction that
	 * happened to be there did, after it had been fetched.
	 */
	at_pc = strrchr(word[at + 1], '@');
	if (kind == PROGRAM_EXEC && !err && at_pc)
		same = strtoull(at_pc + 1, NULL, 16) != addr;
	if (same)
		program_equal(s, PROGRAM_T);
	else
		program_unequal(s, PROGRAM_T, "P%u %s %s is %s, the kernel said %s %s",
				p->nr, word[2], word[3], got, word[at + 1],
				n > at + 2 ? word[at + 2] : "");
	/* A stack may have grown; its D line follows only with the next call. */
	if (s->cases)
		p->layout = program_layout_hash(s, p);
	return 0;
}

/* --- faults of programs ------------------------------------------------- */

/* f n addr errcode u|k: a page fault, made again by the same kind of access */
int program_fault_line(struct program_state *s, struct program_proc *p,
		       char **word, unsigned n)
{
	struct program_last_fault *last = &p->last;
	enum program_access kind = PROGRAM_LOAD;
	uint64_t value = 0;

	if (n < 5)
		return program_broken(s, "a fault needs: f n ADDR ERRCODE u|k");
	*last = (struct program_last_fault) { .line = s->reader->line };
	if (!program_want_number(s, word[2], &last->addr) ||
	    !program_want_number(s, word[3], &last->code))
		return -EINVAL;
	if (last->code & 2)
		kind = PROGRAM_STORE;
	else if (last->code & 16)
		kind = PROGRAM_EXEC;
	last->by_kernel = word[4][0] == 'k';
	last->refused = s->b->access(s->host, p->handle, kind, last->addr, 1, &value,
				     &last->fault);
	last->waiting = true;
	return 0;
}

/* The tally of a fault names the fault's line, not the one that decides. */
static void fault_unequal(struct program_state *s, const struct program_proc *p,
			  const char *kernel)
{
	const struct program_last_fault *last = &p->last;
	uint64_t line = s->reader->line;
	char got[64] = "is resolved";

	if (last->refused)
		fault_text(got, sizeof(got), -EFAULT, &last->fault, PROGRAM_LOAD, 0);
	s->reader->line = last->line;
	program_unequal(s, PROGRAM_F, "P%u fault %#llx at %#llx: %s, the kernel's %s",
			p->nr, (unsigned long long)last->code,
			(unsigned long long)last->addr, got, kernel);
	s->reader->line = line;
}

void program_fault_passed(struct program_state *s, struct program_proc *p,
			  const char *result)
{
	struct program_last_fault *last = &p->last;

	if (!last->waiting)
		return;
	last->waiting = false;
	if (!last->refused || (last->by_kernel && result && !strcmp(result, "EFAULT")))
		program_equal(s, PROGRAM_F);
	else if (last->by_kernel)
		/* A call that is not recorded may have failed for it. */
		program_unsupported(s, PROGRAM_F, "a fault in a call that is not recorded");
	else
		fault_unequal(s, p, "was resolved");
}

/* "! P2 signal SIGSEGV code=1 addr=0x10": what the fault before ended in */
int program_signal_line(struct program_state *s, struct program_proc *p,
			char **word, unsigned n)
{
	struct program_last_fault *last = &p->last;
	const char *code = program_value(word, n, "code");
	const char *addr = program_value(word, n, "addr");
	int signo = 0;
	uint64_t nr, at = 0;

	if (n > 3 && !strcmp(word[3], "SIGSEGV"))
		signo = SIGSEGV;
	if (n > 3 && !strcmp(word[3], "SIGBUS"))
		signo = SIGBUS;
	if (!signo || !code || !addr || !program_number(code, &nr) ||
	    (strcmp(addr, "(nil)") && !program_number(addr, &at)) ||
	    !last->waiting || last->by_kernel || last->addr != at) {
		/* Not of this fault. */
		program_fault_passed(s, p, NULL);
		return 0;
	}
	last->waiting = false;
	if (last->refused && last->fault.signo == signo && last->fault.addr == at &&
	    last->fault.code == (int)nr)
		program_equal(s, PROGRAM_F);
	else
		fault_unequal(s, p, word[3]);
	return 0;
}

/* g n startpage 3A2.5F: what execve itself has made resident */
int program_resident_line(struct program_state *s, struct program_proc *p,
			  char **word, unsigned n)
{
	struct program_fault fault;
	uint64_t addr, value = 0;
	const char *run;

	if (n < 4)
		return program_broken(s, "residency needs: g n PAGE RUNS");
	if (!p->at_exec)
		return 0;
	addr = strtoull(word[2], NULL, 16) * PAGE;
	for (run = word[3]; *run; run++) {
		char *end;
		uint64_t count = strtoull(run, &end, 10);

		if (end == run || !*end || !count)
			return program_broken(s, "'%.40s' is no list of runs", word[3]);
		if (count > (*end == 'A' ? PROGRAM_MAX_RUN : 1ULL << 36))
			return program_broken(s, "a run of %llu pages: at most %llu",
					      (unsigned long long)count, PROGRAM_MAX_RUN);
		run = end;
		if (*run == 'A')
			for (; count; count--, addr += PAGE)
				s->b->access(s->host, p->handle, PROGRAM_STORE, addr, 1,
					     &value, &fault);
		addr += count * PAGE;
	}
	return 0;
}
