/* SPDX-License-Identifier: BSD-2-Clause */
#include "backend/channel.h"

#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "nl/message.h"

enum { DUMP_TRIES = 20 };

/* One call: what is sent, what is awaited, and until when. */
struct exchange {
	struct channel *c;
	struct backend_error *error;
	struct message_buf out;
	int64_t deadline;
	bool interrupted; /* the dump: something changed meanwhile */
	/* called for each message of the family; 0 or -errno */
	int (*heard)(void *arg, struct message *m);
	void *arg;
};

static void exchange_fini(struct exchange *x)
{
	message_buf_fini(&x->out);
}

#define _cleanup_exchange_ _cleanup_(exchange_fini)

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int channel_init(struct channel *c)
{
	c->sock = -1;
	c->datagram = malloc(MESSAGE_DATAGRAM_MAX);
	return c->datagram ? 0 : -ENOMEM;
}

void channel_close(struct channel *c)
{
	if (c->sock >= 0)
		close(steal_fd(&c->sock));
}

void channel_fini(struct channel *c)
{
	channel_close(c);
	free(c->datagram);
	c->datagram = NULL;
}

int backend_fail(struct backend_error *error, int err, const char *format, ...)
{
	va_list ap;

	if (!error)
		return err;
	va_start(ap, format);
	vsnprintf(error->message, sizeof(error->message), format, ap);
	va_end(ap);
	return err;
}

/* Who it was about stands first in the sentences: "port NAME: ..." */
static int refused(struct backend_error *error, const struct message *m)
{
	object_name name = "";

	if (!error)
		return m->error;
	if (sscanf(m->text, "%*[a-z] %63[^: ]: ", name) == 1 &&
	    strstr(m->text, ": "))
		memcpy(error->object, name, sizeof(error->object));
	return backend_fail(error, m->error, "%s",
			    m->text[0] ? m->text : strerror(-m->error));
}

static int lost(struct channel *c, struct backend_error *error, int err)
{
	channel_close(c);
	if (err == -ETIMEDOUT)
		return backend_fail(error, err, "%s did not answer within %d s",
				    c->peer, BACKEND_TIMEOUT_MS / 1000);
	if (err == -EPROTO)
		return backend_fail(error, err, "the answer of %s is garbled",
				    c->peer);
	if (err == -ENOBUFS || err == -EMSGSIZE)
		return backend_fail(error, -ECONNRESET,
				    "%s was not understood: %s", c->peer,
				    strerror(-err));
	return backend_fail(error, -ECONNRESET, "%s %s", c->peer, c->gone);
}

/* Moving datagrams. */

static int wait_for(int sock, short events, int64_t deadline)
{
	struct pollfd p = {.fd = sock, .events = events};
	int64_t left = deadline - now_ms();
	int n = left > 0 ? poll(&p, 1, (int)left) : 0;

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	return n ? 0 : -ETIMEDOUT;
}

