/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The books: which slot or extra list each buffer of a region belongs to.
 *
 * They are a permutation: each ring holds as many buffers as it has slots,
 * ring->buf says which, and the region's homes say where a buffer is. A slot
 * that shows another buffer than its book (a program exchanged two of its
 * slots, in zero-copy forwarding) is made true by trading places with that
 * buffer's home, so nothing is ever lost or doubled, whatever programs write.
 *
 * Pipes keep the books as frames pass. A switch only copies, and its senders
 * let the buffers of one ring go round; so before anything is given back, the
 * books follow what the slots show.
 */
#ifndef PTN_BOOKS_H
#define PTN_BOOKS_H

#include "ring.h"

/**
 * ptn_books_make_true - let the book of slot @at follow what it shows
 *
 * The locks of @r and @held (which may be NULL) are held; a third one is only
 * tried, so that none waits in a circle. Returns 0, -ENOENT when what it
 * shows is nobody's, -EBUSY when its ring is being changed elsewhere: later,
 * then.
 */
int ptn_books_make_true(struct ptn_ring *r, const struct ptn_ring *held,
			u32 at);

/**
 * ptn_books_follow - the same for all slots of a ring that is published
 *
 * Called by control calls, while nobody fills the ring.
 */
void ptn_books_follow(struct ptn_ring *r);

/**
 * ptn_books_settle - the same for all rings that a region's programs have
 *
 * They may be running. Called by control calls; sleeps where a ring is being
 * filled, and what comes for it meanwhile is dropped and counted.
 */
void ptn_books_settle(struct ptn_region *r);

/**
 * ptn_books_adopt - let the books follow the extra list that a program left
 * @number: of its interface object
 * @head: the first buffer of the list, as the program wrote it
 *
 * Buffers of other lists that are in there are exchanged for its own that are
 * not. A list that is not whole (a program that was killed leaves none) means
 * nothing.
 */
void ptn_books_adopt(struct ptn_region *r, u32 number, u32 head);

#endif
