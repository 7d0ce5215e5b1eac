/* SPDX-License-Identifier: MIT */
/*
 * program_lines.c: every line of a recording but S and D: processes and files
 * come and go, memory is touched, and what was seen is compared.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/program_int.h"

#define PAGE	4096ULL

static const uint64_t default_rlimit[PROGRAM_NR_RLIMITS] = {
	~0ULL, ~0ULL, ~0ULL, 8ULL << 20, 0, ~0ULL, ~0ULL, 1024,
	8ULL << 20, ~0ULL, ~0ULL, ~0ULL, ~0ULL, 0, 0, ~0ULL,
};

static bool number(struct program_state *s, const char *text, uint64_t *value)
{
	if (program_number(text, value))
		return true;
	program_broken(s, "'%.40s' is no number", text);
	return false;
}

/* --- processes and files ------------------------------------------------------- */

static int line_init(struct program_state *s, unsigned nr)
{
	if (!program_proc_new(s, nr, default_rlimit))
		return -ENOMEM;
	return 0;
}

/* E Pn path from=Pm */
static int line_exec(struct program_state *s, char **word, unsigned n)
{
	const char *from = program_value(word, n, "from");
	const uint64_t *rlimit = default_rlimit;
	struct program_proc *parent, *p;
	unsigned nr, old;

	if (n < 4 || sscanf(word[1], "P%u", &nr) != 1 || !from ||
	    sscanf(from, "P%u", &old) != 1)
		return program_broken(s, "an execve needs: E Pn PATH from=Pm");
	parent = program_proc(s, old);
	if (parent)
		rlimit = parent->rlimit;
	p = program_proc_new(s, nr, rlimit);
	if (!p)
		return -ENOMEM;
	p->at_exec = true;
	return 0;
}

/* K n fork = Pm; threads and vfork share the address space. */
static int line_clone(struct program_state *s, struct program_proc *p,
		      char **word, unsigned n)
{
	unsigned nr;

	if (n < 5 || strcmp(word[2], "fork"))
		return 0;
	if (sscanf(word[4], "P%u", &nr) != 1)
		return program_broken(s, "a fork needs: K n fork = Pm");
	return program_proc_fork(s, p, nr) ? 0 : -ENOMEM;
}

static enum program_file_kind kind_of(const char *kind)
{
	if (!strcmp(kind, "memfd"))
		return PROGRAM_SHMEM;
	if (!strcmp(kind, "zero"))
		return PROGRAM_ZERO;
	return strcmp(kind, "ext4") ? PROGRAM_NODEV : PROGRAM_EXT4;
}

/* F n fd=3 file=F0 kind=memfd size=0 oflags=0x2 path=... */
static int line_open(struct program_state *s, char **word, unsigned n)
{
	const char *fd = program_value(word, n, "fd");
	const char *name = program_value(word, n, "file");
	const char *kind = program_value(word, n, "kind");
	const char *size = program_value(word, n, "size");
	const char *oflags = program_value(word, n, "oflags");
	uint64_t nr, bytes, flags = 2;
	void *file;

	if (!fd || !name || !kind || !size)
		return program_broken(s, "a file needs: F n fd= file= kind= size=");
	if (!number(s, fd, &nr) || !number(s, size, &bytes) ||
	    (oflags && !number(s, oflags, &flags)))
		return -EINVAL;
	file = program_file_new(s, name, kind_of(kind), bytes,
				(flags & 3) == 0 ? 1 : (flags & 3) == 1 ? 2 : 3,
				program_value(word, n, "path"));
	return file ? program_fd_set(s, nr, file) : -ENOMEM;
}

/* N F0 dev=fe:00 ino=248139 path=/usr/bin/true */
static int line_new_file(struct program_state *s, char **word, unsigned n)
{
	const char *dev = program_value(word, n, "dev");
	const char *path = program_value(word, n, "path");
	enum program_file_kind kind = PROGRAM_EXT4;

	if (n < 3 || !dev || !path)
		return program_broken(s, "a file needs: N Fn dev= ino= path=");
	if (!strcmp(path, "/dev/zero"))
		kind = PROGRAM_ZERO;
	else if (!strncmp(dev, "00:", 3))
		kind = PROGRAM_SHMEM;
	/* Its size comes with the first mapping; until then it is large. */
	return program_file_new(s, word[1], kind, 1ULL << 40, 1, NULL) ? 0 : -ENOMEM;
}

