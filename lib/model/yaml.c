/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The composer: libyaml's events become nodes. libyaml itself limits neither
 * depth nor aliases and does not look at keys, so all of that is here. Called
 * by the topology reader alone.
 */
#include "model/yaml.h"

#include <errno.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "model/arena.h"
#include "model/surrogates.h"

enum { FEW_KEYS = 16 };

struct anchor {
	const char *name;
	struct yaml_node *node;
};

struct yaml_stream {
	yaml_parser_t parser;
	const char *text, *file;
	size_t len;
	char *joined; /* when @text had to be changed */
	struct diags *diags;
	struct arena arena;
	uint64_t nodes; /* of all documents, aliases expanded */
	void *anchors; /* tsearch() tree of struct anchor, of one document */
	struct yaml_node **stack; /* children of what is still open */
	size_t depth, stack_size;
	/* what is open, from the root: where its children begin */
	struct {
		size_t first;
		bool list;
	} open[YAML_DEPTH_MAX + 1];
	unsigned level; /* of the innermost */
};

static void clear_event(yaml_event_t *event)
{
	yaml_event_delete(event);
}
#define _cleanup_event_ _cleanup_(clear_event)

static struct position position_of(yaml_mark_t mark)
{
	return (struct position){(uint32_t)mark.line + 1,
				 (uint32_t)mark.column + 1};
}

#define FIND(s, at, hint, ...)                                                 \
	diag_add((s)->diags, (s)->file, (at).line, (at).column, NULL, hint,    \
		 __VA_ARGS__)

/* libyaml knows only the offset of a byte that is no UTF-8. */
static struct position position_of_byte(const struct yaml_stream *s,
					size_t offset)
{
	struct position at = {1, 1};

	for (size_t i = 0; i < offset && i < s->len; i++) {
		if (s->text[i] == '\n')
			at = (struct position){at.line + 1, 1};
		else if (((unsigned char)s->text[i] & 0xc0) != 0x80)
			at.column++;
	}
	return at;
}

