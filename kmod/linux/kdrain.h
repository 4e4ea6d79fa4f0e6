/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The program of a port that a switch brings frames to, where a device is
 * behind it: takes what waits in a receive ring and sends it there, in a
 * softirq, right after who brought it.
 */
#ifndef PTN_KDRAIN_H
#define PTN_KDRAIN_H

#include <linux/interrupt.h>

struct kport;
struct kring;
struct ktx;
struct ptn_work;

struct kdrain {
	/* constant while frames may come */
	struct kport *port;
	u32 queue;
	struct ktx *tx;
	struct ptn_work *work; /* under lock */

	spinlock_t lock;
	struct tasklet_struct tasklet;
	bool polled; /* somebody calls kdrain_flush() all the time */
};

/** kdrain_init - of a receive ring of an open port. 0 or -ENOMEM. */
int kdrain_init(struct kdrain *d, struct kport *port, u32 queue,
		struct ktx *tx);

/** kdrain_fini - the port is stopped, nobody kicks it. May sleep. */
void kdrain_fini(struct kdrain *d);

/** kdrain_kick - look at the ring; any context but hard interrupts */
void kdrain_kick(struct kdrain *d);

/** kdrain_flush - with softirqs off. Returns frames sent. */
u32 kdrain_flush(struct kdrain *d);

/** kdrain_poll - from now on kdrain_flush() is called without being asked */
void kdrain_poll(struct kdrain *d, bool on);

#endif
