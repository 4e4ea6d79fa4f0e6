/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/txn.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "engine/adopt.h"
#include "engine/attach.h"
#include "engine/check.h"
#include "engine/links.h"
#include "engine/nic.h"
#include "engine/uplink.h"
#include "engine/vport.h"

enum { TXN_OPS_MAX = 200000 };

enum action { ACTION_NEW, ACTION_SET, ACTION_DEL };

struct op {
	enum object_kind kind;
	enum action action;
	union {
		struct switch_spec sw;
		struct pipe_spec pipe;
		struct port_spec port;
		object_name name; /* every spec begins with it */
	} spec;
	/* the object that is made, changed or deleted */
	union {
		struct vswitch *sw;
		struct vpipe *pipe;
		struct vport *port;
		void *object;
	};
	struct table_node node; /* NEW: in the table of its kind */
	bool nic_later; /* NEW ports: the device may be missing */
	bool linked, pinned; /* NEW ports; switches: done so far */
};

struct txn {
	uint64_t revision;
	struct op *ops;
	size_t n, size;
	/* while it is being committed */
	struct engine *engine;
	struct table made[3]; /* by kind: NEW ops */
	char *text;
};

static const char *const kind_names[] = {"switch", "pipe", "port"};

static const struct {
	uint8_t cmd;
	uint8_t kind, action;
} commands[] = {
	{PTN_CMD_SWITCH_NEW, OBJECT_SWITCH, ACTION_NEW},
	{PTN_CMD_SWITCH_SET, OBJECT_SWITCH, ACTION_SET},
	{PTN_CMD_SWITCH_DEL, OBJECT_SWITCH, ACTION_DEL},
	{PTN_CMD_PIPE_NEW, OBJECT_PIPE, ACTION_NEW},
	{PTN_CMD_PIPE_DEL, OBJECT_PIPE, ACTION_DEL},
	{PTN_CMD_PORT_NEW, OBJECT_PORT, ACTION_NEW},
	{PTN_CMD_PORT_SET, OBJECT_PORT, ACTION_SET},
	{PTN_CMD_PORT_DEL, OBJECT_PORT, ACTION_DEL},
};

/* Writing down. */

struct txn *txn_new(uint64_t revision)
{
	struct txn *t = calloc(1, sizeof(*t));

	if (t)
		t->revision = revision;
	return t;
}

void txn_free(struct txn *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->n; i++)
		if (t->ops[i].kind == OBJECT_SWITCH)
			switch_spec_fini(&t->ops[i].spec.sw);
	free(t->ops);
	free(t);
}

static int check_spec(const struct op *op, const struct message *m, char *text)
{
	const char *name = op->kind == OBJECT_SWITCH ? m->sw.name
			   : op->kind == OBJECT_PIPE ? m->pipe.name
						     : m->port.name;

	if (op->action == ACTION_DEL) {
		if (name[0])
			return 0;
		snprintf(text, MESSAGE_TEXT, "a %s without a name",
			 kind_names[op->kind]);
		return -EINVAL;
	}
	switch (op->kind) {
	case OBJECT_SWITCH:
		return check_switch(&m->sw, text, MESSAGE_TEXT);
	case OBJECT_PIPE:
		return check_pipe(&m->pipe, text, MESSAGE_TEXT);
	case OBJECT_PORT:
		return check_port(&m->port, text, MESSAGE_TEXT);
	}
	return -EINVAL;
}

static void take_spec(struct op *op, struct message *m)
{
	switch (op->kind) {
	case OBJECT_SWITCH:
		op->spec.sw = m->sw;
		m->sw.statics = NULL;
		m->sw.n_statics = 0;
		break;
	case OBJECT_PIPE:
		op->spec.pipe = m->pipe;
		break;
	case OBJECT_PORT:
		op->spec.port = m->port;
		op->spec.port.nic_later = false; /* it is not what a port is */
		op->nic_later = m->port.nic_later;
		break;
	}
}

