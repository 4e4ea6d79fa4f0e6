// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "kdrain.h"

#include "core/device.h"
#include "kmonitor.h"
#include "kport.h"
#include "ktx.h"

/* So many frames, then others have their turn. */
enum { BUDGET = 4 * PTN_BATCH };

static u32 take_and_send(struct kdrain *d)
{
	struct ptn_port *p = d->port->core;
	const u32 room = ktx_room(d->tx);
	u32 n;

	if (!room)
		return 0;
	n = ptn_device_take(p, d->queue, d->work, room);
	if (!n)
		return 0;
	kmonitor_pass(d->port, PTN_VECTOR_RX(d->queue), d->work);
	ptn_device_lost(p, PTN_VECTOR_RX(d->queue), ktx_send(d->tx, d->work));
	ptn_device_give_back(p, d->queue);
	return n;
}

u32 kdrain_flush(struct kdrain *d)
{
	u32 sent = 0, n;

	spin_lock(&d->lock);
	rcu_read_lock();
	do {
		n = take_and_send(d);
		sent += n;
	} while (n && sent < BUDGET);
	rcu_read_unlock();
	spin_unlock(&d->lock);
	return sent;
}

/* Without room the device wakes us, else who brings frames. */
static void drain(struct tasklet_struct *t)
{
	struct kdrain *d = from_tasklet(d, t, tasklet);

	if (READ_ONCE(d->polled))
		return;
	if (kdrain_flush(d) >= BUDGET ||
	    (!ptn_device_sleep(d->port->core, d->queue) && ktx_room(d->tx)))
		tasklet_schedule(&d->tasklet);
}

/* At once where it can be: a softirq that is raised elsewhere waits. */
void kdrain_kick(struct kdrain *d)
{
	if (READ_ONCE(d->polled))
		return;
	if (irqs_disabled()) {
		tasklet_schedule(&d->tasklet);
		return;
	}
	local_bh_disable();
	tasklet_schedule(&d->tasklet);
	local_bh_enable();
}

void kdrain_poll(struct kdrain *d, bool on)
{
	WRITE_ONCE(d->polled, on);
	if (!on)
		kdrain_kick(d);
}

int kdrain_init(struct kdrain *d, struct kport *port, u32 queue, struct ktx *tx)
{
	spin_lock_init(&d->lock);
	tasklet_setup(&d->tasklet, drain);
	d->port = port;
	d->queue = queue;
	d->tx = tx;
	d->work = ptn_work_new();
	return d->work ? 0 : -ENOMEM;
}

void kdrain_fini(struct kdrain *d)
{
	if (!d->port)
		return;
	tasklet_kill(&d->tasklet);
	ptn_work_free(d->work);
	d->port = NULL;
}
