// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * Ports: their life, their rings' memory, and the way into their link.
 */
#include "port.h"

#include "ring.h"

static bool params_possible(const struct ptn_port_params *p)
{
	size_t len = strlen(p->name);

	return len && len < PTN_NAME_MAX && p->queues &&
	       p->queues <= PTN_RINGS_MAX && p->slots >= PTN_SLOTS_MIN &&
	       p->slots <= PTN_SLOTS_MAX;
}

int ptn_port_new(struct ptn_port **out, const struct ptn_port_params *params,
		 const struct ptn_port_ops *ops, void *home)
{
	struct ptn_port *p;

	if (!params_possible(params))
		return -EINVAL;
	p = ptn_alloc(sizeof(*p));
	if (!p)
		return -ENOMEM;
	strcpy(p->name, params->name);
	p->queues = params->queues;
	p->slots = params->slots;
	p->extra_bufs = params->extra_bufs;
	p->ops = ops;
	p->home = home;
	p->phase = PTN_PORT_CLOSED;
	*out = p;
	return 0;
}

void ptn_port_free(struct ptn_port *p)
{
	ptn_free(p);
}

const char *ptn_port_name(const struct ptn_port *p)
{
	return p->name;
}

/* Opening */

static void ring_init(struct ptn_ring *r, struct ptn_port *p, u32 i,
		      const struct ptn_shape *shape)
{
	const bool is_rx = i >= p->queues;
	const u32 queue = is_rx ? i - p->queues : i;

	r->port = p;
	r->num_slots = p->slots;
	r->buf_size = shape->buf_size;
	r->buf_count = shape->buf_count;
	r->bufs = ptn_region_object(p->region, 2, 0);
	r->vector = is_rx ? PTN_VECTOR_RX(queue) : PTN_VECTOR_TX(queue);
	r->buf = p->books + (size_t)i * p->slots;
	ptn_spin_init(&r->lock);
}

static int ring_take_objects(struct ptn_ring *r, struct ptn_region *region)
{
	int err = ptn_region_ring_get(region, &r->number);

	if (err)
		return err;
	r->shared = ptn_region_object(region, 1, r->number);
	r->slot = r->shared->slot;
	for (u32 s = 0; s < r->num_slots; s++) {
		err = ptn_region_buf_get(region, PTN_HOME(r->number, s),
					 &r->buf[s]);
		if (err)
			return err;
	}
	return 0;
}

/* Undoes ring_take_objects() however far it came. */
static void ring_return_objects(struct ptn_ring *r, struct ptn_region *region)
{
	if (!r->shared)
		return;
	if (r->port->extra_bufs)
		ptn_region_extra_put(region, r->number);
	for (u32 s = 0; s < r->num_slots; s++)
		if (r->buf[s])
			ptn_region_buf_put(region, r->buf[s]);
	ptn_region_ring_put(region, r->number);
	r->shared = NULL;
}

/* Other rings of the region may trade buffers with these, or not any more. */
static void publish_rings(struct ptn_port *p, bool on)
{
	for (u32 i = 0; i < 2 * p->queues; i++)
		if (p->tx[i].shared)
			ptn_region_ring_publish(p->region, p->tx[i].number,
						on ? &p->tx[i] : NULL);
}

static void return_objects(struct ptn_port *p)
{
	for (u32 i = 0; i < 2 * p->queues; i++)
		ring_return_objects(&p->tx[i], p->region);
	if (p->nifp)
		ptn_region_if_put(p->region, p->nif_number);
	p->nifp = NULL;
	ptn_free(p->tx);
	ptn_free(p->books);
	p->tx = NULL;
	p->rx = NULL;
	p->books = NULL;
	p->region = NULL;
}

static int take_extra_bufs(struct ptn_port *p)
{
	const u32 home = PTN_HOME(p->tx[0].number, PTN_HOME_EXTRA);
	u32 idx;

	for (u32 i = 0; i < p->extra_bufs; i++)
		if (ptn_region_buf_get(p->region, home, &idx))
			return -ENOMEM;
	return 0;
}

