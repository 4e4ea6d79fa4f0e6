// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
/*
 * A program that sleeps in poll() stands in the ring's wait queue before its
 * ring is synced. So each sync sees whether somebody waits, and asks the core
 * for notifications just then, before it looks for the last time:
 *
 *	poll	enter the queue; want = 1;  full barrier; look; sleep
 *	others	publish;  full barrier;  if want and the queue has somebody:
 *wake
 */
#include "ksync.h"

#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/timekeeping.h>
#include <linux/uaccess.h>

#include "core/device.h"
#include "core/header.h"
#include "core/pipe.h"
#include "core/work.h"
#include "kmem.h"
#include "kmonitor.h"
#include "knic.h"
#include "kport.h"
#include "kswitch.h"

/* Slots for which the CPU is not given to others. */
static const u32 SOME_MAX = 4 * PTN_BATCH;

/* Times that a sync looks again for room in a pipe. */
enum { ROOM_TURNS = 16 };

static struct nm_csb_atok *pair_of(const struct kport *p, const struct kring *r)
{
	return &p->atok[r - p->ring];
}

/* Its indices are those of the header, not of a program's own CSB. */
static void arm(struct kport *p, struct kring *r, u32 vector)
{
	/* the barrier is the one of ptn_header_sleep() */
	const bool waits = waitqueue_active(&r->wait);

	if (waits || READ_ONCE(pair_of(p, r)->appl_need_kick))
		ptn_header_sleep(p->core, vector, waits);
}

static int begin(struct kport *p, struct kring *r, u32 vector)
{
	if (r->csb)
		return 0;
	arm(p, r, vector);
	return ptn_header_begin(p->core, vector);
}

/* What comes after the answer was found is shown as well, or notified. */
static int end(struct kport *p, struct kring *r, u32 vector)
{
	const bool ready = ptn_header_ready(p->core, vector);

	if (!r->csb)
		ptn_header_end(p->core, vector);
	return ready;
}

/*
 * NS_INDIRECT: payloads that lie in the program's memory. They are copied
 * under the ring's lock, for which others wait, and so only from what is in
 * memory: the rest is brought there without the lock, however long that takes,
 * before anything is sent. What is not to be had then is not there. Threads of
 * the kernel have no program's memory (but may have borrowed somebody's).
 */

enum { ABSENT_MAX = 16 };

struct absent {
	bool begun;
	u32 turns; /* that are left */
	u32 next; /* the slot after the last one that was here */
	u32 n;
	struct {
		const void __user *from;
		u32 len;
	} payload[ABSENT_MAX];
};

static void add_absent(struct absent *a, const void __user *from, u32 len,
		       u32 next)
{
	a->payload[a->n].from = from;
	a->payload[a->n].len = len;
	a->n++;
	a->next = next;
}

static void bring(const struct absent *a)
{
	for (u32 i = 0; i < a->n && !fatal_signal_pending(current); i++)
		fault_in_readable(a->payload[i].from, a->payload[i].len);
}

/*
 * Into the slot's own buffer; in rings with offsets its ptr, which was all the
 * payload's address, says then where it begins. Where that is not possible the
 * flag stays, and the core drops and counts the frame. False: it is absent.
 */
static bool fetch(const struct kmem *m, struct netmap_slot *slot, u16 flags,
		  const struct ptn_offsets *o, const void __user *from, u32 len)
{
	char *to = kmem_buffer(m, READ_ONCE(slot->buf_idx));

	if (!to || !current->mm ||
	    len > ptn_region_shape(m->region)->buf_size - o->initial)
		return true;
	if (copy_from_user_nofault(to + o->initial, from, len))
		return false;
	if (o->mask)
		WRITE_ONCE(slot->ptr, o->initial);
	WRITE_ONCE(slot->flags, flags & ~NS_INDIRECT);
	return true;
}

