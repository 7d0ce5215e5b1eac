/* SPDX-License-Identifier: MIT */
/* All there: the licence, the head comment, a path everybody has: /tmp/x, /proc/self/maps. */
int f(void);
