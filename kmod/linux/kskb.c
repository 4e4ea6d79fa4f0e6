// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "kskb.h"

#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/netdevice.h>

#include "compat.h"
#include "core/work.h"

static struct sk_buff *segment_to_wire(struct sk_buff *skb)
{
	if (skb->ip_summed == CHECKSUM_PARTIAL && skb_checksum_help(skb))
		goto err_free;
	if (skb_vlan_tag_present(skb)) {
		skb = __vlan_hwaccel_push_inside(skb);
		if (!skb)
			return NULL;
	}
	if (skb_linearize(skb))
		goto err_free;
	return skb;

err_free:
	kfree_skb(skb);
	return NULL;
}

/* The segments of a large packet, linked; itself when it needs no cutting. */
static struct sk_buff *cut(struct sk_buff *skb)
{
	struct sk_buff *segments;

	if (!skb_is_gso(skb))
		return skb;
	segments = skb_gso_segment(skb, 0);
	if (!segments)
		return skb;
	if (IS_ERR(segments)) {
		kfree_skb(skb);
		return NULL;
	}
	consume_skb(skb);
	return segments;
}

bool kskb_to_wire(struct sk_buff *skb, struct sk_buff_head *out)
{
	struct sk_buff *next;
	bool all = true;

	skb = cut(skb);
	if (!skb)
		return false;
	for (; skb; skb = next) {
		next = skb->next;
		skb_mark_not_on_list(skb);
		skb = segment_to_wire(skb);
		if (skb)
			__skb_queue_tail(out, skb);
		else
			all = false;
	}
	return all;
}

/* Small ones from the CPU's own cache, which takes no lock. */
static struct sk_buff *new_skb(u32 room)
{
	const u32 size = SKB_DATA_ALIGN(room) +
			 SKB_DATA_ALIGN(sizeof(struct skb_shared_info));
	struct sk_buff *skb;
	void *data;

	if (size > PAGE_SIZE)
		return alloc_skb(room, GFP_ATOMIC | __GFP_NOWARN);
	data = napi_alloc_frag(size);
	if (!data)
		return NULL;
	skb = napi_build_skb(data, size);
	if (!skb)
		skb_free_frag(data);
	return skb;
}

struct sk_buff *kskb_new(const struct ptn_frag *frag, u32 frags, u32 len,
			 u32 headroom, u32 tailroom)
{
	struct sk_buff *skb = new_skb(headroom + len + tailroom);

	if (!skb)
		return NULL;
	skb_reserve(skb, headroom);
	for (u32 i = 0; i < frags; i++)
		ptn_copy(__skb_put(skb, frag[i].len), frag[i].addr,
			 frag[i].len);
	skb_reset_mac_header(skb);
	skb_set_network_header(skb, ETH_HLEN);
	return skb;
}
