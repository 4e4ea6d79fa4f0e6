/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Rings whose indices travel in the ring's header (head, cur, tail), for
 * programs that sync by calling. The home gives such a ring a CSB pair in its
 * own memory; these functions carry the indices between header and pair
 * around a sync:
 *
 *	begin	header -> checked -> pair
 *	sync	ptn_port_sync_tx(), ptn_port_sync_rx()
 *	end	the host's indices -> header
 *
 * The caller holds whatever keeps two syncs of one ring apart, and that one
 * lock is also held around ready().
 */
#ifndef PTN_HEADER_H
#define PTN_HEADER_H

#include "port.h"

/**
 * ptn_header_begin - take head and cur of a ring
 *
 * Transmit: hwcur <= old head <= head <= cur <= tail; receive: old head <=
 * head <= cur <= tail, all modulo the ring. A tail that the program wrote is
 * restored. Returns 0, or -EINVAL after counting a fault and writing the
 * header anew from the host's indices.
 */
int ptn_header_begin(struct ptn_port *p, u32 vector);

/**
 * ptn_header_anew - write head, cur and tail from the host's indices
 *
 * For a program that binds a ring which another one has left.
 */
void ptn_header_anew(struct ptn_port *p, u32 vector);

/** ptn_header_end - show the host's indices */
void ptn_header_end(struct ptn_port *p, u32 vector);

/**
 * ptn_header_sleep - whether notifications are wanted for the ring
 *
 * Full barrier; call end() and ready() after it, before sleeping.
 */
void ptn_header_sleep(struct ptn_port *p, u32 vector, bool want);

/** ptn_header_ready - cur differs from tail: the program need not sleep */
bool ptn_header_ready(const struct ptn_port *p, u32 vector);

/**
 * ptn_header_peek - what begin() would take: slots [*from, *to)
 *
 * For who looks at them before that. Returns false when it would refuse.
 */
bool ptn_header_peek(const struct ptn_port *p, u32 vector, u32 *from, u32 *to);

/** ptn_header_done - transmit: the first slot that is not sent yet */
u32 ptn_header_done(const struct ptn_port *p, u32 queue);

/**
 * ptn_header_gate - transmit: what is not sent yet stays in the ring
 *
 * Whatever the program hands over, and whoever syncs: for monitors, which are
 * to see it first. Returns the first slot behind the gate. A queue that is
 * asked to sleep does not while there are others.
 */
u32 ptn_header_gate(struct ptn_port *p, u32 queue);

/** ptn_header_gate_on - slots before @at may go; the gate moves on, or is new
 */
void ptn_header_gate_on(struct ptn_port *p, u32 queue, u32 at);

/** ptn_header_gate_off - all may go */
void ptn_header_gate_off(struct ptn_port *p, u32 queue);

/**
 * ptn_header_window - transmit: slots [*from, *to) are handed over, not sent
 *
 * None where the program's head is not possible.
 */
void ptn_header_window(const struct ptn_port *p, u32 queue, u32 *from, u32 *to);

/** ptn_header_shown - the tail that the program was shown last */
u32 ptn_header_shown(const struct ptn_port *p, u32 vector);

/** ptn_header_pending - transmit slots handed over and not done yet */
u32 ptn_header_pending(const struct ptn_port *p, u32 queue);

/** ptn_header_ring - the ring object in shared memory; NULL: no such ring */
struct netmap_ring *ptn_header_ring(const struct ptn_port *p, u32 vector);

#endif
