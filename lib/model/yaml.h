/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * YAML 1.1 as trees of nodes that know their place in the text. Knows nothing
 * of topologies. JSON, a subset of YAML, comes in by the same way.
 *
 * Everything is bounded: bytes, depth, and nodes also after the expansion of
 * aliases, so that walking a tree is never more work than YAML_NODES_MAX.
 */
#ifndef PTNET_MODEL_YAML_H
#define PTNET_MODEL_YAML_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/diag.h"
#include "model/position.h"
#include "model/scalar.h"

enum {
	YAML_INPUT_MAX = 16 * 1024 * 1024, /* bytes */
	YAML_DEPTH_MAX = 32,
	YAML_NODES_MAX = 4 * 1024 * 1024,
};

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_pair;

/* Strings and arrays belong to the stream. */
struct yaml_node {
	enum yaml_kind kind;
	struct position at;
	union {
		struct {
			const char *text; /* as written, UTF-8, ends in zero */
			size_t len; /* text may have zeros inside */
			struct scalar value;
		};
		struct {
			struct yaml_node **items;
			size_t n_items;
		};
		struct {
			struct yaml_pair *pairs; /* no key twice */
			size_t n_pairs;
		};
	};
	uint32_t height; /* levels of collections in and below it */
	uint32_t weight; /* nodes in and below it, aliases expanded */
	bool open; /* still being read */
	bool plain; /* a scalar without quotes and tag */
};

struct yaml_pair {
	struct yaml_node *key; /* a SCALAR_STRING */
	struct yaml_node *value;
};

struct yaml_stream;

/**
 * yaml_open - begin to read @text, which stays the caller's
 * @file: name for findings, or NULL
 *
 * Returns 0 or -ENOMEM. The caller ends with yaml_close().
 */
int yaml_open(struct yaml_stream **out, const char *text, size_t len,
	      const char *file, struct diags *diags);

/**
 * yaml_next - the next document's root
 *
 * Returns 1 and a tree that lives as long as the stream; 0 at the end;
 * -EINVAL with a finding where reading had to stop; -ENOMEM. Keys that are
 * twice or no strings are findings, too, but left out of the tree, and the
 * reading goes on.
 */
int yaml_next(struct yaml_stream *s, struct yaml_node **root);

/** yaml_close - free the stream and all its trees. Takes NULL. */
void yaml_close(struct yaml_stream *s);

/** yaml_get - value of a key; NULL when @map is no map or has none */
struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

/** yaml_is - whether it is a scalar of that type */
static inline bool yaml_is(const struct yaml_node *n, enum scalar_type type)
{
	return n && n->kind == YAML_SCALAR && n->value.type == type;
}

#endif
