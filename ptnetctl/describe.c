/* SPDX-License-Identifier: BSD-2-Clause */
/* describe: all there is to know of one object. */
#include "commands.h"

#include <string.h>

#include "json/json.h"
#include "kinds.h"

static bool is_on(const json_t *port, const char *key, const char *name)
{
	const char *on = json_string_value(
		json_object_get(json_object_get(port, "spec"), key));

	return on && !strcmp(on, name);
}

/* The ports on a switch or pipe, as a table below the details. */
static int ports_on(struct ctl *ctl, const char *key, const char *name)
{
	const struct kind *k = kind_find(ctl, "ports");
	_cleanup_json_ json_t *ports = NULL;
	_cleanup_json_ json_t *mine = json_array();
	json_t *port;
	size_t i;

	if (ctl_get(ctl, k->target, NULL, NULL, &ports))
		return CTL_ERROR;
	json_array_foreach(ports, i, port)
		if (is_on(port, key, name))
			json_array_append(mine, port);
	if (!json_array_size(mine))
		return CTL_OK;
	putchar('\n');
	return write_list(ctl, mine, k->columns, k->name);
}

/* A topology's document with what the list knows of it in front. */
static json_t *topology_details(struct ctl *ctl, const struct kind *k,
				json_t *document)
{
	_cleanup_json_ json_t *list = NULL;
	json_t *metadata = json_object_get(document, "metadata");
	json_t *all = json_object(), *one;
	const char *name = json_string_value(json_object_get(metadata, "name"));
	size_t i;

	if (ctl_get(ctl, k->target, NULL, NULL, &list)) {
		json_decref(all);
		return NULL;
	}
	json_array_foreach(list, i, one) {
		const char *have =
			json_string_value(json_object_get(one, "name"));

		if (name && have && !strcmp(have, name))
			json_object_update(all, one);
	}
	json_object_update(all, metadata);
	json_object_set(all, "spec", json_object_get(document, "spec"));
	return all;
}

static int describe(struct ctl *ctl, const struct kind *k, const char *name)
{
	_cleanup_json_ json_t *object = NULL;
	_cleanup_json_ json_t *details = NULL;

	if (ctl_get(ctl, k->target, name, NULL, &object))
		return CTL_ERROR;
	if (ctl->output == OUTPUT_JSON || ctl->output == OUTPUT_YAML)
		return write_value(ctl, object);
	if (kind_is_topologies(k)) {
		details = topology_details(ctl, k, object);
		if (!details)
			return CTL_ERROR;
		write_details(stdout, details);
		return CTL_OK;
	}
	write_details(stdout, object);
	if (!strcmp(k->name, "switches"))
		return ports_on(ctl, "switch", name);
	if (!strcmp(k->name, "pipes"))
		return ports_on(ctl, "pipe", name);
	return CTL_OK;
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	const char *words[2] = {0};
	const struct kind *k;
	struct args a;
	int id, n = 0;

	args_init(&a, ctl, argc, argv);
	while ((id = args_next(&a)) > 0 && n < 3) {
		if (n < 2)
			words[n] = a.value;
		n++;
	}
	if (id == ARGS_STOP)
		return a.status;
	if (n != 2)
		return ctl_usage(ctl, "describe expects a KIND and a NAME");
	if (ctl->output == OUTPUT_NAME)
		return ctl_usage(ctl, "describe writes table, json or yaml");
	k = kind_find(ctl, words[0]);
	if (k && !k->target)
		return ctl_usage(ctl, "use `get fdb %s`", words[1]);
	return k ? describe(ctl, k, words[1]) : CTL_ERROR;
}

const struct ctl_command command_describe = {
	.name = "describe",
	.args = "KIND NAME",
	.brief = "show all there is to know of an object",
	.text = "Show all there is to know of one object: what is declared, "
		"its state\nand its counters. KIND is as for get, but for fdb.",
	.words = "@kinds|@names",
	.run = run,
};
