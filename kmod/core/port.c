// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * Ports: their life, their rings' memory, and the way into their link.
 */
#include "port.h"

#include "batch.h"
#include "books.h"
#include "nif.h"
#include "ring.h"

static bool in(u32 n, u32 low, u32 high)
{
	return n >= low && n <= high;
}

static bool hdr_len_possible(u32 len)
{
	return len == 0 || len == 10 || len == 12;
}

static bool params_possible(const struct ptn_port_params *p)
{
	size_t len = strlen(p->name);

	return len && len < PTN_NAME_MAX && in(p->queues, 1, PTN_RINGS_MAX) &&
	       in(p->slots, PTN_SLOTS_MIN, PTN_SLOTS_MAX) &&
	       p->rx_queues <= PTN_RINGS_MAX &&
	       (!p->rx_slots ||
		in(p->rx_slots, PTN_SLOTS_MIN, PTN_SLOTS_MAX)) &&
	       p->host_queues <= PTN_RINGS_MAX && hdr_len_possible(p->hdr_len);
}

static void take_params(struct ptn_port *p, const struct ptn_port_params *from)
{
	strcpy(p->name, from->name);
	p->queues = from->queues;
	p->rx_queues = from->rx_queues ? from->rx_queues : from->queues;
	p->host_queues = from->host_queues;
	p->tx_rings = p->queues + p->host_queues;
	p->rx_rings = p->rx_queues + p->host_queues;
	p->slots = from->slots;
	p->rx_slots = from->rx_slots ? from->rx_slots : from->slots;
	p->extra_bufs = from->extra_bufs;
	p->hdr_len = from->hdr_len;
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
	take_params(p, params);
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

/* Other rings of the region may trade buffers with these, or not any more. */
static void publish_rings(struct ptn_port *p, bool on)
{
	for (u32 i = 0; i < ptn_port_rings(p); i++)
		if (p->tx[i].shared)
			ptn_region_ring_publish(p->region, p->tx[i].number,
						on ? &p->tx[i] : NULL);
}

/* Undoes take_memory() and take_objects() however far they came. */
static void return_all(struct ptn_port *p)
{
	ptn_nif_free(p->nif);
	for (u32 i = 0; p->tx && i < ptn_port_rings(p); i++)
		if (p->tx[i].port)
			ptn_ring_put(&p->tx[i]);
	ptn_free(p->tx);
	ptn_free(p->books);
	p->nif = NULL;
	p->tx = NULL;
	p->rx = NULL;
	p->books = NULL;
	p->region = NULL;
}

static u32 slots_of(const struct ptn_port *p)
{
	return p->tx_rings * p->slots + p->rx_rings * p->rx_slots;
}

static int take_memory(struct ptn_port *p)
{
	p->tx = ptn_alloc(ptn_port_rings(p) * sizeof(*p->tx));
	p->books = ptn_alloc(slots_of(p) * sizeof(*p->books));
	if (!p->tx || !p->books)
		return -ENOMEM;
	p->rx = p->tx + p->tx_rings;
	return 0;
}

/* All at once: what is there already stays where it is from then on. */
static int reserve(struct ptn_port *p)
{
	return ptn_region_reserve(p->region, 1, ptn_port_rings(p),
				  slots_of(p) + p->extra_bufs);
}

static int take_objects(struct ptn_port *p)
{
	const struct ptn_nif_params all = {
		.name = p->name,
		.tx = ~0ULL,
		.rx = ~0ULL,
		.extra_bufs = p->extra_bufs,
	};

	for (u32 i = 0; i < ptn_port_rings(p); i++) {
		int err = ptn_ring_take(&p->tx[i]);

		if (err)
			return err;
	}
	return ptn_nif_new(&p->nif, p, &all);
}

static bool shape_fits(const struct ptn_port *p, const struct ptn_shape *s)
{
	const struct ptn_port_params params = {
		.queues = p->queues,
		.rx_queues = p->rx_queues,
		.host_queues = p->host_queues,
		.slots = p->slots,
		.rx_slots = p->rx_slots,
	};
	struct ptn_shape need;

	ptn_shape_for_params(&need, &params, s->buf_size);
	return need.if_size <= s->if_size && need.ring_size <= s->ring_size;
}

static void reset(struct ptn_port *p)
{
	ptn_nif_reset(p->nif);
	for (u32 i = 0; i < ptn_port_rings(p); i++)
		ptn_ring_reset(&p->tx[i]);
}

/* What its program exchanged with other ports of the region stays theirs. */
static void follow_rings(struct ptn_port *p)
{
	for (u32 i = 0; i < ptn_port_rings(p); i++)
		ptn_books_follow(&p->tx[i]);
}

int ptn_port_open(struct ptn_port *p, struct ptn_region *region,
		  struct nm_csb_atok *atok, struct nm_csb_ktoa *ktoa)
{
	int err;

	if (p->phase != PTN_PORT_CLOSED)
		return -EBUSY;
	if (!shape_fits(p, ptn_region_shape(region)))
		return -ENOMEM;
	p->region = region;
	err = reserve(p);
	if (!err)
		err = take_memory(p);
	if (err)
		goto err_return;
	for (u32 i = 0; i < ptn_port_rings(p); i++) {
		ptn_ring_init(&p->tx[i], p, i);
		p->tx[i].atok = &atok[i];
		p->tx[i].ktoa = &ktoa[i];
	}
	err = take_objects(p);
	if (err)
		goto err_return;
	reset(p);
	publish_rings(p, true);
	p->phase = PTN_PORT_READY;
	return 0;

err_return:
	return_all(p);
	return err;
}

void ptn_port_close(struct ptn_port *p)
{
	if (p->phase == PTN_PORT_CLOSED)
		return;
	ptn_port_stop(p);
	follow_rings(p);
	ptn_nif_free(p->nif);
	p->nif = NULL;
	publish_rings(p, false);
	ptn_rcu_synchronize();
	return_all(p);
	p->phase = PTN_PORT_CLOSED;
}

size_t ptn_port_nifp_ofs(const struct ptn_port *p)
{
	return ptn_nif_ofs(p->nif);
}

void ptn_port_reset(struct ptn_port *p)
{
	follow_rings(p);
	ptn_nif_follow(p->nif);
	reset(p);
}

void ptn_port_set_csb(struct ptn_port *p, u32 vector, struct nm_csb_atok *atok,
		      struct nm_csb_ktoa *ktoa)
{
	struct ptn_ring *r = ptn_port_ring(p, vector);

	if (!r)
		return;
	ptn_csb_exchange(r, atok, ktoa);
	ptn_rcu_synchronize();
}

void ptn_port_set_offsets(struct ptn_port *p, u32 vector,
			  const struct ptn_offsets *o)
{
	struct ptn_ring *r = ptn_port_ring(p, vector);

	if (r)
		ptn_offset_set(r, o);
}

const struct ptn_offsets *ptn_port_offsets(const struct ptn_port *p, u32 vector)
{
	const struct ptn_ring *r = ptn_port_ring(p, vector);

	return r ? &r->offset : NULL;
}

int ptn_port_set_hdr_len(struct ptn_port *p, u32 hdr_len)
{
	if (!hdr_len_possible(hdr_len))
		return -EINVAL;
	ptn_store(p->hdr_len, hdr_len);
	return 0;
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

void ptn_port_stop(struct ptn_port *p)
{
	if (p->phase != PTN_PORT_RUNNING)
		return;
	p->phase = PTN_PORT_READY;
	ptn_store_release(p->running, 0);
	if (p->link)
		p->link->down(p);
	ptn_rcu_synchronize();
	for (u32 i = 0; i < p->tx_rings; i++)
		ptn_ring_drop(&p->tx[i]);
}

bool ptn_port_running(const struct ptn_port *p)
{
	return p->phase == PTN_PORT_RUNNING;
}

/* The sync group */

static bool can_sync(const struct ptn_port *p)
{
	return ptn_likely(p->link && p->running);
}

u32 ptn_port_sync_tx(struct ptn_port *p, u32 queue, struct ptn_work *w)
{
	if (!can_sync(p) || queue >= p->tx_rings)
		return 0;
	return p->link->tx(p, queue, w);
}

void ptn_port_release(struct ptn_port *p, u32 queue, struct ptn_work *w)
{
	w->hold = false;
	if (w->n_published)
		ptn_notify_published(&p->tx[queue], w);
}

u32 ptn_port_sync_rx(struct ptn_port *p, u32 queue, struct ptn_work *w)
{
	struct ptn_ring *r = &p->rx[queue];
	u32 moved = 0;

	if (!p->rx || queue >= p->rx_rings)
		return 0;
	if (can_sync(p) && p->link->rx)
		moved = p->link->rx(p, queue, w);
	ptn_spin_lock(&r->lock);
	ptn_csb_rx_refresh(r);
	ptn_spin_unlock(&r->lock);
	return moved;
}

u32 ptn_port_sync(struct ptn_port *p, u32 queue, struct ptn_work *w)
{
	u32 moved = 0;

	if (ptn_unlikely(!can_sync(p)))
		return 0;
	if (ptn_likely(queue < p->tx_rings))
		moved = p->link->tx(p, queue, w);
	if (p->link->rx && queue < p->rx_rings)
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
	if (queue < p->tx_rings)
		ptn_csb_want_kicks(&p->tx[queue], false);
	if (p->link && p->link->disarm)
		p->link->disarm(p, queue);
}

void ptn_port_settle(struct ptn_port *p, u32 queue)
{
	if (p->link && p->running)
		p->link->settle(p, queue);
}

void ptn_port_heard(struct ptn_port *p, u32 queue)
{
	struct ptn_ring *r = queue < p->tx_rings ? &p->tx[queue]
						 : &p->rx[queue];

	r->count[PTN_C_TX_KICKS]++;
}

void ptn_port_counters(const struct ptn_port *p, u64 out[PTN_C_MAX + 1])
{
	memset(out, 0, (PTN_C_MAX + 1) * sizeof(*out));
	for (u32 i = 0; p->tx && i < ptn_port_rings(p); i++)
		for (int c = 0; c <= PTN_C_MAX; c++)
			out[c] += ptn_load(p->tx[i].count[c]);
}
