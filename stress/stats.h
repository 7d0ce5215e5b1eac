/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_STRESS_STATS_H
#define MMSTORM_STRESS_STATS_H

/* Sorts @values; @nr is not 0. */
double median(double *values, unsigned int nr);

#endif /* MMSTORM_STRESS_STATS_H */
