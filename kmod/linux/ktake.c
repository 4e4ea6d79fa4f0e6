// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "ktake.h"

#include <linux/if_arp.h>
#include <linux/if_vlan.h>
#include <linux/rtnetlink.h>

#include "ktx.h"
#include "kwhy.h"

/* What makes an skb something else than the frame on the wire, either way. */
static const struct offload {
	netdev_features_t bits;
	const char *name; /* ethtool's */
} offloads[] = {
	{NETIF_F_RXCSUM, "rx"},
	{NETIF_F_CSUM_MASK | NETIF_F_SCTP_CRC, "tx"},
	{NETIF_F_ALL_TSO, "tso"},
	{NETIF_F_GSO, "gso"},
	{NETIF_F_GSO_SCTP, "tx-sctp-segmentation"},
	{NETIF_F_GSO_UDP_L4, "tx-udp-segmentation"},
	{NETIF_F_GSO_FRAGLIST, "tx-gso-list"},
	{NETIF_F_GRO | NETIF_F_GRO_HW, "gro"},
	{NETIF_F_GRO_FRAGLIST, "rx-gro-list"},
	{NETIF_F_GRO_UDP_FWD, "rx-udp-gro-forwarding"},
	{NETIF_F_LRO, "lro"},
	{NETIF_F_HW_VLAN_CTAG_RX, "rxvlan"},
	{NETIF_F_HW_VLAN_CTAG_TX, "txvlan"},
	{NETIF_F_HW_VLAN_STAG_RX, "rx-vlan-stag-hw-parse"},
	{NETIF_F_HW_VLAN_STAG_TX, "tx-vlan-stag-hw-insert"},
};

static netdev_features_t all_offloads(void)
{
	netdev_features_t all = 0;

	for (size_t i = 0; i < ARRAY_SIZE(offloads); i++)
		all |= offloads[i].bits;
	return all;
}

static void restore_offloads(struct ktake *t)
{
	t->dev->wanted_features |= t->cleared;
	t->cleared = 0;
	netdev_update_features(t->dev);
}

static int refuse_offloads(const struct net_device *dev, netdev_features_t left)
{
	char words[128] = "";
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(offloads); i++)
		if (left & offloads[i].bits)
			n += scnprintf(words + n, sizeof(words) - n, " %s off",
				       offloads[i].name);
	return kwhy(
		-EOPNOTSUPP,
		"%s does not let go of offloads that change frames: ethtool -K %s%s",
		dev->name, dev->name, words);
}

static int clear_offloads(struct ktake *t)
{
	struct net_device *dev = t->dev;
	const netdev_features_t mask = all_offloads();

	t->cleared = dev->wanted_features & mask;
	dev->wanted_features &= ~mask;
	netdev_update_features(dev);
	if (dev->features & mask) {
		const netdev_features_t left = dev->features & mask;

		restore_offloads(t);
		return refuse_offloads(dev, left);
	}
	return 0;
}

/* Frames that come up */

static rx_handler_result_t received(struct sk_buff **pskb)
{
	struct sk_buff *skb = *pskb;
	struct ktake *t = rcu_dereference(skb->dev->rx_handler_data);

	if (unlikely(skb->pkt_type == PACKET_LOOPBACK))
		return RX_HANDLER_PASS;
	if (ktx_is_for_host(skb)) {
		skb_orphan(skb);
		return RX_HANDLER_PASS;
	}
	skb = skb_share_check(skb, GFP_ATOMIC);
	if (!skb)
		return RX_HANDLER_CONSUMED;
	__skb_push(skb, skb->data - skb_mac_header(skb));
	t->received(t, skb);
	return RX_HANDLER_CONSUMED;
}

/* Frames that go down */

static netdev_tx_t host_sent(struct sk_buff *skb, struct net_device *dev)
{
	struct ktake *t = rcu_dereference_bh(dev->rx_handler_data);

	/* netconsole comes with interrupts off, where nobody takes frames */
	if (irqs_disabled()) {
		dev_kfree_skb_any(skb);
		return NETDEV_TX_OK;
	}
	skb = skb_share_check(skb, GFP_ATOMIC);
	if (skb)
		t->host_sent(t, skb);
	return NETDEV_TX_OK;
}

struct ktake *ktake_of(const struct net_device *dev)
{
	if (rcu_access_pointer(dev->rx_handler) != received)
		return NULL;
	return rcu_dereference_rtnl(dev->rx_handler_data);
}

static int check(const struct net_device *dev, u32 buf_size)
{
	if (dev->flags & IFF_LOOPBACK)
		return kwhy(-EINVAL, "%s is the loopback device", dev->name);
	if (dev->type != ARPHRD_ETHER || dev->addr_len != ETH_ALEN)
		return kwhy(-EINVAL, "%s is not an Ethernet device", dev->name);
	if (dev->priv_flags & IFF_NO_RX_HANDLER)
		return kwhy(-EINVAL, "%s hands no frames to others", dev->name);
	if (netdev_is_rx_handler_busy((struct net_device *)dev))
		return kwhy(-EBUSY,
			    "%s is a port of a bridge, a bond or the like",
			    dev->name);
	return ktake_check_mtu(dev, dev->mtu, buf_size);
}

int ktake_check_mtu(const struct net_device *dev, u32 mtu, u32 buf_size)
{
	const u32 need = mtu + dev->hard_header_len + VLAN_HLEN;

	if (need >= mtu && need <= buf_size)
		return 0;
	return kwhy(
		-EINVAL,
		"%s: frames of MTU %u need buffers of %u bytes, there are %u: ip link set %s mtu %u",
		dev->name, mtu, need, buf_size, dev->name,
		buf_size - dev->hard_header_len - VLAN_HLEN);
}

int ktake_over(struct ktake *t, struct net_device *dev, u32 buf_size)
{
	int err = check(dev, buf_size);

	ASSERT_RTNL();
	if (err)
		return err;
	err = netdev_rx_handler_register(dev, received, t);
	if (err)
		return kwhy(err, "%s takes no receive handler", dev->name);
	t->dev = dev;
	err = clear_offloads(t);
	if (err)
		goto err_handler;
	err = dev_set_promiscuity(dev, 1);
	if (err)
		goto err_offloads;
	t->own = dev->netdev_ops;
	t->ops = *t->own;
	t->ops.ndo_start_xmit = host_sent;
	WRITE_ONCE(dev->netdev_ops, &t->ops);
	return 0;

err_offloads:
	restore_offloads(t);
err_handler:
	netdev_rx_handler_unregister(dev);
	t->dev = NULL;
	return err;
}

void ktake_back(struct ktake *t)
{
	struct net_device *dev = t->dev;

	ASSERT_RTNL();
	if (!dev)
		return;
	WRITE_ONCE(dev->netdev_ops, t->own);
	synchronize_net(); /* host_sent() needs the handler's data */
	netdev_rx_handler_unregister(dev);
	synchronize_net(); /* of received() */
	dev_set_promiscuity(dev, -1);
	if (dev->reg_state == NETREG_REGISTERED)
		restore_offloads(t);
	t->dev = NULL;
}
