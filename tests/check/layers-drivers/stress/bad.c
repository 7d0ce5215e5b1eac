/* SPDX-License-Identifier: MIT */
/* A driver that knows the other. */
#include "../fuzz/mutator.h"
