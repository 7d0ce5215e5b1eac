/* SPDX-License-Identifier: MIT */
/*
 * strace_args.c: what strace writes for an argument, as a number again.
 * Constant data and pure functions.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/shm.h>

#include "mm/uapi.h"
#include "ops/strace.h"

static const struct { const char *name; uint64_t value; } words[] = {
	{ "NULL", 0 },
	{ "PROT_NONE", PROT_NONE }, { "PROT_READ", PROT_READ },
	{ "PROT_WRITE", PROT_WRITE }, { "PROT_EXEC", PROT_EXEC },
	{ "PROT_SEM", PROT_SEM }, { "PROT_GROWSDOWN", PROT_GROWSDOWN },
	{ "PROT_GROWSUP", PROT_GROWSUP },
	{ "MAP_SHARED", MAP_SHARED }, { "MAP_PRIVATE", MAP_PRIVATE },
	{ "MAP_SHARED_VALIDATE", MAP_SHARED_VALIDATE },
	{ "MAP_DROPPABLE", MAP_DROPPABLE }, { "MAP_FIXED", MAP_FIXED },
	{ "MAP_ANONYMOUS", MAP_ANONYMOUS }, { "MAP_ANON", MAP_ANONYMOUS },
	{ "MAP_32BIT", MAP_32BIT }, { "MAP_ABOVE4G", MAP_ABOVE4G },
	{ "MAP_GROWSDOWN", MAP_GROWSDOWN }, { "MAP_DENYWRITE", MAP_DENYWRITE },
	{ "MAP_EXECUTABLE", MAP_EXECUTABLE }, { "MAP_LOCKED", MAP_LOCKED },
	{ "MAP_NORESERVE", MAP_NORESERVE }, { "MAP_POPULATE", MAP_POPULATE },
	{ "MAP_NONBLOCK", MAP_NONBLOCK }, { "MAP_STACK", MAP_STACK },
	{ "MAP_HUGETLB", MAP_HUGETLB }, { "MAP_SYNC", MAP_SYNC },
	{ "MAP_FIXED_NOREPLACE", MAP_FIXED_NOREPLACE },
	{ "MAP_HUGE_SHIFT", 26 }, { "MAP_FILE", 0 },
	{ "MAP_HUGE_2MB", 21UL << 26 }, { "MAP_HUGE_1GB", 30UL << 26 },
	{ "MREMAP_MAYMOVE", MREMAP_MAYMOVE }, { "MREMAP_FIXED", MREMAP_FIXED },
	{ "MREMAP_DONTUNMAP", MREMAP_DONTUNMAP },
	{ "MADV_NORMAL", MADV_NORMAL }, { "MADV_RANDOM", MADV_RANDOM },
	{ "MADV_SEQUENTIAL", MADV_SEQUENTIAL }, { "MADV_WILLNEED", MADV_WILLNEED },
	{ "MADV_DONTNEED", MADV_DONTNEED }, { "MADV_FREE", MADV_FREE },
	{ "MADV_REMOVE", MADV_REMOVE }, { "MADV_DONTFORK", MADV_DONTFORK },
	{ "MADV_DOFORK", MADV_DOFORK }, { "MADV_MERGEABLE", MADV_MERGEABLE },
	{ "MADV_UNMERGEABLE", MADV_UNMERGEABLE }, { "MADV_HUGEPAGE", MADV_HUGEPAGE },
	{ "MADV_NOHUGEPAGE", MADV_NOHUGEPAGE }, { "MADV_DONTDUMP", MADV_DONTDUMP },
	{ "MADV_DODUMP", MADV_DODUMP }, { "MADV_WIPEONFORK", MADV_WIPEONFORK },
	{ "MADV_KEEPONFORK", MADV_KEEPONFORK }, { "MADV_COLD", MADV_COLD },
	{ "MADV_PAGEOUT", MADV_PAGEOUT }, { "MADV_POPULATE_READ", MADV_POPULATE_READ },
	{ "MADV_POPULATE_WRITE", MADV_POPULATE_WRITE },
	{ "MADV_DONTNEED_LOCKED", MADV_DONTNEED_LOCKED },
	{ "MADV_COLLAPSE", MADV_COLLAPSE }, { "MADV_HWPOISON", MADV_HWPOISON },
	{ "MADV_GUARD_INSTALL", MADV_GUARD_INSTALL },
	{ "MADV_GUARD_REMOVE", MADV_GUARD_REMOVE },
	{ "MCL_CURRENT", MCL_CURRENT }, { "MCL_FUTURE", MCL_FUTURE },
	{ "MCL_ONFAULT", MCL_ONFAULT }, { "MLOCK_ONFAULT", MLOCK_ONFAULT },
	{ "MS_ASYNC", MS_ASYNC }, { "MS_INVALIDATE", MS_INVALIDATE },
	{ "MS_SYNC", MS_SYNC },
	{ "SHM_RDONLY", SHM_RDONLY }, { "SHM_RND", SHM_RND },
	{ "SHM_REMAP", SHM_REMAP }, { "SHM_EXEC", SHM_EXEC },
	{ "IPC_CREAT", IPC_CREAT }, { "IPC_EXCL", IPC_EXCL },
	{ "IPC_PRIVATE", 0 }, { "SHM_HUGETLB", 04000 }, { "SHM_NORESERVE", 010000 },
	{ "RLIM64_INFINITY", ~0ULL }, { "RLIM_INFINITY", ~0ULL },
	{ "RLIMIT_CPU", 0 }, { "RLIMIT_FSIZE", 1 }, { "RLIMIT_DATA", 2 },
	{ "RLIMIT_STACK", 3 }, { "RLIMIT_CORE", 4 }, { "RLIMIT_RSS", 5 },
	{ "RLIMIT_NPROC", 6 }, { "RLIMIT_NOFILE", 7 }, { "RLIMIT_MEMLOCK", 8 },
	{ "RLIMIT_AS", 9 }, { "RLIMIT_LOCKS", 10 }, { "RLIMIT_SIGPENDING", 11 },
	{ "RLIMIT_MSGQUEUE", 12 }, { "RLIMIT_NICE", 13 }, { "RLIMIT_RTPRIO", 14 },
	{ "RLIMIT_RTTIME", 15 },
	{ "PER_LINUX", 0 }, { "ADDR_NO_RANDOMIZE", 0x0040000 },
	{ "READ_IMPLIES_EXEC", 0x0400000 }, { "ADDR_COMPAT_LAYOUT", 0x0200000 },
};

/* A word or a number: what stands between the operators. */
static bool one_number(const char *text, size_t len, uint64_t *value)
{
	char buf[64], *end;
	size_t i;

	if (!len || len >= sizeof(buf))
		return false;
	memcpy(buf, text, len);
	buf[len] = '\0';
	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(buf, words[i].name)) {
			*value = words[i].value;
			return true;
		}
	if (!isdigit((unsigned char)buf[buf[0] == '-']))
		return false;
	/* Base 0: modes are written in octal, with a 0 before them. */
	*value = strtoull(buf + (buf[0] == '-'), &end, 0);
	if (buf[0] == '-')
		*value = 0 - *value;
	return !*end;
}

