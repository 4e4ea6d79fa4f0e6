/* SPDX-License-Identifier: BSD-2-Clause */
/* One object for people: every field, aligned, nested by indentation. */
#include "writer.h"

#include <ctype.h>
#include <string.h>

#include "text.h"

enum { DEPTH_MAX = 16 };

static void details(FILE *to, const json_t *value, int depth);

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

	json_array_foreach (array, i, item) {
		fprintf(to, "%*s- ", depth * 2, "");
		if (nested(item)) {
			fputc('\n', to);
			details(to, item, depth + 1);
		} else {
			scalar(to, item);
		}
	}
}

static void details(FILE *to, const json_t *value, int depth)
{
	json_t *object = (json_t *)(uintptr_t)value, *field;
	const char *key;
	size_t width = 0;

	if (depth > DEPTH_MAX)
		return;
	if (json_is_array(value)) {
		items(to, value, depth);
		return;
	}
	json_object_foreach (object, key, field)
		if (!nested(field) && strlen(key) > width)
			width = strlen(key);
	if (width > 24)
		width = 24;
	json_object_foreach (object, key, field) {
		int space =
			(int)(strlen(key) < width ? width - strlen(key) : 0);

		fprintf(to, "%*s", depth * 2, "");
		text_put(to, key);
		if (nested(field)) {
			fputs(":\n", to);
			details(to, field, depth + 1);
		} else {
			fprintf(to, ":  %*s", space, "");
			scalar(to, field);
		}
	}
}

void write_details(FILE *to, const json_t *object)
{
	details(to, object, 0);
}
