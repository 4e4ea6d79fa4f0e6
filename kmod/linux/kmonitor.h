/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Monitors: ports that only receive, and get what passes through the rings of
 * another port, their parent. Copying ones see frames before these are
 * consumed; zero-copy ones get the buffers once they were, and are of the
 * parent's memory. A monitor whose parent has no program any more is an
 * orphan: its syncs fail.
 *
 * ksync calls kmonitor_tx_begin() and its like around a sync of a ring that
 * somebody monitors, under that ring's lock. Where a device is the port's
 * program nothing is synced and nothing is in buffers that one could have:
 * krx and kdrain call kmonitor_pass(), and zero copies are copies.
 */
#ifndef PTN_KMONITOR_H
#define PTN_KMONITOR_H

#include <linux/list.h>

#include "kport.h"

struct kmonitor_params {
	u64 tx, rx; /* bits of the parent's queues whose rings are monitored */
	u32 slots; /* of the monitor's rings; 0: as the parent's */
	bool zero_copy;
};

/**
 * kmonitor_new - the port of a monitor; under kctl_lock
 *
 * Nobody finds it by a name. Opening it starts the monitoring, closing it
 * ends it and frees the port; one that was not opened is freed by kport_put().
 * Returns 0, -EINVAL when the parent has no program or is a monitor itself,
 * -EOPNOTSUPP for what a program in CSB mode receives, -ENOMEM.
 */
int kmonitor_new(struct kport **out, struct kport *parent,
		 const struct kmonitor_params *params);

/** kmonitor_check - 0, or -EIO for a monitor whose parent has gone */
int kmonitor_check(const struct kport *p);

/** kmonitor_orphan - end all monitoring of a port that is being closed */
void kmonitor_orphan(struct kport *parent);

static inline bool kmonitor_any(const struct kring *r)
{
	return unlikely(!list_empty(&r->monitors));
}

/* Transmit: slots [from, to) are about to be sent; were sent. */
void kmonitor_tx_begin(struct kport *p, u32 queue, u32 from, u32 to,
		       struct ptn_work *w);
void kmonitor_tx_end(struct kport *p, u32 queue, u32 from, u32 to);

/* Receive: slots [from, to) were read and given back; have come new. */
void kmonitor_rx_begin(struct kport *p, u32 queue, u32 from, u32 to);
void kmonitor_rx_end(struct kport *p, u32 queue, u32 from, u32 to,
		     struct ptn_work *w);

/* Of a device's port: these frames come from it or go to it. Under RCU. */
void kmonitor_pass(struct kport *p, u32 vector, struct ptn_work *w);

#endif
