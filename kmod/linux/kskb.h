/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * Frames as they are on a wire, and the kernel's skbs: netmap programs know
 * neither checksums left to hardware, nor packets of 64 KiB, nor tags that
 * travel beside the frame.
 *
 * Everything here runs with softirqs off.
 */
#ifndef PTN_KSKB_H
#define PTN_KSKB_H

#include <linux/if_vlan.h>
#include <linux/skbuff.h>

struct ptn_frag;

/**
 * kskb_is_wire - an skb that starts at its MAC header is a frame already
 */
static inline bool kskb_is_wire(const struct sk_buff *skb)
{
	return !skb_is_nonlinear(skb) && !skb_vlan_tag_present(skb) &&
	       skb->ip_summed != CHECKSUM_PARTIAL && !skb_is_gso(skb);
}

/**
 * kskb_to_wire - make one that is not into the frames that it stands for
 * @skb: starts at its MAC header, is not shared; taken
 * @out: they are appended here
 *
 * Returns false when frames were lost for want of memory.
 */
bool kskb_to_wire(struct sk_buff *skb, struct sk_buff_head *out);

/**
 * kskb_new - a frame as an skb, as drivers want it
 * @headroom, @tailroom: at least
 *
 * Returns NULL without memory.
 */
struct sk_buff *kskb_new(const struct ptn_frag *frag, u32 frags, u32 len,
			 u32 headroom, u32 tailroom);

#endif
