// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * Devices back to back with a port, and devices that are a port's program.
 *
 * What a device has no room for stays in the transmit ring: frames go out in
 * order and whole, as many as there is room for, and the rest waits there
 * until ptn_device_room_made().
 */
#include "device.h"

#include "batch.h"
#include "offload.h"

/* To the device */

/*
 * Slots from hwcur on that hold at most @room frames: so many as end there. A
 * program that writes meanwhile may make more of them, which the device drops.
 */
static u32 slots_of(const struct ptn_ring *r, u32 head, u32 room)
{
	const u32 pending = ptn_ring_span(r, r->hwcur, head);
	const u32 n = pending < PTN_BATCH ? pending : PTN_BATCH;
	u32 at = r->hwcur;

	if (room >= n) /* what the program adds meanwhile must fit as well */
		return room < PTN_BATCH ? room : PTN_BATCH;
	for (u32 i = 0; i < n; i++) {
		const u64 word = ptn_slot_read(&r->slot[at]);

		at = ptn_ring_next(r, at);
		if (!(ptn_slot_flags(word) & NS_MOREFRAG) && !--room)
			return i + 1;
	}
	return n;
}

static void hand_over(struct ptn_port *p, u32 queue, struct ptn_work *w)
{
	struct ptn_ring *r = &p->tx[queue];

	if (ptn_unlikely(w->hdr_len))
		ptn_offload_check(r, w);
	if (w->n_frames)
		r->count[PTN_C_DROP_DEVICE] +=
			p->device->xmit(p->peer, queue, w);
}

static u32 device_tx(struct ptn_port *p, u32 queue, struct ptn_work *w)
{
	struct ptn_ring *r = &p->tx[queue];
	u32 head, room, done = 0;

	if (!ptn_csb_tx_head(r, &head))
		return 0;
	room = head == r->seen ? 0 : p->device->room(p->peer, queue);
	if (room) {
		done = ptn_gather(r, &head, slots_of(r, head, room), w);
		hand_over(p, queue, w);
		r->seen = head;
	}
	if (!done) {
		if (ptn_csb_tx_idle(r))
			ptn_ring_notify(r);
		return 0;
	}
	ptn_csb_tx_done(r, done);
	r->seen = r->hwcur;
	r->count[PTN_C_TX_SYNCS]++;
	w->n_published = 0;
	ptn_notify_published(r, w);
	return done;
}

/* What a device brings with headers is checked as what programs send is. */
static u32 device_rx(struct ptn_port *p, u32 queue, struct ptn_work *w)
{
	u32 n;

	if (!p->device->fetch)
		return 0;
	ptn_device_clear(w);
	p->device->fetch(p->peer, queue, w);
	n = w->n_frames;
	if (w->hdr_len)
		ptn_offload_check(&p->rx[queue], w);
	ptn_device_receive(p, queue, w);
	return n; /* lost or not: there may be more */
}

/* A queue without room sleeps, too: ptn_device_room_made() wakes it. */
static bool device_arm(struct ptn_port *p, u32 queue)
{
	struct ptn_ring *r = ptn_port_ring(p, PTN_VECTOR_TX(queue));

	if (!r)
		return true;
	ptn_csb_settle(p, queue);
	ptn_csb_want_kicks(r, true);
	ptn_mb_heavy();
	if (ptn_load(r->atok->head) == r->seen ||
	    !p->device->room(p->peer, queue))
		return true;
	ptn_csb_want_kicks(r, false);
	return false;
}

static void device_up(struct ptn_port *p)
{
	(void)p;
}

static void device_down(struct ptn_port *p)
{
	(void)p;
}

static const struct ptn_link_ops device_link = {
	.tx = device_tx,
	.rx = device_rx,
	.arm = device_arm,
	.settle = ptn_csb_settle,
	.up = device_up,
	.down = device_down,
};

