// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "krx.h"

#include "core/device.h"
#include "kmonitor.h"
#include "kport.h"
#include "kskb.h"
#include "kswitch.h"

/* So many are handed over by who brings them: nothing waits without bound. */
enum { WAITING_MAX = PTN_BATCH };

static void hand_batch(struct krx *rx)
{
	if (rx->inject) {
		kmonitor_pass(rx->port, PTN_VECTOR_TX(rx->queue), rx->work);
		kswitch_touch(rx->port->sw);
		ptn_device_inject(rx->port->core, rx->queue, rx->work);
	} else {
		ptn_device_receive(rx->port->core, rx->queue, rx->work);
	}
	ptn_device_clear(rx->work);
}

static void hand_over(struct krx *rx, const struct sk_buff_head *frames)
{
	struct sk_buff *skb;

	rcu_read_lock();
	ptn_device_clear(rx->work);
	skb_queue_walk(frames, skb) {
		if (ptn_device_add(rx->work, skb->data, skb->len, false, 0))
			continue;
		hand_batch(rx);
		ptn_device_add(rx->work, skb->data, skb->len, false, 0);
	}
	hand_batch(rx);
	rcu_read_unlock();
}

u32 krx_flush(struct krx *rx)
{
	struct sk_buff_head frames;
	struct sk_buff *skb;
	u32 n;

	if (skb_queue_empty_lockless(&rx->waiting))
		return 0;
	__skb_queue_head_init(&frames);
	spin_lock(&rx->handing);
	spin_lock(&rx->lock);
	skb_queue_splice_init(&rx->waiting, &frames);
	spin_unlock(&rx->lock);
	n = skb_queue_len(&frames);
	if (n)
		hand_over(rx, &frames);
	spin_unlock(&rx->handing);
	while ((skb = __skb_dequeue(&frames)))
		napi_consume_skb(skb, 1);
	return n;
}

static void flush(struct tasklet_struct *t)
{
	krx_flush(from_tasklet((struct krx *)NULL, t, tasklet));
}

/* Frames that are on the wire already; the list is empty afterwards. */
static void enqueue(struct krx *rx, struct sk_buff_head *frames)
{
	bool first, full;

	spin_lock(&rx->lock);
	first = skb_queue_empty(&rx->waiting);
	skb_queue_splice_tail_init(frames, &rx->waiting);
	full = skb_queue_len(&rx->waiting) >= WAITING_MAX;
	spin_unlock(&rx->lock);
	if (full)
		krx_flush(rx);
	else if (first && !READ_ONCE(rx->polled))
		tasklet_schedule(&rx->tasklet);
}

bool krx_enqueue(struct krx *rx, struct sk_buff *skb)
{
	struct sk_buff_head frames;
	bool all = true;

	__skb_queue_head_init(&frames);
	if (likely(kskb_is_wire(skb)))
		__skb_queue_tail(&frames, skb);
	else
		all = kskb_to_wire(skb, &frames);
	if (likely(!skb_queue_empty(&frames)))
		enqueue(rx, &frames);
	return all;
}

void krx_poll(struct krx *rx, bool on)
{
	WRITE_ONCE(rx->polled, on);
	if (on)
		return;
	local_bh_disable();
	tasklet_schedule(&rx->tasklet); /* for what came last */
	local_bh_enable();
}

int krx_init(struct krx *rx, struct kport *port, u32 queue, bool inject)
{
	rx->port = port;
	rx->queue = queue;
	rx->inject = inject;
	spin_lock_init(&rx->lock);
	spin_lock_init(&rx->handing);
	__skb_queue_head_init(&rx->waiting);
	tasklet_setup(&rx->tasklet, flush);
	rx->work = ptn_work_new();
	return rx->work ? 0 : -ENOMEM;
}

void krx_fini(struct krx *rx)
{
	if (!rx->port)
		return;
	tasklet_kill(&rx->tasklet);
	__skb_queue_purge(&rx->waiting);
	ptn_work_free(rx->work);
	rx->port = NULL;
}
