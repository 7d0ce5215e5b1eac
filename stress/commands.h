/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_STRESS_COMMANDS_H
#define MMSTORM_STRESS_COMMANDS_H

/* Each gets its own name as argv[0] and returns an exit code. */
int cmd_run(int argc, char **argv);
int cmd_program(int argc, char **argv);
int cmd_bench(int argc, char **argv);
int cmd_list(int argc, char **argv);
int cmd_explore(int argc, char **argv);
int cmd_shrink(int argc, char **argv);
int cmd_replay(int argc, char **argv);
int cmd_show(int argc, char **argv);
int cmd_zoo(int argc, char **argv);

#endif /* MMSTORM_STRESS_COMMANDS_H */
