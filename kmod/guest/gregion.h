/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The memory of the guest's side of a port: BAR 2 of the device, as
 * ptnet/region.h describes it. What the host says of places and counts is
 * copied once, checked against the BAR's size, and used from the copy. Knows
 * no ring's state, and no network device.
 */
#ifndef PTN_GREGION_H
#define PTN_GREGION_H

#include <linux/types.h>

#include <ptnet/netmap.h>
#include <ptnet/region.h>

struct pci_dev;

enum gregion_direction { GREGION_TX, GREGION_RX };

struct gregion {
	void *base; /* NULL: not mapped */
	u64 bytes; /* that are */
	struct ptn_config config; /* the checked copy */
	const struct ptn_config *live; /* state, heartbeat, acknowledgements */
	struct ptn_control *control;
	struct nm_csb_atok *atok;
	const struct nm_csb_ktoa *ktoa;
};

/**
 * gregion_map - map what window @id of the device's memory describes
 *
 * Returns 0, -ENODEV when there is no port of ours, -EPROTO when what it says
 * of itself cannot be, -ENOMEM.
 */
int gregion_map(struct gregion *r, struct pci_dev *pdev, u32 id);

/**
 * gregion_refresh - the host's side may have been restarted: look again where
 *	things are; before a RESET nothing of it may be used
 *
 * Returns 0, or -EPROTO when it is not the port that it was.
 */
int gregion_refresh(struct gregion *r);

/** gregion_unmap - takes a region that is not mapped, too */
void gregion_unmap(struct gregion *r);

/**
 * gregion_ring - a ring of the port, checked; after a RESET
 *
 * Returns NULL when it is not where, or not what it has to be.
 */
struct netmap_ring *gregion_ring(const struct gregion *r,
				 enum gregion_direction dir, u32 queue);

/** gregion_phys - where the memory is for the processor */
phys_addr_t gregion_phys(const struct pci_dev *pdev);

/** gregion_has_headers - the host takes the command HEADER */
static inline bool gregion_has_headers(const struct gregion *r)
{
	return r->config.features & PTN_REGION_HEADERS;
}

/** gregion_bufs - where buffer 0 is */
char *gregion_bufs(const struct gregion *r);

#endif
