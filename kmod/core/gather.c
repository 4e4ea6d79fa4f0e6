// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * From a transmit ring's slots to checked frames. Each slot is read once;
 * what is found bad is counted and goes no further.
 */
#include "batch.h"

struct chain {
	u32 slots; /* of the frame that is being read; 0: between frames */
	u32 first_frag;
	u32 len;
	u32 drop; /* enum ptn_counter, 0: good so far */
};

static u32 slot_problem(const struct ptn_ring *r, u32 idx, u64 ofs, u32 len,
			u32 flags)
{
	if (!ptn_buf_valid(r, idx) || ofs > r->offset.max)
		return PTN_C_DROP_BAD_BUFFER;
	if (len > r->buf_size - ofs)
		return PTN_C_DROP_TOO_LONG;
	if (flags & NS_INDIRECT)
		return PTN_C_DROP_INDIRECT;
	return 0;
}

static inline void add_frag(struct ptn_work *w, const char *addr, u32 len,
			    u32 flags)
{
	struct ptn_frag *f = &w->frag[w->n_frags++];

	f->addr = addr;
	f->len = len;
	f->flags = flags;
	ptn_prefetch(f->addr);
}

static void end_chain(struct ptn_ring *r, struct chain *c, struct ptn_work *w)
{
	r->count[PTN_C_TX_FRAMES]++;
	r->count[PTN_C_TX_BYTES] += c->len;
	if (c->drop) {
		r->count[c->drop]++;
		if (c->drop == PTN_C_DROP_BAD_BUFFER)
			ptn_ring_fault(r);
		if (c->drop == PTN_C_DROP_BAD_CHAIN)
			ptn_ring_abuse(r);
		w->n_frags = c->first_frag;
	} else {
		ptn_work_add_frame(w, c->first_frag, c->slots, c->len);
	}
	c->slots = 0;
}

static void begin_chain(struct chain *c, struct ptn_work *w)
{
	ptn_work_become_odd(w);
	c->first_frag = w->n_frags;
	c->len = 0;
	c->drop = 0;
}

/* A slot that is not a whole good frame; true when it ends a frame. */
static bool gather_odd(struct ptn_ring *r, struct chain *c, struct ptn_work *w,
		       const struct netmap_slot *slot)
{
	const u64 word = ptn_slot_read(slot), ofs = ptn_slot_offset(r, slot);
	const u32 idx = ptn_slot_idx(word), len = ptn_slot_len(word);
	const u32 flags = ptn_slot_flags(word) & PTN_TX_FLAGS;
	u32 problem = slot_problem(r, idx, ofs, len, flags);

	if (r->skipping) {
		r->skipping = flags & NS_MOREFRAG;
		return true;
	}
	if (!c->slots++)
		begin_chain(c, w);
	if (!problem && c->slots > NETMAP_MAX_FRAGS)
		problem = PTN_C_DROP_BAD_CHAIN;
	if (!c->drop)
		c->drop = problem;
	if (!c->drop) {
		add_frag(w, ptn_ring_buf(r, idx) + ofs, len, flags);
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

/* One branch for all that is not the usual. */
static inline bool slot_simple(const struct ptn_ring *r, u64 word)
{
	const u32 odd = (u32)!ptn_buf_valid(r, ptn_slot_idx(word)) |
			(u32)(ptn_slot_len(word) > r->buf_size) |
			(ptn_slot_flags(word) & (NS_MOREFRAG | NS_INDIRECT));

	return !odd;
}

/* Slots of the batch from hwcur on, by the program's head. */
static u32 in_batch(const struct ptn_ring *r, u32 head, u32 limit)
{
	const u32 n = ptn_ring_span(r, r->hwcur, head);

	return n < limit ? n : limit;
}

/* The usual, whole frames of one slot: takes up to *n, returns how many. */
static u32 take_simple(struct ptn_ring *r, u32 done, u32 n, struct ptn_work *w)
{
	u32 at = ptn_ring_add(r, r->hwcur, done);
	u64 bytes = 0;
	u32 i;

	for (i = done; i < n; i++) {
		const u64 word = ptn_slot_read(&r->slot[at]);

		if (ptn_unlikely(!slot_simple(r, word)))
			break;
		at = ptn_ring_next(r, at);
		bytes += ptn_slot_len(word);
		add_frag(w, ptn_ring_buf(r, ptn_slot_idx(word)),
			 ptn_slot_len(word), ptn_slot_flags(word));
	}
	w->n_frames += i - done;
	r->count[PTN_C_TX_FRAMES] += i - done;
	r->count[PTN_C_TX_BYTES] += bytes;
	return i;
}

/*
 * A program that sends frame by frame has sent more while the first were
 * read: these come along, so that one publication serves them all.
 */
static u32 gather_simple(struct ptn_ring *r, u32 *head, u32 limit,
			 struct ptn_work *w)
{
	u32 n = in_batch(r, *head, limit), done = 0, more;

	for (;;) {
		done = take_simple(r, done, n, w);
		if (done < n || n == limit || !ptn_csb_tx_head(r, &more) ||
		    more == *head)
			return done;
		*head = more;
		n = in_batch(r, more, limit);
	}
}

static u32 gather_rest(struct ptn_ring *r, u32 done, u32 n, struct ptn_work *w)
{
	struct chain c = {0};
	u32 at = ptn_ring_add(r, r->hwcur, done);

	for (u32 i = done; i < n; i++) {
		const struct netmap_slot *slot = &r->slot[at];

		at = ptn_ring_next(r, at);
		if (gather_odd(r, &c, w, slot))
			done = i + 1;
	}
	if (r->skipping && !w->n_frames)
		ptn_ring_abuse(r); /* so much of one frame, and no end of it */
	return c.slots ? unfinished(r, &c, w, done, n) : done;
}

u32 ptn_gather(struct ptn_ring *r, u32 *head, u32 limit, struct ptn_work *w)
{
	u32 done = 0, n;

	w->n_frags = 0;
	w->n_frames = 0;
	w->frag_max = ptn_ring_capacity(r);
	w->hdr_len = ptn_load(r->port->hdr_len);
	w->odd = false;
	if (ptn_likely(!(r->skipping | r->has_offsets)))
		done = gather_simple(r, head, limit, w);
	n = in_batch(r, *head, limit);
	return done < n ? gather_rest(r, done, n, w) : done;
}
