/* SPDX-License-Identifier: MIT */
/*
 * program_layout.c: D lines: the complete layout of an address space, range by
 * range. The first of a process is installed, later ones are compared.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/program_int.h"

#define TASK_SIZE	((1ULL << 47) - 4096)
#define LEGACY_BASE	((TASK_SIZE / 3 + 4095) & ~4095ULL)

struct layout_word {
	struct program_range r;
	const char *name;
};

/* "555554000-555556000:r--p:0:F0", page numbers in hex. */
static bool parse_range(char *word, struct layout_word *out)
{
	unsigned long start, end, pgoff;
	char perm[5], *colon = strrchr(word, ':');
	int used = 0;

	if (!colon || sscanf(word, "%lx-%lx:%4[rwxsp-]:%lx:%n", &start, &end, perm,
			     &pgoff, &used) != 4 || !used || strlen(perm) != 4)
		return false;
	if (start >= end || end > TASK_SIZE >> 12 || pgoff >> 52)
		return false;
	out->r = (struct program_range) {
		.start = (uint64_t)start << 12, .end = (uint64_t)end << 12,
		.prot = (perm[0] == 'r' ? 1U : 0) | (perm[1] == 'w' ? 2U : 0) |
			(perm[2] == 'x' ? 4U : 0),
		.shared = perm[3] == 's', .pgoff = pgoff,
	};
	out->name = word + used;
	return true;
}

/* Anonymous memory, whatever /proc calls it. */
static bool name_is_anon(const char *name)
{
	return !strcmp(name, "-") || !strcmp(name, "[heap]") ||
	       !strcmp(name, "[stack]");
}

static enum program_special special_of(const char *name)
{
	if (!strcmp(name, "[stack]"))
		return PROGRAM_STACK;
	if (!strcmp(name, "[vvar]"))
		return PROGRAM_VVAR;
	if (!strcmp(name, "[vvar_vclock]"))
		return PROGRAM_VVAR_VCLOCK;
	if (!strcmp(name, "[vdso]"))
		return PROGRAM_VDSO;
	return PROGRAM_PLAIN;
}

/* --- installing ------------------------------------------------------------ */

static int install_one(struct program_state *s, struct program_proc *p,
		       const struct layout_word *w)
{
	enum program_special special = special_of(w->name);
	struct program_range got;
	void *file = NULL;
	int err;

	if (special == PROGRAM_PLAIN && !name_is_anon(w->name)) {
		file = program_file(s, w->name, 0);
		if (!file)
			/* The bare program, or a file that no line introduced. */
			file = program_file_new(s, w->name, PROGRAM_EXT4,
						(w->r.pgoff << 12) + w->r.end -
						w->r.start, 1, NULL);
		if (!file)
			return -ENOMEM;
	}
	err = s->b->install(s->host, p->handle, &w->r, file, special);
	if (err == -ENOMEM)
		return err;
	if (err)
		return program_broken(s, "range %llx-%llx cannot be installed: %s; "
				      "ranges must be sorted and disjoint",
				      (unsigned long long)w->r.start >> 12,
				      (unsigned long long)w->r.end >> 12,
				      strerror(-err));
	if (special > PROGRAM_STACK && s->b->next_range(s->host, p->handle,
							w->r.start, &got))
		return program_name_object(s, w->name, got.object);
	return 0;
}

/* mmap_base: where the highest mapping below the stack ends at exec. */
static void find_base(struct program_state *s, struct program_proc *p,
		      uint64_t base, uint64_t lowest_special)
{
	if (lowest_special == LEGACY_BASE)
		s->b->set_base(s->host, p->handle, LEGACY_BASE, true);
	else if (base)
		s->b->set_base(s->host, p->handle, base, false);
}

/*
 * The bare process of golden and fuzz recordings: no B line, no heap, a small
 * data segment; its text and the page its stack begins in are resident.
 */
static void start_bare(struct program_state *s, struct program_proc *p,
		       uint64_t stack_end)
{
	struct program_fault fault;
	uint64_t value = 0;

	s->b->set_brk(s->host, p->handle, 0x401000, 0x164);
	s->b->access(s->host, p->handle, PROGRAM_EXEC, 0x400000, 1, &value, &fault);
	s->b->access(s->host, p->handle, PROGRAM_STORE, stack_end - 8, 8, &value,
		     &fault);
}

