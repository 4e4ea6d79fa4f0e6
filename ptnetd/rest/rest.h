/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The API of docs/REST.md, sans I/O: a request in, a response out. Knows
 * nothing of sockets; http.c calls it for each request, tests and fuzzers
 * call it without any.
 */
#ifndef PTNETD_REST_H
#define PTNETD_REST_H

#include <stdbool.h>
#include <stddef.h>

#include "service/service.h"

enum {
	/* Text of topologies; JSON around it may need twice the room, since it
	 * escapes every line's end. */
	REST_YAML_MAX = 16 * 1024 * 1024,
	REST_BODY_MAX = 2 * REST_YAML_MAX + 65536,
};

struct request {
	const char *method;
	const char *target; /* as sent: path, perhaps a query; escaped */
	const char *content_type; /* NULL: none */
	const char *accept; /* NULL: none */
	const char *body;
	size_t len;
};

/* Zero-initialised is empty. */
struct response {
	unsigned status;
	const char *content_type;
	char *body;
	size_t len;
	char allow[64]; /* methods, with a 405 */
	unsigned retry_after; /* seconds; 0: none */
};

/** response_fini - free the body */
void response_fini(struct response *r);

/** rest_handle - answer a request; there is always a response */
void rest_handle(struct service *s, const struct request *rq,
		 struct response *rs);

/**
 * rest_problem - a response that says what is wrong (RFC 9457)
 *
 * For what http.c refuses before there is a whole request.
 */
__attribute__((format(printf, 3, 4))) void
rest_problem(struct response *rs, unsigned status, const char *format, ...);

/** rest_body_max - the most that a body of this type may have */
size_t rest_body_max(const char *content_type);

#endif
