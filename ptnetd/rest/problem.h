/* SPDX-License-Identifier: BSD-2-Clause */
/* Responses of the API; for rest.c alone. */
#ifndef PTNETD_REST_PROBLEM_H
#define PTNETD_REST_PROBLEM_H

#include <jansson.h>

#include "rest/rest.h"

/** problem_refusal - a service's refusal with its findings as a response */
void problem_refusal(struct response *rs, enum outcome outcome,
		     const struct refusal *r);

/** respond_json - 200 with a value, which it takes over */
void respond_json(struct response *rs, json_t *value);

/** respond_text - 200 with a string, which it takes over */
void respond_text(struct response *rs, const char *content_type, char *text);

#endif
