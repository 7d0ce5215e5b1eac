/* SPDX-License-Identifier: MIT */
/*
 * program_state.c: the processes, files and descriptors that a recording has
 * introduced, and which object of the backend each of its names stands for.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ops/program_int.h"

/* Room for one more element; the array is as it was when NULL is returned. */
void *program_grow(void *array, size_t n, size_t *cap, size_t size)
{
	size_t want = *cap ? 2 * *cap : 16;

	if (n < *cap)
		return array;
	array = realloc(array, want * size);
	if (array)
		*cap = want;
	return array;
}

/* Everything ends, and the host itself says whether it was sound. */
static void forget(struct program_state *s)
{
	size_t i;

	if (!s->host)
		return;
	if (s->b->check)
		s->b->check(s->host);
	for (i = 0; i < s->nr_procs; i++)
		program_proc_end(s, &s->proc[i]);
	for (i = 0; i < s->nr_files; i++)
		s->b->file_close(s->host, s->file[i].handle);
	for (i = 0; i < s->nr_paths; i++)
		free(s->path[i]);
	s->nr_procs = s->nr_files = s->nr_fds = s->nr_objects = s->nr_paths = 0;
	s->report->findings += s->b->close(s->host);
	s->host = NULL;
}

/* A new case: no process, no file, a host as if just booted. */
int program_state_reset(struct program_state *s)
{
	forget(s);
	return s->b->open(&s->host);
}

void program_state_free(struct program_state *s)
{
	forget(s);
	free(s->proc);
	free(s->file);
	free(s->fd);
	free(s->object);
	free(s->path);
}

/* --- processes ----------------------------------------------------------- */

/* The process itself, with memory of its own. */
static struct program_proc *find_owner(struct program_state *s, unsigned nr)
{
	size_t i;

	for (i = s->nr_procs; i-- > 0;)
		if (s->proc[i].nr == nr && s->proc[i].handle)
			return &s->proc[i];
	return NULL;
}

struct program_proc *program_proc(struct program_state *s, unsigned nr)
{
	size_t i;

	for (i = s->nr_procs; i-- > 0;) {
		struct program_proc *p = &s->proc[i];

		if (p->nr == nr && p->handle)
			return p;
		/* Whose memory is shared has it itself: a number may come again. */
		if (p->nr == nr && p->shares)
			return find_owner(s, p->shares);
	}
	return NULL;
}

static struct program_proc *proc_add(struct program_state *s, unsigned nr,
				     void *handle)
{
	struct program_proc *array = program_grow(s->proc, s->nr_procs,
						  &s->cap_procs, sizeof(*array));
	struct program_proc *p;

	/* It has moved, whatever becomes of the handle. */
	if (array)
		s->proc = array;
	if (!array || !handle) {
		if (handle)
			s->b->proc_exit(s->host, handle);
		return NULL;
	}
	p = &array[s->nr_procs++];
	memset(p, 0, sizeof(*p));
	p->nr = nr;
	p->handle = handle;
	return p;
}

/* Pointers to other processes are void after these two. */
struct program_proc *program_proc_new(struct program_state *s, unsigned nr,
				      const uint64_t *rlimit)
{
	uint64_t limits[PROGRAM_NR_RLIMITS];
	struct program_proc *p = program_proc(s, nr);

	memcpy(limits, rlimit, sizeof(limits));
	if (p)
		program_proc_end(s, p);
	p = proc_add(s, nr, s->b->proc_new(s->host, limits));
	if (p) {
		memcpy(p->rlimit, limits, sizeof(limits));
		p->fresh = true;
	}
	return p;
}

struct program_proc *program_proc_fork(struct program_state *s,
				       struct program_proc *parent, unsigned nr)
{
	uint64_t limits[PROGRAM_NR_RLIMITS];
	bool huge = parent->huge;
	struct program_proc *p;

	memcpy(limits, parent->rlimit, sizeof(limits));
	p = proc_add(s, nr, s->b->proc_fork(s->host, parent->handle));
	if (p) {
		memcpy(p->rlimit, limits, sizeof(limits));
		p->huge = huge;
		p->layout = program_layout_hash(s, p);
	}
	return p;
}

int program_proc_share(struct program_state *s, const struct program_proc *p,
		       unsigned nr)
{
	unsigned owner = p->nr;
	struct program_proc *array = program_grow(s->proc, s->nr_procs,
						  &s->cap_procs, sizeof(*array));

	if (!array)
		return -ENOMEM;
	s->proc = array;
	array[s->nr_procs++] = (struct program_proc) { .nr = nr, .shares = owner };
	return 0;
}

bool program_proc_exit(struct program_state *s, unsigned nr)
{
	size_t i;

	for (i = s->nr_procs; i-- > 0;) {
		struct program_proc *p = &s->proc[i];

		if (p->nr != nr || (!p->handle && !p->shares))
			continue;
		p->shares = 0;
		program_proc_end(s, p);
		return true;
	}
	return false;
}

void program_proc_end(struct program_state *s, struct program_proc *p)
{
	program_fault_passed(s, p, NULL);
	if (p->handle)
		s->b->proc_exit(s->host, p->handle);
	p->handle = NULL;
}

/* --- files ---------------------------------------------------------------- */

static void *file_add(struct program_state *s, const char *name,
		      enum program_file_kind kind, unsigned may, void *handle)
{
	struct program_file *array = program_grow(s->file, s->nr_files,
						  &s->cap_files, sizeof(*array));
	struct program_file *f;

