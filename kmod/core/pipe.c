// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * netmap pipes: frames move by swapping the buffers of two slots.
 *
 * The books (books.h) follow each swap. A direction of a queue is protected by
 * the locks of both its rings, the transmit ring's taken first.
 */
#include "pipe.h"

#include "books.h"
#include "ring.h"

struct ptn_pipe {
	struct ptn_port *end[2];
	char name[PTN_NAME_MAX];
};

int ptn_pipe_new(struct ptn_pipe **out, const char *name)
{
	struct ptn_pipe *pipe;

	if (!*name || strlen(name) >= PTN_NAME_MAX)
		return -EINVAL;
	pipe = ptn_alloc(sizeof(*pipe));
	if (!pipe)
		return -ENOMEM;
	strcpy(pipe->name, name);
	*out = pipe;
	return 0;
}

void ptn_pipe_free(struct ptn_pipe *pipe)
{
	ptn_free(pipe);
}

/* The port at the other end, when frames can pass. */
static struct ptn_port *other_end(const struct ptn_port *p)
{
	const struct ptn_pipe *pipe = p->peer;
	struct ptn_port *other = ptn_load_acquire(pipe->end[!p->index]);

	if (!other || !ptn_load_acquire(other->running) ||
	    other->region != p->region)
		return NULL;
	return other;
}

/* Slots */

/*
 * Let the books follow what slot @at shows, where that is possible. False when
 * it must be tried again.
 */
static bool make_true(struct ptn_ring *r, const struct ptn_ring *held, u32 at)
{
	int err;

	if (ptn_likely(ptn_slot_idx(ptn_slot_read(&r->slot[at])) == r->buf[at]))
		return true;
	err = ptn_books_make_true(r, held, at);
	if (err == -ENOENT)
		ptn_ring_fault(r);
	return err != -EBUSY;
}

static bool make_frame_true(struct ptn_ring *tx, struct ptn_ring *rx, u32 t,
			    u32 r, u32 n)
{
	for (; n; n--) {
		if (!make_true(tx, rx, t) || !make_true(rx, tx, r))
			return false;
		t = ptn_ring_next(tx, t);
		r = ptn_ring_next(rx, r);
	}
	return true;
}

/*
 * By the books alone: both slots may have claimed the very same buffer. What
 * the sender's slot said may have changed since it was looked at: what it says
 * now is kept in bounds.
 *
 * The program's own flags go along. None come back: an NS_MOREFRAG that is
 * left in a slot would join frames of a sender who sets none.
 */
static void swap_slots(struct ptn_ring *tx, struct ptn_ring *rx, u32 *homes,
		       u32 t, u32 r, u32 more)
{
	const u32 sent = tx->buf[t], empty = rx->buf[r];
	const u64 word = ptn_slot_read(&tx->slot[t]);
	const u32 flags = ptn_slot_flags(word) & ~(NS_MOREFRAG | NS_INDIRECT);
	const u64 back = ptn_load(rx->slot[r].ptr);
	const u32 len = ptn_offset_pass(tx, &tx->slot[t], rx, &rx->slot[r],
					ptn_ring_buf(tx, sent),
					ptn_slot_len(word));

	tx->buf[t] = empty;
	rx->buf[r] = sent;
	ptn_store(homes[empty], PTN_HOME(tx->number, t));
	ptn_store(homes[sent], PTN_HOME(rx->number, r));
	ptn_slot_write(&rx->slot[r], sent, len, flags | more | NS_BUF_CHANGED);
	ptn_slot_write(&tx->slot[t], empty, 0, NS_BUF_CHANGED);
	ptn_offset_take_back(tx, &tx->slot[t], back);
}

/* Frames */

/* Any buffer that has a home; whose it is, a trade settles. */
static bool may_send(const struct ptn_ring *tx, u32 idx)
{
	return ptn_buf_valid(tx, idx) &&
	       ptn_load(ptn_region_homes(tx->port->region)[idx]) !=
		       PTN_HOME_FREE;
}

/*
 * The next frame from slot @at with at most @n slots: how many it has, 0 when
 * its end is not there. *bytes is its length, *drop why it cannot pass.
 */
