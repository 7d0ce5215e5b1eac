/* SPDX-License-Identifier: MIT */
/* What phys may include; a name in a comment, "mm/mm.h", is none. */
#include <stdlib.h>

#include "hw/ram.h"
#include "phys/page.h"
#include "sync/spinlock.h"
/* #include "mm/mm.h" */
