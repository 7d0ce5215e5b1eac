/* SPDX-License-Identifier: MIT */
/*
 * Tokens: printing and reading them.
 *
 * Inside, compressed by zlib: a line of numbers, op text, a zero, the packed schedule,
 * and the length of the latter.  Owns nothing.  Must never trust a byte that it reads.
 */
#include "ops/replay_token.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/compiler.h"
#include "ops/text.h"

#define PREFIX		"ms1:"
#define PREFIX_LEN	4
#define ID_LEN		8
#define HEAD_LEN	(PREFIX_LEN + ID_LEN + 1)
/* Of a payload: enough for any program of text and a schedule of a million deviations. */
#define PAYLOAD_MAX	(16u << 20)

#define NUMBERS		"%x %llx %llx %u %llu %u %llx\n"

bool replay_token_is(const char *text)
{
	return !strncmp(text, PREFIX, PREFIX_LEN);
}

/* ---- base64, the URL's alphabet, without padding ---- */

static const char alphabet[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static char *encode(const u8 *data, size_t size, char *out)
{
	u32 bits = 0;
	int nr = 0;

	for (size_t i = 0; i < size; i++) {
		bits = bits << 8 | data[i];
		for (nr += 8; nr >= 6; nr -= 6)
			*out++ = alphabet[bits >> (nr - 6) & 63];
	}
	if (nr)
		*out++ = alphabet[bits << (6 - nr) & 63];
	*out = '\0';
	return out;
}

/* How many bytes, or -1; @data has room for all of @len. */
static long decode(const char *text, size_t len, u8 *data)
{
	u32 bits = 0;
	long n = 0;
	int nr = 0;

	for (size_t i = 0; i < len; i++) {
		const char *at = text[i] ? strchr(alphabet, text[i]) : NULL;

		if (!at)
			return -1;
		bits = bits << 6 | (u32)(at - alphabet);
		nr += 6;
		if (nr >= 8) {
			nr -= 8;
			data[n++] = (u8)(bits >> nr);
		}
	}
	return n;
}

/* ---- printing ---- */

/* The payload, from malloc(). */
static char *compose(const struct explore_config *c, const struct schedule *schedule, u64 hash,
		     size_t *size)
{
	size_t packed = schedule_pack(schedule, NULL, 0);
	char *text = NULL, *grown;
	FILE *f = open_memstream(&text, size);
	bool ok;

	if (!f)
		return NULL;
	fprintf(f, NUMBERS, c->checks, c->zoo[0], c->zoo[1], c->fills, c->max_points,
		(unsigned int)c->memory, hash);
	ok = !op_text_write(c->list, f);
	fputc('\0', f);
	ok = !fclose(f) && ok;
	grown = ok ? realloc(text, *size + packed) : NULL;
	if (!grown) {
		free(text);
		return NULL;
	}
	schedule_pack(schedule, (u8 *)grown + *size, packed);
	*size += packed;
	return grown;
}

char *replay_token_print(const struct explore_config *config, const struct schedule *schedule,
			 u64 hash)
{
	size_t size;
	char *payload = compose(config, schedule, hash, &size), *token = NULL;
	uLongf packed = payload ? compressBound(size) : 0;
	u8 *bytes = payload ? malloc(packed + 4) : NULL;

	if (bytes && compress2(bytes + 4, &packed, (u8 *)payload, size, 9) == Z_OK)
		token = malloc(HEAD_LEN + (packed + 4) * 4 / 3 + 4);
	if (token) {
		for (unsigned int i = 0; i < 4; i++)
			bytes[i] = (u8)(size >> (8 * i));
		snprintf(token, HEAD_LEN + 1, PREFIX "%s:", replay_source_id);
		encode(bytes, packed + 4, token + HEAD_LEN);
	}
	free(bytes);
	free(payload);
	return token;
}

/* ---- reading ---- */

static int unpack(struct replay_token *t, const char *payload, size_t size)
{
	const char *text = memchr(payload, '\n', size);
	const char *end = text ? memchr(text, '\0', size - (size_t)(text - payload)) : NULL;
	struct explore_config *c = &t->config;
	struct op_text_error err;
	unsigned int memory;
	int ret;

	if (!end || sscanf(payload, NUMBERS, &c->checks, &c->zoo[0], &c->zoo[1], &c->fills,
			   &c->max_points, &memory, &t->hash) != 7 ||
	    memory >= NR_MEMORY_MODELS)
		return -EINVAL;
	c->memory = memory;
	text++;
	ret = op_text_parse(text, (size_t)(end - text), &t->list, &err);
	if (ret)
		return ret;
	end++;
	return schedule_unpack(&t->schedule, (const u8 *)end, size - (size_t)(end - payload));
}

/* From base64 to the payload, from malloc(). */
static int inflate_payload(const char *text, size_t len, char **out, size_t *size)
{
	u8 *bytes = malloc(len + 1);
	char *payload = NULL;
	uLongf got;
	long n;

	if (!bytes)
		return -ENOMEM;
	n = decode(text, len, bytes);
	*size = n < 4 ? 0 : (size_t)bytes[0] | (size_t)bytes[1] << 8 | (size_t)bytes[2] << 16 |
			    (size_t)bytes[3] << 24;
	got = *size;
	if (*size && *size <= PAYLOAD_MAX)
		payload = malloc(*size);
	if (!payload || uncompress((u8 *)payload, &got, bytes + 4, (uLong)n - 4) != Z_OK ||
	    got != *size) {
		free(payload);
		free(bytes);
		return -EINVAL;
	}
	free(bytes);
	*out = payload;
	return 0;
}

int replay_token_parse(const char *text, struct replay_token *token, const char **why)
{
	size_t len, size;
	char *payload;
	int ret;

	memset(token, 0, sizeof(*token));
	while (isspace((unsigned char)*text))
		text++;
	for (len = strlen(text); len && isspace((unsigned char)text[len - 1]); len--)
		;
	*why = "this is no token: one begins with " PREFIX;
	if (len < HEAD_LEN || !replay_token_is(text) || text[HEAD_LEN - 1] != ':')
		return -EINVAL;
	*why = "the token is of another source of mmstorm: its schedule means nothing here";
	if (memcmp(text + PREFIX_LEN, replay_source_id, ID_LEN))
		return -ESTALE;
	*why = "the token is damaged: was all of it copied?";
	ret = inflate_payload(text + HEAD_LEN, len - HEAD_LEN, &payload, &size);
	if (ret)
		return ret;
	ret = unpack(token, payload, size);
	free(payload);
	if (ret)
		replay_token_free(token);
	token->config.list = &token->list;
	return ret;
}

void replay_token_free(struct replay_token *token)
{
	op_list_free(&token->list);
	schedule_free(&token->schedule);
}
