// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * The VALE switch's data path, run by the thread that syncs the sender.
 *
 *	gather	slots -> checked frames; each slot is read once
 *	route	learn sources, look up destinations, one list a destination
 *	deliver	for each destination: lease buffers under the receiver's
 *		lock, copy without it, publish under it
 *
 * A lease takes buffers, not places: who publishes writes his buffers into
 * the next slots of the ring, whatever the order of the leases was. So a
 * sender that stalls between lease and publish keeps a few buffers from the
 * ring and delays nobody.
 */
#include "vale_inner.h"
#include "work.h"

enum {
	ETH_HEADER = 14,
	FLOOD = 0x10000, /* beyond every port index */
	NOBODY = 0x10001,
};

static const u64 MAC_MASK = 0xffffffffffffULL;
static const u64 MULTICAST = 1;

/* Gather */

struct chain {
	u32 slots; /* of the frame that is being read; 0: between frames */
	u32 first_frag;
	u32 len;
	u32 drop; /* enum ptn_counter, 0: good so far */
};

static u32 slot_problem(const struct ptn_ring *r, u32 idx, u32 len, u32 flags)
{
	if (!ptn_buf_valid(r, idx))
		return PTN_C_DROP_BAD_BUFFER;
	if (len > r->buf_size)
		return PTN_C_DROP_TOO_LONG;
	if (flags & NS_INDIRECT)
		return PTN_C_DROP_INDIRECT;
	return 0;
}

static void add_frag(struct ptn_work *w, const struct ptn_ring *r, u32 idx,
		     u32 len, u32 flags)
{
	struct ptn_frag *f = &w->frag[w->n_frags++];

	f->addr = ptn_ring_buf(r, idx);
	f->len = len;
	f->flags = flags;
	ptn_prefetch(f->addr);
}

static void add_frame(struct ptn_work *w, u32 first, u32 frags, u32 len)
{
	struct ptn_frame *f = &w->frame[w->n_frames++];

	f->first = (u16)first;
	f->frags = (u16)frags;
	f->len = len;
}

static void count_drop(struct ptn_ring *r, u32 reason)
{
	r->count[reason]++;
	if (reason == PTN_C_DROP_BAD_BUFFER)
		ptn_ring_fault(r);
}

static void end_chain(struct ptn_ring *r, struct chain *c, struct ptn_work *w)
{
	r->count[PTN_C_TX_FRAMES]++;
	r->count[PTN_C_TX_BYTES] += c->len;
	if (c->drop) {
		count_drop(r, c->drop);
		w->n_frags = c->first_frag;
	} else {
		add_frame(w, c->first_frag, c->slots, c->len);
	}
	c->slots = 0;
}

/* A slot that is not a whole good frame; true when it ends a frame. */
static bool gather_odd(struct ptn_ring *r, struct chain *c, struct ptn_work *w,
		       u64 word)
{
	const u32 idx = ptn_slot_idx(word), len = ptn_slot_len(word);
	const u32 flags = ptn_slot_flags(word) & PTN_TX_FLAGS;
	u32 problem = slot_problem(r, idx, len, flags);

	if (r->skipping) {
		r->skipping = flags & NS_MOREFRAG;
		return true;
	}
	if (!c->slots++) {
		c->first_frag = w->n_frags;
		c->len = 0;
		c->drop = 0;
	}
	if (!problem && c->slots > NETMAP_MAX_FRAGS)
		problem = PTN_C_DROP_BAD_CHAIN;
	if (!c->drop)
		c->drop = problem;
	if (!c->drop) {
		add_frag(w, r, idx, len, flags);
		c->len += len;
	}
	if (flags & NS_MOREFRAG && c->slots <= NETMAP_MAX_FRAGS)
		return false;
	r->skipping = flags & NS_MOREFRAG;
	end_chain(r, c, w);
	return true;
}

/*
 * A frame whose end has not come. It waits for the rest, unless the ring is
 * full, so that the rest cannot come.
 */
