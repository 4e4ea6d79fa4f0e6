/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * A window of the region that an ivshmem device has in its BAR 2, as
 * ptnet/region.h describes it. What it says is copied once, checked against
 * the BAR's size, and used from the copy.
 */
#ifndef PTN_GWINDOW_H
#define PTN_GWINDOW_H

#include <linux/types.h>

#include "gregion.h"

struct pci_dev;

struct gwindow {
	void *base; /* NULL: not mapped */
	u64 bytes; /* that are */
	phys_addr_t phys;
	struct ptn_config config; /* the checked copy */
	const struct ptn_config *live; /* state, heartbeat, acknowledgements */
	struct ptn_control *control;
};

/**
 * gwindow_map - map what window @id of the device's memory describes
 *
 * Returns 0, -ENODEV when there is no port of ours, -EPROTO when what it says
 * of itself cannot be, -ENOMEM.
 */
int gwindow_map(struct gwindow *w, struct pci_dev *pdev, u32 id);

/**
 * gwindow_refresh - the host's side may have been restarted: look again where
 *	things are; before a RESET nothing of it may be used
 *
 * Returns 0, or -EPROTO when it is not the port that it was.
 */
int gwindow_refresh(struct gwindow *w);

/** gwindow_unmap - takes one that is not mapped, too */
void gwindow_unmap(struct gwindow *w);

/** gwindow_region - the port's memory and its CSB, by the checked copy */
struct gregion gwindow_region(const struct gwindow *w);

#endif
