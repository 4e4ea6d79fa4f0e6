/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HTTP on a listening socket, inside somebody's event loop: when http_fd() is
 * readable or http_timeout_ms() has passed, call http_run().
 */
#ifndef PTNETD_REST_HTTP_H
#define PTNETD_REST_HTTP_H

#include <stdbool.h>

#include "service/service.h"

struct http;

struct http_config {
	int listen_fd; /* http owns it from the start on */
	bool tcp; /* reachable by browsers: look at Host and Origin */
	unsigned timeout_s; /* for a request to come in whole */
	struct service *service;
};

/** http_start - 0 or -errno; the caller ends with http_stop() */
int http_start(struct http **out, const struct http_config *config);

/** http_stop - end all connections; takes NULL */
void http_stop(struct http *h);

int http_fd(const struct http *h);

/** http_timeout_ms - -1: never */
int http_timeout_ms(const struct http *h);

/** http_run - accept, read, answer, write as far as possible now */
void http_run(struct http *h);

#endif
