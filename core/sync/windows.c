/* SPDX-License-Identifier: MIT */
/*
 * Names of the windows and the count of their hits: one number per vCPU, written by
 * its owner, read by whoever reports.  Must not order anything.
 */
#include "sync/windows.h"

#include <string.h>

#include "base/bug.h"
#include "sync/sched.h"

const char *window_name(enum window_id id)
{
	static const char *const name[] = {
#define WINDOW(n, text) [WIN_##n] = #n,
		MM_WINDOWS(WINDOW)
#undef WINDOW
	};

	MM_BUG_ON((unsigned int)id >= NR_WINDOWS);
	return name[id];
}

const char *window_text(enum window_id id)
{
	static const char *const text_of[] = {
#define WINDOW(n, text) [WIN_##n] = text,
		MM_WINDOWS(WINDOW)
#undef WINDOW
	};

	MM_BUG_ON((unsigned int)id >= NR_WINDOWS);
	return text_of[id];
}

void window_hit(enum window_id id)
{
	struct sched_cpu *cpu = this_sched_cpu();

	if (cpu)
		__atomic_store_n(&cpu->windows[id], cpu->windows[id] + 1, __ATOMIC_RELAXED);
}
