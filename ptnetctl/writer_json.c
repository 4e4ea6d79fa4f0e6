/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON and YAML in a form that no terminal obeys. */
#include "writer.h"

#include <errno.h>
#include <string.h>

#include "json/json.h"
#include "text.h"

/* Bytes that jansson leaves alone and a terminal or a person may not. */
static bool is_safe(const char *text)
{
	for (const char *s = text; *s; s++)
		if ((unsigned char)*s >= 0x7f)
			return false;
	return true;
}

/* Only strings can hold the byte. */
static void put(FILE *to, const char *text)
{
	for (const char *s = text; *s; s++) {
		if (*s == 0x7f)
			fputs("\\u007F", to);
		else
			fputc(*s, to);
	}
}

static int dump(FILE *to, const json_t *value, size_t flags)
{
	_cleanup_free_ char *text = json_dumps(value, flags | JSON_ENCODE_ANY);

	if (text && !is_safe(text)) {
		free(text);
		text = json_dumps(value,
				  flags | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
	}
	if (!text)
		return -ENOMEM;
	put(to, text);
	fputc('\n', to);
	return 0;
}

int write_json(FILE *to, const json_t *value)
{
	return dump(to, value, JSON_INDENT(2));
}

int write_json_line(FILE *to, const json_t *value)
{
	return dump(to, value, JSON_COMPACT);
}

int write_yaml(FILE *to, const json_t *value)
{
	_cleanup_free_ char *text = json_to_yaml(value);

	if (!text)
		return -ENOMEM;
	text_put_yaml(to, text);
	return 0;
}
