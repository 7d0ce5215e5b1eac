/* SPDX-License-Identifier: MIT */
/*
 * Oracles and bugs by name.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "check/check.h"
#include "ops/stream.h"
#include "stress/lists.h"

/* Words of a comma list, one at a time; NULL after the last. */
static const char *next_word(const char **list, char *buf, size_t size)
{
	size_t len;

	if (!*list || !**list)
		return NULL;
	len = strcspn(*list, ",");
	snprintf(buf, size, "%.*s", (int)len, *list);
	*list += len + ((*list)[len] == ',');
	return buf;
}

int parse_storms(const char *command, const char *list,
		 const struct storm_info *chosen[STORMS_MAX])
{
	char word[64];
	int nr = 0;

	for (; next_word(&list, word, sizeof(word)); nr++) {
		if (nr == STORMS_MAX) {
			fprintf(stderr, "mmstorm %s: at most %d storms in one go\n", command,
				STORMS_MAX);
			return -EINVAL;
		}
		chosen[nr] = storm_find(word);
		if (!chosen[nr]) {
			fprintf(stderr, "mmstorm %s: there is no storm '%s'; 'mmstorm list storms' names them\n",
				command, word);
			return -EINVAL;
		}
	}
	if (!nr)
		fprintf(stderr, "mmstorm %s: no storm is named; 'mmstorm list storms' names them\n",
			command);
	return nr ? nr : -EINVAL;
}

int parse_checks(const char *command, const char *list, u32 *mask)
{
	char word[32];
	unsigned int id;

	if (!list || !strcmp(list, "all")) {
		*mask = MM_CHECK ? CHECK_ALL : 0;
		return 0;
	}
	*mask = 0;
	if (!strcmp(list, "none"))
		return 0;
	while (next_word(&list, word, sizeof(word))) {
		for (id = 0; id < NR_CHECKS; id++)
			if (!strcmp(check_info[id].slug, word))
				break;
		if (id == NR_CHECKS) {
			fprintf(stderr, "mmstorm %s: --checks: there is no oracle '%s'; 'mmstorm list checks' names them\n",
				command, word);
			return -EINVAL;
		}
		*mask |= 1u << id;
	}
	return 0;
}

int parse_bugs(const char *command, const char *list,
	       u64 zoo[ZOO_WORDS])
{
	char word[64];
	int id;

	while (next_word(&list, word, sizeof(word))) {
		if (!MM_ZOO) {
			fprintf(stderr, "mmstorm %s: --bug: this build has no zoo\n",
				command);
			return -ENOSYS;
		}
		id = zoo_find(word);
		if (id < 0) {
			fprintf(stderr, "mmstorm %s: --bug: there is no bug '%s'; 'mmstorm list bugs' names them\n",
				command, word);
			return -EINVAL;
		}
		zoo_plant(zoo, id);
	}
	return 0;
}

int parse_without(const char *command, const char *list, struct op_mix *mix)
{
	enum mm_op_code op;
	char word[32];

	while (next_word(&list, word, sizeof(word))) {
		op = op_by_name(word, strlen(word));
		if (op == OP_NR) {
			fprintf(stderr, "mmstorm %s: --without: there is no op '%s'; 'mmstorm list ops' names them\n",
				command, word);
			return -EINVAL;
		}
		mix->weight[op] = 0;
	}
	if (!op_mix_valid(mix))
		return 0;
	fprintf(stderr, "mmstorm %s: --without: no op is left\n", command);
	return -EINVAL;
}
