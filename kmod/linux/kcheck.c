// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* Whether the changes of a transaction are possible, each and all of them. */
#include "kchange.h"

#include "kdomain.h"
#include "kname.h"
#include "knic.h"
#include "kpipe.h"
#include "kport.h"
#include "kswitch.h"

/* Names */

static struct kswitch *switch_named(const char *name)
{
	struct kswitch *s = kswitch_find(name, strlen(name));

	return s && !strcmp(s->name, name) ? s : NULL;
}

struct kport *kcheck_live_port(const char *name)
{
	struct kport *p = kport_find(name);

	return p && !strcmp(p->name, name) ? p : NULL;
}

/* What is there and stays, or NULL. */
static void *find_live(enum kspec_kind kind, const char *name)
{
	struct kswitch *s;
	struct kpipe *pipe;
	struct kport *port;

	switch (kind) {
	case KSPEC_SWITCH:
		s = switch_named(name);
		return s && !s->leaving ? s : NULL;
	case KSPEC_PIPE:
		pipe = kpipe_find(name);
		return pipe && !pipe->leaving ? pipe : NULL;
	case KSPEC_PORT:
		port = kcheck_live_port(name);
		return port && !port->leaving ? port : NULL;
	}
	return NULL;
}

static bool is_foreign(enum kspec_kind kind, const void *object)
{
	switch (kind) {
	case KSPEC_SWITCH:
		return !((const struct kswitch *)object)->managed;
	case KSPEC_PIPE:
		return !((const struct kpipe *)object)->managed;
	case KSPEC_PORT:
		return ((const struct kport *)object)->origin != KPORT_MANAGED;
	}
	return false;
}

static struct hlist_head *bucket(const struct ktxn *t, const char *name)
{
	return &t->made[hash_32(kname_hash(name, strlen(name)), t->made_bits)];
}

static struct change *find_made(const struct ktxn *t, enum kspec_kind kind,
				const char *name)
{
	struct change *c;

	hlist_for_each_entry(c, bucket(t, name), by_name) {
		if (c->spec.kind == kind && !strcmp(c->spec.name, name))
			return c;
	}
	return NULL;
}

/* What will be there, made or live: never what a program made. */
static void *find(const struct ktxn *t, enum kspec_kind kind, const char *name)
{
	const struct change *c = find_made(t, kind, name);
	void *object = c ? c->object : find_live(kind, name);

	return object && !c && is_foreign(kind, object) ? NULL : object;
}

static void mark_leaving(struct change *c, bool leaving)
{
	switch (c->spec.kind) {
	case KSPEC_SWITCH:
		c->sw->leaving = leaving;
		break;
	case KSPEC_PIPE:
		c->pipe->leaving = leaving;
		break;
	case KSPEC_PORT:
		c->port->leaving = leaving;
		break;
	}
}

static bool *changing(struct change *c)
{
	return c->spec.kind == KSPEC_SWITCH ? &c->sw->changing
	       : c->spec.kind == KSPEC_PORT ? &c->port->changing
					    : NULL;
}

/* Programs say "vale0:x", and mean the switch vale0 or the managed switch 0. */
static int check_alias(struct ktxn *t, struct change *c)
{
	const char *name = c->spec.name;
	char alias[PTN_NAME_MAX];

	if (!strncmp(name, "vale", 4) && name[4])
		strscpy(alias, name + 4, sizeof(alias));
	else if (snprintf(alias, sizeof(alias), "vale%s", name) >=
		 sizeof(alias))
		return 0;
	if (find_live(KSPEC_SWITCH, alias) || find_made(t, KSPEC_SWITCH, alias))
		return refuse(t, c, -EEXIST,
			      "programs know switch %s by the same name",
			      alias);
	return 0;
}

static int check_name_new(struct ktxn *t, struct change *c)
{
	const void *there = find_live(c->spec.kind, c->spec.name);

	if (there && is_foreign(c->spec.kind, there))
		return refuse(t, c, -EEXIST,
			      "is there already, a program made it");
	if (there)
		return refuse(t, c, -EEXIST, "is there already");
	if (find_made(t, c->spec.kind, c->spec.name))
		return refuse(t, c, -EEXIST, "is made twice");
	if (c->spec.kind == KSPEC_SWITCH) {
		int err = check_alias(t, c);

		if (err)
			return err;
	}
	hlist_add_head(&c->by_name, bucket(t, c->spec.name));
	return 0;
}