static int line_resize(struct program_state *s, char **word, unsigned n)
{
	const char *size = program_value(word, n, "size");
	uint64_t bytes;
	void *file;

	if (n < 3 || !size)
		return program_broken(s, "a new size needs: Z Fn size=");
	file = program_file(s, word[1], 0);
	if (!number(s, size, &bytes))
		return -EINVAL;
	return file ? s->b->file_resize(s->host, file, bytes) : 0;
}

/* R n RLIMIT_x value, or R n resN value */
static int line_rlimit(struct program_state *s, struct program_proc *p,
		       char **word, unsigned n)
{
	static const struct { const char *name; unsigned nr; } names[] = {
		{ "RLIMIT_DATA", 2 }, { "RLIMIT_STACK", 3 }, { "RLIMIT_MEMLOCK", 8 },
		{ "RLIMIT_AS", 9 },
	};
	unsigned nr = PROGRAM_NR_RLIMITS;
	uint64_t value;
	size_t i;

	if (n < 4 || !number(s, word[3], &value))
		return program_broken(s, "a limit needs: R n RLIMIT_x VALUE");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(word[2], names[i].name))
			nr = names[i].nr;
	if (nr == PROGRAM_NR_RLIMITS && sscanf(word[2], "res%u", &nr) != 1)
		return program_broken(s, "unknown limit %s", word[2]);
	if (nr >= PROGRAM_NR_RLIMITS)
		return 0;
	p->rlimit[nr] = value;
	s->b->set_rlimit(s->host, p->handle, nr, value);
	return 0;
}

/* B n start_brk=.. start_data=.. end_data=.. */
static int line_fields(struct program_state *s, struct program_proc *p,
		       char **word, unsigned n)
{
	const char *brk = program_value(word, n, "start_brk");
	const char *from = program_value(word, n, "start_data");
	const char *to = program_value(word, n, "end_data");
	uint64_t start, lo, hi;

	if (!brk || !from || !to)
		return program_broken(s, "no start_brk=, start_data=, end_data=");
	if (!number(s, brk, &start) || !number(s, from, &lo) || !number(s, to, &hi))
		return -EINVAL;
	/* The second B line of a process is its last: nothing to set. */
	if (p->at_exec)
		s->b->set_brk(s->host, p->handle, start, hi - lo);
	return 0;
}

/* --- touches and faults ------------------------------------------------------------ */

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
static int line_touch(struct program_state *s, struct program_proc *p,
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
	if (!number(s, word[3], &addr) || (store && !number(s, word[4], &value)))
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

/* f n addr errcode u|k: a page fault, made again by the same kind of access */
static int line_fault(struct program_state *s, struct program_proc *p,
		      char **word, unsigned n)
{
	enum program_access kind = PROGRAM_LOAD;
	struct program_fault fault = { 0, 0, 0 };
	uint64_t addr, code, value = 0;
	char got[64];
	int err;

	if (n < 5)
		return program_broken(s, "a fault needs: f n ADDR ERRCODE u|k");
	if (!number(s, word[2], &addr) || !number(s, word[3], &code))
		return -EINVAL;
	if (code & 2)
		kind = PROGRAM_STORE;
	else if (code & 16)
		kind = PROGRAM_EXEC;
	err = s->b->access(s->host, p->handle, kind, addr, 1, &value, &fault);
	if (!err) {
		program_equal(s, PROGRAM_F);
		return 0;
	}
	fault_text(got, sizeof(got), err, &fault, kind, value);
	program_unequal(s, PROGRAM_F, "P%u fault %s at %s ends in %s", p->nr,
			word[3], word[2], got);
	return 0;
}

/* g n startpage 3A2.5F: what execve itself has made resident */
static int line_resident(struct program_state *s, struct program_proc *p,
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

		if (end == run || !*end || !count || count > 1ULL << 36)
			return program_broken(s, "'%.40s' is no list of runs", word[3]);
		run = end;
		if (*run == 'A')
			for (; count; count--, addr += PAGE)
				s->b->access(s->host, p->handle, PROGRAM_STORE, addr, 1,
					     &value, &fault);
		addr += count * PAGE;
	}
	return 0;
}

