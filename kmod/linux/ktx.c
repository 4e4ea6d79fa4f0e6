// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "ktx.h"

#include <linux/delay.h>
#include <linux/etherdevice.h>
#include <linux/if_vlan.h>
#include <linux/module.h>

#include "core/segment.h"
#include "kskb.h"

/*
 * Every so many frames one carries the news that it, and those before it, are
 * done: a device hands them on in order, and nobody counts to the last one.
 */
enum { GROUP = 16, GROUP_MASK = 63 };

struct ktx {
	refcount_t users; /* the owner and the groups under way */
	struct net_device *dev;
	const struct net_device_ops *ops;
	u32 index, limit;
	u32 headroom, tailroom;
	void (*wake)(void *arg); /* under RCU */
	void *arg;
	struct timer_list timer; /* looks again at a device that is stopped */
	spinlock_t lock;
	struct sk_buff_head
		stuck; /* that the device did not take; under lock */
	/* the part of a frame that is being made; under lock */
	u8 headers[PTN_HEADERS_MAX];
	struct ptn_frag piece[PTN_PIECES_MAX];
	atomic_t under_way ____cacheline_aligned_in_smp;
	int starved; /* somebody was told that there is no room */
} __aligned(64);

/* Room */

static atomic_t existing = ATOMIC_INIT(0);

static void put(struct ktx *tx)
{
	if (!refcount_dec_and_test(&tx->users))
		return;
	kfree(tx);
	atomic_dec(&existing);
	module_put(THIS_MODULE);
}

static void wake(struct ktx *tx)
{
	void (*call)(void *arg);

	WRITE_ONCE(tx->starved, 0);
	rcu_read_lock();
	call = READ_ONCE(tx->wake);
	if (call)
		call(tx->arg);
	rcu_read_unlock();
}

void ktx_wake(struct ktx *tx)
{
	if (READ_ONCE(tx->starved))
		wake(tx);
}

static void group_done(struct ktx *tx, u32 frames)
{
	const int left = atomic_sub_return(frames, &tx->under_way);

	if (READ_ONCE(tx->starved) && left <= (int)tx->limit / 2)
		wake(tx);
	put(tx);
}

/* Destructors: of the last frame of a group, and of every one for the host. */
static void sent(struct sk_buff *skb)
{
	const uintptr_t word = (uintptr_t)skb_shinfo(skb)->destructor_arg;

	group_done((struct ktx *)(word & ~(uintptr_t)GROUP_MASK),
		   word & GROUP_MASK);
}

static void came_up(struct sk_buff *skb)
{
	sent(skb);
}

bool ktx_is_for_host(const struct sk_buff *skb)
{
	return skb->destructor == came_up;
}

static void mark(struct ktx *tx, struct sk_buff *skb, u32 frames)
{
	refcount_inc(&tx->users);
	atomic_add(frames, &tx->under_way);
	skb_shinfo(skb)->destructor_arg = (void *)((uintptr_t)tx | frames);
	skb->destructor = tx->ops ? sent : came_up;
}

static bool is_up(const struct ktx *tx)
{
	return netif_running(tx->dev) &&
	       (!tx->ops || netif_carrier_ok(tx->dev));
}

static struct netdev_queue *queue_of(const struct ktx *tx)
{
	return netdev_get_tx_queue(tx->dev,
				   tx->index % tx->dev->real_num_tx_queues);
}

static u32 room_now(struct ktx *tx)
{
	const int left = tx->limit - atomic_read(&tx->under_way);

	if (!is_up(tx) || left <= 0)
		return 0;
	if (tx->ops && (!skb_queue_empty_lockless(&tx->stuck) ||
			netif_xmit_frozen_or_stopped(queue_of(tx)))) {
		/* drivers tell the stack, not us, that they go on */
		mod_timer(&tx->timer, jiffies + 1);
		return 0;
	}
	return left;
}

u32 ktx_room(struct ktx *tx)
{
	const u32 room = room_now(tx);

	if (likely(room))
		return room;
	WRITE_ONCE(tx->starved, 1);
	smp_mb(); /* with atomic_sub_return() in group_done() */
	return room_now(tx);
}

/* Out by the device */

static bool give(struct ktx *tx, struct sk_buff *skb, struct netdev_queue *txq,
		 bool more)
{
	netdev_tx_t rc;

	if (netif_xmit_frozen_or_drv_stopped(txq))
		return false;
	rc = __netdev_start_xmit(tx->ops, skb, tx->dev, more);
	if (!dev_xmit_complete(rc))
		return false;
	txq_trans_update(txq);
	return true;
}

/* As many as the device takes; under the lock, which keeps them in order. */
static void push(struct ktx *tx)
{
	struct netdev_queue *txq = queue_of(tx);
	struct sk_buff *skb;

	HARD_TX_LOCK(tx->dev, txq, smp_processor_id());
	while ((skb = __skb_dequeue(&tx->stuck))) {
		if (give(tx, skb, txq, !skb_queue_empty(&tx->stuck)))
			continue;
		__skb_queue_head(&tx->stuck, skb);
		break;
	}
	HARD_TX_UNLOCK(tx->dev, txq);
}

static void push_or_lose(struct ktx *tx)
{
	if (is_up(tx))
		push(tx);
	else
		__skb_queue_purge(&tx->stuck);
}

static void look_again(struct timer_list *t)
{
	struct ktx *tx = from_timer(tx, t, timer);

	spin_lock(&tx->lock);
	push_or_lose(tx);
	spin_unlock(&tx->lock);
	if (READ_ONCE(tx->starved) && room_now(tx))
		wake(tx);
}

