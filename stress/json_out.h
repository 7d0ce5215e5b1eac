/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_STRESS_JSON_OUT_H
#define MMSTORM_STRESS_JSON_OUT_H

#include <stdio.h>

/*
 * Where JSON lines go: a file, standard output ("-"), or nowhere.  A file appears
 * under its name only when all of it is there and has been written whole.
 */
struct json_out {
	const char	*path;		/* NULL: nowhere */
	FILE		*file;		/* NULL: nowhere; else write here */
	char		*text;		/* what a file will hold */
	size_t		len;
};

/* 0 or -errno after a message. */
int json_out_open(struct json_out *out, const char *path);
int json_out_close(struct json_out *out);

#endif /* MMSTORM_STRESS_JSON_OUT_H */