/* True: some are to be brought, and then it is to be tried again. */
static bool fetch_indirect(struct kport *p, u32 queue, struct absent *a)
{
	const struct ptn_offsets *o =
		ptn_port_offsets(p->core, PTN_VECTOR_TX(queue));
	struct netmap_ring *ring =
		ptn_header_ring(p->core, PTN_VECTOR_TX(queue));
	bool is_new = !a->begun;
	u32 at, end, next;

	/* a VM's thread has no program, but perhaps the last one's memory */
	if (p->kind == PTN_PORT_VM)
		return false;
	a->begun = true;
	a->n = 0;
	ptn_header_window(p->core, queue, &at, &end);
	for (; at != end; at = next) {
		struct netmap_slot *slot = &ring->slot[at];
		const u16 flags = READ_ONCE(slot->flags);
		const void __user *from;
		u32 len;

		next = at + 1 == p->params.slots ? 0 : at + 1;
		is_new |= at == a->next;
		if (likely(!(flags & NS_INDIRECT)))
			continue;
		from = u64_to_user_ptr(READ_ONCE(slot->ptr));
		len = READ_ONCE(slot->len);
		if (!fetch(p->mem, slot, flags, o, from, len) && is_new &&
		    a->n < ABSENT_MAX)
			add_absent(a, from, len, next);
	}
	return a->n && a->turns && a->turns--;
}

/* Transmit */

/*
 * Some batches, whose receivers are woken once where they have the room: it
 * costs as much as moving a hundred frames.
 */
static u32 send_some(struct kport *p, u32 queue, struct ptn_work *w, u32 max)
{
	u32 moved, all = 0;

	rcu_read_lock();
	do {
		w->hold = true;
		moved = ptn_port_sync_tx(p->core, queue, w);
		all += moved;
	} while (moved && all < max && ptn_header_pending(p->core, queue));
	ptn_port_release(p->core, queue, w);
	rcu_read_unlock();
	return all;
}

/*
 * A ring's worth at most: by its CSB a program may hand over more and more.
 * Others get the CPU in between.
 */
static void send(struct kport *p, u32 queue, struct ptn_work *w)
{
	const u32 slots = p->params.slots;
	u32 moved, all = 0;

	if (p->sw)
		kswitch_touch(p->sw);
	do {
		moved = send_some(p, queue, w, min(slots - all, SOME_MAX));
		all += moved;
		cond_resched();
	} while (moved && all < slots && ptn_header_pending(p->core, queue));
}

/*
 * A pipe is full: the program at its other end, whose loop may sleep, is asked
 * to say so when it makes room. False when there is room.
 */
static bool ask_for_room(struct kport *p, u32 queue)
{
	bool asked;

	if (!p->pipe || !ptn_header_pending(p->core, queue))
		return true;
	rcu_read_lock();
	asked = ptn_pipe_ask_for_room(p->core, queue);
	rcu_read_unlock();
	return asked;
}

/*
 * What came in between goes as well. Not without end: slots that change while
 * they are looked at may seem to fit again and again.
 */
static void send_what_has_room(struct kport *p, u32 queue, struct ptn_work *w)
{
	for (int i = 0; i < ROOM_TURNS && !ask_for_room(p, queue); i++)
		send(p, queue, w);
}

static void send_monitored(struct kport *p, u32 queue, struct kring *r)
{
	u32 from, to;

	ptn_header_window(p->core, queue, &from, &to);
	kmonitor_tx_begin(p, queue, from, to, r->work);
	send(p, queue, r->work);
	kmonitor_tx_end(p, queue, from, ptn_header_done(p->core, queue));
}

static int sync_tx(struct kport *p, u32 queue, struct kring *r,
		   struct absent *a)
{
	const u32 vector = PTN_VECTOR_TX(queue);
	int err;

	if (unlikely(p->gone))
		return -ENXIO;
	err = begin(p, r, vector);
	if (unlikely(err))
		return err;
	/* a CSB that is corrupt has nothing pending: the core is to see it */
	if (ptn_header_pending(p->core, queue) || r->csb) {
		if (unlikely(fetch_indirect(p, queue, a)))
			return -EAGAIN;
		if (kmonitor_any(r))
			send_monitored(p, queue, r);
		else
			send(p, queue, r->work);
		/* what was handed over by call does not grow meanwhile */
		if (!r->csb)
			send_what_has_room(p, queue, r->work);
	}
	return end(p, r, vector);
}

