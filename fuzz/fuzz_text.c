/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as each kind of text that mmstorm reads, by how they begin:
 *
 *	# mmstorm...		op text
 *	#, ; or [		a job file
 *	@ E F N P, gzip		a recording, run by the reference model
 *	M			the rest is a recording, run by the mm
 *	anything else		op text, whose header is missing
 *
 * Each is refused, with a line of the file named and nothing kept, or understood; what is
 * understood is written, read again, and is the same.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "ops/job.h"
#include "ops/program.h"

#define REQUIRE(cond)							\
	do {								\
		if (!(cond)) {						\
			fprintf(stderr, "==mmstorm== not so: %s\n", #cond); \
			abort();					\
		}							\
	} while (0)

/* Lines as an editor counts them; a text of nothing has one. */
static unsigned int count_lines(const char *text, size_t size)
{
	unsigned int lines = 1;
	size_t i;

	for (i = 0; i + 1 < size; i++)
		lines += text[i] == '\n';
	return lines;
}

static void require_error(const char *text, size_t size, unsigned int line,
			  const char *what)
{
	REQUIRE(line >= 1 && line <= count_lines(text, size));
	REQUIRE(what[0]);
}

/* ---- op text ---- */

static bool same_world(const struct op_world *a, const struct op_world *b)
{
	return a->cpus == b->cpus && a->tasks == b->tasks && a->procs == b->procs &&
	       a->pages == b->pages && a->files == b->files &&
	       a->file_pages == b->file_pages && a->ordered == b->ordered &&
	       a->seed == b->seed;
}

static void ops_again(const struct op_list *list)
{
	struct op_text_error err;
	struct op_list again;
	char *text = NULL;
	size_t len = 0, i;
	FILE *out = open_memstream(&text, &len);

	REQUIRE(out && !op_text_write(list, out));
	fclose(out);
	REQUIRE(!op_text_parse(text, len, &again, &err));
	REQUIRE(again.nr == list->nr);
	REQUIRE(same_world(&again.world, &list->world));
	for (i = 0; i < list->nr; i++)
		REQUIRE(op_equal(&list->ops[i], &again.ops[i]));
	op_list_free(&again);
	free(text);
}

static void read_ops(const char *text, size_t size)
{
	struct op_text_error err;
	struct op_list list;

	if (op_text_parse(text, size, &list, &err)) {
		REQUIRE(!list.ops && !list.nr);
		require_error(text, size, err.line, err.what);
		return;
	}
	ops_again(&list);
	op_list_free(&list);
}

/* ---- jobs ---- */

/* One option of each kind; those of `mmstorm run' are rows like these. */
struct settings {
	bool		flag;
	unsigned int	count, choice;
	u64		number, seed;
	double		seconds, share;
	const char	*text;
};

static const struct settings by_default = { .flag = true, .count = 8, .seconds = 20 };
static const char *const choices[] = { "free", "jitter", NULL };

#define ROW(field) .offset = offsetof(struct settings, field)

static const struct option_row rows[] = {
	{ "trace", 0, OPTION_FLAG, ROW(flag) },
	{ "cpus", 0, OPTION_COUNT, ROW(count), 1, 256 },
	{ "sched", 0, OPTION_CHOICE, ROW(choice), .choices = choices },
	{ "ops", 0, OPTION_U64, ROW(number), 1, ~0ull },
	{ "seed", 0, OPTION_SEED, ROW(seed) },
	{ "timeout", 0, OPTION_SECONDS, ROW(seconds) },
	{ "fail-prob", 0, OPTION_PROBABILITY, ROW(share) },
	{ "storm", 0, OPTION_STRING, ROW(text) },
	{ "json", 0, OPTION_STRING, ROW(text), .not_in_jobs = true },
	{ .name = NULL },
};

static char *printed(const struct settings *s)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	REQUIRE(out);
	options_print(rows, s, &by_default, out);
	fclose(out);
	return text;
}

/* The next word as a shell reads it, in place; NULL after the last. */
static char *shell_word(char **text)
{
	char *in = *text + strspn(*text, " "), *word = in, *out = in;
	bool quoted = false;

	if (!*in)
		return NULL;
	for (; *in && (quoted || *in != ' '); in++) {
		if (*in == '\'')
			quoted = !quoted;
		else if (*in == '\\' && !quoted)
			*out++ = *++in;
		else
			*out++ = *in;
	}
	*text = in + (*in == ' ');
	*out = '\0';
	return word;
}

