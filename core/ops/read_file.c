/* SPDX-License-Identifier: MIT */
/*
 * Reading a host file as a whole.
 *
 * Owns nothing and takes no locks.
 */
#include "ops/read_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define ROOM_MIN	4096

static int read_all(FILE *in, char **out, size_t *len)
{
	size_t room = ROOM_MIN, n = 0;
	char *buf = malloc(room), *more;

	errno = 0;
	while (buf) {
		n += fread(buf + n, 1, room - n, in);
		if (n < room)
			break;
		room *= 2;
		more = realloc(buf, room);
		if (!more)
			free(buf);
		buf = more;
	}
	if (!buf)
		return -ENOMEM;
	if (ferror(in)) {
		int err = errno ? errno : EIO;

		free(buf);
		return -err;
	}
	*out = buf;
	*len = n;
	return 0;
}

int read_file(const char *path, char **text, size_t *len)
{
	FILE *in = fopen(path, "re");
	int ret = in ? read_all(in, text, len) : -errno;

	if (in)
		fclose(in);
	return ret;
}
