/* SPDX-License-Identifier: MIT */
/* Scenarios by name.  The table itself is generated. */
#include "stress/scenarios.h"

#include <stdio.h>
#include <string.h>

const struct scenario *scenario_find(const char *name)
{
	const struct scenario *s;

	for (s = scenarios; s->name; s++)
		if (!strcmp(s->name, name))
			return s;
	return NULL;
}

/* The header line is a comment too: the title is the second line's. */
void scenario_title(const struct scenario *s, char *buf, size_t size)
{
	const char *line = memchr(s->text, '\n', s->len);
	const char *end = line ? memchr(line + 1, '\n', s->len - (size_t)(line + 1 - s->text)) :
				 NULL;

	if (end && line[1] == '#')
		snprintf(buf, size, "%.*s", (int)(end - line - 3), line + 3);
	else
		buf[0] = '\0';
}
