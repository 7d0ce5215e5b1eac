/* SPDX-License-Identifier: MIT */
/*
 * program_read.c: lines, words and numbers of recordings, plain or gzip'ed
 * (zlib reads both). Knows nothing of what the lines mean.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "ops/program_int.h"

int program_open(struct program_reader *r, const char *path, char *error,
		 size_t size)
{
	memset(r, 0, sizeof(*r));
	r->path = path;
	errno = 0;
	r->gz = gzopen(path, "rb");
	if (!r->gz) {
		int err = errno ? errno : ENOMEM;

		snprintf(error, size, "%s: %s", path, strerror(err));
		return -err;
	}
	gzbuffer(r->gz, 1 << 17);
	return 0;
}

void program_close(struct program_reader *r)
{
	if (r->gz)
		gzclose_r(r->gz);
	free(r->buf);
	r->gz = NULL;
	r->buf = NULL;
}

/* What zlib says of the end of the data: 0 when it is a proper one. */
static int read_error(struct program_reader *r, char *error, size_t size)
{
	int code;
	const char *text = gzerror(r->gz, &code);

	if (code == Z_OK || code == Z_STREAM_END)
		return 0;
	if (code == Z_ERRNO && errno)
		text = strerror(errno);
	else if (code == Z_BUF_ERROR)
		text = "the file is cut off; copy it again";
	snprintf(error, size, "%s:%llu: cannot be read: %s", r->path,
		 (unsigned long long)r->line + 1, text);
	return -EINVAL;
}

/* Room for 4096 bytes more than len; -ENOMEM, and error says so. */
static int make_room(struct program_reader *r, size_t len, char *error, size_t size)
{
	size_t cap = r->cap ? 2 * r->cap : 1 << 16;
	char *buf;

	if (r->cap - len >= 4096)
		return 0;
	buf = realloc(r->buf, cap);
	if (!buf) {
		snprintf(error, size, "%s: out of memory", r->path);
		return -ENOMEM;
	}
	r->buf = buf;
	r->cap = cap;
	return 0;
}

int program_next_line(struct program_reader *r, char **line, char *error,
		      size_t size)
{
	size_t len = 0;

	for (;;) {
		z_off_t before = gztell(r->gz);
		size_t got;

		if (make_room(r, len, error, size))
			return -ENOMEM;
		errno = 0;
		if (!gzgets(r->gz, r->buf + len, (int)(r->cap - len)))
			break;
		got = strlen(r->buf + len);
		/* Words end at a zero: nothing must be lost behind it. */
		if (gztell(r->gz) - before != (z_off_t)got) {
			snprintf(error, size, "%s:%llu: a zero byte: a recording is plain text",
				 r->path, (unsigned long long)r->line + 1);
			return -EINVAL;
		}
		len += got;
		if (len && r->buf[len - 1] == '\n') {
			r->buf[--len] = '\0';
			r->line++;
			*line = r->buf;
			return 1;
		}
	}
	if (read_error(r, error, size))
		return -EINVAL;
	if (!len)
		return 0;
	r->line++;
	*line = r->buf;
	return 1;
}

unsigned program_words(char *line, char **word, unsigned max)
{
	unsigned n = 0;

	while (*line && n < max) {
		while (*line == ' ')
			*line++ = '\0';
		if (!*line)
			break;
		word[n++] = line;
		while (*line && *line != ' ')
			line++;
	}
	return n;
}

bool program_number(const char *text, uint64_t *value)
{
	bool minus = *text == '-';
	int base = 10;
	char *end;

	if (minus)
		text++;
	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'o')) {
		base = text[1] == 'x' ? 16 : 8;
		text += 2;
	}
	if (!*text || *text == '-' || *text == '+' || *text == ' ')
		return false;
	errno = 0;
	*value = strtoull(text, &end, base);
	if (minus)
		*value = 0 - *value;
	return !*end && !errno;
}

static const struct { const char *name; int err; } errnos[] = {
	{ "EPERM", EPERM }, { "ENOENT", ENOENT }, { "EINTR", EINTR }, { "EIO", EIO },
	{ "EBADF", EBADF }, { "EAGAIN", EAGAIN }, { "ENOMEM", ENOMEM },
	{ "EACCES", EACCES }, { "EFAULT", EFAULT }, { "EBUSY", EBUSY },
	{ "EEXIST", EEXIST }, { "ENODEV", ENODEV }, { "ENOTDIR", ENOTDIR },
	{ "EISDIR", EISDIR }, { "EINVAL", EINVAL }, { "EMFILE", EMFILE },
	{ "ETXTBSY", ETXTBSY }, { "EFBIG", EFBIG }, { "ENOSPC", ENOSPC },
	{ "EROFS", EROFS }, { "ERANGE", ERANGE }, { "ENOSYS", ENOSYS },
	{ "EOVERFLOW", EOVERFLOW }, { "EOPNOTSUPP", EOPNOTSUPP },
	{ "ENOTSUP", EOPNOTSUPP }, { "EIDRM", EIDRM }, { "ESRCH", ESRCH },
};

int program_errno(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++)
		if (!strcmp(errnos[i].name, name))
			return errnos[i].err;
	return 0;
}

const char *program_errno_name(int err)
{
	size_t i;

	for (i = 0; i < sizeof(errnos) / sizeof(errnos[0]); i++)
		if (errnos[i].err == err)
			return errnos[i].name;
	return "an unknown error";
}

const char *program_value(char **word, unsigned n, const char *key)
{
	size_t len = strlen(key);
	unsigned i;

	for (i = 0; i < n; i++)
		if (!strncmp(word[i], key, len) && word[i][len] == '=')
			return word[i] + len + 1;
	return NULL;
}
