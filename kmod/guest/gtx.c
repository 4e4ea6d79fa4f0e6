// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Transmit: an skb is copied into the buffer of the next slot, and is done
 * with. What the host has sent is only counted, for BQL.
 *
 * The host shows its progress late as long as nobody waits for it; so who
 * stops the device's queue asks for an interrupt, and then looks again.
 */
#include <linux/etherdevice.h>

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
		packets++;
	}
	netdev_tx_completed_queue(queue_of(q), packets, bytes);
}

/* The ring is full, or the stack's own limit reached: somebody must go on. */
static bool waits(const struct gqueue *q)
{
	return netif_xmit_stopped(queue_of(q));
}

static void go_on(struct gqueue *q)
{
	if (netif_tx_queue_stopped(queue_of(q)) && gring_space(&q->tx.ring))
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

/* With its checksum, if that is still to be made: the data is at hand. */
static bool put(struct gqueue *q, struct sk_buff *skb)
{
	struct gring *r = &q->tx.ring;
	u32 len, flags;
	char *buf = gring_buf(r, r->head, &len, &flags);

	if (unlikely(!buf || skb->len > r->buf_size || skb->len > U16_MAX))
		return false;
	skb_copy_and_csum_dev(skb, buf);
	gring_put(r, r->head, skb->len);
	q->tx.len[r->head] = skb->len;
	r->head = gring_next(r, r->head);
	return true;
}

netdev_tx_t gtx_xmit(struct gqueue *q, struct sk_buff *skb)
{
	struct gring *r = &q->tx.ring;
	const u32 len = skb->len;
	bool now;

	if (unlikely(!gring_space(r))) {
		/* the queue is stopped then; somebody asks regardless */
		netif_tx_stop_queue(queue_of(q));
		await(q);
		if (waits(q))
			return NETDEV_TX_BUSY;
	}
	if (unlikely(!put(q, skb))) {
		drop(q, skb);
		gring_tell(r);
		return NETDEV_TX_OK;
	}
	skb_tx_timestamp(skb);
	now = __netdev_tx_sent_queue(queue_of(q), len, netdev_xmit_more());
	dev_consume_skb_any(skb);
	gqueue_add(&q->tx.counts, 1, len);
	if (unlikely(!gring_space(r))) {
		reclaim(q);
		if (!gring_space(r))
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

	__netif_tx_lock(queue, smp_processor_id());
	gring_hush(&q->tx.ring);
	reclaim(q);
	go_on(q);
	__netif_tx_unlock(queue);
}

bool gtx_rest(struct gqueue *q)
{
	struct netdev_queue *queue = queue_of(q);

	__netif_tx_lock(queue, smp_processor_id());
	if (waits(q))
		await(q);
	__netif_tx_unlock(queue);
	return false;
}

void gtx_reset(struct gqueue *q)
{
	q->tx.done = 0;
	netdev_tx_reset_queue(queue_of(q));
}
