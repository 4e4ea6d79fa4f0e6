/* SPDX-License-Identifier: BSD-2-Clause */
/* One object for people: every field, aligned, nested by indentation. */
#include "writer.h"

#include <string.h>

#include "text.h"

enum { DEPTH_MAX = 16, WIDTH_MAX = 24 };

static void fields(FILE *to, const json_t *object, int depth, bool in_line);

static void scalar(FILE *to, const json_t *value)
{
	switch (json_typeof(value)) {
	case JSON_STRING:
		text_put(to, json_string_value(value));
		break;
	case JSON_INTEGER:
		fprintf(to, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		break;
	case JSON_REAL:
		fprintf(to, "%.6g", json_real_value(value));
		break;
	case JSON_TRUE:
		fputs("yes", to);
		break;
	case JSON_FALSE:
		fputs("no", to);
		break;
	case JSON_NULL:
		fputs("-", to);
		break;
	case JSON_OBJECT:
	case JSON_ARRAY:
		fputs("none", to);
		break;
	}
	fputc('\n', to);
}

static bool nested(const json_t *value)
{
	return json_object_size(value) || json_array_size(value);
}

static void items(FILE *to, const json_t *array, int depth)
{
	json_t *item;
	size_t i;

	json_array_foreach(array, i, item) {
		fprintf(to, "%*s- ", depth * 2, "");
		if (json_object_size(item)) {
			fields(to, item, depth + 1, true);
		} else if (nested(item)) {
			fputc('\n', to);
			items(to, item, depth + 1);
		} else {
			scalar(to, item);
		}
	}
}

static void field(FILE *to, const char *key, size_t width, const json_t *value,
		  int depth)
{
	text_put(to, key);
	if (!nested(value)) {
		int space =
			(int)(strlen(key) < width ? width - strlen(key) : 0);

		fprintf(to, ":  %*s", space, "");
		scalar(to, value);
		return;
	}
	fputs(":\n", to);
	if (depth >= DEPTH_MAX)
		fprintf(to, "%*s...\n", depth * 2, "");
	else if (json_is_array(value))
		items(to, value, depth + 1);
	else
		fields(to, value, depth + 1, false);
}

/* @in_line: the first one stands behind the "- " of its item. */
static void fields(FILE *to, const json_t *object, int depth, bool in_line)
{
	const char *key;
	json_t *value;
	size_t width = 0;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
		if (!nested(value) && strlen(key) > width)
			width = strlen(key);
	if (width > WIDTH_MAX)
		width = WIDTH_MAX;
	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		if (!in_line)
			fprintf(to, "%*s", depth * 2, "");
		in_line = false;
		field(to, key, width, value, depth);
	}
}

void write_details(FILE *to, const json_t *object)
{
	fields(to, object, 0, false);
}
