/* SPDX-License-Identifier: MIT */
/*
 * program_shm.c: the System V segments of a recording. shmget says what the
 * kernel called a segment, which nothing can predict: it is believed.
 */
#include <stdio.h>
#include <string.h>

#include "ops/program_int.h"

/* The name of a segment among the files; "0x26" and "38" are one. */
static void segment_name(char *buf, size_t size, const char *id)
{
	uint64_t nr;

	if (program_number(id, &nr))
		snprintf(buf, size, "shm %llu", (unsigned long long)nr);
	else
		snprintf(buf, size, "shm %.16s", id);
}

void *program_segment(struct program_state *s, const char *id)
{
	char name[32];

	segment_name(name, sizeof(name), id);
	return program_file(s, name, 0);
}

/* shmget key size [flags] = id */
static void segment_new(struct program_state *s, char **arg, unsigned n,
			const char *id)
{
	uint64_t size;
	char name[32];

	if (n < 2 || !program_number(arg[1], &size) || program_errno(id) ||
	    program_segment(s, id))
		return;
	segment_name(name, sizeof(name), id);
	program_file_unnamed(s, name, size);
}

bool program_shm_call(struct program_state *s, const char *name, char **arg,
		      unsigned n, const char *ret)
{
	if (!strcmp(name, "shmget")) {
		segment_new(s, arg, n, ret);
		return true;
	}
	return !strcmp(name, "shmctl");
}
