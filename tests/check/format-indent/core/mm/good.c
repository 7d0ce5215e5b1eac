/* SPDX-License-Identifier: MIT */
/* Aligned columns and early line breaks are the writer's choice. */
struct s {
	int		a;	/* first */
	unsigned long	b;	/* second */
};

int f(int a,
      int b)
{
	return a +
	       b;
}
