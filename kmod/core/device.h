/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Devices: where frames leave the core for the home's world (a network
 * device, the host's stack) and come from it.
 *
 * Two ways in which a device is joined to a port. Back to back: the port's
 * program sends to the device (ptn_device_attach(), xmit) and receives from it
 * (ptn_device_receive()). Or the device itself is the port's program, on a
 * switch: ptn_device_inject() sends its frames, ptn_device_take() and
 * ptn_device_give_back() get those that the switch delivered.
 *
 * Frames travel in a ptn_work: fragments that point into memory that stays
 * valid during the call. Calls for one queue come one at a time, except
 * ptn_device_receive(), which any number of threads may call.
 */
#ifndef PTN_DEVICE_H
#define PTN_DEVICE_H

#include "port.h"
#include "work.h"

struct ptn_device_ops {
	/* How many frames the device takes now from this queue. */
	u32 (*room)(void *home, u32 queue);
	/*
	 * Send frames, all of them: what cannot be sent is the device's drop.
	 * They may have headers before them (w->hdr_len), whose offloads are
	 * checked; segment.h has the frames for the wire. On the data path,
	 * must not sleep. Returns how many were dropped.
	 */
	u32 (*xmit)(void *home, u32 queue, struct ptn_work *w);
	/*
	 * Frames that wait in the device, into @w, until the next call; for
	 * homes where nobody calls ptn_device_receive(). NULL: there are none.
	 */
	void (*fetch)(void *home, u32 queue, struct ptn_work *w);
};

/** ptn_device_attach - back to back with @p. 0, or -EBUSY when connected. */
int ptn_device_attach(struct ptn_port *p, const struct ptn_device_ops *ops,
		      void *home);

/** ptn_device_detach - the port is not syncing. May sleep. */
void ptn_device_detach(struct ptn_port *p);

/** ptn_device_room_made - wake programs that wait until room() is there */
void ptn_device_room_made(struct ptn_port *p, u32 queue);

/** ptn_device_clear - no frames */
void ptn_device_clear(struct ptn_work *w);

/**
 * ptn_device_add - append a fragment
 * @more: the frame goes on in the next one
 * @flags: NS_NO_LEARN or 0
 *
 * Returns false when the work is full; the fragments of the frame that was
 * being added are gone then.
 */
bool ptn_device_add(struct ptn_work *w, const void *addr, u32 len, bool more,
		    u32 flags);

/**
 * ptn_device_receive - give frames to the port's program
 *
 * Inside ptn_rcu_read_lock(). What does not fit is dropped and counted.
 * Returns frames delivered.
 */
u32 ptn_device_receive(struct ptn_port *p, u32 queue, struct ptn_work *w);

/** ptn_device_inject - send frames as if the port's program had sent them */
void ptn_device_inject(struct ptn_port *p, u32 queue, struct ptn_work *w);

/**
 * ptn_device_take - the frames that wait in a receive ring, at most PTN_BATCH
 *	slots and @max frames
 *
 * Of a running port whose program is the caller. Returns frames; they stay in
 * the ring until ptn_device_give_back(), which returns how many slots it gave
 * back.
 */
u32 ptn_device_take(struct ptn_port *p, u32 queue, struct ptn_work *w, u32 max);
u32 ptn_device_give_back(struct ptn_port *p, u32 queue);

/**
 * ptn_device_marked - frames whose first slot has NS_FORWARD, among slots
 *	[*from, to) of a receive ring
 *
 * The slots are the program's, which waits meanwhile. *@from moves on as far
 * as the work has room. Returns frames.
 */
u32 ptn_device_marked(struct ptn_port *p, u32 vector, u32 *from, u32 to,
		      struct ptn_work *w);

/** ptn_device_lost - count so many of these as drops of the device */
void ptn_device_lost(struct ptn_port *p, u32 vector, u32 n);

/** ptn_device_waits - whether ptn_device_take() would find something */
bool ptn_device_waits(const struct ptn_port *p, u32 queue);

/** ptn_device_sleep - ask for ops->notify when frames arrive; true: none wait
 */
bool ptn_device_sleep(struct ptn_port *p, u32 queue);

#endif
