/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * A device: what its parts share. A transport (ghost.h) binds it to the PCI
 * function, gdev.c has what all of these do alike, gnet.c is what the network
 * stack sees, gport.c what netmap programs have of it, glink.c watches that the
 * host is there.
 */
#ifndef PTN_GDEV_H
#define PTN_GDEV_H

#include <linux/netdevice.h>
#include <linux/pci.h>
#include <linux/workqueue.h>

#include "ghost.h"
#include "gport.h"
#include "gqueue.h"

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
	struct ghost *host;
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

/* gdev.c: for transports */

/**
 * gdev_enable - the device and its regions are the driver's, until it lets go
 *	of the device. 0 or -errno.
 */
int gdev_enable(struct pci_dev *pdev);

/** gdev_take_vectors - with a sentence if there are not that many */
int gdev_take_vectors(struct pci_dev *pdev, u32 vectors);

/** gdev_add - from now on it is a network device. 0 or -errno. */
int gdev_add(struct gdev *g);

/** gdev_del - it is none any more, and stopped; gnet_free() comes next */
void gdev_del(struct gdev *g);

/** gdev_shutdown - of a struct pci_driver */
void gdev_shutdown(struct pci_dev *pdev);

extern const struct dev_pm_ops gdev_pm_ops;

extern struct pci_driver givshmem_driver;
extern struct pci_driver gptmem_driver;
extern struct pci_driver gptnet_driver;

/* gnet.c */

/** gnet_new - a network device that is not registered, with a struct gdev */
struct gdev *gnet_new(struct ghost *h);

/** gnet_free - when it is not registered, or not any more */
void gnet_free(struct gdev *g);

/** gnet_start - rings as new, and let frames flow. Under the RTNL. 0 or -errno.
 */
int gnet_start(struct gdev *g);

/** gnet_stop - let none flow. Under the RTNL. */
void gnet_stop(struct gdev *g);

/* glink.c */

/** glink_init - and what the host says now counts as seen */
void glink_init(struct gdev *g);

/** glink_fini - an interrupt may have asked for one more look. Sleeps. */
void glink_fini(struct gdev *g);

/** glink_generation - of the host's side, as it says */
u32 glink_generation(const struct gdev *g);

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