static struct sk_buff *make(const struct ktx *tx, const struct ptn_frag *frag,
			    u32 frags, u32 len)
{
	struct sk_buff *skb;

	if (len < ETH_HLEN ||
	    len > tx->dev->mtu + tx->dev->hard_header_len + VLAN_HLEN)
		return NULL;
	skb = kskb_new(frag, frags, len, tx->headroom, tx->tailroom);
	if (!skb)
		return NULL;
	skb->dev = tx->dev;
	skb->protocol = eth_hdr(skb)->h_proto;
	return skb;
}

static struct sk_buff *make_whole(const struct ktx *tx,
				  const struct ptn_work *w, u32 i)
{
	return make(tx, ptn_work_frame(w, i), w->odd ? w->frame[i].frags : 1,
		    ptn_work_bytes(w, i));
}

/* Of a frame with a header before it: one of those that it is on the wire. */
static struct sk_buff *make_part(struct ktx *tx, const struct ptn_work *w,
				 u32 i, u32 part)
{
	const u32 n = ptn_segment_pieces(w, i, part, tx->headers, tx->piece);
	u32 len = 0;

	for (u32 k = 0; k < n; k++)
		len += tx->piece[k].len;
	return make(tx, tx->piece, n, len);
}

/* Frames to be sent that have not been marked yet. */
struct group {
	struct sk_buff *last;
	u32 frames;
};

static void end_group(struct ktx *tx, struct group *g)
{
	if (g->frames)
		mark(tx, g->last, g->frames);
	g->frames = 0;
}

/* Returns whether it is there at all. */
static bool add(struct ktx *tx, struct group *g, struct sk_buff *skb)
{
	if (!skb)
		return false;
	skb_set_queue_mapping(skb, tx->index % tx->dev->real_num_tx_queues);
	__skb_queue_tail(&tx->stuck, skb);
	g->last = skb;
	if (++g->frames == GROUP)
		end_group(tx, g);
	return true;
}

/* A frame some of whose parts are lost is counted as one. */
static bool add_parts(struct ktx *tx, struct group *g, const struct ptn_work *w,
		      u32 i)
{
	const u32 parts = ptn_segment_parts(w, i);
	bool all = parts;

	for (u32 part = 0; part < parts; part++)
		all &= add(tx, g, make_part(tx, w, i, part));
	return all;
}

static u32 send_out(struct ktx *tx, const struct ptn_work *w)
{
	struct group g = {0};
	u32 lost = 0;

	spin_lock(&tx->lock);
	for (u32 i = 0; i < w->n_frames; i++)
		lost += w->hdr_len ? !add_parts(tx, &g, w, i)
				   : !add(tx, &g, make_whole(tx, w, i));
	end_group(tx, &g);
	push(tx);
	spin_unlock(&tx->lock);
	return lost;
}

/* Up into the host's stack */

/*
 * At once, and not by the CPU's backlog: a program that moves to another CPU
 * would overtake its own frames there.
 */
static u32 send_up(struct ktx *tx, const struct ptn_work *w)
{
	LIST_HEAD(frames);
	u32 lost = 0;

	for (u32 i = 0; i < w->n_frames; i++) {
		struct sk_buff *skb = make_whole(tx, w, i);

		if (!skb) {
			lost++;
			continue;
		}
		mark(tx, skb, 1);
		skb->protocol = eth_type_trans(skb, tx->dev);
		list_add_tail(&skb->list, &frames);
	}
	netif_receive_skb_list(&frames);
	return lost;
}

u32 ktx_send(struct ktx *tx, const struct ptn_work *w)
{
	u32 lost = w->n_frames;

	local_bh_disable();
	if (likely(is_up(tx)))
		lost = tx->ops ? send_out(tx, w) : send_up(tx, w);
	local_bh_enable();
	return lost;
}

/* Life */

int ktx_new(struct ktx **out, const struct ktx_params *params)
{
	/* of such sizes it is aligned, as the words in skbs need it */
	struct ktx *tx =
		kzalloc(roundup_pow_of_two(sizeof(*tx)), GFP_KERNEL_ACCOUNT);

	BUILD_BUG_ON(GROUP > GROUP_MASK || GROUP_MASK >= __alignof__(*tx));
	if (!tx)
		return -ENOMEM;
	atomic_inc(&existing);
	refcount_set(&tx->users, 1);
	tx->dev = params->dev;
	tx->ops = params->ops;
	tx->index = params->index;
	tx->limit = params->limit;
	tx->wake = params->wake;
	tx->arg = params->arg;
	tx->headroom = LL_RESERVED_SPACE(params->dev) + NET_SKB_PAD;
	tx->tailroom = params->dev->needed_tailroom;
	spin_lock_init(&tx->lock);
	__skb_queue_head_init(&tx->stuck);
	timer_setup(&tx->timer, look_again, 0);
	*out = tx;
	return 0;
}

void ktx_hush(struct ktx *tx)
{
	if (tx)
		WRITE_ONCE(tx->wake, NULL);
}

void ktx_free(struct ktx *tx)
{
	if (!tx)
		return;
	ktx_hush(tx);
	del_timer_sync(&tx->timer);
	/* their destructors need it */
	__skb_queue_purge(&tx->stuck);
	/* what is still under way keeps the module from going */
	__module_get(THIS_MODULE);
	put(tx);
}

void ktx_module_exit(void)
{
	while (atomic_read(&existing))
		msleep(20);
	synchronize_rcu();
}