int ptn_device_attach(struct ptn_port *p, const struct ptn_device_ops *ops,
		      void *home)
{
	if (p->link)
		return -EBUSY;
	p->device = ops;
	p->peer = home;
	ptn_store_release(p->link, &device_link);
	return 0;
}

void ptn_device_detach(struct ptn_port *p)
{
	if (p->link != &device_link)
		return;
	ptn_store(p->link, NULL);
	ptn_rcu_synchronize();
	p->device = NULL;
	p->peer = NULL;
}

void ptn_device_room_made(struct ptn_port *p, u32 queue)
{
	/* whether somebody waits is his own to know: asking it here would
	 * need a barrier of every sender that finds no room */
	if (ptn_load_acquire(p->running) && queue < p->tx_rings)
		p->ops->wake(p->home, queue);
}

/* Frames of the device */

void ptn_device_clear(struct ptn_work *w)
{
	w->n_frags = 0;
	w->n_frames = 0;
	w->n_open = 0;
	w->frag_max = 0;
	w->hdr_len = 0;
	w->odd = false;
}

static void end_frame(struct ptn_work *w)
{
	const u32 first = w->n_frags - w->n_open;
	u32 len = 0;

	if (!w->odd && w->n_open == 1) {
		w->n_frames++;
	} else {
		ptn_work_become_odd(w);
		for (u32 i = first; i < w->n_frags; i++)
			len += w->frag[i].len;
		ptn_work_add_frame(w, first, w->n_open, len);
	}
	w->n_open = 0;
}

bool ptn_device_add(struct ptn_work *w, const void *addr, u32 len, bool more,
		    u32 flags)
{
	struct ptn_frag *f = &w->frag[w->n_frags];

	if (w->n_frags == PTN_BATCH) {
		w->n_frags -= w->n_open;
		w->n_open = 0;
		return false;
	}
	f->addr = addr;
	f->len = len;
	f->flags = flags;
	if (len > w->frag_max)
		w->frag_max = len;
	w->n_frags++;
	w->n_open++;
	if (!more)
		end_frame(w);
	return true;
}

u32 ptn_device_receive(struct ptn_port *p, u32 queue, struct ptn_work *w)
{
	u32 n;

	if (!ptn_load_acquire(p->running) || !w->n_frames)
		return 0;
	w->n_published = 0;
	n = ptn_deliver(&p->rx[queue % p->rx_rings], w, NULL, w->n_frames);
	ptn_notify_published(NULL, w);
	return n;
}

void ptn_device_inject(struct ptn_port *p, u32 queue, struct ptn_work *w)
{
	const struct ptn_link_ops *link = ptn_load_acquire(p->link);
	struct ptn_ring *r = &p->tx[queue % p->tx_rings];
	u64 bytes = 0;

	if (!ptn_load_acquire(p->running) || !w->n_frames)
		return;
	for (u32 i = 0; i < w->n_frames; i++)
		bytes += ptn_work_bytes(w, i);
	r->count[PTN_C_TX_FRAMES] += w->n_frames;
	r->count[PTN_C_TX_BYTES] += bytes;
	r->count[PTN_C_TX_SYNCS]++;
	if (link && link->inject)
		link->inject(p, queue % p->tx_rings, w);
	else
		r->count[PTN_C_DROP_NO_DEST] += w->n_frames;
}

/* Frames for the device */

static void cut_open(struct ptn_work *w)
{
	w->n_frags -= w->n_open;
	w->n_open = 0;
}

/*
 * A frame from slot @at of a ring whose program is the device. What is not
 * possible in there comes from another program of the region: the frame is
 * left out. Returns its slots, 0 when its end is not among the @n.
 */
