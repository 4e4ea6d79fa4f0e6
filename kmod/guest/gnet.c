// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The device as the network stack sees it. Rings are reset each time it is
 * brought up; frames flow from start to stop.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/ipv6.h>

#include "gdev.h"

/* Rings in which less than that has room are not worth it. */
enum { TSO_LEAST = 16384 };

static int irq_of(const struct gdev *g, enum gregion_direction dir, u32 queue)
{
	const struct ghost *h = g->host;

	return pci_irq_vector(h->pdev, h->ops->ring(h, dir, queue).vector);
}

static void close_queues(struct gdev *g, u32 n)
{
	while (n--)
		gqueue_close(&g->queues[n], irq_of(g, GREGION_TX, n),
			     irq_of(g, GREGION_RX, n));
}

static int open_queues(struct gdev *g)
{
	int err;

	for (u32 i = 0; i < g->n_queues; i++) {
		err = gqueue_open(&g->queues[i], g->user,
				  irq_of(g, GREGION_TX, i),
				  irq_of(g, GREGION_RX, i));
		if (err) {
			close_queues(g, i);
			return err;
		}
	}
	return 0;
}

/* Another host may know of none. */
static void follow_features(struct gdev *g)
{
	if (g->has_headers == g->host->has_headers)
		return;
	g->has_headers = g->host->has_headers;
	netdev_update_features(g->dev);
}

static bool uses_headers(const struct gdev *g)
{
	return g->has_headers && g->wants_headers;
}

/* Not for netmap programs: their frames are as on a wire. */
static u32 wanted_headers(const struct gdev *g)
{
	return !g->user && uses_headers(g) ? GHDR_LEN : 0;
}

static int reset_queues(struct gdev *g, u32 hdr_len)
{
	int err = 0;

	for (u32 i = 0; i < g->n_queues && !err; i++)
		err = gqueue_reset(&g->queues[i], g->host, hdr_len);
	return err;
}

/* What the host moves before there are interrupts is found by the polls. */
int gnet_start(struct gdev *g)
{
	struct ghost *h = g->host;
	u32 hdr_len;
	int err = h->ops->reset(h);

	if (err)
		return err;
	follow_features(g);
	hdr_len = wanted_headers(g);
	err = h->ops->start(h, hdr_len);
	if (err)
		return err;
	err = reset_queues(g, hdr_len);
	if (err)
		goto err_host;
	err = open_queues(g);
	if (err)
		goto err_host;
	g->started = true;
	netif_tx_start_all_queues(g->dev);
	for (u32 i = 0; i < g->n_queues && !g->user; i++)
		gqueue_poll_soon(&g->queues[i]);
	return 0;

err_host:
	h->ops->stop(h);
	return err;
}

