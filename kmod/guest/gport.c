// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * The device as netmap programs have it: the rings' headers are the programs',
 * and what they move there is passed on by the CSB. Knows nothing of programs
 * nor of their descriptors.
 */
#include "gport.h"

#include <linux/rtnetlink.h>
#include <linux/timekeeping.h>

#include "gdev.h"

static struct gring *ring_of(struct gdev *g, u32 vector)
{
	struct gqueue *q = &g->queues[(vector - 1) / 2];

	return vector & 1 ? &q->tx.ring : &q->rx.ring;
}

/* What is in front of the rings is the host's alone. */
static u64 first_page(const struct gregion *r)
{
	return r->ring_pool.offset & PAGE_MASK;
}

static struct ptn_pool_info pool_at(const struct ptn_pool_info *p, u64 from)
{
	return (struct ptn_pool_info){
		.offset = p->offset - from,
		.count = p->count,
		.size = p->size,
	};
}

static u64 place_of(const struct gregion *r, enum gregion_direction dir, u32 i)
{
	const char *ring = (char *)gregion_ring(r, dir, i);

	return ring ? ring - (r->mem + first_page(r)) : 0;
}

static void info(struct net_device *dev, struct gport_info *out)
{
	const struct gdev *g = netdev_priv(dev);
	const struct gregion *r = &g->host->region;
	const u64 from = first_page(r);

	*out = (struct gport_info){
		.rings = g->n_queues,
		.tx_slots = r->tx_slots,
		.rx_slots = r->rx_slots,
		.hdr_len = g->host->hdr_len,
		.mem = r->phys + from,
		.bytes = PAGE_ALIGN(r->bytes - from),
		.ring_pool = pool_at(&r->ring_pool, from),
		.buf_pool = pool_at(&r->buf_pool, from),
	};
	for (u32 i = 0; g->user && i < g->n_queues; i++) {
		out->ring_ofs[i] = place_of(r, GREGION_TX, i);
		out->ring_ofs[g->n_queues + i] = place_of(r, GREGION_RX, i);
	}
}

/*
 * The stack has it again. A host that did not answer a moment ago is not asked
 * again: glink.c starts the rings when it is there.
 */
static void give_back(struct gdev *g, bool answers)
{
	int err;

	g->user = NULL;
	if (!netif_running(g->dev)) {
		glink_end(g);
		return;
	}
	err = answers && netif_device_present(g->dev) ? gnet_start(g) : 0;
	if (err)
		netdev_warn(g->dev, "does not start again: %d\n", err);
	glink_look(g);
}

static int open(struct net_device *dev, struct gport_user *u)
{
	struct gdev *g = netdev_priv(dev);
	int err;

	ASSERT_RTNL();
	if (g->user || !netif_device_present(dev))
		return -EBUSY;
	gnet_stop(g);
	g->user = u;
	g->user_err = 0;
	err = gnet_start(g);
	if (err) {
		give_back(g, err != -ETIMEDOUT);
		return err;
	}
	g->user_generation = glink_generation(g);
	glink_begin(g);
	return 0;
}

static void close(struct net_device *dev)
{
	struct gdev *g = netdev_priv(dev);
	const bool answers = g->user_err != -ETIMEDOUT;

	ASSERT_RTNL();
	gnet_stop(g);
	give_back(g, answers);
}

void gport_tell(struct gdev *g, int err)
{
	if (!g->user || g->user_err == -ENXIO || g->user_err == err)
		return;
	WRITE_ONCE(g->user_err, err);
	g->user->wake(g->user, 0);
}

void gport_leave(struct gdev *g)
{
	ASSERT_RTNL();
	if (!g->user)
		return;
	g->user->revoke(g->user);
	gnet_stop(g);
	g->user = NULL;
	if (!netif_running(g->dev))
		glink_end(g);
}

static void renew(struct net_device *dev, u32 vector)
{
	gring_renew(ring_of(netdev_priv(dev), vector));
}

static void stamp(struct netmap_ring *ring)
{
	struct timespec64 now;

	ktime_get_real_ts64(&now);
	WRITE_ONCE(ring->ts.tv_sec, now.tv_sec);
	WRITE_ONCE(ring->ts.tv_usec, now.tv_nsec / NSEC_PER_USEC);
}

static int sync(struct net_device *dev, u32 vector, bool waits)
{
	struct gdev *g = netdev_priv(dev);
	struct gring *r = ring_of(g, vector);
	int answer = READ_ONCE(g->user_err);

	if (unlikely(answer))
		return answer;
	answer = gring_sync(r, waits);
	if (READ_ONCE(r->header->flags) & NR_TIMESTAMP)
		stamp(r->header);
	return answer;
}

static const struct gport_ops ops = {
	.info = info,
	.open = open,
	.close = close,
	.renew = renew,
	.sync = sync,
};

const struct gport_type gport_type = {
	.type.name = GPORT_TYPE,
	.version = GPORT_VERSION,
	.owner = THIS_MODULE,
	.ops = &ops,
};