/* --- what was seen --------------------------------------------------------------------- */

/* C n mincore addr np = ENOMEM: one of the pages is not mapped */
static int line_incore_error(struct program_state *s, struct program_proc *p,
			     char **word, uint64_t addr, uint64_t count)
{
	int got = addr % PAGE ? -EINVAL : 0;
	uint64_t i;

	for (i = 0; i < count && got >= 0; i++)
		got = s->b->incore(s->host, p->handle, addr + i * PAGE);
	if (-got == program_errno(word[6]))
		program_equal(s, PROGRAM_C);
	else
		program_unequal(s, PROGRAM_C, "P%u mincore %s is not %s", p->nr, word[3],
				word[6]);
	return 0;
}

/* G n pagemap addr np = str, C n mincore addr np = str */
static int line_pages(struct program_state *s, struct program_proc *p,
		      char **word, unsigned n)
{
	bool map = word[0][0] == 'G';
	uint64_t addr, count, i;

	if (n == 6 && !map)
		return 0;		/* mincore of no page */
	if (n < 7 || !number(s, word[3], &addr) || !number(s, word[4], &count))
		return program_broken(s, "pages need: %s n NAME ADDR COUNT = TEXT",
				      word[0]);
	if (map ? !s->b->page_class : !s->b->incore) {
		program_unsupported(s, map ? PROGRAM_G : PROGRAM_C, word[2]);
		return 0;
	}
	if (!map && program_errno(word[6]))
		return line_incore_error(s, p, word, addr, count);
	if (strlen(word[6]) != count)
		return program_broken(s, "%llu pages, but the text has %zu",
				      (unsigned long long)count, strlen(word[6]));
	for (i = 0; i < count; i++) {
		char got = map ? s->b->page_class(s->host, p->handle, addr + i * PAGE) :
			(char)('0' + (s->b->incore(s->host, p->handle,
						   addr + i * PAGE) == 1));

		if (got == word[6][i])
			continue;
		program_unequal(s, map ? PROGRAM_G : PROGRAM_C,
				"P%u page %llu of %s is '%c', the kernel had '%c'", p->nr,
				(unsigned long long)i, word[3], got, word[6][i]);
		return 0;
	}
	program_equal(s, map ? PROGRAM_G : PROGRAM_C);
	return 0;
}

/* V n anon= shmem= ...: those that are exact on every host */
static int line_usage(struct program_state *s, struct program_proc *p,
		      char **word, unsigned n)
{
	static const char *const keys[] = { "anon", "shmem", "swap", "lck", "size",
					    "data" };
	struct program_usage u;
	uint64_t got[6], want;
	unsigned i;

	/* The counters at exec come before the pages that execve made. */
	if (p->at_exec && n && !strcmp(word[n - 1], "exec"))
		return 0;
	if (!s->b->usage || s->b->usage(s->host, p->handle, &u)) {
		program_unsupported(s, PROGRAM_V, "status counters");
		return 0;
	}
	memcpy(got, (uint64_t[]) { u.anon, u.shmem, u.swap, u.locked, u.size, u.data },
	       sizeof(got));
	for (i = 0; i < 6; i++) {
		const char *text = program_value(word, n, keys[i]);

		if (!text)
			continue;
		if (!number(s, text, &want))
			return -EINVAL;
		if (got[i] == want)
			continue;
		program_unequal(s, PROGRAM_V, "P%u %s is %llu, the kernel had %llu", p->nr,
				keys[i], (unsigned long long)got[i],
				(unsigned long long)want);
		return 0;
	}
	program_equal(s, PROGRAM_V);
	return 0;
}

