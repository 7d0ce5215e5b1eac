/* SPDX-License-Identifier: MIT */
/* An oracle that looks at what is planted, and disturbs what it watches. */
static void bad(void)
{
	if (zoo(ZOO_MREMAP_FLUSH_LATE))
		sched_point(SCHED_LOAD, 0);
}
