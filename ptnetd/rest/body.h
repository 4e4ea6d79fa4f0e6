/* SPDX-License-Identifier: BSD-2-Clause */
/* Bodies of requests; for rest.c alone. */
#ifndef PTNETD_REST_BODY_H
#define PTNETD_REST_BODY_H

#include <jansson.h>

#include "rest/rest.h"
#include "service/change.h"

/* What a body says; its strings live as long as the body and @json. */
struct body {
	json_t *json; /* NULL for YAML */
	struct source *sources;
	const char **names;
	size_t count; /* of sources or names */
};

/** body_fini - free what was read; it is empty then */
void body_fini(struct body *b);

/**
 * body_sources - topologies: YAML, or {"sources":[{"name","text"}]}
 * @document: a JSON body may be the topology itself, too
 *
 * Returns false with the response filled in when it is neither.
 */
bool body_sources(struct body *out, const struct request *rq, bool document,
		  struct response *rs);

/** body_names - {"topologies":["a","b"]} */
bool body_names(struct body *out, const struct request *rq,
		struct response *rs);

#endif