static u32 frame_at(const struct ptn_ring *tx, u32 at, u32 n, u32 *bytes,
		    u32 *drop)
{
	*bytes = 0;
	*drop = 0;
	for (u32 i = 0; i < n; i++) {
		const u64 word = ptn_slot_read(&tx->slot[at]);
		const u64 ofs = ptn_slot_offset(tx, &tx->slot[at]);

		if (!may_send(tx, ptn_slot_idx(word)) || ofs > tx->offset.max)
			*drop = PTN_C_DROP_BAD_BUFFER;
		else if (ptn_slot_len(word) > tx->buf_size - ofs)
			*drop = PTN_C_DROP_TOO_LONG;
		if (ptn_slot_flags(word) & NS_INDIRECT)
			*drop = PTN_C_DROP_INDIRECT;
		*bytes += ptn_slot_len(word);
		at = ptn_ring_next(tx, at);
		if (!(ptn_slot_flags(word) & NS_MOREFRAG))
			return i + 1;
		if (i + 1 == NETMAP_MAX_FRAGS) {
			*drop = PTN_C_DROP_BAD_CHAIN;
			return i + 1;
		}
	}
	return 0;
}

struct moved {
	u32 tx_slots; /* consumed */
	u32 rx_slots; /* filled */
	u32 frames;
	u64 bytes;
};

/* A frame of several slots, or one that cannot pass. False: not now. */
static bool move_odd(struct ptn_ring *tx, struct ptn_ring *rx, u32 pending,
		     u32 room, struct moved *m)
{
	u32 bytes, drop, *homes;
	u32 t = ptn_ring_add(tx, tx->hwcur, m->tx_slots);
	u32 r = ptn_ring_add(rx, rx->hwtail, m->rx_slots);
	u32 n = frame_at(tx, t, pending - m->tx_slots, &bytes, &drop);

	if (!n && pending + 1 == tx->num_slots && !m->tx_slots) {
		n = pending; /* the ring is full: its end cannot come */
		drop = PTN_C_DROP_BAD_CHAIN;
	}
	if (!drop && n >= rx->num_slots)
		drop = PTN_C_DROP_TOO_BIG;
	if (!n || (!drop && (m->rx_slots + n > room ||
			     !make_frame_true(tx, rx, t, r, n))))
		return false;
	m->tx_slots += n;
	if (drop) {
		tx->count[PTN_C_TX_FRAMES]++;
		(drop == PTN_C_DROP_TOO_BIG ? rx : tx)->count[drop]++;
		if (drop == PTN_C_DROP_BAD_BUFFER)
			ptn_ring_fault(tx);
		return true;
	}
	homes = ptn_region_homes(tx->port->region);
	for (u32 i = 0; i < n; i++) {
		swap_slots(tx, rx, homes, t, r, i + 1 < n ? NS_MOREFRAG : 0);
		t = ptn_ring_next(tx, t);
		r = ptn_ring_next(rx, r);
	}
	m->rx_slots += n;
	m->frames++;
	m->bytes += bytes;
	return true;
}

/* One branch for all that is not the usual. */
static inline bool simple(const struct ptn_ring *r, u32 at, u64 word)
{
	const u32 odd = (ptn_slot_idx(word) ^ r->buf[at]) |
			(u32)(ptn_slot_len(word) > r->buf_size) |
			(ptn_slot_flags(word) & (NS_MOREFRAG | NS_INDIRECT));

	return !odd;
}

/* The program's own word travels with the buffer. */
static inline void swap_ptrs(struct netmap_slot *a, struct netmap_slot *b)
{
	const u64 of_a = ptn_load(a->ptr), of_b = ptn_load(b->ptr);

	if (ptn_likely(of_a == of_b)) /* where nobody uses it */
		return;
	ptn_store(a->ptr, of_b);
	ptn_store(b->ptr, of_a);
}

/*
 * The usual: whole frames of one slot, and slots that show what the books
 * say. Swaps up to @n of them; returns how many.
 */
static u32 move_simple(struct ptn_ring *tx, struct ptn_ring *rx, u32 n,
		       struct moved *m)
{
	u32 *const homes = ptn_region_homes(tx->port->region);
	u32 t = ptn_ring_add(tx, tx->hwcur, m->tx_slots);
	u32 r = ptn_ring_add(rx, rx->hwtail, m->rx_slots);
	u64 bytes = 0;
	u32 i;

	for (i = 0; i < n; i++) {
		const u64 word = ptn_slot_read(&tx->slot[t]);
		const u32 sent = ptn_slot_idx(word), empty = rx->buf[r];

		if (ptn_unlikely(!simple(tx, t, word) ||
				 ptn_load(rx->slot[r].buf_idx) != empty))
			break;
		swap_ptrs(&tx->slot[t], &rx->slot[r]);
		tx->buf[t] = empty;
		rx->buf[r] = sent;
		ptn_store(homes[empty], PTN_HOME(tx->number, t));
		ptn_store(homes[sent], PTN_HOME(rx->number, r));
		ptn_slot_write(&rx->slot[r], sent, ptn_slot_len(word),
			       ptn_slot_flags(word) | NS_BUF_CHANGED);
		ptn_slot_write(&tx->slot[t], empty, 0, NS_BUF_CHANGED);
		bytes += ptn_slot_len(word);
		t = ptn_ring_next(tx, t);
		r = ptn_ring_next(rx, r);
	}
	m->tx_slots += i;
	m->rx_slots += i;
	m->frames += i;
	m->bytes += bytes;
	return i;
}

