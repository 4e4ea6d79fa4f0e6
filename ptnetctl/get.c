/* SPDX-License-Identifier: BSD-2-Clause */
/* get: lists of objects, and one. */
#include "commands.h"

#include <errno.h>
#include <string.h>

#include "json/json.h"
#include "kinds.h"

/* A switch's entries, each with the switch's name when @named. */
static int add_fdb(struct ctl *ctl, const char *name, bool named, json_t *all)
{
	_cleanup_json_ json_t *entries = NULL;
	int err = ctl_get(ctl, "/v1/switches", name, "/fdb", &entries);
	json_t *entry;
	size_t i;

	json_array_foreach(entries, i, entry) {
		if (named && json_is_object(entry))
			json_object_set_new(entry, "switch", json_string(name));
		json_array_append(all, entry);
	}
	return err;
}

static int get_fdb(struct ctl *ctl, const struct kind *k, const char *name)
{
	bool named = !name || ctl->output == OUTPUT_TABLE;
	_cleanup_json_ json_t *all = json_array();
	_cleanup_json_ json_t *switches = NULL;
	json_t *one;
	size_t i;
	int err = 0;

	if (ctl->output == OUTPUT_NAME)
		return ctl_usage(ctl, "entries of the fdb have no names");
	if (name)
		err = add_fdb(ctl, name, named, all);
	else
		err = ctl_get(ctl, "/v1/switches", NULL, NULL, &switches);
	json_array_foreach(switches, i, one) {
		name = json_string_value(json_object_get(one, "name"));
		if (name && !err)
			err = add_fdb(ctl, name, named, all);
	}
	return err ? CTL_ERROR
		   : write_list(ctl, all, k->columns, "addresses are known");
}

/* The API answers a topology's name with its document, which has no row. */
static int get_topology_row(struct ctl *ctl, const struct kind *k,
			    const char *name)
{
	_cleanup_json_ json_t *list = NULL;
	_cleanup_json_ json_t *row = json_array();
	json_t *one;
	size_t i;

	if (ctl_get(ctl, k->target, NULL, NULL, &list))
		return CTL_ERROR;
	json_array_foreach(list, i, one) {
		const char *have =
			json_string_value(json_object_get(one, "name"));

		if (have && !strcmp(have, name))
			json_array_append(row, one);
	}
	if (!json_array_size(row))
		return ctl_error("there is no topology %s", name);
	return write_list(ctl, row, k->columns, k->name);
}

static int get_one(struct ctl *ctl, const struct kind *k, const char *name)
{
	_cleanup_json_ json_t *object = NULL;
	_cleanup_json_ json_t *list = NULL;

	if (ctl->output == OUTPUT_TABLE && kind_is_topologies(k))
		return get_topology_row(ctl, k, name);
	if (ctl_get(ctl, k->target, name, NULL, &object))
		return CTL_ERROR;
	if (ctl->output == OUTPUT_JSON || ctl->output == OUTPUT_YAML)
		return write_value(ctl, object);
	/* A document's name is in its metadata. */
	list = json_pack("[O?]", kind_is_topologies(k)
					 ? json_object_get(object, "metadata")
					 : object);
	return write_list(ctl, list, k->columns, k->name);
}

static int get(struct ctl *ctl, const char *word, const char *name)
{
	_cleanup_json_ json_t *list = NULL;
	const struct kind *k = kind_find(ctl, word);

	if (!k)
		return CTL_ERROR;
	if (!k->target)
		return get_fdb(ctl, k, name);
	if (name)
		return get_one(ctl, k, name);
	if (ctl_get(ctl, k->target, NULL, NULL, &list))
		return CTL_ERROR;
	return write_list(ctl, list, k->columns, k->name);
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	const char *words[2] = {0};
	struct args a;
	int id, n = 0;

	args_init(&a, ctl, argc, argv);
	while ((id = args_next(&a)) > 0) {
		if (n == 2)
			return ctl_usage(ctl, "get takes one KIND and a NAME");
		words[n++] = a.value;
	}
	if (id == ARGS_STOP)
		return a.status;
	if (!n)
		return ctl_usage(ctl, "get expects a KIND: topologies, "
				      "switches, pipes, ports, nics, vms or "
				      "fdb");
	return get(ctl, words[0], words[1]);
}

const struct ctl_command command_get = {
	.name = "get",
	.args = "KIND [NAME]",
	.brief = "list objects, or show one",
	.text = "List the objects of a kind, or show the one of that name.\n\n"
		"KIND is topologies, switches (sw), pipes (pi), ports (po), "
		"nics, vms,\nor fdb: the forwarding table of the switch NAME, "
		"or of all. Singular\nforms are understood too. -o json prints "
		"what the API answers.",
	.words = "@kinds|@names",
	.run = run,
};
