/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_STRESS_SCALING_H
#define MMSTORM_STRESS_SCALING_H

#include <stdio.h>

#include "hw/cost.h"
#include "stress/storm.h"

/*
 * A storm in virtual time, on more and more vCPUs.
 *
 *	scaling.c		the command: options, one machine for each number of vCPUs
 *	scaling_report.c	its figures as a table, JSON lines and a picture
 */
#define SCALING_POINTS_MAX	16

struct scaling_point {
	unsigned int		cpus;
	unsigned int		procs;
	u64			ops;
	u64			ns;		/* of virtual time */
	struct cost_counts	counts;
};

struct scaling {
	const struct storm_info	*storm;
	const char		*who;		/* "threads of one process", ... */
	struct cost_model	model;
	u64			seed;
	u64			span;		/* ns of virtual time that a run lasts */
	struct scaling_point	point[SCALING_POINTS_MAX];
	unsigned int		nr;
};

/* Ops a virtual second. */
double scaling_rate(const struct scaling_point *p);

void scaling_print_head(const struct scaling *s);
void scaling_print_point(const struct scaling *s, const struct scaling_point *p);
void scaling_print_curve(const struct scaling *s);
void scaling_write_json(FILE *file, const struct scaling *s);
void scaling_write_svg(FILE *file, const struct scaling *s);

/* `mmstorm explore --scaling STORM': an exit code. */
int cmd_scaling(int argc, char **argv);
/* Whether that is what argv asks for. */
bool scaling_asked(int argc, char **argv);

#endif /* MMSTORM_STRESS_SCALING_H */
