// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Receive: frames are copied from their slots into skbs, and the slots go back
 * to the host in one go. A frame may lie in several slots.
 */
#include <linux/etherdevice.h>

#include "gqueue.h"

enum { FRAME_MAX = 65535 };

struct frame {
	u32 slots; /* 0: its end is not there yet */
	u32 bytes;
	bool bad;
};

/* The frame at head, which has no more than @n slots. */
static struct frame frame_at(struct gring *r, u32 n)
{
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
	f.bad |= f.bytes < ETH_HLEN || f.bytes > FRAME_MAX;
	return f;
}

/*
 * The slots may have changed since they were looked at: no more is copied than
 * was room made for.
 */
static bool copy(struct gring *r, const struct frame *f, struct sk_buff *skb)
{
	u32 at = r->head, left = f->bytes, len, flags;

	for (u32 i = 0; i < f->slots; i++) {
		const char *buf = gring_buf(r, at, &len, &flags);

		if (!buf || len > left)
			return false;
		skb_put_data(skb, buf, len);
		left -= len;
		at = gring_next(r, at);
	}
	return !left;
}

static void take(struct gqueue *q, const struct frame *f)
{
	struct sk_buff *skb = f->bad ? NULL
				     : napi_alloc_skb(&q->napi, f->bytes);

	if (unlikely(!skb || !copy(&q->rx.ring, f, skb))) {
		if (skb)
			dev_kfree_skb_any(skb);
		gqueue_add_dropped(&q->rx.counts);
		return;
	}
	gqueue_add(&q->rx.counts, 1, f->bytes);
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
		const struct frame f = frame_at(r, n);

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
	return gring_look(r) && frame_at(r, gring_space(r)).slots;
}
