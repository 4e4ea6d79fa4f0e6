// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * Nobody's wake-up is lost: before the loop sleeps it clears @kicked, then
 * lets the core ask the program for kicks and look once more. Whoever kicks
 * after that sets @kicked, without which the loop does not sleep.
 *
 * Direct modes. Kicks come by the eventfd's wake callback: with interrupts
 * off, under the lock of a wait queue, perhaps in the middle of anything. No
 * frame can be moved there. So a kick by a thread of the loop's own program
 * leaves work that this thread does on its way back to user space (or into its
 * guest): still in the kicker's context and before it goes on, but where it
 * may sleep. Kicks by others, from interrupts or from another program (whose
 * memory NS_INDIRECT must not reach) wake the loop, as without direct modes.
 */
#include "kloop.h"

#include <linux/eventfd.h>
#include <linux/file.h>
#include <linux/hrtimer.h>
#include <linux/poll.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/task_work.h>

#include "compat.h"
#include "core/header.h"
#include "core/port.h"
#include "kfile.h"
#include "kport.h"
#include "krequest.h"
#include "ksync.h"

enum {
	SLEEP_MAX_US = USEC_PER_SEC,
	/* Turns of a direct sync before the loop takes over. */
	DIRECT_TURNS = 16,
};

/* One of the rings watched. */
struct watched {
	struct kloop *loop;
	struct kring *ring;
	u32 queue;
	bool tx;
	bool direct; /* synced by the kicker */
	bool look; /* direct, but the loop is to sync it this time */
	bool heard; /* a kick came that was not counted yet */

	struct eventfd_ctx *irq; /* tells the program; NULL */
	struct file *io; /* wakes the loop; NULL */
	wait_queue_head_t *io_wait;
	wait_queue_entry_t io_entry;
	poll_table table;

	unsigned long pending; /* bit 0: @work is queued */
	struct callback_head work;
};

struct kloop {
	struct kport *port;
	const bool *stop; /* asked for; NULL: by the port's end alone */
	struct task_struct *task; /* the thread that lends itself */
	struct mm_struct *mm; /* its program's; NULL: a thread of ours */
	bool (*due)(
		const void *home); /* a thread of ours: what else there is */
	const void *home;
	unsigned long jiffies_max; /* that it sleeps; 0: until it is kicked */
	u32 sleep_us; /* 0: sleeps until it is kicked */
	bool kicked;
	bool asking; /* the program is asked for kicks */
	bool deaf;
	u32 late; /* kicks since it is not, of which each ring may have one */
	u32 unasked; /* those that are more; a guess */
	bool ending;
	atomic_t works; /* queued or running */
	wait_queue_head_t wait;
	u64 queues; /* that have a ring here */
	u64 direct_queues;
	u32 n;
	struct watched rings[];
};

/* Kicking */

void kloop_kick(struct kloop *l)
{
	WRITE_ONCE(l->kicked, true);
	if (wq_has_sleeper(&l->wait))
		wake_up(&l->wait);
}

/*
 * This CPU signals one of ours, which may be a loop's ioeventfd as well: it is
 * perhaps a loop's own thread, which returns to its program too late.
 */
static DEFINE_PER_CPU(int, notifying);

/*
 * The core has something for the program. A transmit ring's turn may also
 * have come because another port made room: the loop looks. Threads of ours
 * are told of that by another way.
 */
static void notify(struct kring *r)
{
	struct watched *w = READ_ONCE(r->notify_arg);
	const struct kloop *l = w->loop;

	if (w->irq) {
		preempt_disable();
		this_cpu_inc(notifying);
		compat_eventfd_signal(w->irq);
		this_cpu_dec(notifying);
		preempt_enable();
	}
	if ((w->tx && l->mm) || READ_ONCE(l->port->gone))
		kloop_kick(w->loop);
}

static void direct(struct callback_head *work);

/* Whether the current thread will do it itself. */
static bool do_directly(struct watched *w)
{
	struct kloop *l = w->loop;

	if (!READ_ONCE(w->direct) || !in_task() || current->mm != l->mm ||
	    current == l->task || this_cpu_read(notifying) ||
	    current->flags & (PF_KTHREAD | PF_EXITING | PF_IO_WORKER))
		return false;
	if (test_and_set_bit(0, &w->pending))
		return true;
	atomic_inc(&l->works);
	init_task_work(&w->work, direct);
	if (!task_work_add(current, &w->work, TWA_RESUME))
		return true;
	atomic_dec(&l->works);
	clear_bit(0, &w->pending);
	return false;
}

