// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "kside.h"

#include "core/device.h"
#include "kdrain.h"
#include "kport.h"
#include "krx.h"
#include "ktx.h"

/*
 * Frames under way on a queue: less than the kernel queues up on a CPU
 * (net.core.netdev_max_backlog), so that veth and the like lose none.
 */
enum { UNDER_WAY = 512 };

struct kside_waker {
	struct kport *port;
	u32 queue;
};

static void wake_program(void *arg)
{
	const struct kside_waker *w = arg;

	ptn_device_room_made(w->port->core, w->queue);
}

static void wake_drain(void *arg)
{
	kdrain_kick(arg);
}

/* The port's ring has frames for us. */
static void notified(struct kring *r)
{
	kdrain_kick(r->notify_arg);
}

/* Queues in */

static int open_in(struct kside *s, const struct kside_params *p)
{
	/* whose program we are sends what comes */
	s->n_in = p->program ? p->n_tx : p->n_rx;
	s->in = kzalloc(roundup_pow_of_two(s->n_in * sizeof(*s->in)),
			GFP_KERNEL_ACCOUNT);
	if (!s->in)
		return -ENOMEM;
	for (u32 i = 0; i < s->n_in; i++) {
		const u32 queue = (p->program ? p->first_tx : p->first_rx) + i;
		int err = krx_init(&s->in[i], p->port, queue, p->program);

		if (err)
			return err;
	}
	return 0;
}

/* Queues out */

static int open_drain(struct kside *s, const struct kside_params *p, u32 i)
{
	const u32 queue = p->first_rx + i;
	struct kring *r = kport_ring(p->port, PTN_VECTOR_RX(queue));
	int err = kdrain_init(&s->drain[i], p->port, queue, s->out[i]);

	if (err)
		return err;
	r->notify_arg = &s->drain[i];
	smp_store_release(&r->notify, notified);
	return 0;
}

static int open_queue_out(struct kside *s, const struct kside_params *p, u32 i)
{
	const struct ktx_params params = {
		.dev = p->dev,
		.ops = p->ops,
		.index = i,
		.limit = UNDER_WAY,
		.wake = p->program ? wake_drain : wake_program,
		.arg = p->program ? (void *)&s->drain[i] : &s->waker[i],
	};
	int err = ktx_new(&s->out[i], &params);

	if (err)
		return err;
	if (p->program)
		return open_drain(s, p, i);
	s->waker[i].port = p->port;
	s->waker[i].queue = p->first_tx + i;
	return 0;
}

static int open_out(struct kside *s, const struct kside_params *p)
{
	const u32 n = p->program ? p->n_rx : p->n_tx;

	s->out = kcalloc(n, sizeof(*s->out), GFP_KERNEL_ACCOUNT);
	s->waker = kcalloc(n, sizeof(*s->waker), GFP_KERNEL_ACCOUNT);
	s->drain = p->program
			   ? kcalloc(n, sizeof(*s->drain), GFP_KERNEL_ACCOUNT)
			   : NULL;
	if (!s->out || !s->waker || (p->program && !s->drain))
		return -ENOMEM;
	s->n_out = n;
	for (u32 i = 0; i < n; i++) {
		int err = open_queue_out(s, p, i);

		if (err)
			return err;
	}
	return 0;
}

int kside_open(struct kside *s, const struct kside_params *params)
{
	int err;

	s->dev = params->dev;
	s->port = params->port;
	s->first_rx = params->first_rx;
	err = open_out(s, params);
	if (!err)
		err = open_in(s, params);
	if (err) {
		kside_close(s);
		return err;
	}
	smp_store_release(&s->on, true);
	return 0;
}

void kside_start(struct kside *s)
{
	for (u32 i = 0; i < s->n_out; i++)
		kdrain_kick(&s->drain[i]);
}

/* Nobody kicks the drains any more. */
static void stop_notifying(struct kside *s)
{
	for (u32 i = 0; s->drain && s->port->ring && i < s->n_out; i++) {
		struct kring *r =
			kport_ring(s->port, PTN_VECTOR_RX(s->first_rx + i));

		WRITE_ONCE(r->notify, NULL);
	}
}

void kside_close(struct kside *s)
{
	if (!s->dev)
		return;
	WRITE_ONCE(s->on, false);
	stop_notifying(s);
	for (u32 i = 0; i < s->n_out; i++)
		ktx_hush(s->out[i]);
	synchronize_net();
	for (u32 i = 0; s->in && i < s->n_in; i++)
		krx_fini(&s->in[i]);
	for (u32 i = 0; s->drain && i < s->n_out; i++)
		kdrain_fini(&s->drain[i]);
	for (u32 i = 0; i < s->n_out; i++)
		ktx_free(s->out[i]);
	kfree(s->in);
	kfree(s->out);
	kfree(s->waker);
	kfree(s->drain);
	memset(s, 0, sizeof(*s));
}

/* While it is open */

void kside_take(struct kside *s, struct sk_buff *skb, u32 queue)
{
	struct net_device *dev = skb->dev;

	if (!smp_load_acquire(&s->on)) {
		kfree_skb(skb);
		dev_core_stats_tx_dropped_inc(dev);
		return;
	}
	if (!krx_enqueue(&s->in[queue % s->n_in], skb))
		dev_core_stats_rx_dropped_inc(dev);
}

u32 kside_room(const struct kside *s, u32 queue)
{
	return queue < s->n_out ? ktx_room(s->out[queue]) : 0;
}

u32 kside_send(const struct kside *s, u32 queue, const struct ptn_work *w)
{
	return queue < s->n_out ? ktx_send(s->out[queue], w) : w->n_frames;
}

void kside_wake(struct kside *s)
{
	for (u32 i = 0; i < s->n_out; i++)
		ktx_wake(s->out[i]);
}

void kside_poll(struct kside *s, bool on)
{
	for (u32 i = 0; i < s->n_in; i++)
		krx_poll(&s->in[i], on);
	for (u32 i = 0; s->drain && i < s->n_out; i++)
		kdrain_poll(&s->drain[i], on);
}

u32 kside_look(struct kside *s, u32 queue)
{
	u32 moved = 0;

	local_bh_disable();
	if (queue < s->n_in)
		moved += krx_flush(&s->in[queue]);
	if (s->drain && queue < s->n_out)
		moved += kdrain_flush(&s->drain[queue]);
	local_bh_enable();
	return moved;
}
