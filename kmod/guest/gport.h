/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * A port of the host for netmap programs of this machine: what ptnet.ko offers
 * and ptnetmap.ko takes. Either of them loads, works and unloads without the
 * other: no symbol goes between them. The device itself tells, by its type,
 * what it is and where its operations are; who opens a port pins the module
 * of these, and is told when the device goes although it is open.
 *
 * An open port belongs to programs: frames of the network stack are dropped,
 * and the carrier goes on following the host. What was reset for the programs
 * is reset again for the stack when they leave.
 */
#ifndef PTN_GPORT_H
#define PTN_GPORT_H

#include <linux/device.h>
#include <linux/module.h>
#include <linux/netdevice.h>
#include <linux/string.h>

#include <ptnet/region.h>

#define GPORT_TYPE "ptnet"

enum {
	GPORT_VERSION = 1, /* of all that is declared here */
	GPORT_RINGS_MAX = 2 * PTN_RINGS_MAX,
};

/* Who has a port open: ptnetmap.ko. */
struct gport_user {
	/*
	 * The ring of @vector has moved; 0: the port's state has changed. Any
	 * context.
	 */
	void (*wake)(struct gport_user *u, u32 vector);
	/*
	 * The device goes. When this returns nothing of the port is used nor
	 * mapped any more, and the user does not close it. Under the RTNL;
	 * sleeps.
	 */
	void (*revoke)(struct gport_user *u);
};

/* Pools of the memory that programs map, from its start. */
struct gport_info {
	u32 rings; /* of each direction */
	u32 tx_slots, rx_slots;
	u32 hdr_len; /* of the header before each frame */
	phys_addr_t mem; /* ring pool and buffers, whole pages */
	u64 bytes;
	struct ptn_pool_info ring_pool, buf_pool;
	/* By ring, transmit first; only of an open port. */
	u64 ring_ofs[GPORT_RINGS_MAX];
};

/* All but sync() under the RTNL. */
struct gport_ops {
	/** what there is */
	void (*info)(struct net_device *dev, struct gport_info *out);

	/**
	 * open - the port is the user's, and its rings are as new
	 *
	 * Returns 0, -EBUSY, -ETIMEDOUT when the host does not answer, what it
	 * answers, -EPROTO when what it says cannot be, -ENOMEM.
	 */
	int (*open)(struct net_device *dev, struct gport_user *u);

	/** close - it is the stack's again; no call comes any more. Sleeps. */
	void (*close)(struct net_device *dev);

	/** renew - indices in order, for another program; not while it syncs */
	void (*renew)(struct net_device *dev, u32 vector);

	/**
	 * sync - what the program moved in a ring is the host's, what the host
	 *	moved is shown; one caller a ring
	 * @waits: somebody sleeps until the ring has something for programs
	 *
	 * Returns 1 when it has, 0, in which case the sleeper is woken later;
	 * -EINVAL when the program broke the ring, which is as new then;
	 * -ETIMEDOUT while the host does not live; -ENXIO: it has reset the
	 * port, which has to be opened again.
	 */
	int (*sync)(struct net_device *dev, u32 vector, bool waits);
};

struct gport_type {
	struct device_type type; /* first */
	u32 version;
	struct module *owner;
	const struct gport_ops *ops;
};

/** gport_type_of - NULL when the device is no port of a host */
static inline const struct gport_type *gport_type_of(const struct net_device *d)
{
	const struct device_type *type = d->dev.type;
	const struct gport_type *t;

	if (!type || !type->name || strcmp(type->name, GPORT_TYPE))
		return NULL;
	t = container_of(type, struct gport_type, type);
	return t->version == GPORT_VERSION ? t : NULL;
}

#endif
