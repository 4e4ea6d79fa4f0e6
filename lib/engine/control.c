/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/control.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "engine/session.h"
#include "wire/wire.h"

enum {
	CONNECTIONS_MAX = 64,
	DATAGRAMS_PER_TURN = 16, /* then the others have their turn */
	SEND_BUFFER = 4 * 1024 * 1024,
	UNREAD_MAX = 64 * 1024, /* bytes; events that come then are lost */
};

struct connection {
	LIST_ENTRY(connection) link;
	struct control *control;
	struct loop_source source;
	struct session session;
	size_t sent; /* of session.out */
	bool lost; /* events, and was not told yet */
};

struct control {
	struct engine *engine;
	struct loop_source listener;
	char path[108];
	LIST_HEAD(, connection) connections;
	uint32_t n_connections;
	uint8_t datagram[MESSAGE_DATAGRAM_MAX] __attribute__((aligned(8)));
};

static void connection_free(struct connection *c)
{
	loop_remove(&c->control->engine->loop, &c->source);
	close(c->source.fd);
	LIST_REMOVE(c, link);
	c->control->n_connections--;
	session_fini(&c->session);
	free(c);
}

static int send_out(struct connection *c)
{
	struct message_buf *out = &c->session.out;

	while (c->sent < out->len) {
		const uint8_t *at = out->data + c->sent;
		size_t n = message_datagram(at, out->len - c->sent);

		if (send(c->source.fd, at, n, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			return errno == EINTR ? -EAGAIN : -errno;
		c->sent += n;
	}
	/* a big dump's memory is not kept */
	message_buf_fini(out);
	c->sent = 0;
	return 0;
}

/* Once there is room; returns whether there is something to send. */
static bool tell_lost(struct connection *c)
{
	const struct message m = {.type = NLMSG_ERROR,
				  .error = -ENOBUFS,
				  .text = "events were lost"};

	if (!c->lost)
		return false;
	c->lost = message_put(&c->session.out, &m) != 0;
	return !c->lost;
}

/* Returns 0 when all is sent, -EAGAIN, or what ends the connection. */
static int send_answers(struct connection *c)
{
	int err = send_out(c);

	while (!err && tell_lost(c))
		err = send_out(c);
	return err;
}

static int receive_one(struct connection *c)
{
	struct control *s = c->control;
	ssize_t n = recv(c->source.fd, s->datagram, sizeof(s->datagram),
			 MSG_DONTWAIT | MSG_TRUNC);

	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	if (!n)
		return -ECONNRESET;
	if ((size_t)n > sizeof(s->datagram))
		return -EMSGSIZE;
	return session_hear(&c->session, s->datagram, (size_t)n);
}

/* Who does not take his answers is not listened to. */
static int talk(struct connection *c)
{
	int err = send_answers(c);

	for (int i = 0; !err && i < DATAGRAMS_PER_TURN; i++) {
		err = receive_one(c);
		if (!err)
			err = send_answers(c);
	}
	return err;
}

static void connection_heard(struct loop_source *source, uint32_t events)
{
	struct connection *c = loop_owner(source, struct connection, source);
	struct loop *l = &c->control->engine->loop;
	int err = talk(c);

	(void)events;
	if (err && err != -EAGAIN) {
		connection_free(c);
		return;
	}
	loop_change(l, source, c->session.out.len ? EPOLLOUT : EPOLLIN);
}

static bool may_control(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		return false;
	return peer.uid == 0 || peer.uid == geteuid();
}

static void listener_heard(struct loop_source *source, uint32_t events)
{
	struct control *s = loop_owner(source, struct control, listener);
	_cleanup_close_ int fd =
		accept4(source->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct connection *c;

	(void)events;
	if (fd < 0 && (errno == EMFILE || errno == ENFILE)) {
		fd = wire_accept_spare(source->fd, &s->engine->spare_fd);
		if (fd >= 0)
			close(steal_fd(&fd));
		wire_keep_spare(&s->engine->spare_fd);
	}
	if (fd < 0 || !may_control(fd) || s->n_connections >= CONNECTIONS_MAX)
		return;
	c = calloc(1, sizeof(*c));
	if (!c)
		return;
	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &(int){SEND_BUFFER}, sizeof(int));
	c->control = s;
	c->session.engine = s->engine;
	c->source.fd = fd;
	c->source.heard = connection_heard;
	if (loop_add(&s->engine->loop, &c->source, EPOLLIN)) {
		free(c);
		return;
	}
	steal_fd(&fd);
	LIST_INSERT_HEAD(&s->connections, c, link);
	s->n_connections++;
}

static int open_listener(struct control *s)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	_cleanup_close_ int fd = socket(
		AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	strcpy(sun.sun_path, s->path);
	unlink(s->path); /* what a killed engine left */
	if (fchmod(fd, 0600) || bind(fd, (struct sockaddr *)&sun, sizeof(sun)))
		return -errno;
	s->listener.fd = steal_fd(&fd);
	if (listen(s->listener.fd, CONNECTIONS_MAX))
		return -errno;
	return loop_add(&s->engine->loop, &s->listener, EPOLLIN);
}

int control_new(struct control **out, struct engine *e)
{
	struct control *s = calloc(1, sizeof(*s));
	int n, err;

	if (!s)
		return -ENOMEM;
	s->engine = e;
	s->listener.fd = -1;
	s->listener.heard = listener_heard;
	n = snprintf(s->path, sizeof(s->path), "%s/engine.sock", e->run_dir);
	err = n >= (int)sizeof(s->path) ? -ENAMETOOLONG : open_listener(s);
	if (err) {
		control_free(s);
		return err;
	}
	*out = s;
	return 0;
}

static void tell(struct connection *c, const struct message_event *event)
{
	const struct message m = {.type = PTN_ENGINE_FAMILY,
				  .cmd = PTN_CMD_EVENT,
				  .has = MESSAGE_HAS(PTN_A_EVENT),
				  .event = *event};

	if (!c->session.listens)
		return;
	if (c->session.out.len > UNREAD_MAX ||
	    message_put(&c->session.out, &m)) {
		c->lost = true;
		return;
	}
	loop_change(&c->control->engine->loop, &c->source, EPOLLOUT);
}

void control_tell(struct control *s, const struct message_event *event)
{
	struct connection *c;

	if (!s)
		return;
	LIST_FOREACH(c, &s->connections, link)
	tell(c, event);
}

void control_free(struct control *s)
{
	struct connection *c;

	if (!s)
		return;
	while ((c = LIST_FIRST(&s->connections)))
		connection_free(c);
	if (s->listener.fd >= 0) {
		loop_remove(&s->engine->loop, &s->listener);
		close(s->listener.fd);
		unlink(s->path);
	}
	free(s);
}