static int send_one(struct exchange *x, const uint8_t *at, size_t n)
{
	for (;;) {
		int err;

		if (send(x->c->sock, at, n, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		err = wait_for(x->c->sock, POLLOUT, x->deadline);
		if (err)
			return err;
	}
}

static int send_all(struct exchange *x)
{
	size_t sent = 0;
	int err = 0;

	while (!err && sent < x->out.len) {
		const uint8_t *at = x->out.data + sent;
		size_t n = message_datagram(at, x->out.len - sent);

		err = send_one(x, at, n);
		sent += n;
	}
	return err;
}

static ssize_t receive(struct exchange *x)
{
	struct channel *c = x->c;

	for (;;) {
		ssize_t n = recv(c->sock, c->datagram, MESSAGE_DATAGRAM_MAX,
				 MSG_DONTWAIT);
		int err;

		if (n > 0)
			return n;
		if (!n)
			return -ECONNRESET;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		err = wait_for(c->sock, POLLIN, x->deadline);
		if (err)
			return err;
	}
}

/* Returns 1 when @m ends the exchange with *result, 0 to go on, -errno. */
static int take(struct exchange *x, struct message *m, int *result)
{
	if (m->type == NLMSG_ERROR && m->seq != x->c->seq)
		return 0; /* the commit will tell it again */
	if (m->seq != x->c->seq)
		return -EPROTO;
	x->interrupted |= !!(m->flags & NLM_F_DUMP_INTR);
	if (m->type == NLMSG_ERROR || m->type == NLMSG_DONE) {
		/* so the kernel says that it knows no such family */
		if (m->error == -ENOENT && !m->text[0])
			return -ECONNRESET;
		*result = m->error ? refused(x->error, m) : 0;
		return 1;
	}
	return x->heard ? x->heard(x->arg, m) : -EPROTO;
}

static int take_datagram(struct exchange *x, size_t len, int *result)
{
	const uint8_t *at = x->c->datagram;
	int got = 1, err = 0;

	while (!err && got) {
		struct message m;

		got = message_next(&at, &len, &m);
		err = got < 0 ? -EPROTO : got ? take(x, &m, result) : 0;
		message_fini(&m);
	}
	return err;
}

/* Send what was put together, and hear the answer to its last message. */
static int exchange(struct exchange *x)
{
	int result = 0, err = send_all(x);

	while (!err) {
		ssize_t n = receive(x);

		err = n < 0 ? (int)n : take_datagram(x, (size_t)n, &result);
	}
	if (err > 0)
		return result;
	if (err == -ENOMEM)
		backend_fail(x->error, err, "no memory");
	return err == -ENOMEM ? err : lost(x->c, x->error, err);
}

static int put(struct exchange *x, struct message *m)
{
	int err;

	m->type = x->c->type;
	m->flags |= NLM_F_REQUEST;
	m->seq = ++x->c->seq;
	err = message_put(&x->out, m);
	return err ? backend_fail(x->error, err, "a message to %s: %s",
				  x->c->peer, strerror(-err))
		   : 0;
}

static int begin(struct exchange *x, struct channel *c,
		 struct backend_error *error)
{
	*x = (struct exchange){
		.c = c,
		.error = error,
		.deadline = now_ms() + BACKEND_TIMEOUT_MS,
	};
	if (c->sock >= 0)
		return 0;
	c->sock = c->connect(c);
	return c->sock < 0 ? lost(c, error, c->sock) : 0;
}

/* One request, and what it answers. -EAGAIN: a dump was interrupted. */
static int ask(struct channel *c, struct message *m,
	       int (*heard)(void *arg, struct message *m), void *arg,
	       struct backend_error *error)
{
	_cleanup_exchange_ struct exchange x = {0};
	int err = begin(&x, c, error);

	x.heard = heard;
	x.arg = arg;
	m->flags |= NLM_F_ACK;
	if (!err)
		err = put(&x, m);
	if (!err)
		err = exchange(&x);
	if (!err && x.interrupted)
		return backend_fail(error, -EAGAIN,
				    "objects come and go too fast");
	return err;
}

/* What backends do. */

static int heard_info(void *arg, struct message *m)
{
	struct backend_info *out = arg;

	out->revision = m->revision;
	out->instance = m->instance;
	out->features = m->features;
	out->workers = m->workers;
	memcpy(out->version, m->version, sizeof(out->version));
	return 0;
}

int channel_info(struct channel *c, struct backend_info *out,
		 struct backend_error *error)
{
	struct message m = {.cmd = PTN_CMD_INFO_GET};

	*out = (struct backend_info){0};
	return ask(c, &m, heard_info, out, error);
}

static int heard_object(void *arg, struct message *m)
{
	struct objects *o = arg;

	switch (m->cmd) {
	case PTN_CMD_SWITCH_NEW:
		return objects_add_switch(o, &m->sw, &m->sw_status);
	case PTN_CMD_PIPE_NEW:
		return objects_add_pipe(o, &m->pipe, &m->pipe_status);
	case PTN_CMD_PORT_NEW:
		return objects_add_port(o, &m->port, &m->port_status);
	}
	return -EPROTO;
}

static int dump_once(struct channel *c, struct objects *out,
		     struct backend_error *error)
{
	static const uint8_t kinds[] = {PTN_CMD_SWITCH_GET, PTN_CMD_PIPE_GET,
					PTN_CMD_PORT_GET};
	int err = 0;

	*out = (struct objects){0};
	for (size_t i = 0; i < sizeof(kinds) && !err; i++) {
		struct message m = {.cmd = kinds[i], .flags = NLM_F_DUMP};

		err = ask(c, &m, heard_object, out, error);
	}
	if (err)
		objects_fini(out);
	else
		objects_sort(out);
	return err;
}

int channel_dump(struct channel *c, struct objects *out,
		 struct backend_error *error)
{
	int err = -EAGAIN;

	for (int i = 0; err == -EAGAIN && i < DUMP_TRIES; i++)
		err = dump_once(c, out, error);
	return err;
}

/* A message's static entries are the plan's: nothing here frees them. */
static int put_object(struct exchange *x, uint8_t cmd, enum object_kind kind,
		      const void *spec)
{
	struct message m = {.cmd = cmd};

	switch (kind) {
	case OBJECT_SWITCH:
		m.has = MESSAGE_HAS(PTN_A_SWITCH);
		m.sw = *(const struct switch_spec *)spec;
		break;
	case OBJECT_PIPE:
		m.has = MESSAGE_HAS(PTN_A_PIPE);
		m.pipe = *(const struct pipe_spec *)spec;
		break;
	case OBJECT_PORT:
		m.has = MESSAGE_HAS(PTN_A_PORT);
		m.port = *(const struct port_spec *)spec;
		break;
	}
	return put(x, &m);
}

static const uint8_t cmd_new[] = {PTN_CMD_SWITCH_NEW, PTN_CMD_PIPE_NEW,
				  PTN_CMD_PORT_NEW};
static const uint8_t cmd_set[] = {PTN_CMD_SWITCH_SET, PTN_CMD_UNSPEC,
				  PTN_CMD_PORT_SET};
static const uint8_t cmd_del[] = {PTN_CMD_SWITCH_DEL, PTN_CMD_PIPE_DEL,
				  PTN_CMD_PORT_DEL};

static int put_deletions(struct exchange *x, const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_step *s = &plan->steps[i];
		int err;

		if (s->action != PLAN_DELETE && s->action != PLAN_REPLACE)
			continue;
		err = put_object(x, cmd_del[s->kind], s->kind, s->have);
		if (err)
			return err;
	}
	return 0;
}

static int put_rest(struct exchange *x, const struct plan *plan)
{
	for (size_t i = 0; i < plan->count; i++) {
		const struct plan_step *s = &plan->steps[i];
		int err;

		if (s->action == PLAN_DELETE)
			continue;
		err = put_object(x,
				 s->action == PLAN_CHANGE ? cmd_set[s->kind]
							  : cmd_new[s->kind],
				 s->kind, s->want);
		if (err)
			return err;
	}
	return 0;
}

static int put_begin(struct exchange *x, uint64_t revision)
{
	struct message m = {.cmd = PTN_CMD_TXN_BEGIN,
			    .has = MESSAGE_HAS(PTN_A_REVISION),
			    .revision = revision};

	return put(x, &m);
}

static int put_commit(struct exchange *x)
{
	struct message m = {.cmd = PTN_CMD_TXN_COMMIT, .flags = NLM_F_ACK};

	return put(x, &m);
}

int channel_apply(struct channel *c, const struct plan *plan, uint64_t revision,
		  struct backend_error *error)
{
	_cleanup_exchange_ struct exchange x = {0};
	int err = begin(&x, c, error);

	if (!err)
		err = put_begin(&x, revision);
	if (!err)
		err = put_deletions(&x, plan);
	if (!err)
		err = put_rest(&x, plan);
	if (!err)
		err = put_commit(&x);
	return err ? err : exchange(&x);
}

struct fdb_list {
	struct fdb_entry *list;
	size_t count, size;
};

static int heard_fdb(void *arg, struct message *m)
{
	struct fdb_list *l = arg;

	if (l->count == l->size) {
		size_t size = l->size ? 2 * l->size : 64;
		void *list = reallocarray(l->list, size, sizeof(*l->list));

		if (!list)
			return -ENOMEM;
		l->list = list;
		l->size = size;
	}
	l->list[l->count++] = m->fdb;
	return 0;
}

int channel_fdb(struct channel *c, const char *name, struct fdb_entry **out,
		size_t *count, struct backend_error *error)
{
	struct message m = {.cmd = PTN_CMD_FDB_GET,
			    .flags = NLM_F_DUMP,
			    .has = MESSAGE_HAS(PTN_A_SWITCH)};
	struct fdb_list l = {0};
	int err;

	snprintf(m.sw.name, sizeof(m.sw.name), "%s", name);
	err = ask(c, &m, heard_fdb, &l, error);
	if (err) {
		free(l.list);
		return err;
	}
	*out = l.list;
	*count = l.count;
	return 0;
}

static int heard_census(void *arg, struct message *m)
{
	*(struct census *)arg = m->census;
	return 0;
}

int channel_census(struct channel *c, struct census *out,
		   struct backend_error *error)
{
	struct message m = {.cmd = PTN_CMD_CENSUS_GET};

	return ask(c, &m, heard_census, out, error);
}

static int put_all(struct exchange *x, const struct objects *o)
{
	int err = 0;

	for (size_t i = 0; i < o->n_ports && !err; i++)
		if (!o->port_status[i].foreign)
			err = put_object(x, PTN_CMD_PORT_DEL, OBJECT_PORT,
					 &o->ports[i]);
	for (size_t i = 0; i < o->n_pipes && !err; i++)
		if (!o->pipe_status[i].foreign)
			err = put_object(x, PTN_CMD_PIPE_DEL, OBJECT_PIPE,
					 &o->pipes[i]);
	for (size_t i = 0; i < o->n_switches && !err; i++)
		if (!o->switch_status[i].foreign)
			err = put_object(x, PTN_CMD_SWITCH_DEL, OBJECT_SWITCH,
					 &o->switches[i]);
	return err;
}

int channel_clear(struct channel *c, struct backend_error *error)
{
	_cleanup_exchange_ struct exchange x = {0};
	struct objects o;
	int err = channel_dump(c, &o, error);

	if (!err)
		err = begin(&x, c, error);
	if (!err)
		err = put_begin(&x, 0);
	if (!err)
		err = put_all(&x, &o);
	if (!err)
		err = put_commit(&x);
	if (!err)
		err = exchange(&x);
	objects_fini(&o);
	return err;
}
