/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens to the host's network devices, for the ports that have one: a
 * device that goes and one of its name that comes. Its VM stays attached, and
 * its port on its switch. Who listens at the control socket is told.
 */
#ifndef PTNET_ENGINE_LINKS_H
#define PTNET_ENGINE_LINKS_H

struct engine;
struct vport;

/** links_watch - hear of it from now on. 0 or -errno. */
int links_watch(struct engine *e);

/** links_went - a port is there without its device: as if that had gone */
void links_went(const struct vport *p);

#endif
