/* SPDX-License-Identifier: MIT */
/* A lower room that knows an upper one, by every wrong name. */
#include "mm/mm_types.h"
#include "check/check.h"
#include "page.h"
#include "../hw/ram.h"
#include "mmstorm.h"
#include "nosuchroom/x.h"
