/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory for trees; called by the YAML reader. */
#include "model/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	BLOCK_BYTES = 64 * 1024,
	ALIGN = alignof(max_align_t),
};

struct arena_block {
	struct arena_block *next;
	size_t size;
	alignas(max_align_t) char bytes[];
};

static struct arena_block *new_block(size_t size)
{
	struct arena_block *b = calloc(1, sizeof(*b) + size);

	if (b)
		b->size = size;
	return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct arena_block *first = a->blocks, *b;
	void *at;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + ALIGN - 1) / ALIGN * ALIGN;
	if (first && size <= first->size - a->used) {
		at = first->bytes + a->used;
		a->used += size;
		return at;
	}
	b = new_block(size > BLOCK_BYTES / 4 ? size : BLOCK_BYTES);
	if (!b)
		return NULL;
	/* What has a block of its own leaves the open one in front. */
	if (first && b->size == size) {
		b->next = first->next;
		first->next = b;
		return b->bytes;
	}
	b->next = first;
	a->blocks = b;
	a->used = size;
	return b->bytes;
}

char *arena_copy(struct arena *a, const void *bytes, size_t len)
{
	char *copy = arena_alloc(a, len + 1);

	if (copy && len)
		memcpy(copy, bytes, len);
	return copy;
}

void arena_fini(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *next = a->blocks->next;

		free(a->blocks);
		a->blocks = next;
	}
	a->used = 0;
}