static int grow(struct txn *t, char *text)
{
	size_t size = t->size ? 2 * t->size : 16;
	struct op *ops;

	if (t->n < t->size)
		return 0;
	if (t->n >= TXN_OPS_MAX) {
		snprintf(text, MESSAGE_TEXT,
			 "more than %d changes in one transaction",
			 TXN_OPS_MAX);
		return -E2BIG;
	}
	ops = reallocarray(t->ops, size, sizeof(*ops));
	if (!ops) {
		snprintf(text, MESSAGE_TEXT, "no memory");
		return -ENOMEM;
	}
	t->ops = ops;
	t->size = size;
	return 0;
}

int txn_add(struct txn *t, struct message *m, char *text)
{
	struct op op = {0};
	int err;

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		if (commands[i].cmd != m->cmd)
			continue;
		op.kind = commands[i].kind;
		op.action = commands[i].action;
	}
	err = check_spec(&op, m, text);
	if (!err)
		err = grow(t, text);
	if (err)
		return err;
	take_spec(&op, m);
	t->ops[t->n++] = op;
	return 0;
}

/* Checking. */

__attribute__((format(printf, 4, 5))) static int
refuse(struct txn *t, const struct op *op, int err, const char *format, ...)
{
	va_list ap;
	int n = snprintf(t->text, MESSAGE_TEXT, "%s %s: ", kind_names[op->kind],
			 op->spec.name);

	if (n < 0 || n >= MESSAGE_TEXT)
		return err;
	va_start(ap, format);
	vsnprintf(t->text + n, MESSAGE_TEXT - (size_t)n, format, ap);
	va_end(ap);
	return err;
}

/* What is there and stays, or NULL. */
static void *find_live(struct engine *e, enum object_kind kind,
		       const char *name)
{
	struct vswitch *s;
	struct vpipe *pi;
	struct vport *po;

	switch (kind) {
	case OBJECT_SWITCH:
		s = engine_switch(e, name);
		return s && !s->leaving ? s : NULL;
	case OBJECT_PIPE:
		pi = engine_pipe(e, name);
		return pi && !pi->leaving ? pi : NULL;
	case OBJECT_PORT:
		po = engine_port(e, name);
		return po && !po->leaving ? po : NULL;
	}
	return NULL;
}

static struct op *find_made(struct txn *t, enum object_kind kind,
			    const char *name)
{
	struct table_node *n = table_find(&t->made[kind], name);

	return n ? loop_owner(n, struct op, node) : NULL;
}

/* What will be there, made or live. */
static void *find(struct txn *t, enum object_kind kind, const char *name)
{
	struct op *op = find_made(t, kind, name);

	return op ? op->object : find_live(t->engine, kind, name);
}

static void set_leaving(struct op *op, bool leaving)
{
	switch (op->kind) {
	case OBJECT_SWITCH:
		op->sw->leaving = leaving;
		break;
	case OBJECT_PIPE:
		op->pipe->leaving = leaving;
		break;
	case OBJECT_PORT:
		op->port->leaving = leaving;
		break;
	}
}

static bool *changing(struct op *op)
{
	return op->kind == OBJECT_SWITCH ? &op->sw->changing
	       : op->kind == OBJECT_PORT ? &op->port->changing
					 : NULL;
}

static int check_name_new(struct txn *t, struct op *op)
{
	int err;

	if (find_live(t->engine, op->kind, op->spec.name))
		return refuse(t, op, -EEXIST, "is there already");
	if (find_made(t, op->kind, op->spec.name))
		return refuse(t, op, -EEXIST, "is made twice");
	err = table_reserve(&t->made[op->kind], 1);
	if (err)
		return refuse(t, op, err, "no memory");
	table_add(&t->made[op->kind], &op->node, op->spec.name);
	return 0;
}

static int check_name_old(struct txn *t, struct op *op)
{
	if (find_made(t, op->kind, op->spec.name))
		return refuse(t, op, -EINVAL,
			      "is made and changed in one transaction");
	op->object = find_live(t->engine, op->kind, op->spec.name);
	if (!op->object)
		return refuse(t, op, -ENOENT, "is not there");
	if (changing(op) && *changing(op))
		return refuse(t, op, -EINVAL,
			      "is changed twice in one transaction");
	if (op->action == ACTION_DEL)
		set_leaving(op, true);
	else if (changing(op))
		*changing(op) = true;
	return 0;
}

