// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
#include "offset.h"

#include "ring.h"

bool ptn_offsets_possible(const struct ptn_offsets *o, u32 buf_size)
{
	const u64 used = (u64)o->max + o->gap + PTN_OFFSET_ROOM;

	return used <= buf_size && o->max <= o->mask && o->initial <= o->max &&
	       !(o->mask & (o->mask + 1)) && !(o->align & (o->align - 1)) &&
	       o->align <= buf_size;
}

bool ptn_offsets_equal(const struct ptn_offsets *a, const struct ptn_offsets *b)
{
	return a->mask == b->mask && a->max == b->max &&
	       a->initial == b->initial && a->gap == b->gap &&
	       a->align == b->align;
}

/* Slots */

void ptn_offset_write(const struct ptn_ring *r, struct netmap_slot *s, u64 ofs)
{
	ptn_store(s->ptr, (ptn_load(s->ptr) & ~r->offset.mask) | ofs);
}

u64 ptn_offset_to_fill(struct ptn_ring *r, const struct netmap_slot *s)
{
	const u64 ofs = ptn_slot_offset(r, s);

	if (ptn_likely(ofs <= r->offset.max))
		return ofs;
	ptn_ring_fault(r);
	return r->offset.initial;
}

u32 ptn_offset_pass(const struct ptn_ring *from, const struct netmap_slot *f,
		    const struct ptn_ring *to, struct netmap_slot *t,
		    char *data, u32 len)
{
	const u64 ptr = ptn_load(f->ptr);
	u64 at = ptr & from->offset.mask;

	if (at > from->offset.max)
		at = from->offset.initial;
	if (len > from->buf_size - at)
		len = (u32)(from->buf_size - at);
	if (at > to->offset.max) {
		memmove(data + to->offset.initial, data + at, len);
		at = to->offset.initial;
	}
	ptn_store(t->ptr, (ptr & ~from->offset.mask & ~to->offset.mask) | at);
	return len;
}

void ptn_offset_take_back(const struct ptn_ring *r, struct netmap_slot *s,
			  u64 ptr)
{
	ptn_store(s->ptr, ptr);
	if ((ptr & r->offset.mask) > r->offset.max)
		ptn_offset_write(r, s, r->offset.initial);
}

/* Setting */

/* Frames that wait in a ring: so many slots from *first on. */
static u32 waiting(const struct ptn_ring *r, u32 *first)
{
	const u32 head = ptn_load(r->atok->head);
	u32 n;

	*first = ptn_ring_is_rx(r) ? r->head : r->hwcur;
	if (ptn_ring_is_rx(r))
		return ptn_ring_span(r, r->head, r->hwtail);
	n = head < r->num_slots ? ptn_ring_span(r, r->hwcur, head) : 0;
	return n <= ptn_ring_span(r, r->hwcur, r->hwtail) ? n : 0;
}

/* To the beginning of its buffer, where a program without offsets finds it. */
static void bring_down(struct ptn_ring *r, const struct netmap_slot *s)
{
	const u64 word = ptn_slot_read(s), ofs = ptn_slot_offset(r, s);
	char *data = ptn_ring_buf(r, ptn_slot_idx(word));

	if (ofs && ofs <= r->offset.max &&
	    ptn_buf_valid(r, ptn_slot_idx(word)) &&
	    ptn_slot_len(word) <= r->buf_size - ofs)
		memmove(data, data + ofs, ptn_slot_len(word));
}

static void set(struct ptn_ring *r, const struct ptn_offsets *o)
{
	u32 first, n = waiting(r, &first);

	for (u32 i = 0; i < r->num_slots; i++) {
		struct netmap_slot *s = &r->slot[i];
		const bool waits = ptn_ring_span(r, first, i) < n;

		if (waits)
			bring_down(r, s);
		ptn_store(s->ptr,
			  ptn_load(s->ptr) & ~r->offset.mask & ~o->mask);
		if (!waits)
			ptn_store(s->ptr, ptn_load(s->ptr) | o->initial);
	}
	r->offset = *o;
	r->has_offsets = o->mask;
	r->shared->offset_mask = o->mask;
	r->shared->buf_align = o->align;
}

/*
 * Senders that have leased buffers write to where the offsets were before:
 * none is leased meanwhile.
 */
void ptn_offset_set(struct ptn_ring *r, const struct ptn_offsets *o)
{
	ptn_spin_lock(&r->lock);
	r->held++;
	if (ptn_ring_is_rx(r) && r->lease != r->hwtail) {
		ptn_spin_unlock(&r->lock);
		ptn_rcu_synchronize();
		ptn_spin_lock(&r->lock);
	}
	set(r, o);
	r->held--;
	ptn_spin_unlock(&r->lock);
}
