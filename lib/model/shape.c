/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Checks trees against shapes. Knows types and words, not what a switch or a
 * port is: that is in fields.c, and how they hang together in refer.c.
 */
#include "model/shape.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "model/value.h"

enum {
	NAMES_MAX = 16, /* fields of a shape */
	SHOWN_MAX = 40, /* bytes of a value in a message */
	DEVICE_MAX = 15,
	LABEL_KEY_MAX = 63,
	LABEL_VALUE_MAX = 256,
	LABELS_MAX = 64,
};

static void write_path(struct strbuf *b, const struct shape_path *path)
{
	if (!path)
		return;
	write_path(b, path->up);
	if (!path->key)
		strbuf_addf(b, "[%zu]", path->index);
	else
		strbuf_addf(b, "%s%.100s", b->len ? "." : "", path->key);
}

char *shape_path_text(const struct shape_path *path)
{
	_cleanup_strbuf_ struct strbuf b = {0};

	write_path(&b, path);
	return strbuf_steal(&b);
}

/* Where a finding is: the node it is about and the way to it. */
struct spot {
	const struct shape_check *check;
	const struct yaml_node *node;
	const struct shape_path *path;
};

#define FIND(spot, hint, ...)                                                  \
	do {                                                                   \
		char *text_ = shape_path_text((spot)->path);                   \
		diag_add((spot)->check->diags, (spot)->check->file,            \
			 (spot)->node->at.line, (spot)->node->at.column,       \
			 text_, hint, __VA_ARGS__);                            \
		free(text_);                                                   \
	} while (0)

/* Cuts at SHOWN_MAX bytes; what cannot be shown is cleaned when noted. */
static void show_text(struct strbuf *b, const struct yaml_node *n)
{
	size_t len = n->len > SHOWN_MAX ? SHOWN_MAX : n->len;

	for (size_t i = 0; i < len; i++)
		strbuf_add_bytes(b, n->text[i] ? &n->text[i] : "?", 1);
	if (len < n->len)
		strbuf_add(b, "...");
}

/* "the number 5", for messages. Returns a new string or NULL. */
static char *describe(const struct yaml_node *n)
{
	static const char *const what[] = {
		[SCALAR_STRING] = "",		[SCALAR_NULL] = "nothing",
		[SCALAR_BOOL] = "the boolean ", [SCALAR_INT] = "the number ",
		[SCALAR_FLOAT] = "the number ", [SCALAR_DATE] = "the date ",
	};
	_cleanup_strbuf_ struct strbuf b = {0};

	if (n->kind == YAML_LIST) {
		strbuf_add(&b, "a list");
	} else if (n->kind == YAML_MAP) {
		strbuf_add(&b, "a mapping");
	} else if (n->value.type == SCALAR_STRING) {
		strbuf_add(&b, "\"");
		show_text(&b, n);
		strbuf_add(&b, "\"");
	} else {
		strbuf_add(&b, what[n->value.type]);
		if (n->value.type != SCALAR_NULL)
			show_text(&b, n);
	}
	return strbuf_steal(&b);
}

/* Takes over @hint. */
static void expected(const struct spot *spot, const char *what, char *hint)
{
	_cleanup_free_ char *found = describe(spot->node);

	FIND(spot, hint, "expected %s, found %s", what,
	     found ? found : "something else");
	free(hint);
}

__attribute__((format(printf, 1, 2))) static char *make_hint(const char *format,
							     ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	return text;
}

/* A plain scalar that a reader takes for no string is one in quotes. */
static char *quote_hint(const struct yaml_node *n)
{
	if (n->kind != YAML_SCALAR || n->value.type == SCALAR_STRING ||
	    n->value.type == SCALAR_NULL || n->len > SHOWN_MAX)
		return NULL;
	return make_hint("as a text it is in quotes: \"%s\"", n->text);
}

