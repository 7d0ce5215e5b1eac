/* SPDX-License-Identifier: MIT */
#ifndef MMSTORM_STRESS_FINDING_FILE_H
#define MMSTORM_STRESS_FINDING_FILE_H

/*
 * What `mmstorm run --json FILE' has written of its first finding: enough to look for it
 * among the same ops.
 */
struct finding_file {
	char	*title;
	char	*bugs, *checks;		/* as given to the run; NULL: not */
	char	*program;		/* op text: ops/recent.h */
};

/* 0, or an exit code after a message that names the file and line. */
int finding_file_load(struct finding_file *f, const char *command, const char *path);
void finding_file_free(struct finding_file *f);

#endif /* MMSTORM_STRESS_FINDING_FILE_H */