/* Who was asked a moment ago may not know yet that this is over. */
static void count_unasked(struct kloop *l)
{
	if (READ_ONCE(l->asking))
		return;
	if (READ_ONCE(l->late) < l->n)
		WRITE_ONCE(l->late, l->late + 1);
	else
		WRITE_ONCE(l->unasked, l->unasked + 1);
}

static int io_wakes(wait_queue_entry_t *entry, unsigned int mode, int sync,
		    void *key)
{
	struct watched *w = container_of(entry, struct watched, io_entry);

	if (!(key_to_poll(key) & EPOLLIN))
		return 0;
	WRITE_ONCE(w->heard, true);
	count_unasked(w->loop);
	if (READ_ONCE(w->loop->deaf))
		return 0;
	if (!do_directly(w)) {
		WRITE_ONCE(w->look, true);
		kloop_kick(w->loop);
	}
	return 0;
}

u32 kloop_unasked(const struct kloop *l)
{
	return READ_ONCE(l->unasked);
}

void kloop_deafen(struct kloop *l, bool deaf)
{
	WRITE_ONCE(l->deaf, deaf);
	if (!deaf)
		kloop_kick(l);
}

/* Syncing */

static struct kring *queue_lock(const struct kloop *l, u32 queue)
{
	const struct kport *p = l->port;

	return queue < p->tx_rings ? &p->ring[queue]
				   : &p->ring[p->tx_rings + queue];
}

/* Ask for kicks. True when nothing is to be done: they will come. */
static bool arm(struct kloop *l, u32 queue)
{
	struct kring *r = queue_lock(l, queue);
	bool idle;

	mutex_lock(&r->lock);
	rcu_read_lock();
	idle = l->port->gone || ptn_port_arm(l->port->core, queue);
	rcu_read_unlock();
	mutex_unlock(&r->lock);
	return idle;
}

static void disarm(struct kloop *l, u32 queue)
{
	struct kring *r = queue_lock(l, queue);

	mutex_lock(&r->lock);
	rcu_read_lock();
	if (!l->port->gone)
		ptn_port_disarm(l->port->core, queue);
	rcu_read_unlock();
	mutex_unlock(&r->lock);
}

static void settle(struct kloop *l, u32 queue)
{
	struct kring *r = queue_lock(l, queue);

	mutex_lock(&r->lock);
	rcu_read_lock();
	if (!l->port->gone)
		ptn_port_settle(l->port->core, queue);
	rcu_read_unlock();
	mutex_unlock(&r->lock);
}

static void count_kick(struct watched *w)
{
	struct kloop *l = w->loop;

	if (!READ_ONCE(w->heard) || !xchg(&w->heard, false))
		return;
	mutex_lock(&w->ring->lock);
	ptn_port_heard(l->port->core, w->queue);
	mutex_unlock(&w->ring->lock);
}

/* Returns whether the link took something. */
static bool sync(struct watched *w)
{
	struct kport *p = w->loop->port;
	u32 before;

	count_kick(w);
	if (!w->tx) {
		ksync_rx(p, w->queue);
		return false;
	}
	before = ptn_header_done(p->core, w->queue);
	ksync_tx(p, w->queue);
	return ptn_header_done(p->core, w->queue) != before;
}

static bool sync_all(struct kloop *l)
{
	bool moved = false;

	for (u32 i = 0; i < l->n; i++) {
		struct watched *w = &l->rings[i];

		if (!w->direct || xchg(&w->look, false))
			moved |= sync(w);
	}
	return moved;
}

static void look_directly(struct kloop *l, u32 queue)
{
	for (u32 i = 0; i < l->n; i++)
		if (l->rings[i].queue == queue)
			WRITE_ONCE(l->rings[i].look, true);
}

