/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Frames on their way from a port to the kernel: out by a network device's
 * transmit queue, or up into the host's stack. Frames are copied into skbs; a
 * bounded number of them is under way, and who waits for room is told.
 *
 * One a queue. An skb that is still under way somewhere keeps it, and the
 * module, after its owner has let go.
 */
#ifndef PTN_KTX_H
#define PTN_KTX_H

#include <linux/netdevice.h>
#include <linux/skbuff.h>
#include <linux/timer.h>

struct ktx;
struct ptn_work;

struct ktx_params {
	struct net_device *dev;
	/* How frames leave; NULL: up into the host's stack. */
	const struct net_device_ops *ops;
	u32 index; /* of the device's queue */
	u32 limit; /* frames under way */
	/* There is room again: any context but hard interrupts, under RCU. */
	void (*wake)(void *arg);
	void *arg;
};

/** ktx_new - 0 or -ENOMEM */
int ktx_new(struct ktx **out, const struct ktx_params *params);

/** ktx_hush - it wakes nobody any more. Takes NULL. */
void ktx_hush(struct ktx *tx);

/**
 * ktx_free - let go of it and the device: nothing calls it any more. Sleeps.
 *	Takes NULL.
 */
void ktx_free(struct ktx *tx);

/** ktx_room - how many frames it takes; who got 0 is woken once it is more */
u32 ktx_room(struct ktx *tx);

/** ktx_send - all frames. Returns how many of them were lost. */
u32 ktx_send(struct ktx *tx, const struct ptn_work *w);

/** ktx_wake - the device is up again: who waits looks anew */
void ktx_wake(struct ktx *tx);

/** ktx_is_for_host - whether an skb that comes up was sent up by ktx_send() */
bool ktx_is_for_host(const struct sk_buff *skb);

/** ktx_module_exit - wait for the last skb that was sent */
void ktx_module_exit(void);

#endif
