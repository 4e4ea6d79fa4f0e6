/* SPDX-License-Identifier: BSD-2-Clause */
/* Changes of what is wanted: apply, delete, and both as a dry run. */
#ifndef PTNETD_SERVICE_CHANGE_H
#define PTNETD_SERVICE_CHANGE_H

#include "service/service.h"

/* Text with topologies, as YAML or JSON. */
struct source {
	const char *name; /* of the file; may be NULL */
	const char *text;
	size_t len;
};

/**
 * change_apply - apply all documents of all sources, all or nothing
 * @only: refuse other topologies than this one; NULL: any
 * @dry_run: tell what would be done, do nothing
 * @result: the API's result object; the caller owns it
 */
enum outcome change_apply(struct service *s, const struct source *sources,
			  size_t count, const char *only, bool dry_run,
			  json_t **result, struct refusal *r);

/** change_delete - remove topologies by name, all or nothing */
enum outcome change_delete(struct service *s, const char *const *names,
			   size_t count, bool dry_run, json_t **result,
			   struct refusal *r);

#endif
