/* SPDX-License-Identifier: BSD-2-Clause */
#include "backend/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <ptnet/bind.h>
#include <ptnet/region.h>

#include "backend/channel.h"
#include "backend/process.h"
#include "base/cleanup.h"
#include "base/limit.h"
#include "base/log.h"
#include "wire/wire.h"

struct listener {
	LIST_ENTRY(listener) link;
	object_name name;
	uint32_t vectors;
	int fd;
	int refused; /* the last client that was; -1: none */
	bool fresh; /* of a plan that is not done yet */
	struct limit limit; /* clients may try as often as they like */
	char path[WIRE_PATH_MAX];
};

struct sockets {
	char *run_dir; /* NULL: nobody can attach */
	int epoll;
	int spare; /* given up to refuse a client when there are no more */
	LIST_HEAD(, listener) all;
};

int sockets_new(struct sockets **out, const char *run_dir)
{
	struct sockets *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	LIST_INIT(&s->all);
	s->spare = -1;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	/* whole, since QEMU is started elsewhere */
	if (s->epoll >= 0 && run_dir)
		s->run_dir = realpath(run_dir, NULL);
	if (s->epoll < 0 || (run_dir && !s->run_dir)) {
		int err = -errno;

		sockets_free(s);
		return err;
	}
	wire_keep_spare(&s->spare);
	*out = s;
	return 0;
}

static void listener_free(struct listener *l)
{
	LIST_REMOVE(l, link);
	close(l->fd);
	wire_keep_refused(&l->refused, -1);
	unlink(l->path);
	free(l);
}

void sockets_free(struct sockets *s)
{
	if (!s)
		return;
	while (!LIST_EMPTY(&s->all))
		listener_free(LIST_FIRST(&s->all));
	if (s->spare >= 0)
		close(s->spare);
	if (s->epoll >= 0)
		close(s->epoll);
	free(s->run_dir);
	free(s);
}

int sockets_fd(const struct sockets *s)
{
	return s->epoll;
}

/* Clients */

/* All that a client needs, which is the kernel's from then on. */
struct client {
	int connection;
	int memory;
	uint32_t vectors;
	int host[PTN_VECTORS_MAX], own[PTN_VECTORS_MAX];
};

static int ask_kernel(struct client *c, struct ptn_bind *request)
{
	_cleanup_close_ int fd = open("/dev/netmap", O_RDWR | O_CLOEXEC);

	request->connection = c->connection;
	request->vectors = c->vectors;
	request->host_fds = (uintptr_t)c->host;
	request->client_fds = (uintptr_t)c->own;
	if (fd < 0 || ioctl(fd, PTN_IOCBIND, request))
		return -errno;
	c->memory = request->memory;
	return 0;
}

static int bind_client(struct client *c, const struct listener *l,
		       struct ptn_bind *request)
{
	int err = wire_open_vectors(c->vectors, c->host, c->own);

	strcpy(request->name, l->name);
	if (!err)
		err = ask_kernel(c, request);
	/* the kernel has the connection: closing ours would say nothing */
	if (!err && wire_greet(c->connection, request->window, c->memory,
			       c->vectors, c->host, c->own))
		shutdown(c->connection, SHUT_RDWR);
	return err;
}

static void serve(struct listener *l, int connection)
{
	struct client c = {
		.connection = connection, .memory = -1, .vectors = l->vectors};
	struct ptn_bind request = {0};
	int err = bind_client(&c, l, &request);

	if (err) {
		wire_refuse(connection, err);
		wire_keep_refused(&l->refused, connection);
	} else {
		close(connection);
	}
	if (err && err != -EBUSY && limit_may_say(&l->limit, process_now_ms()))
		log_warn("port %s: cannot be attached: %s", l->name,
			 *request.text ? request.text : strerror(-err));
	wire_close_vectors(c.vectors, c.host, c.own);
	if (c.memory >= 0)
		close(c.memory);
}

static void hear_one(struct sockets *s, struct listener *l)
{
	int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd >= 0) {
		serve(l, fd);
		return;
	}
	if (errno != EMFILE && errno != ENFILE)
		return;
	/* without an answer the client would wait for ever */
	fd = wire_accept_spare(l->fd, &s->spare);
	if (fd < 0)
		return;
	wire_refuse(fd, -EMFILE);
	close(fd);
	wire_keep_spare(&s->spare);
}

void sockets_hear(struct sockets *s)
{
	struct epoll_event events[16];
	int n = epoll_wait(s->epoll, events, 16, 0);

	for (int i = 0; i < n; i++)
		hear_one(s, events[i].data.ptr);
}

/* Sockets */

static struct listener *find(const struct sockets *s, const char *name)
{
	struct listener *l;

	LIST_FOREACH(l, &s->all, link)
	if (!strcmp(l->name, name))
		return l;
	return NULL;
}

