/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Monitors: a port whose receive rings get what passes through another port's
 * rings. The home calls these around that port's syncs, where somebody
 * monitors.
 */
#ifndef PTN_MONITOR_H
#define PTN_MONITOR_H

#include "port.h"
#include "work.h"

/**
 * ptn_monitor_copy - copy frames of slots [from, to) of a ring to a monitor
 *
 * Slots that are not valid are left out. Inside ptn_rcu_read_lock(). What
 * does not fit is dropped and counted at the monitor.
 */
void ptn_monitor_copy(struct ptn_port *monitor, u32 queue, struct ptn_port *p,
		      u32 vector, u32 from, u32 to, struct ptn_work *w);

/**
 * ptn_monitor_swap - give the buffers of slots [from, to) that the program
 *	has released to a monitor of the same region, in exchange for its own
 *
 * On overflow the monitor loses its oldest frames. The ring's slots are the
 * host's: for receive before they are filled anew, for transmit before they
 * are shown to the program as free.
 */
void ptn_monitor_swap(struct ptn_port *monitor, u32 queue, struct ptn_port *p,
		      u32 vector, u32 from, u32 to);

/**
 * ptn_monitor_imitate - the same as swapping, by copying
 *
 * For slots [from, to) that are about to pass on with their buffers, which
 * nobody releases here.
 */
void ptn_monitor_imitate(struct ptn_port *monitor, u32 queue,
			 struct ptn_port *p, u32 vector, u32 from, u32 to);

/**
 * ptn_monitor_keep - the same for frames that a device brings or takes
 *
 * They are in no ring of the region. A fragment that is longer than a buffer
 * is dropped and counted at the monitor.
 */
void ptn_monitor_keep(struct ptn_port *monitor, u32 queue,
		      const struct ptn_work *w);

#endif