static int syntax_error(struct yaml_stream *s)
{
	const yaml_parser_t *p = &s->parser;
	struct position at = position_of(p->problem_mark);

	if (p->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (p->error == YAML_READER_ERROR) {
		at = position_of_byte(s, p->problem_offset);
		FIND(s, at, "the text must be UTF-8", "not readable: %s",
		     p->problem);
	} else if (p->context) {
		FIND(s, at, NULL, "broken YAML: %s, %s", p->problem,
		     p->context);
	} else {
		FIND(s, at, NULL, "broken YAML: %s", p->problem);
	}
	return -EINVAL;
}

static int next_event(struct yaml_stream *s, yaml_event_t *event)
{
	return yaml_parser_parse(&s->parser, event) ? 0 : syntax_error(s);
}

int yaml_open(struct yaml_stream **out, const char *text, size_t len,
	      const char *file, struct diags *diags)
{
	struct yaml_stream *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	if (!yaml_parser_initialize(&s->parser)) {
		free(s);
		return -ENOMEM;
	}
	if (surrogates_join(text, &len, &s->joined)) {
		yaml_close(s);
		return -ENOMEM;
	}
	text = s->joined ? s->joined : text;
	s->text = text;
	s->len = len;
	s->file = file;
	s->diags = diags;
	yaml_parser_set_input_string(&s->parser, (const unsigned char *)text,
				     len);
	*out = s;
	return 0;
}

static void keep(void *anchor)
{
	(void)anchor; /* the arena's */
}

static void forget_anchors(struct yaml_stream *s)
{
	tdestroy(s->anchors, keep);
	s->anchors = NULL;
}

void yaml_close(struct yaml_stream *s)
{
	if (!s)
		return;
	forget_anchors(s);
	yaml_parser_delete(&s->parser);
	arena_fini(&s->arena);
	free(s->stack);
	free(s->joined);
	free(s);
}

static int count_nodes(struct yaml_stream *s, uint64_t more, struct position at)
{
	s->nodes += more;
	if (s->nodes <= YAML_NODES_MAX)
		return 0;
	FIND(s, at, NULL,
	     "too much: more than %d values, with what aliases repeat",
	     YAML_NODES_MAX);
	return -EINVAL;
}

static int compare_anchors(const void *a, const void *b)
{
	return strcmp(((const struct anchor *)a)->name,
		      ((const struct anchor *)b)->name);
}

/* A name that is given again means the later node from there on. */
static int set_anchor(struct yaml_stream *s, const yaml_char_t *name,
		      struct yaml_node *node)
{
	struct anchor *a, **found;

	if (!name)
		return 0;
	a = arena_alloc(&s->arena, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->name = arena_copy(&s->arena, name, strlen((const char *)name));
	a->node = node;
	if (!a->name)
		return -ENOMEM;
	found = tsearch(a, &s->anchors, compare_anchors);
	if (!found)
		return -ENOMEM;
	*found = a;
	return 0;
}

static int push(struct yaml_stream *s, struct yaml_node *node)
{
	if (s->depth == s->stack_size) {
		size_t size = s->stack_size ? 2 * s->stack_size : 256;
		struct yaml_node **stack =
			reallocarray(s->stack, size, sizeof(*stack));

		if (!stack)
			return -ENOMEM;
		s->stack = stack;
		s->stack_size = size;
	}
	s->stack[s->depth++] = node;
	return 0;
}

static struct yaml_node *new_node(struct yaml_stream *s, enum yaml_kind kind,
				  const yaml_event_t *event)
{
	struct yaml_node *n = arena_alloc(&s->arena, sizeof(*n));

	if (n) {
		n->kind = kind;
		n->at = position_of(event->start_mark);
		n->weight = 1;
		n->height = kind != YAML_SCALAR;
	}
	return n;
}

static int refuse_tag(struct yaml_stream *s, const yaml_event_t *event,
		      const char *tag)
{
	struct position at = position_of(event->start_mark);

	FIND(s, at, NULL, "the tag %.100s cannot be used here", tag);
	return -EINVAL;
}

/* Quoted text is a string, whatever is in it; so is what says !!str. */
static int read_scalar(struct yaml_stream *s, const yaml_event_t *event,
		       struct yaml_node **out)
{
	const char *tag = (const char *)event->data.scalar.tag;
	const char *text = (const char *)event->data.scalar.value;
	size_t len = event->data.scalar.length;
	struct yaml_node *n = *out = new_node(s, YAML_SCALAR, event);

	if (!n)
		return -ENOMEM;
	if (tag && strcmp(tag, "!") != 0 && strcmp(tag, YAML_STR_TAG) != 0)
		return refuse_tag(s, event, tag);
	n->text = arena_copy(&s->arena, text, len);
	n->len = len;
	if (!n->text)
		return -ENOMEM;
	n->plain = !tag && event->data.scalar.plain_implicit;
	if (n->plain)
		n->value = scalar_resolve(n->text, len);
	return set_anchor(s, event->data.scalar.anchor, n);
}

static int read_alias(struct yaml_stream *s, const yaml_event_t *event,
		      unsigned level, struct yaml_node **out)
{
	struct anchor key = {.name = (char *)event->data.alias.anchor};
	struct anchor **found = tfind(&key, &s->anchors, compare_anchors);
	struct position at = position_of(event->start_mark);

	if (!found) {
		FIND(s, at, NULL, "no anchor &%.100s before this alias",
		     key.name);
		return -EINVAL;
	}
	*out = (*found)->node;
	if ((*out)->open) {
		FIND(s, at, NULL, "the alias *%.100s is inside of itself",
		     key.name);
		return -EINVAL;
	}
	if (level + (*out)->height > YAML_DEPTH_MAX) {
		FIND(s, at, NULL, "nested deeper than %d levels",
		     YAML_DEPTH_MAX);
		return -EINVAL;
	}
	return count_nodes(s, (*out)->weight - 1, at);
}

static int read_node(struct yaml_stream *s, const yaml_event_t *event,
		     unsigned level, struct yaml_node **out);

/* Children up to the closing event are left on the stack. */
static int read_children(struct yaml_stream *s, yaml_event_type_t end,
			 unsigned level, struct yaml_node *parent)
{
	for (;;) {
		_cleanup_event_ yaml_event_t event = {0};
		struct yaml_node *child;
		int err = next_event(s, &event);

		if (err || event.type == end)
			return err;
		err = read_node(s, &event, level, &child);
		if (!err)
			err = push(s, child);
		if (err)
			return err;
		if (child->height >= parent->height)
			parent->height = child->height + 1;
		parent->weight += child->weight;
	}
}

static int close_list(struct yaml_stream *s, struct yaml_node *list,
		      size_t first)
{
	size_t n = s->depth - first;

	list->items = arena_alloc(&s->arena, n * sizeof(*list->items));
	if (!list->items)
		return -ENOMEM;
	if (n)
		memcpy(list->items, s->stack + first, n * sizeof(*list->items));
	list->n_items = n;
	return 0;
}

static bool same_text(const struct yaml_node *a, const struct yaml_node *b)
{
	return a->len == b->len && memcmp(a->text, b->text, a->len) == 0;
}

static int compare_keys(const void *a, const void *b)
{
	const struct yaml_node *x = ((const struct yaml_pair *)a)->key;
	const struct yaml_node *y = ((const struct yaml_pair *)b)->key;
	size_t len = x->len < y->len ? x->len : y->len;
	int order = memcmp(x->text, y->text, len);

	if (order)
		return order;
	if (x->len != y->len)
		return x->len < y->len ? -1 : 1;
	if (x->at.line != y->at.line)
		return x->at.line < y->at.line ? -1 : 1;
	return x->at.column < y->at.column ? -1 : x->at.column > y->at.column;
}

/* Of the map whose children they are, up to the one that is being closed. */
static const char *key_before(struct yaml_node *const *children, size_t n)
{
	/* an even one is a key itself, and that has no name */
	const struct yaml_node *key = n % 2 ? children[n - 1] : NULL;

	return key && key->kind == YAML_SCALAR ? key->text : "?";
}

/*
 * "spec.ports[2]": the way to what is being closed. Of each collection around
 * it the children before are on the stack.
 */
static void add_path(const struct yaml_stream *s, struct strbuf *path)
{
	for (unsigned i = 0; i < s->level; i++) {
		const size_t first = s->open[i].first;
		const size_t n = s->open[i + 1].first - first;

		if (s->open[i].list)
			strbuf_addf(path, "[%zu]", n);
		else
			strbuf_addf(path, "%s%.64s", path->len ? "." : "",
				    key_before(s->stack + first, n));
	}
}

static void report_twice(struct yaml_stream *s, const struct yaml_node *key,
			 const struct yaml_node *first)
{
	_cleanup_strbuf_ struct strbuf path = {0};

	add_path(s, &path);
	strbuf_addf(&path, "%s%.64s", path.len ? "." : "", key->text);
	diag_add(s->diags, s->file, key->at.line, key->at.column, path.data,
		 NULL, "the key \"%.100s\" is already at line %u, column %u",
		 key->text, first->at.line, first->at.column);
}

/* Many keys are compared in sorted order, which is the order they get. */
static void drop_twice_sorted(struct yaml_stream *s, struct yaml_node *map)
{
	size_t kept = 0;

	qsort(map->pairs, map->n_pairs, sizeof(*map->pairs), compare_keys);
	for (size_t i = 0; i < map->n_pairs; i++) {
		if (kept &&
		    same_text(map->pairs[kept - 1].key, map->pairs[i].key))
			report_twice(s, map->pairs[i].key,
				     map->pairs[kept - 1].key);
		else
			map->pairs[kept++] = map->pairs[i];
	}
	map->n_pairs = kept;
}

static void drop_twice(struct yaml_stream *s, struct yaml_node *map)
{
	size_t kept = 0, j;

	if (map->n_pairs > FEW_KEYS) {
		drop_twice_sorted(s, map);
		return;
	}
	for (size_t i = 0; i < map->n_pairs; i++) {
		for (j = 0; j < kept; j++)
			if (same_text(map->pairs[j].key, map->pairs[i].key))
				break;
		if (j < kept)
			report_twice(s, map->pairs[i].key, map->pairs[j].key);
		else
			map->pairs[kept++] = map->pairs[i];
	}
	map->n_pairs = kept;
}

static bool is_good_key(struct yaml_stream *s, const struct yaml_node *key)
{
	if (key->kind != YAML_SCALAR) {
		FIND(s, key->at, NULL,
		     "a key must be a word, not a list or a mapping");
		return false;
	}
	if (key->value.type != SCALAR_STRING) {
		FIND(s, key->at, "put it in quotes",
		     "the key %.40s is not a string in YAML 1.1",
		     key->len ? key->text : "before this colon");
		return false;
	}
	if (key->plain && strcmp(key->text, "<<") == 0) {
		FIND(s, key->at,
		     "repeat the keys, or use an alias for the "
		     "whole value",
		     "merge keys (<<) cannot be used here");
		return false;
	}
	return true;
}

static int close_map(struct yaml_stream *s, struct yaml_node *map, size_t first)
{
	size_t n = (s->depth - first) / 2;

	map->pairs = arena_alloc(&s->arena, n * sizeof(*map->pairs));
	if (!map->pairs)
		return -ENOMEM;
	for (size_t i = first; i < s->depth; i += 2)
		if (is_good_key(s, s->stack[i]))
			map->pairs[map->n_pairs++] = (struct yaml_pair){
				s->stack[i], s->stack[i + 1]};
	drop_twice(s, map);
	return 0;
}

static int read_collection(struct yaml_stream *s, const yaml_event_t *event,
			   unsigned level, struct yaml_node **out)
{
	bool list = event->type == YAML_SEQUENCE_START_EVENT;
	/* both members begin alike, but that is libyaml's business */
	const yaml_char_t *tag = list ? event->data.sequence_start.tag
				      : event->data.mapping_start.tag;
	const yaml_char_t *anchor = list ? event->data.sequence_start.anchor
					 : event->data.mapping_start.anchor;
	struct yaml_node *n = new_node(s, list ? YAML_LIST : YAML_MAP, event);
	size_t first = s->depth;
	int err;

	if (!n)
		return -ENOMEM;
	if (tag)
		return refuse_tag(s, event, (const char *)tag);
	if (level + 1 > YAML_DEPTH_MAX) {
		FIND(s, n->at, NULL, "nested deeper than %d levels",
		     YAML_DEPTH_MAX);
		return -EINVAL;
	}
	n->open = true;
	s->open[level].first = first;
	s->open[level].list = list;
	err = set_anchor(s, anchor, n);
	if (!err)
		err = read_children(s,
				    list ? YAML_SEQUENCE_END_EVENT
					 : YAML_MAPPING_END_EVENT,
				    level + 1, n);
	s->level = level;
	if (!err)
		err = list ? close_list(s, n, first) : close_map(s, n, first);
	n->open = false;
	s->depth = first;
	*out = n;
	return err;
}

static int read_node(struct yaml_stream *s, const yaml_event_t *event,
		     unsigned level, struct yaml_node **out)
{
	int err = count_nodes(s, 1, position_of(event->start_mark));

	if (err)
		return err;
	if (event->type == YAML_ALIAS_EVENT)
		return read_alias(s, event, level, out);
	if (event->type == YAML_SCALAR_EVENT)
		return read_scalar(s, event, out);
	return read_collection(s, event, level, out);
}

/* The event behind DOCUMENT-START is the root; then comes DOCUMENT-END. */
static int read_document(struct yaml_stream *s, struct yaml_node **root)
{
	_cleanup_event_ yaml_event_t first = {0}, last = {0};
	int err = next_event(s, &first);

	if (!err)
		err = read_node(s, &first, 0, root);
	if (!err)
		err = next_event(s, &last);
	forget_anchors(s);
	return err ? err : 1;
}

int yaml_next(struct yaml_stream *s, struct yaml_node **root)
{
	for (;;) {
		_cleanup_event_ yaml_event_t event = {0};
		int err = next_event(s, &event);

		if (err)
			return err;
		if (event.type == YAML_DOCUMENT_START_EVENT)
			return read_document(s, root);
		if (event.type == YAML_STREAM_END_EVENT ||
		    event.type == YAML_NO_EVENT)
			return 0;
	}
}

struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
	size_t len = strlen(key);

	if (!map || map->kind != YAML_MAP)
		return NULL;
	for (size_t i = 0; i < map->n_pairs; i++)
		if (map->pairs[i].key->len == len &&
		    memcmp(map->pairs[i].key->text, key, len) == 0)
			return map->pairs[i].value;
	return NULL;
}