static u32 unfinished(struct ptn_ring *r, struct chain *c, struct ptn_work *w,
		      u32 done, u32 n)
{
	w->n_frags = c->first_frag;
	if (done || n + 1 < r->num_slots)
		return done;
	c->drop = PTN_C_DROP_BAD_CHAIN;
	end_chain(r, c, w);
	r->skipping = true;
	return n;
}

/* Returns the number of slots that are done with. */
static u32 gather(struct ptn_ring *r, u32 n, struct ptn_work *w)
{
	struct chain c = {0};
	u32 at = r->hwcur, done = 0;
	u64 frames = 0, bytes = 0;

	w->n_frags = 0;
	w->n_frames = 0;
	for (u32 i = 0; i < n; i++) {
		const u64 word = ptn_slot_read(&r->slot[at]);
		const u32 idx = ptn_slot_idx(word), len = ptn_slot_len(word);
		const u32 flags = ptn_slot_flags(word) &
				  (NS_MOREFRAG | NS_INDIRECT | NS_NO_LEARN);

		at = ptn_ring_next(r, at);
		if (ptn_likely(ptn_buf_valid(r, idx) & (len <= r->buf_size) &
			       !(flags & (NS_MOREFRAG | NS_INDIRECT)) &
			       !c.slots & !r->skipping)) {
			add_frame(w, w->n_frags, 1, len);
			add_frag(w, r, idx, len, flags);
			frames++;
			bytes += len;
			done = i + 1;
		} else if (gather_odd(r, &c, w, word)) {
			done = i + 1;
		}
	}
	r->count[PTN_C_TX_FRAMES] += frames;
	r->count[PTN_C_TX_BYTES] += bytes;
	return c.slots ? unfinished(r, &c, w, done, n) : done;
}

/* Route */

static u64 load_mac(const char *at)
{
	u64 word;

	memcpy(&word, at, sizeof(word));
	return word & MAC_MASK;
}

static void learn(struct ptn_vale *v, struct ptn_ring *r, u64 src)
{
	const u32 epoch = ptn_load(v->fdb.epoch);
	const u32 tick = ptn_load(v->fdb.tick);

	if (ptn_likely(src == r->last_src && epoch == r->last_epoch &&
		       tick == r->last_tick))
		return;
	if (src & MULTICAST || !src)
		return;
	ptn_fdb_learn(&v->fdb, src, r->port->index);
	r->last_src = src;
	r->last_epoch = ptn_load(v->fdb.epoch);
	r->last_tick = tick;
}

static struct ptn_dest *find_dest(struct ptn_work *w, u32 port)
{
	u32 h = port * 0x9e3779b1u >> 23;

	for (;; h = (h + 1) % PTN_WORK_HASH) {
		struct ptn_dest *d;

		if (!w->slot[h]) {
			d = &w->dest[w->n_dests++];
			d->port = port;
			d->head = PTN_WORK_END;
			d->frames = 0;
			w->slot[h] = (u16)w->n_dests;
			return d;
		}
		d = &w->dest[w->slot[h] - 1];
		if (d->port == port)
			return d;
	}
}

static void append(struct ptn_work *w, u16 *head, u16 *tail, u16 frame)
{
	if (*head == PTN_WORK_END)
		*head = frame;
	else
		w->frame[*tail].next = frame;
	*tail = frame;
	w->frame[frame].next = PTN_WORK_END;
}

/* The port index of a frame's destination, FLOOD, or NOBODY after a drop. */
static u32 look_up(const struct ptn_vale *v, struct ptn_ring *r, u64 dst)
{
	u32 port;

	if (dst & MULTICAST)
		return FLOOD;
	port = ptn_fdb_lookup(&v->fdb, dst);
	if (ptn_unlikely(port == PTN_FDB_NONE))
		return FLOOD;
	if (ptn_unlikely(port == r->port->index)) {
		r->count[PTN_C_DROP_SAME_PORT]++;
		return NOBODY;
	}
	return port;
}

