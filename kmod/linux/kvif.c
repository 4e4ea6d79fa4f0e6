// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Persistent ports: a network device for the host's stack, whose frames go to
 * the host queues of its port, or, on a switch, to the port NAME^.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/nsproxy.h>
#include <linux/rtnetlink.h>

#include "kctl.h"
#include "kname.h"
#include "knic_inner.h"
#include "kwhy.h"

struct kvif {
	struct knic *nic;
};

static int vif_open(struct net_device *dev)
{
	netif_tx_start_all_queues(dev);
	return 0;
}

static int vif_stop(struct net_device *dev)
{
	netif_tx_stop_all_queues(dev);
	return 0;
}

static netdev_tx_t vif_xmit(struct sk_buff *skb, struct net_device *dev)
{
	const struct kvif *v = netdev_priv(dev);

	if (irqs_disabled()) {
		dev_kfree_skb_any(skb);
		return NETDEV_TX_OK;
	}
	dev->stats.tx_packets++;
	dev->stats.tx_bytes += skb->len;
	skb_tx_timestamp(skb);
	kside_take(&v->nic->stack, skb, 0);
	return NETDEV_TX_OK;
}

static const struct net_device_ops vif_ops = {
	.ndo_open = vif_open,
	.ndo_stop = vif_stop,
	.ndo_start_xmit = vif_xmit,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
};

static void vif_setup(struct net_device *dev)
{
	ether_setup(dev);
	eth_hw_addr_random(dev);
	dev->netdev_ops = &vif_ops;
	dev->needs_free_netdev = true;
	dev->priv_flags &= ~IFF_TX_SKB_SHARING;
	dev->priv_flags |= IFF_LIVE_ADDR_CHANGE;
	dev->max_mtu = PTN_BUF_SIZE_DEFAULT - ETH_HLEN - VLAN_HLEN;
}

static int new_device(struct net_device **out, const char *name)
{
	struct net_device *dev;
	int err;

	/* no more than dev_valid_name(), which lets braces and % pass */
	if (strlen(name) >= IFNAMSIZ || !kname_is_valid(name))
		return kwhy(-EINVAL, "%s is no name of a network device", name);
	dev = alloc_netdev(sizeof(struct kvif), name, NET_NAME_USER, vif_setup);
	if (!dev)
		return -ENOMEM;
	dev_net_set(dev, current->nsproxy->net_ns);
	err = register_netdevice(dev);
	if (err) {
		free_netdev(dev);
		return kwhy(err, "network device %s cannot be made", name);
	}
	*out = dev;
	return 0;
}

static int new_port(struct kport **out, const struct ptn_port_params *params,
		    struct net_device *dev)
{
	struct kvif *v = netdev_priv(dev);
	struct kport *p;
	int err = knic_make(&p, params, dev, true);

	if (err)
		return err;
	v->nic = p->nic;
	p->origin = KPORT_PERSISTENT;
	err = kport_publish(p);
	if (err) {
		kport_put(p);
		return kwhy(err, "there is another port %s", params->name);
	}
	*out = p;
	return 0;
}

int kvif_new(struct kport **out, const struct ptn_port_params *params,
	     u16 mem_id)
{
	struct net_device *dev;
	int err;

	kctl_assert_held();
	err = new_device(&dev, params->name);
	if (err)
		return err;
	err = new_port(out, params, dev);
	if (err) {
		unregister_netdevice(dev);
		return err;
	}
	(*out)->mem_id = mem_id;
	return 0;
}

int kvif_delete(struct kport *p)
{
	struct knic *nic = p->nic;
	struct net_device *dev;

	kctl_assert_held();
	if (!nic || !nic->is_vif)
		return -ENXIO;
	if (p->opens || p->sw || p->pins)
		return kwhy(-EBUSY, "port %s is in use", p->name);
	dev = nic->dev;
	knic_let_go(nic);
	if (dev)
		unregister_netdevice(dev);
	kport_remove(p);
	return 0;
}
