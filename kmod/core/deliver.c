// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * Frames of a batch into one receiver's ring: lease, copy, publish.
 *
 * A lease takes buffers, not places: who publishes writes his buffers into
 * the next slots of the ring, whatever the order of the leases was. So a
 * sender that stalls between lease and publish keeps a few buffers from the
 * ring and delays nobody, and frames of one sender stay in order.
 */
#include "batch.h"
#include "offload.h"
#include "segment.h"

/* What is delivered: frames order[0..n), or 0..n without an order. */
struct delivery {
	const u16 *order;
	u32 n;
	u32 at; /* next frame to lease for ... */
	u32 part; /* ... and which part of it, if it is cut */
	u32 picked; /* frames of the current lease */
	u32 slots; /* ... and their buffers */
	u32 cut, add; /* of headers before frames: the sender's, the receiver's
		       */
	bool simple; /* each frame takes one slot, at the buffer's beginning */
	bool bare; /* what the headers ask for is done here: there are none
		    * at the receiver */
};

static inline u32 nth(const struct delivery *d, u32 i)
{
	return d->order ? d->order[i] : i;
}

static u32 free_slots(const struct ptn_ring *r)
{
	if (ptn_unlikely(r->held))
		return 0;
	return ptn_ring_span(r, r->lease, ptn_ring_prev(r, r->head));
}

/* Lease */

/* Of the buffer that is leased as number @i, with the offset it begins at. */
static u32 offset_of(const struct ptn_ring *r, const struct ptn_work *w, u32 i)
{
	if (ptn_likely(!r->has_offsets))
		return 0;
	return i < PTN_BATCH ? w->ofs[i] : r->offset.max;
}

static u32 capacity_of(const struct ptn_ring *r, const struct ptn_work *w,
		       u32 i)
{
	const u32 n = r->buf_size - offset_of(r, w, i) - r->offset.gap;

	return n < 65536 ? n : 65535;
}

/* Whether each fragment fits into its buffer, from leased one @at on. */
static bool fits(const struct ptn_ring *r, const struct ptn_work *w, u32 frame,
		 u32 frags, u32 at)
{
	const struct ptn_frag *frag = ptn_work_frame(w, frame);

	for (u32 i = 0; i < frags; i++)
		if (frag[i].len > capacity_of(r, w, at + i))
			return false;
	return true;
}

/* Not a slot a fragment: the buffers are smaller, or the ring too short. */
static bool repacks(const struct ptn_ring *r, const struct ptn_work *w,
		    u32 frame, u32 frags, u32 at)
{
	if (frags >= r->num_slots)
		return true;
	if (ptn_unlikely(r->has_offsets))
		return !fits(r, w, frame, frags, at);
	return ptn_ring_capacity(r) < w->frag_max;
}

/* Whether the frame is written anew, in w->offload's parts. */
static bool is_made(const struct delivery *d, const struct ptn_work *w,
		    u32 frame)
{
	return d->bare && w->offload[frame].kind != PTN_OFFLOAD_NONE;
}

/* What the receiver gets of it. */
static u32 bytes_of(const struct delivery *d, const struct ptn_work *w,
		    u32 frame, u32 part)
{
	if (is_made(d, w, frame))
		return ptn_segment_bytes(w, frame, part);
	return ptn_work_bytes(w, frame) - d->cut + d->add;
}

/* Slots that a frame takes in @r, from leased buffer @at on. */
static u32 slots_for(const struct ptn_ring *r, const struct delivery *d,
		     const struct ptn_work *w, u32 frame, u32 at)
{
	const u32 frags = w->odd ? w->frame[frame].frags : 1;
	u32 len = bytes_of(d, w, frame, d->part), n;

	if (d->cut == d->add && !repacks(r, w, frame, frags, at))
		return frags;
	for (n = 1; n <= NETMAP_MAX_FRAGS; n++, at++) {
		if (len <= capacity_of(r, w, at))
			break;
		len -= capacity_of(r, w, at);
	}
	return n;
}

