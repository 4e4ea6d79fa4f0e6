/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/* The inside of network devices' ports, for knic.c, kvif.c and kpolling.c. */
#ifndef PTN_KNIC_INNER_H
#define PTN_KNIC_INNER_H

#include <linux/netdevice.h>

#include "knic.h"
#include "kport.h"
#include "kside.h"
#include "ktake.h"

struct kpolling;

struct knic {
	struct ktake take;
	struct list_head node; /* in knic_list */
	struct net_device *dev; /* NULL: gone */
	netdevice_tracker tracker;
	struct kport *port; /* which has it */
	struct kport *host; /* on a switch: the stack's */
	bool is_vif; /* of our own: there is no wire */
	bool attached;
	bool comes; /* a VM's: a device of its name, which it will get */
	struct kside wire, stack; /* while it is in netmap mode */
	struct kpolling *polling;
};

/* Under the RTNL and kctl_lock. */
extern struct list_head knic_list;

/** knic_make - a port for @dev, whose reference is taken here */
int knic_make(struct kport **out, const struct ptn_port_params *params,
	      struct net_device *dev, bool is_vif);

/** knic_let_go - of the device, for good */
void knic_let_go(struct knic *nic);

#endif
