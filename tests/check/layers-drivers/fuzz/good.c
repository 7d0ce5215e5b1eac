/* SPDX-License-Identifier: MIT */
/* What a driver is meant to include. */
#include "mmstorm.h"
#include "ops/op.h"