/* Whether cur differs from tail afterwards, or -errno. */
static int sync_tx_bringing(struct kport *p, u32 queue, struct kring *r)
{
	struct absent a = {.turns = p->params.slots / ABSENT_MAX + 1};
	int ready;

	for (;;) {
		mutex_lock(&r->lock);
		ready = sync_tx(p, queue, r, &a);
		mutex_unlock(&r->lock);
		if (likely(ready != -EAGAIN))
			return ready;
		bring(&a);
	}
}

int ksync_tx(struct kport *p, u32 queue)
{
	return min(sync_tx_bringing(p, queue, &p->ring[queue]), 0);
}

/* Whether the program put in something, or the link left something. */
static bool has_pending(const struct kport *p, u32 queue, const struct kring *r)
{
	const struct netmap_ring *shared =
		ptn_header_ring(p->core, PTN_VECTOR_TX(queue));

	return READ_ONCE(shared->head) != READ_ONCE(pair_of(p, r)->head) ||
	       ptn_header_pending(p->core, queue);
}

int ksync_poll_tx(struct kport *p, u32 queue, bool want)
{
	struct kring *r = &p->ring[queue];

	if (unlikely(p->monitor))
		return 0;
	if (!want) {
		bool pending;

		mutex_lock(&r->lock);
		pending = has_pending(p, queue, r);
		mutex_unlock(&r->lock);
		if (!pending)
			return 0;
	}
	return sync_tx_bringing(p, queue, r);
}

/* Receive */

static void stamp(struct netmap_ring *ring)
{
	struct timespec64 now;

	ktime_get_real_ts64(&now);
	WRITE_ONCE(ring->ts.tv_sec, now.tv_sec);
	WRITE_ONCE(ring->ts.tv_usec, now.tv_nsec / NSEC_PER_USEC);
}

/* NR_FORWARD: frames that the program has marked, before they are gone */
static void pass_on(struct kport *p, u32 queue, struct kring *r, u32 from,
		    u32 to)
{
	const u32 vector = PTN_VECTOR_RX(queue);

	while (ptn_device_marked(p->core, vector, &from, to, r->work))
		ptn_device_lost(p->core, vector, knic_pass(p, queue, r->work));
}

static int sync_rx(struct kport *p, u32 queue, struct kring *r)
{
	const u32 vector = PTN_VECTOR_RX(queue);
	struct netmap_ring *ring = ptn_header_ring(p->core, vector);
	const bool monitored = kmonitor_any(r);
	const bool passes = p->nic && READ_ONCE(ring->flags) & NR_FORWARD;
	u32 from, to, shown = 0;
	int ready;

	if (unlikely(p->gone))
		return -ENXIO;
	if (unlikely(monitored | passes) &&
	    ptn_header_peek(p->core, vector, &from, &to)) {
		if (passes)
			pass_on(p, queue, r, from, to);
		if (monitored)
			kmonitor_rx_begin(p, queue, from, to);
	}
	if (unlikely(monitored))
		shown = ptn_header_shown(p->core, vector);
	ready = begin(p, r, vector);
	if (unlikely(ready < 0))
		return ready;
	rcu_read_lock();
	ptn_port_sync_rx(p->core, queue, r->work);
	rcu_read_unlock();
	ready = end(p, r, vector);
	if (unlikely(monitored))
		kmonitor_rx_end(p, queue, shown,
				ptn_header_shown(p->core, vector), r->work);
	if (READ_ONCE(ring->flags) & NR_TIMESTAMP)
		stamp(ring);
	return ready;
}

int ksync_poll_rx(struct kport *p, u32 queue)
{
	struct kring *r = &p->ring[p->tx_rings + queue];
	int err = kmonitor_check(p);

	if (unlikely(err))
		return err;
	mutex_lock(&r->lock);
	err = sync_rx(p, queue, r);
	mutex_unlock(&r->lock);
	return err;
}

int ksync_rx(struct kport *p, u32 queue)
{
	return min(ksync_poll_rx(p, queue), 0);
}