/* Once a frame. */
static void count_made(struct ptn_ring *r, const struct ptn_work *w, u32 frame)
{
	const u32 parts = w->offload[frame].parts;

	if (parts > 1) {
		r->count[PTN_C_SEGMENTED]++;
		r->count[PTN_C_SEGMENTS] += parts;
	} else {
		r->count[PTN_C_CHECKSUMS]++;
	}
}

/* The next part of frame @frame. False: with the next lease. */
static bool pick_part(struct ptn_ring *r, struct ptn_work *w,
		      struct delivery *d, u32 frame, u32 room)
{
	const u32 need = slots_for(r, d, w, frame, d->slots);

	if (need > NETMAP_MAX_FRAGS || need >= r->num_slots) {
		r->count[PTN_C_DROP_TOO_BIG]++;
	} else if (d->slots + need > room) {
		r->count[PTN_C_DROP_RX_FULL]++;
	} else if (d->slots + need > PTN_BATCH) {
		return false;
	} else {
		w->part[d->picked] = (u16)d->part;
		w->pick[d->picked++] = (u16)frame;
		d->slots += need;
	}
	if (!d->part && is_made(d, w, frame))
		count_made(r, w, frame);
	return true;
}

/* Frames that fit into the ring; the others are dropped here. */
static void pick_odd(struct ptn_ring *r, struct ptn_work *w, struct delivery *d,
		     u32 room)
{
	d->picked = 0;
	d->slots = 0;
	for (; d->at < d->n; d->at++, d->part = 0) {
		const u32 frame = nth(d, d->at);
		const u32 parts = d->bare ? w->offload[frame].parts : 1;

		for (; d->part < parts; d->part++)
			if (!pick_part(r, w, d, frame, room))
				return;
	}
}

static void pick_simple(struct ptn_ring *r, struct delivery *d, u32 room)
{
	d->picked = d->n < room ? d->n : room;
	d->slots = d->picked;
	d->at = d->n;
	r->count[PTN_C_DROP_RX_FULL] += d->n - d->picked;
}

/*
 * The buffer of a slot that the program gave back. What the program put there
 * counts, if it is a buffer at all; else the one that the books know.
 */
static u32 repair(struct ptn_ring *r, u32 at)
{
	ptn_ring_fault(r);
	return r->buf[at];
}

/* The places that the slots of the next lease want, whatever they say later. */
static void read_offsets(struct ptn_ring *r, struct ptn_work *w, u32 n)
{
	u32 at = r->lease;

	for (u32 i = 0; i < PTN_BATCH; i++) {
		w->ofs[i] = r->offset.max;
		if (i >= n)
			continue;
		w->ofs[i] = (u32)ptn_offset_to_fill(r, &r->slot[at]);
		at = ptn_ring_next(r, at);
	}
}

static void lease_buffers(struct ptn_ring *r, struct ptn_work *w, u32 n)
{
	u32 at = r->lease;

	/* what publish() will write comes along with the buffers */
	ptn_prefetchw(&r->slot[r->hwtail]);
	ptn_prefetchw(r->ktoa);
	for (u32 i = 0; i < n; i++) {
		u32 idx = ptn_slot_idx(ptn_slot_read(&r->slot[at]));

		if (ptn_unlikely(!ptn_buf_valid(r, idx)))
			idx = repair(r, at);
		ptn_prefetchw(ptn_ring_buf(r, idx));
		w->buf[i] = idx;
		at = ptn_ring_next(r, at);
	}
	r->lease = at;
}

static void lease(struct ptn_ring *r, struct ptn_work *w, struct delivery *d)
{
	ptn_spin_lock(&r->lock);
	if (free_slots(r) < PTN_BATCH)
		ptn_csb_rx_refresh(r);
	d->simple = !w->odd && !r->has_offsets && d->cut == d->add &&
		    ptn_ring_capacity(r) >= w->frag_max;
	if (ptn_unlikely(r->has_offsets))
		read_offsets(r, w, free_slots(r));
	if (ptn_likely(d->simple))
		pick_simple(r, d, free_slots(r));
	else
		pick_odd(r, w, d, free_slots(r));
	lease_buffers(r, w, d->slots);
	ptn_spin_unlock(&r->lock);
}

/* Copy */

