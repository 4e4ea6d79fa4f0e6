/* SPDX-License-Identifier: BSD-2-Clause */
/* The exchange: connect, send while listening, read, all within the time. */
#include "client/client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <time.h>

#include "base/cleanup.h"

enum {
	PROGRESS_MS = 100,
	RETRY_MS = 20, /* a UNIX socket's queue is full: no event says when */
	READ_SIZE = 65536,
};

struct exchange {
	const struct client_server *server;
	const struct client_call *call;
	struct client_error *error;
	int fd;
	int64_t start, deadline;
	char *head;
	size_t head_len, sent; /* of head and body together */
	struct http_parser *parser;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static const char *socket_path(const struct client_server *s)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)&s->address;

	return un->sun_family == AF_UNIX ? un->sun_path : NULL;
}

static void hint_start(struct client_error *e, const struct client_server *s)
{
	const char *path = socket_path(s);
	const char *slash = path ? strrchr(path, '/') : NULL;

	if (slash && slash > path && !strcmp(slash, "/ptnetd.sock"))
		snprintf(e->hint, sizeof(e->hint),
			 "is ptnetd running? start it with `systemctl start "
			 "ptnetd`, or `ptnetd --run-dir %.*s`",
			 (int)(slash - path), path);
	else
		snprintf(e->hint, sizeof(e->hint),
			 "is ptnetd running? start it with `systemctl start "
			 "ptnetd`, or `ptnetd --run-dir DIR` and --server "
			 "unix:DIR/ptnetd.sock");
}

static int refused(struct exchange *x, int err)
{
	struct client_error *e = x->error;
	const char *why = strerror(err);

	if (err == ENOENT)
		why = "there is no such socket";
	else if (err == ECONNREFUSED)
		why = "nobody listens there";
	else if (err == ETIMEDOUT)
		why = "it does not take the connection";
	snprintf(e->message, sizeof(e->message),
		 "cannot reach ptnetd at %s: %s", x->server->name, why);
	if (err == EACCES || err == EPERM)
		snprintf(e->hint, sizeof(e->hint),
			 "the socket's group may use it: see `ls -l %s`",
			 socket_path(x->server) ?: "");
	else
		hint_start(e, x->server);
	return err == ENOENT ? -ECONNREFUSED : -err;
}

static int timed_out(struct exchange *x)
{
	snprintf(x->error->message, sizeof(x->error->message),
		 "ptnetd at %s did not answer within %.3g s", x->server->name,
		 (double)(x->deadline - x->start) / 1000);
	snprintf(x->error->hint, sizeof(x->error->hint),
		 "what was asked may still happen; --timeout waits longer");
	return -ETIMEDOUT;
}

static int failed(struct exchange *x, int err, const char *what)
{
	snprintf(x->error->message, sizeof(x->error->message),
		 "the answer of ptnetd at %s %s", x->server->name, what);
	return err;
}

static void tell(struct exchange *x)
{
	if (x->call->progress)
		x->call->progress(x->call->arg, x->sent,
				  (unsigned)(now_ms() - x->start));
}

/* Wait at most until @deadline; 0 when @fd is ready for one of @events. */
static int wait_for(struct exchange *x, short *events, int64_t deadline)
{
	for (;;) {
		struct pollfd p = {.fd = x->fd, .events = *events};
		int64_t left = deadline - now_ms();
		int n;

		if (left <= 0)
			return -ETIMEDOUT;
		if (left > PROGRESS_MS)
			left = PROGRESS_MS;
		n = poll(&p, 1, (int)left);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			*events = p.revents;
			return 0;
		}
		tell(x);
	}
}

static int connected(struct exchange *x, int64_t deadline)
{
	short events = POLLOUT;
	int err = wait_for(x, &events, deadline);
	socklen_t len = sizeof(err);

	if (err)
		return -err;
	if (getsockopt(x->fd, SOL_SOCKET, SO_ERROR, &err, &len))
		return errno;
	return err;
}