static int install_layout(struct program_state *s, struct program_proc *p,
			  char *text)
{
	uint64_t base = 0, lowest = 0, end = 0;
	char *save, *word;
	int err;

	for (word = strtok_r(text, " ", &save); word;
	     word = strtok_r(NULL, " ", &save)) {
		struct layout_word w;
		enum program_special special;

		if (!parse_range(word, &w))
			return program_broken(s, "'%.60s' is no range: expected "
					      "START-END:PERM:PGOFF:NAME", word);
		special = special_of(w.name);
		if (special == PROGRAM_STACK)
			base = end;
		if (special > PROGRAM_STACK && !lowest)
			lowest = w.r.start;
		end = w.r.end;
		err = install_one(s, p, &w);
		if (err)
			return err;
	}
	find_base(s, p, base, lowest);
	if (s->cases)
		start_bare(s, p, end);
	p->fresh = false;
	p->layout = program_layout_hash(s, p);
	return 0;
}

/* --- comparing --------------------------------------------------------------- */

static void print_range(char *buf, size_t size, const struct program_range *r)
{
	snprintf(buf, size, "%llx-%llx:%c%c%c%c:%llx:%s",
		 (unsigned long long)r->start >> 12,
		 (unsigned long long)r->end >> 12, r->prot & 1 ? 'r' : '-',
		 r->prot & 2 ? 'w' : '-', r->prot & 4 ? 'x' : '-',
		 r->shared ? 's' : 'p', (unsigned long long)r->pgoff,
		 r->object ? "object" : "-");
}

static bool same_range(struct program_state *s, const struct layout_word *w,
		       const struct program_range *r)
{
	if (w->r.start != r->start || w->r.end != r->end || w->r.prot != r->prot ||
	    w->r.shared != r->shared)
		return false;
	if (name_is_anon(w->name))
		return !r->object;
	if (special_of(w->name) == PROGRAM_PLAIN && w->r.pgoff != r->pgoff)
		return false;
	return program_same_object(s, w->name, r->object);
}

static int compare_layout(struct program_state *s, struct program_proc *p,
			  char *text)
{
	struct program_range r;
	uint64_t addr = 0;
	char *save, *word, buf[120] = "nothing";
	bool have;

	for (word = strtok_r(text, " ", &save); word;
	     word = strtok_r(NULL, " ", &save)) {
		struct layout_word w;

		if (!parse_range(word, &w))
			return program_broken(s, "'%.60s' is no range: expected "
					      "START-END:PERM:PGOFF:NAME", word);
		have = s->b->next_range(s->host, p->handle, addr, &r);
		if (have && same_range(s, &w, &r)) {
			addr = r.end;
			continue;
		}
		if (have)
			print_range(buf, sizeof(buf), &r);
		program_unequal(s, PROGRAM_D, "P%u has %s where the kernel had %.80s",
				p->nr, buf, word);
		return 0;
	}
	if (s->b->next_range(s->host, p->handle, addr, &r)) {
		print_range(buf, sizeof(buf), &r);
		program_unequal(s, PROGRAM_D, "P%u has %s, which the kernel had not",
				p->nr, buf);
		return 0;
	}
	program_equal(s, PROGRAM_D);
	return 0;
}

int program_layout_line(struct program_state *s, struct program_proc *p,
			char *text)
{
	uint64_t before = s->report->tally[PROGRAM_D].equal;
	int err;

	if (!strncmp(text, "n=", 2)) {
		text = strchr(text, ' ');
		if (!text)
			return program_broken(s, "a layout without ranges");
	}
	if (p->fresh)
		return install_layout(s, p, text);
	err = compare_layout(s, p, text);
	p->moved = false;
	p->layout = program_layout_hash(s, p);
	if (!err && !s->cases) {
		if (s->report->tally[PROGRAM_D].equal > before)
			s->report->layouts.equal++;
		else
			s->report->layouts.unequal++;
	}
	return err;
}

/* FNV-1a over all that a layout line says. */
uint64_t program_layout_hash(struct program_state *s, struct program_proc *p)
{
	uint64_t hash = 0xcbf29ce484222325ULL, addr = 0;
	struct program_range r;

	while (s->b->next_range(s->host, p->handle, addr, &r)) {
		uint64_t part[] = { r.start, r.end, r.prot | (r.shared ? 8U : 0),
				    r.pgoff, r.object };
		size_t i;

		for (i = 0; i < sizeof(part) / sizeof(part[0]); i++) {
			hash ^= part[i];
			hash *= 0x100000001b3ULL;
			hash ^= hash >> 29;
		}
		addr = r.end;
	}
	return hash;
}
