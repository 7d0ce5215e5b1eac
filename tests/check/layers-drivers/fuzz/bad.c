/* SPDX-License-Identifier: MIT */
/* The reverse. */
#include "stress/storm.h"