/* In the kicker's context, on its way to user space. */
static void direct(struct callback_head *work)
{
	struct watched *w = container_of(work, struct watched, work);
	struct kloop *l = w->loop;

	clear_bit(0, &w->pending);
	smp_mb__after_atomic(); /* a kick from now on leaves new work */
	for (int i = 0; !READ_ONCE(l->ending); i++) {
		sync(w);
		if (arm(l, w->queue))
			break;
		if (i < DIRECT_TURNS)
			continue;
		look_directly(l, w->queue);
		kloop_kick(l);
		break;
	}
	rcu_read_lock(); /* what the loop waits for before it frees */
	if (atomic_dec_and_test(&l->works))
		wake_up_all(&l->wait);
	rcu_read_unlock();
}

/* Sleeping */

static bool has_ended(const struct kloop *l)
{
	return (l->stop && READ_ONCE(*l->stop)) || READ_ONCE(l->port->gone);
}

static bool arm_all(struct kloop *l)
{
	bool idle = true;

	for (u64 q = l->queues; q; q &= q - 1) {
		const u32 queue = __ffs64(q);

		if (arm(l, queue))
			continue;
		idle = false;
		look_directly(l, queue);
	}
	return idle;
}

static void disarm_all(struct kloop *l)
{
	for (u64 q = l->queues & ~l->direct_queues; q; q &= q - 1)
		disarm(l, __ffs64(q));
}

static void settle_all(struct kloop *l)
{
	for (u64 q = l->queues; q; q &= q - 1)
		settle(l, __ffs64(q));
}

static bool is_awake(const struct kloop *l)
{
	return READ_ONCE(l->kicked) || has_ended(l);
}

static void wait_for_kick(struct kloop *l)
{
	WRITE_ONCE(l->kicked, false);
	smp_mb(); /* against kloop_kick() */
	if (l->due && l->due(l->home))
		return;
	WRITE_ONCE(l->late, 0);
	WRITE_ONCE(l->asking, true);
	if (arm_all(l)) {
		if (l->jiffies_max)
			wait_event_interruptible_timeout(l->wait, is_awake(l),
							 l->jiffies_max);
		else
			wait_event_interruptible(l->wait, is_awake(l));
		disarm_all(l);
	}
	WRITE_ONCE(l->asking, false);
}

/*
 * Where not all have an ioeventfd, programs are asked for no kicks: the loop
 * looks again when the time is over. Who has one may still say that it is
 * earlier.
 */
static void wait_for_time(struct kloop *l)
{
	settle_all(l);
	wait_event_interruptible_hrtimeout(
		l->wait, is_awake(l),
		ns_to_ktime((u64)l->sleep_us * NSEC_PER_USEC));
}

static void wait(struct kloop *l)
{
	if (l->sleep_us)
		wait_for_time(l);
	else
		wait_for_kick(l);
}

/* A freezer's signal, too: the call is begun anew when that is over. */
static int run(struct kloop *l)
{
	for (;;) {
		if (READ_ONCE(*l->stop))
			return 0;
		if (READ_ONCE(l->port->gone))
			return -ENXIO;
		if (signal_pending(current))
			return -ERESTARTNOHAND;
		WRITE_ONCE(l->kicked, false);
		smp_mb(); /* against kloop_kick() */
		if (!sync_all(l))
			wait(l);
		cond_resched();
	}
}

/* Beginning and end */

static void io_queue(struct file *file, wait_queue_head_t *wait,
		     poll_table *table)
{
	struct watched *w = container_of(table, struct watched, table);

	w->io_wait = wait;
	add_wait_queue(wait, &w->io_entry);
}

static int watch_file(struct watched *w, struct file *io)
{
	struct eventfd_ctx *ctx = eventfd_ctx_fileget(io);

	w->io = io;
	if (IS_ERR(ctx))
		return -EBADF;
	eventfd_ctx_put(ctx);
	init_waitqueue_func_entry(&w->io_entry, io_wakes);
	init_poll_funcptr(&w->table, io_queue);
	vfs_poll(w->io, &w->table);
	return 0;
}

static int watch_io(struct watched *w, int fd)
{
	struct file *io = fget(fd);

	if (!io)
		return krefuse(-EBADF, "ioeventfd %d is no descriptor", fd);
	return watch_file(w, io)
		       ? krefuse(-EBADF, "ioeventfd %d is no eventfd", fd)
		       : 0;
}