static int take_objects(struct ptn_port *p)
{
	int err = ptn_region_if_get(p->region, &p->nif_number);

	if (err)
		return err;
	p->nifp = ptn_region_object(p->region, 0, p->nif_number);
	for (u32 i = 0; i < 2 * p->queues; i++) {
		err = ring_take_objects(&p->tx[i], p->region);
		if (err)
			return err;
	}
	return take_extra_bufs(p);
}

static bool shape_fits(const struct ptn_port *p, const struct ptn_shape *s)
{
	struct ptn_shape need;

	ptn_shape_for_port(&need, p->queues, p->slots, s->buf_size,
			   p->extra_bufs);
	return need.if_size <= s->if_size && need.ring_size <= s->ring_size;
}

int ptn_port_open(struct ptn_port *p, struct ptn_region *region,
		  struct nm_csb_atok *atok, struct nm_csb_ktoa *ktoa)
{
	const struct ptn_shape *shape = ptn_region_shape(region);
	const u32 rings = 2 * p->queues;
	int err = -ENOMEM;

	if (p->phase != PTN_PORT_CLOSED)
		return -EBUSY;
	if (!shape_fits(p, shape))
		return -ENOMEM;
	p->region = region;
	p->tx = ptn_alloc(rings * sizeof(*p->tx));
	p->books = ptn_alloc((size_t)rings * p->slots * sizeof(*p->books));
	if (!p->tx || !p->books)
		goto err_free;
	p->rx = p->tx + p->queues;
	for (u32 i = 0; i < rings; i++) {
		ring_init(&p->tx[i], p, i, shape);
		p->tx[i].atok = &atok[i];
		p->tx[i].ktoa = &ktoa[i];
	}
	err = take_objects(p);
	if (err)
		goto err_return;
	publish_rings(p, true);
	p->phase = PTN_PORT_READY;
	ptn_port_reset(p);
	return 0;

err_return:
	return_objects(p);
	return err;
err_free:
	ptn_free(p->tx);
	ptn_free(p->books);
	p->tx = NULL;
	p->books = NULL;
	p->region = NULL;
	return err;
}

void ptn_port_close(struct ptn_port *p)
{
	if (p->phase == PTN_PORT_CLOSED)
		return;
	ptn_port_stop(p);
	publish_rings(p, false);
	ptn_rcu_synchronize();
	return_objects(p);
	p->phase = PTN_PORT_CLOSED;
}

size_t ptn_port_nifp_ofs(const struct ptn_port *p)
{
	return (size_t)((char *)p->nifp -
			(char *)ptn_region_object(p->region, 0, 0));
}

/* Initial state */

static void ring_reset(struct ptn_ring *r, bool is_rx, u32 queue)
{
	struct netmap_ring *s = r->shared;

	s->buf_ofs = r->bufs - (char *)s;
	s->num_slots = r->num_slots;
	s->nr_buf_size = r->buf_size;
	s->ringid = (u16)queue;
	s->dir = is_rx;
	s->flags = 0;
	s->offset_mask = 0;
	s->buf_align = 0;
	ptn_spin_lock(&r->lock);
	for (u32 i = 0; i < r->num_slots; i++) {
		ptn_slot_write(&r->slot[i], r->buf[i], 0, 0);
		r->slot[i].ptr = 0;
	}
	ptn_spin_unlock(&r->lock);
	r->hwcur = 0;
	r->head = 0;
	r->lease = 0;
	r->seen = 0;
	r->kicked = 0;
	r->unshown = 0;
	r->skipping = false;
	r->last_src = 0;
	r->hwtail = is_rx ? 0 : r->num_slots - 1;
	s->head = 0;
	s->cur = 0;
	s->tail = r->hwtail;
	memset(r->atok, 0, sizeof(*r->atok));
	memset(r->ktoa, 0, sizeof(*r->ktoa));
	ptn_store(r->ktoa->hwtail, r->hwtail);
	ptn_store(r->ktoa->kern_need_kick, !is_rx);
}