static int make_dir(const struct sockets *s)
{
	char ports[PATH_MAX];

	snprintf(ports, sizeof(ports), "%s/ports", s->run_dir);
	return mkdir(ports, 0711) && errno != EEXIST ? -errno : 0;
}

static int listen_at(struct sockets *s, struct listener *l)
{
	struct epoll_event e = {.events = EPOLLIN, .data.ptr = l};
	int n = snprintf(l->path, sizeof(l->path), "%s/ports/%s.sock",
			 s->run_dir, l->name);
	int err;

	if (n >= (int)sizeof(l->path))
		return -ENAMETOOLONG;
	err = make_dir(s);
	if (err)
		return err;
	l->fd = wire_listen(l->path);
	if (l->fd < 0)
		return l->fd;
	if (!epoll_ctl(s->epoll, EPOLL_CTL_ADD, l->fd, &e))
		return 0;
	err = -errno;
	close(l->fd);
	unlink(l->path);
	return err;
}

static int add(struct sockets *s, const char *name, bool fresh)
{
	struct listener *l = calloc(1, sizeof(*l));
	int err;

	if (!l)
		return -ENOMEM;
	strcpy(l->name, name);
	l->fresh = fresh;
	l->refused = -1;
	err = listen_at(s, l);
	if (err)
		free(l);
	else
		LIST_INSERT_HEAD(&s->all, l, link);
	return err;
}

static int refuse(const struct sockets *s, const char *name, int err,
		  struct backend_error *error)
{
	if (error)
		strcpy(error->object, name);
	if (err == -EMFILE || err == -ENFILE)
		return backend_fail(error, err,
				    "port %s: no descriptor is left for its "
				    "socket; raise the limit of open files",
				    name);
	if (err == -ENAMETOOLONG)
		return backend_fail(error, err,
				    "port %s: the path of its socket would be "
				    "longer than 107 bytes; use a shorter run "
				    "directory",
				    name);
	return backend_fail(error, err, "port %s: no socket in %s/ports: %s",
			    name, s->run_dir, strerror(-err));
}

/* One that has a socket keeps it, perhaps with more queues. */
static int see_to(struct sockets *s, const struct port_spec *p, bool fresh,
		  struct backend_error *error)
{
	int err = 0;

	if (p->kind != PTN_PORT_VM || !s->run_dir)
		return 0;
	if (!find(s, p->name))
		err = add(s, p->name, fresh);
	return err ? refuse(s, p->name, err, error) : 0;
}

static const struct port_spec *wanted(const struct plan_step *step)
{
	return step->kind == OBJECT_PORT && step->action != PLAN_DELETE
		       ? step->want_port
		       : NULL;
}

int sockets_prepare(struct sockets *s, const struct plan *plan,
		    struct backend_error *error)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct port_spec *p = wanted(&plan->steps[i]);
		int err = p ? see_to(s, p, true, error) : 0;

		if (err) {
			sockets_settle(s, plan, false);
			return err;
		}
	}
	return 0;
}

static void forget(struct sockets *s, const char *name)
{
	struct listener *l = find(s, name);

	if (l)
		listener_free(l);
}

static void forget_fresh(struct sockets *s)
{
	struct listener *l, *next;

	for (l = LIST_FIRST(&s->all); l; l = next) {
		next = LIST_NEXT(l, link);
		if (l->fresh)
			listener_free(l);
	}
}

/* A port that is made anew may be another kind of port. */
static void settle_step(struct sockets *s, const struct plan_step *step)
{
	const struct port_spec *p = wanted(step);
	struct listener *l;

	if (step->kind != OBJECT_PORT)
		return;
	if (!p || p->kind != PTN_PORT_VM) {
		forget(s, p ? p->name : step->have_port->name);
		return;
	}
	l = find(s, p->name);
	if (!l)
		return;
	l->fresh = false;
	l->vectors = 1 + 2 * p->queues;
}

void sockets_settle(struct sockets *s, const struct plan *plan, bool done)
{
	if (!done) {
		forget_fresh(s);
		return;
	}
	for (size_t i = 0; i < plan->count; i++)
		settle_step(s, &plan->steps[i]);
}

int sockets_for(struct sockets *s, const struct objects *have,
		struct backend_error *error)
{
	for (size_t i = 0; i < have->n_ports; i++) {
		const struct port_spec *p = &have->ports[i];
		struct listener *l;
		int err = see_to(s, p, false, error);

		if (err)
			return err;
		l = find(s, p->name);
		if (l)
			l->vectors = 1 + 2 * p->queues;
	}
	return 0;
}

void sockets_tell(const struct sockets *s, struct objects *have)
{
	for (size_t i = 0; i < have->n_ports; i++) {
		const struct listener *l =
			have->ports[i].kind == PTN_PORT_VM
				? find(s, have->ports[i].name)
				: NULL;

		if (l)
			strcpy(have->port_status[i].socket, l->path);
	}
}
