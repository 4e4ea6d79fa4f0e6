/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * A queue: a transmit and a receive ring, the interrupts of both, and the NAPI
 * that serves them. gtx.c and grx.c move the frames.
 *
 * Transmit state belongs to who holds the device queue's lock, receive state
 * to the poll.
 */
#ifndef PTN_GQUEUE_H
#define PTN_GQUEUE_H

#include <linux/netdevice.h>
#include <linux/u64_stats_sync.h>

#include "gport.h"
#include "ghdr.h"
#include "gring.h"

/* One direction's; written by one party at a time. */
struct gqueue_counts {
	struct u64_stats_sync sync;
	u64 packets;
	u64 bytes;
	u64 dropped; /* frames that could not be had or passed on */
	u64 large; /* packets that others cut, or would have */
	u64 partial; /* frames whose checksum others make, or would have */
	u64 stops; /* transmit: waits for the host */
};

struct gqueue {
	struct net_device *dev;
	u32 index;
	u32 hdr_len; /* of the virtio-net header before each frame, or 0 */
	struct gport_user *user; /* who is told instead of NAPI, or NULL */
	struct napi_struct napi;
	struct {
		struct gring ring;
		u32 *len; /* by slot: of the frame that ends there, for BQL */
		u32 done; /* the first slot that is under way */
		u32 most; /* slots of the largest frame that may come */
		struct gqueue_counts counts;
		u64 interrupts;
	} tx ____cacheline_aligned_in_smp;
	struct {
		struct gring ring;
		struct gqueue_counts counts;
		u64 interrupts;
	} rx ____cacheline_aligned_in_smp;
	char name[2][IFNAMSIZ + 8]; /* of the interrupts */
} ____cacheline_aligned_in_smp;

/** gqueue_init - before the device is registered. 0 or -ENOMEM. */
int gqueue_init(struct gqueue *q, struct net_device *dev, u32 index,
		u32 tx_slots);

/** gqueue_fini - takes one that was not initialised, too */
void gqueue_fini(struct gqueue *q);

/** gqueue_reset - as the host started the rings. 0 or -EPROTO. */
int gqueue_reset(struct gqueue *q, const struct ghost *host, u32 hdr_len);

/**
 * gqueue_open, gqueue_close - take and give the interrupts; sleeps
 * @user: a program's, who is woken by them; NULL: the poll is
 */
int gqueue_open(struct gqueue *q, struct gport_user *user, int tx_irq,
		int rx_irq);
void gqueue_close(struct gqueue *q, int tx_irq, int rx_irq);

/** gqueue_poll_soon - have the poll look at the rings, and ask for interrupts
 */
void gqueue_poll_soon(struct gqueue *q);

/** gqueue_add - count a frame; @h: what its header says, or NULL */
void gqueue_add(struct gqueue_counts *c, u32 bytes,
		const struct virtio_net_hdr_mrg_rxbuf *h);
void gqueue_add_dropped(struct gqueue_counts *c);

/** gqueue_read - a copy that is of one moment; stops are not in it */
void gqueue_read(const struct gqueue_counts *c, struct gqueue_counts *out);

/* gtx.c */

/** gtx_xmit - ndo_start_xmit of this queue */
netdev_tx_t gtx_xmit(struct gqueue *q, struct sk_buff *skb);

/** gtx_poll - what the host has sent is done; whoever waited goes on */
void gtx_poll(struct gqueue *q);

/** gtx_rest - ask for an interrupt if somebody waits; true: look again */
bool gtx_rest(struct gqueue *q);

/** gtx_reset - nothing is under way any more */
void gtx_reset(struct gqueue *q);

/* grx.c */

/** grx_poll - pass up to @budget frames on; returns how many */
int grx_poll(struct gqueue *q, int budget);

/** grx_rest - ask for an interrupt; true: there is something, look again */
bool grx_rest(struct gqueue *q);

#endif
