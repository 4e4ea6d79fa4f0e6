// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "ktxn.h"

#include <linux/module.h>
#include <linux/slab.h>

#include "kbind.h"
#include "kctl.h"
#include "kdomain.h"
#include "kevent.h"
#include "kname.h"
#include "knic.h"
#include "kpipe.h"
#include "kport.h"
#include "kswitch.h"
#include "kwhy.h"

/* What people may have written down, in all transactions, and in one. */
#define ALL_BYTES_MAX (128l << 20)
#define TXN_BYTES_MAX (64l << 20)

struct change {
	struct list_head node; /* in ktxn.changes */
	enum kaction action;
	struct kspec spec;
	/* the object that is made, changed or deleted */
	union {
		struct kswitch *sw;
		struct kpipe *pipe;
		struct kport *port;
		void *object;
	};
	/* ports: where it will be, or was */
	struct kswitch *on_switch;
	struct kpipe *on_pipe;
	/* NEW: a port that goes had the device, and was on a switch */
	struct kport *old;
	struct kswitch *old_switch;
	bool old_host;
	struct hlist_node by_name; /* NEW: in ktxn.made */
	bool pinned; /* switches: static entries are in its table */
};

struct ktxn {
	u64 revision;
	struct list_head changes;
	long bytes;
	u32 n_new, n_deleted;
	/* while it is being committed */
	struct hlist_head *made;
	u32 made_bits;
	char *text;
};

u64 ktxn_revision, ktxn_instance;

static u32 managed; /* objects; while there are any the module stays */
static atomic_long_t all_bytes;

void ktxn_module_init(void)
{
	get_random_bytes(&ktxn_instance, sizeof(ktxn_instance));
	ktxn_instance |= 1; /* never 0 */
}

/* Writing down */

struct ktxn *ktxn_new(u64 revision)
{
	struct ktxn *t = kzalloc(sizeof(*t), GFP_KERNEL_ACCOUNT);

	if (!t)
		return NULL;
	t->revision = revision;
	INIT_LIST_HEAD(&t->changes);
	return t;
}

void ktxn_free(struct ktxn *t)
{
	struct change *c, *next;

	if (!t)
		return;
	list_for_each_entry_safe(c, next, &t->changes, node) {
		kspec_fini(&c->spec);
		kfree(c);
		cond_resched();
	}
	atomic_long_sub(t->bytes, &all_bytes);
	kfree(t);
}

static bool has_room(const struct ktxn *t, long bytes)
{
	if (t->bytes + bytes > TXN_BYTES_MAX)
		return false;
	if (atomic_long_add_return(bytes, &all_bytes) <= ALL_BYTES_MAX)
		return true;
	atomic_long_sub(bytes, &all_bytes);
	return false;
}

int ktxn_add(struct ktxn *t, enum kaction action, struct kspec *spec,
	     char *text)
{
	const long bytes = sizeof(struct change) + kspec_bytes(spec);
	struct change *c;
	int err;

	if (action == KACTION_DEL && !spec->name[0])
		return kspec_refuse(spec, text, -EINVAL, "no name");
	err = action == KACTION_DEL ? 0 : kspec_check(spec, text);
	if (err)
		return err;
	if (!has_room(t, bytes))
		return kspec_refuse(spec, text, -E2BIG,
				    "too many changes in one transaction");
	c = kzalloc(sizeof(*c), GFP_KERNEL_ACCOUNT);
	if (!c) {
		atomic_long_sub(bytes, &all_bytes);
		return kspec_refuse(spec, text, -ENOMEM, "no memory");
	}
	t->bytes += bytes;
	t->n_new += action == KACTION_NEW;
	t->n_deleted += action == KACTION_DEL;
	c->action = action;
	c->spec = *spec;
	if (spec->kind == KSPEC_SWITCH)
		spec->sw.statics = NULL;
	list_add_tail(&c->node, &t->changes);
	return 0;
}

/* Names */

#define refuse(t, c, err, ...)                                                 \
	kspec_refuse(&(c)->spec, (t)->text, err, __VA_ARGS__)

/* Devices say more than a number. */
static int refuse_why(struct ktxn *t, const struct change *c, int err,
		      const char *what)
{
	if (*kwhy_last())
		return refuse(t, c, err, "%s", kwhy_last());
	return refuse(t, c, err, "%s: %s", what,
		      err == -ENOMEM ? "no memory" : "it is refused");
}

static struct kswitch *switch_named(const char *name)
{
	struct kswitch *s = kswitch_find(name, strlen(name));