static int check_names(struct txn *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct op *op = &t->ops[i];
		int err = op->action == ACTION_NEW ? check_name_new(t, op)
						   : check_name_old(t, op);

		if (err)
			return err;
	}
	return 0;
}

static int make(struct txn *t, struct op *op)
{
	int err = 0;

	if (op->action != ACTION_NEW)
		return 0;
	switch (op->kind) {
	case OBJECT_SWITCH:
		err = vswitch_new(&op->sw, &op->spec.sw);
		break;
	case OBJECT_PIPE:
		err = vpipe_new(&op->pipe, &op->spec.pipe);
		break;
	case OBJECT_PORT:
		err = vport_new(&op->port, t->engine, &op->spec.port);
		break;
	}
	return err ? refuse(t, op, err, "cannot be made: %s", strerror(-err))
		   : 0;
}

static int check_end(struct txn *t, struct op *op, struct vpipe *pipe)
{
	const struct port_spec *s = &op->spec.port;
	const struct vport *there = pipe->ends[s->end];

	if (there && !there->leaving)
		return refuse(t, op, -EBUSY, "end %c of pipe %s is port %s",
			      'a' + s->end, s->on_pipe, there->spec.name);
	if (pipe->claims[s->end])
		return refuse(t, op, -EBUSY, "end %c of pipe %s is port %s",
			      'a' + s->end, s->on_pipe,
			      pipe->claims[s->end]->spec.name);
	if (s->domain[0] && strcmp(s->domain, pipe->spec.domain) != 0)
		return refuse(t, op, -EINVAL,
			      "domain %s, but pipe %s is of domain %s",
			      s->domain, s->on_pipe, pipe->spec.domain);
	pipe->claims[s->end] = op->port;
	return 0;
}

/* Who else has the device of a port that is made. */
static const struct vport *owner_of(struct txn *t, const struct vport *of)
{
	const struct table *live = &t->engine->ports;
	struct table_node *n;

	for (n = table_next(live, NULL); n; n = table_next(live, n)) {
		const struct vport *p = loop_owner(n, struct vport, node);

		if (!p->leaving && p->nic && nic_is_same(p->nic, of->nic))
			return p;
	}
	for (size_t i = 0; i < t->n; i++) {
		const struct op *op = &t->ops[i];

		if (op->kind == OBJECT_PORT && op->action == ACTION_NEW &&
		    op->port != of && op->port->nic &&
		    nic_is_same(op->port->nic, of->nic))
			return op->port;
	}
	return NULL;
}

static int check_device(struct txn *t, struct op *op)
{
	const char *device = op->spec.port.device;
	const struct vport *p = owner_of(t, op->port);
	char text[MESSAGE_TEXT];
	int err;

	if (p)
		return refuse(t, op, -EBUSY,
			      "network device %s is port %s already", device,
			      p->spec.name);
	err = nic_check(device,
			vport_is_uplink(op->port) ? op->port->buf_size : 0,
			text, sizeof(text));
	if (!err)
		return 0;
	if (!op->nic_later)
		return refuse(t, op, err, "%s", text);
	log_warn("port %s: %s", op->port->spec.name, text);
	return 0;
}

static int check_new_port(struct txn *t, struct op *op)
{
	const struct port_spec *s = &op->spec.port;

	if (s->device[0]) {
		int err = check_device(t, op);

		if (err || !s->on_switch[0])
			return err;
	}
	if (s->on_switch[0]) {
		op->port->sw = find(t, OBJECT_SWITCH, s->on_switch);
		return op->port->sw
			       ? 0
			       : refuse(t, op, -ENOENT,
					"switch %s is not there", s->on_switch);
	}
	op->port->pipe = find(t, OBJECT_PIPE, s->on_pipe);
	if (!op->port->pipe)
		return refuse(t, op, -ENOENT, "pipe %s is not there",
			      s->on_pipe);
	return check_end(t, op, op->port->pipe);
}

