/* SPDX-License-Identifier: MIT */
/* Blanks at a line's end. */
int f(void); 
