/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libmicrohttpd around rest_handle(). Knows connections, bodies and time; not
 * what is asked. Called by the daemon's loop; one thread.
 *
 * Whoever sends slowly is cut off: libmicrohttpd ends connections on which
 * nothing moves, and those that move just enough are ended here, since each
 * has a deadline by which its request has come in, and its answer gone out.
 */
#include "rest/http.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#include <microhttpd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "rest/rest.h"

enum {
	CONNECTIONS_MAX = 256,
	MEMORY_PER_CONNECTION = 64 * 1024,
	HELD_MAX = 192 * 1024 * 1024, /* bodies of all requests together */
};

/* A connection. */
struct peer {
	struct peer *next, **link;
	int fd;
	int64_t deadline; /* ms of the monotonic clock */
	bool in_body;
};

struct http {
	struct http_config config;
	struct MHD_Daemon *mhd;
	struct peer *peers;
	size_t held;
};

/* A request that is coming in. */
struct exchange {
	struct http *http;
	char *target;
	bool begun;
	char *body;
	size_t len, size;
	size_t thrown_away; /* of a body that is refused anyway */
	struct response rs; /* set early when it is refused early */
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Connections. */

static void await(struct peer *p, const struct http *h, bool body)
{
	p->deadline = now_ms() + (int64_t)h->config.timeout_s * 1000;
	p->in_body = body;
}

static void add_peer(struct http *h, struct MHD_Connection *c, void **context)
{
	const union MHD_ConnectionInfo *fd =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct peer *p = calloc(1, sizeof(*p));

	*context = p;
	if (!p)
		return;
	p->fd = fd ? fd->connect_fd : -1;
	await(p, h, false);
	p->next = h->peers;
	p->link = &h->peers;
	if (p->next)
		p->next->link = &p->next;
	h->peers = p;
}

static void remove_peer(struct peer *p)
{
	if (!p)
		return;
	*p->link = p->next;
	if (p->next)
		p->next->link = p->link;
	free(p);
}

static void on_connection(void *context, struct MHD_Connection *c,
			  void **socket_context,
			  enum MHD_ConnectionNotificationCode code)
{
	switch (code) {
	case MHD_CONNECTION_NOTIFY_STARTED:
		add_peer(context, c, socket_context);
		break;
	case MHD_CONNECTION_NOTIFY_CLOSED:
		remove_peer(*socket_context);
		*socket_context = NULL;
		break;
	}
}

static struct peer *peer_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info ? info->socket_context : NULL;
}

