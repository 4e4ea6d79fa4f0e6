/* SPDX-License-Identifier: BSD-2-Clause */
/* export: topologies as files that apply takes again. */
#include "commands.h"

#include <stdio.h>
#include <string.h>

#include "json/json.h"
#include "model/topology.h"
#include "text.h"
#include "writer.h"

static int add_document(struct ctl *ctl, json_t *documents, const char *name)
{
	json_t *document;
	int err = ctl_get(ctl, "/v1/topologies", name, NULL, &document);

	return err ?: json_array_append_new(documents, document);
}

static int add_all(struct ctl *ctl, json_t *documents)
{
	_cleanup_json_ json_t *list = NULL;
	int err = ctl_get(ctl, "/v1/topologies", NULL, NULL, &list);
	json_t *one;
	size_t i;

	json_array_foreach(list, i, one) {
		const char *name =
			json_string_value(json_object_get(one, "name"));

		if (name && !err)
			err = add_document(ctl, documents, name);
	}
	return err;
}

static int write_documents(const json_t *documents)
{
	json_t *document;
	size_t i;

	json_array_foreach(documents, i, document) {
		_cleanup_free_ char *yaml = topology_to_yaml(document);

		if (!yaml)
			return ctl_error("there is not enough memory");
		if (i)
			fputs("---\n", stdout);
		text_put_yaml(stdout, yaml);
	}
	return CTL_OK;
}

static int write_out(struct ctl *ctl, const json_t *documents, bool one)
{
	_cleanup_json_ json_t *names = NULL;
	json_t *document;
	size_t i;

	switch (ctl->output) {
	case OUTPUT_TABLE:
	case OUTPUT_YAML:
		return write_documents(documents);
	case OUTPUT_JSON:
		return write_value(ctl, one ? json_array_get(documents, 0)
					    : documents);
	case OUTPUT_NAME:
		break;
	}
	names = json_array();
	json_array_foreach(documents, i, document)
		json_array_append(names, json_object_get(document, "metadata"));
	return write_list(ctl, names, NULL, NULL);
}

static int run(struct ctl *ctl, int argc, char **argv)
{
	_cleanup_json_ json_t *documents = json_array();
	struct args a;
	int id, words = 0;

	args_init(&a, ctl, argc, argv);
	while ((id = args_next(&a)) > 0) {
		words++;
		if (add_document(ctl, documents, a.value))
			return CTL_ERROR;
	}
	if (id == ARGS_STOP)
		return a.status;
	if (!words && add_all(ctl, documents))
		return CTL_ERROR;
	return write_out(ctl, documents, words == 1);
}

const struct ctl_command command_export = {
	.name = "export",
	.args = "[NAME...]",
	.brief = "write topologies as YAML that apply takes",
	.text = "Write topologies, or all of them, as YAML that apply takes "
		"again. With\n-o json one name gives the document, else it is "
		"an array of documents.",
	.words = "@topologies",
	.run = run,
};
