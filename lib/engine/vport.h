/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The engine's objects: made, asked and freed here. Who may be made, and what
 * they are connected to, is the transaction's business (txn.h).
 */
#ifndef PTNET_ENGINE_VPORT_H
#define PTNET_ENGINE_VPORT_H

#include "engine/state.h"

/** vswitch_new, vpipe_new, vport_new - not in any table, not connected */
int vswitch_new(struct vswitch **out, struct switch_spec *spec);
int vpipe_new(struct vpipe **out, const struct pipe_spec *spec);
int vport_new(struct vport **out, struct engine *e,
	      const struct port_spec *spec);

/** vswitch_free, vpipe_free, vport_free - nothing is connected. Take NULL. */
void vswitch_free(struct vswitch *s);
void vpipe_free(struct vpipe *p);

/** vport_free - and remove its socket, if the port still has it */
void vport_free(struct vport *p);

/**
 * vport_listen - make the port's attach socket, RUN_DIR/ports/NAME.sock
 *
 * A stale socket of that name is removed. Does nothing without a RUN_DIR.
 * Returns 0, -EMFILE when descriptors run out, -ENAMETOOLONG, -errno.
 */
int vport_listen(struct vport *p);

/** vport_take_listener - what a port has listened to, another now does */
void vport_take_listener(struct vport *to, struct vport *from);

/** vport_is_uplink - a device on a switch, to which nobody attaches */
bool vport_is_uplink(const struct vport *p);

/** vport_domain - whose region it uses; "": one of its own */
const char *vport_domain(const struct vport *p);

void vport_status(const struct vport *p, struct port_status *out);
void vswitch_status(const struct vswitch *s, struct switch_status *out);

#endif
