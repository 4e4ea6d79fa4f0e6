/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A hash table of objects by name, intrusive: adding to it cannot fail once
 * there is room, and a lookup costs the same with ten objects or ten thousand.
 */
#ifndef PTNET_ENGINE_TABLE_H
#define PTNET_ENGINE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct table_node {
	struct table_node *next;
	const char *name; /* the object's own */
	uint32_t hash;
};

/* Zero-initialised is empty. */
struct table {
	struct table_node **buckets;
	size_t size, count;
};

/** table_reserve - make room for @more nodes; 0 or -ENOMEM */
int table_reserve(struct table *t, size_t more);

/** table_add - needs room, see table_reserve(); the name is not there yet */
void table_add(struct table *t, struct table_node *node, const char *name);

/** table_remove - a node that is in the table */
void table_remove(struct table *t, struct table_node *node);

struct table_node *table_find(const struct table *t, const char *name);

/** table_next - walk: start with NULL; the node may be removed meanwhile
 * only after the walk has passed it */
struct table_node *table_next(const struct table *t,
			      const struct table_node *node);

/** table_fini - forget the nodes, free the table */
void table_fini(struct table *t);

#endif
