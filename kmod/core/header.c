// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * The ring's header as the place of a program's indices. The pair is the
 * home's own memory: what was taken from the header stands there checked, and
 * the core knows of nothing else.
 */
#include "header.h"

#include "ring.h"

struct netmap_ring *ptn_header_ring(const struct ptn_port *p, u32 vector)
{
	const struct ptn_ring *r = ptn_port_ring(p, vector);

	return r ? r->shared : NULL;
}

/* [old head, shown tail] is the program's to move its head and cur in. */
static bool taken(const struct ptn_ring *r, u32 head, u32 cur)
{
	const u32 old = ptn_load(r->atok->head);
	const u32 span = ptn_ring_span(r, old, r->shown);

	return head < r->num_slots && cur < r->num_slots &&
	       ptn_ring_span(r, old, head) <= ptn_ring_span(r, old, cur) &&
	       ptn_ring_span(r, old, cur) <= span;
}

int ptn_header_begin(struct ptn_port *p, u32 vector)
{
	struct ptn_ring *r = ptn_port_ring(p, vector);
	u32 head, cur;

	if (!r)
		return -EINVAL;
	head = ptn_load_acquire(r->shared->head);
	cur = ptn_load(r->shared->cur);
	if (ptn_unlikely(!taken(r, head, cur))) {
		ptn_ring_fault(r);
		ptn_header_anew(p, vector);
		return -EINVAL;
	}
	ptn_store(r->atok->cur, cur);
	ptn_store_release(r->atok->head, head);
	return 0;
}

void ptn_header_end(struct ptn_port *p, u32 vector)
{
	struct ptn_ring *r = ptn_port_ring(p, vector);

	if (!r)
		return;
	/* under the lock: what was filled up to the tail is seen as well */
	ptn_spin_lock(&r->lock);
	ptn_csb_show(r);
	r->shown = r->hwtail;
	r->in_header = true;
	ptn_spin_unlock(&r->lock);
	ptn_store_release(r->shared->tail, r->shown);
}

void ptn_header_anew(struct ptn_port *p, u32 vector)
{
	struct ptn_ring *r = ptn_port_ring(p, vector);
	u32 head;

	if (!r)
		return;
	head = ptn_load(r->atok->head);
	ptn_store(r->atok->cur, head);
	ptn_store(r->shared->cur, head);
	ptn_store(r->shared->head, head);
	ptn_header_end(p, vector);
}

void ptn_header_sleep(struct ptn_port *p, u32 vector, bool want)
{
	struct ptn_ring *r = ptn_port_ring(p, vector);

	if (!r)
		return;
	ptn_store(r->atok->appl_need_kick, want);
	ptn_mb();
}

bool ptn_header_ready(const struct ptn_port *p, u32 vector)
{
	const struct ptn_ring *r = ptn_port_ring(p, vector);

	return r && ptn_load(r->atok->cur) != ptn_load(r->hwtail);
}

void ptn_header_window(const struct ptn_port *p, u32 queue, u32 *from, u32 *to)
{
	const struct ptn_ring *r = ptn_port_ring(p, PTN_VECTOR_TX(queue));
	u32 head;

	*from = 0;
	*to = 0;
	if (!r)
		return;
	*from = ptn_load(r->hwcur);
	*to = *from;
	head = ptn_load_acquire(r->atok->head); /* perhaps a program's CSB */
	if (head < r->num_slots &&
	    ptn_ring_span(r, *from, head) <=
		    ptn_ring_span(r, *from, ptn_load(r->hwtail)))
		*to = head;
}

u32 ptn_header_pending(const struct ptn_port *p, u32 queue)
{
	const struct ptn_ring *r = ptn_port_ring(p, PTN_VECTOR_TX(queue));
	u32 from, to;

	ptn_header_window(p, queue, &from, &to);
	return r ? ptn_ring_span(r, from, to) : 0;
}

bool ptn_header_peek(const struct ptn_port *p, u32 vector, u32 *from, u32 *to)
{
	const struct ptn_ring *r = ptn_port_ring(p, vector);

	if (!r)
		return false;
	*from = ptn_load(r->atok->head);
	*to = ptn_load_acquire(r->shared->head);
	return taken(r, *to, ptn_load(r->shared->cur));
}

u32 ptn_header_done(const struct ptn_port *p, u32 queue)
{
	const struct ptn_ring *r = ptn_port_ring(p, PTN_VECTOR_TX(queue));

	return r ? ptn_load(r->hwcur) : 0;
}

u32 ptn_header_gate(struct ptn_port *p, u32 queue)
{
	struct ptn_ring *r = ptn_port_ring(p, PTN_VECTOR_TX(queue));
	u32 at;

	if (!r)
		return 0;
	/* against a pipe's other end */
	ptn_spin_lock(&r->lock);
	at = r->hwcur;
	ptn_store(r->gate, at);
	ptn_spin_unlock(&r->lock);
	return at;
}

void ptn_header_gate_on(struct ptn_port *p, u32 queue, u32 at)
{
	struct ptn_ring *r = ptn_port_ring(p, PTN_VECTOR_TX(queue));

	if (!r)
		return;
	ptn_spin_lock(&r->lock);
	/* a ring that was reset has lost its gate */
	if (r->gate == r->num_slots ||
	    ptn_ring_span(r, r->hwcur, at) >
		    ptn_ring_span(r, r->hwcur, r->gate))
		ptn_store(r->gate, at);
	ptn_spin_unlock(&r->lock);
}

void ptn_header_gate_off(struct ptn_port *p, u32 queue)
{
	struct ptn_ring *r = ptn_port_ring(p, PTN_VECTOR_TX(queue));

	if (!r)
		return;
	ptn_spin_lock(&r->lock);
	ptn_store(r->gate, r->num_slots);
	ptn_spin_unlock(&r->lock);
}

u32 ptn_header_shown(const struct ptn_port *p, u32 vector)
{
	const struct ptn_ring *r = ptn_port_ring(p, vector);

	return r ? r->shown : 0;
}
