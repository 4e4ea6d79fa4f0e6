/* SPDX-License-Identifier: BSD-2-Clause */
/* The kinds of objects: their names on the command line and in the API. */
#ifndef PTNETCTL_KINDS_H
#define PTNETCTL_KINDS_H

#include "writer.h"

struct kind {
	const char *name; /* "ports" */
	const char *aliases[4]; /* "port", "po" */
	const char *target; /* "/v1/ports"; NULL: of the switches, fdb */
	const struct column *columns;
};

/* Ends with a NULL name. */
extern const struct kind kinds[];

/**
 * kind_find - by its name or an alias
 *
 * Returns NULL when there is no such kind, and the words were said.
 */
const struct kind *kind_find(const struct ctl *ctl, const char *word);

/** kind_is_topologies - its objects are documents */
bool kind_is_topologies(const struct kind *k);

#endif
