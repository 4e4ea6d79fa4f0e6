// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * The VALE switch's data path, run by the thread that syncs the sender.
 *
 *	gather	slots -> checked frames (gather.c)
 *	check	the headers before them, if the sender has such (offload.c)
 *	route	learn sources, look up destinations, sort frames by them
 *	deliver	to each destination (deliver.c)
 *	notify	whoever sleeps, after one barrier for all
 */
#include "packet.h"
#include "vale_inner.h"

static const u64 MAC_MASK = 0xffffffffffffULL;
static const u64 MULTICAST = 1;

static inline u64 load_mac(const char *at)
{
	return ptn_word(at) & MAC_MASK;
}

/* The last six of eight bytes, without reading past an Ethernet header. */
static inline u64 load_source(const char *frame)
{
	return ptn_word(frame + 4) >> 16;
}

static void learn(struct ptn_vale *v, struct ptn_ring *r, u64 src)
{
	if (src & MULTICAST || !src)
		return;
	ptn_fdb_learn(&v->fdb, src, r->port->index);
	r->last_src = src;
}

/*
 * What was learned last need not be learned again, unless since then time
 * moved on, or an entry was moved or removed: it may have been this one.
 */
static void check_learned(const struct ptn_vale *v, struct ptn_ring *r)
{
	const u32 epoch = ptn_load(v->fdb.epoch), tick = ptn_load(v->fdb.tick);

	if (ptn_likely(epoch == r->last_epoch && tick == r->last_tick))
		return;
	r->last_src = 0;
	r->last_epoch = epoch;
	r->last_tick = tick;
}

/* Destinations of this batch */

static u32 hash_port(u32 port)
{
	return port * 0x9e3779b1u >> 23; /* PTN_WORK_HASH is 2^9 */
}

static u32 find_dest(struct ptn_work *w, u32 port)
{
	u32 h = hash_port(port);

	for (; w->slot[h]; h = (h + 1) % PTN_WORK_HASH)
		if (w->dest[w->slot[h] - 1].port == port)
			return w->slot[h] - 1u;
	w->dest[w->n_dests].port = port;
	w->dest[w->n_dests].frames = 0;
	w->slot[h] = (u16)++w->n_dests;
	return w->n_dests - 1;
}

/* Empty the hash; clusters go as a whole, so nothing is left behind. */
static void forget_dests(struct ptn_work *w)
{
	for (u32 i = 0; i < w->n_dests; i++) {
		u32 h = hash_port(w->dest[i].port);

		for (; w->slot[h]; h = (h + 1) % PTN_WORK_HASH)
			w->slot[h] = 0;
	}
}

/* A place for where[]: a destination's number, FLOOD or DROP. */
static u32 look_up(const struct ptn_vale *v, const struct ptn_ring *r,
		   struct ptn_work *w, u64 dst)
{
	u32 port;

	if (dst & MULTICAST)
		return PTN_WHERE_FLOOD;
	port = ptn_fdb_lookup(&v->fdb, dst);
	if (ptn_unlikely(port == PTN_FDB_NONE))
		return PTN_WHERE_FLOOD;
	if (ptn_unlikely(port == r->port->index))
		return PTN_WHERE_DROP;
	return find_dest(w, port);
}

/* @n frames in a row go to the same place. */
static void count_run(struct ptn_ring *r, struct ptn_work *w, u32 where, u32 n)
{
	if (where < PTN_WHERE_FLOOD) {
		w->dest[where].frames += n;
	} else if (where == PTN_WHERE_FLOOD) {
		w->n_flood += n;
	} else {
		w->n_drops += n;
		r->count[PTN_C_DROP_SAME_PORT] += n;
	}
}

/*
 * The Ethernet header of a frame whose first fragment has none: behind its
 * other one, which is all of that fragment. NULL: nowhere.
 */
static const char *ethernet_behind(const struct ptn_work *w, u32 i)
{
	const struct ptn_frag *f = ptn_work_frame(w, i);

	if (!w->hdr_len || f->len != w->hdr_len || !w->odd ||
	    w->frame[i].frags < 2 || f[1].len < ETH_HEADER)
		return NULL;
	return f[1].addr;
}

static void route(struct ptn_vale *v, struct ptn_ring *r, struct ptn_work *w)
{
	const u32 hdr_len = w->hdr_len, least = hdr_len + ETH_HEADER;
	u32 where = PTN_WHERE_DROP, run = 0;
	u64 last_dst = ~0ULL;

	for (u32 i = 0; i < w->n_frames; i++) {
		const struct ptn_frag *f = ptn_work_frame(w, i);
		const char *eth = f->addr + hdr_len;
		u64 dst, src;

		if (ptn_unlikely(f->len < least))
			eth = ethernet_behind(w, i);
		if (ptn_unlikely(!eth)) {
			r->count[PTN_C_DROP_TOO_SHORT]++;
			w->n_drops++;
			w->where[i] = PTN_WHERE_DROP;
			continue;
		}
		dst = load_mac(eth);
		src = load_source(eth);
		if (ptn_unlikely(src != r->last_src) &&
		    !(f->flags & NS_NO_LEARN))
			learn(v, r, src);
		if (ptn_unlikely(dst != last_dst)) {
			count_run(r, w, where, run);
			run = 0;
			where = look_up(v, r, w, dst);
			last_dst = dst;
		}
		w->where[i] = (u16)where;
		run++;
	}
	count_run(r, w, where, run);
}

/* Sort the frames of known destinations by these, keeping their order. */
static void sort_frames(struct ptn_work *w)
{
	u16 next[PTN_BATCH];
	u32 at = 0;

	for (u32 i = 0; i < w->n_dests; i++) {
		next[i] = (u16)at;
		at += w->dest[i].frames;
	}
	for (u32 i = 0; i < w->n_frames; i++)
		if (w->where[i] < PTN_WHERE_FLOOD)
			w->order[next[w->where[i]]++] = (u16)i;
}