/* What is printed sets the same from the defaults. */
static void settings_again(const struct settings *s)
{
	char *text = printed(s), *copy = printed(s), *at = copy, *again, *name;
	struct settings got = by_default;
	const struct option_row *row;
	struct option_error err;
	bool no;

	while ((name = shell_word(&at))) {
		REQUIRE(!strncmp(name, "--", 2));
		row = option_find(rows, name + 2, strlen(name + 2), &no);
		REQUIRE(row);
		if (row->kind == OPTION_FLAG) {
			option_set_flag(row, !no, &got);
			continue;
		}
		name = shell_word(&at);
		REQUIRE(name && !option_set(row, name, &got, &err));
	}
	again = printed(&got);
	REQUIRE(!strcmp(text, again));
	REQUIRE(got.seconds == s->seconds && got.share == s->share);
	REQUIRE(!got.text == !s->text && (!s->text || !strcmp(got.text, s->text)));
	free(again);
	free(copy);
	free(text);
}

static void require_same(const struct settings *a, const struct settings *b)
{
	const struct option_row *row;
	struct settings x = { 0 }, y = { 0 };

	for (row = rows; row->name; row++) {
		option_copy(row, a, &x);
		option_copy(row, b, &y);
	}
	REQUIRE(!memcmp(&x, &y, sizeof(x)));
}

/* A refused line has changed nothing: the ones before it alone come to the same. */
static void require_untouched(const struct job_section *section, unsigned int line,
			      const struct settings *got)
{
	struct job_section before = *section;
	struct settings want = by_default;
	struct job_error err;

	before.nr_settings = 0;
	while (before.nr_settings < section->nr_settings &&
	       section->setting[before.nr_settings].line < line)
		before.nr_settings++;
	REQUIRE(!job_apply(&before, rows, &want, &err));
	require_same(&want, got);
}

static void use_section(const struct job_section *section, const char *text,
			size_t size)
{
	struct settings got = by_default;
	struct job_error err;

	if (!job_apply(section, rows, &got, &err)) {
		settings_again(&got);
		return;
	}
	require_error(text, size, err.line, err.what);
	require_untouched(section, err.line, &got);
}

static void read_job(const char *text, size_t size)
{
	struct job_error err;
	struct job job;
	size_t i;

	if (job_parse(text, size, &job, &err)) {
		REQUIRE(!job.text && !job.settings && !job.section && !job.nr_sections);
		require_error(text, size, err.line, err.what);
		return;
	}
	REQUIRE(job.nr_sections);
	use_section(&job.global, text, size);
	for (i = 0; i < job.nr_sections; i++) {
		const struct job_section *s = &job.section[i];

		REQUIRE(job_section(&job, s->name, strlen(s->name)) == s);
		use_section(s, text, size);
	}
	job_free(&job);
}

/* ---- recordings ---- */

/* The reader takes a path. */
static int file_of(const void *data, size_t size, char path[64])
{
	int fd = memfd_create("recording", MFD_CLOEXEC);

	REQUIRE(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, 64, "/proc/self/fd/%d", fd);
	return fd;
}

static void require_line(const struct program_report *r, const char *path,
			 const char *text, size_t size)
{
	unsigned long long line;

	REQUIRE(r->error[0]);
	if (strncmp(r->error, path, strlen(path)) ||
	    sscanf(r->error + strlen(path), ":%llu: ", &line) != 1)
		return;
	/* Of a compressed file the lines are not seen from here. */
	REQUIRE(!size || text[0] == '\x1f' || line <= count_lines(text, size));
}

static void read_recording(const char *text, size_t size,
			   const struct program_backend *backend)
{
	struct program_report r = { .max_diffs = 3 };
	char path[64];
	int fd = file_of(text, size, path);

	if (program_run(path, backend, &r))
		require_line(&r, path, text, size);
	REQUIRE(!r.findings);
	program_report_free(&r);
	close(fd);
}

/* A case boots a machine: a few are enough to see one end and the next begin. */
static bool has_few_cases(const char *text, size_t size)
{
	unsigned int cases = 0;
	size_t i;

	for (i = 0; i < size; i++)
		cases += text[i] == '@';
	return cases <= 4;
}

/* ---- all of them ---- */

static bool is_op_text(const char *text, size_t size)
{
	const char *nl = memchr(text, '\n', size);

	return memmem(text, nl ? (size_t)(nl - text) : size, "mmstorm", 7);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	const char *text = (const char *)data;
	char first = size ? text[0] : '\0';

	if (size && strchr("#;[", first) && !is_op_text(text, size))
		read_job(text, size);
	else if (size && strchr("@EFNP\x1f", first))
		read_recording(text, size, &program_model);
	else if (first == 'M' && has_few_cases(text, size))
		read_recording(text + 1, size - 1, &program_core);
	else
		read_ops(text, size);
	return 0;
}
