/* SPDX-License-Identifier: BSD-2-Clause */
/* census: where every packet buffer of every region is. */
#include "commands.h"

#include "json/json.h"
#include "writer.h"

static const struct {
	const char *key, *meaning;
	bool bad; /* unless it is zero */
} rows[] = {
	{"regions", "regions of shared memory", false},
	{"buffers", "packet buffers in them", false},
	{"free", "in free lists", false},
	{"slots", "in slots of rings", false},
	{"extra", "in lists of extra buffers", false},
	{"lost", "nowhere", true},
	{"twice", "in more than one place", true},
};

static void show(struct ctl *ctl, const json_t *census)
{
	_cleanup_(table_fini) struct table t = {.columns = 3};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		json_int_t n = json_integer_value(
			json_object_get(census, rows[i].key));

		table_cell(&t, STYLE_PLAIN, "%s", rows[i].key);
		table_cell(&t, STYLE_NUMBER, "%" JSON_INTEGER_FORMAT, n);
		table_cell(&t, rows[i].bad && n ? STYLE_BAD : STYLE_DIM, "%s",
			   rows[i].meaning);
	}
	table_print(&t, stdout, use_color(ctl));
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	_cleanup_json_ json_t *census = NULL;
	int status;

	if (args_none(ctl, argc, argv, &status))
		return status;
	if (ctl->output == OUTPUT_NAME)
		return ctl_usage(ctl, "census writes table, json or yaml");
	if (ctl_get(ctl, "/v1/census", NULL, NULL, &census))
		return CTL_ERROR;
	if (ctl->output != OUTPUT_TABLE)
		return write_value(ctl, census);
	show(ctl, census);
	return CTL_OK;
}

const struct ctl_command command_census = {
	.name = "census",
	.args = "",
	.brief = "count where every packet buffer is",
	.text = "Count every packet buffer of every region: each is in a free "
		"list, a\nslot or a list of extra buffers. One that is lost or "
		"in two places is a\nfault.",
	.run = run,
};
