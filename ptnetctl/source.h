/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Topology files named on the command line: read, checked offline, and as
 * the body of a request.
 */
#ifndef PTNETCTL_SOURCE_H
#define PTNETCTL_SOURCE_H

#include <stdbool.h>

#include "ctl.h"
#include "model/topology.h"

struct source {
	char *name; /* for messages */
	char *text;
	size_t len;
};

/* Zero-initialised is empty. */
struct sources {
	struct source *list;
	size_t count;
	bool stdin_read;
};

/**
 * sources_add - read a file, "-" (standard input) or a directory's *.yaml,
 * *.yml and *.json in the order of their names
 *
 * Returns 0, or -errno when the words were said.
 */
int sources_add(struct sources *s, const char *path);

/**
 * sources_parse - parse and check all of them as one set
 * @out: filled as far as it goes, even on errors; topologies_fini() frees
 *
 * Returns 0, -EINVAL with findings in @found, or -ENOMEM.
 */
int sources_parse(const struct sources *s, struct topologies *out,
		  struct diags *found);

/** sources_body - {"sources": [...]} for the API, or NULL without memory */
json_t *sources_body(const struct sources *s);

void sources_fini(struct sources *s);

/** topologies_objects - how many switches, pipes and ports they declare */
size_t topologies_objects(const struct topologies *t);

#endif
