/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * From rings to a batch of checked frames (gather.c), and from a batch into
 * receivers' rings (deliver.c); shared by the core's links.
 */
#ifndef PTN_BATCH_H
#define PTN_BATCH_H

#include "ring.h"
#include "work.h"

/**
 * ptn_gather - read a batch of a transmit ring's slots into @w
 * @head: up to here; moves on when the program does meanwhile
 * @limit: slots to read at most, up to PTN_BATCH
 *
 * Returns the number of slots that are done with: none when the first frame's
 * end has not come yet.
 */
u32 ptn_gather(struct ptn_ring *r, u32 *head, u32 limit, struct ptn_work *w);

/**
 * ptn_deliver - copy frames order[0..n) (0..n without an order) into a ring
 *
 * What does not fit is dropped and counted there. Returns frames that did.
 */
u32 ptn_deliver(struct ptn_ring *r, struct ptn_work *w, const u16 *order,
		u32 n);

/**
 * ptn_notify_published - a full barrier, then wake who sleeps and got some
 * @from: the sender's ring, whose program may wait for room, or NULL
 */
void ptn_notify_published(struct ptn_ring *from, struct ptn_work *w);

#endif
