/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that is freed all at once. */
#ifndef PTNET_MODEL_ARENA_H
#define PTNET_MODEL_ARENA_H

#include <stddef.h>

struct arena_block;

/* Zero-initialised is empty. */
struct arena {
	struct arena_block *blocks;
	size_t used; /* of the first block */
};

/** arena_alloc - @size zeroed bytes, aligned for anything; NULL without */
void *arena_alloc(struct arena *a, size_t size);

/** arena_copy - a copy of @len bytes and a final zero */
char *arena_copy(struct arena *a, const void *bytes, size_t len);

/** arena_fini - free all of it; it is empty then */
void arena_fini(struct arena *a);

#endif
