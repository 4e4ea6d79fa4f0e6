/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The VALE switch: an Ethernet switch between ports, by copying.
 *
 * A sender's thread does all the work of its frames: it reads a batch of
 * slots once, learns and looks up, and for each receiver leases slots under
 * the receiver's lock, copies without it, and publishes in order of
 * completion. Who stalls between lease and publish delays only himself.
 */
#ifndef PTN_VALE_H
#define PTN_VALE_H

#include "ptn_os.h"

#include <ptnet/control.h>

struct ptn_port;
struct ptn_vale;

enum {
	PTN_VALE_PORTS_MAX = 65534,
	PTN_FDB_SIZE_MIN = 64,
	PTN_FDB_SIZE_MAX = 1 << 20,
};

struct ptn_vale_params {
	const char *name; /* copied */
	u32 fdb_size; /* entries, a power of two */
	u32 ageing_ms; /* 0: for ever */
};

struct ptn_fdb_view {
	u8 mac[6];
	bool is_static;
	u32 age_ms;
	const struct ptn_port *port;
};

/** ptn_vale_new - an empty switch. 0, -EINVAL, -ENOMEM. */
int ptn_vale_new(struct ptn_vale **out, const struct ptn_vale_params *params);

/** ptn_vale_free - a switch without ports. Takes NULL. */
void ptn_vale_free(struct ptn_vale *v);

/** ptn_vale_set_ageing - from now on */
void ptn_vale_set_ageing(struct ptn_vale *v, u32 ageing_ms);

/** ptn_vale_attach - connect a port. 0, -EBUSY, -ENOSPC, -ENOMEM. */
int ptn_vale_attach(struct ptn_vale *v, struct ptn_port *p);

/**
 * ptn_vale_detach - disconnect a port and forget its addresses
 *
 * Sleeps until nobody uses the connection. The port must not be syncing.
 */
void ptn_vale_detach(struct ptn_port *p);

/**
 * ptn_vale_static - pin an address to an attached port; NULL unpins it
 *
 * Returns 0, -EXDEV when the port is not on this switch, -ENOSPC when the
 * address's set is full of static entries, -ENOENT when there is nothing to
 * unpin.
 */
int ptn_vale_static(struct ptn_vale *v, const u8 mac[6], struct ptn_port *p);

/** ptn_vale_age - drop what is older than the ageing time; call each second */
void ptn_vale_age(struct ptn_vale *v);

/**
 * ptn_vale_fdb - walk the forwarding table
 *
 * Start with *@at 0; returns false at the end. A snapshot entry by entry.
 */
bool ptn_vale_fdb(struct ptn_vale *v, u32 *at, struct ptn_fdb_view *out);

/** ptn_vale_counters - by enum ptn_switch_counter */
void ptn_vale_counters(const struct ptn_vale *v, u64 out[PTN_SWC_MAX + 1]);

u32 ptn_vale_ports(const struct ptn_vale *v);
u32 ptn_vale_fdb_used(const struct ptn_vale *v);

#endif