/* A host that is not there is not waited for: the next start is a reset. */
void gnet_stop(struct gdev *g)
{
	const bool answers = glink_is_up(g);

	if (!g->started)
		return;
	g->started = false;
	netif_carrier_off(g->dev);
	netif_tx_disable(g->dev);
	if (answers)
		g->host->ops->stop(g->host);
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

/* What the host does, beside what the driver does as it copies. */
static const netdev_features_t offloads = NETIF_F_ALL_TSO | NETIF_F_GSO_UDP_L4;

static netdev_features_t ndo_fix_features(struct net_device *dev,
					  netdev_features_t features)
{
	const struct gdev *g = netdev_priv(dev);

	if (!g->has_headers)
		features &= ~NETIF_F_RXCSUM;
	return features & NETIF_F_RXCSUM ? features : features & ~offloads;
}

/* Without RXCSUM frames come as on a wire: they have no headers, either way. */
static int ndo_set_features(struct net_device *dev, netdev_features_t features)
{
	struct gdev *g = netdev_priv(dev);
	const bool wants = features & NETIF_F_RXCSUM;
	int err;

	if (g->wants_headers == wants)
		return 0;
	g->wants_headers = wants;
	if (!g->started || g->user)
		return 0;
	gnet_stop(g);
	err = gnet_start(g);
	if (err)
		netdev_warn(dev, "does not start again: %d\n", err);
	glink_look(g);
	return 0;
}

/* IPv6 with more headers than the one, which are for the stack to cut. */
static bool is_extended(const struct sk_buff *skb)
{
	return skb_shinfo(skb)->gso_type & (SKB_GSO_TCPV6 | SKB_GSO_UDP_L4) &&
	       vlan_get_protocol(skb) == htons(ETH_P_IPV6) &&
	       skb_network_header_len(skb) != sizeof(struct ipv6hdr);
}

static netdev_features_t ndo_features_check(struct sk_buff *skb,
					    struct net_device *dev,
					    netdev_features_t features)
{
	const struct gdev *g = netdev_priv(dev);
	const u32 size = skb_shinfo(skb)->gso_size;

	features = vlan_features_check(skb, features);
	if (!skb_is_gso(skb))
		return features;
	if (!uses_headers(g) || size < PTN_SEGMENT_MIN ||
	    skb->len / size >= PTN_SEGMENTS_MAX || is_extended(skb))
		features &= ~NETIF_F_GSO_MASK;
	return features;
}

static const struct net_device_ops ops = {
	.ndo_open = ndo_open,
	.ndo_stop = ndo_stop,
	.ndo_start_xmit = ndo_start_xmit,
	.ndo_get_stats64 = ndo_get_stats64,
	.ndo_set_mac_address = eth_mac_addr,
	.ndo_validate_addr = eth_validate_addr,
	.ndo_fix_features = ndo_fix_features,
	.ndo_set_features = ndo_set_features,
	.ndo_features_check = ndo_features_check,
};

/* Large packets take half a ring at most, and no more slots than frames may. */
static void describe_offloads(struct net_device *dev, const struct gregion *r)
{
	const u32 buf = min_t(u32, r->buf_pool.size, U16_MAX);
	const u32 slots = min_t(u32, r->tx_slots / 2, NETMAP_MAX_FRAGS);
	const u32 max = min_t(u32, slots * buf - GHDR_LEN, GSO_LEGACY_MAX_SIZE);

	dev->hw_features |= NETIF_F_RXCSUM;
	if (max < TSO_LEAST)
		return;
	dev->hw_features |= offloads;
	dev->features |= NETIF_F_GSO_ROBUST; /* the host checks them all */
	netif_set_tso_max_size(dev, max);
	netif_set_tso_max_segs(dev, PTN_SEGMENTS_MAX);
}

/*
 * No ndo_tx_timeout: a pipe whose other end does not read makes the sender
 * wait as long as it likes.
 */
static void describe(struct net_device *dev, const struct ghost *h)
{
	dev->netdev_ops = &ops;
	dev->ethtool_ops = &gethtool_ops;
	dev->hw_features = NETIF_F_SG | NETIF_F_HW_CSUM;
	dev->features = NETIF_F_HIGHDMA;
	if (h->has_headers)
		describe_offloads(dev, &h->region);
	dev->features |= dev->hw_features;
	dev->vlan_features = dev->features;
	dev->priv_flags |= IFF_LIVE_ADDR_CHANGE;
	dev->max_mtu = h->mtu - VLAN_HLEN;
	dev->min_mtu = min_t(u32, ETH_MIN_MTU, dev->max_mtu);
	dev->mtu = min_t(u32, ETH_DATA_LEN, dev->max_mtu);
	if (is_valid_ether_addr(h->mac))
		eth_hw_addr_set(dev, h->mac);
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

struct gdev *gnet_new(struct ghost *h)
{
	const u32 rings = h->region.rings;
	struct net_device *dev =
		alloc_etherdev_mqs(sizeof(struct gdev), rings, rings);
	struct gdev *g;

	if (!dev)
		return NULL;
	SET_NETDEV_DEV(dev, &h->pdev->dev);
	SET_NETDEV_DEVTYPE(dev, &gport_type.type);
	g = netdev_priv(dev);
	g->has_headers = g->wants_headers = h->has_headers;
	describe(dev, h);
	g->dev = dev;
	g->host = h;
	g->n_queues = rings;
	glink_init(g);
	if (init_queues(g, h->region.tx_slots)) {
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
