/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint32_t hash_name(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	return h ^ h >> 15;
}

static void insert(struct table_node **buckets, size_t size,
		   struct table_node *node)
{
	struct table_node **head = &buckets[node->hash & (size - 1)];

	node->next = *head;
	*head = node;
}

int table_reserve(struct table *t, size_t more)
{
	struct table_node **buckets;
	size_t size = t->size ? t->size : 16;

	while (size < t->count + more)
		size *= 2;
	if (size == t->size)
		return 0;
	buckets = calloc(size, sizeof(struct table_node *));
	if (!buckets)
		return -ENOMEM;
	for (size_t i = 0; i < t->size; i++) {
		struct table_node *node = t->buckets[i];

		while (node) {
			struct table_node *next = node->next;

			insert(buckets, size, node);
			node = next;
		}
	}
	free(t->buckets);
	t->buckets = buckets;
	t->size = size;
	return 0;
}

void table_add(struct table *t, struct table_node *node, const char *name)
{
	node->name = name;
	node->hash = hash_name(name);
	insert(t->buckets, t->size, node);
	t->count++;
}

void table_remove(struct table *t, struct table_node *node)
{
	struct table_node **at = &t->buckets[node->hash & (t->size - 1)];

	while (*at != node)
		at = &(*at)->next;
	*at = node->next;
	t->count--;
}

struct table_node *table_find(const struct table *t, const char *name)
{
	uint32_t hash = hash_name(name);
	struct table_node *node;

	if (!t->size)
		return NULL;
	node = t->buckets[hash & (t->size - 1)];
	while (node && (node->hash != hash || strcmp(node->name, name) != 0))
		node = node->next;
	return node;
}

struct table_node *table_next(const struct table *t,
			      const struct table_node *node)
{
	size_t at = node ? (node->hash & (t->size - 1)) + 1 : 0;

	if (node && node->next)
		return node->next;
	for (; at < t->size; at++)
		if (t->buckets[at])
			return t->buckets[at];
	return NULL;
}

void table_fini(struct table *t)
{
	free(t->buckets);
	*t = (struct table){0};
}
