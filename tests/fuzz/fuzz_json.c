/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as JSON. What is taken is the same when it is written and read
 * again, also by way of YAML.
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json/json.h"
#include "model/yaml.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MUST(condition)                                                        \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "broken: %s\n", #condition);           \
			abort();                                               \
		}                                                              \
	} while (0)

static void check_same(const json_t *j, const struct yaml_node *y);

static void check_scalar(const json_t *j, const struct yaml_node *y)
{
	MUST(y->kind == YAML_SCALAR);
	switch (json_typeof(j)) {
	case JSON_STRING:
		MUST(y->value.type == SCALAR_STRING);
		MUST(y->len == json_string_length(j));
		MUST(memcmp(y->text, json_string_value(j), y->len) == 0);
		return;
	case JSON_INTEGER:
		MUST(y->value.type == SCALAR_INT);
		MUST(y->value.integer == json_integer_value(j) ||
		     json_integer_value(j) == INT64_MIN);
		return;
	case JSON_REAL:
		MUST(y->value.type == SCALAR_FLOAT);
		MUST(y->value.number == json_real_value(j));
		return;
	case JSON_NULL:
		MUST(y->value.type == SCALAR_NULL);
		return;
	case JSON_TRUE:
	case JSON_FALSE:
		MUST(y->value.type == SCALAR_BOOL);
		MUST(y->value.boolean == json_is_true(j));
		return;
	case JSON_OBJECT:
	case JSON_ARRAY:
		MUST(!"a collection");
	}
}

static void check_object(json_t *j, const struct yaml_node *y)
{
	const char *key;
	json_t *value;

	MUST(y->kind == YAML_MAP && y->n_pairs == json_object_size(j));
	json_object_foreach(j, key, value) {
		MUST(yaml_get(y, key));
		check_same(value, yaml_get(y, key));
	}
}

static void check_same(const json_t *j, const struct yaml_node *y)
{
	json_t *value;
	size_t i;

	if (json_is_object(j)) {
		check_object((json_t *)j, y);
		return;
	}
	if (!json_is_array(j)) {
		check_scalar(j, y);
		return;
	}
	MUST(y->kind == YAML_LIST && y->n_items == json_array_size(j));
	json_array_foreach(j, i, value)
		check_same(value, y->items[i]);
}

/* JSON may be nested deeper than YAML is here, and its keys may be longer
 * than libyaml's limit of 1,024 bytes: that is refused, never misread. */
static void check_yaml(const json_t *value)
{
	char *text = json_to_yaml(value);
	struct yaml_stream *s;
	struct yaml_node *root;
	struct diags d = {0};

	MUST(text);
	MUST(yaml_open(&s, text, strlen(text), NULL, &d) == 0);
	if (yaml_next(s, &root) == 1) {
		MUST(!diags_any(&d));
		check_same(value, root);
	} else {
		MUST(d.count == 1);
		MUST(strstr(d.list[0].message, "nested deeper") ||
		     strlen(text) > 1024);
	}
	yaml_close(s);
	diags_fini(&d);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *value = NULL, *again = NULL;
	char reason[JSON_REASON_MAX] = "", *text;
	int err = json_read(&value, (const char *)data, size, reason);

	MUST(err == 0 || err == -EINVAL);
	MUST((err == 0) == (value != NULL) && (err == 0) == !*reason);
	if (err)
		return 0;
	text = json_write(value);
	MUST(text && json_read(&again, text, strlen(text), NULL) == 0);
	MUST(json_equal(value, again));
	free(text);
	json_decref(again);
	check_yaml(value);
	json_decref(value);
	return 0;
}
