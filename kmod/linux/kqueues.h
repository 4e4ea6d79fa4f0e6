/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* Which rings of a port a program asks for. */
#ifndef PTN_KQUEUES_H
#define PTN_KQUEUES_H

#include <linux/types.h>

#include <ptnet/request.h>

struct ptn_port_params;

/* Queues, a bit each; those of the host come after the others. */
struct kqueues {
	u64 tx, rx;
};

/**
 * kqueues_of - by mode, ring id and flags
 *
 * Returns 0, or -EINVAL when the port has no such rings.
 */
int kqueues_of(struct kqueues *q, const struct ptn_port_params *params,
	       const struct nmreq_register *reg);

#endif
