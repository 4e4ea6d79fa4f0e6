/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client of ptnetd's REST API: one request, one response, over a UNIX
 * socket or loopback TCP.
 *
 * Knows addresses, sockets and time limits; the bytes are lib/http's, their
 * meaning is the caller's. Plain HTTP has no secrets, so that an address that
 * leaves the host is refused. Called by ptnetctl.
 */
#ifndef PTNET_CLIENT_H
#define PTNET_CLIENT_H

#include <stddef.h>
#include <sys/socket.h>

#include "http/http.h"

enum {
	CLIENT_CONNECT_MS = 1000,
	CLIENT_TIMEOUT_MS = 30000,
};

/* Where ptnetd listens. */
struct client_server {
	struct sockaddr_storage address;
	socklen_t address_len;
	char name[160]; /* as given, for messages */
	char host[64]; /* for the Host header */
};

/* What went wrong, and what to do about it. */
struct client_error {
	char message[400];
	char hint[400]; /* may be empty */
};

/**
 * client_server_parse - read "unix:PATH" or "http://127.0.0.1:PORT"
 *
 * A plain absolute path, localhost and [::1] are understood too. Returns 0 or
 * -EINVAL with @error set.
 */
int client_server_parse(struct client_server *out, const char *text,
			struct client_error *error);

/**
 * client_server_default - the address when nobody says one
 *
 * /run/ptnet/ptnetd.sock; for other users than root ptnet/ptnetd.sock in
 * XDG_RUNTIME_DIR when it is there or the former is not. Writes "unix:PATH".
 */
void client_server_default(char *text, size_t size);

struct client_call {
	const char *method;
	const char *target; /* path and query, quoted by http_quote() */
	const char *accept; /* NULL: application/json */
	const char *content_type; /* NULL: no body */
	const char *body;
	size_t body_len;
	unsigned timeout_ms; /* for all of it; 0: CLIENT_TIMEOUT_MS */
	size_t body_max; /* of the response; 0: HTTP_BODY_MAX */
	/* Called while it takes time, about ten times a second; or NULL. */
	void (*progress)(void *arg, size_t sent, unsigned elapsed_ms);
	void *arg;
};

/**
 * client_call - ask, and wait for the answer
 *
 * Returns 0 with *@out set, whatever its status, to be freed by
 * http_response_fini(); or with @error set -ECONNREFUSED (nobody listens),
 * -EACCES, -ETIMEDOUT, -EBADMSG (not HTTP), -EMSGSIZE and others.
 */
int client_call(const struct client_server *server,
		const struct client_call *call, struct http_response *out,
		struct client_error *error);

#endif
