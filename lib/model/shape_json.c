/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checked trees as canonical JSON, the form in which topologies are stored.
 * JSON's null stands for what is to be left out: no field can be null.
 */
#include "model/duration.h"
#include "model/shape.h"
#include "model/value.h"

static json_t *text_to_json(const struct yaml_node *n)
{
	return json_stringn(n->text, n->len);
}

static json_t *int_to_json(const struct yaml_node *n,
			   const struct shape_field *f)
{
	int64_t v = 0;

	value_integer(n, &v);
	if (f->has_fallback && v == f->fallback)
		return json_null();
	return json_integer(v);
}

static json_t *bool_to_json(const struct yaml_node *n,
			    const struct shape_field *f)
{
	if (f->has_fallback && n->value.boolean == !!f->fallback)
		return json_null();
	return json_boolean(n->value.boolean);
}

static json_t *duration_to_json(const struct yaml_node *n,
				const struct shape_field *f)
{
	char text[DURATION_TEXT];
	uint32_t ms = 0, fallback = 0;

	value_duration(n, &ms);
	if (f->fallback_text && !duration_parse(f->fallback_text, &fallback) &&
	    ms == fallback)
		return json_null();
	return json_string(duration_format(text, ms));
}

static json_t *mac_to_json(const struct yaml_node *n)
{
	uint8_t mac[MAC_LEN] = {0};
	char text[MAC_TEXT];

	value_mac(n, mac);
	return json_string(mac_format(text, mac));
}

static json_t *labels_to_json(const struct yaml_node *n)
{
	json_t *object = n->n_pairs ? json_object() : json_null();

	for (size_t i = 0; i < n->n_pairs; i++) {
		if (json_object_set_new(object, n->pairs[i].key->text,
					text_to_json(n->pairs[i].value))) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

static json_t *list_to_json(const struct yaml_node *n, const struct shape *of)
{
	json_t *list = n->n_items ? json_array() : json_null();

	for (size_t i = 0; i < n->n_items; i++) {
		if (json_array_append_new(list,
					  shape_document(n->items[i], of))) {
			json_decref(list);
			return NULL;
		}
	}
	return list;
}

static json_t *field_to_json(const struct yaml_node *n,
			     const struct shape_field *f)
{
	switch (f->type) {
	case SHAPE_TEXT:
	case SHAPE_NAME:
	case SHAPE_DEVICE:
	case SHAPE_CHOICE:
		return text_to_json(n);
	case SHAPE_INT:
		return int_to_json(n, f);
	case SHAPE_BOOL:
		return bool_to_json(n, f);
	case SHAPE_DURATION:
		return duration_to_json(n, f);
	case SHAPE_MAC:
		return mac_to_json(n);
	case SHAPE_LABELS:
		return labels_to_json(n);
	case SHAPE_MAP:
		return shape_document(n, f->of);
	case SHAPE_LIST:
		return list_to_json(n, f->of);
	}
	return NULL;
}

json_t *shape_document(const struct yaml_node *node, const struct shape *shape)
{
	json_t *object = json_object();

	for (const struct shape_field *f = shape->fields; f->name; f++) {
		const struct yaml_node *n = yaml_get(node, f->name);
		json_t *value = n ? field_to_json(n, f) : NULL;

		if (!n)
			continue;
		if (json_is_null(value)) {
			json_decref(value);
			continue;
		}
		if (json_object_set_new(object, f->name, value)) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}