/* libmicrohttpd cannot answer in the middle of a body, so it is done here. */
static void say_too_slow(const struct peer *p)
{
	static const char body[] =
		"{\"type\":\"about:blank\",\"title\":\"Request Timeout\","
		"\"status\":408,\"detail\":\"the request did not come in in "
		"time\"}";
	char text[512];
	int len;

	len = snprintf(text, sizeof(text),
		       "HTTP/1.1 408 Request Timeout\r\n"
		       "Connection: close\r\n"
		       "Content-Type: application/problem+json\r\n"
		       "Content-Length: %zu\r\n"
		       "\r\n%s",
		       strlen(body), body);
	(void)!send(p->fd, text, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void cut_slow_peers(struct http *h)
{
	int64_t now = now_ms();

	for (struct peer *p = h->peers; p; p = p->next) {
		if (p->deadline > now)
			continue;
		if (p->in_body)
			say_too_slow(p);
		p->deadline = INT64_MAX;
		shutdown(p->fd, SHUT_RDWR);
	}
}

/* Requests. */

static void exchange_free(struct exchange *x)
{
	if (!x)
		return;
	x->http->held -= x->size;
	response_fini(&x->rs);
	free(x->target);
	free(x->body);
	free(x);
}

static void *on_target(void *context, const char *target,
		       struct MHD_Connection *c)
{
	struct exchange *x = calloc(1, sizeof(*x));

	(void)c;
	if (!x)
		return NULL;
	x->http = context;
	x->target = strdup(target);
	if (x->target)
		return x;
	exchange_free(x);
	return NULL;
}

static void on_completed(void *context, struct MHD_Connection *c,
			 void **request, enum MHD_RequestTerminationCode code)
{
	struct peer *p = peer_of(c);

	(void)code;
	exchange_free(*request);
	*request = NULL;
	if (p)
		await(p, context, false);
}

static const char *header(struct MHD_Connection *c, const char *name)
{
	return MHD_lookup_connection_value(c, MHD_HEADER_KIND, name);
}

static bool is_loopback_host(const char *host, size_t len)
{
	static const char *const names[] = {"localhost", "127.0.0.1", "[::1]"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strlen(names[i]) == len &&
		    strncasecmp(names[i], host, len) == 0)
			return true;
	return false;
}

/* "HOST" or "HOST:PORT" */
static bool names_loopback(const char *host)
{
	const char *end = host[0] == '[' ? strchr(host, ']') : NULL;
	size_t len = end ? (size_t)(end + 1 - host) : strcspn(host, ":");

	return is_loopback_host(host, len);
}

/*
 * A web page may send its reader's browser to this host, under a name of its
 * own that it lets point to 127.0.0.1. Then Host, or Origin, tells.
 */
static bool is_from_elsewhere(struct MHD_Connection *c)
{
	const char *host = header(c, MHD_HTTP_HEADER_HOST);
	const char *origin = header(c, MHD_HTTP_HEADER_ORIGIN);
	static const char scheme[] = "http://";

	if (!host || !names_loopback(host))
		return true;
	return origin && (strncasecmp(origin, scheme, strlen(scheme)) != 0 ||
			  strcasecmp(origin + strlen(scheme), host) != 0);
}

static size_t declared_length(struct MHD_Connection *c)
{
	const char *text = header(c, MHD_HTTP_HEADER_CONTENT_LENGTH);

	return text ? strtoull(text, NULL, 10) : 0;
}

static void refuse_size(struct exchange *x)
{
	rest_problem(&x->rs, 413, "the body is larger than %d MiB",
		     REST_YAML_MAX >> 20);
}

static enum MHD_Result queue(struct exchange *x, struct MHD_Connection *c)
{
	struct response *rs = &x->rs;
	struct MHD_Response *r;
	enum MHD_Result done;
	char number[16];

	r = MHD_create_response_from_buffer(rs->body ? rs->len : 0, rs->body,
					    rs->body ? MHD_RESPMEM_MUST_FREE
						     : MHD_RESPMEM_PERSISTENT);
	if (!r)
		return MHD_NO;
	rs->body = NULL; /* it is the response's now */
	if (rs->content_type)
		MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE,
					rs->content_type);
	if (rs->allow[0])
		MHD_add_response_header(r, MHD_HTTP_HEADER_ALLOW, rs->allow);
	snprintf(number, sizeof(number), "%u", rs->retry_after);
	if (rs->retry_after)
		MHD_add_response_header(r, MHD_HTTP_HEADER_RETRY_AFTER, number);
	MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	done = MHD_queue_response(c, rs->status, r);
	MHD_destroy_response(r);
	return done;
}

/*
 * Headers are there. Answering now would end the connection, so that is only
 * done to a body that nobody wants; all else is answered when all is read.
 */
static enum MHD_Result begin(struct exchange *x, struct MHD_Connection *c)
{
	const char *type = header(c, MHD_HTTP_HEADER_CONTENT_TYPE);
	struct peer *p = peer_of(c);

	x->begun = true;
	if (p)
		await(p, x->http, true);
	if (x->http->config.tcp && is_from_elsewhere(c))
		rest_problem(&x->rs, 403,
			     "only requests of this host to localhost are "
			     "answered");
	if (declared_length(c) <= rest_body_max(type))
		return MHD_YES;
	refuse_size(x);
	return queue(x, c);
}

static bool grow(struct exchange *x, size_t needed)
{
	size_t size = x->size ? x->size : 4096;
	char *grown;

	while (size < needed)
		size *= 2;
	if (x->http->held - x->size + size > HELD_MAX)
		return false;
	grown = realloc(x->body, size);
	if (!grown)
		return false;
	x->http->held += size - x->size;
	x->body = grown;
	x->size = size;
	return true;
}

static enum MHD_Result take_chunk(struct exchange *x, struct MHD_Connection *c,
				  const char *chunk, size_t len)
{
	size_t most = rest_body_max(header(c, MHD_HTTP_HEADER_CONTENT_TYPE));

	if (!x->rs.status && len > most - x->len)
		refuse_size(x);
	if (!x->rs.status && x->len + len > x->size && !grow(x, x->len + len))
		rest_problem(&x->rs, 503,
			     "no memory for the body: too many large requests "
			     "at once");
	if (x->rs.status) {
		x->thrown_away += len;
		return x->thrown_away > 2 * REST_BODY_MAX ? MHD_NO : MHD_YES;
	}
	memcpy(x->body + x->len, chunk, len);
	x->len += len;
	return MHD_YES;
}

static enum MHD_Result finish(struct exchange *x, struct MHD_Connection *c,
			      const char *method)
{
	struct request rq = {
		.method = method,
		.target = x->target,
		.content_type = header(c, MHD_HTTP_HEADER_CONTENT_TYPE),
		.accept = header(c, MHD_HTTP_HEADER_ACCEPT),
		.body = x->body ? x->body : "",
		.len = x->len,
	};
	struct peer *p = peer_of(c);

	if (!x->rs.status)
		rest_handle(x->http->config.service, &rq, &x->rs);
	log_debug("%s %s: %u", method, x->target, x->rs.status);
	if (p)
		await(p, x->http, false);
	return queue(x, c);
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *c,
				  const char *url, const char *method,
				  const char *version, const char *chunk,
				  size_t *len, void **request)
{
	struct exchange *x = *request;
	enum MHD_Result done;

	(void)context;
	(void)url;
	(void)version;
	if (!x)
		return MHD_NO;
	if (!x->begun)
		return begin(x, c);
	if (!*len)
		return finish(x, c, method);
	done = take_chunk(x, c, chunk, *len);
	*len = 0;
	return done;
}

__attribute__((format(printf, 2, 0))) static void
on_log(void *context, const char *format, va_list args)
{
	char text[256];

	(void)context;
	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = 0;
	log_debug("http: %s", text);
}

int http_start(struct http **out, const struct http_config *config)
{
	struct http *h = calloc(1, sizeof(*h));

	if (!h)
		return -ENOMEM;
	h->config = *config;
	h->mhd = MHD_start_daemon(
		MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, h,
		MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, config->listen_fd,
		MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)MEMORY_PER_CONNECTION, MHD_OPTION_CONNECTION_TIMEOUT,
		config->timeout_s, MHD_OPTION_URI_LOG_CALLBACK, on_target, h,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, h,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, h, MHD_OPTION_END);
	if (!h->mhd) {
		free(h);
		return errno ? -errno : -EIO;
	}
	*out = h;
	return 0;
}

void http_stop(struct http *h)
{
	if (!h)
		return;
	MHD_stop_daemon(h->mhd);
	free(h);
}

int http_fd(const struct http *h)
{
	const union MHD_DaemonInfo *info =
		MHD_get_daemon_info(h->mhd, MHD_DAEMON_INFO_EPOLL_FD);

	return info ? info->epoll_fd : -1;
}

static int64_t first_deadline(const struct http *h)
{
	int64_t first = INT64_MAX;

	for (const struct peer *p = h->peers; p; p = p->next)
		if (p->deadline < first)
			first = p->deadline;
	return first;
}

int http_timeout_ms(const struct http *h)
{
	int64_t left, first = first_deadline(h);
	MHD_UNSIGNED_LONG_LONG timeout;
	int mhd = -1;

	if (MHD_get_timeout(h->mhd, &timeout) == MHD_YES)
		mhd = timeout < 60000 ? (int)timeout : 60000;
	if (first == INT64_MAX)
		return mhd;
	left = first - now_ms();
	if (left < 0)
		left = 0;
	return mhd >= 0 && mhd < left ? mhd : (int)left;
}

void http_run(struct http *h)
{
	cut_slow_peers(h);
	MHD_run(h->mhd);
}
