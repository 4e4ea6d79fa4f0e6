// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "gqueue.h"

#include <linux/cpumask.h>
#include <linux/interrupt.h>
#include <linux/slab.h>

static void moved(struct gqueue *q, u32 vector)
{
	if (q->user)
		q->user->wake(q->user, vector);
	else
		napi_schedule_irqoff(&q->napi);
}

static irqreturn_t tx_interrupt(int irq, void *arg)
{
	struct gqueue *q = arg;

	q->tx.interrupts++;
	moved(q, PTN_VECTOR_TX(q->index));
	return IRQ_HANDLED;
}

static irqreturn_t rx_interrupt(int irq, void *arg)
{
	struct gqueue *q = arg;

	q->rx.interrupts++;
	moved(q, PTN_VECTOR_RX(q->index));
	return IRQ_HANDLED;
}

/* Both rings must be looked at, whoever of them asked for more. */
static bool rest(struct gqueue *q)
{
	const bool rx = grx_rest(q), tx = gtx_rest(q);

	return rx || tx;
}

static int poll(struct napi_struct *napi, int budget)
{
	struct gqueue *q = container_of(napi, struct gqueue, napi);
	int work;

	gtx_poll(q);
	work = budget ? grx_poll(q, budget) : 0;
	if (work < budget && napi_complete_done(napi, work) && rest(q))
		napi_schedule(napi);
	return work;
}

int gqueue_init(struct gqueue *q, struct net_device *dev, u32 index,
		u32 tx_slots)
{
	q->dev = dev;
	q->index = index;
	u64_stats_init(&q->tx.counts.sync);
	u64_stats_init(&q->rx.counts.sync);
	q->tx.len = kcalloc(tx_slots, sizeof(*q->tx.len), GFP_KERNEL);
	if (!q->tx.len)
		return -ENOMEM;
	netif_napi_add(dev, &q->napi, poll);
	return 0;
}

void gqueue_fini(struct gqueue *q)
{
	if (!q->tx.len)
		return;
	netif_napi_del(&q->napi);
	kfree(q->tx.len);
	q->tx.len = NULL;
}

int gqueue_reset(struct gqueue *q, const struct ghost *host, u32 hdr_len)
{
	int err = gring_init(&q->tx.ring, host, GREGION_TX, q->index);

	if (err)
		return err;
	q->hdr_len = hdr_len;
	gtx_reset(q);
	return gring_init(&q->rx.ring, host, GREGION_RX, q->index);
}

int gqueue_open(struct gqueue *q, struct gport_user *user, int tx_irq,
		int rx_irq)
{
	const struct cpumask *cpu =
		cpumask_of(cpumask_local_spread(q->index, NUMA_NO_NODE));
	int err;

	snprintf(q->name[0], sizeof(q->name[0]), "%s-tx-%u", q->dev->name,
		 q->index);
	snprintf(q->name[1], sizeof(q->name[1]), "%s-rx-%u", q->dev->name,
		 q->index);
	q->user = user;
	err = request_irq(tx_irq, tx_interrupt, 0, q->name[0], q);
	if (err)
		return err;
	err = request_irq(rx_irq, rx_interrupt, 0, q->name[1], q);
	if (err)
		goto err_tx;
	irq_set_affinity_and_hint(tx_irq, cpu);
	irq_set_affinity_and_hint(rx_irq, cpu);
	napi_enable(&q->napi);
	return 0;

err_tx:
	free_irq(tx_irq, q);
	return err;
}

void gqueue_close(struct gqueue *q, int tx_irq, int rx_irq)
{
	napi_disable(&q->napi);
	irq_update_affinity_hint(tx_irq, NULL);
	irq_update_affinity_hint(rx_irq, NULL);
	free_irq(tx_irq, q);
	free_irq(rx_irq, q);
}

void gqueue_poll_soon(struct gqueue *q)
{
	local_bh_disable();
	napi_schedule(&q->napi);
	local_bh_enable();
}

void gqueue_add(struct gqueue_counts *c, u32 bytes,
		const struct virtio_net_hdr_mrg_rxbuf *h)
{
	u64_stats_update_begin(&c->sync);
	c->packets++;
	c->bytes += bytes;
	c->large += h && ghdr_is_large(h);
	c->partial += h && ghdr_is_partial(h);
	u64_stats_update_end(&c->sync);
}

void gqueue_add_dropped(struct gqueue_counts *c)
{
	u64_stats_update_begin(&c->sync);
	c->dropped++;
	u64_stats_update_end(&c->sync);
}

void gqueue_read(const struct gqueue_counts *c, struct gqueue_counts *out)
{
	unsigned int start;

	do {
		start = u64_stats_fetch_begin(&c->sync);
		out->packets = c->packets;
		out->bytes = c->bytes;
		out->dropped = c->dropped;
		out->large = c->large;
		out->partial = c->partial;
	} while (u64_stats_fetch_retry(&c->sync, start));
}
