/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/session.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/attach.h"
#include "engine/txn.h"
#include "engine/vport.h"

#define _cleanup_message_ __attribute__((cleanup(message_fini)))

/* A request, and what to say when it is refused. */
struct request {
	struct message *m;
	char text[MESSAGE_TEXT];
};

static int answer(struct session *s, const struct message *request,
		  struct message *reply)
{
	reply->type = PTN_ENGINE_FAMILY;
	reply->seq = request->seq;
	if (request->flags & NLM_F_DUMP)
		reply->flags = NLM_F_MULTI;
	return message_put(&s->out, reply);
}

static int finish(struct session *s, const struct message *request, int err,
		  const char *text)
{
	struct message m = {.type = NLMSG_ERROR, .seq = request->seq};

	if (!err && !(request->flags & NLM_F_ACK))
		return 0;
	m.error = err;
	snprintf(m.text, sizeof(m.text), "%s", text);
	return message_put(&s->out, &m);
}

static int finish_dump(struct session *s, const struct message *request)
{
	struct message m = {
		.type = NLMSG_DONE, .seq = request->seq, .flags = NLM_F_MULTI};

	return message_put(&s->out, &m);
}

__attribute__((format(printf, 3, 4))) static int
refuse(struct request *r, int err, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(r->text, sizeof(r->text), format, ap);
	va_end(ap);
	return err;
}

/* What is there. */

static int tell_info(struct session *s, struct request *r)
{
	const struct engine *e = s->engine;
	struct message m = {
		.cmd = PTN_CMD_INFO_NEW,
		.has = MESSAGE_HAS(PTN_A_REVISION) |
		       MESSAGE_HAS(PTN_A_VERSION) |
		       MESSAGE_HAS(PTN_A_FEATURES) |
		       MESSAGE_HAS(PTN_A_INSTANCE) | MESSAGE_HAS(PTN_A_WORKERS),
		.revision = e->revision,
		.version = PTNET_VERSION,
		.features = ENGINE_FEATURES,
		.instance = e->instance,
		.workers = e->n_workers,
	};

	return answer(s, r->m, &m);
}

static int tell_switch(struct session *s, const struct message *request,
		       const struct table_node *n)
{
	const struct vswitch *sw = loop_owner(n, struct vswitch, node);
	struct message m = {.cmd = PTN_CMD_SWITCH_NEW,
			    .has = MESSAGE_HAS(PTN_A_SWITCH) | MESSAGE_STATUS};

	m.sw = sw->spec;
	vswitch_status(sw, &m.sw_status);
	return answer(s, request, &m);
}

static int tell_pipe(struct session *s, const struct message *request,
		     const struct table_node *n)
{
	const struct vpipe *p = loop_owner(n, struct vpipe, node);
	struct message m = {.cmd = PTN_CMD_PIPE_NEW,
			    .has = MESSAGE_HAS(PTN_A_PIPE)};

	m.pipe = p->spec;
	return answer(s, request, &m);
}

static int tell_port(struct session *s, const struct message *request,
		     const struct table_node *n)
{
	const struct vport *p = loop_owner(n, struct vport, node);
	struct message m = {.cmd = PTN_CMD_PORT_NEW,
			    .has = MESSAGE_HAS(PTN_A_PORT) | MESSAGE_STATUS};

	m.port = p->spec;
	vport_status(p, &m.port_status);
	return answer(s, request, &m);
}

/* Kinds of objects that can be asked for. */
struct asked {
	const char *kind;
	size_t table; /* in struct engine */
	size_t name; /* in struct message */
	int (*tell)(struct session *s, const struct message *request,
		    const struct table_node *n);
};

static const struct asked asked_switch = {"switch",
					  offsetof(struct engine, switches),
					  offsetof(struct message, sw.name),
					  tell_switch};
static const struct asked asked_pipe = {"pipe", offsetof(struct engine, pipes),
					offsetof(struct message, pipe.name),
					tell_pipe};
static const struct asked asked_port = {"port", offsetof(struct engine, ports),
					offsetof(struct message, port.name),
					tell_port};

static int tell(struct session *s, struct request *r, const struct asked *a)
{
	const struct table *t = (void *)((char *)s->engine + a->table);
	const char *name = (char *)r->m + a->name;
	struct table_node *n;
	int err = 0;

	if ((r->m->flags & NLM_F_DUMP) == NLM_F_DUMP) {
		for (n = table_next(t, NULL); n && !err; n = table_next(t, n))
			err = a->tell(s, r->m, n);
		return err;
	}
	n = table_find(t, name);
	if (!n)
		return refuse(r, -ENOENT, "%s %s: is not there", a->kind, name);
	return a->tell(s, r->m, n);
}

static int tell_switches(struct session *s, struct request *r)
{
	return tell(s, r, &asked_switch);
}

static int tell_pipes(struct session *s, struct request *r)
{
	return tell(s, r, &asked_pipe);
}

static int tell_ports(struct session *s, struct request *r)
{
	return tell(s, r, &asked_port);
}

static int tell_fdb(struct session *s, struct request *r)
{
	const struct vswitch *sw = engine_switch(s->engine, r->m->sw.name);
	struct ptn_fdb_view view;
	uint32_t at = 0;
	int err = 0;

	if (!sw)
		return refuse(r, -ENOENT, "switch %s: is not there",
			      r->m->sw.name);
	while (!err && ptn_vale_fdb(sw->vale, &at, &view)) {
		struct message m = {.cmd = PTN_CMD_FDB_NEW,
				    .has = MESSAGE_HAS(PTN_A_FDB)};

		if (!view.port)
			continue;
		memcpy(m.fdb.mac, view.mac, sizeof(m.fdb.mac));
		strcpy(m.fdb.port, ptn_port_name(view.port));
		m.fdb.is_static = view.is_static;
		m.fdb.age_ms = view.age_ms;
		err = answer(s, r->m, &m);
	}
	return err;
}

