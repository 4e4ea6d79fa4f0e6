/* SPDX-License-Identifier: BSD-2-Clause */
/* status: the daemon at a glance. */
#include "commands.h"

#include <string.h>

#include "json/json.h"
#include "writer.h"

static void text_row(struct table *t, const char *label, enum style style,
		     const char *text)
{
	table_cell(t, STYLE_PLAIN, "%s", label);
	table_cell(t, style, "%s", text);
}

static void backend_row(struct table *t, const json_t *backend)
{
	const char *name = json_string_value(json_object_get(backend, "name"));
	const char *version =
		json_string_value(json_object_get(backend, "version"));
	const json_int_t workers =
		json_integer_value(json_object_get(backend, "workers"));

	table_cell(t, STYLE_PLAIN, "backend");
	table_cell(t, STYLE_PLAIN,
		   "%s %s, %" JSON_INTEGER_FORMAT
		   " worker%s, revision %" JSON_INTEGER_FORMAT,
		   name ?: "?", version ?: "?", workers,
		   workers == 1 ? "" : "s",
		   json_integer_value(json_object_get(backend, "revision")));
}

static void features_row(struct table *t, const json_t *features)
{
	_cleanup_strbuf_ struct strbuf text = {0};
	json_t *one;
	size_t i;

	json_array_foreach(features, i, one)
		strbuf_addf(&text, "%s%s", i ? ", " : "",
			    json_string_value(one) ?: "?");
	text_row(t, "can do", STYLE_PLAIN, text.len ? text.data : "-");
}

static void count_rows(struct table *t, const json_t *counts)
{
	json_t *count;
	const char *key;

	json_object_foreach((json_t *)(uintptr_t)counts, key, count) {
		table_cell(t, STYLE_PLAIN, "%s", key);
		table_cell(t, STYLE_PLAIN, "%" JSON_INTEGER_FORMAT,
			   json_integer_value(count));
	}
}

static void show(struct ctl *ctl, const json_t *status)
{
	_cleanup_(table_fini) struct table t = {.columns = 2};
	bool in_sync = json_is_true(json_object_get(status, "inSync"));

	text_row(&t, "ptnetd", STYLE_PLAIN,
		 json_string_value(json_object_get(status, "version")) ?: "?");
	backend_row(&t, json_object_get(status, "backend"));
	features_row(&t, json_path(status, "backend.features"));
	table_cell(&t, STYLE_PLAIN, "revision");
	table_cell(&t, STYLE_PLAIN, "%" JSON_INTEGER_FORMAT,
		   json_integer_value(json_object_get(status, "revision")));
	text_row(&t, "in sync", in_sync ? STYLE_GOOD : STYLE_BAD,
		 in_sync ? "yes" : "no: the backend is not as declared");
	count_rows(&t, json_object_get(status, "counts"));
	table_print(&t, stdout, use_color(ctl));
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	_cleanup_json_ json_t *status = NULL;
	int stop;

	if (args_none(ctl, argc, argv, &stop))
		return stop;
	if (ctl->output == OUTPUT_NAME)
		return ctl_usage(ctl, "status writes table, json or yaml");
	if (ctl_get(ctl, "/v1/status", NULL, NULL, &status))
		return CTL_ERROR;
	if (ctl->output != OUTPUT_TABLE)
		return write_value(ctl, status);
	show(ctl, status);
	return CTL_OK;
}

const struct ctl_command command_status = {
	.name = "status",
	.args = "",
	.brief = "show the daemon, its backend and what they hold",
	.text = "Show the daemon, its backend, whether the backend is as "
		"declared, and\nhow many objects of each kind there are.",
	.run = run,
};