	if (array)
		s->file = array;
	if (!array || !handle) {
		if (handle)
			s->b->file_close(s->host, handle);
		return NULL;
	}
	f = &array[s->nr_files++];
	memset(f, 0, sizeof(*f));
	strncpy(f->name, name, sizeof(f->name) - 1);
	f->kind = kind;
	f->may = may;
	f->handle = handle;
	return handle;
}

void *program_file(struct program_state *s, const char *name, unsigned may)
{
	struct program_file *any = NULL;
	size_t i;

	for (i = 0; i < s->nr_files; i++) {
		if (strcmp(s->file[i].name, name))
			continue;
		any = &s->file[i];
		if (!may || any->may == may)
			return any->handle;
	}
	if (!any)
		return NULL;
	return file_add(s, name, any->kind, may,
			s->b->file_reopen(s->host, any->handle, may));
}

int program_path_note(struct program_state *s, const char *path,
		      enum program_file_kind kind, unsigned may, char *note,
		      size_t size)
{
	static const char *const acc[] = { "", "r", "w", "rw" };
	char name[24];
	size_t i;

	/* Its number is that of the path among those met. */
	for (i = 0; i < s->nr_paths && strcmp(s->path[i], path); i++)
		;
	if (i == s->nr_paths) {
		char **array = program_grow(s->path, s->nr_paths, &s->cap_paths,
					    sizeof(*array));

		if (!array)
			return -ENOMEM;
		s->path = array;
		array[i] = strdup(path);
		if (!array[i])
			return -ENOMEM;
		s->nr_paths++;
	}
	snprintf(name, sizeof(name), "F%zu", i);
	snprintf(note, size, "@%s:acc=%s", name, acc[may & 3]);
	if (program_file(s, name, 0))
		return 0;
	/* How long it is decides only about signals, of which nothing is known. */
	return program_file_new(s, name, kind, 1ULL << 40, may, NULL) ? 0 : -ENOMEM;
}

bool program_disk_object(const struct program_state *s, uint64_t object)
{
	size_t i;

	for (i = 0; i < s->nr_files; i++)
		if (s->file[i].kind == PROGRAM_EXT4 &&
		    s->b->file_object(s->host, s->file[i].handle) == object)
			return true;
	return false;
}

/* What the files of the recording machine held, as far as it matters. */
static uint8_t offset_pattern(uint64_t off)
{
	return (uint8_t)off;
}

static uint8_t z_pattern(uint64_t off)
{
	(void)off;
	return 'Z';
}

static uint8_t letter_pattern(uint64_t off)
{
	(void)off;
	return 'A';
}

void *program_file_new(struct program_state *s, const char *name,
		       enum program_file_kind kind, uint64_t size, unsigned may,
		       const char *path)
{
	uint8_t (*pattern)(uint64_t off) = NULL;
	void *handle = NULL;

	if (path && !strcmp(path, "/data/data.bin"))
		pattern = offset_pattern;
	if (path && !strcmp(path, "/data/big.bin"))
		pattern = z_pattern;
	if (path && !strcmp(path, "/data/short.bin"))
		pattern = letter_pattern;
	/* Another open() of a file that is known: the object is the same. */
	if (program_file(s, name, 0))
		handle = s->b->file_reopen(s->host, program_file(s, name, 0), may);
	else
		handle = s->b->file_new(s->host, kind, size, may, pattern);
	handle = file_add(s, name, kind, may, handle);
	if (handle && program_name_object(s, name,
					  s->b->file_object(s->host, handle)))
		return NULL;
	return handle;
}

void *program_file_unnamed(struct program_state *s, const char *name,
			   uint64_t size)
{
	return file_add(s, name, PROGRAM_SHMEM, 3,
			s->b->file_new(s->host, PROGRAM_SHMEM, size, 3, NULL));
}

int program_fd_set(struct program_state *s, uint64_t fd, void *file)
{
	struct program_fd *array;
	size_t i;

	for (i = 0; i < s->nr_fds; i++)
		if (s->fd[i].fd == fd) {
			s->fd[i].file = file;
			return 0;
		}
	array = program_grow(s->fd, s->nr_fds, &s->cap_fds, sizeof(*array));
	if (!array)
		return -ENOMEM;
	s->fd = array;
	array[s->nr_fds++] = (struct program_fd) { fd, file };
	return 0;
}

void *program_fd(const struct program_state *s, uint64_t fd)
{
	size_t i;

	for (i = 0; i < s->nr_fds; i++)
		if (s->fd[i].fd == fd)
			return s->fd[i].file;
	return NULL;
}

/* --- objects --------------------------------------------------------------- */

int program_name_object(struct program_state *s, const char *name,
			uint64_t object)
{
	struct program_object *array, *o;
	size_t i;

	for (i = 0; i < s->nr_objects; i++)
		if (!strcmp(s->object[i].name, name) && s->object[i].object == object)
			return 0;
	array = program_grow(s->object, s->nr_objects, &s->cap_objects,
			     sizeof(*array));
	if (!array)
		return -ENOMEM;
	s->object = array;
	o = &array[s->nr_objects++];
	memset(o, 0, sizeof(*o));
	strncpy(o->name, name, sizeof(o->name) - 1);
	o->object = object;
	return 0;
}

bool program_same_object(struct program_state *s, const char *name,
			 uint64_t object)
{
	size_t i;

	for (i = 0; i < s->nr_objects; i++) {
		bool same_name = !strcmp(s->object[i].name, name);
		bool same_object = s->object[i].object == object;

		if (same_name || same_object)
			return same_name && same_object;
	}
	return object && !program_name_object(s, name, object);
}