/* Swap what is there and fits, whole frames only. */
static void move_frames(struct ptn_ring *tx, struct ptn_ring *rx, u32 pending,
			u32 room, struct moved *m)
{
	const bool odd = tx->has_offsets | rx->has_offsets;

	while (m->tx_slots < pending && m->tx_slots < PTN_BATCH) {
		u32 n = pending - m->tx_slots;

		if (n > room - m->rx_slots)
			n = room - m->rx_slots;
		if (n > PTN_BATCH - m->tx_slots)
			n = PTN_BATCH - m->tx_slots;
		if ((ptn_unlikely(odd) || !move_simple(tx, rx, n, m)) &&
		    !move_odd(tx, rx, pending, room, m))
			break;
	}
}

static u32 rx_room(const struct ptn_ring *rx)
{
	return ptn_ring_span(rx, rx->hwtail, ptn_ring_prev(rx, rx->head));
}

static void count_moved(struct ptn_ring *tx, struct ptn_ring *rx,
			const struct moved *m)
{
	tx->count[PTN_C_TX_FRAMES] += m->frames;
	tx->count[PTN_C_TX_BYTES] += m->bytes;
	tx->count[PTN_C_TX_SYNCS]++;
	rx->count[PTN_C_RX_FRAMES] += m->frames;
	rx->count[PTN_C_RX_BYTES] += m->bytes;
	rx->count[PTN_C_RX_SYNCS] += m->frames > 0;
}

/* One direction of one queue. Returns slots moved. */
static u32 move(struct ptn_ring *tx, struct ptn_ring *rx)
{
	struct moved m = {0};
	bool wake_rx = false, wake_tx = false;
	u32 head, pending;

	ptn_spin_lock(&tx->lock);
	ptn_spin_lock(&rx->lock);
	if (!ptn_csb_tx_head(tx, &head))
		goto out;
	if (head == tx->hwcur) {
		wake_tx = ptn_csb_tx_idle(tx);
		goto out;
	}
	pending = ptn_ring_span(tx, tx->hwcur, head);
	if (rx_room(rx) < pending)
		ptn_csb_rx_refresh(rx);
	move_frames(tx, rx, pending, rx_room(rx), &m);
	if (!m.tx_slots) {
		wake_tx = ptn_csb_tx_idle(tx);
		goto out;
	}
	ptn_csb_tx_done(tx, m.tx_slots);
	ptn_store(rx->hwtail, ptn_ring_add(rx, rx->hwtail, m.rx_slots));
	rx->lease = rx->hwtail;
	count_moved(tx, rx, &m);
	ptn_csb_rx_publish(rx);
	ptn_mb();
	wake_rx = m.rx_slots && ptn_csb_must_notify(rx);
	wake_tx = !tx->unshown && ptn_csb_must_notify(tx);
out:
	ptn_spin_unlock(&rx->lock);
	ptn_spin_unlock(&tx->lock);
	if (wake_rx)
		ptn_ring_notify(rx);
	if (wake_tx)
		ptn_ring_notify(tx);
	return m.tx_slots;
}

/* The link */

/* The rings of a queue that a pipe moves; host queues are no part of it. */
static struct ptn_ring *tx_of(const struct ptn_port *p, u32 queue)
{
	return p && queue < p->queues ? &p->tx[queue] : NULL;
}

static struct ptn_ring *rx_of(const struct ptn_port *p, u32 queue)
{
	return p && queue < p->rx_queues ? &p->rx[queue] : NULL;
}

static u32 move_between(struct ptn_ring *tx, struct ptn_ring *rx)
{
	return tx && rx ? move(tx, rx) : 0;
}

static u32 pipe_tx(struct ptn_port *p, u32 queue, struct ptn_work *w)
{
	(void)w;
	return move_between(tx_of(p, queue), rx_of(other_end(p), queue));
}

static u32 pipe_rx(struct ptn_port *p, u32 queue, struct ptn_work *w)
{
	(void)w;
	return move_between(tx_of(other_end(p), queue), rx_of(p, queue));
}

