/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The host of a port, as a transport reaches it. A transport finds the rings,
 * has them started and stopped, and knows how each side kicks the other; all
 * above it, from the rings to the network device, is the same for each:
 *
 *	givshmem.c	QEMU's stock ivshmem device, with a region of ours
 *	gptnet.c	the ptnet device of patched QEMU and of bhyve
 *
 * A transport is the PCI driver, too. It embeds a struct ghost, fills it in
 * before gnet_new(), and frees it after gnet_free().
 */
#ifndef PTN_GHOST_H
#define PTN_GHOST_H

#include <linux/if_ether.h>
#include <linux/types.h>

#include "gregion.h"

struct ghost;
struct pci_dev;

/* How the two sides of one ring kick each other. */
struct ghost_ring {
	void __iomem *doorbell;
	u32 bell; /* what is written to it */
	u32 vector; /* of the device: the host has moved the ring */
};

/* What can be seen of a host without asking. */
struct ghost_pulse {
	bool is_ours; /* there is a port of ours at all */
	u32 state; /* enum ptn_state */
	u32 heartbeat; /* changes while it lives */
	u32 generation; /* changes when it restarts */
};

/* Under the RTNL, but for ring() and feel(). */
struct ghost_ops {
	/**
	 * reset - nothing flows any more, and what the host says of itself is
	 *	as new
	 *
	 * Returns 0, -ETIMEDOUT when it does not answer, what it answers, or
	 * -EPROTO when what it says cannot be.
	 */
	int (*reset)(struct ghost *h);

	/**
	 * start - let frames flow, with headers of @hdr_len; after reset()
	 *
	 * The CSB says from which indices on. Returns as reset().
	 */
	int (*start)(struct ghost *h, u32 hdr_len);

	/** stop - the host touches nothing any more; one that is gone, too */
	void (*stop)(struct ghost *h);

	struct ghost_ring (*ring)(const struct ghost *h,
				  enum gregion_direction dir, u32 queue);

	/** feel - NULL: the host cannot go without the device */
	void (*feel)(const struct ghost *h, struct ghost_pulse *out);
};

struct ghost {
	const struct ghost_ops *ops;
	struct pci_dev *pdev;
	struct gregion region;
	bool has_headers; /* it offers them */
	u32 hdr_len; /* what programs find before each frame */
	u32 mtu; /* with a VLAN tag */
	u8 mac[ETH_ALEN]; /* all 0: any */
	char name[64]; /* the host's, of the port */
};

#endif
