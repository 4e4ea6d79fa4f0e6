/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bodies. Knows their JSON shapes and their types, not what topologies say.
 * Called by rest.c.
 */
#include "rest/body.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "json/json.h"

enum type {
	TYPE_JSON,
	TYPE_YAML,
	TYPE_OTHER,
};

static const struct {
	const char *name;
	enum type type;
} types[] = {
	{"application/json", TYPE_JSON},
	{"application/yaml", TYPE_YAML},
	{"application/x-yaml", TYPE_YAML},
	{"text/yaml", TYPE_YAML},
};

/* Parameters ("; charset=utf-8") are of no interest. */
static enum type type_of(const char *text)
{
	size_t len;

	if (!text)
		return TYPE_OTHER;
	len = strcspn(text, "; \t");
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strlen(types[i].name) == len &&
		    strncasecmp(types[i].name, text, len) == 0)
			return types[i].type;
	return TYPE_OTHER;
}

size_t rest_body_max(const char *content_type)
{
	return type_of(content_type) == TYPE_JSON ? REST_BODY_MAX
						  : REST_YAML_MAX;
}

void body_fini(struct body *b)
{
	free(b->sources);
	free(b->names);
	json_decref(b->json);
	*b = (struct body){0};
}

static bool wrong_shape(struct response *rs, const char *expected)
{
	rest_problem(rs, 400, "the body must be %s", expected);
	return false;
}

static bool no_memory(struct response *rs)
{
	rest_problem(rs, 503, "no memory");
	return false;
}

static bool read_json(struct body *out, const struct request *rq,
		      struct response *rs)
{
	char reason[JSON_REASON_MAX] = "";
	int err = json_read(&out->json, rq->body, rq->len, reason);

	if (err == -ENOMEM)
		return no_memory(rs);
	if (err)
		rest_problem(rs, 400, "the body is not JSON: %s", reason);
	return !err;
}

static bool one_source(struct source *out, const json_t *from)
{
	const json_t *text = json_object_get(from, "text");
	const json_t *name = json_object_get(from, "name");
	size_t known = (text ? 1 : 0) + (name ? 1 : 0);

	if (!json_is_string(text) || json_object_size(from) != known ||
	    (name && !json_is_string(name) && !json_is_null(name)))
		return false;
	out->text = json_string_value(text);
	out->len = json_string_length(text);
	out->name = json_string_value(name);
	/* a name is for people: one line, no more than a path's length */
	return !out->name ||
	       (json_string_length(name) < 4096 && !strpbrk(out->name, "\r\n"));
}

static bool list_sources(struct body *out, struct response *rs)
{
	static const char expected[] =
		"{\"sources\": [{\"name\": \"FILE\", \"text\": \"...\"}]}";
	const json_t *list = json_object_get(out->json, "sources");
	size_t total = 0;

	if (!json_is_array(list) || json_object_size(out->json) != 1 ||
	    !json_array_size(list))
		return wrong_shape(rs, expected);
	out->sources = calloc(json_array_size(list), sizeof(*out->sources));
	if (!out->sources)
		return no_memory(rs);
	for (out->count = 0; out->count < json_array_size(list); out->count++) {
		struct source *one = &out->sources[out->count];

		if (!one_source(one, json_array_get(list, out->count)))
			return wrong_shape(rs, expected);
		total += one->len;
	}
	if (total > REST_YAML_MAX) {
		rest_problem(rs, 413, "the sources are larger than %d MiB",
			     REST_YAML_MAX >> 20);
		return false;
	}
	return true;
}

static bool whole_body(struct body *out, const struct request *rq,
		       struct response *rs)
{
	out->sources = calloc(1, sizeof(*out->sources));
	if (!out->sources)
		return no_memory(rs);
	out->sources[0] = (struct source){.text = rq->body, .len = rq->len};
	out->count = 1;
	return true;
}

static bool has_type(const struct request *rq, bool yaml, struct response *rs)
{
	enum type type = type_of(rq->content_type);

	if (type == TYPE_JSON || (yaml && type == TYPE_YAML))
		return true;
	rest_problem(rs, 415, "Content-Type must be application/json%s, not %s",
		     yaml ? " or application/yaml" : "",
		     rq->content_type ? rq->content_type : "missing");
	return false;
}

bool body_sources(struct body *out, const struct request *rq, bool document,
		  struct response *rs)
{
	if (!has_type(rq, true, rs))
		return false;
	if (type_of(rq->content_type) == TYPE_YAML)
		return whole_body(out, rq, rs);
	if (!read_json(out, rq, rs))
		return false;
	if (document && !json_object_get(out->json, "sources"))
		return whole_body(out, rq, rs);
	return list_sources(out, rs);
}

bool body_names(struct body *out, const struct request *rq, struct response *rs)
{
	static const char expected[] = "{\"topologies\": [\"NAME\", ...]}";
	const json_t *list;

	if (!has_type(rq, false, rs) || !read_json(out, rq, rs))
		return false;
	list = json_object_get(out->json, "topologies");
	if (!json_is_array(list) || json_object_size(out->json) != 1 ||
	    !json_array_size(list))
		return wrong_shape(rs, expected);
	out->names = calloc(json_array_size(list), sizeof(*out->names));
	if (!out->names)
		return no_memory(rs);
	for (out->count = 0; out->count < json_array_size(list); out->count++) {
		const char *name =
			json_string_value(json_array_get(list, out->count));

		if (!name)
			return wrong_shape(rs, expected);
		out->names[out->count] = name;
	}
	return true;
}
