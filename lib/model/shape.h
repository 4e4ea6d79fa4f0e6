/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shapes: const tables that say what a mapping may hold. One walk checks a
 * tree against its shape and reports everything that is wrong; the getters
 * then read values, wrong or missing ones as defaults. What a shape says is
 * what schemas/topology.schema.json says; a test compares their verdicts.
 */
#ifndef PTNET_MODEL_SHAPE_H
#define PTNET_MODEL_SHAPE_H

#include <jansson.h>

#include "base/diag.h"
#include "model/yaml.h"

enum shape_type {
	SHAPE_TEXT, /* a string of min to max characters */
	SHAPE_NAME, /* [A-Za-z0-9][A-Za-z0-9_-]*, at most max characters */
	SHAPE_DEVICE, /* name of a network device of the host */
	SHAPE_CHOICE, /* one of choices */
	SHAPE_INT, /* from min to max; with a fixed divisor or powers of two */
	SHAPE_BOOL,
	SHAPE_DURATION, /* 300s */
	SHAPE_MAC, /* of one station: no group address, not all zeros */
	SHAPE_LABELS, /* a mapping of short names to short texts */
	SHAPE_MAP, /* of */
	SHAPE_LIST, /* of mappings, at least min of them */
};

struct shape;

struct shape_field {
	const char *name;
	enum shape_type type;
	bool required;
	bool power_of_two;
	uint8_t place; /* fields with the same number go together, and a
			* mapping has exactly one such group; 0: not one */
	int64_t min, max, multiple_of;
	int64_t fallback; /* default of an SHAPE_INT or SHAPE_BOOL */
	const char *fallback_text; /* of a SHAPE_DURATION; NULL: none */
	bool has_fallback; /* for SHAPE_INT and SHAPE_BOOL */
	const char *const *choices; /* ends in NULL */
	const struct shape *of;
};

struct shape {
	const char *what; /* "a port" */
	const struct shape_field *fields; /* ends in a NULL name */
};

/* The way to a node, for findings: built on the stack while walking. */
struct shape_path {
	const struct shape_path *up; /* NULL: the root */
	const char *key; /* NULL: an index */
	size_t index;
};

/** shape_path_text - "spec.ports[2].switch" as a new string, or NULL */
char *shape_path_text(const struct shape_path *path);

struct shape_check {
	const char *file;
	struct diags *diags;
};

/** shape_check - report all that is wrong below @node */
void shape_check(const struct shape_check *c, const struct yaml_node *node,
		 const struct shape *shape, const struct shape_path *path);

/** shape_int - a SHAPE_INT or SHAPE_BOOL, or its default */
int64_t shape_int(const struct yaml_node *map, const struct shape *shape,
		  const char *name);

/** shape_text - any text, or the default, or "" */
const char *shape_text(const struct yaml_node *map, const struct shape *shape,
		       const char *name);

/**
 * shape_document - a checked tree as JSON, canonical
 *
 * In the order of the tables, without what has its default value anyway;
 * addresses in lower case, durations as duration_format() says. Returns a new
 * reference or NULL without memory.
 */
json_t *shape_document(const struct yaml_node *node, const struct shape *shape);

#endif
