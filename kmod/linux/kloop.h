/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The sync loop: a program in CSB mode lends the kernel a thread, which
 * watches the program's rings until it is stopped. Eventfds go both ways: one
 * wakes the loop when the program has published something, the other tells
 * the program what has moved. For the port of a VM, whose client lends no
 * thread, one of ours is the loop (kbind.c).
 */
#ifndef PTN_KLOOP_H
#define PTN_KLOOP_H

#include <linux/types.h>
#include <linux/wait.h>

struct eventfd_ctx;
struct file;
struct kloop;
struct kport;
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

/* The loop of a thread of ours, over all rings of an open port. */

/**
 * kloop_new - not watching anything yet; NULL without memory
 * @due: whether the thread has something else to do; looked at before it
 *	sleeps, after kloop_kick() was heard
 */
struct kloop *kloop_new(struct kport *p, bool (*due)(const void *home),
			const void *home);

/**
 * kloop_watch - one of the rings, by its vector
 * @io: of an eventfd that wakes the loop; @irq: one that tells the client
 *
 * Both references are taken over. Returns 0, or -EBADF: @io is no eventfd.
 */
int kloop_watch(struct kloop *l, u32 vector, struct file *io,
		struct eventfd_ctx *irq);

/** kloop_turn - move what there is; whether to look again at once */
bool kloop_turn(struct kloop *l);

/** kloop_sleep - until something is due or kicked, or the time has come */
void kloop_sleep(struct kloop *l, unsigned long jiffies_max);

/** kloop_kick - wake it; any context, under RCU when it is not one's own */
void kloop_kick(struct kloop *l);

/** kloop_unasked - about how many kicks came that nobody had asked for */
u32 kloop_unasked(const struct kloop *l);

/** kloop_deafen - kicks wake nobody; whose loop it is looks by time */
void kloop_deafen(struct kloop *l, bool deaf);

/** kloop_free - nobody is in it; the port is still open. Takes NULL. */
void kloop_free(struct kloop *l);

#endif