static int tell_census(struct session *s, struct request *r)
{
	struct message m = {.cmd = PTN_CMD_CENSUS_NEW,
			    .has = MESSAGE_HAS(PTN_A_CENSUS)};

	attach_census(s->engine, &m.census);
	return answer(s, r->m, &m);
}

static int listen_too(struct session *s, struct request *r)
{
	(void)r;
	s->listens = true;
	return 0;
}

/* Changes. */

static void drop(struct session *s)
{
	txn_free(s->txn);
	s->txn = NULL;
	s->spoilt = 0;
}

static int begin(struct session *s, struct request *r)
{
	if (s->txn)
		return refuse(r, -EBUSY, "a transaction is open already");
	s->txn = txn_new(r->m->revision);
	return s->txn ? 0 : refuse(r, -ENOMEM, "no memory");
}

/* After the first refusal the rest need not be told; COMMIT tells it again. */
static int stage(struct session *s, struct request *r)
{
	if (!s->txn)
		return refuse(r, -EINVAL,
			      "no transaction is open: TXN_BEGIN comes first");
	if (s->spoilt)
		return 0;
	s->spoilt = txn_add(s->txn, r->m, s->why);
	return s->spoilt ? refuse(r, s->spoilt, "%s", s->why) : 0;
}

static int commit(struct session *s, struct request *r)
{
	int err;

	if (!s->txn)
		return refuse(r, -EINVAL, "no transaction is open");
	err = s->spoilt ? refuse(r, s->spoilt, "%s", s->why)
			: txn_commit(s->txn, s->engine, r->text);
	drop(s);
	return err;
}

static int cancel(struct session *s, struct request *r)
{
	if (!s->txn)
		return refuse(r, -EINVAL, "no transaction is open");
	drop(s);
	return 0;
}

static const struct {
	int (*run)(struct session *s, struct request *r);
	uint32_t needs; /* attributes */
} handlers[PTN_CMD_MAX] = {
	[PTN_CMD_INFO_GET] = {tell_info, 0},
	[PTN_CMD_TXN_BEGIN] = {begin, MESSAGE_HAS(PTN_A_REVISION)},
	[PTN_CMD_TXN_COMMIT] = {commit, 0},
	[PTN_CMD_TXN_ABORT] = {cancel, 0},
	[PTN_CMD_SWITCH_NEW] = {stage, MESSAGE_HAS(PTN_A_SWITCH)},
	[PTN_CMD_SWITCH_SET] = {stage, MESSAGE_HAS(PTN_A_SWITCH)},
	[PTN_CMD_SWITCH_DEL] = {stage, MESSAGE_HAS(PTN_A_SWITCH)},
	[PTN_CMD_SWITCH_GET] = {tell_switches, 0},
	[PTN_CMD_PIPE_NEW] = {stage, MESSAGE_HAS(PTN_A_PIPE)},
	[PTN_CMD_PIPE_DEL] = {stage, MESSAGE_HAS(PTN_A_PIPE)},
	[PTN_CMD_PIPE_GET] = {tell_pipes, 0},
	[PTN_CMD_PORT_NEW] = {stage, MESSAGE_HAS(PTN_A_PORT)},
	[PTN_CMD_PORT_SET] = {stage, MESSAGE_HAS(PTN_A_PORT)},
	[PTN_CMD_PORT_DEL] = {stage, MESSAGE_HAS(PTN_A_PORT)},
	[PTN_CMD_PORT_GET] = {tell_ports, 0},
	[PTN_CMD_FDB_GET] = {tell_fdb, MESSAGE_HAS(PTN_A_SWITCH)},
	[PTN_CMD_CENSUS_GET] = {tell_census, 0},
	[PTN_CMD_EVENT] = {listen_too, 0},
};

static int run(struct session *s, struct request *r)
{
	const struct message *m = r->m;

	if (m->type != PTN_ENGINE_FAMILY)
		return refuse(r, -EINVAL, "messages of type %#x are not known",
			      m->type);
	if (!handlers[m->cmd].run)
		return refuse(r, -EOPNOTSUPP, "%s is not a request",
			      message_cmd_name(m->cmd));
	if ((m->has & handlers[m->cmd].needs) != handlers[m->cmd].needs)
		return refuse(r, -EINVAL, "%s lacks an attribute that it needs",
			      message_cmd_name(m->cmd));
	return handlers[m->cmd].run(s, r);
}

/* A refused change spoils the transaction that it was meant for. */
static void spoil(struct session *s, int err, const char *text)
{
	if (!s->txn || s->spoilt)
		return;
	s->spoilt = err;
	snprintf(s->why, sizeof(s->why), "%s", text);
}

static int hear_one(struct session *s, struct message *m)
{
	struct request r = {.m = m};
	int err = run(s, &r);

	if (!err && (m->flags & NLM_F_DUMP) == NLM_F_DUMP)
		return finish_dump(s, m);
	if (err && !r.text[0])
		refuse(&r, err, "%s", strerror(-err));
	return finish(s, m, err, r.text);
}

int session_hear(struct session *s, const uint8_t *data, size_t len)
{
	for (;;) {
		_cleanup_message_ struct message m;
		int got = message_next(&data, &len, &m);

		if (!got)
			return 0;
		if (got < 0) {
			spoil(s, got, m.text);
			got = finish(s, &m, got, m.text);
		} else {
			got = hear_one(s, &m);
		}
		if (got)
			return got;
	}
}

void session_fini(struct session *s)
{
	drop(s);
	message_buf_fini(&s->out);
}
