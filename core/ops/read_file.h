/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_OPS_READ_FILE_H
#define MMSTORM_OPS_READ_FILE_H

#include <stddef.h>

/*
 * The whole of a file, which may be a pipe: *text is the caller's to free.  -errno of
 * the host's, and nothing is kept.
 */
int read_file(const char *path, char **text, size_t *len);

#endif /* MMSTORM_OPS_READ_FILE_H */
