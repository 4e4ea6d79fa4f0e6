/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Diagnostics: what is wrong with something that came from outside, where,
 * and what may have been meant. All findings are collected, in the order of
 * the text, so that a person can mend everything at once.
 */
#ifndef PTNET_BASE_DIAG_H
#define PTNET_BASE_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct diag {
	char *file; /* name of the source; NULL when there is none */
	uint32_t line, column; /* from 1; 0 when unknown */
	char *path; /* in the document: spec.ports[2].switch; may be NULL */
	char *message; /* a sentence without the final stop */
	char *hint; /* "did you mean vale0?"; may be NULL */
};

/* Zero-initialised is empty. */
struct diags {
	struct diag *list;
	size_t count;
	size_t dropped; /* found after the limit */
};

enum { DIAGS_MAX = 1000 };

/**
 * diag_add - note a finding; copies every string
 *
 * What is no UTF-8 or a control character is shown as question marks.
 * Never fails: without memory, or past DIAGS_MAX, it counts in @dropped.
 */
__attribute__((format(printf, 7, 8))) void
diag_add(struct diags *d, const char *file, uint32_t line, uint32_t column,
	 const char *path, const char *hint, const char *format, ...);

/** diags_any - whether something was found, kept or not */
static inline bool diags_any(const struct diags *d)
{
	return d->count || d->dropped;
}

/** diags_fini - free what the list holds; it is empty then */
void diags_fini(struct diags *d);

/**
 * diag_format - "FILE:LINE:COLUMN: PATH: message (hint)" as a new string
 *
 * Parts that are not known are left out. Returns NULL without memory; the
 * caller frees.
 */
char *diag_format(const struct diag *one);

/**
 * near_miss - which of @names is closest to @word, for "did you mean"
 *
 * Returns an element of @names, or NULL when none is near enough (an edit
 * distance of at most a third of the longer one's length).
 */
const char *near_miss(const char *word, const char *const *names, size_t count);

#endif
