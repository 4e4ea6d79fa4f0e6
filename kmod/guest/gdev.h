/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * A device: what its parts share. gdev.c binds it to the PCI function,
 * gcommand.c speaks with the host about the whole port, gnet.c is what the
 * network stack sees, gport.c what netmap programs have of it, glink.c watches
 * that the host is there.
 */
#ifndef PTN_GDEV_H
#define PTN_GDEV_H

#include <linux/netdevice.h>
#include <linux/pci.h>
#include <linux/workqueue.h>

#include "gport.h"
#include "gqueue.h"
#include "gregion.h"

/* What is known of the host's side. */
struct glink {
	struct delayed_work work;
	u32 heartbeat; /* the last one that was seen ... */
	unsigned long seen; /* ... in jiffies */
	u32 generation;
	u32 restarts; /* of the host's side that were noticed */
};

struct gdev {
	struct net_device *dev;
	struct pci_dev *pdev;
	void __iomem *registers;
	struct gregion region;
	u32 seq; /* of the last command */
	bool started; /* the rings are in use; under the RTNL */
	bool has_headers; /* the host offers them ... */
	bool wants_headers; /* ... and the stack takes them: RXCSUM */
	struct glink link;
	/* Whose the rings are, changed while they are stopped; NULL: the
	 * stack's. Under the RTNL, as all of the user's.
	 */
	struct gport_user *user;
	u32 user_generation; /* of the host's side that started the rings */
	int user_err; /* what syncs answer instead of 0 */
	struct gqueue *queues;
	u32 n_queues;
};

/** gdev_doorbell - where a kick is written to */
void __iomem *gdev_doorbell(const struct gdev *g);

/* gcommand.c */

/**
 * gcommand - give the host a command and wait for the answer; sleeps
 *
 * Returns 0, what the host answers, or -ETIMEDOUT.
 */
int gcommand(struct gdev *g, enum ptn_region_command cmd);
int gcommand_with(struct gdev *g, enum ptn_region_command cmd, u32 arg);

/** gcommand_leave - nobody is here any more; nobody waits for the answer */
void gcommand_leave(struct gdev *g);

/* gnet.c */

/** gnet_new - a network device that is not registered, with a struct gdev */
struct gdev *gnet_new(struct pci_dev *pdev, const struct gregion *region);

/** gnet_free - when it is not registered, or not any more */
void gnet_free(struct gdev *g);

/** gnet_start - RESET, and let frames flow. Under the RTNL. 0 or -errno. */
int gnet_start(struct gdev *g);

/** gnet_stop - let none flow. Under the RTNL. */
void gnet_stop(struct gdev *g);

/* glink.c */

/** glink_init - and what the host says now counts as seen */
void glink_init(struct gdev *g);

/** glink_begin, glink_end - watch; glink_end() sleeps. Under the RTNL. */
void glink_begin(struct gdev *g);
void glink_end(struct gdev *g);

/** glink_look - something has changed: look now. Any context. */
void glink_look(struct gdev *g);

/** glink_is_up - the host is there, and syncs our rings */
bool glink_is_up(const struct gdev *g);

/* gport.c */

/** gport_tell - programs get @err from now on, 0: none; -ENXIO stays */
void gport_tell(struct gdev *g, int err);

/** gport_leave - the device goes: programs lose it now */
void gport_leave(struct gdev *g);

extern const struct gport_type gport_type;

/* gethtool.c */
extern const struct ethtool_ops gethtool_ops;

#endif