static int check_name_old(struct ktxn *t, struct change *c)
{
	void *object;

	if (find_made(t, c->spec.kind, c->spec.name))
		return refuse(t, c, -EINVAL,
			      "is made and changed in one transaction");
	object = find_live(c->spec.kind, c->spec.name);
	if (!object)
		return refuse(t, c, -ENOENT, "is not there");
	if (is_foreign(c->spec.kind, object))
		return refuse(t, c, -EPERM,
			      "a program made it, and only that can change it");
	c->object = object;
	if (changing(c) && *changing(c)) {
		c->object = NULL; /* marked by the other change */
		return refuse(t, c, -EINVAL,
			      "is changed twice in one transaction");
	}
	if (c->action == KACTION_DEL)
		mark_leaving(c, true);
	else if (changing(c))
		*changing(c) = true;
	return 0;
}

int kcheck_name(struct ktxn *t, struct change *c)
{
	return c->action == KACTION_NEW ? check_name_new(t, c)
					: check_name_old(t, c);
}

/* Places */

/* By the name that programs will use for it they may have something else. */
static int check_open_name(struct ktxn *t, struct change *c, const char *format,
			   const char *a, const char *b)
{
	char name[2 * PTN_NAME_MAX];
	const struct kport *p;

	snprintf(name, sizeof(name), format, a, b);
	p = kcheck_live_port(name);
	if (!p || p->leaving)
		return 0;
	return refuse(t, c, -EEXIST,
		      "a program made port %s, which is its name to programs",
		      name);
}

static int check_end(struct ktxn *t, struct change *c, struct kpipe *pipe)
{
	const struct kspec_port *w = &c->spec.port;
	const struct kport *there = pipe->end[w->end];

	if (there && there->leaving)
		there = NULL;
	if (!there)
		there = pipe->claim[w->end];
	if (there)
		return refuse(t, c, -EBUSY, "end %c of pipe %s is port %s",
			      'a' + w->end, w->on_pipe, there->name);
	if (w->domain[0] && strcmp(w->domain, pipe->domain))
		return refuse(t, c, -EINVAL,
			      "domain %s, but pipe %s is of domain %s",
			      w->domain, w->on_pipe, pipe->domain);
	pipe->claim[w->end] = c->port;
	return check_open_name(t, c, "%s%s", w->on_pipe, w->end ? "}0" : "{0");
}

static int check_new_port(struct ktxn *t, struct change *c)
{
	const struct kspec_port *w = &c->spec.port;
	const char *domain = w->domain;
	int err = 0;

	if (w->on_switch[0]) {
		c->on_switch = find(t, KSPEC_SWITCH, w->on_switch);
		if (!c->on_switch)
			return refuse(t, c, -ENOENT, "switch %s is not there",
				      w->on_switch);
		err = check_open_name(t, c, "%s:%s", w->on_switch, w->name);
		if (!err)
			err = check_open_name(t, c, "vale%s:%s", w->on_switch,
					      w->name);
	} else if (w->on_pipe[0]) {
		c->on_pipe = find(t, KSPEC_PIPE, w->on_pipe);
		if (!c->on_pipe)
			return refuse(t, c, -ENOENT, "pipe %s is not there",
				      w->on_pipe);
		domain = c->on_pipe->domain;
		err = check_end(t, c, c->on_pipe);
	}
	if (!err && domain[0]) {
		err = kdomain_join(c->port, domain);
		if (err)
			refuse(t, c, err, "no memory");
	}
	return err;
}

/* In place only the owner changes: all else is in the program's memory. */
static bool same_port(const struct kport *p, const struct kspec_port *w)
{
	return p->kind == w->kind && p->declared.queues == w->queues &&
	       p->declared.slots == w->slots &&
	       p->declared.buf_size == w->buf_size &&
	       p->params.extra_bufs == w->extra_bufs &&
	       p->huge_pages == w->huge_pages && p->offload == w->offload &&
	       p->has_mac == w->has_mac && p->host_stack == w->host_stack &&
	       !strcmp(p->device, w->device) &&
	       !memcmp(p->mac, w->mac, sizeof(p->mac)) &&
	       !strcmp(p->domain, w->domain) &&
	       !strcmp(p->declared.sw, w->on_switch) &&
	       !strcmp(p->pipe ? p->pipe->name : "", w->on_pipe) &&
	       (!p->pipe || p->end == w->end);
}

static int check_set_switch(struct ktxn *t, struct change *c)
{
	if (c->sw->fdb_size != c->spec.sw.fdb_size)
		return refuse(t, c, -EINVAL,
			      "the table's size cannot be changed in place");
	return 0;
}

/* A device's port may have one of the host's stack beside it. */
static void count_leaving(struct change *c)
{
	const struct kport *host = knic_host(c->port);

	c->on_switch = c->port->sw;
	if (!c->on_switch)
		return;
	c->on_switch->leaving_ports++;
	if (host && host->sw == c->on_switch)
		c->on_switch->leaving_ports++;
}