static char *place_of(const struct ptn_ring *r, const struct ptn_work *w, u32 i)
{
	return ptn_ring_buf(r, w->buf[i]) + offset_of(r, w, i);
}

/* Leased buffers that a frame is written into, each filled before the next. */
struct sink {
	const struct ptn_ring *r;
	struct ptn_work *w;
	u32 at;
};

static struct sink sink_at(const struct ptn_ring *r, struct ptn_work *w, u32 at)
{
	w->len[at] = 0;
	return (struct sink){.r = r, .w = w, .at = at};
}

static void put(struct sink *s, const char *from, u32 len)
{
	while (len) {
		u16 *fill = &s->w->len[s->at];
		u32 n = capacity_of(s->r, s->w, s->at) - *fill;

		if (!n) {
			s->w->len[++s->at] = 0;
			continue;
		}
		if (n > len)
			n = len;
		ptn_copy(place_of(s->r, s->w, s->at) + *fill, from, n);
		*fill = (u16)(*fill + n);
		from += n;
		len -= n;
	}
}

/* @len bytes of a frame, from its byte @from on. */
static void put_bytes(struct sink *s, u32 frame, u32 from, u32 len)
{
	const struct ptn_frag *f = ptn_work_frame(s->w, frame);

	for (; len && from >= f->len; f++)
		from -= f->len;
	for (; len; f++, from = 0) {
		const u32 n = f->len - from < len ? f->len - from : len;

		put(s, f->addr + from, n);
		len -= n;
	}
}

/* What stands in the receiver's header is the sender's, as far as it goes. */
static void put_header(struct sink *s, const struct delivery *d, u32 frame)
{
	char hdr[PTN_VNET_LONG] = {0};

	if (d->cut)
		memcpy(hdr, ptn_work_frame(s->w, frame)->addr, PTN_VNET_COMMON);
	hdr[PTN_VNET_COMMON] = 1; /* buffers that the frame is in */
	put(s, hdr, d->add);
}

/* A frame into full buffers, from leased buffer @at on. Slots used. */
static u32 copy_repacked(const struct ptn_ring *r, const struct delivery *d,
			 u32 frame, struct ptn_work *w, u32 at)
{
	const u32 from = d->cut == d->add ? 0 : d->cut;
	struct sink s = sink_at(r, w, at);

	if (d->cut != d->add && d->add)
		put_header(&s, d, frame);
	put_bytes(&s, frame, from, ptn_work_bytes(w, frame) - from);
	return s.at + 1 - at;
}

static u32 copy_made(const struct ptn_ring *r, u32 frame, u32 part,
		     struct ptn_work *w, u32 at)
{
	u8 headers[PTN_HEADERS_MAX];
	const u32 n = ptn_segment_headers(w, frame, part, headers);
	struct sink s = sink_at(r, w, at);

	put(&s, (const char *)headers, n);
	put_bytes(&s, frame, ptn_segment_payload(w, frame, part),
		  ptn_segment_bytes(w, frame, part) - n);
	return s.at + 1 - at;
}

static u32 copy_fragments(const struct ptn_ring *r, const struct ptn_frag *frag,
			  u32 frags, struct ptn_work *w, u32 at)
{
	for (u32 i = 0; i < frags; i++) {
		ptn_copy(place_of(r, w, at + i), frag[i].addr, frag[i].len);
		w->len[at + i] = (u16)frag[i].len;
	}
	return frags;
}

static u32 copy_frame(const struct ptn_ring *r, const struct delivery *d,
		      struct ptn_work *w, u32 pick, u32 at)
{
	const u32 frame = w->pick[pick];
	const u32 frags = w->odd ? w->frame[frame].frags : 1;

	if (is_made(d, w, frame))
		return copy_made(r, frame, w->part[pick], w, at);
	if (d->cut != d->add || repacks(r, w, frame, frags, at))
		return copy_repacked(r, d, frame, w, at);
	return copy_fragments(r, ptn_work_frame(w, frame), frags, w, at);
}

