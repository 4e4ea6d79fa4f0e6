/* SPDX-License-Identifier: BSD-2-Clause */
/* Which writer, and lists of objects by a table of columns. */
#include "writer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "text.h"

bool use_color(const struct ctl *ctl)
{
	const char *term = getenv("TERM");

	return !ctl->no_color && isatty(STDOUT_FILENO) && term &&
	       strcmp(term, "dumb") != 0;
}

json_t *json_path(const json_t *object, const char *path)
{
	while (object && *path) {
		char key[64] = "";
		size_t len = strcspn(path, ".");

		if (len >= sizeof(key))
			return NULL;
		memcpy(key, path, len);
		object = json_object_get(object, key);
		path += len + (path[len] == '.');
	}
	return (json_t *)(uintptr_t)object;
}

static enum style state_style(const char *state)
{
	if (!strcmp(state, "up"))
		return STYLE_GOOD;
	if (!strcmp(state, "faulted") || !strcmp(state, "stale") ||
	    !strcmp(state, "missing"))
		return STYLE_BAD;
	if (!strcmp(state, "attached") || !strcmp(state, "waiting"))
		return STYLE_WARN;
	return STYLE_DIM;
}

static json_int_t sum(const json_t *object)
{
	json_int_t n = 0;
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
		n = (json_int_t)((uint64_t)n +
				 (uint64_t)json_integer_value(value));
	return n;
}

static void value_cell(struct table *t, const json_t *value,
		       enum column_format format)
{
	const char *text = json_string_value(value);

	if (format == COLUMN_SUM && json_is_object(value))
		table_cell(t, STYLE_NUMBER, "%" JSON_INTEGER_FORMAT,
			   sum(value));
	else if (json_is_integer(value))
		table_cell(t,
			   format == COLUMN_NUMBER ? STYLE_NUMBER : STYLE_PLAIN,
			   "%" JSON_INTEGER_FORMAT, json_integer_value(value));
	else if (json_is_boolean(value))
		table_cell(t, STYLE_PLAIN, "%s",
			   json_is_true(value) ? "yes" : "no");
	else if (text && *text)
		table_cell(t,
			   format == COLUMN_STATE ? state_style(text)
						  : STYLE_PLAIN,
			   "%s", text);
	else
		table_cell(t,
			   format == COLUMN_NUMBER || format == COLUMN_SUM
				   ? STYLE_NUMBER
				   : STYLE_PLAIN,
			   "-");
}

static void column_cell(struct table *t, const struct column *c,
			const json_t *object)
{
	_cleanup_strbuf_ struct strbuf text = {0};

	if (!c->text) {
		value_cell(t, json_path(object, c->path), c->format);
		return;
	}
	c->text(&text, object);
	table_cell(t, c->format == COLUMN_NUMBER ? STYLE_NUMBER : STYLE_PLAIN,
		   "%s", text.len ? text.data : "-");
}

void write_table(FILE *to, const json_t *list, const struct column *columns,
		 bool color)
{
	_cleanup_(table_fini) struct table t = {0};
	json_t *object;
	size_t i;

	while (columns[t.columns].title)
		t.columns++;
	for (i = 0; i < t.columns; i++)
		table_cell(&t,
			   columns[i].format == COLUMN_NUMBER ||
					   columns[i].format == COLUMN_SUM
				   ? STYLE_NUMBER
				   : STYLE_PLAIN,
			   "%s", columns[i].title);
	json_array_foreach(list, i, object)
		for (size_t c = 0; c < t.columns; c++)
			column_cell(&t, &columns[c], object);
	table_print(&t, to, color);
}

static void write_names(const json_t *list)
{
	json_t *object;
	size_t i;

	json_array_foreach(list, i, object) {
		const char *name =
			json_string_value(json_object_get(object, "name"));

		if (!name)
			continue;
		text_put(stdout, name);
		putchar('\n');
	}
}

int write_value(struct ctl *ctl, const json_t *value)
{
	int err = ctl->output == OUTPUT_YAML ? write_yaml(stdout, value)
					     : write_json(stdout, value);

	return err ? ctl_error("there is not enough memory for the output")
		   : CTL_OK;
}

int write_list(struct ctl *ctl, const json_t *list,
	       const struct column *columns, const char *what)
{
	switch (ctl->output) {
	case OUTPUT_JSON:
	case OUTPUT_YAML:
		return write_value(ctl, list);
	case OUTPUT_NAME:
		write_names(list);
		return CTL_OK;
	case OUTPUT_TABLE:
		break;
	}
	if (json_array_size(list))
		write_table(stdout, list, columns, use_color(ctl));
	else
		fprintf(stderr, "no %s\n", what);
	return CTL_OK;
}