static u32 take_frame(struct ptn_ring *r, u32 at, u32 n, struct ptn_work *w)
{
	bool good = true;

	for (u32 i = 0; i < n; i++) {
		const u64 word = ptn_slot_read(&r->slot[at]);
		const u64 ofs = ptn_slot_offset(r, &r->slot[at]);
		const u32 idx = ptn_slot_idx(word), len = ptn_slot_len(word);
		const bool more = ptn_slot_flags(word) & NS_MOREFRAG;

		at = ptn_ring_next(r, at);
		if (ptn_unlikely(!ptn_buf_valid(r, idx) ||
				 ofs > r->offset.max ||
				 len > r->buf_size - ofs)) {
			ptn_ring_fault(r);
			good = false;
			cut_open(w);
		}
		if (good)
			ptn_device_add(w, ptn_ring_buf(r, idx) + ofs, len, more,
				       0);
		if (!more)
			return i + 1;
	}
	cut_open(w);
	return 0;
}

u32 ptn_device_take(struct ptn_port *p, u32 queue, struct ptn_work *w, u32 max)
{
	struct ptn_ring *r = &p->rx[queue % p->rx_rings];
	const u32 head = ptn_load(r->atok->head);
	const u32 tail = ptn_load_acquire(r->ktoa->hwtail);
	const u32 there = ptn_ring_span(r, head, tail);
	const u32 n = there < PTN_BATCH ? there : PTN_BATCH;
	u32 taken = 0;

	ptn_device_clear(w);
	if (ptn_load(r->atok->appl_need_kick))
		ptn_store(r->atok->appl_need_kick, 0);
	while (taken < n && w->n_frames < max) {
		const u32 slots = take_frame(r, ptn_ring_add(r, head, taken),
					     n - taken, w);

		/* a chain without an end is nothing that was delivered */
		if (!slots && !taken)
			taken = n;
		if (!slots)
			break;
		taken += slots;
	}
	r->taken = taken;
	if (!w->n_frames) /* nothing to wait for with these */
		ptn_device_give_back(p, queue);
	return w->n_frames;
}

u32 ptn_device_marked(struct ptn_port *p, u32 vector, u32 *from, u32 to,
		      struct ptn_work *w)
{
	struct ptn_ring *r = ptn_port_ring(p, vector);

	ptn_device_clear(w);
	while (r && *from != to && w->n_frags <= PTN_BATCH - NETMAP_MAX_FRAGS) {
		const u64 word = ptn_slot_read(&r->slot[*from]);
		const u32 left = ptn_ring_span(r, *from, to);
		const u32 most = left < NETMAP_MAX_FRAGS ? left
							 : NETMAP_MAX_FRAGS;
		u32 n = 1;

		if (ptn_slot_flags(word) & NS_FORWARD)
			n = take_frame(r, *from, most, w);
		/* a frame without an end is passed over */
		*from = ptn_ring_add(r, *from, n ? n : most);
	}
	return w->n_frames;
}

void ptn_device_lost(struct ptn_port *p, u32 vector, u32 n)
{
	struct ptn_ring *r = ptn_port_ring(p, vector);

	if (n && r)
		ptn_store(r->count[PTN_C_DROP_DEVICE],
			  r->count[PTN_C_DROP_DEVICE] + n);
}

u32 ptn_device_give_back(struct ptn_port *p, u32 queue)
{
	struct ptn_ring *r = &p->rx[queue % p->rx_rings];
	const u32 n = r->taken;
	const u32 head = ptn_ring_add(r, ptn_load(r->atok->head), n);

	r->taken = 0;
	ptn_store(r->atok->cur, head);
	ptn_store_release(r->atok->head, head);
	return n;
}

bool ptn_device_waits(const struct ptn_port *p, u32 queue)
{
	const struct ptn_ring *r = &p->rx[queue % p->rx_rings];

	return ptn_load(r->atok->head) != ptn_load_acquire(r->ktoa->hwtail);
}

bool ptn_device_sleep(struct ptn_port *p, u32 queue)
{
	struct ptn_ring *r = &p->rx[queue % p->rx_rings];

	ptn_store(r->atok->appl_need_kick, 1);
	ptn_mb();
	if (!ptn_device_waits(p, queue))
		return true;
	ptn_store(r->atok->appl_need_kick, 0);
	return false;
}