static void route(struct ptn_vale *v, struct ptn_ring *r, struct ptn_work *w)
{
	u64 last_dst = 0;
	u32 port = NOBODY;
	struct ptn_dest *d = NULL;

	w->n_dests = 0;
	w->flooded = 0;
	w->flood_head = PTN_WORK_END;
	for (u32 i = 0; i < w->n_frames; i++) {
		const struct ptn_frag *f = &w->frag[w->frame[i].first];
		u64 dst;

		if (ptn_unlikely(f->len < ETH_HEADER)) {
			r->count[PTN_C_DROP_TOO_SHORT]++;
			continue;
		}
		dst = load_mac(f->addr);
		if (!(f->flags & NS_NO_LEARN))
			learn(v, r, load_mac(f->addr + 6));
		if (dst != last_dst || !d) {
			port = look_up(v, r, dst);
			last_dst = dst;
			d = port < FLOOD ? find_dest(w, port) : NULL;
		}
		if (ptn_likely(d != NULL)) {
			append(w, &d->head, &d->tail, (u16)i);
			d->frames++;
		} else if (port == FLOOD) {
			append(w, &w->flood_head, &w->flood_tail, (u16)i);
			w->flooded++;
		}
	}
}

/* Deliver */

/* Frames of two lists in the order in which they were sent. */
struct merge {
	u16 a, b;
};

static u32 merge_next(const struct ptn_work *w, struct merge *m)
{
	u16 *from = m->a < m->b ? &m->a : &m->b;
	const u32 frame = *from;

	*from = w->frame[frame].next;
	return frame;
}

static bool merge_end(const struct merge *m)
{
	return m->a == PTN_WORK_END && m->b == PTN_WORK_END;
}

/* Slots that a frame takes in @r: one a fragment where these fit. */
static u32 slots_for(const struct ptn_ring *r, const struct ptn_ring *from,
		     const struct ptn_frame *f)
{
	if (ptn_likely(r->buf_size >= from->buf_size))
		return f->frags;
	return f->len ? (f->len + r->buf_size - 1) / r->buf_size : 1;
}

static u32 free_slots(const struct ptn_ring *r)
{
	return ptn_ring_span(r, r->lease, ptn_ring_prev(r, r->head));
}

/*
 * A buffer for the next leased slot. What the program put there counts, if
 * it is a buffer at all; else the one that the books know.
 */
static u32 lease_one(struct ptn_ring *r)
{
	u32 idx = ptn_slot_idx(ptn_slot_read(&r->slot[r->lease]));

	if (ptn_unlikely(!ptn_buf_valid(r, idx))) {
		idx = r->buf[r->lease];
		ptn_ring_fault(r);
	}
	r->lease = ptn_ring_next(r, r->lease);
	return idx;
}

/*
 * Pick from the list what fits into the ring and into one lease. Returns the
 * number of frames picked; sets *slots.
 */
static u32 pick(struct ptn_ring *r, const struct ptn_ring *from,
		struct ptn_work *w, struct merge *m, u32 *slots)
{
	u32 room = free_slots(r), picked = 0;

	*slots = 0;
	while (!merge_end(m)) {
		struct merge before = *m;
		const u32 frame = merge_next(w, m);
		const u32 need = slots_for(r, from, &w->frame[frame]);

		if (ptn_unlikely(need > NETMAP_MAX_FRAGS ||
				 need >= r->num_slots)) {
			r->count[PTN_C_DROP_TOO_BIG]++;
			continue;
		}
		if (*slots + need > PTN_BATCH) {
			*m = before;
			break;
		}
		if (*slots + need > room) {
			r->count[PTN_C_DROP_RX_FULL]++;
			continue;
		}
		w->pick[picked++] = (u16)frame;
		*slots += need;
	}
	return picked;
}

static u32 lease(struct ptn_ring *r, const struct ptn_ring *from,
		 struct ptn_work *w, struct merge *m, u32 *slots)
{
	u32 picked;

	ptn_spin_lock(&r->lock);
	if (free_slots(r) < PTN_BATCH)
		ptn_csb_rx_refresh(r);
	picked = pick(r, from, w, m, slots);
	for (u32 i = 0; i < *slots; i++) {
		struct ptn_out *o = &w->out[i];

		o->idx = lease_one(r);
		o->addr = ptn_ring_buf(r, o->idx);
		ptn_prefetchw(o->addr);
	}
	ptn_spin_unlock(&r->lock);
	return picked;
}

