/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/vport.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/attach.h"
#include "engine/nic.h"
#include "engine/uplink.h"
#include "wire/wire.h"

enum {
	/* Descriptors kept back for clients when there are very many ports. */
	FDS_RESERVED = 256,
	/* What a device's port has that declares nothing. */
	DEVICE_SLOTS = 1024,
	DEVICE_BUF_SIZE = 2048,
};

int vswitch_new(struct vswitch **out, struct switch_spec *spec)
{
	const struct ptn_vale_params params = {
		.name = spec->name,
		.fdb_size = spec->fdb_size,
		.ageing_ms = spec->ageing_ms,
	};
	struct vswitch *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return -ENOMEM;
	err = ptn_vale_new(&s->vale, &params);
	if (err) {
		free(s);
		return err;
	}
	s->spec = *spec;
	spec->statics = NULL;
	spec->n_statics = 0;
	*out = s;
	return 0;
}

void vswitch_free(struct vswitch *s)
{
	if (!s)
		return;
	ptn_vale_free(s->vale);
	switch_spec_fini(&s->spec);
	free(s);
}

void vswitch_status(const struct vswitch *s, struct switch_status *out)
{
	*out = (struct switch_status){
		.ports = s->ports,
		.fdb_used = ptn_vale_fdb_used(s->vale),
	};
	ptn_vale_counters(s->vale, out->counters);
}

int vpipe_new(struct vpipe **out, const struct pipe_spec *spec)
{
	struct vpipe *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	err = ptn_pipe_new(&p->pipe, spec->name);
	if (err) {
		free(p);
		return err;
	}
	p->spec = *spec;
	*out = p;
	return 0;
}

void vpipe_free(struct vpipe *p)
{
	if (!p)
		return;
	ptn_pipe_free(p->pipe);
	free(p);
}

/* One worker has all queues of a port: more of them make no device faster. */
static void set_shape(struct vport *p)
{
	p->queues = p->spec.queues ?: 1;
	p->slots = p->spec.slots ?: DEVICE_SLOTS;
	p->buf_size = p->spec.buf_size ?: DEVICE_BUF_SIZE;
}

static int new_core(struct vport *p)
{
	const struct ptn_port_params params = {
		.name = p->spec.name,
		.queues = p->queues,
		.slots = p->slots,
		.extra_bufs = p->spec.extra_bufs,
	};

	return ptn_port_new(
		&p->core, &params,
		vport_is_uplink(p) ? &uplink_port_ops : &attach_port_ops, p);
}

int vport_new(struct vport **out, struct engine *e,
	      const struct port_spec *spec)
{
	struct vport *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	p->engine = e;
	p->spec = *spec;
	set_shape(p);
	err = new_core(p);
	if (!err && spec->device[0]) {
		p->nic = nic_new(spec->device,
				 vport_is_uplink(p) ? p->buf_size : 0);
		err = p->nic ? 0 : -ENOMEM;
	}
	if (err) {
		ptn_port_free(p->core);
		free(p);
		return err;
	}
	*out = p;
	return 0;
}

static void listener_free(struct engine *e, struct listener *l)
{
	if (!l)
		return;
	loop_remove(&e->loop, &l->source);
	if (l->source.fd >= 0) {
		close(l->source.fd);
		unlink(l->path);
		e->n_listeners--;
	}
	wire_keep_refused(&l->refused, -1);
	free(l);
}

void vport_free(struct vport *p)
{
	if (!p)
		return;
	listener_free(p->engine, p->listener);
	nic_free(p->nic);
	ptn_port_free(p->core);
	free(p);
}

int vport_listen(struct vport *p)
{
	struct engine *e = p->engine;
	struct listener *l;
	int n, err;

	if (!e->run_dir)
		return 0;
	if (e->n_listeners + FDS_RESERVED >= e->fds_max)
		return -EMFILE;
	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	l->port = p;
	l->refused = -1;
	l->source.heard = attach_listener_heard;
	n = snprintf(l->path, sizeof(l->path), "%s/ports/%s.sock", e->run_dir,
		     p->spec.name);
	l->source.fd = n >= (int)sizeof(l->path) ? -ENAMETOOLONG
						 : wire_listen(l->path);
	if (l->source.fd < 0) {
		err = l->source.fd;
		free(l);
		return err;
	}
	e->n_listeners++;
	err = loop_add(&e->loop, &l->source, EPOLLIN);
	if (err) {
		listener_free(e, l);
		return err;
	}
	p->listener = l;
	return 0;
}

void vport_take_listener(struct vport *to, struct vport *from)
{
	to->listener = from->listener;
	from->listener = NULL;
	if (to->listener)
		to->listener->port = to;
}

bool vport_is_uplink(const struct vport *p)
{
	return p->spec.kind == PTN_PORT_NIC && p->spec.on_switch[0];
}

const char *vport_domain(const struct vport *p)
{
	return p->pipe ? p->pipe->spec.domain : p->spec.domain;
}

void vport_status(const struct vport *p, struct port_status *out)
{
	*out = (struct port_status){.state = PTN_PORT_DOWN};
	if (p->listener)
		strcpy(out->socket, p->listener->path);
	ptn_port_counters(p->core, out->counters);
	for (int c = 0; c <= PTN_C_MAX; c++)
		out->counters[c] += p->past[c];
	if (p->attach)
		attach_status(p->attach, out);
	if (p->uplink)
		uplink_status(p->uplink, out);
	out->device_gone = p->nic && nic_is_lost(p->nic);
	if (out->device_gone)
		out->state = PTN_PORT_FAULTED;
}
