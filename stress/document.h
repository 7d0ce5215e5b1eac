/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_STRESS_DOCUMENT_H
#define MMSTORM_STRESS_DOCUMENT_H

#include <stdio.h>

/*
 * Where a document goes (JSON lines, a picture, what a run has printed): a file,
 * standard output ("-"), or nowhere.  A file appears under its name only when all of it
 * is there and has been written whole.
 */
struct document {
	const char	*path;		/* NULL: nowhere */
	FILE		*file;		/* NULL: nowhere; else write here */
	char		*text;		/* what a file will hold */
	size_t		len;
};

/* 0 or -errno after a message. */
int document_open(struct document *out, const char *path);
int document_close(struct document *out);

#endif /* MMSTORM_STRESS_DOCUMENT_H */