/* L n vmflags addr = rd wr ... */
static int line_vmflags(struct program_state *s, struct program_proc *p,
			char **word, unsigned n)
{
	char got[160], want[160] = "";
	uint64_t addr;
	unsigned i;

	if (n < 5 || !number(s, word[3], &addr))
		return program_broken(s, "flags need: L n vmflags ADDR = FLAGS");
	if (!s->b->vmflags) {
		program_unsupported(s, PROGRAM_L, "vmflags");
		return 0;
	}
	for (i = 5; i < n; i++)
		snprintf(want + strlen(want), sizeof(want) - strlen(want), "%s%s",
			 i > 5 ? " " : "", word[i]);
	if (s->b->vmflags(s->host, p->handle, addr, got, sizeof(got)))
		got[0] = '\0';
	if (!strcmp(got, want))
		program_equal(s, PROGRAM_L);
	else
		program_unequal(s, PROGRAM_L, "P%u flags at %s are '%s', the kernel had '%s'",
				p->nr, word[3], got, want);
	return 0;
}

/* "! filler base=0x10000000 n=65525": mappings that were made but not logged */
static int line_remark(struct program_state *s, char **word, unsigned n)
{
	const char *base = program_value(word, n, "base");
	const char *count = program_value(word, n, "n");
	struct program_proc *p = s->nr_procs ? &s->proc[s->nr_procs - 1] : NULL;
	uint64_t addr, nr, i;

	if (n < 2 || strcmp(word[1], "filler") || !base || !count || !p || !p->handle)
		return 0;
	if (!number(s, base, &addr) || !number(s, count, &nr))
		return -EINVAL;
	for (i = 0; i < nr; i++, addr += PAGE) {
		uint64_t args[6] = { addr, PAGE, i & 1, 0x4032, ~0ULL, 0 };

		s->b->call(s->host, p->handle, PROGRAM_MMAP, args, NULL);
	}
	/* Its layouts were too long to be recorded. */
	s->no_layouts = true;
	return 0;
}

/* --- all of them ----------------------------------------------------------------------- */

static int line_of_process(struct program_state *s, struct program_proc *p,
			   char **word, unsigned n)
{
	switch (word[0][0]) {
	case 'K': return line_clone(s, p, word, n);
	case 'R': return line_rlimit(s, p, word, n);
	case 'B': return line_fields(s, p, word, n);
	case 'T': return line_touch(s, p, word, n);
	case 'f': return line_fault(s, p, word, n);
	case 'g': return line_resident(s, p, word, n);
	case 'G': case 'C': return line_pages(s, p, word, n);
	case 'V': return line_usage(s, p, word, n);
	case 'L': return line_vmflags(s, p, word, n);
	case 'Q': program_unsupported(s, PROGRAM_Q, "smaps"); return 0;
	}
	return 0;
}

int program_other_line(struct program_state *s, char **word, unsigned n)
{
	struct program_proc *p;
	uint64_t nr;

	if (strlen(word[0]) != 1 || !strchr("!EFNZPWYKRBTfgGCVLQX", word[0][0]))
		return program_broken(s, "'%.20s' is no kind of line of mmtrace v1",
				      word[0]);
	switch (word[0][0]) {
	case '!': return line_remark(s, word, n);
	case 'E': return line_exec(s, word, n);
	case 'F': return line_open(s, word, n);
	case 'N': return line_new_file(s, word, n);
	case 'Z': return line_resize(s, word, n);
	case 'W': case 'Y': return 0;
	}
	if (n < 2 || !number(s, word[1], &nr))
		return program_broken(s, "'%s' needs the number of a process", word[0]);
	if (word[0][0] == 'P')
		return line_init(s, (unsigned)nr);
	if (word[0][0] == 'X' && program_proc_exit(s, (unsigned)nr))
		return 0;
	p = program_proc(s, (unsigned)nr);
	if (!p)
		return program_broken(s, "process %s was not introduced, or has ended",
				      word[1]);
	return line_of_process(s, p, word, n);
}