static int try_connect(struct exchange *x)
{
	const struct timespec pause = {.tv_nsec = RETRY_MS * 1000000};
	int64_t deadline = x->start + CLIENT_CONNECT_MS;

	if (deadline > x->deadline)
		deadline = x->deadline;
	for (;;) {
		if (!connect(x->fd,
			     (const struct sockaddr *)&x->server->address,
			     x->server->address_len))
			return 0;
		if (errno == EINPROGRESS)
			return connected(x, deadline);
		if (errno != EAGAIN && errno != EINTR)
			return errno;
		if (now_ms() >= deadline)
			return ETIMEDOUT;
		nanosleep(&pause, NULL);
	}
}

static int open_connection(struct exchange *x)
{
	int err;

	x->fd = socket(x->server->address.ss_family,
		       SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (x->fd < 0)
		return refused(x, errno);
	err = try_connect(x);
	return err ? refused(x, err) : 0;
}

static size_t total(const struct exchange *x)
{
	return x->head_len + x->call->body_len;
}

/*
 * A server that refuses a body may answer and close before it has all of it:
 * then there is nothing more to send, but an answer to read.
 */
static void send_some(struct exchange *x)
{
	const char *from = x->head + x->sent;
	size_t left = x->head_len - x->sent;
	ssize_t n;

	if (x->sent >= x->head_len) {
		from = x->call->body + (x->sent - x->head_len);
		left = total(x) - x->sent;
	}
	n = send(x->fd, from, left, MSG_NOSIGNAL);
	if (n > 0)
		x->sent += (size_t)n;
	else if (errno != EAGAIN && errno != EINTR)
		x->sent = total(x);
}

/* 1 at the end of the response. */
static int receive_some(struct exchange *x)
{
	char data[READ_SIZE];
	ssize_t n = recv(x->fd, data, sizeof(data), 0);
	int err;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	/* A reset is the end too: the parser knows whether something lacks. */
	if (n > 0)
		err = http_parser_feed(x->parser, data, (size_t)n);
	else
		err = http_parser_end(x->parser);
	return err < 0 ? failed(x, err, x->parser->error) : err;
}

static int exchange(struct exchange *x)
{
	for (;;) {
		short events = x->sent < total(x) ? POLLIN | POLLOUT : POLLIN;
		int err = wait_for(x, &events, x->deadline);

		if (err == -ETIMEDOUT)
			return timed_out(x);
		if (err)
			return failed(x, err, "cannot be awaited");
		if (events & (POLLIN | POLLHUP | POLLERR)) {
			err = receive_some(x);
			if (err)
				return err < 0 ? err : 0;
		}
		if (events & POLLOUT && x->sent < total(x))
			send_some(x);
		/* Bytes that trickle in must not outrun the deadline. */
		if (now_ms() >= x->deadline)
			return timed_out(x);
	}
}

static int make_head(struct exchange *x)
{
	const struct client_call *c = x->call;
	struct http_request request = {
		.method = c->method,
		.target = c->target,
		.host = x->server->host,
		.accept = c->accept,
		.content_type = c->content_type,
		.body_len = c->body_len,
	};
	int err = http_request_head(&x->head, &x->head_len, &request);

	if (err)
		snprintf(x->error->message, sizeof(x->error->message),
			 "cannot ask ptnetd: %s", strerror(-err));
	return err;
}

int client_call(const struct client_server *server,
		const struct client_call *call, struct http_response *out,
		struct client_error *error)
{
	struct exchange x = {.server = server,
			     .call = call,
			     .error = error,
			     .fd = -1,
			     .start = now_ms()};
	_cleanup_(http_parser_fini) struct http_parser parser;
	_cleanup_free_ char *head = NULL;
	_cleanup_close_ int fd = -1;
	int err;

	*error = (struct client_error){0};
	*out = (struct http_response){0};
	http_parser_init(&parser, call->body_max);
	parser.head_only = !strcmp(call->method, "HEAD");
	x.parser = &parser;
	x.deadline = x.start + (call->timeout_ms ?: CLIENT_TIMEOUT_MS);
	err = make_head(&x);
	head = x.head;
	if (err)
		return err;
	err = open_connection(&x);
	fd = x.fd;
	if (err)
		return err;
	err = exchange(&x);
	if (!err)
		http_parser_take(&parser, out);
	return err;
}