/* Whether a sync would move something in this direction. */
static bool can_move(struct ptn_ring *tx, struct ptn_ring *rx)
{
	u32 head, pending, bytes, drop, n;
	bool can = false;

	if (!tx || !rx)
		return false;
	ptn_spin_lock(&tx->lock);
	ptn_spin_lock(&rx->lock);
	if (ptn_csb_tx_head(tx, &head) && head != tx->hwcur) {
		ptn_csb_rx_refresh(rx);
		pending = ptn_ring_span(tx, tx->hwcur, head);
		n = frame_at(tx, tx->hwcur, pending, &bytes, &drop);
		can = n ? drop || n <= rx_room(rx) || n >= rx->num_slots
			: pending + 1 == tx->num_slots;
	}
	ptn_spin_unlock(&rx->lock);
	ptn_spin_unlock(&tx->lock);
	return can;
}

/* All room is shown to the sender; true when frames of his wait. */
static bool show_all(struct ptn_ring *tx)
{
	bool wake, waits;

	if (!tx)
		return false;
	ptn_spin_lock(&tx->lock);
	wake = ptn_csb_tx_settle(tx);
	waits = ptn_load(tx->atok->head) != tx->hwcur;
	ptn_spin_unlock(&tx->lock);
	if (wake)
		ptn_ring_notify(tx);
	return waits;
}

static void want_kicks(struct ptn_ring *r, bool want)
{
	if (r)
		ptn_csb_want_kicks(r, want);
}

/*
 * Before a queue sleeps: the sender is shown how far he is, and while frames
 * of his wait for room, kicks are wanted from the receiver, who makes it.
 */
static bool wait_for_room(struct ptn_ring *tx, struct ptn_ring *rx)
{
	const bool waits = show_all(tx) && rx;

	if (waits)
		ptn_csb_want_kicks(rx, true);
	return waits;
}

/* One direction alone: the other one's frames may be in nobody's way. */
bool ptn_pipe_ask_for_room(struct ptn_port *p, u32 queue)
{
	struct ptn_ring *tx = tx_of(p, queue), *to = rx_of(other_end(p), queue);

	if (!tx || !wait_for_room(tx, to))
		return true;
	ptn_mb_heavy();
	return !can_move(tx, to);
}

/*
 * Kicks are wanted from the program here as a sender, and in both directions
 * from receivers: the other end's queue may sleep, trusting that this one was
 * to look when its receiver makes room.
 */
static bool pipe_arm(struct ptn_port *p, u32 queue)
{
	const struct ptn_port *other = other_end(p);
	struct ptn_ring *tx = tx_of(p, queue), *rx = rx_of(p, queue);
	struct ptn_ring *back = tx_of(other, queue);
	struct ptn_ring *to = rx_of(other, queue);
	bool waits;

	want_kicks(tx, true);
	ptn_mb_heavy();
	waits = wait_for_room(tx, to);
	waits |= wait_for_room(back, rx);
	if (waits)
		ptn_mb_heavy();
	if (!can_move(tx, to) && !can_move(back, rx) &&
	    !(tx && ptn_csb_tx_gated(tx)))
		return true;
	want_kicks(tx, false);
	want_kicks(rx, false);
	want_kicks(to, false);
	return false;
}

static void pipe_settle(struct ptn_port *p, u32 queue)
{
	show_all(tx_of(p, queue));
	show_all(tx_of(other_end(p), queue));
}

static void pipe_disarm(struct ptn_port *p, u32 queue)
{
	want_kicks(rx_of(p, queue), false);
}

/* An end that comes up may find frames waiting at the other. */
static void pipe_up(struct ptn_port *p)
{
	struct ptn_port *other = other_end(p);

	for (u32 i = 0; other && i < other->queues; i++)
		other->ops->wake(other->home, i);
}

static void pipe_down(struct ptn_port *p)
{
	(void)p;
}

static const struct ptn_link_ops pipe_link = {
	.tx = pipe_tx,
	.rx = pipe_rx,
	.arm = pipe_arm,
	.disarm = pipe_disarm,
	.settle = pipe_settle,
	.up = pipe_up,
	.down = pipe_down,
};

int ptn_pipe_attach(struct ptn_pipe *pipe, unsigned end, struct ptn_port *p)
{
	if (end > 1 || pipe->end[end] || p->link)
		return -EBUSY;
	p->index = end;
	p->peer = pipe;
	p->link = &pipe_link;
	ptn_store_release(pipe->end[end], p);
	if (ptn_port_running(p))
		pipe_up(p);
	return 0;
}

void ptn_pipe_detach(struct ptn_port *p)
{
	struct ptn_pipe *pipe = p->peer;

	if (p->link != &pipe_link)
		return;
	ptn_store_release(pipe->end[p->index], NULL);
	ptn_rcu_synchronize();
	p->link = NULL;
	p->peer = NULL;
}