/* In place only the owner changes: all else is in the client's memory. */
static int check_set_port(struct txn *t, struct op *op)
{
	struct port_spec old = op->port->spec;

	memcpy(old.owner, op->spec.port.owner, sizeof(old.owner));
	if (port_spec_equal(&old, &op->spec.port))
		return 0;
	return refuse(t, op, -EINVAL,
		      "only its topology can be changed in place");
}

static int check_set_switch(struct txn *t, struct op *op)
{
	if (op->sw->spec.fdb_size != op->spec.sw.fdb_size)
		return refuse(t, op, -EINVAL,
			      "the table's size cannot be changed in place");
	return 0;
}

static int check_left(struct txn *t, struct op *op)
{
	if (op->kind == OBJECT_SWITCH && op->sw->ports != op->sw->leaving_ports)
		return refuse(t, op, -EBUSY, "%u ports are still on it",
			      op->sw->ports - op->sw->leaving_ports);
	for (int i = 0; op->kind == OBJECT_PIPE && i < 2; i++)
		if (op->pipe->ends[i] && !op->pipe->ends[i]->leaving)
			return refuse(t, op, -EBUSY, "port %s is still on it",
				      op->pipe->ends[i]->spec.name);
	return 0;
}

static const struct switch_spec *statics_of(const struct op *op)
{
	return op->action == ACTION_NEW ? &op->sw->spec : &op->spec.sw;
}

static int check_statics(struct txn *t, struct op *op)
{
	const struct switch_spec *s = statics_of(op);

	for (size_t i = 0; i < s->n_statics; i++) {
		const char *name = s->statics[i].port;
		const struct vport *p = find(t, OBJECT_PORT, name);

		if (!p)
			return refuse(t, op, -ENOENT,
				      "a static entry is for port %s, which is "
				      "not there",
				      name);
		if (p->sw != op->sw)
			return refuse(t, op, -EINVAL,
				      "a static entry is for port %s, which is "
				      "not on it",
				      name);
	}
	return 0;
}

/* A port that goes must not be in a table that stays, unless it comes back. */
static int check_pinned(struct txn *t, struct op *op)
{
	const struct vswitch *s = op->port->sw;
	const struct op *again;

	if (!s || s->leaving || s->changing)
		return 0;
	again = find_made(t, OBJECT_PORT, op->spec.name);
	for (size_t i = 0; i < s->spec.n_statics; i++) {
		if (strcmp(s->spec.statics[i].port, op->spec.name) != 0)
			continue;
		if (!again || again->port->sw != s)
			return refuse(t, op, -EBUSY,
				      "switch %s has a static entry for it",
				      s->spec.name);
	}
	return 0;
}

static int check_op(struct txn *t, struct op *op)
{
	if (op->kind == OBJECT_PORT && op->action == ACTION_NEW)
		return check_new_port(t, op);
	if (op->kind == OBJECT_PORT && op->action == ACTION_SET)
		return check_set_port(t, op);
	if (op->kind == OBJECT_SWITCH && op->action == ACTION_SET)
		return check_set_switch(t, op);
	if (op->kind == OBJECT_PORT && op->port->sw)
		op->port->sw->leaving_ports++;
	return 0;
}

/* What needs the whole picture. */
static int check_whole(struct txn *t, struct op *op)
{
	if (op->action == ACTION_DEL)
		return op->kind == OBJECT_PORT ? check_pinned(t, op)
					       : check_left(t, op);
	return op->kind == OBJECT_SWITCH ? check_statics(t, op) : 0;
}

static int each(struct txn *t, int (*step)(struct txn *, struct op *))
{
	for (size_t i = 0; i < t->n; i++) {
		int err = step(t, &t->ops[i]);

		if (err)
			return err;
	}
	return 0;
}

/* Preparing: sockets, places on switches, static entries. */

