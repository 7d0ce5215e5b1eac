/* SPDX-License-Identifier: MIT */
/* Knows somebody's folder: /home/somebody/notes. */
int f(void);
