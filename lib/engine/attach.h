/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attachments: a client of a port, from its connection to its hang-up. The
 * host's side of ptnet/region.h.
 *
 * The client is not trusted: nothing here waits for it, what it wrote is read
 * once, and all that it was given is new memory and new descriptors.
 */
#ifndef PTNET_ENGINE_ATTACH_H
#define PTNET_ENGINE_ATTACH_H

#include "engine/state.h"

/* What the core asks of a port's home (a struct vport). */
extern const struct ptn_port_ops attach_port_ops;

/** attach_listener_heard - somebody connects to a port */
void attach_listener_heard(struct loop_source *source, uint32_t events);

/** attach_end - cut a client off: its port is deleted, or the engine ends */
void attach_end(struct attach *a);

/** attach_renew_device - the port's device went, came, or is another one */
void attach_renew_device(struct attach *a);

/** attach_tick - each second: heartbeats, and mercy for noisy clients */
void attach_tick(struct engine *e);

/** attach_faults - stop the ports that a worker saw too many faults of */
void attach_faults(struct engine *e);

/** attach_status - state, pid and worker */
void attach_status(const struct attach *a, struct port_status *out);

/** attach_census - where the buffers of all regions are; pauses workers */
void attach_census(struct engine *e, struct census *out);

#endif
