/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading and writing JSON; called by everything that speaks it. */
#include "json/json.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"

/* jansson's own limit of 2,048 levels cannot be set, so look first. */
static bool too_deep(const char *text, size_t len)
{
	bool quoted = false;
	size_t depth = 0;

	for (size_t i = 0; i < len; i++) {
		if (quoted) {
			if (text[i] == '\\')
				i++;
			else if (text[i] == '"')
				quoted = false;
		} else if (text[i] == '"') {
			quoted = true;
		} else if (text[i] == '{' || text[i] == '[') {
			if (++depth > JSON_DEPTH_MAX)
				return true;
		} else if ((text[i] == '}' || text[i] == ']') && depth) {
			depth--;
		}
	}
	return false;
}

int json_read(json_t **out, const char *text, size_t len, char *reason)
{
	char unused[JSON_REASON_MAX];
	json_error_t error;
	json_t *value;

	reason = reason ? reason : unused;
	if (too_deep(text, len)) {
		snprintf(reason, JSON_REASON_MAX,
			 "nested deeper than %d levels", JSON_DEPTH_MAX);
		return -EINVAL;
	}
	value = json_loadb(text, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY,
			   &error);
	if (value) {
		*out = value;
		return 0;
	}
	if (json_error_code(&error) == json_error_out_of_memory)
		return -ENOMEM;
	snprintf(reason, JSON_REASON_MAX, "line %d, column %d: %s", error.line,
		 error.column, error.text);
	return -EINVAL;
}

char *json_write(const json_t *value)
{
	return json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
}

static int add_chunk(const char *chunk, size_t len, void *b)
{
	strbuf_add_bytes(b, chunk, len);
	return strbuf_failed(b) ? -1 : 0;
}

char *json_write_pretty(const json_t *value)
{
	_cleanup_strbuf_ struct strbuf b = {0};

	if (json_dump_callback(value, add_chunk, &b,
			       JSON_INDENT(2) | JSON_ENCODE_ANY))
		return NULL;
	strbuf_add(&b, "\n");
	return strbuf_steal(&b);
}

json_t *json_u64(uint64_t value)
{
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

json_t *json_string_or_null(const char *s)
{
	return s && *s ? json_string(s) : json_null();
}