static int listen_error(struct txn *t, struct op *op, int err)
{
	if (err == -EMFILE || err == -ENFILE)
		return refuse(t, op, err,
			      "no descriptor is left for its socket: %u "
			      "sockets of %u descriptors; raise the limit of "
			      "open files",
			      t->engine->n_listeners, t->engine->fds_max);
	if (err == -ENAMETOOLONG)
		return refuse(t, op, err,
			      "the path of its socket would be longer than "
			      "107 bytes; use a shorter run directory");
	return refuse(t, op, err, "no socket in %s/ports: %s",
		      t->engine->run_dir, strerror(-err));
}

/* What happened to it before the first one listens is seen here. */
static int watch_device(struct txn *t, struct op *op)
{
	int err = links_watch(t->engine);

	if (err)
		return refuse(t, op, err,
			      "nothing is heard of network devices: %s",
			      strerror(-err));
	nic_look(op->port->nic);
	return 0;
}

/* The one of its name that it replaces, if that has a socket to hand on. */
static struct vport *predecessor(const struct txn *t, const struct op *op)
{
	struct vport *old = engine_port(t->engine, op->spec.name);

	return old && !vport_is_uplink(old) ? old : NULL;
}

static int open_socket(struct txn *t, struct op *op)
{
	struct vport *old = predecessor(t, op);
	int err = 0;

	if (vport_is_uplink(op->port))
		return 0;
	if (old)
		vport_take_listener(op->port, old);
	else
		err = vport_listen(op->port);
	return err ? listen_error(t, op, err) : 0;
}

static int put_on_switch(struct txn *t, struct op *op)
{
	const struct vport *p = op->port;
	int err = ptn_vale_attach(p->sw->vale, p->core);

	if (err == -ENOSPC)
		return refuse(t, op, err, "switch %s is full: %d ports",
			      p->spec.on_switch, PTN_VALE_PORTS_MAX);
	if (err)
		return refuse(t, op, err, "cannot be put on switch %s: %s",
			      p->spec.on_switch, strerror(-err));
	op->linked = true;
	return 0;
}

static int open_uplink(struct txn *t, struct op *op)
{
	int err = uplink_new(op->port);

	if (err == -EPERM)
		return refuse(t, op, err,
			      "the engine may not open network device %s: it "
			      "needs CAP_NET_RAW and CAP_NET_ADMIN",
			      op->spec.port.device);
	return err ? refuse(t, op, err,
			    "network device %s cannot be opened: %s",
			    op->spec.port.device, strerror(-err))
		   : 0;
}

static int connect_new(struct txn *t, struct op *op)
{
	int err;

	if (op->kind != OBJECT_PORT || op->action != ACTION_NEW)
		return 0;
	err = open_socket(t, op);
	if (!err && op->port->nic)
		err = watch_device(t, op);
	if (!err && op->port->sw)
		err = put_on_switch(t, op);
	if (!err && vport_is_uplink(op->port))
		err = open_uplink(t, op);
	return err;
}

static int pin_all(struct txn *t, struct op *op, const struct switch_spec *s)
{
	for (size_t i = 0; i < s->n_statics; i++) {
		struct vport *p = find(t, OBJECT_PORT, s->statics[i].port);
		int err = ptn_vale_static(op->sw->vale, s->statics[i].mac,
					  p->core);

		if (err)
			return refuse(t, op, err,
				      "no room for the static entry of port "
				      "%s: a larger table may help",
				      s->statics[i].port);
	}
	return 0;
}

static void unpin_all(const struct vswitch *sw, const struct switch_spec *s)
{
	for (size_t i = 0; i < s->n_statics; i++)
		ptn_vale_static(sw->vale, s->statics[i].mac, NULL);
}

static int pin(struct txn *t, struct op *op)
{
	if (op->kind != OBJECT_SWITCH || op->action == ACTION_DEL)
		return 0;
	op->pinned = true;
	if (op->action == ACTION_SET)
		unpin_all(op->sw, &op->sw->spec);
	return pin_all(t, op, statics_of(op));
}

