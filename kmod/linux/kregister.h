/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * REGISTER: a descriptor gets rings of a port, an interface object that shows
 * these, and with it the port's memory. And what can be asked about that.
 */
#ifndef PTN_KREGISTER_H
#define PTN_KREGISTER_H

struct kfile;
struct krequest;

/** kregister - NETMAP_REQ_REGISTER */
int kregister(struct krequest *rq);

/** kregister_release - give back all that the descriptor has; any state */
void kregister_release(struct kfile *f);

/** kregister_port_info - NETMAP_REQ_PORT_INFO_GET */
int kregister_port_info(struct krequest *rq);

/** kregister_pools_info - NETMAP_REQ_POOLS_INFO_GET */
int kregister_pools_info(struct krequest *rq);

#endif
