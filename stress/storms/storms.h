/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_STRESS_STORMS_STORMS_H
#define MMSTORM_STRESS_STORMS_STORMS_H

#include "stress/storm.h"

/* The storms of this folder, a file each; storms.c lists them. */
extern const struct storm_info storm_fault;
extern const struct storm_info storm_unmap;
extern const struct storm_info storm_shootdown;
extern const struct storm_info storm_cow;
extern const struct storm_info storm_mprotect;
extern const struct storm_info storm_remap;
extern const struct storm_info storm_migrate;
extern const struct storm_info storm_switch;
extern const struct storm_info storm_mixed;
extern const struct storm_info storm_gup;

#endif /* MMSTORM_STRESS_STORMS_STORMS_H */
