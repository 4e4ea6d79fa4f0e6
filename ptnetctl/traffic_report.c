/* SPDX-License-Identifier: BSD-2-Clause */
/* The result of `traffic`: one JSON object, or a table of one row. */
#include "traffic.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "json/json.h"
#include "writer.h"

int64_t traffic_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

json_t *traffic_result(const char *name, const struct traffic_tally *tally)
{
	double seconds = (double)(tally->end - tally->begin) / 1e9;
	double rate = seconds > 0 ? 1 / seconds : 0;

	return json_pack("{s:s, s:I, s:I, s:f, s:f, s:f, s:I, s:I}", "port",
			 name, "frames", (json_int_t)tally->frames, "bytes",
			 (json_int_t)tally->bytes, "seconds", seconds, "pps",
			 (double)tally->frames * rate, "bps",
			 (double)tally->bytes * 8 * rate, "syncs",
			 (json_int_t)tally->syncs, "waits",
			 (json_int_t)tally->waits);
}

/* 12345678 becomes 12.35 M. */
static void cell_rate(struct table *t, double n)
{
	static const char *const unit[] = {"", " k", " M", " G", " T"};
	size_t i = 0;

	while (n >= 1000 && i + 1 < sizeof(unit) / sizeof(unit[0])) {
		n /= 1000;
		i++;
	}
	table_cell(t, STYLE_NUMBER, "%.*f%s", i ? 2 : 0, n, unit[i]);
}

static void cell(struct table *t, const char *key, const json_t *value)
{
	if (json_is_string(value))
		table_cell(t, STYLE_PLAIN, "%s", json_string_value(value));
	else if (json_is_integer(value))
		table_cell(t, STYLE_NUMBER, "%" JSON_INTEGER_FORMAT,
			   json_integer_value(value));
	else if (!strcmp(key, "seconds") || !strcmp(key, "elapsed") ||
		 strstr(key, "_us"))
		table_cell(t, STYLE_NUMBER, "%.3f", json_real_value(value));
	else
		cell_rate(t, json_real_value(value));
}

static void title(struct table *t, const char *key, const json_t *value)
{
	char text[32];
	size_t i;

	for (i = 0; key[i] && i + 1 < sizeof(text); i++)
		text[i] = (char)(key[i] >= 'a' && key[i] <= 'z' ? key[i] - 32
								: key[i]);
	text[i] = '\0';
	table_cell(t, json_is_string(value) ? STYLE_PLAIN : STYLE_NUMBER, "%s",
		   text);
}

static int show_table(json_t *result)
{
	_cleanup_(table_fini) struct table t = {
		.columns = json_object_size(result)};
	const char *key;
	json_t *value;

	json_object_foreach(result, key, value)
		title(&t, key, value);
	json_object_foreach(result, key, value)
		cell(&t, key, value);
	table_print(&t, stdout, false);
	return CTL_OK;
}

int traffic_report(const struct traffic *t, json_t *result)
{
	_cleanup_json_ json_t *owned = result;

	if (!owned)
		return ctl_error("out of memory");
	if (t->ctl->output == OUTPUT_JSON || t->ctl->output == OUTPUT_YAML)
		return write_value(t->ctl, owned);
	return show_table(owned);
}
