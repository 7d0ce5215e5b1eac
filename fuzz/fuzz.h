/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_FUZZ_H
#define MMSTORM_FUZZ_H

#include <stddef.h>

#include "mmstorm.h"

/*
 * What the targets share.
 *
 * An input is a program: in wire form, or op text when it begins as op text
 * does, so that seeds and kept findings can be read and written by people.
 */

/* libFuzzer's, and standalone.c's. */
int LLVMFuzzerTestOneInput(const u8 *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* What bytes may ask of this target; the mutator keeps to it. */
extern const struct op_wire_limits fuzz_limits;

bool fuzz_is_text(const u8 *data, size_t size);

/* 0, or -EINVAL for op text that is none (such an input is passed over). */
int fuzz_program(const u8 *data, size_t size, struct op_list *list);

/* Prints what was found, the program as op text, and aborts; no findings: returns. */
void fuzz_judge(struct machine *m, const struct op_list *list);

#endif /* MMSTORM_FUZZ_H */