static int watch(struct watched *w, int io, int irq)
{
	if (irq >= 0) {
		struct eventfd_ctx *ctx = eventfd_ctx_fdget(irq);

		if (IS_ERR(ctx))
			return krefuse(-EBADF, "irqfd %d is no eventfd", irq);
		w->irq = ctx;
	}
	return io < 0 ? 0 : watch_io(w, io);
}

static void hook(struct watched *w, bool on)
{
	mutex_lock(&w->ring->lock);
	if (on)
		WRITE_ONCE(w->ring->notify_arg, w);
	smp_store_release(&w->ring->notify, on ? notify : NULL);
	mutex_unlock(&w->ring->lock);
}

static void fini_rings(struct kloop *l)
{
	for (u32 i = 0; i < l->n; i++)
		if (l->rings[i].io_wait)
			remove_wait_queue(l->rings[i].io_wait,
					  &l->rings[i].io_entry);
	WRITE_ONCE(l->ending, true);
	wait_event(l->wait, !atomic_read(&l->works));
	for (u32 i = 0; i < l->n; i++)
		hook(&l->rings[i], false);
	for (u64 q = l->queues; q; q &= q - 1)
		disarm(l, __ffs64(q));
	synchronize_rcu(); /* notify(), direct() */
	for (u32 i = 0; i < l->n; i++) {
		if (l->rings[i].irq)
			eventfd_ctx_put(l->rings[i].irq);
		if (l->rings[i].io)
			fput(l->rings[i].io);
	}
}

static struct kloop *new_loop(struct kport *p, u64 tx, u64 rx)
{
	const u32 n = hweight64(tx) + hweight64(rx);
	struct kloop *l = kzalloc(struct_size(l, rings, n), GFP_KERNEL_ACCOUNT);
	u32 i = 0;

	if (!l)
		return NULL;
	l->port = p;
	l->n = n;
	l->queues = tx | rx;
	init_waitqueue_head(&l->wait);
	for (u64 q = tx; q; q &= q - 1, i++)
		l->rings[i] = (struct watched){
			.ring = &p->ring[__ffs64(q)],
			.tx = true,
			.queue = __ffs64(q),
		};
	for (u64 q = rx; q; q &= q - 1, i++)
		l->rings[i] = (struct watched){
			.ring = &p->ring[p->tx_rings + __ffs64(q)],
			.queue = __ffs64(q),
		};
	for (i = 0; i < n; i++)
		l->rings[i].loop = l;
	return l;
}

/* Options */

static int set_eventfds(struct kloop *l, struct krequest *rq)
{
	const struct nmreq_opt_sync_kloop_eventfds *o =
		(void *)rq->option[NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS];
	int err = 0;

	if (!o)
		return 0;
	if (o->nro_opt.nro_size != struct_size(o, eventfds, l->n))
		err = krefuse(-EINVAL, "%u rings have eventfds of %zu bytes",
			      l->n, struct_size(o, eventfds, l->n));
	for (u32 i = 0; i < l->n && !err; i++)
		err = watch(&l->rings[i], o->eventfds[i].ioeventfd,
			    o->eventfds[i].irqfd);
	return krequest_claim(rq, NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS, err);
}

static bool all_have_io(const struct kloop *l)
{
	for (u32 i = 0; i < l->n; i++)
		if (!l->rings[i].io)
			return false;
	return true;
}

static int set_mode(struct kloop *l, struct krequest *rq)
{
	const struct nmreq_opt_sync_kloop_mode *o =
		(void *)rq->option[NETMAP_REQ_OPT_SYNC_KLOOP_MODE];
	const u32 known = NM_OPT_SYNC_KLOOP_DIRECT_TX |
			  NM_OPT_SYNC_KLOOP_DIRECT_RX;
	int err = 0;

	if (!o)
		return 0;
	if (o->mode & ~known)
		err = krefuse(-EINVAL, "there is no loop mode %#x", o->mode);
	else if (o->mode && !all_have_io(l))
		err = krefuse(-EINVAL, "direct modes need all ioeventfds");
	for (u32 i = 0; i < l->n && !err; i++) {
		struct watched *w = &l->rings[i];

		if (!(o->mode & (w->tx ? NM_OPT_SYNC_KLOOP_DIRECT_TX
				       : NM_OPT_SYNC_KLOOP_DIRECT_RX)))
			continue;
		l->direct_queues |= BIT_ULL(w->queue);
		WRITE_ONCE(w->direct, true); /* kicks may come already */
	}
	return krequest_claim(rq, NETMAP_REQ_OPT_SYNC_KLOOP_MODE, err);
}

