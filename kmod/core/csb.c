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

bool ptn_csb_tx_head(struct ptn_ring *r, u32 *head)
{
	u32 h = ptn_load_acquire(r->atok->head);

	if (ptn_unlikely(h >= r->num_slots ||
			 ptn_ring_span(r, r->hwcur, h) >
				 ptn_ring_span(r, r->hwcur, r->hwtail))) {
		ptn_ring_fault(r);
		return false;
	}
	*head = h;
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
	const u32 need = ptn_load(r->atok->appl_need_kick);

	if (ptn_likely(!need) || (need == ptn_load(r->kicked) && need != 1))
		return false;
	if (ptn_load(r->atok->cur) == ptn_load(r->hwtail))
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
	r->hwcur = ptn_ring_add(r, r->hwcur, n);
	r->hwtail = ptn_ring_prev(r, r->hwcur);
	r->unshown += n;
	r->quiet = 0;
	if (r->unshown < r->num_slots / 4 &&
	    ptn_likely(!ptn_load(r->atok->appl_need_kick)))
		return;
	r->unshown = 0;
	publish(r, r->hwcur);
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

void ptn_csb_want_kicks(struct ptn_ring *r, bool want)
{
	ptn_store(r->ktoa->kern_need_kick, want);
}