/* A frame into the receiver's smaller buffers. Returns the slots used. */
static u32 copy_repacked(const struct ptn_ring *r, const struct ptn_frag *frag,
			 u32 frags, struct ptn_out *out)
{
	u32 used = 0, fill = 0;

	for (u32 i = 0; i < frags; i++) {
		u32 at = 0;

		while (at < frag[i].len) {
			u32 n = r->buf_size - fill;

			if (n > frag[i].len - at)
				n = frag[i].len - at;
			ptn_copy(out[used].addr + fill, frag[i].addr + at, n);
			at += n;
			fill += n;
			out[used].len = fill;
			if (fill == r->buf_size) {
				used++;
				fill = 0;
			}
		}
	}
	if (!fill && used)
		used--;
	return used + 1;
}

static void mark_fragments(struct ptn_out *out, u32 n)
{
	for (u32 i = 0; i < n; i++)
		out[i].flags = n << NS_PORT_SHIFT |
			       (i + 1 < n ? NS_MOREFRAG : 0);
}

static u32 copy_odd(const struct ptn_ring *r, const struct ptn_ring *from,
		    const struct ptn_work *w, const struct ptn_frame *f,
		    struct ptn_out *out)
{
	const struct ptn_frag *frag = &w->frag[f->first];
	u32 n = f->frags;

	if (r->buf_size < from->buf_size) {
		out[0].len = 0;
		n = copy_repacked(r, frag, n, out);
	} else {
		for (u32 i = 0; i < n; i++) {
			ptn_copy(out[i].addr, frag[i].addr, frag[i].len);
			out[i].len = frag[i].len;
		}
	}
	mark_fragments(out, n);
	return n;
}

/* Returns the bytes copied. */
static u64 copy_picked(const struct ptn_ring *r, const struct ptn_ring *from,
		       struct ptn_work *w, u32 picked)
{
	const bool same = r->buf_size >= from->buf_size;
	struct ptn_out *out = w->out;
	u64 bytes = 0;

	for (u32 i = 0; i < picked; i++) {
		const struct ptn_frame *f = &w->frame[w->pick[i]];

		bytes += f->len;
		if (ptn_likely(same && f->frags == 1)) {
			ptn_copy(out->addr, w->frag[f->first].addr, f->len);
			out->len = f->len;
			out->flags = 1 << NS_PORT_SHIFT;
			out++;
		} else {
			out += copy_odd(r, from, w, f, out);
		}
	}
	return bytes;
}

static void publish(struct ptn_ring *r, const struct ptn_work *w, u32 frames,
		    u32 slots, u64 bytes)
{
	bool notify;
	u32 at;

	ptn_spin_lock(&r->lock);
	at = r->hwtail;
	for (u32 i = 0; i < slots; i++) {
		const struct ptn_out *o = &w->out[i];

		ptn_slot_write(&r->slot[at], o->idx, o->len, o->flags);
		at = ptn_ring_next(r, at);
	}
	r->hwtail = at;
	r->count[PTN_C_RX_FRAMES] += frames;
	r->count[PTN_C_RX_BYTES] += bytes;
	r->count[PTN_C_RX_SYNCS]++;
	notify = ptn_csb_publish(r, r->head);
	r->count[PTN_C_RX_KICKS] += notify;
	ptn_spin_unlock(&r->lock);
	if (notify)
		ptn_ring_notify(r);
}

static void deliver(struct ptn_port *to, const struct ptn_ring *from, u32 queue,
		    struct ptn_work *w, struct merge m)
{
	struct ptn_ring *r =
		&to->rx[queue < to->queues ? queue : queue % to->queues];

	while (!merge_end(&m)) {
		u32 slots, picked = lease(r, from, w, &m, &slots);

		if (picked)
			publish(r, w, picked, slots,
				copy_picked(r, from, w, picked));
	}
}

