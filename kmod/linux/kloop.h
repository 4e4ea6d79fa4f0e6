/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The sync loop: a program in CSB mode lends the kernel a thread, which
 * watches the program's rings until it is stopped. Eventfds go both ways: one
 * wakes the loop when the program has published something, the other tells
 * the program what has moved.
 */
#ifndef PTN_KLOOP_H
#define PTN_KLOOP_H

#include <linux/types.h>
#include <linux/wait.h>

struct krequest;

/* Of a descriptor; under its lock. */
struct kloop_state {
	bool running;
	bool stop; /* asked for; holds for the next loop as well */
	u32 ended; /* loops that came to their end */
	struct kloop *loop; /* while it runs */
	wait_queue_head_t wait; /* for its end */
};

void kloop_init(struct kloop_state *s);

/**
 * kloop_start - NETMAP_REQ_SYNC_KLOOP_START: be the loop
 *
 * Without the descriptor's lock. Returns 0 after a STOP, also one that came
 * before; -EINVAL without CSB or for options that do not fit, -EBUSY when
 * there is a loop, -EBADF for what is no eventfd, -ENXIO when the port is
 * gone, or that a signal came.
 */
int kloop_start(struct krequest *rq);

/**
 * kloop_stop - NETMAP_REQ_SYNC_KLOOP_STOP: end the loop, or the next one
 *
 * Without the descriptor's lock. When it returns 0 the loop has ended.
 */
int kloop_stop(struct krequest *rq);

#endif
