/* SPDX-License-Identifier: BSD-2-Clause */
/* version: of this program and of the daemon. */
#include "commands.h"

#include "json/json.h"
#include "writer.h"

enum { OPTION_CLIENT = CTL_LONG_ONLY };

static const struct ctl_option options[] = {
	{OPTION_CLIENT, "client", NULL, "do not ask the daemon", NULL},
	{0},
};

static void row(struct table *t, const char *who, const json_t *version)
{
	table_cell(t, STYLE_PLAIN, "%s", who);
	table_cell(t, STYLE_PLAIN, "%s",
		   json_string_value(version) ?: "unknown");
}

static int show(struct ctl *ctl, json_t *server)
{
	_cleanup_json_ json_t *both = NULL;
	_cleanup_(table_fini) struct table t = {.columns = 2};
	const char *backend =
		json_string_value(json_path(server, "backend.name"));

	both = json_pack("{s:{s:s}, s:O*}", "client", "version", PTNET_VERSION,
			 "server", server);
	if (ctl->output == OUTPUT_JSON || ctl->output == OUTPUT_YAML)
		return write_value(ctl, both);
	table_cell(&t, STYLE_PLAIN, "ptnetctl");
	table_cell(&t, STYLE_PLAIN, PTNET_VERSION);
	if (server)
		row(&t, "ptnetd", json_object_get(server, "version"));
	if (backend)
		row(&t, backend, json_path(server, "backend.version"));
	table_print(&t, stdout, false);
	return CTL_OK;
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	_cleanup_json_ json_t *server = NULL;
	bool client_only = false;
	struct args a;
	int id, err = 0;

	args_init(&a, ctl, argc, argv);
	while ((id = args_next(&a)) > 0) {
		if (id == ARGS_WORD)
			return ctl_usage(ctl, "version takes no argument");
		client_only = true;
	}
	if (id == ARGS_STOP)
		return a.status;
	if (!client_only)
		err = ctl_get(ctl, "/version", NULL, NULL, &server);
	return show(ctl, server) || err ? CTL_ERROR : CTL_OK;
}

const struct ctl_command command_version = {
	.name = "version",
	.args = "",
	.brief = "show the versions of ptnetctl and ptnetd",
	.text = "Show the versions of ptnetctl, of the daemon and of its "
		"backend.",
	.options = options,
	.run = run,
};
