/* SPDX-License-Identifier: BSD-2-Clause */
#include "engine/uplink.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "engine/nic.h"

struct uplink {
	struct vport *port;
	struct memory *memory;
	bool opened; /* the core's port */
	bool running;
	struct nm_csb_atok atok[2 * PTN_RINGS_MAX];
	struct nm_csb_ktoa ktoa[2 * PTN_RINGS_MAX];
	struct queue queues[PTN_RINGS_MAX];
};

/* What the core asks for. */

static void on_wake(void *home, uint32_t queue)
{
	const struct vport *p = home;

	queue_wake(&p->uplink->queues[queue]);
}

static void on_notify(void *home, uint32_t vector)
{
	on_wake(home, (vector - PTN_VECTOR_TX(0)) / 2);
}

const struct ptn_port_ops uplink_port_ops = {
	.notify = on_notify,
	.wake = on_wake,
};

/* Running. */

static void init_queues(struct uplink *u)
{
	const struct vport *p = u->port;

	for (uint32_t i = 0; i < p->queues; i++) {
		queue_init(&u->queues[i], u->memory->worker, p->core, i, -1,
			   -1);
		u->queues[i].device_fd = nic_fd(p->nic, i);
		u->queues[i].device = p->nic;
	}
}

static int start(struct uplink *u)
{
	const struct vport *p = u->port;
	int err = nic_open(p->nic);

	if (err || nic_fd(p->nic, 0) < 0)
		return err;
	init_queues(u);
	err = ptn_port_start(p->core);
	if (!err)
		err = worker_add(u->memory->worker, u->queues, p->queues);
	u->running = !err;
	if (!err)
		return 0;
	ptn_port_stop(p->core);
	worker_flush(u->memory->worker);
	nic_close(p->nic);
	return err;
}

static void stop(struct uplink *u)
{
	const struct vport *p = u->port;

	if (!u->running)
		return;
	u->running = false;
	worker_remove(u->memory->worker, u->queues, p->queues);
	ptn_port_stop(p->core);
	worker_flush(u->memory->worker);
}

void uplink_start(struct uplink *u)
{
	const int err = start(u);

	if (err)
		log_warn("port %s: its network device cannot be opened: %s",
			 u->port->spec.name, strerror(-err));
}

void uplink_renew(struct uplink *u)
{
	stop(u);
	nic_close(u->port->nic);
	uplink_start(u);
}

/* Beginning and end. */

static int open_memory(struct uplink *u)
{
	const struct vport *p = u->port;
	struct ptn_shape shape;
	int err;

	ptn_shape_for_port(&shape, p->queues, p->slots, p->buf_size,
			   p->spec.extra_bufs);
	err = memory_new(&u->memory, &shape, MEMORY_SHORT, p->spec.huge_pages,
			 p->spec.name);
	if (!err)
		u->memory->worker = engine_worker(p->engine);
	return err;
}

static int open_port(struct uplink *u)
{
	int err = ptn_port_open(u->port->core, u->memory->region, u->atok,
				u->ktoa);

	u->opened = !err;
	return err;
}

static int open_all(struct uplink *u)
{
	const struct vport *p = u->port;
	int err = open_memory(u);

	if (!err)
		err = open_port(u);
	if (!err)
		err = nic_serve(p->nic, p->core, p->queues);
	return err ? err : nic_prepare(p->nic);
}

int uplink_new(struct vport *p)
{
	struct uplink *u = calloc(1, sizeof(*u));
	int err;

	if (!u)
		return -ENOMEM;
	u->port = p;
	p->uplink = u;
	p->engine->n_uplinks++;
	err = open_all(u);
	if (err)
		uplink_free(u);
	return err;
}

void uplink_free(struct uplink *u)
{
	struct vport *p = u ? u->port : NULL;

	if (!u)
		return;
	stop(u);
	nic_detach(p->nic);
	if (u->opened)
		ptn_port_close(p->core);
	memory_free(u->memory);
	p->engine->n_uplinks--;
	p->uplink = NULL;
	free(u);
}

/* What people see. */

/* Whose device is gone is told by the port. */
void uplink_status(const struct uplink *u, struct port_status *out)
{
	out->state = PTN_PORT_UP;
	out->page_size = memory_page_size(u->memory);
	out->worker = worker_number(u->memory->worker);
}

const struct memory *uplink_memory(const struct uplink *u)
{
	return u->memory;
}
