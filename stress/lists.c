/* SPDX-License-Identifier: MIT */
/*
 * Storms, oracles, bugs and ops by name, in comma lists.
 */
#include "stress/lists.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "check/check.h"
#include "ops/stream.h"

#define WEIGHT_MAX	65535	/* of a u16 */

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

/* Every storm there is; the caller has room for so many. */
static int all_storms(const struct storm_info *chosen[STORMS_MAX])
{
	int nr;

	for (nr = 0; storms[nr] && nr < STORMS_MAX; nr++)
		chosen[nr] = storms[nr];
	return nr;
}

int list_storms(const char *list, const struct storm_info *chosen[STORMS_MAX],
		struct option_error *err)
{
	char word[64];
	int nr = 0;

	if (list && !strcmp(list, "all"))
		return all_storms(chosen);
	for (; next_word(&list, word, sizeof(word)); nr++) {
		if (nr == STORMS_MAX)
			return option_refuse(err, "at most %d storms in one go", STORMS_MAX);
		chosen[nr] = storm_find(word);
		if (!chosen[nr])
			return option_refuse(err, "there is no storm '%s'; 'mmstorm list storms' names them",
					     word);
	}
	return nr ? nr : option_refuse(err, "no storm is named; 'mmstorm list storms' names them");
}

int list_checks(const char *list, u32 *mask, struct option_error *err)
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
		if (id == NR_CHECKS)
			return option_refuse(err, "there is no oracle '%s'; 'mmstorm list checks' names them",
					     word);
		*mask |= 1u << id;
	}
	return 0;
}

int list_bugs(const char *list, u64 zoo[ZOO_WORDS], struct option_error *err)
{
	char word[64];
	int id;

	while (next_word(&list, word, sizeof(word))) {
		if (!MM_ZOO) {
			option_refuse(err, "this build has no zoo");
			return -ENOSYS;
		}
		id = zoo_find(word);
		if (id < 0)
			return option_refuse(err, "there is no bug '%s'; 'mmstorm list bugs' names them",
					     word);
		zoo_plant(zoo, id);
	}
	return 0;
}

static int find_op(const char *name, size_t len, enum mm_op_code *op,
		   struct option_error *err)
{
	*op = op_by_name(name, len);
	if (*op == OP_NR)
		return option_refuse(err, "there is no op '%.*s'; 'mmstorm list ops' names them",
				     (int)len, name);
	return 0;
}

int list_without(const char *list, struct op_mix *mix, struct option_error *err)
{
	enum mm_op_code op;
	char word[32];

	while (next_word(&list, word, sizeof(word))) {
		if (find_op(word, strlen(word), &op, err))
			return -EINVAL;
		mix->weight[op] = 0;
	}
	return 0;
}

static int one_weight(const char *word, struct op_mix *mix, struct option_error *err)
{
	size_t len = strcspn(word, "=");
	enum mm_op_code op;
	unsigned long weight;
	char *end;

	if (find_op(word, len, &op, err))
		return -EINVAL;
	if (op == OP_BARRIER)
		return option_refuse(err, "barrier has no meaning in a storm: leave it out");
	if (word[len] != '=' || word[len + 1] < '0' || word[len + 1] > '9')
		return option_refuse(err, "'%s' is no weight: write %s=N", word,
				     op_name(op));
	weight = strtoul(word + len + 1, &end, 10);
	if (*end || weight > WEIGHT_MAX)
		return option_refuse(err, "'%s': a weight is 0 to %d", word,
				     WEIGHT_MAX);
	mix->weight[op] = (u16)weight;
	return 0;
}

int list_weights(const char *list, struct op_mix *mix, struct option_error *err)
{
	char word[64];

	while (next_word(&list, word, sizeof(word)))
		if (one_weight(word, mix, err))
			return -EINVAL;
	return 0;
}

/* ---- for rows ---- */

int valid_storms(const char *list, struct option_error *err)
{
	const struct storm_info *chosen[STORMS_MAX];

	return min(list_storms(list, chosen, err), 0);
}

int valid_checks(const char *list, struct option_error *err)
{
	u32 mask;

	return list_checks(list, &mask, err);
}

int valid_bugs(const char *list, struct option_error *err)
{
	u64 zoo[ZOO_WORDS] = { 0 };

	return list_bugs(list, zoo, err);
}

int valid_without(const char *list, struct option_error *err)
{
	struct op_mix mix = { 0 };

	return list_without(list, &mix, err);
}

int valid_weights(const char *list, struct option_error *err)
{
	struct op_mix mix = { 0 };

	return list_weights(list, &mix, err);
}

/* ---- for commands ---- */

static int complain(const char *command, const char *option, int ret,
		    const struct option_error *err)
{
	if (ret < 0)
		fprintf(stderr, "mmstorm %s: --%s: %s\n", command, option, err->what);
	return ret;
}

int parse_storms(const char *command, const char *list,
		 const struct storm_info *chosen[STORMS_MAX])
{
	struct option_error err;

	return complain(command, "storm", list_storms(list, chosen, &err), &err);
}

int parse_checks(const char *command, const char *list, u32 *mask)
{
	struct option_error err;

	return complain(command, "checks", list_checks(list, mask, &err), &err);
}

int parse_bugs(const char *command, const char *list, u64 zoo[ZOO_WORDS])
{
	struct option_error err;

	return complain(command, "bug", list_bugs(list, zoo, &err), &err);
}