int kcheck_place(struct ktxn *t, struct change *c)
{
	if (c->spec.kind == KSPEC_SWITCH)
		return c->action == KACTION_SET ? check_set_switch(t, c) : 0;
	if (c->spec.kind == KSPEC_PIPE)
		return c->action == KACTION_SET
			       ? refuse(t, c, -EINVAL, "cannot be changed")
			       : 0;
	if (c->action == KACTION_NEW)
		return check_new_port(t, c);
	if (c->action == KACTION_DEL)
		count_leaving(c);
	if (c->action == KACTION_SET && !same_port(c->port, &c->spec.port))
		return refuse(t, c, -EINVAL,
			      "only its topology can be changed in place");
	return 0;
}

/* The whole picture */

static int check_left(struct ktxn *t, struct change *c)
{
	const struct kport *p = NULL;

	if (c->spec.kind == KSPEC_PIPE)
		for (int i = 0; i < 2 && (!p || p->leaving); i++)
			p = c->pipe->end[i];
	if (c->spec.kind == KSPEC_PIPE)
		return !p || p->leaving
			       ? 0
			       : refuse(t, c, -EBUSY, "port %s is still on it",
					p->name);
	if (c->sw->n_ports == c->sw->leaving_ports)
		return 0;
	list_for_each_entry(p, &c->sw->ports, on_switch) {
		if (!p->leaving)
			break;
	}
	return refuse(t, c, -EBUSY, "%u ports are still on it: %s%s",
		      c->sw->n_ports - c->sw->leaving_ports, p->name,
		      p->origin == KPORT_MANAGED ? "" : ", of a program");
}

const struct kport *kcheck_port(const struct ktxn *t, const char *name,
				const struct kswitch **on)
{
	const struct change *c = find_made(t, KSPEC_PORT, name);
	const struct kport *p = c ? c->port : find(t, KSPEC_PORT, name);

	if (c)
		*on = c->on_switch;
	else if (p)
		*on = knic_lacks(p) ? switch_named(p->declared.sw) : p->sw;
	else
		*on = NULL;
	return p;
}

const struct kstatic *kcheck_statics(const struct change *c, u32 *n)
{
	*n = c->action == KACTION_NEW ? c->sw->n_statics : c->spec.sw.n_statics;
	return c->action == KACTION_NEW ? c->sw->statics : c->spec.sw.statics;
}

static int check_statics(struct ktxn *t, struct change *c)
{
	u32 n;
	const struct kstatic *s = kcheck_statics(c, &n);

	for (u32 i = 0; i < n; i++) {
		const struct kswitch *on;

		if (!kcheck_port(t, s[i].port, &on))
			return refuse(
				t, c, -ENOENT,
				"a static entry is for port %s: not there",
				s[i].port);
		if (on != c->sw)
			return refuse(
				t, c, -EINVAL,
				"a static entry is for port %s: not on it",
				s[i].port);
	}
	return 0;
}

/* A port that goes must not be in a table that stays, unless it comes back. */
static int check_pinned(struct ktxn *t, struct change *c)
{
	const struct kswitch *s = c->port->sw;
	const struct change *again;

	if (!s || s->leaving || s->changing)
		return 0;
	again = find_made(t, KSPEC_PORT, c->spec.name);
	if (again && again->on_switch == s)
		return 0;
	for (u32 i = 0; i < s->n_statics; i++)
		if (!strcmp(s->statics[i].port, c->spec.name))
			return refuse(t, c, -EBUSY,
				      "switch %s has a static entry for it",
				      s->name);
	return 0;
}

int kcheck_whole(struct ktxn *t, struct change *c)
{
	if (c->action == KACTION_DEL)
		return c->spec.kind == KSPEC_PORT ? check_pinned(t, c)
						  : check_left(t, c);
	return c->spec.kind == KSPEC_SWITCH ? check_statics(t, c) : 0;
}

/* Marks of the transaction on objects that are there afterwards. */
void kcheck_forget(struct ktxn *t)
{
	struct change *c;

	list_for_each_entry(c, &t->changes, node) {
		if (c->on_pipe)
			memset(c->on_pipe->claim, 0, sizeof(c->on_pipe->claim));
		if (!c->object)
			continue;
		if (c->action == KACTION_DEL)
			mark_leaving(c, false);
		if (changing(c))
			*changing(c) = false;
		if (c->spec.kind == KSPEC_SWITCH)
			c->sw->leaving_ports = 0;
		if (c->on_switch)
			c->on_switch->leaving_ports = 0;
	}
}
