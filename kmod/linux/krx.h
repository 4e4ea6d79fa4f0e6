/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Frames on their way from the kernel to a port: collected where they come
 * up, one by one, and handed over in batches by a softirq of their own.
 *
 * One a queue. They go to the port's program, or, where a switch has the
 * port, to that as if the program had sent them.
 */
#ifndef PTN_KRX_H
#define PTN_KRX_H

#include <linux/interrupt.h>
#include <linux/skbuff.h>

struct kport;
struct ptn_work;

struct krx {
	/* constant while frames may come */
	struct kport *port;
	u32 queue; /* of the port */
	bool inject; /* send them to what the port is connected to */
	struct ptn_work *work; /* under handing */

	spinlock_t lock;
	struct sk_buff_head waiting; /* under lock */
	spinlock_t handing; /* taken first; keeps batches in order */
	struct tasklet_struct tasklet;
	bool polled; /* somebody calls krx_flush() all the time */
} ____cacheline_aligned_in_smp;

/** krx_init - 0 or -ENOMEM */
int krx_init(struct krx *rx, struct kport *port, u32 queue, bool inject);

/** krx_fini - after the last krx_enqueue(); what waits is lost. May sleep. */
void krx_fini(struct krx *rx);

/**
 * krx_enqueue - a frame that starts at its MAC header and is not shared
 *
 * Takes it. With softirqs off. Returns false when it was lost, or some of
 * what it stands for.
 */
bool krx_enqueue(struct krx *rx, struct sk_buff *skb);

/** krx_flush - hand over what waits, with softirqs off. Returns frames. */
u32 krx_flush(struct krx *rx);

/** krx_poll - from now on krx_flush() is called without being asked for */
void krx_poll(struct krx *rx, bool on);

#endif
