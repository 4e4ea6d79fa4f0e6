// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * What monitors get of another port's frames: copies of slots that still
 * wait, or the buffers of slots that are done with. A device's frames that are
 * in no slot are copied.
 */
#include "monitor.h"

#include "books.h"
#include "device.h"
#include "ring.h"

/* Copying */

/* A slot as a fragment; false: it cannot be one. */
static bool add_slot(const struct ptn_ring *r, struct ptn_work *w, u32 at)
{
	const u64 word = ptn_slot_read(&r->slot[at]);
	const u64 ofs = ptn_slot_offset(r, &r->slot[at]);
	const u32 idx = ptn_slot_idx(word), len = ptn_slot_len(word);

	if (!ptn_buf_valid(r, idx) || ofs > r->offset.max ||
	    len > r->buf_size - ofs || ptn_slot_flags(word) & NS_INDIRECT)
		return false;
	return ptn_device_add(w, ptn_ring_buf(r, idx) + ofs, len, false, 0);
}

/*
 * Fragments become frames of one slot each: a monitor shows what stood in the
 * ring, good or not.
 */
void ptn_monitor_copy(struct ptn_port *monitor, u32 queue, struct ptn_port *p,
		      u32 vector, u32 from, u32 to, struct ptn_work *w)
{
	const struct ptn_ring *r = ptn_port_ring(p, vector);
	u32 n = 0;

	if (!r || !ptn_port_running(monitor))
		return;
	ptn_device_clear(w);
	for (u32 at = from; at != to; at = ptn_ring_next(r, at)) {
		if (n == PTN_BATCH) {
			ptn_device_receive(monitor, queue, w);
			ptn_device_clear(w);
			n = 0;
		}
		n += add_slot(r, w, at);
	}
	if (n)
		ptn_device_receive(monitor, queue, w);
}

/* Swapping */

static void exchange(const struct ptn_ring *a, u32 i, const struct ptn_ring *b,
		     u32 j)
{
	u32 *const homes = ptn_region_homes(a->port->region);
	const u32 x = a->buf[i], y = b->buf[j];

	a->buf[i] = y;
	b->buf[j] = x;
	ptn_store(homes[y], PTN_HOME(a->number, i));
	ptn_store(homes[x], PTN_HOME(b->number, j));
}

/* Both are the monitor's: what stood in @from stands in @to afterwards. */
static void move_slot(struct ptn_ring *m, u32 from, u32 to)
{
	const u64 word = ptn_slot_read(&m->slot[from]);
	const u64 ptr = ptn_load(m->slot[from].ptr);

	exchange(m, from, m, to);
	ptn_store(m->slot[from].ptr, ptn_load(m->slot[to].ptr));
	ptn_store(m->slot[to].ptr, ptr);
	ptn_slot_write(&m->slot[to], m->buf[to], ptn_slot_len(word),
		       ptn_slot_flags(word));
	ptn_slot_write(&m->slot[from], m->buf[from], 0, NS_BUF_CHANGED);
}

/*
 * Lose the @n oldest frames that the program was not shown yet: the newer
 * ones take their places.
 */
static void lose_oldest(struct ptn_ring *m, u32 n)
{
	const u32 left = ptn_ring_span(m, m->shown, m->hwtail) - n;
	u32 to = m->shown, from = ptn_ring_add(m, to, n);

	for (u32 i = 0; i < left; i++) {
		move_slot(m, from, to);
		from = ptn_ring_next(m, from);
		to = ptn_ring_next(m, to);
	}
	m->hwtail = to;
	m->lease = to;
	m->count[PTN_C_DROP_RX_FULL] += n;
}

/* Places for up to @n slots, whatever must be lost for them. */
static u32 make_room(struct ptn_ring *m, u32 n)
{
	u32 room, hidden;

	ptn_csb_rx_refresh(m);
	room = ptn_ring_span(m, m->hwtail, ptn_ring_prev(m, m->head));
	hidden = m->in_header ? ptn_ring_span(m, m->shown, m->hwtail) : 0;
	if (n > room + hidden)
		n = room + hidden;
	if (n > room)
		lose_oldest(m, n - room);
	return n;
}

/* The next slot has its buffer, and this in it. */
static void show_slot(struct ptn_ring *m, u32 len, u32 flags)
{
	ptn_slot_write(&m->slot[m->hwtail], m->buf[m->hwtail], len,
		       (flags & NS_MOREFRAG) | NS_BUF_CHANGED);
	m->hwtail = ptn_ring_next(m, m->hwtail);
	m->lease = m->hwtail;
	m->count[PTN_C_RX_BYTES] += len;
	m->count[PTN_C_RX_FRAMES] += !(flags & NS_MOREFRAG);
}

/*
 * A slot that shows a buffer which cannot be its own is left out.
 */
static void take_slot(struct ptn_ring *m, struct ptn_ring *r, u32 at)
{
	const u64 word = ptn_slot_read(&r->slot[at]);
	u32 len = ptn_slot_len(word);

	if (ptn_books_make_true(r, m, at) ||
	    ptn_books_make_true(m, r, m->hwtail) ||
	    ptn_slot_idx(word) != r->buf[at]) {
		m->count[PTN_C_DROP_BAD_BUFFER]++;
		return;
	}
	len = ptn_offset_pass(r, &r->slot[at], m, &m->slot[m->hwtail],
			      ptn_ring_buf(r, r->buf[at]), len);
	exchange(r, at, m, m->hwtail);
	ptn_slot_write(&r->slot[at], r->buf[at], 0, NS_BUF_CHANGED);
	show_slot(m, len, ptn_slot_flags(word));
}

