/* SPDX-License-Identifier: BSD-2-Clause */
/* delete: whole topologies, by name or by the files that declare them. */
#include "commands.h"

#include <string.h>

#include "json/json.h"
#include "kinds.h"
#include "result.h"
#include "source.h"

enum { OPTION_DRY_RUN = CTL_LONG_ONLY };

static const struct ctl_option options[] = {
	{'f', "file", "FILE", "delete the topologies that FILE declares",
	 "@files"},
	{OPTION_DRY_RUN, "dry-run", NULL, "only show what would be done", NULL},
	{0},
};

static bool add_name(json_t *names, const char *name)
{
	return !json_array_append_new(names, json_string(name));
}

static int add_declared(json_t *names, const struct sources *sources)
{
	_cleanup_(topologies_fini) struct topologies set = {0};
	_cleanup_(diags_fini) struct diags found = {0};

	if (sources_parse(sources, &set, &found)) {
		ctl_diags(&found);
		return CTL_ERROR;
	}
	for (size_t i = 0; i < set.count; i++)
		if (!add_name(names, set.list[i].name))
			return ctl_error("there is not enough memory");
	return CTL_OK;
}

static int delete (struct ctl *ctl, json_t *names, bool dry_run)
{
	_cleanup_json_ json_t *body = json_pack("{s:O}", "topologies", names);
	_cleanup_json_ json_t *result = NULL;

	if (ctl_post(ctl, dry_run ? "/v1/delete?dryRun=true" : "/v1/delete",
		     body, "deleting", false, &result))
		return CTL_ERROR;
	return result_write(ctl, result, dry_run);
}

static int add_word(struct ctl *ctl, json_t *names, const char *word,
		    const struct kind **k)
{
	if (*k)
		return add_name(names, word)
			       ? CTL_OK
			       : ctl_error("the name is not UTF-8");
	*k = kind_find(ctl, word);
	if (*k && !kind_is_topologies(*k)) {
		ctl_error("only topologies can be deleted");
		ctl_hint("take other objects out of the topology that "
			 "declares them, and apply it");
		return CTL_ERROR;
	}
	return *k ? CTL_OK : CTL_ERROR;
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	_cleanup_(sources_fini) struct sources sources = {0};
	_cleanup_json_ json_t *names = json_array();
	const struct kind *k = NULL;
	bool dry_run = false;
	struct args a;
	int id;

	args_init(&a, ctl, argc, argv);
	while ((id = args_next(&a)) > 0) {
		if (id == OPTION_DRY_RUN)
			dry_run = true;
		else if (id == 'f' ? sources_add(&sources, a.value)
				   : add_word(ctl, names, a.value, &k))
			return CTL_ERROR;
	}
	if (id == ARGS_STOP)
		return a.status;
	if (k && !json_array_size(names))
		return ctl_usage(ctl, "delete topology expects a NAME");
	if (!k && !sources.count)
		return ctl_usage(ctl, "delete expects topology NAME... or -f "
				      "FILE");
	if (sources.count && add_declared(names, &sources))
		return CTL_ERROR;
	return delete (ctl, names, dry_run);
}

const struct ctl_command command_delete = {
	.name = "delete",
	.args = "[topology NAME...]",
	.brief = "delete topologies with all they declare",
	.text = "Delete topologies with everything they declare, all in one\n"
		"transaction. Name them, or with -f the files that declare "
		"them.",
	.options = options,
	.words = "topology|@topologies",
	.run = run,
};