static int reserve(struct txn *t)
{
	struct engine *e = t->engine;

	if (table_reserve(&e->switches, t->made[OBJECT_SWITCH].count) ||
	    table_reserve(&e->pipes, t->made[OBJECT_PIPE].count) ||
	    table_reserve(&e->ports, t->made[OBJECT_PORT].count)) {
		snprintf(t->text, MESSAGE_TEXT, "no memory");
		return -ENOMEM;
	}
	return 0;
}

/* Undoing. */

/* The old entries had room a moment ago, and have it again. */
static void unpin(struct engine *e, struct op *op)
{
	const struct switch_spec *s = &op->sw->spec;

	unpin_all(op->sw, statics_of(op));
	for (size_t i = 0; op->action == ACTION_SET && i < s->n_statics; i++) {
		struct vport *p = engine_port(e, s->statics[i].port);

		if (p &&
		    ptn_vale_static(op->sw->vale, s->statics[i].mac, p->core))
			log_err("switch %s: a static entry of port %s is lost",
				s->name, p->spec.name);
	}
}

static void unmake_port(const struct txn *t, struct op *op)
{
	struct vport *old = predecessor(t, op);

	uplink_free(op->port->uplink);
	if (op->linked)
		ptn_vale_detach(op->port->core);
	if (old && op->port->listener)
		vport_take_listener(old, op->port);
	vport_free(op->port);
}

static void undo(struct txn *t)
{
	for (size_t i = t->n; i-- > 0;)
		if (t->ops[i].pinned)
			unpin(t->engine, &t->ops[i]);
	for (size_t i = t->n; i-- > 0;) {
		struct op *op = &t->ops[i];

		if (op->action == ACTION_NEW && op->object &&
		    op->kind == OBJECT_PORT)
			unmake_port(t, op);
	}
	for (size_t i = t->n; i-- > 0;) {
		struct op *op = &t->ops[i];

		if (op->action != ACTION_NEW || !op->object)
			continue;
		if (op->kind == OBJECT_SWITCH)
			vswitch_free(op->sw);
		else if (op->kind == OBJECT_PIPE)
			vpipe_free(op->pipe);
	}
}

/* Doing: nothing here can fail. */

static void delete_port(struct engine *e, struct vport *p)
{
	if (p->attach)
		attach_end(p->attach);
	table_remove(&e->ports, &p->node);
	uplink_free(p->uplink);
	if (p->sw) {
		ptn_vale_detach(p->core);
		p->sw->ports--;
		p->sw->leaving_ports = 0;
	}
	if (p->pipe) {
		ptn_pipe_detach(p->core);
		p->pipe->ends[p->spec.end] = NULL;
	}
	vport_free(p);
}

static void delete_switch(struct engine *e, struct vswitch *s)
{
	table_remove(&e->switches, &s->node);
	vswitch_free(s);
}

static void delete_pipe(struct engine *e, struct vpipe *p)
{
	table_remove(&e->pipes, &p->node);
	vpipe_free(p);
}

static void delete_kind(struct txn *t, enum object_kind kind)
{
	for (size_t i = 0; i < t->n; i++) {
		struct op *op = &t->ops[i];

		if (op->action != ACTION_DEL || op->kind != kind)
			continue;
		if (kind == OBJECT_PORT)
			delete_port(t->engine, op->port);
		else if (kind == OBJECT_PIPE)
			delete_pipe(t->engine, op->pipe);
		else
			delete_switch(t->engine, op->sw);
		op->object = NULL;
	}
}

static void publish(struct engine *e, struct op *op)
{
	struct vport *p;

	switch (op->kind) {
	case OBJECT_SWITCH:
		table_add(&e->switches, &op->sw->node, op->sw->spec.name);
		break;
	case OBJECT_PIPE:
		table_add(&e->pipes, &op->pipe->node, op->pipe->spec.name);
		break;
	case OBJECT_PORT:
		p = op->port;
		table_add(&e->ports, &p->node, p->spec.name);
		if (p->sw)
			p->sw->ports++;
		if (p->pipe) {
			ptn_pipe_attach(p->pipe->pipe, p->spec.end, p->core);
			p->pipe->ends[p->spec.end] = p;
		}
		if (p->uplink)
			uplink_start(p->uplink);
		if (p->nic && nic_is_lost(p->nic))
			links_went(p);
		break;
	}
}