static u64 copy_odd(const struct ptn_ring *r, struct ptn_work *w,
		    const struct delivery *d)
{
	u64 bytes = 0;
	u32 at = 0;

	for (u32 i = 0; i < d->picked; i++) {
		const u32 n = copy_frame(r, d, w, i, at);

		for (u32 s = 0; s < n; s++)
			w->flags[at + s] = (u16)(n << NS_PORT_SHIFT |
						 (s + 1 < n ? NS_MOREFRAG : 0));
		bytes += bytes_of(d, w, w->pick[i], w->part[i]);
		at += n;
	}
	return bytes;
}

static u64 copy_simple(const struct ptn_ring *r, const struct ptn_work *w,
		       const struct delivery *d)
{
	u64 bytes = 0;

	for (u32 i = 0; i < d->picked; i++) {
		const struct ptn_frag *f = &w->frag[nth(d, i)];

		ptn_copy(ptn_ring_buf(r, w->buf[i]), f->addr, f->len);
		bytes += f->len;
	}
	return bytes;
}

/* Publish */

static void fill_simple(struct ptn_ring *r, const struct ptn_work *w,
			const struct delivery *d)
{
	u32 at = r->hwtail;

	for (u32 i = 0; i < d->slots; i++) {
		ptn_slot_write(&r->slot[at], w->buf[i], w->frag[nth(d, i)].len,
			       1 << NS_PORT_SHIFT);
		at = ptn_ring_next(r, at);
	}
	ptn_store(r->hwtail, at);
}

static void fill_odd(struct ptn_ring *r, const struct ptn_work *w,
		     const struct delivery *d)
{
	for (u32 i = 0; i < d->slots; i++) {
		ptn_slot_write(&r->slot[r->hwtail], w->buf[i], w->len[i],
			       w->flags[i]);
		if (ptn_unlikely(r->has_offsets))
			ptn_offset_write(r, &r->slot[r->hwtail], w->ofs[i]);
		ptn_store(r->hwtail, ptn_ring_next(r, r->hwtail));
	}
}

static void publish(struct ptn_ring *r, struct ptn_work *w,
		    const struct delivery *d, u64 bytes)
{
	ptn_spin_lock(&r->lock);
	if (ptn_likely(d->simple))
		fill_simple(r, w, d);
	else
		fill_odd(r, w, d);
	r->count[PTN_C_RX_FRAMES] += d->picked;
	r->count[PTN_C_RX_BYTES] += bytes;
	r->count[PTN_C_RX_SYNCS]++;
	ptn_csb_rx_publish(r);
	if (w->hold && free_slots(r) < PTN_BATCH)
		w->hold = false;
	ptn_spin_unlock(&r->lock);
}

/* After the barrier: who of those that got something sleeps? */
static void notify_receivers(struct ptn_work *w)
{
	for (u32 i = 0; i < w->n_published; i++)
		if (ptn_csb_must_notify(w->published[i]))
			ptn_ring_notify(w->published[i]);
	w->n_published = 0;
}

void ptn_notify_published(struct ptn_ring *from, struct ptn_work *w)
{
	ptn_mb();
	notify_receivers(w);
	if (from && !from->unshown && ptn_csb_must_notify(from))
		ptn_ring_notify(from);
}

static void note_published(struct ptn_ring *r, struct ptn_work *w)
{
	if (w->n_published && w->published[w->n_published - 1] == r)
		return;
	if (w->n_published == PTN_BATCH) {
		ptn_mb();
		notify_receivers(w);
	}
	w->published[w->n_published++] = r;
}

u32 ptn_deliver(struct ptn_ring *r, struct ptn_work *w, const u16 *order, u32 n)
{
	struct delivery d = {
		.order = order,
		.n = n,
		.cut = w->hdr_len,
		.add = ptn_load(r->port->hdr_len),
	};

	u32 delivered = 0;

	d.bare = d.cut && !d.add;
	while (d.at < d.n) {
		u64 bytes;

		lease(r, w, &d);
		if (!d.picked)
			continue;
		bytes = d.simple ? copy_simple(r, w, &d) : copy_odd(r, w, &d);
		publish(r, w, &d, bytes);
		note_published(r, w);
		delivered += d.picked;
	}
	return delivered;
}
