// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "kmonitor.h"

#include <linux/bitops.h>
#include <linux/rculist.h>

#include "core/device.h"
#include "core/header.h"
#include "core/monitor.h"
#include "kctl.h"
#include "kmem.h"
#include "knic.h"

/* A ring that is monitored: an entry of that ring's list. */
struct tap {
	struct list_head node;
	struct kmonitor *monitor;
	u32 vector; /* of the parent's ring */
	u32 queue; /* of the monitor's */
};

struct kmonitor {
	struct kport *port; /* the monitor itself */
	struct kport *parent; /* a reference; open while not an orphan */
	bool zero_copy;
	bool orphan;
	u32 n_taps;
	struct tap tap[];
};

/*
 * The parent's side. Lists of taps are changed under the ring's lock; who
 * moves a device's frames reads them under RCU.
 */

static bool is_tx(const struct tap *t)
{
	return t->vector & 1;
}

static u32 queue_of(const struct tap *t)
{
	return (t->vector - 1) / 2;
}

static void tap_begin(struct tap *t)
{
	struct kport *parent = t->monitor->parent;
	struct kring *r = kport_ring(parent, t->vector);

	mutex_lock(&r->lock);
	if (is_tx(t) && list_empty(&r->monitors))
		r->copied = ptn_header_gate(parent->core, queue_of(t));
	list_add_tail_rcu(&t->node, &r->monitors);
	mutex_unlock(&r->lock);
}

static void tap_end(struct tap *t)
{
	struct kport *parent = t->monitor->parent;
	struct kring *r = kport_ring(parent, t->vector);

	mutex_lock(&r->lock);
	list_del_rcu(&t->node);
	if (is_tx(t) && list_empty(&r->monitors))
		ptn_header_gate_off(parent->core, queue_of(t));
	mutex_unlock(&r->lock);
}

static void end_taps(struct kmonitor *m)
{
	if (m->orphan)
		return;
	for (u32 i = 0; i < m->n_taps; i++)
		tap_end(&m->tap[i]);
	if (knic_is_program(m->parent))
		ptn_rcu_synchronize();
	WRITE_ONCE(m->orphan, true);
}

void kmonitor_orphan(struct kport *parent)
{
	kctl_assert_held();
	for (u32 i = 0; i < parent->tx_rings + parent->rx_rings; i++) {
		struct kring *r = &parent->ring[i];

		while (!list_empty(&r->monitors)) {
			struct tap *t = list_first_entry(&r->monitors,
							 struct tap, node);
			struct kport *p = t->monitor->port;

			end_taps(t->monitor);
			kport_wake(p);
		}
	}
}

/* The monitor as a port. */

static int monitor_memory(struct kport *p, struct kmem **out)
{
	const struct kmonitor *m = p->monitor;

	return m->zero_copy ? kport_memory(m->parent, out)
			    : kport_memory(p, out);
}

static int monitor_open(struct kport *p)
{
	struct kmonitor *m = p->monitor;

	if (m->orphan || !m->parent->mem)
		return -EIO;
	for (u32 i = 0; i < m->n_taps; i++)
		tap_begin(&m->tap[i]);
	return 0;
}

static void monitor_close(struct kport *p)
{
	end_taps(p->monitor);
}

static void monitor_free(struct kport *p)
{
	kport_put(p->monitor->parent);
	kfree(p->monitor);
}

static const struct kport_ops monitor_ops = {
	.memory = monitor_memory,
	.open = monitor_open,
	.close = monitor_close,
	.free = monitor_free,
};

static void add_tap(struct kmonitor *m, u32 vector, u32 queue)
{
	struct tap *t = &m->tap[m->n_taps];

	if (!kport_ring(m->parent, vector))
		return;
	INIT_LIST_HEAD(&t->node);
	t->monitor = m;
	t->vector = vector;
	t->queue = queue;
	m->n_taps++;
}

static struct kmonitor *new_monitor(struct kport *parent,
				    const struct kmonitor_params *params,
				    u32 queues)
{
	struct kmonitor *m =
		kzalloc(struct_size(m, tap, 2 * queues), GFP_KERNEL_ACCOUNT);

	if (!m)
		return NULL;
	m->parent = parent;
	m->zero_copy = params->zero_copy;
	for (u32 q = 0; q < queues; q++) {
		if (params->tx & BIT_ULL(q))
			add_tap(m, PTN_VECTOR_TX(q), q);
		if (params->rx & BIT_ULL(q))
			add_tap(m, PTN_VECTOR_RX(q), q);
	}
	return m;
}

/* Its program takes frames before anybody else could look at them. */
static bool receives_by_csb(const struct kport *parent, u64 queues)
{
	for (u64 q = queues; q; q &= q - 1) {
		const struct kring *r =
			kport_ring(parent, PTN_VECTOR_RX(__ffs64(q)));

		if (r && r->csb)
			return true;
	}
	return false;
}

