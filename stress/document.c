/* SPDX-License-Identifier: MIT */
/*
 * Where documents go.  One is kept in memory until all of it is there, so that nobody
 * ever meets a part of it under the file's name.
 */
#include "stress/document.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int complain(const char *path)
{
	int err = errno ? errno : EIO;

	fprintf(stderr, "mmstorm: %s: could not be written: %s\n", path,
		strerror(err));
	return -err;
}

/* A pipe or a device cannot appear whole: it is written as it is. */
static bool is_special(const char *path)
{
	struct stat st;

	return !stat(path, &st) && !S_ISREG(st.st_mode);
}

static bool write_all(FILE *file, const char *text, size_t len)
{
	bool bad;

	errno = 0;
	bad = fwrite(text, 1, len, file) != len;
	return !fclose(file) && !bad;
}

static int write_file(const char *path, const char *text, size_t len)
{
	bool special = is_special(path);
	char tmp[4096];
	FILE *file;

	if (snprintf(tmp, sizeof(tmp), special ? "%s" : "%s.partial", path) >=
	    (int)sizeof(tmp)) {
		errno = ENAMETOOLONG;
		return complain(path);
	}
	file = fopen(tmp, "we");
	if (!file)
		return complain(path);
	if (!write_all(file, text, len) || (!special && rename(tmp, path))) {
		int ret = complain(path);

		if (!special)
			unlink(tmp);
		return ret;
	}
	return 0;
}

int document_open(struct document *out, const char *path)
{
	*out = (struct document){ .path = path };
	if (!path)
		return 0;
	out->file = strcmp(path, "-") ? open_memstream(&out->text, &out->len) : stdout;
	return out->file ? 0 : complain(path);
}

int document_close(struct document *out)
{
	bool bad;
	int ret;

	errno = 0;
	if (!out->file)
		return 0;
	if (out->file == stdout)
		return fflush(stdout) ? complain("standard output") : 0;
	bad = ferror(out->file);
	ret = fclose(out->file) || bad ? complain(out->path) :
					 write_file(out->path, out->text, out->len);
	free(out->text);
	return ret;
}