static int set_sleep(struct kloop *l, const struct krequest *rq)
{
	const u32 us = rq->body.kloop.sleep_us;

	if (us > SLEEP_MAX_US)
		return krefuse(-EINVAL, "a sleep of %u us is longer than 1 s",
			       us);
	if (!all_have_io(l))
		l->sleep_us = us ?: 1;
	return 0;
}

static int loop(struct krequest *rq)
{
	struct kfile *f = rq->file;
	struct kloop *l = new_loop(f->port, f->tx, f->rx);
	int err;

	if (!l)
		return -ENOMEM;
	l->stop = &f->loop.stop;
	l->task = current;
	l->mm = current->mm;
	for (u32 i = 0; i < l->n; i++)
		hook(&l->rings[i], true);
	err = set_eventfds(l, rq);
	if (!err)
		err = set_mode(l, rq);
	if (!err)
		err = set_sleep(l, rq);
	if (!err) {
		mutex_lock(&f->lock);
		f->loop.loop = l;
		mutex_unlock(&f->lock);
		disarm_all(l); /* it looks by itself from now on */
		err = run(l);
		mutex_lock(&f->lock);
		f->loop.loop = NULL;
		mutex_unlock(&f->lock);
	}
	fini_rings(l);
	kfree(l);
	return err;
}

/* Starting and stopping */

void kloop_init(struct kloop_state *s)
{
	init_waitqueue_head(&s->wait);
}

int kloop_start(struct krequest *rq)
{
	struct kfile *f = rq->file;
	struct kloop_state *s = &f->loop;
	bool busy;
	int err = 0;

	if (!smp_load_acquire(&f->csb))
		return krefuse(-EINVAL, "a sync loop needs CSB mode");
	mutex_lock(&f->lock);
	busy = s->running;
	s->running = true;
	mutex_unlock(&f->lock);
	if (busy)
		return krefuse(-EBUSY, "%s has a sync loop already",
			       f->port->name);
	err = loop(rq);
	mutex_lock(&f->lock);
	s->running = false;
	s->stop = false;
	s->ended++;
	mutex_unlock(&f->lock);
	wake_up_all(&s->wait);
	return err;
}

int kloop_stop(struct krequest *rq)
{
	struct kfile *f = rq->file;
	struct kloop_state *s = &f->loop;
	u32 ended;
	bool running;

	mutex_lock(&f->lock);
	ended = s->ended;
	running = s->running;
	WRITE_ONCE(s->stop, true);
	if (s->loop)
		kloop_kick(s->loop);
	mutex_unlock(&f->lock);
	if (!running)
		return 0;
	return wait_event_interruptible(s->wait, READ_ONCE(s->ended) != ended);
}

/* Threads of ours */

struct kloop *kloop_new(struct kport *p, bool (*due)(const void *home),
			const void *home)
{
	struct kloop *l = new_loop(p, GENMASK_ULL(p->tx_rings - 1, 0),
				   GENMASK_ULL(p->rx_rings - 1, 0));

	if (!l)
		return NULL;
	l->due = due;
	l->home = home;
	return l;
}

int kloop_watch(struct kloop *l, u32 vector, struct file *io,
		struct eventfd_ctx *irq)
{
	const struct kring *r = kport_ring(l->port, vector);
	struct watched *w = &l->rings[r - l->port->ring];

	w->irq = irq;
	hook(w, true);
	return watch_file(w, io);
}

bool kloop_turn(struct kloop *l)
{
	return sync_all(l);
}

void kloop_sleep(struct kloop *l, unsigned long jiffies_max)
{
	l->jiffies_max = jiffies_max;
	wait_for_kick(l);
}

void kloop_free(struct kloop *l)
{
	if (!l)
		return;
	fini_rings(l);
	kfree(l);
}
