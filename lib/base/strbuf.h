/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A string that grows. Failure is remembered: add as much as you like, look
 * once at the end (strbuf_steal() returns NULL, or strbuf_failed()).
 */
#ifndef PTNET_BASE_STRBUF_H
#define PTNET_BASE_STRBUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

/* Zero-initialised is empty. */
struct strbuf {
	char *data; /* NULL or ends in a zero that @len does not count */
	size_t len, size;
	bool failed;
};

/** strbuf_add - append a string */
void strbuf_add(struct strbuf *b, const char *s);

/** strbuf_add_bytes - append @len bytes, zeros too */
void strbuf_add_bytes(struct strbuf *b, const void *bytes, size_t len);

/** strbuf_addf - append as printf does */
__attribute__((format(printf, 2, 3))) void strbuf_addf(struct strbuf *b,
						       const char *format, ...);

/** strbuf_failed - whether memory ran out on the way */
static inline bool strbuf_failed(const struct strbuf *b)
{
	return b->failed;
}

/**
 * strbuf_steal - take the string (never NULL but without memory); the
 * buffer is empty then. The caller frees.
 */
char *strbuf_steal(struct strbuf *b);

/** strbuf_fini - free what it holds; it is empty then */
void strbuf_fini(struct strbuf *b);

#define _cleanup_strbuf_ _cleanup_(strbuf_fini)

/**
 * copy_string - copy into an array of @size bytes, always with a final zero
 *
 * Returns whether all of it fitted.
 */
bool copy_string(char *to, size_t size, const char *from);

#endif