/* The same, and the ring keeps its buffer. */
static void copy_slot(struct ptn_ring *m, struct ptn_ring *r, u32 at)
{
	const u64 word = ptn_slot_read(&r->slot[at]);
	const u64 ofs = ptn_slot_offset(r, &r->slot[at]);
	struct netmap_slot *to = &m->slot[m->hwtail];
	u32 len = ptn_slot_len(word);
	u64 place;

	if (!ptn_buf_valid(r, ptn_slot_idx(word)) || ofs > r->offset.max ||
	    len > r->buf_size - ofs || ptn_slot_flags(word) & NS_INDIRECT ||
	    ptn_books_make_true(m, r, m->hwtail)) {
		m->count[PTN_C_DROP_BAD_BUFFER]++;
		return;
	}
	place = ofs <= m->offset.max ? ofs : m->offset.initial;
	ptn_copy(ptn_ring_buf(m, m->buf[m->hwtail]) + place,
		 ptn_ring_buf(r, ptn_slot_idx(word)) + ofs, len);
	ptn_offset_write(m, to, place);
	show_slot(m, len, ptn_slot_flags(word));
}

/* The same, of a fragment that is in no slot. */
static void copy_fragment(struct ptn_ring *m, const struct ptn_frag *f,
			  bool more)
{
	const u64 place = m->offset.initial;

	if (f->len > m->buf_size - place) {
		m->count[PTN_C_DROP_TOO_BIG]++;
		return;
	}
	if (ptn_books_make_true(m, NULL, m->hwtail)) {
		m->count[PTN_C_DROP_BAD_BUFFER]++;
		return;
	}
	ptn_copy(ptn_ring_buf(m, m->buf[m->hwtail]) + place, f->addr, f->len);
	ptn_offset_write(m, &m->slot[m->hwtail], place);
	show_slot(m, f->len, more ? NS_MOREFRAG : 0);
}

/* After the monitor's ring has changed: whether to wake its program. */
static bool end_changes(struct ptn_ring *m)
{
	ptn_csb_rx_publish(m);
	ptn_mb();
	return ptn_csb_must_notify(m);
}

static bool take_slots(struct ptn_ring *m, struct ptn_ring *r, u32 from, u32 n,
		       void (*take)(struct ptn_ring *, struct ptn_ring *, u32))
{
	const u32 taken = make_room(m, n);

	m->count[PTN_C_DROP_RX_FULL] += n - taken;
	from = ptn_ring_add(r, from, n - taken);
	for (u32 i = 0; i < taken; i++) {
		take(m, r, from);
		from = ptn_ring_next(r, from);
	}
	return end_changes(m);
}

/* Of more than there is room for, the last ones. */
static bool keep_frames(struct ptn_ring *m, const struct ptn_work *w)
{
	u32 skip = w->n_frags - make_room(m, w->n_frags);

	m->count[PTN_C_DROP_RX_FULL] += skip;
	for (u32 i = 0; i < w->n_frames; i++) {
		const struct ptn_frag *f = ptn_work_frame(w, i);
		const u32 frags = w->odd ? w->frame[i].frags : 1;

		for (u32 k = 0; k < frags; k++) {
			if (skip)
				skip--;
			else
				copy_fragment(m, &f[k], k + 1 < frags);
		}
	}
	return end_changes(m);
}

static void take_all(struct ptn_port *monitor, u32 queue, struct ptn_port *p,
		     u32 vector, u32 from, u32 to,
		     void (*take)(struct ptn_ring *, struct ptn_ring *, u32))
{
	struct ptn_ring *r = ptn_port_ring(p, vector);
	struct ptn_ring *m = ptn_port_ring(monitor, PTN_VECTOR_RX(queue));
	bool wake;

	if (!r || !m || monitor->region != p->region ||
	    !ptn_port_running(monitor))
		return;
	ptn_spin_lock(&r->lock);
	/* monitors are not monitored: there is no other order */
	ptn_spin_lock_inner(&m->lock);
	wake = take_slots(m, r, from, ptn_ring_span(r, from, to), take);
	ptn_spin_unlock(&m->lock);
	ptn_spin_unlock(&r->lock);
	if (wake)
		ptn_ring_notify(m);
}

void ptn_monitor_swap(struct ptn_port *monitor, u32 queue, struct ptn_port *p,
		      u32 vector, u32 from, u32 to)
{
	take_all(monitor, queue, p, vector, from, to, take_slot);
}

void ptn_monitor_imitate(struct ptn_port *monitor, u32 queue,
			 struct ptn_port *p, u32 vector, u32 from, u32 to)
{
	take_all(monitor, queue, p, vector, from, to, copy_slot);
}

void ptn_monitor_keep(struct ptn_port *monitor, u32 queue,
		      const struct ptn_work *w)
{
	struct ptn_ring *m = ptn_port_ring(monitor, PTN_VECTOR_RX(queue));
	bool wake;

	if (!m || !ptn_port_running(monitor) || !w->n_frames)
		return;
	ptn_spin_lock(&m->lock);
	wake = keep_frames(m, w);
	ptn_spin_unlock(&m->lock);
	if (wake)
		ptn_ring_notify(m);
}
