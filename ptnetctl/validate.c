/* SPDX-License-Identifier: BSD-2-Clause */
/* validate: topologies offline. Needs no daemon. */
#include "commands.h"

#include <errno.h>
#include <stdio.h>

#include "json/json.h"
#include "source.h"
#include "writer.h"

static const struct ctl_option options[] = {
	{'f', "file", "FILE", "the same as FILE", "@files"},
	{0},
};

static json_t *findings(const struct diags *found)
{
	json_t *list = json_array();

	for (size_t i = 0; i < found->count; i++) {
		const struct diag *d = &found->list[i];

		json_array_append_new(
			list,
			json_pack("{s:s?, s:i, s:i, s:s?, s:s, s:s?}", "file",
				  d->file, "line", (int)d->line, "column",
				  (int)d->column, "path", d->path, "message",
				  d->message, "hint", d->hint));
	}
	return list;
}

static json_t *topology_names(const struct topologies *set)
{
	json_t *list = json_array();

	for (size_t i = 0; i < set->count; i++)
		json_array_append_new(list, json_pack("{s:s}", "name",
						      set->list[i].name));
	return list;
}

static int report(struct ctl *ctl, const struct sources *s,
		  const struct topologies *set, const struct diags *found)
{
	_cleanup_json_ json_t *value = NULL;

	if (ctl->output == OUTPUT_JSON || ctl->output == OUTPUT_YAML) {
		value = json_pack("{s:b, s:o, s:o}", "valid", !diags_any(found),
				  "topologies", topology_names(set), "errors",
				  findings(found));
		return write_value(ctl, value);
	}
	if (diags_any(found))
		return CTL_ERROR;
	if (ctl->output == OUTPUT_NAME) {
		value = topology_names(set);
		return write_list(ctl, value, NULL, NULL);
	}
	printf("valid: %zu %s, %zu %s, %zu %s\n", s->count,
	       s->count == 1 ? "file" : "files", set->count,
	       set->count == 1 ? "topology" : "topologies",
	       topologies_objects(set),
	       topologies_objects(set) == 1 ? "object" : "objects");
	return CTL_OK;
}

static int validate(struct ctl *ctl, const struct sources *sources)
{
	_cleanup_(topologies_fini) struct topologies set = {0};
	_cleanup_(diags_fini) struct diags found = {0};
	int err = sources_parse(sources, &set, &found), status;

	if (err == -ENOMEM) {
		status = ctl_error("there is not enough memory");
	} else {
		ctl_diags(&found);
		status = report(ctl, sources, &set, &found);
	}
	return err ? CTL_ERROR : status;
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	_cleanup_(sources_fini) struct sources sources = {0};
	struct args a;
	int id;

	args_init(&a, ctl, argc, argv);
	while ((id = args_next(&a)) > 0)
		if (sources_add(&sources, a.value))
			return CTL_ERROR;
	if (id == ARGS_STOP)
		return a.status;
	if (!sources.count)
		return ctl_usage(ctl, "validate expects a FILE");
	return validate(ctl, &sources);
}

const struct ctl_command command_validate = {
	.name = "validate",
	.args = "FILE...",
	.brief = "check topologies without a daemon",
	.text = "Check topologies without a daemon, all files together, and "
		"tell\neverything that is wrong as FILE:LINE:COLUMN: PATH: "
		"MESSAGE on stderr.\n\nFILE is a topology in YAML or JSON, - "
		"for standard input, or a\ndirectory: its *.yaml, *.yml and "
		"*.json in the order of their names.",
	.options = options,
	.words = "@files",
	.run = run,
};
