/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_OPS_TEXT_H
#define MMSTORM_OPS_TEXT_H

#include <stdio.h>

#include "ops/op.h"

/*
 * Op text: programs that people read, write and paste.
 *
 *	# mmstorm-ops 1 cpus=3 tasks=2 procs=1 pages=64 files=2 file_pages=16 seed=0x2a
 *	t0 mmap(p4, 4, RW, PRIVATE|ANON|FIXED, -, 0)
 *	t1 store(p4+8, 8, 0x2a) (async, delay: 120)	# a comment
 *	barrier
 *
 * The header line comes first; a key that is missing has its default.  Every
 * other line is empty, a comment, or one op.  A line without a task is t0's.
 * Trailing arguments may be left out: they are 0, `-' for a file, `all' for
 * tasks, 8 for a size.
 */

#define OP_TEXT_VERSION	1

/* Where and why a text was refused; `what' also says what would do. */
struct op_text_error {
	unsigned int	line;		/* from 1 */
	char		what[200];
};

/*
 * Reads a whole program.  `list' is overwritten, and empty unless 0 is returned.
 * -EINVAL with *err filled, or -ENOMEM.  No byte of `text' is trusted.
 */
int op_text_parse(const char *text, size_t len, struct op_list *list,
		  struct op_text_error *err);

/* The same from a file; -errno of the host's too, then err->line is 0. */
int op_text_load(const char *path, struct op_list *list,
		 struct op_text_error *err);

/* One line, without a newline.  The length that snprintf() would return. */
int op_text_print(const struct mm_op *op, char *buf, size_t size);
#define OP_TEXT_LINE	256	/* enough for any valid op */

/* Header and ops.  0 or -EIO. */
int op_text_write(const struct op_list *list, FILE *out);

#endif /* MMSTORM_OPS_TEXT_H */