static void count_flood(struct ptn_vale *v, struct ptn_ring *r, u32 flooded,
			u32 receivers)
{
	if (!receivers) {
		r->count[PTN_C_DROP_NO_DEST] += flooded;
		return;
	}
	ptn_spin_lock(&v->count_lock);
	v->flooded += flooded;
	v->copies += (u64)flooded * receivers;
	ptn_spin_unlock(&v->count_lock);
}

static void deliver_dest(const struct ptn_vale_table *t, struct ptn_ring *r,
			 u32 queue, struct ptn_work *w, u32 i)
{
	const struct ptn_dest *d = &w->dest[i];
	const struct merge m = {d->head, PTN_WORK_END};
	struct ptn_port *to =
		d->port < t->size ? ptn_load_acquire(t->port[d->port]) : NULL;

	if (to)
		deliver(to, r, queue, w, m);
	else
		r->count[PTN_C_DROP_NO_DEST] += d->frames;
}

/* Everyone gets the flooded frames, some their own among them. */
static void deliver_all(struct ptn_vale *v, const struct ptn_vale_table *t,
			struct ptn_ring *r, u32 queue, struct ptn_work *w)
{
	const u32 end = ptn_load_acquire(t->end);
	u32 receivers = 0;

	for (u32 i = 0; i < end; i++) {
		struct ptn_port *to = ptn_load_acquire(t->port[i]);
		struct merge m = {PTN_WORK_END, w->flood_head};

		if (!to || to == r->port)
			continue;
		for (u32 j = 0; j < w->n_dests; j++) {
			if (w->dest[j].port != i)
				continue;
			m.a = w->dest[j].head;
			w->dest[j].frames = 0;
		}
		deliver(to, r, queue, w, m);
		receivers++;
	}
	count_flood(v, r, w->flooded, receivers);
	for (u32 j = 0; j < w->n_dests; j++)
		r->count[PTN_C_DROP_NO_DEST] += w->dest[j].frames;
}

static void forget_dests(struct ptn_work *w)
{
	if (w->n_dests > 8) {
		memset(w->slot, 0, sizeof(w->slot));
		return;
	}
	for (u32 i = 0; i < w->n_dests; i++) {
		u32 h = w->dest[i].port * 0x9e3779b1u >> 23;

		for (; w->slot[h]; h = (h + 1) % PTN_WORK_HASH)
			w->slot[h] = 0;
	}
}

static void transmit(struct ptn_vale *v, struct ptn_ring *r, u32 queue,
		     struct ptn_work *w)
{
	const struct ptn_vale_table *t = ptn_load_acquire(v->table);

	route(v, r, w);
	if (ptn_unlikely(w->flooded)) {
		deliver_all(v, t, r, queue, w);
	} else {
		for (u32 i = 0; i < w->n_dests; i++)
			deliver_dest(t, r, queue, w, i);
	}
	forget_dests(w);
}

u32 ptn_forward(struct ptn_port *p, u32 queue, struct ptn_work *w)
{
	struct ptn_ring *r = &p->tx[queue];
	u32 head, n, done;

	if (!ptn_csb_tx_head(r, &head) || head == r->seen)
		return 0;
	n = ptn_ring_span(r, r->hwcur, head);
	done = gather(r, n < PTN_BATCH ? n : PTN_BATCH, w);
	if (w->n_frames)
		transmit(p->peer, r, queue, w);
	if (!done) {
		r->seen = head;
		return 0;
	}
	r->hwcur = ptn_ring_add(r, r->hwcur, done);
	r->seen = r->hwcur;
	r->hwtail = ptn_ring_prev(r, r->hwcur);
	r->count[PTN_C_TX_SYNCS]++;
	if (ptn_csb_publish(r, r->hwcur))
		ptn_ring_notify(r);
	return done;
}

bool ptn_forward_arm(struct ptn_port *p, u32 queue)
{
	struct ptn_ring *r = &p->tx[queue];

	ptn_csb_want_kicks(r, true);
	ptn_mb();
	if (ptn_load(r->atok->head) == r->seen)
		return true;
	ptn_csb_want_kicks(r, false);
	return false;
}
