/* SPDX-License-Identifier: MIT */
/* All there: the licence, the head comment, a path everybody has: /tmp/x, /proc/self/maps. */
int f(void);
int g(void)
{
	finding_report(FINDING_REFS, "REFS: pages left", "%d", 1);
}
