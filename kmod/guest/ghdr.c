// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "ghdr.h"

#include <linux/udp.h>

/* Not in all kernels' headers, nor known to their virtio_net_hdr_to_skb(). */
enum { GSO_UDP_L4 = 5 };

static __virtio16 le(u16 value)
{
	return __cpu_to_virtio16(true, value);
}

static int gso_type_of(const struct sk_buff *skb)
{
	const unsigned int type = skb_shinfo(skb)->gso_type;
	const u8 ecn = type & SKB_GSO_TCP_ECN ? VIRTIO_NET_HDR_GSO_ECN : 0;

	if (type & SKB_GSO_TCPV4)
		return VIRTIO_NET_HDR_GSO_TCPV4 | ecn;
	if (type & SKB_GSO_TCPV6)
		return VIRTIO_NET_HDR_GSO_TCPV6 | ecn;
	return type & SKB_GSO_UDP_L4 ? GSO_UDP_L4 : -EINVAL;
}

static int from_gso(struct virtio_net_hdr *h, const struct sk_buff *skb)
{
	const int type = gso_type_of(skb);

	if (type < 0)
		return type;
	h->gso_type = type;
	h->hdr_len = le(skb_headlen(skb));
	h->gso_size = le(skb_shinfo(skb)->gso_size);
	return 0;
}

int ghdr_from_skb(struct virtio_net_hdr_mrg_rxbuf *h, const struct sk_buff *skb)
{
	memset(h, 0, sizeof(*h));
	if (skb->ip_summed == CHECKSUM_PARTIAL) {
		h->hdr.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		h->hdr.csum_start = le(skb_checksum_start_offset(skb));
		h->hdr.csum_offset = le(skb->csum_offset);
	}
	return skb_is_gso(skb) ? from_gso(&h->hdr, skb) : 0;
}

/* Its other fields have become the skb's checksum. */
static int to_large_udp(const struct virtio_net_hdr *h, struct sk_buff *skb)
{
	const u16 size = __virtio16_to_cpu(true, h->gso_size);

	if (!size || skb->ip_summed != CHECKSUM_PARTIAL ||
	    skb->csum_offset != offsetof(struct udphdr, check) ||
	    skb_checksum_start_offset(skb) + sizeof(struct udphdr) >
		    skb_headlen(skb))
		return -EINVAL;
	skb_shinfo(skb)->gso_size = size;
	skb_shinfo(skb)->gso_type = SKB_GSO_UDP_L4 | SKB_GSO_DODGY;
	skb_shinfo(skb)->gso_segs = 0;
	return 0;
}

int ghdr_to_skb(const struct virtio_net_hdr_mrg_rxbuf *h, struct sk_buff *skb)
{
	struct virtio_net_hdr plain = h->hdr;
	const bool large_udp = plain.gso_type == GSO_UDP_L4;

	if (large_udp)
		plain.gso_type = VIRTIO_NET_HDR_GSO_NONE;
	if (plain.flags & VIRTIO_NET_HDR_F_DATA_VALID)
		skb->ip_summed = CHECKSUM_UNNECESSARY;
	if (virtio_net_hdr_to_skb(skb, &plain, true))
		return -EINVAL;
	return large_udp ? to_large_udp(&h->hdr, skb) : 0;
}
