/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as op text: the parser refuses or understands, never crashes; what it
 * understands is written, read again, and is the same.
 */
#include <stdio.h>
#include <stdlib.h>

#include "fuzz/fuzz.h"

static void check_round_trip(const struct op_list *list)
{
	struct op_text_error err;
	struct op_list again;
	char *text = NULL;
	size_t len = 0, i;
	FILE *out = open_memstream(&text, &len);

	if (!out || op_text_write(list, out))
		abort();
	fclose(out);
	if (op_text_parse(text, len, &again, &err) || again.nr != list->nr)
		abort();
	for (i = 0; i < list->nr; i++)
		if (!op_equal(&list->ops[i], &again.ops[i]))
			abort();
	op_list_free(&again);
	free(text);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct op_text_error err;
	struct op_list list;

	if (!op_text_parse((const char *)data, size, &list, &err))
		check_round_trip(&list);
	op_list_free(&list);
	return 0;
}
