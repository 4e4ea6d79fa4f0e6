// SPDX-License-Identifier: BSD-2-Clause
/*
 * Opening and closing a port by its socket: the attachment, the memory, and
 * the commands RESET and START of region.h. ring.c and wait.c do the rest of
 * this transport. Called by ptnet.c.
 */
#include "port.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "deadline.h"

enum { OPEN_TIMEOUT_MS = 2000, ERRNO_MAX = 4095 };

static void drain(int fd)
{
	uint64_t count;
	ssize_t n = read(fd, &count, sizeof(count));

	(void)n;
}

/* Sleep until the host rings the control vector or hangs up. */
static int control_wait(const struct attach *a, int64_t deadline)
{
	struct pollfd pfd[] = {
		{.fd = a->own[PTN_VECTOR_CONTROL], .events = POLLIN},
		{.fd = a->sock, .events = POLLIN | POLLRDHUP},
	};
	int n = poll(pfd, 2, deadline_left(deadline));

	if (n < 0)
		return -errno;
	if (!n)
		return -ETIMEDOUT;
	if (pfd[0].revents)
		drain(pfd[0].fd);
	return pfd[1].revents ? attach_alive(a) : 0;
}

/* Give the host a command and wait for its answer. */
static int command(struct ptnet_port *p, enum ptn_region_command cmd,
		   int64_t deadline)
{
	const struct ptn_config *live = p->memory.live;
	struct ptn_control *control = p->memory.control;
	uint32_t seq = port_load(live->ack_seq) + 1;
	int32_t status;
	int err;

	for (unsigned i = 0; i < 4; i++)
		port_store(control->arg[i], 0);
	port_store(control->cmd, cmd);
	port_store_release(control->seq, seq);
	port_kick(p->attach.host[PTN_VECTOR_CONTROL]);
	while (port_load_acquire(live->ack_seq) != seq) {
		err = control_wait(&p->attach, deadline);
		if (err)
			return err;
	}
	status = port_load(live->ack_status);
	return status > 0 || status < -ERRNO_MAX ? -EPROTO : status;
}

/*
 * Whether the host issues the barrier between our head and its need_kick when
 * it goes to sleep (PTN_REGION_HEAVY_SLEEP): for that this process registers.
 */
static bool can_be_light(const struct ptn_config *c)
{
	return c->features & PTN_REGION_HEAVY_SLEEP &&
	       !syscall(SYS_membarrier,
			MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED, 0, 0);
}

/* Take over a ring in the state that RESET has put it in. */
static int ring_open(struct ptnet_port *p, unsigned dir, unsigned queue)
{
	struct port_ring *r = &p->ring[dir][queue];
	unsigned csb = dir == DIR_TX ? queue : p->queues[DIR_TX] + queue;
	struct netmap_ring *ring = memory_ring(&p->memory, dir, queue);

	if (!ring)
		return -EPROTO;
	*r = (struct port_ring){
		.ring = ring,
		.atok = &p->memory.atok[csb],
		.ktoa = &p->memory.ktoa[csb],
		.slots = dir == DIR_TX ? p->memory.config.tx_slots
				       : p->memory.config.rx_slots,
		.ask = 1,
		.light = p->light,
		.doorbell =
			p->attach.host[dir == DIR_TX ? PTN_VECTOR_TX(queue)
						     : PTN_VECTOR_RX(queue)],
	};
	r->tail = port_load_acquire(r->ktoa->hwtail);
	r->head = r->cur = port_load(r->ktoa->hwcur);
	if (r->tail >= r->slots || r->head >= r->slots)
		return -EPROTO;
	port_store(r->atok->appl_need_kick, 0);
	port_store(r->atok->sync_flags, 0);
	port_store(r->atok->cur, r->cur);
	port_store_release(r->atok->head, r->head);
	ring->head = ring->cur = r->head;
	ring->tail = r->tail;
	return 0;
}

static int rings_open(struct ptnet_port *p)
{
	int err = 0;

	for (unsigned dir = 0; dir < DIRS && !err; dir++) {
		for (unsigned i = 0; i < p->queues[dir] && !err; i++)
			err = ring_open(p, dir, i);
		if (!err)
			err = bell_open(p, dir);
	}
	return err;
}

static int open_port(struct ptnet_port *p, const char *path, int64_t deadline)
{
	int err = attach_open(&p->attach, path, deadline);

	if (!err)
		err = memory_open(&p->memory, p->attach.mem, p->attach.id);
	if (!err)
		err = attach_vectors(&p->attach, p->memory.config.vectors,
				     deadline);
	if (err)
		return err;
	p->queues[DIR_TX] = p->memory.config.tx_rings;
	p->queues[DIR_RX] = p->memory.config.rx_rings;
	p->light = can_be_light(&p->memory.config);
	err = command(p, PTN_REGION_RESET, deadline);
	if (!err)
		err = rings_open(p);
	return err ? err : command(p, PTN_REGION_START, deadline);
}

int port_open_socket(struct ptnet_port *p, const char *path, int timeout_ms)
{
	p->ops = &socket_ops;
	for (unsigned dir = 0; dir < DIRS; dir++)
		p->bell[dir].epoll = -1;
	p->attach = (struct attach){.sock = -1, .mem = -1};
	return open_port(p, path, deadline_in(timeout_ms ?: OPEN_TIMEOUT_MS));
}

static void close_port(struct ptnet_port *p)
{
	bell_close(&p->bell[DIR_TX]);
	bell_close(&p->bell[DIR_RX]);
	attach_close(&p->attach);
}

static bool flushed(struct ptnet_port *p, unsigned queue)
{
	const struct port_ring *r = &p->ring[DIR_TX][queue];

	return port_load_acquire(r->ktoa->hwcur) == r->head;
}

static int sync_ring(struct ptnet_port *p, unsigned dir, unsigned queue)
{
	return ring_sync(p, &p->ring[dir][queue]);
}

const struct port_ops socket_ops = {
	.close = close_port,
	.sync = sync_ring,
	.wait = wait_ready,
	.arm = wait_arm,
	.fd = wait_fd,
	.flushed = flushed,
};