	return s && !strcmp(s->name, name) ? s : NULL;
}

static struct kport *port_named(const char *name)
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
		port = port_named(name);
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

static int check_name(struct ktxn *t, struct change *c)
{
	return c->action == KACTION_NEW ? check_name_new(t, c)
					: check_name_old(t, c);
}

/* Making: nobody finds these yet. */

static int make_switch(struct change *c)
{
	struct kspec_switch *w = &c->spec.sw;
	int err = kswitch_new(&c->sw, w->name, w->fdb_size, w->ageing_ms);

	if (err)
		return err;
	c->sw->managed = true;
	memcpy(c->sw->owner, w->owner, sizeof(w->owner));
	swap(c->sw->statics, w->statics);
	swap(c->sw->n_statics, w->n_statics);
	return 0;
}

static int make_pipe(struct change *c)
{
	const struct kspec_pipe *w = &c->spec.pipe;
	int err = kpipe_new(&c->pipe, w->name);

	if (err)
		return err;
	c->pipe->managed = true;
	memcpy(c->pipe->owner, w->owner, sizeof(w->owner));
	memcpy(c->pipe->domain, w->domain, sizeof(w->domain));
	return 0;
}

static void set_port(struct kport *p, const struct kspec_port *w)
{
	p->kind = w->kind;
	p->declared.queues = w->queues;
	p->declared.slots = w->slots;
	p->declared.buf_size = w->buf_size;
	memcpy(p->declared.sw, w->on_switch, sizeof(p->declared.sw));
	if (w->buf_size)
		p->buf_size = w->buf_size;
	p->huge_pages = w->huge_pages;
	p->offload = w->offload;
	p->host_stack = w->host_stack;
	p->has_mac = w->has_mac;
	memcpy(p->mac, w->mac, sizeof(p->mac));
	memcpy(p->owner, w->owner, sizeof(p->owner));
	memcpy(p->domain, w->domain, sizeof(p->domain));
	memcpy(p->device, w->device, sizeof(p->device));
}

static int make_port(struct change *c)
{
	const struct kspec_port *w = &c->spec.port;
	const struct ptn_port_params params = {
		.name = w->name,
		.queues = w->queues,
		.slots = w->slots,
		.extra_bufs = w->extra_bufs,
	};
	int err = w->device[0] ? knic_new(&c->port, &params, w->device)
			       : kport_new(&c->port, &params,
					   w->kind == PTN_PORT_VM ? &kbind_ops
								  : NULL);

	if (err)
		return err;
	c->port->origin = KPORT_MANAGED;
	set_port(c->port, w);
	return 0;
}

static int make(struct ktxn *t, struct change *c)
{
	static int (*const makers[])(struct change * c) = {
		[KSPEC_SWITCH] = make_switch,
		[KSPEC_PIPE] = make_pipe,
		[KSPEC_PORT] = make_port,
	};
	int err;

	if (c->action != KACTION_NEW)
		return 0;
	kwhy_forget();
	err = makers[c->spec.kind](c);
	return err ? refuse_why(t, c, err, "cannot be made") : 0;
}

/* Places */