/* Sending */

static struct ptn_port *running_port(const struct ptn_vale_table *t, u32 port)
{
	return port < t->size ? ptn_load_acquire(t->port[port]) : NULL;
}

/* Only from and to queues of the network: the host's are no part of it. */
static void deliver_to(struct ptn_port *to, u32 queue, struct ptn_work *w,
		       const u16 *order, u32 n)
{
	if (ptn_unlikely(queue >= to->rx_queues))
		queue %= to->rx_queues;
	ptn_deliver(&to->rx[queue], w, order, n);
}

static void to_dests(const struct ptn_vale_table *t, struct ptn_ring *r,
		     u32 queue, struct ptn_work *w)
{
	const u16 *order = w->order;

	if (w->n_dests == 1 && !w->n_drops)
		order = NULL; /* all of them, as they are */
	else
		sort_frames(w);
	for (u32 i = 0; i < w->n_dests; i++) {
		const struct ptn_dest *d = &w->dest[i];
		struct ptn_port *to = running_port(t, d->port);

		if (to)
			deliver_to(to, queue, w, order, d->frames);
		else
			r->count[PTN_C_DROP_NO_DEST] += d->frames;
		if (order)
			order += d->frames;
	}
}

/* Flooded frames and those for destination @d, in the order of the batch. */
static u32 order_flood(struct ptn_work *w, u32 d)
{
	u32 n = 0;

	for (u32 i = 0; i < w->n_frames; i++)
		if (w->where[i] == PTN_WHERE_FLOOD || w->where[i] == d)
			w->order[n++] = (u16)i;
	return n;
}

static u32 dest_of(const struct ptn_work *w, u32 port)
{
	for (u32 d = 0; d < w->n_dests; d++)
		if (w->dest[d].port == port)
			return d;
	return PTN_WHERE_FLOOD;
}

static void count_flood(struct ptn_vale *v, struct ptn_ring *r, u32 frames,
			u32 receivers)
{
	if (!receivers) {
		r->count[PTN_C_DROP_NO_DEST] += frames;
		return;
	}
	ptn_spin_lock(&v->count_lock);
	ptn_store(v->flooded, v->flooded + frames);
	ptn_store(v->copies, v->copies + (u64)frames * receivers);
	ptn_spin_unlock(&v->count_lock);
}

/* Everyone gets the flooded frames, some with frames of their own between. */
static void to_all(struct ptn_vale *v, const struct ptn_vale_table *t,
		   struct ptn_ring *r, u32 queue, struct ptn_work *w)
{
	const u32 end = ptn_load_acquire(t->end);
	u32 receivers = 0;

	for (u32 i = 0; i < end; i++) {
		struct ptn_port *to = running_port(t, i);
		u32 d;

		if (!to || to == r->port)
			continue;
		d = dest_of(w, i);
		deliver_to(to, queue, w, w->order, order_flood(w, d));
		if (d < PTN_WHERE_FLOOD)
			w->dest[d].frames = 0;
		receivers++;
	}
	count_flood(v, r, w->n_flood, receivers);
	for (u32 d = 0; d < w->n_dests; d++)
		r->count[PTN_C_DROP_NO_DEST] += w->dest[d].frames;
}

static void send_frames(struct ptn_vale *v, struct ptn_ring *r, u32 queue,
			struct ptn_work *w)
{
	const struct ptn_vale_table *t = ptn_load_acquire(v->table);

	w->n_dests = 0;
	w->n_flood = 0;
	w->n_drops = 0;
	check_learned(v, r);
	if (ptn_unlikely(w->hdr_len))
		ptn_offload_check(r, w);
	route(v, r, w);
	if (ptn_unlikely(w->n_flood))
		to_all(v, t, r, queue, w);
	else
		to_dests(t, r, queue, w);
	forget_dests(w);
}

u32 ptn_forward(struct ptn_port *p, u32 queue, struct ptn_work *w)
{
	struct ptn_ring *r = &p->tx[queue];
	u32 head, done;

	if (!ptn_csb_tx_head(r, &head))
		return 0;
	if (head == r->seen) {
		if (ptn_csb_tx_idle(r))
			ptn_ring_notify(r);
		return 0;
	}
	done = ptn_gather(r, &head, w->limit, w);
	if (ptn_unlikely(!done && w->limit < PTN_BATCH)) /* one large frame */
		done = ptn_gather(r, &head, PTN_BATCH, w);
	if (w->n_frames)
		send_frames(p->peer, r, queue, w);
	if (!done) {
		r->seen = head;
		return 0;
	}
	ptn_csb_tx_done(r, done);
	r->seen = r->hwcur;
	r->count[PTN_C_TX_SYNCS]++;
	if (!w->hold)
		ptn_notify_published(r, w);
	return done;
}

void ptn_forward_inject(struct ptn_port *p, u32 queue, struct ptn_work *w)
{
	w->n_published = 0;
	send_frames(p->peer, &p->tx[queue], queue, w);
	ptn_notify_published(NULL, w);
}

bool ptn_forward_arm(struct ptn_port *p, u32 queue)
{
	struct ptn_ring *r = ptn_port_ring(p, PTN_VECTOR_TX(queue));

	if (!r)
		return true;
	ptn_csb_settle(p, queue);
	ptn_csb_want_kicks(r, true);
	ptn_mb_heavy();
	if (ptn_load(r->atok->head) == r->seen)
		return true;
	ptn_csb_want_kicks(r, false);
	return false;
}