int kmonitor_new(struct kport **out, struct kport *parent,
		 const struct kmonitor_params *params)
{
	const u32 queues = max(parent->tx_rings, parent->rx_rings);
	const struct ptn_port_params rings = {
		.name = parent->name,
		.queues = 1, /* never used: no smaller number is possible */
		.slots = PTN_SLOTS_MIN,
		.rx_queues = min_t(u32, queues, PTN_RINGS_MAX),
		.rx_slots = params->slots ?: parent->params.rx_slots,
		.host_queues = queues > PTN_RINGS_MAX ? queues - PTN_RINGS_MAX
						      : 0,
	};
	struct kmonitor *m;
	struct kport *p;
	int err;

	kctl_assert_held();
	if (!parent->mem || parent->monitor)
		return -EINVAL;
	if (receives_by_csb(parent, params->rx))
		return -EOPNOTSUPP;
	m = new_monitor(parent, params, queues);
	if (!m)
		return -ENOMEM;
	err = kport_new(&p, &rings, &monitor_ops);
	if (err) {
		kfree(m);
		return err;
	}
	kport_get(parent);
	p->buf_size = parent->buf_size;
	p->monitor = m;
	m->port = p;
	*out = p;
	return 0;
}

int kmonitor_check(const struct kport *p)
{
	return p->monitor && READ_ONCE(p->monitor->orphan) ? -EIO : 0;
}

/* Around syncs. The ring's lock keeps the monitors from closing meanwhile. */

static void copy(struct kport *p, u32 vector, u32 from, u32 to,
		 struct ptn_work *w)
{
	const struct tap *t;

	if (from == to)
		return;
	ptn_rcu_read_lock();
	list_for_each_entry(t, &kport_ring(p, vector)->monitors, node)
		if (!t->monitor->zero_copy)
			ptn_monitor_copy(t->monitor->port->core, t->queue,
					 p->core, vector, from, to, w);
	ptn_rcu_read_unlock();
}

/* Of several, the first one gets the buffers: there is only one of each. */
static void swap_buffers(struct kport *p, u32 vector, u32 from, u32 to)
{
	const struct tap *t;

	if (from == to)
		return;
	ptn_rcu_read_lock();
	list_for_each_entry(t, &kport_ring(p, vector)->monitors, node) {
		if (!t->monitor->zero_copy)
			continue;
		ptn_monitor_swap(t->monitor->port->core, t->queue, p->core,
				 vector, from, to);
		break;
	}
	ptn_rcu_read_unlock();
}

/*
 * A pipe's frames pass on with their buffers, and a program that looks into
 * its own CSB fills them again at once: there are none to be had once the
 * frames are sent.
 */
static bool leaves_no_buffers(const struct kport *p, const struct kring *r)
{
	return p->pipe || r->csb;
}

static void imitate(struct kport *p, u32 vector, u32 from, u32 to)
{
	const struct tap *t;

	if (from == to)
		return;
	ptn_rcu_read_lock();
	list_for_each_entry(t, &kport_ring(p, vector)->monitors, node)
		if (t->monitor->zero_copy)
			ptn_monitor_imitate(t->monitor->port->core, t->queue,
					    p->core, vector, from, to);
	ptn_rcu_read_unlock();
}

/* Of what has waited since the last time they have copies. */
static u32 first_new(const struct kport *p, const struct kring *r, u32 from,
		     u32 to)
{
	const u32 n = p->params.slots;

	return (r->copied + n - from) % n <= (to + n - from) % n ? r->copied
								 : from;
}

void kmonitor_tx_begin(struct kport *p, u32 queue, u32 from, u32 to,
		       struct ptn_work *w)
{
	struct kring *r = &p->ring[queue];

	from = first_new(p, r, from, to);
	copy(p, PTN_VECTOR_TX(queue), from, to, w);
	if (leaves_no_buffers(p, r))
		imitate(p, PTN_VECTOR_TX(queue), from, to);
	r->copied = to;
	ptn_header_gate_on(p->core, queue, to);
}

void kmonitor_tx_end(struct kport *p, u32 queue, u32 from, u32 to)
{
	if (!leaves_no_buffers(p, &p->ring[queue]))
		swap_buffers(p, PTN_VECTOR_TX(queue), from, to);
}

void kmonitor_rx_begin(struct kport *p, u32 queue, u32 from, u32 to)
{
	swap_buffers(p, PTN_VECTOR_RX(queue), from, to);
}

void kmonitor_rx_end(struct kport *p, u32 queue, u32 from, u32 to,
		     struct ptn_work *w)
{
	copy(p, PTN_VECTOR_RX(queue), from, to, w);
}

void kmonitor_pass(struct kport *p, u32 vector, struct ptn_work *w)
{
	const struct tap *t;

	list_for_each_entry_rcu(t, &kport_ring(p, vector)->monitors, node) {
		struct ptn_port *monitor = t->monitor->port->core;

		if (t->monitor->zero_copy)
			ptn_monitor_keep(monitor, t->queue, w);
		else
			ptn_device_receive(monitor, t->queue, w);
	}
}
