/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * One side of a network device, its wire or the host's stack, joined to queues
 * of a port: back to back with the port's program, or as its program on a
 * switch.
 */
#ifndef PTN_KSIDE_H
#define PTN_KSIDE_H

#include <linux/netdevice.h>

struct kdrain;
struct kport;
struct krx;
struct ktx;
struct kside_waker;
struct ptn_work;

struct kside_params {
	struct net_device *dev;
	const struct net_device_ops *ops; /* of the wire; NULL: the stack */
	struct kport *port; /* open */
	bool program; /* be the port's program, on a switch */
	u32 first_tx, n_tx; /* queues of the port */
	u32 first_rx, n_rx;
};

struct kside {
	struct net_device *dev;
	bool on; /* frames are taken */
	u32 n_in; /* queues of frames for the port */
	struct krx *in;
	u32 n_out; /* ... and of frames from it */
	struct ktx **out;
	struct kside_waker *waker; /* [n_out], back to back */
	struct kdrain *drain; /* [n_out], as its program */
	struct kport *port;
	u32 first_rx;
};

/** kside_open - 0 or -ENOMEM; nothing was done then */
int kside_open(struct kside *s, const struct kside_params *params);

/** kside_start - as its program: the port runs now, take what it gets */
void kside_start(struct kside *s);

/**
 * kside_close - let go of the port and the device. Sleeps. Nothing open:
 *	nothing happens.
 *
 * The port's rings are still there, and it is not syncing.
 */
void kside_close(struct kside *s);

/** kside_take - a frame from the device, see krx_enqueue(); taken. Under RCU */
void kside_take(struct kside *s, struct sk_buff *skb, u32 queue);

/** kside_room, kside_send - of queue @queue of this side, as ktx_room() ... */
u32 kside_room(const struct kside *s, u32 queue);
u32 kside_send(const struct kside *s, u32 queue, const struct ptn_work *w);

/** kside_wake - the device is up: look at everything anew */
void kside_wake(struct kside *s);

/** kside_poll - without softirqs, by kside_look(); or with them again */
void kside_poll(struct kside *s, bool on);

/** kside_look - move what waits on queue @queue. Returns frames. */
u32 kside_look(struct kside *s, u32 queue);

#endif
