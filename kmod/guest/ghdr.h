/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The virtio-net header before a frame: what an skb leaves to whoever gets it
 * (a checksum, the cutting of a large packet), and back. What comes from the
 * host was another guest's; it is checked here as well.
 */
#ifndef PTN_GHDR_H
#define PTN_GHDR_H

#include <linux/skbuff.h>
#include <linux/virtio_net.h>

enum { GHDR_LEN = sizeof(struct virtio_net_hdr_mrg_rxbuf) };

/** ghdr_from_skb - 0, or -EINVAL when no header says what this one wants */
int ghdr_from_skb(struct virtio_net_hdr_mrg_rxbuf *h,
		  const struct sk_buff *skb);

/**
 * ghdr_to_skb - @skb: begins with its Ethernet header
 *
 * Returns 0, or -EINVAL when the header cannot be.
 */
int ghdr_to_skb(const struct virtio_net_hdr_mrg_rxbuf *h, struct sk_buff *skb);

static inline bool ghdr_is_large(const struct virtio_net_hdr_mrg_rxbuf *h)
{
	return h->hdr.gso_type != VIRTIO_NET_HDR_GSO_NONE;
}

static inline bool ghdr_is_partial(const struct virtio_net_hdr_mrg_rxbuf *h)
{
	return h->hdr.flags & VIRTIO_NET_HDR_F_NEEDS_CSUM;
}

#endif
