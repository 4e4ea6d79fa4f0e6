// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
/*
 * The communication status block: how a program and the host tell each other
 * how far they are, and who has to be woken.
 *
 * The program writes cur, barrier, head; the host reads head, barrier, cur.
 * The host writes hwcur, barrier, hwtail. Who publishes an index issues a
 * full barrier before he loads the other's need_kick, and who wants to sleep
 * one between setting need_kick and looking again: with less than that a
 * wake-up can be lost, on x86 too.
 */
#include "ring.h"

/* Fruitless looks before a sender's progress is shown unasked: while a single
 * frame goes back and forth, showing it would only be in the way. */
enum { QUIET_LOOKS = 32 };

void ptn_ring_fault(struct ptn_ring *r)
{
	struct ptn_port *p = r->port;
	u64 total = r->count[PTN_C_FAULTS] + 1;

	ptn_store(r->count[PTN_C_FAULTS], total);
	if (p->ops->fault)
		p->ops->fault(p->home, r->vector, total);
}

/* The gate is never passed, so it lies ahead as well. */
static u32 up_to_gate(const struct ptn_ring *r, u32 head)
{
	const u32 gate = ptn_load(r->gate);

	if (ptn_likely(gate == r->num_slots) ||
	    ptn_ring_span(r, r->hwcur, head) <=
		    ptn_ring_span(r, r->hwcur, gate))
		return head;
	return gate;
}

bool ptn_csb_tx_gated(const struct ptn_ring *r)
{
	const u32 h = ptn_load_acquire(r->atok->head);

	return h < r->num_slots && up_to_gate(r, h) != h;
}

bool ptn_csb_tx_head(struct ptn_ring *r, u32 *head)
{
	u32 h = ptn_load_acquire(r->atok->head);

	if (ptn_unlikely(h >= r->num_slots ||
			 ptn_ring_span(r, r->hwcur, h) >
				 ptn_ring_span(r, r->hwcur, r->hwtail))) {
		ptn_ring_fault(r);
		return false;
	}
	*head = up_to_gate(r, h);
	return true;
}

void ptn_csb_rx_refresh(struct ptn_ring *r)
{
	u32 h = ptn_load_acquire(r->atok->head);

	if (ptn_likely(h < r->num_slots &&
		       ptn_ring_span(r, r->head, h) <=
			       ptn_ring_span(r, r->head, r->hwtail)))
		r->head = h;
	else
		ptn_ring_fault(r);
}

bool ptn_csb_must_notify(struct ptn_ring *r)
{
	/* outside the lock: the home may be exchanging the pair */
	const struct nm_csb_atok *atok = ptn_load(r->atok);
	const u32 need = ptn_load(atok->appl_need_kick);

	if (ptn_likely(!need) || (need == ptn_load(r->kicked) && need != 1))
		return false;
	if (ptn_load(atok->cur) == ptn_load(r->hwtail))
		return false;
	ptn_store(r->kicked, need);
	ptn_store(r->count[PTN_C_RX_KICKS],
		  ptn_load(r->count[PTN_C_RX_KICKS]) + 1);
	return true;
}

static void publish(struct ptn_ring *r, u32 hwcur)
{
	ptn_store(r->ktoa->hwcur, hwcur);
	ptn_store_release(r->ktoa->hwtail, r->hwtail);
}

void ptn_csb_rx_publish(struct ptn_ring *r)
{
	publish(r, r->head);
}

void ptn_csb_tx_done(struct ptn_ring *r, u32 n)
{
	ptn_store(r->hwcur, ptn_ring_add(r, r->hwcur, n));
	ptn_store(r->hwtail, ptn_ring_prev(r, r->hwcur));
	r->unshown += n;
	r->quiet = 0;
	if (r->unshown < r->num_slots / 4 &&
	    ptn_likely(!ptn_load(r->atok->appl_need_kick)))
		return;
	r->unshown = 0;
	publish(r, r->hwcur);
}

void ptn_csb_show(struct ptn_ring *r)
{
	r->unshown = 0;
	publish(r, ptn_ring_is_rx(r) ? r->head : r->hwcur);
}

bool ptn_csb_tx_idle(struct ptn_ring *r)
{
	if (ptn_likely(!r->unshown) || ++r->quiet < QUIET_LOOKS)
		return false;
	return ptn_csb_tx_settle(r);
}

bool ptn_csb_tx_settle(struct ptn_ring *r)
{
	if (ptn_likely(!r->unshown))
		return false;
	r->unshown = 0;
	publish(r, r->hwcur);
	ptn_mb();
	return ptn_csb_must_notify(r);
}

void ptn_csb_settle(struct ptn_port *p, u32 queue)
{
	struct ptn_ring *r = ptn_port_ring(p, PTN_VECTOR_TX(queue));

	if (r && ptn_csb_tx_settle(r))
		ptn_ring_notify(r);
}

void ptn_csb_want_kicks(struct ptn_ring *r, bool want)
{
	struct nm_csb_ktoa *ktoa = ptn_load(r->ktoa);

	ptn_store(ktoa->kern_need_kick, want);
}

/*
 * What the program said in the old pair is carried over when it is possible;
 * a kick that it waits for stays wanted.
 */
static void carry_over(struct ptn_ring *r, struct nm_csb_atok *atok)
{
	const u32 from = ptn_ring_is_rx(r) ? r->head : r->hwcur;
	const u32 span = ptn_ring_span(r, from, r->hwtail);
	u32 head = ptn_load(r->atok->head), cur = ptn_load(r->atok->cur);

	if (head >= r->num_slots || ptn_ring_span(r, from, head) > span)
		head = from;
	if (cur >= r->num_slots || ptn_ring_span(r, from, cur) > span ||
	    ptn_ring_span(r, from, cur) < ptn_ring_span(r, from, head))
		cur = head;
	ptn_store(atok->cur, cur);
	ptn_store(atok->head, head);
	ptn_store(atok->appl_need_kick, ptn_load(r->atok->appl_need_kick));
	ptn_store(atok->sync_flags, 0);
}

void ptn_csb_exchange(struct ptn_ring *r, struct nm_csb_atok *atok,
		      struct nm_csb_ktoa *ktoa)
{
	ptn_spin_lock(&r->lock);
	if (atok != r->atok)
		carry_over(r, atok);
	ptn_store(ktoa->kern_need_kick, ptn_load(r->ktoa->kern_need_kick));
	ptn_store(r->atok, atok);
	ptn_store(r->ktoa, ktoa);
	ptn_store(r->kicked, 0);
	r->in_header = false;
	ptn_csb_show(r);
	ptn_spin_unlock(&r->lock);
}
