/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_STRESS_REPLAY_INPUT_H
#define MMSTORM_STRESS_REPLAY_INPUT_H

#include "base/types.h"

/* A file that the fuzz target fuzz_sched has written (ops/schedule_input.h). */
bool replay_is_input(const char *path);

/* Runs it @repeat times; an exit code. */
int replay_input(const char *path, unsigned int repeat, u32 checks, const u64 zoo[2]);

#endif /* MMSTORM_STRESS_REPLAY_INPUT_H */
