/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Taking a network device from the host's stack, and giving it back as it was:
 * its receive handler, its way to transmit, what it does to frames
 * (offloads), and what it receives (promiscuous).
 *
 * All calls hold the RTNL.
 */
#ifndef PTN_KTAKE_H
#define PTN_KTAKE_H

#include <linux/netdevice.h>

struct ktake {
	/* set by who takes; both take the skb, with softirqs off */
	void (*received)(struct ktake *t, struct sk_buff *skb);
	/* that the host's stack wanted to transmit */
	void (*host_sent)(struct ktake *t, struct sk_buff *skb);

	struct net_device *dev; /* NULL: none taken */
	const struct net_device_ops *own; /* the driver's */
	struct net_device_ops ops; /* what stands there instead */
	netdev_features_t cleared; /* that were wanted */
};

/**
 * ktake_over - frames go through @t from now on
 * @buf_size: each must fit into so many bytes
 *
 * Returns 0, or says why not (kwhy.h): -EBUSY when the device serves another
 * (a bridge, a bond), -EINVAL when its MTU is too large or it is no Ethernet
 * device, -EOPNOTSUPP when it keeps changing frames.
 */
int ktake_over(struct ktake *t, struct net_device *dev, u32 buf_size);

/**
 * ktake_back - the device is the host's again
 *
 * When it returns no frame passes through @t. Sleeps. Nothing taken: nothing
 * happens.
 */
void ktake_back(struct ktake *t);

/** ktake_check_mtu - would frames of that MTU fit? 0, or says why not. */
int ktake_check_mtu(const struct net_device *dev, u32 mtu, u32 buf_size);

/** ktake_of - who has taken the device; NULL. Under RCU or the RTNL. */
struct ktake *ktake_of(const struct net_device *dev);

#endif
