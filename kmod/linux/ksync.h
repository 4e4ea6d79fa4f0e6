/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Moving frames of one ring, for whoever syncs: the ioctls, poll(), the
 * kernel loop. Takes the ring's lock; may sleep.
 *
 * What surrounds a sync is here and nowhere else: payloads that are still in
 * the program's memory (NS_INDIRECT), monitors, timestamps, frames that pass
 * on to the other side (NR_FORWARD).
 */
#ifndef PTN_KSYNC_H
#define PTN_KSYNC_H

#include "core/port.h"

struct kport;

/**
 * ksync_tx - hand over what the program put into a transmit ring
 *
 * All of it, as far as the link takes it. Returns 0, -ENXIO when the port is
 * gone, -EINVAL when the program broke the ring, which is as new then.
 */
int ksync_tx(struct kport *p, u32 queue);

/** ksync_rx - take back what was read, show what came; -EIO: no parent */
int ksync_rx(struct kport *p, u32 queue);

/**
 * ksync_poll_tx, ksync_poll_rx - the same, for who may sleep afterwards
 * @want: the program waits for room; else only what it put in is handed over
 *
 * Who has entered the ring's wait queue before is woken as soon as the answer
 * changes. Returns 1 when the program need not sleep, 0, or as above.
 */
int ksync_poll_tx(struct kport *p, u32 queue, bool want);
int ksync_poll_rx(struct kport *p, u32 queue);

#endif
