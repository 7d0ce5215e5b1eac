/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_STRESS_PATIENCE_H
#define MMSTORM_STRESS_PATIENCE_H

#include <time.h>

#include "base/types.h"

/* When a search on this thread is to end: Ctrl-C, SIGTERM, or its time is over. */

/* Signals wait from now on, until asked for. */
void patience_block_signals(void);
bool patience_interrupted(void);

/* Seconds by one of the host's clocks. */
double patience_now(clockid_t clock);

#endif /* MMSTORM_STRESS_PATIENCE_H */
