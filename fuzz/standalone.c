/* SPDX-License-Identifier: MIT */
/*
 * A main() for compilers without libFuzzer, and for ctest: gives each file, and
 * each file of each folder, to the target once (or -runs=N times).
 *
 *	fuzz_ops [-runs=N] FILE|DIR...	runs inputs; 0 when all are well
 *	fuzz_ops -text FILE		prints an input as op text (not fuzz_text)
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz/fuzz.h"
#include "ops/read_file.h"

static unsigned int runs = 1;
static unsigned int nr_files;

static u8 *load(const char *path, size_t *size)
{
	char *text;
	int err = read_file(path, &text, size);

	if (err) {
		fprintf(stderr, "%s: %s\n", path, strerror(-err));
		exit(1);
	}
	return (u8 *)text;
}

/* The target gets a block of just that size, so that a sanitizer sees its end. */
static void run_file(const char *path)
{
	size_t size;
	u8 *data = load(path, &size), *exact = malloc(size ? size : 1);
	unsigned int i;

	if (!exact)
		exit(1);
	memcpy(exact, data, size);
	free(data);
	fprintf(stderr, "%s: %zu bytes\n", path, size);
	for (i = 0; i < runs; i++)
		LLVMFuzzerTestOneInput(exact, size);
	free(exact);
	nr_files++;
}

static void run_path(const char *path)
{
	char name[4096];
	struct dirent *e;
	struct stat st;
	DIR *dir;

	if (stat(path, &st)) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(1);
	}
	if (!S_ISDIR(st.st_mode)) {
		run_file(path);
		return;
	}
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		if (e->d_name[0] == '.' || !strcmp(e->d_name, "CMakeLists.txt"))
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, e->d_name);
		run_path(name);
	}
	if (dir)
		closedir(dir);
}

#ifdef FUZZ_PROGRAMS
static int print_text(const char *path)
{
	struct op_list list;
	size_t size;
	u8 *data = load(path, &size);

	if (fuzz_program(data, size, &list)) {
		fprintf(stderr, "%s: neither wire form nor op text\n", path);
		return 1;
	}
	op_text_write(&list, stdout);
	op_list_free(&list);
	free(data);
	return 0;
}
#endif

int main(int argc, char **argv)
{
	int i;

#ifdef FUZZ_PROGRAMS
	if (argc == 3 && !strcmp(argv[1], "-text"))
		return print_text(argv[2]);
#endif
	for (i = 1; i < argc; i++) {
		if (!strncmp(argv[i], "-runs=", 6))
			runs = (unsigned int)strtoul(argv[i] + 6, NULL, 10);
		else
			run_path(argv[i]);
	}
	fprintf(stderr, "%u inputs, %u runs each\n", nr_files, runs);
	return nr_files ? 0 : 1;
}
