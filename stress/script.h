/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_STRESS_SCRIPT_H
#define MMSTORM_STRESS_SCRIPT_H

#include "hw/machine.h"
#include "ops/exec.h"
#include "ops/op.h"

/*
 * A program of op text on a machine of its own: what `replay' and `show' have
 * in common.
 */
struct script {
	const char	*command;	/* for messages */
	struct op_list	list;
	struct machine	*machine;
	struct op_run	*run;
};

/* 0, or an exit code after a message that names the file and line. */
int script_load(struct script *s, const char *command, const char *path);

/*
 * Boots a machine as the program's header asks, oracles @checks attached, bugs
 * of @zoo planted.  0 or an exit code after a message.
 */
int script_boot(struct script *s, enum run_mode mode, u32 checks,
		const u64 zoo[2]);
/* Takes the machine down; the program stays loaded. */
void script_shutdown(struct script *s);
void script_free(struct script *s);

#endif /* MMSTORM_STRESS_SCRIPT_H */
