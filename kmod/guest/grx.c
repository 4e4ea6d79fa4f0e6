// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Receive: frames are copied from their slots into skbs, and the slots go back
 * to the host in one go. A frame may lie in several slots, and a large one does
 * in an skb of several pages.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>

#include "gqueue.h"

enum {
	FRAME_MAX = ETH_HLEN + VLAN_HLEN + 65535,
	LINEAR_MAX = 2048, /* longer ones are in pages ... */
	LINEAR = 256, /* ... but for this much, which has all headers */
};

struct frame {
	u32 slots; /* 0: its end is not there yet */
	u32 bytes;
	bool bad;
};

/* The frame at head, which has no more than @n slots. */
static struct frame frame_at(struct gqueue *q, u32 n)
{
	struct gring *r = &q->rx.ring;
	struct frame f = {0};
	u32 at = r->head, len, flags;

	for (u32 i = 1; i <= n; i++) {
		f.bad |= !gring_buf(r, at, &len, &flags);
		f.bytes += len;
		at = gring_next(r, at);
		if (!(flags & NS_MOREFRAG) || i == NETMAP_MAX_FRAGS) {
			f.bad |= flags & NS_MOREFRAG;
			f.slots = i;
			break;
		}
	}
	if (!f.slots && n + 1 == r->slots) {
		f.slots = n; /* the ring is full: its end cannot come */
		f.bad = true;
	}
	f.bad |= f.bytes < q->hdr_len + ETH_HLEN ||
		 f.bytes > q->hdr_len + FRAME_MAX;
	return f;
}

/*
 * The frame's bytes, from slot to slot. These may have changed since they were
 * looked at: no more is read than was room made for, and what is missing then
 * ends the frame.
 */
struct source {
	struct gring *r;
	u32 slot, slots;
	const char *at;
	u32 left; /* in this slot */
};

static bool fetch(struct source *s, void *to, u32 len)
{
	while (len) {
		u32 n, flags;

		if (!s->left) {
			if (!s->slots--)
				return false;
			s->at = gring_buf(s->r, s->slot, &s->left, &flags);
			if (!s->at)
				return false;
			s->slot = gring_next(s->r, s->slot);
		}
		n = min(len, s->left);
		memcpy(to, s->at, n);
		to += n;
		s->at += n;
		s->left -= n;
		len -= n;
	}
	return true;
}

static struct sk_buff *new_skb(struct gqueue *q, u32 bytes)
{
	const u32 pad = NET_SKB_PAD + NET_IP_ALIGN;
	struct sk_buff *skb;
	int err;

	if (bytes <= LINEAR_MAX) {
		skb = napi_alloc_skb(&q->napi, bytes);
		if (skb)
			skb_put(skb, bytes);
		return skb;
	}
	skb = alloc_skb_with_frags(pad + LINEAR, bytes - LINEAR,
				   PAGE_ALLOC_COSTLY_ORDER, &err,
				   GFP_ATOMIC | __GFP_NOWARN);
	if (!skb)
		return NULL;
	skb_reserve(skb, pad);
	skb_put(skb, LINEAR);
	skb->data_len = bytes - LINEAR;
	skb->len += bytes - LINEAR;
	return skb;
}

static bool fill(struct source *s, struct sk_buff *skb)
{
	const struct skb_shared_info *info = skb_shinfo(skb);
	bool all = fetch(s, skb->data, skb_headlen(skb));

	for (u32 i = 0; all && i < info->nr_frags; i++)
		all = fetch(s, skb_frag_address(&info->frags[i]),
			    skb_frag_size(&info->frags[i]));
	return all;
}

/* NULL, or an skb that is as the header says. */
static struct sk_buff *make(struct gqueue *q, const struct frame *f,
			    struct virtio_net_hdr_mrg_rxbuf *h)
{
	struct source s = {
		.r = &q->rx.ring,
		.slot = q->rx.ring.head,
		.slots = f->slots,
	};
	struct sk_buff *skb;

	memset(h, 0, sizeof(*h));
	if (unlikely(f->bad || !fetch(&s, h, q->hdr_len)))
		return NULL;
	skb = new_skb(q, f->bytes - q->hdr_len);
	if (unlikely(!skb))
		return NULL;
	if (likely(fill(&s, skb) && !ghdr_to_skb(h, skb)))
		return skb;
	dev_kfree_skb_any(skb);
	return NULL;
}

static void take(struct gqueue *q, const struct frame *f)
{
	struct virtio_net_hdr_mrg_rxbuf h;
	struct sk_buff *skb = make(q, f, &h);

	if (unlikely(!skb)) {
		gqueue_add_dropped(&q->rx.counts);
		return;
	}
	gqueue_add(&q->rx.counts, skb->len, &h);
	skb_record_rx_queue(skb, q->index);
	skb->protocol = eth_type_trans(skb, q->dev);
	napi_gro_receive(&q->napi, skb);
}

int grx_poll(struct gqueue *q, int budget)
{
	struct gring *r = &q->rx.ring;
	u32 n = gring_look(r);
	int work = 0;

	gring_hush(r);
	while (n && work < budget) {
		const struct frame f = frame_at(q, n);

		if (!f.slots)
			break;
		take(q, &f);
		for (u32 i = 0; i < f.slots; i++)
			r->head = gring_next(r, r->head);
		n -= f.slots;
		work++;
	}
	gring_tell(r);
	return work;
}

bool grx_rest(struct gqueue *q)
{
	struct gring *r = &q->rx.ring;

	gring_ask(r);
	/* a frame whose end is missing is no reason to look again and again */
	return gring_look(r) && frame_at(q, gring_space(r)).slots;
}
