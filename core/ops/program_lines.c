/* SPDX-License-Identifier: MIT */
/*
 * program_lines.c: every line of a recording but S, D and touches: processes
 * and files come and go, and what was seen is compared.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/program_int.h"

#define PAGE	4096ULL
/* A line that asks for more is broken: nothing recorded comes near. */
#define MAX_FILLER	65536ULL	/* mappings; more than max_map_count */

static const uint64_t default_rlimit[PROGRAM_NR_RLIMITS] = {
	~0ULL, ~0ULL, ~0ULL, 8ULL << 20, 0, ~0ULL, ~0ULL, 1024,
	8ULL << 20, ~0ULL, ~0ULL, ~0ULL, ~0ULL, 0, 0, ~0ULL,
};

/* --- processes and files ------------------------------------------------------- */

static int line_init(struct program_state *s, unsigned nr)
{
	if (!program_proc_new(s, nr, default_rlimit))
		return -ENOMEM;
	return 0;
}

/* E Pn PATH from=Pm, or from=PNone: the first program, whose past is not recorded */
static int line_exec(struct program_state *s, char **word, unsigned n)
{
	const char *from = n ? program_value(word + n - 1, 1, "from") : NULL;
	const uint64_t *rlimit = default_rlimit;
	struct program_proc *parent = NULL, *p;
	unsigned nr, old;

	if (n < 4 || sscanf(word[1], "P%u", &nr) != 1 || !from ||
	    (strcmp(from, "PNone") && sscanf(from, "P%u", &old) != 1))
		return program_broken(s, "an execve needs: E Pn PATH from=Pm");
	if (strcmp(from, "PNone"))
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
	if (!program_want_number(s, fd, &nr) || !program_want_number(s, size, &bytes) ||
	    (oflags && !program_want_number(s, oflags, &flags)))
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
	if (!program_want_number(s, size, &bytes))
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

	if (n < 4 || !program_want_number(s, word[3], &value))
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
	if (!program_want_number(s, brk, &start) || !program_want_number(s, from, &lo) ||
	    !program_want_number(s, to, &hi))
		return -EINVAL;
	/* The second B line of a process is its last: nothing to set. */
	if (p->at_exec)
		s->b->set_brk(s->host, p->handle, start, hi - lo);
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

/*
 * Of a file on a disk it is read-ahead, and what others did before, that
 * decides which pages are there: '.', 'f' and 'F' are one.
 */
static bool same_residency(struct program_state *s, struct program_proc *p,
			   uint64_t addr, char got, char want)
{
	struct program_range r;

	if (got == want)
		return true;
	if (!strchr(".fF01", got) || !strchr(".fF01", want))
		return false;
	return s->b->next_range(s->host, p->handle, addr, &r) && r.start <= addr &&
	       program_disk_object(s, r.object);
}

/* G n pagemap addr np = str, C n mincore addr np = str */
static int line_pages(struct program_state *s, struct program_proc *p,
		      char **word, unsigned n)
{
	bool map = word[0][0] == 'G';
	uint64_t addr, count, i;

	if (n == 6 && !map)
		return 0;		/* mincore of no page */
	if (n < 7 || !program_want_number(s, word[3], &addr) ||
	    !program_want_number(s, word[4], &count))
		return program_broken(s, "pages need: %s n NAME ADDR COUNT = TEXT",
				      word[0]);
	if (map ? !s->b->page_class : !s->b->incore) {
		program_unsupported(s, map ? PROGRAM_G : PROGRAM_C, word[2]);
		return 0;
	}
	if (count > PROGRAM_MAX_RUN)
		return program_broken(s, "%llu pages: at most %llu",
				      (unsigned long long)count, PROGRAM_MAX_RUN);
	if (!map && program_errno(word[6]))
		return line_incore_error(s, p, word, addr, count);
	if (strlen(word[6]) != count)
		return program_broken(s, "%llu pages, but the text has %zu",
				      (unsigned long long)count, strlen(word[6]));
	for (i = 0; i < count; i++) {
		char got = map ? s->b->page_class(s->host, p->handle, addr + i * PAGE) :
			(char)('0' + (s->b->incore(s->host, p->handle,
						   addr + i * PAGE) == 1));

		if (same_residency(s, p, addr + i * PAGE, got, word[6][i]))
			continue;
		program_unlike(s, map ? PROGRAM_G : PROGRAM_C, p, word[6][i] == 'S',
			       "P%u page %llu of %s is '%c', the kernel had '%c'", p->nr,
			       (unsigned long long)i, word[3], got, word[6][i]);
		return 0;
	}
	program_equal(s, map ? PROGRAM_G : PROGRAM_C);
	return 0;
}

static bool kernel_swapped(char **word, unsigned n)
{
	const char *text = program_value(word, n, "swap");
	uint64_t pages;

	return text && program_number(text, &pages) && pages;
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
		if (!program_want_number(s, text, &want))
			return -EINVAL;
		if (got[i] == want)
			continue;
		program_unlike(s, PROGRAM_V, p, kernel_swapped(word, n),
			       "P%u %s is %llu, the kernel had %llu", p->nr, keys[i],
			       (unsigned long long)got[i], (unsigned long long)want);
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

	if (n < 5 || !program_want_number(s, word[3], &addr))
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

/*
 * "! P2 signal ...": how a fault ended.
 * "! filler base=0x10000000 n=65525": mappings that were made but not logged
 */
static int line_remark(struct program_state *s, char **word, unsigned n)
{
	const char *base = program_value(word, n, "base");
	const char *count = program_value(word, n, "n");
	struct program_proc *p = s->nr_procs ? &s->proc[s->nr_procs - 1] : NULL;
	uint64_t addr, nr, i;
	unsigned who;

	if (n > 2 && sscanf(word[1], "P%u", &who) == 1 && !strcmp(word[2], "signal") &&
	    program_proc(s, who))
		return program_signal_line(s, program_proc(s, who), word, n);
	if (n < 2 || strcmp(word[1], "filler") || !base || !count || !p || !p->handle)
		return 0;
	if (!program_want_number(s, base, &addr) || !program_want_number(s, count, &nr))
		return -EINVAL;
	if (nr > MAX_FILLER)
		return program_broken(s, "filler of %llu mappings: at most %llu",
				      (unsigned long long)nr, MAX_FILLER);
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
	case 'T': return program_touch_line(s, p, word, n);
	case 'f': return program_fault_line(s, p, word, n);
	case 'g': return program_resident_line(s, p, word, n);
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
	if (n < 2 || !program_want_number(s, word[1], &nr))
		return program_broken(s, "'%s' needs the number of a process", word[0]);
	if (word[0][0] == 'P')
		return line_init(s, (unsigned)nr);
	if (word[0][0] == 'X' && program_proc_exit(s, (unsigned)nr))
		return 0;
	p = program_proc(s, (unsigned)nr);
	if (!p)
		return program_broken(s, "process %s was not introduced, or has ended",
				      word[1]);
	program_fault_passed(s, p, NULL);
	return line_of_process(s, p, word, n);
}
