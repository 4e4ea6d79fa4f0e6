/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Uplinks: network devices of the host on switches. The device is the port's
 * program (nic.h): what comes to it is sent into the switch by a worker, and
 * what the switch brings leaves by it. Nobody attaches to such a port; its
 * memory is nobody else's.
 *
 * Called by the control thread.
 */
#ifndef PTNET_ENGINE_UPLINK_H
#define PTNET_ENGINE_UPLINK_H

#include "engine/state.h"

/* What the core asks of a port's home (a struct vport). */
extern const struct ptn_port_ops uplink_port_ops;

/**
 * uplink_new - all of it that can fail; no frame moves yet
 *
 * The port is on its switch. Returns 0 with @p->uplink set, -EPERM, -ENOMEM,
 * -errno.
 */
int uplink_new(struct vport *p);

/** uplink_free - end it, whatever of it there is. Takes NULL. */
void uplink_free(struct uplink *u);

/** uplink_start - frames flow, or will once its device is there and up */
void uplink_start(struct uplink *u);

/** uplink_renew - its device went, came, or is another one */
void uplink_renew(struct uplink *u);

/** uplink_status - state, pages and worker */
void uplink_status(const struct uplink *u, struct port_status *out);

/** uplink_memory - for the census */
const struct memory *uplink_memory(const struct uplink *u);

#endif