static void check_text(const struct spot *s, const struct shape_field *f)
{
	bool special = false;
	size_t n = 0;
	char what[64];

	snprintf(what, sizeof(what), "a text of %s%lld characters",
		 f->min ? "1 to " : "at most ", (long long)f->max);
	if (yaml_is(s->node, SCALAR_STRING))
		n = value_characters(s->node, &special);
	if (!yaml_is(s->node, SCALAR_STRING) || n < (size_t)f->min ||
	    n > (size_t)f->max)
		expected(s, what, quote_hint(s->node));
	else if (special)
		FIND(s, NULL, "a text must not have control characters in it");
}

static void check_name(const struct spot *s, const struct shape_field *f)
{
	char what[128];

	if (value_is_word(s->node, "", "_-", (size_t)f->max))
		return;
	snprintf(what, sizeof(what),
		 "a name (letters, digits, - and _, first a letter or digit, "
		 "at most %lld)",
		 (long long)f->max);
	expected(s, what, quote_hint(s->node));
}

static void check_device(const struct spot *s)
{
	if (!value_is_word(s->node, "_", "_.-", DEVICE_MAX))
		expected(s, "the name of a network device (at most 15 letters)",
			 quote_hint(s->node));
}

static size_t count_choices(const struct shape_field *f)
{
	size_t n = 0;

	while (f->choices[n])
		n++;
	return n;
}

static bool is_choice(const struct yaml_node *n, const struct shape_field *f)
{
	if (!yaml_is(n, SCALAR_STRING))
		return false;
	for (size_t i = 0; f->choices[i]; i++)
		if (strlen(f->choices[i]) == n->len &&
		    memcmp(f->choices[i], n->text, n->len) == 0)
			return true;
	return false;
}

static void check_choice(const struct spot *s, const struct shape_field *f)
{
	_cleanup_strbuf_ struct strbuf what = {0};
	size_t n = count_choices(f);
	const char *near = NULL;

	if (is_choice(s->node, f))
		return;
	for (size_t i = 0; i < n; i++)
		strbuf_addf(&what, "%s%s", i ? " or " : "", f->choices[i]);
	if (yaml_is(s->node, SCALAR_STRING) && n > 1)
		near = near_miss(s->node->text, f->choices, n);
	expected(s, strbuf_failed(&what) ? "another word" : what.data,
		 near ? make_hint("did you mean %s?", near) : NULL);
}

static bool is_good_int(const struct shape_field *f, int64_t v)
{
	if (v < f->min || v > f->max)
		return false;
	if (f->multiple_of && v % f->multiple_of)
		return false;
	return !f->power_of_two || (v & (v - 1)) == 0;
}

static char *number_hint(const struct yaml_node *n)
{
	struct scalar plain;

	if (!yaml_is(n, SCALAR_STRING) || n->len > SHOWN_MAX)
		return NULL;
	plain = scalar_resolve(n->text, n->len);
	if (plain.type == SCALAR_INT)
		return make_hint("write the number without quotes: %s",
				 n->text);
	return NULL;
}

static void check_int(const struct spot *s, const struct shape_field *f)
{
	char what[96], more[32] = "";
	int64_t v;

	if (value_integer(s->node, &v) && is_good_int(f, v))
		return;
	if (f->multiple_of)
		snprintf(more, sizeof(more), ", a multiple of %lld",
			 (long long)f->multiple_of);
	else if (f->power_of_two)
		snprintf(more, sizeof(more), ", a power of two");
	snprintf(what, sizeof(what), "an integer from %lld to %lld%s",
		 (long long)f->min, (long long)f->max, more);
	expected(s, what, number_hint(s->node));
}

static void check_duration(const struct spot *s)
{
	uint32_t ms;
	char *hint = NULL;

	if (value_duration(s->node, &ms))
		return;
	if (yaml_is(s->node, SCALAR_INT) && s->node->len <= 6 &&
	    s->node->value.integer >= 0)
		hint = make_hint("did you mean %llds?",
				 (long long)s->node->value.integer);
	expected(s, "a duration such as 500ms, 300s, 5m or 1h, at most 999h",
		 hint);
}

