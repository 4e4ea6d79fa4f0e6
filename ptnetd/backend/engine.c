/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine as a backend: finds or starts ptnet-engine, and speaks the
 * control family with it. Knows sockets and processes; what the messages
 * mean to the engine is the engine's business. Called by the service through
 * the ops table.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/backend.h"
#include "backend/process.h"
#include "base/cleanup.h"
#include "nl/message.h"

struct backend {
	struct process process;
	int sock; /* -1: lost; the next call connects again */
	uint32_t seq;
	uint8_t *datagram; /* MESSAGE_DATAGRAM_MAX */
};

/* One call: what is sent, what is awaited, and until when. */
struct exchange {
	struct backend *b;
	struct backend_error *error;
	struct message_buf out;
	int64_t deadline;
	/* called for each message of the family; 0 or -errno */
	int (*heard)(void *arg, struct message *m);
	void *arg;
};

static void exchange_fini(struct exchange *x)
{
	message_buf_fini(&x->out);
}

#define _cleanup_exchange_ _cleanup_(exchange_fini)

__attribute__((format(printf, 3, 4))) static int
fail(struct backend_error *error, int err, const char *format, ...)
{
	va_list ap;

	if (!error)
		return err;
	va_start(ap, format);
	vsnprintf(error->message, sizeof(error->message), format, ap);
	va_end(ap);
	return err;
}

/* Who it was about stands first in the engine's sentences: "port NAME: ..." */
static int refused(struct backend_error *error, const struct message *m)
{
	object_name name = "";

	if (!error)
		return m->error;
	if (sscanf(m->text, "%*[a-z] %63[^: ]: ", name) == 1 &&
	    strstr(m->text, ": "))
		memcpy(error->object, name, sizeof(error->object));
	return fail(error, m->error, "%s",
		    m->text[0] ? m->text : strerror(-m->error));
}

static int lost(struct backend *b, struct backend_error *error, int err)
{
	if (b->sock >= 0)
		close(steal_fd(&b->sock));
	if (err == -ETIMEDOUT)
		return fail(error, err, "the engine did not answer within %d s",
			    BACKEND_TIMEOUT_MS / 1000);
	if (err == -EPROTO)
		return fail(error, err, "the engine's answer is garbled");
	return fail(error, -ECONNRESET, "the engine has ended");
}

/* Moving datagrams. */

static int wait_for(int sock, short events, int64_t deadline)
{
	struct pollfd p = {.fd = sock, .events = events};
	int64_t left = deadline - process_now_ms();
	int n = left > 0 ? poll(&p, 1, (int)left) : 0;

	if (n < 0)
		return errno == EINTR ? 0 : -errno;
	return n ? 0 : -ETIMEDOUT;
}

