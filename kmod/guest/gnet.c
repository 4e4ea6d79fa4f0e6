// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The device as the network stack sees it. Rings are reset each time it is
 * brought up; frames flow from START to STOP.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>

#include "gdev.h"

static int irq_of(const struct gdev *g, u32 vector)
{
	return pci_irq_vector(g->pdev, vector);
}

static void close_queues(struct gdev *g, u32 n)
{
	while (n--)
		gqueue_close(&g->queues[n], irq_of(g, PTN_VECTOR_TX(n)),
			     irq_of(g, PTN_VECTOR_RX(n)));
}

static int open_queues(struct gdev *g)
{
	int err;

	for (u32 i = 0; i < g->n_queues; i++) {
		err = gqueue_open(&g->queues[i], g->user,
				  irq_of(g, PTN_VECTOR_TX(i)),
				  irq_of(g, PTN_VECTOR_RX(i)));
		if (err) {
			close_queues(g, i);
			return err;
		}
	}
	return 0;
}

static int reset_queues(struct gdev *g)
{
	int err = gcommand(g, PTN_REGION_RESET);

	if (!err)
		err = gregion_refresh(&g->region);
	for (u32 i = 0; i < g->n_queues && !err; i++)
		err = gqueue_reset(&g->queues[i], &g->region, gdev_doorbell(g));
	return err;
}

int gnet_start(struct gdev *g)
{
	int err = reset_queues(g);

	if (err)
		return err;
	err = open_queues(g);
	if (err)
		return err;
	err = gcommand(g, PTN_REGION_START);
	if (err)
		goto err_queues;
	g->started = true;
	netif_tx_start_all_queues(g->dev);
	for (u32 i = 0; i < g->n_queues && !g->user; i++)
		gqueue_poll_soon(&g->queues[i]);
	return 0;

err_queues:
	close_queues(g, g->n_queues);
	return err;
}

/* A host that is not there is not waited for: the next start is a RESET. */
void gnet_stop(struct gdev *g)
{
	const bool answers = glink_is_up(g);

	if (!g->started)
		return;
	g->started = false;
	netif_carrier_off(g->dev);
	netif_tx_disable(g->dev);
	if (answers && gcommand(g, PTN_REGION_STOP))
		netdev_warn(g->dev, "the host does not answer\n");
	close_queues(g, g->n_queues);
}

/* Without a host it is up, too, and has no carrier until there is one. */
static int ndo_open(struct net_device *dev)
{
	struct gdev *g = netdev_priv(dev);
	int err = g->user ? 0 : gnet_start(g);

	if (err == -ETIMEDOUT)
		netdev_warn(dev, "the host does not answer\n");
	else if (err)
		return err;
	glink_begin(g);
	return 0;
}

static int ndo_stop(struct net_device *dev)
{
	struct gdev *g = netdev_priv(dev);

	if (g->user)
		return 0; /* programs have it, up or down */
	glink_end(g);
	gnet_stop(g);
	return 0;
}

static netdev_tx_t ndo_start_xmit(struct sk_buff *skb, struct net_device *dev)
{
	const struct gdev *g = netdev_priv(dev);
	struct gqueue *q = &g->queues[skb_get_queue_mapping(skb)];

	if (unlikely(g->user)) {
		gqueue_add_dropped(&q->tx.counts);
		dev_kfree_skb_any(skb);
		return NETDEV_TX_OK;
	}
	return gtx_xmit(q, skb);
}

static void ndo_get_stats64(struct net_device *dev, struct rtnl_link_stats64 *s)
{
	const struct gdev *g = netdev_priv(dev);

	for (u32 i = 0; i < g->n_queues; i++) {
		struct gqueue_counts tx, rx;

		gqueue_read(&g->queues[i].tx.counts, &tx);
		gqueue_read(&g->queues[i].rx.counts, &rx);
		s->tx_packets += tx.packets;
		s->tx_bytes += tx.bytes;
		s->tx_dropped += tx.dropped;
		s->rx_packets += rx.packets;
		s->rx_bytes += rx.bytes;
		s->rx_dropped += rx.dropped;
	}
}

static const struct net_device_ops ops = {
	.ndo_open = ndo_open,
	.ndo_stop = ndo_stop,
	.ndo_start_xmit = ndo_start_xmit,
	.ndo_get_stats64 = ndo_get_stats64,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
};

/*
 * No ndo_tx_timeout: a pipe whose other end does not read makes the sender
 * wait as long as it likes.
 */
static void describe(struct net_device *dev, const struct ptn_config *c)
{
	dev->netdev_ops = &ops;
	dev->ethtool_ops = &gethtool_ops;
	dev->hw_features = NETIF_F_SG | NETIF_F_HW_CSUM;
	dev->features = dev->hw_features | NETIF_F_HIGHDMA;
	dev->vlan_features = dev->features;
	dev->priv_flags |= IFF_LIVE_ADDR_CHANGE;
	dev->max_mtu = c->mtu - VLAN_HLEN;
	dev->min_mtu = min_t(u32, ETH_MIN_MTU, dev->max_mtu);
	dev->mtu = min_t(u32, ETH_DATA_LEN, dev->max_mtu);
	if (is_valid_ether_addr(c->mac))
		eth_hw_addr_set(dev, c->mac);
	else
		eth_hw_addr_random(dev);
}

static int init_queues(struct gdev *g, u32 slots)
{
	int err;

	g->queues = kcalloc(g->n_queues, sizeof(*g->queues), GFP_KERNEL);
	if (!g->queues)
		return -ENOMEM;
	for (u32 i = 0; i < g->n_queues; i++) {
		err = gqueue_init(&g->queues[i], g->dev, i, slots);
		if (err)
			return err;
	}
	return 0;
}

struct gdev *gnet_new(struct pci_dev *pdev, const struct gregion *region)
{
	const struct ptn_config *c = &region->config;
	struct net_device *dev = alloc_etherdev_mqs(sizeof(struct gdev),
						    c->tx_rings, c->rx_rings);
	struct gdev *g;

	if (!dev)
		return NULL;
	SET_NETDEV_DEV(dev, &pdev->dev);
	SET_NETDEV_DEVTYPE(dev, &gport_type.type);
	describe(dev, c);
	g = netdev_priv(dev);
	g->dev = dev;
	g->pdev = pdev;
	g->region = *region;
	g->n_queues = c->tx_rings;
	glink_init(g);
	if (init_queues(g, c->tx_slots)) {
		gnet_free(g);
		return NULL;
	}
	return g;
}

void gnet_free(struct gdev *g)
{
	for (u32 i = 0; g->queues && i < g->n_queues; i++)
		gqueue_fini(&g->queues[i]);
	kfree(g->queues);
	free_netdev(g->dev);
}