/* A product or a shift: 8192*1024, 21<<MAP_HUGE_SHIFT. */
static bool one_term(const char *text, size_t len, uint64_t *value)
{
	size_t i;
	uint64_t left, right;

	for (i = 1; i + 1 < len; i++) {
		bool shift = !strncmp(text + i, "<<", 2);

		if (!shift && text[i] != '*')
			continue;
		if (!one_number(text, i, &left) ||
		    !one_number(text + i + 1 + shift, len - i - 1 - shift, &right))
			return false;
		*value = shift ? left << (right & 63) : left * right;
		return true;
	}
	return one_number(text, len, value);
}

bool strace_number(const char *text, uint64_t *value)
{
	*value = 0;
	for (;;) {
		/* strace explains unknown bits behind them: 0x40 / * MAP_??? * / */
		size_t len = strcspn(text, "| /");
		uint64_t part;

		if (!one_term(text, len, &part))
			return false;
		*value |= part;
		if (text[len] != '|')
			return true;
		text += len + 1;
	}
}

/* The byte after a string, which begins with its quote. */
static char *skip_string(char *p)
{
	for (p++; *p && *p != '"'; p++)
		if (*p == '\\' && p[1])
			p++;
	return *p ? p + 1 : p;
}

unsigned strace_split(char *args, char **arg, unsigned max)
{
	unsigned n = 0, depth = 0;
	char *p = args;

	while (*p == ' ')
		p++;
	if (!*p)
		return 0;
	arg[n++] = p;
	while (*p) {
		if (*p == '"') {
			p = skip_string(p);
			continue;
		}
		if (strchr("{[(<", *p) && strncmp(p, "<<", 2))
			depth++;
		else if (!strncmp(p, "<<", 2))
			p++;
		else if (strchr("}])>", *p) && depth && p > args && p[-1] != '=')
			depth--;
		else if (*p == ',' && !depth && n < max) {
			*p = '\0';
			while (p[1] == ' ')
				p++;
			arg[n++] = p + 1;
		}
		p++;
	}
	return n;
}

bool strace_fd(const char *text, int64_t *fd, char *path, size_t size)
{
	char *end;
	size_t len;

	*path = '\0';
	*fd = strtoll(text, &end, 10);
	if (end == text)
		return !strncmp(text, "AT_FDCWD", 8);
	if (*end != '<')
		return *end == '\0' || *end == ' ';
	len = strlen(++end);
	while (len && end[len - 1] != '>')
		len--;
	if (!len)
		return false;
	snprintf(path, size, "%.*s", (int)(len - 1), end);
	return true;
}

void strace_string(const char *text, char *buf, size_t size)
{
	size_t len = strlen(text);

	if (len > 1 && text[0] == '"' && text[len - 1] == '"')
		snprintf(buf, size, "%.*s", (int)(len - 2), text + 1);
	else
		snprintf(buf, size, "%s", text);
}