static int send_one(struct exchange *x, const uint8_t *at, size_t n)
{
	for (;;) {
		int err;

		if (send(x->b->sock, at, n, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
			return 0;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		err = wait_for(x->b->sock, POLLOUT, x->deadline);
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
	struct backend *b = x->b;

	for (;;) {
		ssize_t n = recv(b->sock, b->datagram, MESSAGE_DATAGRAM_MAX,
				 MSG_DONTWAIT);
		int err;

		if (n > 0)
			return n;
		if (!n)
			return -ECONNRESET;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		err = wait_for(b->sock, POLLIN, x->deadline);
		if (err)
			return err;
	}
}

/* Returns 1 when @m ends the exchange with *result, 0 to go on, -errno. */
static int take(struct exchange *x, struct message *m, int *result)
{
	if (m->type == NLMSG_ERROR && m->seq != x->b->seq)
		return 0; /* the commit will tell it again */
	if (m->seq != x->b->seq)
		return -EPROTO;
	if (m->type == NLMSG_ERROR) {
		*result = m->error ? refused(x->error, m) : 0;
		return 1;
	}
	if (m->type == NLMSG_DONE) {
		*result = 0;
		return 1;
	}
	return x->heard ? x->heard(x->arg, m) : -EPROTO;
}

static int take_datagram(struct exchange *x, size_t len, int *result)
{
	const uint8_t *at = x->b->datagram;
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
		fail(x->error, err, "no memory");
	return err == -ENOMEM ? err : lost(x->b, x->error, err);
}

static int put(struct exchange *x, struct message *m)
{
	int err;

	m->type = PTN_ENGINE_FAMILY;
	m->flags |= NLM_F_REQUEST;
	m->seq = ++x->b->seq;
	err = message_put(&x->out, m);
	return err ? fail(x->error, err, "a message to the engine: %s",
			  strerror(-err))
		   : 0;
}

static int begin(struct exchange *x, struct backend *b,
		 struct backend_error *error)
{
	*x = (struct exchange){
		.b = b,
		.error = error,
		.deadline = process_now_ms() + BACKEND_TIMEOUT_MS,
	};
	if (b->sock >= 0)
		return 0;
	b->sock = process_connect(&b->process);
	return b->sock < 0 ? lost(b, error, b->sock) : 0;
}

/* One request, and what it answers. */
static int ask(struct backend *b, struct message *m,
	       int (*heard)(void *arg, struct message *m), void *arg,
	       struct backend_error *error)
{
	_cleanup_exchange_ struct exchange x = {0};
	int err = begin(&x, b, error);

	x.heard = heard;
	x.arg = arg;
	m->flags |= NLM_F_ACK;
	if (!err)
		err = put(&x, m);
	return err ? err : exchange(&x);
}

/* The ops. */

static int heard_info(void *arg, struct message *m)
{
	struct backend_info *out = arg;

	*out = (struct backend_info){
		.name = backend_engine.name,
		.revision = m->revision,
		.instance = m->instance,
		.features = m->features,
		.workers = m->workers,
	};
	memcpy(out->version, m->version, sizeof(out->version));
	return 0;
}

static int engine_info(struct backend *b, struct backend_info *out,
		       struct backend_error *error)
{
	struct message m = {.cmd = PTN_CMD_INFO_GET};

	return ask(b, &m, heard_info, out, error);
}

static void engine_close(struct backend *b)
{
	if (!b)
		return;
	if (b->sock >= 0)
		close(b->sock);
	process_fini(&b->process);
	free(b->datagram);
	free(b);
}

static void engine_teardown(struct backend *b)
{
	process_end(&b->process);
	if (b->sock >= 0)
		close(steal_fd(&b->sock));
}

enum { CONTACT_TRIES = 20, CONTACT_MS = 50 };

/* An engine that is about to die still takes connections for a moment. */
static int make_contact(struct backend *b, struct backend_error *error)
{
	struct backend_info info;
	int err = -ECONNRESET;

	for (int i = 0; err == -ECONNRESET && i < CONTACT_TRIES; i++) {
		if (i)
			usleep(CONTACT_MS * 1000);
		b->sock = process_find(&b->process,
				       error ? error->message : NULL,
				       error ? sizeof(error->message) : 0);
		err = b->sock < 0 ? b->sock : engine_info(b, &info, error);
	}
	return err;
}

static int engine_open(struct backend **out,
		       const struct backend_config *config,
		       struct backend_error *error)
{
	struct backend *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return fail(error, -ENOMEM, "no memory");
	b->sock = -1;
	b->datagram = malloc(MESSAGE_DATAGRAM_MAX);
	err = b->datagram ? process_init(&b->process, config->run_dir,
					 config->engine_path, config->workers)
			  : -ENOMEM;
	if (err) {
		engine_close(b);
		return fail(error, err, "%s", strerror(-err));
	}
	err = make_contact(b, error);
	if (err) {
		engine_close(b);
		return err;
	}
	*out = b;
	return 0;
}

static int heard_object(void *arg, struct message *m)
{
	struct objects *o = arg;

	switch (m->cmd) {
	case PTN_CMD_SWITCH_NEW:
		return objects_add_switch(o, &m->sw, &m->sw_status);
	case PTN_CMD_PIPE_NEW:
		return objects_add_pipe(o, &m->pipe);
	case PTN_CMD_PORT_NEW:
		return objects_add_port(o, &m->port, &m->port_status);
	}
	return -EPROTO;
}

static int engine_dump(struct backend *b, struct objects *out,
		       struct backend_error *error)
{
	static const uint8_t kinds[] = {PTN_CMD_SWITCH_GET, PTN_CMD_PIPE_GET,
					PTN_CMD_PORT_GET};
	int err = 0;

	*out = (struct objects){0};
	for (size_t i = 0; i < sizeof(kinds) && !err; i++) {
		struct message m = {.cmd = kinds[i], .flags = NLM_F_DUMP};

		err = ask(b, &m, heard_object, out, error);
	}
	if (err)
		objects_fini(out);
	else
		objects_sort(out);
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

static int engine_apply(struct backend *b, const struct plan *plan,
			uint64_t revision, struct backend_error *error)
{
	_cleanup_exchange_ struct exchange x = {0};
	struct message first = {.cmd = PTN_CMD_TXN_BEGIN,
				.has = MESSAGE_HAS(PTN_A_REVISION),
				.revision = revision};
	struct message last = {.cmd = PTN_CMD_TXN_COMMIT, .flags = NLM_F_ACK};
	int err = begin(&x, b, error);

	if (!err)
		err = put(&x, &first);
	if (!err)
		err = put_deletions(&x, plan);
	if (!err)
		err = put_rest(&x, plan);
	if (!err)
		err = put(&x, &last);
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

static int engine_fdb(struct backend *b, const char *name,
		      struct fdb_entry **out, size_t *count,
		      struct backend_error *error)
{
	struct message m = {.cmd = PTN_CMD_FDB_GET,
			    .flags = NLM_F_DUMP,
			    .has = MESSAGE_HAS(PTN_A_SWITCH)};
	struct fdb_list l = {0};
	int err;

	snprintf(m.sw.name, sizeof(m.sw.name), "%s", name);
	err = ask(b, &m, heard_fdb, &l, error);
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

static int engine_census(struct backend *b, struct census *out,
			 struct backend_error *error)
{
	struct message m = {.cmd = PTN_CMD_CENSUS_GET};

	return ask(b, &m, heard_census, out, error);
}

static int engine_death_fd(struct backend *b)
{
	return b->process.pidfd >= 0 ? b->process.pidfd : b->sock;
}

const struct backend_ops backend_engine = {
	.name = "engine",
	.open = engine_open,
	.close = engine_close,
	.teardown = engine_teardown,
	.info = engine_info,
	.dump = engine_dump,
	.apply = engine_apply,
	.fdb = engine_fdb,
	.census = engine_census,
	.death_fd = engine_death_fd,
};