static void change(struct op *op)
{
	struct switch_spec old;

	switch (op->kind) {
	case OBJECT_SWITCH:
		old = op->sw->spec;
		op->sw->spec = op->spec.sw;
		op->spec.sw = old; /* freed with the transaction */
		ptn_vale_set_ageing(op->sw->vale, op->sw->spec.ageing_ms);
		break;
	case OBJECT_PORT:
		op->port->spec = op->spec.port;
		break;
	case OBJECT_PIPE:
		break;
	}
}

/* Static entries of a port that was replaced went with the old one. */
static void repin(const struct op *op)
{
	const struct vswitch *s = op->port->sw;

	if (!s || s->changing)
		return;
	for (size_t i = 0; i < s->spec.n_statics; i++)
		if (!strcmp(s->spec.statics[i].port, op->port->spec.name) &&
		    ptn_vale_static(s->vale, s->spec.statics[i].mac,
				    op->port->core))
			log_err("switch %s: a static entry of port %s is lost",
				s->spec.name, op->port->spec.name);
}

static void do_all(struct txn *t)
{
	delete_kind(t, OBJECT_PORT);
	delete_kind(t, OBJECT_PIPE);
	delete_kind(t, OBJECT_SWITCH);
	for (size_t i = 0; i < t->n; i++) {
		struct op *op = &t->ops[i];

		if (op->action == ACTION_NEW)
			publish(t->engine, op);
		else if (op->action == ACTION_SET)
			change(op);
	}
	for (size_t i = 0; i < t->n; i++)
		if (t->ops[i].action == ACTION_NEW &&
		    t->ops[i].kind == OBJECT_PORT)
			repin(&t->ops[i]);
	adopt_all(t->engine);
	t->engine->revision = t->revision;
	engine_tick(t->engine);
}

/* Marks of the transaction on objects that are there afterwards. */
static void forget(struct txn *t)
{
	for (size_t i = 0; i < t->n; i++) {
		struct op *op = &t->ops[i];

		if (!op->object)
			continue;
		if (op->action == ACTION_DEL)
			set_leaving(op, false);
		if (changing(op))
			*changing(op) = false;
		/* the analyser takes a union's members for different pointers
		 * NOLINTBEGIN(clang-analyzer-core.NullDereference) */
		if (op->kind == OBJECT_SWITCH)
			op->sw->leaving_ports = 0;
		if (op->kind == OBJECT_PORT && op->port->sw)
			op->port->sw->leaving_ports = 0;
		if (op->kind == OBJECT_PORT && op->port->pipe)
			memset(op->port->pipe->claims, 0,
			       sizeof(op->port->pipe->claims));
		/* NOLINTEND(clang-analyzer-core.NullDereference) */
	}
	for (int k = 0; k < 3; k++)
		table_fini(&t->made[k]);
}

static int prepare(struct txn *t)
{
	int err = check_names(t);

	if (!err)
		err = each(t, make);
	if (!err)
		err = each(t, check_op);
	if (!err)
		err = each(t, check_whole);
	if (!err)
		err = reserve(t);
	if (!err)
		err = each(t, connect_new);
	return err ? err : each(t, pin);
}

int txn_commit(struct txn *t, struct engine *e, char *text)
{
	int err;

	t->engine = e;
	t->text = text;
	err = prepare(t);
	if (err) {
		forget(t);
		undo(t);
		return err;
	}
	do_all(t);
	forget(t);
	return 0;
}

void txn_clear(struct engine *e)
{
	struct table_node *n;

	while ((n = table_next(&e->ports, NULL)))
		delete_port(e, loop_owner(n, struct vport, node));
	while ((n = table_next(&e->pipes, NULL)))
		delete_pipe(e, loop_owner(n, struct vpipe, node));
	while ((n = table_next(&e->switches, NULL)))
		delete_switch(e, loop_owner(n, struct vswitch, node));
}
