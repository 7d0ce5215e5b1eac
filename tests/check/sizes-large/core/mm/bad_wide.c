/* SPDX-License-Identifier: MIT */
/* A line of 106 columns, counted with tabs of 8. */
int f(int x)
{
	return x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + x + xx;
}
