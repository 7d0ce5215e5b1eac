/* SPDX-License-Identifier: MIT */
/* Indented by blanks, spaced at will. */
int f(int x)
{
    if (x)
        return 1;
	x+=2;
	return x;
}