static void check_mac(const struct spot *s)
{
	static const uint8_t zeros[MAC_LEN];
	uint8_t mac[MAC_LEN];

	if (!value_mac(s->node, mac))
		expected(s, "a MAC address such as \"02:00:00:00:00:01\"",
			 quote_hint(s->node));
	else if (memcmp(mac, zeros, MAC_LEN) == 0)
		FIND(s, NULL, "the address of all zeros cannot be used");
	else if (!mac_is_unicast(mac))
		FIND(s, "the first byte must be even",
		     "%s is a group address, not that of one station",
		     s->node->text);
}

static void check_label(const struct shape_check *c,
			const struct yaml_pair *pair,
			const struct shape_path *up)
{
	struct shape_path path = {up, pair->key->text, 0};
	struct spot key = {c, pair->key, &path},
		    value = {c, pair->value, &path};
	struct shape_field text = {.max = LABEL_VALUE_MAX};

	if (!value_is_word(pair->key, "", "_-./", LABEL_KEY_MAX))
		expected(&key,
			 "a label's name (letters, digits, -, _, . and /, "
			 "first a letter or digit, at most 63)",
			 NULL);
	check_text(&value, &text);
}

static void check_labels(const struct spot *s)
{
	if (s->node->kind != YAML_MAP) {
		expected(s, "a mapping of labels", NULL);
		return;
	}
	if (s->node->n_pairs > LABELS_MAX)
		FIND(s, NULL, "more than %d labels", LABELS_MAX);
	for (size_t i = 0; i < s->node->n_pairs; i++)
		check_label(s->check, &s->node->pairs[i], s->path);
}

static void check_list(const struct spot *s, const struct shape_field *f)
{
	char what[64];

	if (s->node->kind != YAML_LIST) {
		snprintf(what, sizeof(what), "a list, each item %s",
			 f->of->what);
		expected(s, what, NULL);
		return;
	}
	if (s->node->n_items < (size_t)f->min)
		FIND(s, NULL, "expected at least %lld in this list",
		     (long long)f->min);
	for (size_t i = 0; i < s->node->n_items; i++) {
		struct shape_path path = {s->path, NULL, i};

		shape_check(s->check, s->node->items[i], f->of, &path);
	}
}

static void check_field(const struct shape_check *c,
			const struct yaml_node *node,
			const struct shape_field *f,
			const struct shape_path *up)
{
	struct shape_path path = {up, f->name, 0};
	struct spot s = {c, node, &path};

	switch (f->type) {
	case SHAPE_TEXT:
		check_text(&s, f);
		return;
	case SHAPE_NAME:
		check_name(&s, f);
		return;
	case SHAPE_DEVICE:
		check_device(&s);
		return;
	case SHAPE_CHOICE:
		check_choice(&s, f);
		return;
	case SHAPE_INT:
		check_int(&s, f);
		return;
	case SHAPE_BOOL:
		if (!yaml_is(node, SCALAR_BOOL))
			expected(&s, "true or false", NULL);
		return;
	case SHAPE_DURATION:
		check_duration(&s);
		return;
	case SHAPE_MAC:
		check_mac(&s);
		return;
	case SHAPE_LABELS:
		check_labels(&s);
		return;
	case SHAPE_MAP:
		shape_check(c, node, f->of, &path);
		return;
	case SHAPE_LIST:
		check_list(&s, f);
		return;
	}
}

static const struct shape_field *find_field(const struct shape *shape,
					    const char *name, size_t len)
{
	for (const struct shape_field *f = shape->fields; f->name; f++)
		if (strlen(f->name) == len && memcmp(f->name, name, len) == 0)
			return f;
	return NULL;
}

static void report_unknown(const struct shape_check *c,
			   const struct yaml_node *key,
			   const struct shape *shape,
			   const struct shape_path *up)
{
	struct shape_path path = {up, key->text, 0};
	struct spot s = {c, key, &path};
	_cleanup_strbuf_ struct strbuf hint = {0};
	const char *names[NAMES_MAX], *near;
	size_t n = 0;

	for (; shape->fields[n].name && n < NAMES_MAX; n++)
		names[n] = shape->fields[n].name;
	near = near_miss(key->text, names, n);
	if (near)
		strbuf_addf(&hint, "did you mean %s?", near);
	for (size_t i = 0; i < n && !near; i++)
		strbuf_addf(&hint, "%s%s", i ? ", " : "known are ", names[i]);
	FIND(&s, hint.data, "%s has no such key", shape->what);
}