/* By the name that programs will use for it they may have something else. */
static int check_open_name(struct ktxn *t, struct change *c, const char *format,
			   const char *a, const char *b)
{
	char name[2 * PTN_NAME_MAX];
	const struct kport *p;

	snprintf(name, sizeof(name), format, a, b);
	p = port_named(name);
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

static int check_place(struct ktxn *t, struct change *c)
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

static const struct kport *find_port(const struct ktxn *t, const char *name,
				     const struct kswitch **on)
{
	const struct change *c = find_made(t, KSPEC_PORT, name);
	const struct kport *p = c ? c->port : find(t, KSPEC_PORT, name);

	*on = c ? c->on_switch : p ? p->sw : NULL;
	return p;
}

static const struct kstatic *statics_of(const struct change *c, u32 *n)
{
	*n = c->action == KACTION_NEW ? c->sw->n_statics : c->spec.sw.n_statics;
	return c->action == KACTION_NEW ? c->sw->statics : c->spec.sw.statics;
}

static int check_statics(struct ktxn *t, struct change *c)
{
	u32 n;
	const struct kstatic *s = statics_of(c, &n);

	for (u32 i = 0; i < n; i++) {
		const struct kswitch *on;

		if (!find_port(t, s[i].port, &on))
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

static int check_whole(struct ktxn *t, struct change *c)
{
	if (c->action == KACTION_DEL)
		return c->spec.kind == KSPEC_PORT ? check_pinned(t, c)
						  : check_left(t, c);
	return c->spec.kind == KSPEC_SWITCH ? check_statics(t, c) : 0;
}

/* Preparing */

/* The device of a port that goes is taken from it: what can be undone. */
static int take_device(struct ktxn *t, struct change *c)
{
	struct kport *old = knic_find(c->spec.port.device);
	struct kswitch *sw = old ? old->sw : NULL;
	const bool host = old && knic_host(old);
	int err;

	if (!old || old == c->port)
		return 0;
	if (!sw)
		return old->opens
			       ? refuse(t, c, -EBUSY,
					"process %d has its device open as port %s",
					old->pid, old->name)
			       : 0;
	err = knic_detach(old);
	if (err)
		return refuse_why(t, c, err, "its device is in use");
	c->old = old;
	c->old_switch = sw;
	c->old_host = host;
	return 0;
}

static int connect(struct ktxn *t, struct change *c)
{
	int err = 0;

	if (c->action != KACTION_NEW || !c->on_switch)
		return 0;
	kwhy_forget();
	if (c->spec.port.device[0])
		err = take_device(t, c);
	if (err)
		return err;
	if (c->spec.port.device[0])
		err = knic_attach(c->port, c->on_switch,
				  c->spec.port.host_stack);
	else
		err = kswitch_attach(c->on_switch, c->port);
	if (err == -ENOSPC)
		return refuse(t, c, err, "switch %s is full: %d ports",
			      c->on_switch->name, PTN_VALE_PORTS_MAX);
	return err ? refuse_why(t, c, err, "cannot be put on its switch") : 0;
}

static void unpin_all(struct kswitch *s, const struct kstatic *e, u32 n)
{
	for (u32 i = 0; i < n; i++)
		ptn_vale_static(s->vale, e[i].mac, NULL);
}

static int pin(struct ktxn *t, struct change *c)
{
	const struct kstatic *s;
	u32 n;

	if (c->spec.kind != KSPEC_SWITCH || c->action == KACTION_DEL)
		return 0;
	c->pinned = true;
	if (c->action == KACTION_SET)
		unpin_all(c->sw, c->sw->statics, c->sw->n_statics);
	s = statics_of(c, &n);
	for (u32 i = 0; i < n; i++) {
		const struct kswitch *on;
		const struct kport *p = find_port(t, s[i].port, &on);

		if (ptn_vale_static(c->sw->vale, s[i].mac, p->core))
			return refuse(t, c, -ENOSPC,
				      "no room for a static entry of port %s",
				      s[i].port);
	}
	return 0;
}

static void lost_static(const struct kswitch *s, const char *port)
{
	pr_err("ptnetmap: switch %s: a static entry of port %s is lost\n",
	       s->name, port);
}

/* The static entries of @s that are for one port, or (NULL) for any. */
static void repin(struct kswitch *s, const char *port)
{
	for (u32 i = 0; i < s->n_statics; i++) {
		const struct kstatic *e = &s->statics[i];
		const struct kport *p;

		if (port && strcmp(e->port, port))
			continue;
		p = port_named(e->port);
		if (!p || ptn_vale_static(s->vale, e->mac, p->core))
			lost_static(s, e->port);
	}
}

static void unpin(struct change *c)
{
	const struct kstatic *s;
	u32 n;

	s = statics_of(c, &n);
	unpin_all(c->sw, s, n);
	if (c->action == KACTION_SET)
		repin(c->sw, NULL);
}

static void give_back_device(struct change *c)
{
	if (knic_attach(c->old, c->old_switch, c->old_host))
		pr_err("ptnetmap: port %s has lost its device: apply again\n",
		       c->old->name);
	else
		repin(c->old_switch, c->old->name);
}

static void undo(struct ktxn *t)
{
	struct change *c;

	list_for_each_entry_reverse(c, &t->changes, node) {
		if (c->pinned)
			unpin(c);
	}
	list_for_each_entry_reverse(c, &t->changes, node) {
		if (c->action != KACTION_NEW || !c->object ||
		    c->spec.kind != KSPEC_PORT)
			continue;
		if (c->port->nic && c->port->sw)
			knic_detach(c->port);
		kswitch_detach(c->port);
		kport_put(c->port);
		if (c->old)
			give_back_device(c);
	}
	list_for_each_entry_reverse(c, &t->changes, node) {
		if (c->action != KACTION_NEW || !c->object)
			continue;
		if (c->spec.kind == KSPEC_SWITCH)
			kswitch_free(c->sw);
		else if (c->spec.kind == KSPEC_PIPE)
			kpipe_free(c->pipe);
	}
}

/* Doing: nothing here can fail. */

static void delete_port(struct change *c)
{
	if (c->on_switch)
		c->on_switch->leaving_ports = 0;
	kport_remove(c->port);
}

static void delete_kind(struct ktxn *t, enum kspec_kind kind)
{
	struct change *c;

	list_for_each_entry(c, &t->changes, node) {
		if (c->action != KACTION_DEL || c->spec.kind != kind)
			continue;
		if (kind == KSPEC_PORT)
			delete_port(c);
		else if (kind == KSPEC_PIPE)
			kpipe_free(c->pipe);
		else
			kswitch_free(c->sw);
		c->object = NULL;
	}
}

static void publish(struct change *c)
{
	switch (c->spec.kind) {
	case KSPEC_SWITCH:
		kswitch_publish(c->sw);
		break;
	case KSPEC_PIPE:
		kpipe_publish(c->pipe);
		break;
	case KSPEC_PORT:
		/* the names and the ends have been looked at */
		WARN_ON_ONCE(kport_publish(c->port));
		if (c->on_pipe)
			WARN_ON_ONCE(kpipe_attach(c->on_pipe, c->spec.port.end,
						  c->port));
		break;
	}
}

static void change(struct change *c)
{
	if (c->spec.kind == KSPEC_PORT) {
		memcpy(c->port->owner, c->spec.port.owner, PTN_NAME_MAX);
		return;
	}
	memcpy(c->sw->owner, c->spec.sw.owner, PTN_NAME_MAX);
	swap(c->sw->statics, c->spec.sw.statics);
	swap(c->sw->n_statics, c->spec.sw.n_statics);
	c->sw->ageing_ms = c->spec.sw.ageing_ms;
	ptn_vale_set_ageing(c->sw->vale, c->sw->ageing_ms);
	kswitch_start_ticking(c->sw);
}

static void do_all(struct ktxn *t)
{
	struct change *c;

	delete_kind(t, KSPEC_PORT);
	delete_kind(t, KSPEC_PIPE);
	delete_kind(t, KSPEC_SWITCH);
	list_for_each_entry(c, &t->changes, node) {
		if (c->action == KACTION_NEW)
			publish(c);
		else if (c->action == KACTION_SET)
			change(c);
	}
	/* those of a port that was replaced went with the old one */
	list_for_each_entry(c, &t->changes, node) {
		if (c->action == KACTION_NEW && c->on_switch &&
		    !c->on_switch->changing)
			repin(c->on_switch, c->spec.name);
	}
	kctl_generation++;
	managed += t->n_new - t->n_deleted;
	ktxn_revision = t->revision;
	if (!managed && !t->revision)
		ktxn_module_init();
}

/* Marks of the transaction on objects that are there afterwards. */
static void forget(struct ktxn *t)
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

static int each(struct ktxn *t, int (*step)(struct ktxn *t, struct change *c))
{
	struct change *c;

	list_for_each_entry(c, &t->changes, node) {
		int err = step(t, c);

		if (err)
			return err;
	}
	return 0;
}

static int prepare(struct ktxn *t)
{
	static int (*const steps[])(struct ktxn * t, struct change * c) = {
		check_name, make, check_place, check_whole, connect, pin,
	};
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_SIZE(steps); i++)
		err = each(t, steps[i]);
	return err;
}

static int commit(struct ktxn *t)
{
	int err = prepare(t);

	if (err) {
		forget(t);
		undo(t);
		return err;
	}
	do_all(t);
	forget(t);
	kevent_changed(t->revision);
	return 0;
}

/* What people declared keeps the module. */
static int commit_held(struct ktxn *t)
{
	const bool had = managed;
	int err;

	if (!had && !try_module_get(THIS_MODULE)) {
		scnprintf(t->text, KSPEC_TEXT, "the module is being unloaded");
		return -ENODEV;
	}
	err = commit(t);
	if (!managed)
		module_put(THIS_MODULE);
	return err;
}

int ktxn_commit(struct ktxn *t, char *text)
{
	int err;

	t->text = text;
	t->made_bits = max(ilog2(roundup_pow_of_two(t->n_new + 1)), 1);
	t->made = kvcalloc(1u << t->made_bits, sizeof(*t->made), GFP_KERNEL);
	if (!t->made) {
		scnprintf(text, KSPEC_TEXT, "no memory");
		return -ENOMEM;
	}
	kctl_enter();
	err = commit_held(t);
	kctl_leave();
	kvfree(t->made);
	return err;
}
