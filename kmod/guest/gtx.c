// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Transmit: an skb is copied into the buffers of the next slots, and is done
 * with. What the host has sent is only counted, for BQL.
 *
 * The host shows its progress late as long as nobody waits for it; so who
 * stops the device's queue asks for an interrupt, and then looks again.
 */
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>

#include "gqueue.h"

static struct netdev_queue *queue_of(const struct gqueue *q)
{
	return netdev_get_tx_queue(q->dev, q->index);
}

/* Learn what was sent. Under the queue's lock. */
static void reclaim(struct gqueue *q)
{
	struct gring *r = &q->tx.ring;
	u32 packets = 0, bytes = 0, end;

	gring_look(r);
	end = gring_next(r, r->tail);
	for (; q->tx.done != end; q->tx.done = gring_next(r, q->tx.done)) {
		bytes += q->tx.len[q->tx.done];
		packets += q->tx.len[q->tx.done] > 0;
	}
	netdev_tx_completed_queue(queue_of(q), packets, bytes);
}

/* The ring is full, or the stack's own limit reached: somebody must go on. */
static bool waits(const struct gqueue *q)
{
	return netif_xmit_stopped(queue_of(q));
}

/* Whatever comes next has room. */
static bool has_room(const struct gqueue *q)
{
	return gring_space(&q->tx.ring) >= q->tx.most;
}

static void go_on(struct gqueue *q)
{
	if (netif_tx_queue_stopped(queue_of(q)) && has_room(q))
		netif_tx_wake_queue(queue_of(q));
}

/* Under the queue's lock; what waits is woken, or an interrupt is to come. */
static void await(struct gqueue *q)
{
	gring_ask(&q->tx.ring);
	reclaim(q);
	go_on(q);
	if (!waits(q))
		gring_hush(&q->tx.ring);
}

static void drop(struct gqueue *q, struct sk_buff *skb)
{
	gqueue_add_dropped(&q->tx.counts);
	dev_kfree_skb_any(skb);
}

static u32 slots_of(const struct gqueue *q, u32 len)
{
	return DIV_ROUND_UP(q->hdr_len + len, gring_capacity(&q->tx.ring));
}

/*
 * Without a header: with its checksum, if that is still to be made. The data
 * is at hand.
 */
static bool put_plain(struct gqueue *q, struct sk_buff *skb)
{
	struct gring *r = &q->tx.ring;
	u32 len, flags;
	char *buf = gring_buf(r, r->head, &len, &flags);

	if (unlikely(!buf || skb->len > gring_capacity(r) || skb_is_gso(skb)))
		return false;
	skb_copy_and_csum_dev(skb, buf);
	gring_put(r, r->head, skb->len, 0);
	q->tx.len[r->head] = skb->len;
	r->head = gring_next(r, r->head);
	return true;
}

/* The skb from byte @from on, behind the header in its first slot; 0: cannot.
 */
static u32 put_part(struct gqueue *q, const struct sk_buff *skb, u32 at,
		    u32 from, const struct virtio_net_hdr_mrg_rxbuf *h)
{
	struct gring *r = &q->tx.ring;
	const u32 skip = from ? 0 : GHDR_LEN, left = skb->len - from;
	const u32 n = min(left, gring_capacity(r) - skip);
	u32 len, flags;
	char *buf = gring_buf(r, at, &len, &flags);

	if (unlikely(!buf || skb_copy_bits(skb, from, buf + skip, n)))
		return 0;
	memcpy(buf, h, skip);
	gring_put(r, at, skip + n, n < left ? NS_MOREFRAG : 0);
	q->tx.len[at] = n < left ? 0 : skb->len;
	return n;
}

static bool put_with(struct gqueue *q, const struct sk_buff *skb,
		     const struct virtio_net_hdr_mrg_rxbuf *h)
{
	u32 at = q->tx.ring.head;

	for (u32 from = 0, n; from < skb->len; from += n) {
		n = put_part(q, skb, at, from, h);
		if (unlikely(!n))
			return false;
		at = gring_next(&q->tx.ring, at);
	}
	q->tx.ring.head = at;
	return true;
}

/* *h: what is left to others; nothing where there are no headers. */
static bool put(struct gqueue *q, struct sk_buff *skb,
		struct virtio_net_hdr_mrg_rxbuf *h)
{
	memset(h, 0, sizeof(*h));
	if (!q->hdr_len)
		return put_plain(q, skb);
	return !ghdr_from_skb(h, skb) && put_with(q, skb, h);
}

netdev_tx_t gtx_xmit(struct gqueue *q, struct sk_buff *skb)
{
	struct gring *r = &q->tx.ring;
	const u32 len = skb->len, need = slots_of(q, len);
	struct virtio_net_hdr_mrg_rxbuf h;
	bool now;

	if (unlikely(need > q->tx.most)) {
		drop(q, skb);
		return NETDEV_TX_OK;
	}
	if (unlikely(gring_space(r) < need)) {
		/* the queue is stopped then; somebody asks regardless */
		netif_tx_stop_queue(queue_of(q));
		await(q);
		if (waits(q))
			return NETDEV_TX_BUSY;
	}
	if (unlikely(!put(q, skb, &h))) {
		drop(q, skb);
		gring_tell(r);
		return NETDEV_TX_OK;
	}
	skb_tx_timestamp(skb);
	now = __netdev_tx_sent_queue(queue_of(q), len, netdev_xmit_more());
	dev_consume_skb_any(skb);
	gqueue_add(&q->tx.counts, len, &h);
	if (unlikely(!has_room(q))) {
		reclaim(q);
		if (!has_room(q))
			netif_tx_stop_queue(queue_of(q));
	}
	if (now || waits(q))
		gring_tell(r);
	if (waits(q)) {
		q->tx.counts.stops++;
		await(q);
	}
	return NETDEV_TX_OK;
}

void gtx_poll(struct gqueue *q)
{
	struct netdev_queue *queue = queue_of(q);

	/*
	 * Who sends has the lock for as long as the copy of 64 KiB takes, and
	 * looks at the ring by itself before it stops the queue.
	 */
	if (!__netif_tx_trylock(queue))
		return;
	gring_hush(&q->tx.ring);
	reclaim(q);
	go_on(q);
	__netif_tx_unlock(queue);
}

bool gtx_rest(struct gqueue *q)
{
	struct netdev_queue *queue = queue_of(q);

	/* Who stops the queue asks for an interrupt in the same turn. */
	if (!waits(q))
		return false;
	__netif_tx_lock(queue, smp_processor_id());
	if (waits(q))
		await(q);
	__netif_tx_unlock(queue);
	return false;
}

/* With headers a frame of the largest MTU may have two slots. */
static u32 largest(const struct gqueue *q)
{
	const struct net_device *dev = q->dev;
	const u32 frame = dev->max_mtu + ETH_HLEN + VLAN_HLEN;

	if (q->hdr_len && dev->hw_features & NETIF_F_TSO)
		return max(frame, dev->tso_max_size);
	return frame;
}

void gtx_reset(struct gqueue *q)
{
	const struct gring *r = &q->tx.ring;

	q->tx.most = slots_of(q, largest(q));
	q->tx.done = gring_next(r, r->tail);
	memset(q->tx.len, 0, r->slots * sizeof(*q->tx.len));
	netdev_tx_reset_queue(queue_of(q));
}