/* The keys of one place, "pipe and end", for messages. */
static void name_place(struct strbuf *b, const struct shape *shape,
		       uint8_t place)
{
	bool more = false;

	for (const struct shape_field *f = shape->fields; f->name; f++) {
		if (f->place != place)
			continue;
		strbuf_addf(b, "%s%s", more ? " and " : "", f->name);
		more = true;
	}
}

/* "switch, or pipe and end" */
static void name_places(struct strbuf *b, const struct shape *shape)
{
	uint8_t last = 0;

	for (const struct shape_field *f = shape->fields; f->name; f++) {
		if (f->place <= last)
			continue;
		last = f->place;
		if (b->len)
			strbuf_add(b, ", or ");
		name_place(b, shape, f->place);
	}
}

/* Exactly one place, and all of it. */
static void check_places(const struct spot *s, const struct shape *shape)
{
	_cleanup_strbuf_ struct strbuf all = {0};
	const struct shape_field *first = NULL;
	bool has_places = false;

	name_places(&all, shape);
	for (const struct shape_field *f = shape->fields; f->name; f++) {
		has_places |= f->place;
		if (!f->place || !yaml_get(s->node, f->name))
			continue;
		if (first && first->place != f->place) {
			FIND(s, NULL,
			     "%s and %s together: %s has one place, either %s",
			     first->name, f->name, shape->what, all.data);
			return;
		}
		first = f;
	}
	if (!has_places)
		return;
	if (!first) {
		FIND(s, NULL, "%s needs a place: %s", shape->what, all.data);
		return;
	}
	for (const struct shape_field *f = shape->fields; f->name; f++)
		if (f->place == first->place && !yaml_get(s->node, f->name))
			FIND(s, NULL, "%s without %s", first->name, f->name);
}

void shape_check(const struct shape_check *c, const struct yaml_node *node,
		 const struct shape *shape, const struct shape_path *path)
{
	struct spot s = {c, node, path};

	if (node->kind != YAML_MAP) {
		expected(&s, shape->what, NULL);
		return;
	}
	for (size_t i = 0; i < node->n_pairs; i++) {
		const struct yaml_node *key = node->pairs[i].key;
		const struct shape_field *f =
			find_field(shape, key->text, key->len);

		if (f)
			check_field(c, node->pairs[i].value, f, path);
		else
			report_unknown(c, key, shape, path);
	}
	for (const struct shape_field *f = shape->fields; f->name; f++)
		if (f->required && !yaml_get(node, f->name))
			FIND(&s, NULL, "%s needs %s, which is missing",
			     shape->what, f->name);
	check_places(&s, shape);
}

static const struct shape_field *must_find(const struct shape *shape,
					   const char *name)
{
	const struct shape_field *f = find_field(shape, name, strlen(name));

	if (!f)
		abort(); /* a table and its reader disagree */
	return f;
}

int64_t shape_int(const struct yaml_node *map, const struct shape *shape,
		  const char *name)
{
	const struct shape_field *f = must_find(shape, name);
	const struct yaml_node *n = yaml_get(map, name);
	int64_t v;

	if (f->type == SHAPE_BOOL && yaml_is(n, SCALAR_BOOL))
		return n->value.boolean;
	if (f->type == SHAPE_INT && n && value_integer(n, &v) &&
	    is_good_int(f, v))
		return v;
	return f->fallback;
}

const char *shape_text(const struct yaml_node *map, const struct shape *shape,
		       const char *name)
{
	const struct shape_field *f = must_find(shape, name);
	const struct yaml_node *n = yaml_get(map, name);

	if (yaml_is(n, SCALAR_STRING) && strlen(n->text) == n->len)
		return n->text;
	return f->fallback_text ? f->fallback_text : "";
}
