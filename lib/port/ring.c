// SPDX-License-Identifier: BSD-2-Clause
/*
 * The fast path by a socket: a ring's indices to the host by the CSB, and the
 * host's back into the ring header. A system call only to wake a host that
 * sleeps. The host's indices are checked, so that a program that trusts the
 * ring header stays within the ring.
 */
#include "port.h"

#include <errno.h>
#include <unistd.h>

enum {
	/* Fruitless syncs after which a program that polls looks for life. */
	IDLE_CHECK = 16384,
};

void port_kick(int fd)
{
	uint64_t one = 1;
	/* When the counter is full the host has been woken already. */
	ssize_t n = write(fd, &one, sizeof(one));

	(void)n;
}

/* The host reads head, then cur: cur is never older than its head. */
static int publish(struct port_ring *r, uint32_t head, uint32_t cur)
{
	if (!port_may_move(r, head, cur))
		return -EINVAL;
	port_store(r->atok->cur, cur);
	port_store_release(r->atok->head, head);
	r->head = head;
	r->cur = cur;
	if (r->light)
		port_order();
	else
		port_mb();
	if (port_load(r->ktoa->kern_need_kick))
		port_kick(r->doorbell);
	return 0;
}

static int idle(struct ptnet_port *p, struct port_ring *r)
{
	if (++r->idle % IDLE_CHECK)
		return 0;
	return port_check(p);
}

int ring_sync(struct ptnet_port *p, struct port_ring *r)
{
	uint32_t head = r->ring->head, cur = r->ring->cur, tail;
	int err = 0;

	if (port_load(p->gone))
		return -ECONNRESET;
	if (head != r->head || cur != r->cur)
		err = publish(r, head, cur);
	if (err)
		return err;
	tail = port_load_acquire(r->ktoa->hwtail);
	if (tail >= r->slots)
		return -EPROTO;
	if (tail == r->tail)
		err = idle(p, r);
	else
		r->idle = 0;
	r->tail = tail;
	r->ring->tail = tail;
	return err ? err : (int)port_distance(head, tail, r->slots);
}
