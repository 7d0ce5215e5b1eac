/* SPDX-License-Identifier: MIT */
/*
 * program_strace_fds.c: the descriptors of strace's text: which file an mmap
 * maps, and how it was opened. Only what was opened in the log is known; the
 * rest can be read and written.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ops/program_strace.h"

/* Whose descriptors a task uses: threads share those of their leader. */
unsigned strace_fd_owner(const struct program_strace *t, unsigned pid)
{
	size_t i;

	for (i = t->nr_tasks; i-- > 0;)
		if (t->task[i].pid == pid)
			return t->task[i].fds;
	return STRACE_NO_TASK;
}

int strace_add_task(struct program_strace *t, unsigned pid, unsigned fds)
{
	struct strace_task *array = program_grow(t->task, t->nr_tasks, &t->cap_tasks,
						 sizeof(*array));

	if (!array)
		return -ENOMEM;
	t->task = array;
	array[t->nr_tasks++] = (struct strace_task) { pid, fds };
	return 0;
}

static struct strace_file *find_fd(struct program_strace *t, unsigned owner, int64_t fd)
{
	size_t i;

	for (i = t->nr_files; i-- > 0;)
		if (t->file[i].owner == owner && t->file[i].fd == fd)
			return &t->file[i];
	return NULL;
}

static int set_fd(struct program_strace *t, unsigned owner, int64_t fd,
		  const char *path, unsigned may)
{
	struct strace_file *f = find_fd(t, owner, fd), *array;

	if (!f) {
		array = program_grow(t->file, t->nr_files, &t->cap_files, sizeof(*array));
		if (!array)
			return -ENOMEM;
		t->file = array;
		f = &array[t->nr_files++];
	}
	*f = (struct strace_file) { .owner = owner, .fd = fd, .may = may };
	snprintf(f->path, sizeof(f->path), "%s", path);
	return 0;
}

int strace_copy_fds(struct program_strace *t, unsigned from, unsigned to)
{
	size_t i, n = t->nr_files;
	int err = 0;

	for (i = 0; i < n && !err; i++) {
		struct strace_file f = t->file[i];

		if (f.owner == from)
			err = set_fd(t, to, f.fd, f.path, f.may);
	}
	return err;
}

/* openat(AT_FDCWD, "path", FLAGS) = 3</path>, open("path", FLAGS) = 3 */
int strace_open(struct program_strace *t, const struct strace_call *c, char **arg,
		   unsigned n)
{
	unsigned at = strace_is(c, "openat");
	char path[256];
	unsigned may = 1;
	uint64_t fd;

	if (n < at + 2 || !strace_succeeded(c) || !program_number(c->ret, &fd))
		return 0;
	strace_string(arg[at], path, sizeof(path));
	if (strstr(arg[at + 1], "O_RDWR"))
		may = 3;
	else if (strstr(arg[at + 1], "O_WRONLY"))
		may = 2;
	if (strstr(arg[at + 1], "O_PATH"))
		return 0;
	return set_fd(t, strace_fd_owner(t, c->pid), (int64_t)fd, path, may);
}

/* dup2(3, 255) = 255, dup(3) = 4, fcntl(3, F_DUPFD, 10) = 10 */
int strace_dup(struct program_strace *t, const struct strace_call *c, char **arg,
		  unsigned n)
{
	unsigned owner = strace_fd_owner(t, c->pid);
	struct strace_file *f;
	char path[256];
	uint64_t to;
	int64_t fd;

	if (!n || !strace_succeeded(c) || !program_number(c->ret, &to) ||
	    !strace_fd(arg[0], &fd, path, sizeof(path)) || fd == (int64_t)to)
		return 0;
	if (strace_is(c, "fcntl") && (n < 2 || strncmp(arg[1], "F_DUPFD", 7)))
		return 0;
	f = find_fd(t, owner, fd);
	snprintf(path, sizeof(path), "%s", f ? f->path : "");
	return set_fd(t, owner, (int64_t)to, path, f ? f->may : 3);
}

static enum program_file_kind kind_of_path(const char *path)
{
	if (!strncmp(path, "/dev/shm/", 9) || !strncmp(path, "/memfd:", 7))
		return PROGRAM_SHMEM;
	if (!strcmp(path, "/dev/zero"))
		return PROGRAM_ZERO;
	/* Sockets and pipes have no path, devices no pages. */
	if (path[0] && (path[0] != '/' || !strncmp(path, "/dev/", 5)))
		return PROGRAM_NODEV;
	return PROGRAM_EXT4;
}

/* The note that mmtrace has for the file of an mmap. */
int strace_file_note(struct program_strace *t, const struct strace_call *c,
		     const char *text, char *note, size_t size)
{
	char path[256];
	struct strace_file *f;
	unsigned may = 3;
	int64_t fd;

	/* Which descriptors are open is no matter of memory. */
	snprintf(note, size, "@?");
	if (!strcmp(c->ret, "EBADF") || !strace_fd(text, &fd, path, sizeof(path)))
		return 0;
	f = find_fd(t, strace_fd_owner(t, c->pid), fd);
	if (f) {
		may = f->may;
		if (!path[0])
			snprintf(path, sizeof(path), "%s", f->path);
	}
	return program_path_note(t->s, path, kind_of_path(path), may, note, size);
}
