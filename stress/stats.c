/* SPDX-License-Identifier: MIT */
/*
 * What several measurements come to.
 */
#include <stdlib.h>

#include "stress/stats.h"

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double median(double *values, unsigned int nr)
{
	qsort(values, nr, sizeof(*values), by_value);
	return nr % 2 ? values[nr / 2] :
	       (values[nr / 2 - 1] + values[nr / 2]) / 2;
}
