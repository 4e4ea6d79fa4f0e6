// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* What can fail of a transaction, done where nobody sees it yet. */
#include "kchange.h"

#include "kbind.h"
#include "knic.h"
#include "kpipe.h"
#include "kport.h"
#include "kswitch.h"
#include "kwhy.h"

/* Devices say more than a number. */
static int refuse_why(struct ktxn *t, const struct change *c, int err,
		      const char *what)
{
	if (*kwhy_last())
		return refuse(t, c, err, "%s", kwhy_last());
	return refuse(t, c, err, "%s: %s", what,
		      err == -ENOMEM ? "no memory" : "it is refused");
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
		.host_queues = w->kind == PTN_PORT_NIC,
	};
	int err =
		w->device[0]
			? knic_new(&c->port, &params, w->device, w->nic_later)
			: kport_new(&c->port, &params,
				    w->kind == PTN_PORT_VM ? &kbind_ops : NULL);

	if (err)
		return err;
	c->port->origin = KPORT_MANAGED;
	set_port(c->port, w);
	return 0;
}

int kprepare_make(struct ktxn *t, struct change *c)
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

int kprepare_connect(struct ktxn *t, struct change *c)
{
	int err = 0;

	if (c->action != KACTION_NEW || !c->on_switch || knic_lacks(c->port))
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

int kprepare_pin(struct ktxn *t, struct change *c)
{
	const struct kstatic *s;
	u32 n;

	if (c->spec.kind != KSPEC_SWITCH || c->action == KACTION_DEL)
		return 0;
	c->pinned = true;
	if (c->action == KACTION_SET)
		unpin_all(c->sw, c->sw->statics, c->sw->n_statics);
	s = kcheck_statics(c, &n);
	for (u32 i = 0; i < n; i++) {
		const struct kswitch *on;
		const struct kport *p = kcheck_port(t, s[i].port, &on);

		if (knic_lacks(p))
			continue; /* when that comes, the port is made anew */
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
void kprepare_repin(struct kswitch *s, const char *port)
{
	for (u32 i = 0; i < s->n_statics; i++) {
		const struct kstatic *e = &s->statics[i];
		const struct kport *p;

		if (port && strcmp(e->port, port))
			continue;
		p = kcheck_live_port(e->port);
		if (p && knic_lacks(p))
			continue;
		if (!p || ptn_vale_static(s->vale, e->mac, p->core))
			lost_static(s, e->port);
	}
}

static void unpin(struct change *c)
{
	const struct kstatic *s;
	u32 n;

	s = kcheck_statics(c, &n);
	unpin_all(c->sw, s, n);
	if (c->action == KACTION_SET)
		kprepare_repin(c->sw, NULL);
}

/* What cannot be undone is as if another device of that name had come. */
static void give_back_device(struct change *c)
{
	if (!knic_attach(c->old, c->old_switch, c->old_host)) {
		kprepare_repin(c->old_switch, c->old->name);
		return;
	}
	pr_err("ptnetmap: port %s has lost its device, and is to be made anew\n",
	       c->old->name);
	knic_part(c->old);
}

void kprepare_undo(struct ktxn *t)
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
