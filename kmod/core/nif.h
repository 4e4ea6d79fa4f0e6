/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Interface objects: what one program sees of a port. Several programs may
 * have a port open, each with some of its rings and its own extra buffers.
 */
#ifndef PTN_NIF_H
#define PTN_NIF_H

#include "port.h"

struct ptn_nif;

struct ptn_nif_params {
	const char *name; /* shown, cut to 15 bytes */
	u64 tx, rx; /* bits of the queues shown, host queues after the others */
	u32 extra_bufs;
	bool shares_region; /* NI_PRIV_MEM is not set */
};

/**
 * ptn_nif_new - an interface object of an open port's region
 *
 * Returns 0, -ENXIO when the port is not open, -ENOMEM.
 */
int ptn_nif_new(struct ptn_nif **out, struct ptn_port *p,
		const struct ptn_nif_params *params);

/**
 * ptn_nif_free - give it and its extra buffers back, by the host's books
 *
 * Before the port is closed. Takes NULL.
 */
void ptn_nif_free(struct ptn_nif *n);

/** ptn_nif_ofs - its offset in the region's memory */
size_t ptn_nif_ofs(const struct ptn_nif *n);

#endif
