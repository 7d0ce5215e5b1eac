/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_STRESS_JSON_H
#define MMSTORM_STRESS_JSON_H

#include <stdio.h>

#include "base/types.h"

/*
 * JSON lines: one object a line, its first key "schema".  Values are written as
 * they come; json_end() closes what is open and the line.
 */
#define JSON_DEPTH_MAX	8

struct json {
	FILE		*file;
	unsigned int	depth;
	bool		comma[JSON_DEPTH_MAX];
	char		close[JSON_DEPTH_MAX];
};

/* Starts a line: {"schema":"mmstorm/1","type":TYPE. */
void json_begin(struct json *j, FILE *file, const char *type);
void json_end(struct json *j);

void json_string(struct json *j, const char *key, const char *value);
void json_hex(struct json *j, const char *key, u64 value);	/* a string */
void json_u64(struct json *j, const char *key, u64 value);
void json_double(struct json *j, const char *key, double value);

/* Key NULL inside an array. */
void json_open_object(struct json *j, const char *key);
void json_open_array(struct json *j, const char *key);
void json_close(struct json *j);

#endif /* MMSTORM_STRESS_JSON_H */
