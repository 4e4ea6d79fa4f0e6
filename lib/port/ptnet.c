// SPDX-License-Identifier: BSD-2-Clause
/*
 * What programs call (ptnet.h), whatever the transport: arguments are checked
 * here, and given to the transport's functions.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deadline.h"
#include "name.h"
#include "port.h"

static struct ptnet_port *port_new(void)
{
	struct ptnet_port *p =
		aligned_alloc(_Alignof(struct ptnet_port), sizeof(*p));

	if (p)
		*p = (struct ptnet_port){.both = -1};
	return p;
}

/* By a socket there is nothing to choose but how long. */
static bool only_time(const struct ptnet_options *o)
{
	struct ptnet_options plain = {.timeout_ms = o->timeout_ms};

	return !memcmp(o, &plain, sizeof(plain));
}

int ptnet_open(struct ptnet_port **out, const char *name,
	       const struct ptnet_options *options)
{
	struct ptnet_port *p;
	int err;

	*out = NULL;
	if (!name_is_netmap(name) && options && !only_time(options))
		return -EOPNOTSUPP;
	p = port_new();
	if (!p)
		return -ENOMEM;
	if (name_is_netmap(name))
		err = port_open_device(p, name, options);
	else
		err = port_open_socket(p, name,
				       options ? options->timeout_ms : 0);
	if (err)
		ptnet_close(p);
	else
		*out = p;
	return err;
}

void ptnet_close(struct ptnet_port *p)
{
	if (!p)
		return;
	if (p->both >= 0)
		close(p->both);
	memory_close(&p->memory);
	p->ops->close(p);
	free(p);
}

bool ptnet_is_netmap(const char *name)
{
	return name_is_netmap(name);
}

struct netmap_if *ptnet_if(struct ptnet_port *p)
{
	return memory_if(&p->memory);
}

const char *ptnet_name(const struct ptnet_port *p)
{
	return p->memory.config.name;
}

const uint8_t *ptnet_mac(const struct ptnet_port *p)
{
	return p->memory.config.mac;
}

unsigned ptnet_queues(const struct ptnet_port *p)
{
	return p->queues[DIR_TX] < p->queues[DIR_RX] ? p->queues[DIR_TX]
						     : p->queues[DIR_RX];
}

unsigned ptnet_tx_queues(const struct ptnet_port *p)
{
	return p->queues[DIR_TX];
}

unsigned ptnet_rx_queues(const struct ptnet_port *p)
{
	return p->queues[DIR_RX];
}

uint32_t ptnet_buffers(const struct ptnet_port *p)
{
	return p->memory.config.pool[2].count;
}

bool ptnet_same_memory(const struct ptnet_port *a, const struct ptnet_port *b)
{
	return memory_same(&a->memory, &b->memory);
}

static struct netmap_ring *ring(struct ptnet_port *p, unsigned dir,
				unsigned queue)
{
	return queue < p->queues[dir] ? p->ring[dir][queue].ring : NULL;
}

struct netmap_ring *ptnet_tx_ring(struct ptnet_port *p, unsigned queue)
{
	return ring(p, DIR_TX, queue);
}

struct netmap_ring *ptnet_rx_ring(struct ptnet_port *p, unsigned queue)
{
	return ring(p, DIR_RX, queue);
}

static int sync_queue(struct ptnet_port *p, unsigned dir, unsigned queue)
{
	return ring(p, dir, queue) ? p->ops->sync(p, dir, queue) : -EINVAL;
}

int ptnet_sync_tx(struct ptnet_port *p, unsigned queue)
{
	return sync_queue(p, DIR_TX, queue);
}

int ptnet_sync_rx(struct ptnet_port *p, unsigned queue)
{
	return sync_queue(p, DIR_RX, queue);
}

int ptnet_wait(struct ptnet_port *p, int what, int timeout_ms)
{
	what &= PTNET_RX | PTNET_TX;
	return what ? p->ops->wait(p, what, timeout_ms) : -EINVAL;
}

int ptnet_arm(struct ptnet_port *p, int what)
{
	return p->ops->arm(p, what & (PTNET_RX | PTNET_TX));
}

int ptnet_fd(struct ptnet_port *p)
{
	return p->ops->fd(p);
}

/* Any move of a tail is of interest now: put the wake-up points there. */
static int flush_step(struct ptnet_port *p, int timeout_ms)
{
	bool all = true;
	int n = 0;

	for (unsigned i = 0; i < p->queues[DIR_TX] && n >= 0; i++) {
		struct netmap_ring *r = ring(p, DIR_TX, i);

		if (!r)
			continue;
		n = p->ops->sync(p, DIR_TX, i);
		if (n < 0)
			return n;
		r->cur = r->tail;
		n = p->ops->sync(p, DIR_TX, i);
		all = all && p->ops->flushed(p, i);
	}
	if (n < 0 || all)
		return n < 0 ? n : 1;
	n = p->ops->wait(p, PTNET_TX, timeout_ms);
	return n < 0 ? n : 0;
}

int ptnet_flush(struct ptnet_port *p, int timeout_ms)
{
	int64_t deadline = deadline_in(timeout_ms);
	int done;

	do {
		done = flush_step(p, deadline_left(deadline));
	} while (!done && deadline_left(deadline));
	for (unsigned i = 0; i < p->queues[DIR_TX]; i++)
		if (ring(p, DIR_TX, i))
			ring(p, DIR_TX, i)->cur = p->ring[DIR_TX][i].head;
	if (done > 0)
		return 0;
	return done ? done : -ETIMEDOUT;
}