static void nif_reset(struct ptn_port *p)
{
	struct netmap_if *n = p->nifp;
	const u32 rings = 2 * p->queues;
	size_t len = strlen(p->name);

	if (len >= sizeof(n->ni_name))
		len = sizeof(n->ni_name) - 1;
	memset(n, 0, sizeof(*n) + rings * sizeof(s64));
	memcpy(n->ni_name, p->name, len);
	n->ni_version = NETMAP_API;
	n->ni_flags = NI_PRIV_MEM;
	n->ni_tx_rings = p->queues;
	n->ni_rx_rings = p->queues;
	if (p->extra_bufs)
		n->ni_bufs_head =
			ptn_region_extra_chain(p->region, p->tx[0].number);
	for (u32 i = 0; i < rings; i++)
		n->ring_ofs[i] = (char *)p->tx[i].shared - (char *)n;
}

void ptn_port_reset(struct ptn_port *p)
{
	nif_reset(p);
	for (u32 i = 0; i < 2 * p->queues; i++)
		ring_reset(&p->tx[i], i >= p->queues,
			   i >= p->queues ? i - p->queues : i);
}

/* Running */

int ptn_port_start(struct ptn_port *p)
{
	if (p->phase == PTN_PORT_CLOSED)
		return -ENXIO;
	if (p->phase == PTN_PORT_RUNNING)
		return 0;
	p->phase = PTN_PORT_RUNNING;
	ptn_store_release(p->running, 1);
	if (p->link)
		p->link->up(p);
	return 0;
}

/*
 * Frames that the program handed over and nobody will send any more. Their
 * slots are the program's again: it may start anew without a reset.
 */
static void drop_pending(struct ptn_ring *r)
{
	u32 head = ptn_load(r->atok->head);
	const u32 n = head < r->num_slots ? ptn_ring_span(r, r->hwcur, head)
					  : r->num_slots;
	u64 lost = 0;

	if (n > ptn_ring_span(r, r->hwcur, r->hwtail))
		return;
	for (u32 i = r->hwcur; i != head; i = ptn_ring_next(r, i)) {
		const u32 flags = ptn_slot_flags(ptn_slot_read(&r->slot[i]));

		lost += !r->skipping && !(flags & NS_MOREFRAG);
		r->skipping = flags & NS_MOREFRAG && r->skipping;
	}
	r->count[PTN_C_TX_FRAMES] += lost;
	r->count[PTN_C_DROP_DETACHED] += lost;
	ptn_csb_tx_done(r, n);
	ptn_csb_tx_settle(r); /* who stops looks by himself */
}

void ptn_port_stop(struct ptn_port *p)
{
	if (p->phase != PTN_PORT_RUNNING)
		return;
	p->phase = PTN_PORT_READY;
	ptn_store_release(p->running, 0);
	if (p->link)
		p->link->down(p);
	ptn_rcu_synchronize();
	for (u32 i = 0; i < p->queues; i++)
		drop_pending(&p->tx[i]);
}

bool ptn_port_running(const struct ptn_port *p)
{
	return p->phase == PTN_PORT_RUNNING;
}

/* The sync group */

u32 ptn_port_sync(struct ptn_port *p, u32 queue, struct ptn_work *w)
{
	u32 moved;

	if (ptn_unlikely(!p->link || !p->running))
		return 0;
	moved = p->link->tx(p, queue, w);
	if (p->link->rx)
		moved += p->link->rx(p, queue, w);
	return moved;
}

bool ptn_port_arm(struct ptn_port *p, u32 queue)
{
	if (!p->link || !p->running)
		return true;
	return p->link->arm(p, queue);
}

void ptn_port_disarm(struct ptn_port *p, u32 queue)
{
	ptn_csb_want_kicks(&p->tx[queue], false);
	if (p->link && p->link->disarm)
		p->link->disarm(p, queue);
}

void ptn_port_heard(struct ptn_port *p, u32 queue)
{
	p->tx[queue].count[PTN_C_TX_KICKS]++;
}

void ptn_port_counters(const struct ptn_port *p, u64 out[PTN_C_MAX + 1])
{
	memset(out, 0, (PTN_C_MAX + 1) * sizeof(*out));
	for (u32 i = 0; p->tx && i < 2 * p->queues; i++)
		for (int c = 0; c <= PTN_C_MAX; c++)
			out[c] += ptn_load(p->tx[i].count[c]);
}
