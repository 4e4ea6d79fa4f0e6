// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * Rings: their objects in the region's memory, and their initial state. Called
 * by ports only.
 */
#include "ring.h"

/* Of different kinds to who checks the order of locks: a pipe takes the
 * transmit ring's, then the receive ring's. */
static void init_tx_lock(struct ptn_ring *r)
{
	ptn_spin_init(&r->lock);
}

static void init_rx_lock(struct ptn_ring *r)
{
	ptn_spin_init(&r->lock);
}

void ptn_ring_init(struct ptn_ring *r, struct ptn_port *p, u32 i)
{
	const struct ptn_shape *shape = ptn_region_shape(p->region);
	const bool is_rx = i >= p->tx_rings;
	const u32 queue = is_rx ? i - p->tx_rings : i;
	const u32 before = is_rx ? p->tx_rings * p->slots + queue * p->rx_slots
				 : queue * p->slots;

	r->port = p;
	r->num_slots = is_rx ? p->rx_slots : p->slots;
	r->buf_size = shape->buf_size;
	r->buf_count = ptn_region_bufs(p->region);
	r->bufs = ptn_region_object(p->region, 2, 0);
	r->vector = is_rx ? PTN_VECTOR_RX(queue) : PTN_VECTOR_TX(queue);
	r->buf = p->books + before;
	(is_rx ? init_rx_lock : init_tx_lock)(r);
}

int ptn_ring_take(struct ptn_ring *r)
{
	struct ptn_region *region = r->port->region;
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

void ptn_ring_put(struct ptn_ring *r)
{
	struct ptn_region *region = r->port->region;

	if (!r->shared)
		return;
	for (u32 s = 0; s < r->num_slots; s++)
		if (r->buf[s])
			ptn_region_buf_put(region, r->buf[s]);
	ptn_region_ring_put(region, r->number);
	r->shared = NULL;
}

static void reset_indices(struct ptn_ring *r)
{
	r->hwcur = 0;
	r->head = 0;
	r->lease = 0;
	r->held = 0;
	r->seen = 0;
	r->kicked = 0;
	r->unshown = 0;
	r->gate = r->num_slots;
	r->taken = 0;
	r->skipping = false;
	r->last_src = 0;
	r->hwtail = ptn_ring_is_rx(r) ? 0 : r->num_slots - 1;
	r->shown = r->hwtail;
}

static void reset_header(const struct ptn_ring *r)
{
	struct netmap_ring *s = r->shared;

	s->buf_ofs = r->bufs - (char *)s;
	s->num_slots = r->num_slots;
	s->nr_buf_size = r->buf_size;
	s->ringid = (u16)((r->vector - 1) / 2);
	s->dir = ptn_ring_is_rx(r);
	s->flags = 0;
	s->offset_mask = r->offset.mask;
	s->buf_align = r->offset.align;
	s->head = 0;
	s->cur = 0;
	s->tail = r->hwtail;
}

void ptn_ring_reset(struct ptn_ring *r)
{
	ptn_spin_lock(&r->lock);
	for (u32 i = 0; i < r->num_slots; i++) {
		ptn_slot_write(&r->slot[i], r->buf[i], 0, 0);
		ptn_store(r->slot[i].ptr, r->offset.initial);
	}
	ptn_spin_unlock(&r->lock);
	reset_indices(r);
	reset_header(r);
	memset(r->atok, 0, sizeof(*r->atok));
	memset(r->ktoa, 0, sizeof(*r->ktoa));
	ptn_store(r->ktoa->hwtail, r->hwtail);
	ptn_store(r->ktoa->kern_need_kick, !ptn_ring_is_rx(r));
}

/*
 * Frames that the program handed over and nobody will send any more. Their
 * slots are the program's again: it may start anew without a reset.
 */
void ptn_ring_drop(struct ptn_ring *r)
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
