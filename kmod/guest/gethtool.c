// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/* What ethtool shows: the driver, its rings and queues, and what they count. */
#include <linux/ethtool.h>

#include "gdev.h"

/* Of a queue; the names have its number in them. */
enum count {
	TX_PACKETS,
	TX_BYTES,
	TX_DROPPED,
	TX_LARGE,
	TX_PARTIAL,
	TX_STOPS,
	TX_KICKS,
	TX_INTERRUPTS,
	TX_FAULTS,
	RX_PACKETS,
	RX_BYTES,
	RX_DROPPED,
	RX_LARGE,
	RX_PARTIAL,
	RX_KICKS,
	RX_INTERRUPTS,
	RX_FAULTS,
	COUNTS,
};

static const char *const names[COUNTS] = {
	[TX_PACKETS] = "tx%u_packets", [TX_BYTES] = "tx%u_bytes",
	[TX_DROPPED] = "tx%u_dropped", [TX_LARGE] = "tx%u_large",
	[TX_PARTIAL] = "tx%u_partial", [TX_STOPS] = "tx%u_stops",
	[TX_KICKS] = "tx%u_kicks",     [TX_INTERRUPTS] = "tx%u_interrupts",
	[TX_FAULTS] = "tx%u_faults",   [RX_PACKETS] = "rx%u_packets",
	[RX_BYTES] = "rx%u_bytes",     [RX_DROPPED] = "rx%u_dropped",
	[RX_LARGE] = "rx%u_large",     [RX_PARTIAL] = "rx%u_partial",
	[RX_KICKS] = "rx%u_kicks",     [RX_INTERRUPTS] = "rx%u_interrupts",
	[RX_FAULTS] = "rx%u_faults",
};

static void read_counts(const struct gqueue *q, u64 out[COUNTS])
{
	struct gqueue_counts tx, rx;

	gqueue_read(&q->tx.counts, &tx);
	gqueue_read(&q->rx.counts, &rx);
	out[TX_PACKETS] = tx.packets;
	out[TX_BYTES] = tx.bytes;
	out[TX_DROPPED] = tx.dropped;
	out[TX_LARGE] = tx.large;
	out[TX_PARTIAL] = tx.partial;
	out[TX_STOPS] = READ_ONCE(q->tx.counts.stops);
	out[TX_KICKS] = READ_ONCE(q->tx.ring.kicks);
	out[TX_INTERRUPTS] = READ_ONCE(q->tx.interrupts);
	out[TX_FAULTS] = READ_ONCE(q->tx.ring.faults);
	out[RX_PACKETS] = rx.packets;
	out[RX_BYTES] = rx.bytes;
	out[RX_DROPPED] = rx.dropped;
	out[RX_LARGE] = rx.large;
	out[RX_PARTIAL] = rx.partial;
	out[RX_KICKS] = READ_ONCE(q->rx.ring.kicks);
	out[RX_INTERRUPTS] = READ_ONCE(q->rx.interrupts);
	out[RX_FAULTS] = READ_ONCE(q->rx.ring.faults);
}

/* Of the whole device; they come first. */
static const char *const device_counts[] = {"generation", "host_restarts"};

static void get_drvinfo(struct net_device *dev, struct ethtool_drvinfo *info)
{
	const struct gdev *g = netdev_priv(dev);

	strscpy(info->driver, KBUILD_MODNAME, sizeof(info->driver));
	strscpy(info->version, PTNET_VERSION, sizeof(info->version));
	strscpy(info->bus_info, pci_name(g->host->pdev),
		sizeof(info->bus_info));
	/* the host's name of it: which of them this is */
	strscpy(info->fw_version, g->host->name, sizeof(info->fw_version));
}

static void get_ringparam(struct net_device *dev, struct ethtool_ringparam *p,
			  struct kernel_ethtool_ringparam *kernel,
			  struct netlink_ext_ack *extack)
{
	const struct gregion *r =
		&((struct gdev *)netdev_priv(dev))->host->region;

	p->tx_max_pending = p->tx_pending = r->tx_slots;
	p->rx_max_pending = p->rx_pending = r->rx_slots;
}

static void get_channels(struct net_device *dev, struct ethtool_channels *ch)
{
	const struct gdev *g = netdev_priv(dev);

	ch->max_combined = ch->combined_count = g->n_queues;
}

static int get_link_ksettings(struct net_device *dev,
			      struct ethtool_link_ksettings *cmd)
{
	cmd->base.speed = SPEED_UNKNOWN;
	cmd->base.duplex = DUPLEX_FULL;
	cmd->base.port = PORT_OTHER;
	return 0;
}

static int get_sset_count(struct net_device *dev, int set)
{
	const struct gdev *g = netdev_priv(dev);

	if (set != ETH_SS_STATS)
		return -EOPNOTSUPP;
	return ARRAY_SIZE(device_counts) + g->n_queues * COUNTS;
}

static void get_strings(struct net_device *dev, u32 set, u8 *data)
{
	const struct gdev *g = netdev_priv(dev);

	if (set != ETH_SS_STATS)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(device_counts); i++)
		ethtool_sprintf(&data, "%s", device_counts[i]);
	for (u32 q = 0; q < g->n_queues; q++)
		for (size_t i = 0; i < COUNTS; i++)
			ethtool_sprintf(&data, names[i], q);
}

static void get_ethtool_stats(struct net_device *dev,
			      struct ethtool_stats *stats, u64 *data)
{
	const struct gdev *g = netdev_priv(dev);

	*data++ = g->link.generation;
	*data++ = g->link.restarts;
	for (u32 q = 0; q < g->n_queues; q++, data += COUNTS)
		read_counts(&g->queues[q], data);
}

const struct ethtool_ops gethtool_ops = {
	.get_drvinfo = get_drvinfo,
	.get_link = ethtool_op_get_link,
	.get_link_ksettings = get_link_ksettings,
	.get_ringparam = get_ringparam,
	.get_channels = get_channels,
	.get_sset_count = get_sset_count,
	.get_strings = get_strings,
	.get_ethtool_stats = get_ethtool_stats,
	.get_ts_info = ethtool_op_get_ts_info,
};
