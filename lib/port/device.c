// SPDX-License-Identifier: BSD-2-Clause
/*
 * Ports by /dev/netmap. A sync is an ioctl, a wait is poll(), and head, cur
 * and tail travel in the ring headers. A sync goes to all rings of a
 * descriptor, so each queue has one of its own, and different threads may use
 * different queues; only modes that are none of single queues (host rings,
 * monitors) have one for all. Called by ptnet.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "deadline.h"
#include "name.h"
#include "port.h"

enum { POOL_BUF = 2 };

/* Opening */

static int device_open(struct ptnet_port *p)
{
	int fd = open("/dev/netmap", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT || errno == ENXIO ? -ENODEV : -errno;
	p->device[p->devices++] = fd;
	return fd;
}

static int request(int fd, struct nmreq_header *h, uint16_t type, void *body)
{
	h->nr_reqtype = type;
	h->nr_body = (uintptr_t)body;
	return ioctl(fd, NIOCCTRL, h) ? -errno : 0;
}

static int bind_rings(struct ptnet_port *p, struct nmreq_header *h,
		      struct nmreq_register *body)
{
	int fd = device_open(p);
	int err = fd < 0 ? fd : request(fd, h, NETMAP_REQ_REGISTER, body);

	/* -ENODEV is kept for the device */
	if (fd >= 0 && (err == -ENODEV || err == -ENOENT))
		return -ENXIO;
	return err;
}

static bool is_monitor(const struct nmreq_register *body)
{
	return body->nr_flags & (NR_MONITOR_TX | NR_MONITOR_RX);
}

/* Where things are, in the terms of memory.c. */
static int map_memory(struct ptnet_port *p, struct nmreq_header *h,
		      const struct nmreq_register *body)
{
	struct memory *m = &p->memory;
	struct nmreq_pools_info pools = {.nr_memsize = 0};
	struct stat st;
	void *base;
	int err = request(p->device[0], h, NETMAP_REQ_POOLS_INFO_GET, &pools);

	if (err)
		return err;
	if (fstat(p->device[0], &st))
		return -errno;
	m->device = st.st_rdev;
	m->inode = body->nr_mem_id;
	m->config.mem_size = body->nr_memsize;
	m->config.nifp_ofs = body->nr_offset;
	m->config.tx_rings = body->nr_tx_rings;
	m->config.rx_rings = body->nr_rx_rings;
	m->config.pool[POOL_BUF] = (struct ptn_pool_info){
		.offset = pools.nr_buf_pool_offset,
		.count = pools.nr_buf_pool_objtotal,
		.size = pools.nr_buf_pool_objsize,
	};
	if (!memory_fits(m))
		return -EPROTO;
	base = mmap(NULL, body->nr_memsize, PROT_READ | PROT_WRITE, MAP_SHARED,
		    p->device[0], 0);
	if (base == MAP_FAILED)
		return errno > 0 ? -errno : -ENOMEM; /* never 0 */
	m->base = base;
	m->bytes = body->nr_memsize;
	return 0;
}

static int learn(struct port_ring *r)
{
	uint32_t head = port_load(r->ring->head), cur = port_load(r->ring->cur);
	uint32_t tail = port_load_acquire(r->ring->tail);

	if (head >= r->slots || cur >= r->slots || tail >= r->slots)
		return -EPROTO;
	r->head = head;
	r->cur = cur;
	r->tail = tail;
	return 0;
}

static int take_ring(struct ptnet_port *p, unsigned dir, struct netmap_ring *at)
{
	struct port_ring *r = &p->ring[dir][p->queues[dir]];

	if (!at)
		return -EPROTO;
	if (p->queues[dir] == PORT_QUEUES_MAX)
		return -E2BIG;
	p->queues[dir]++;
	r->ring = at;
	r->slots = at->num_slots;
	return learn(r);
}

/* The rings of one direction that the interface object of a descriptor shows */
static int take_rings(struct ptnet_port *p, unsigned dir)
{
	const struct netmap_if *nifp = memory_if(&p->memory);
	uint32_t rings = dir == DIR_TX
				 ? nifp->ni_tx_rings + nifp->ni_host_tx_rings
				 : nifp->ni_rx_rings + nifp->ni_host_rx_rings;
	int err = 0;

	if (rings > PORT_QUEUES_MAX)
		return -E2BIG;
	for (unsigned i = 0; i < rings && !err; i++)
		if (memory_has_ring(&p->memory, dir, i))
			err = take_ring(p, dir,
					memory_ring(&p->memory, dir, i));
	return err;
}

/* All that is in the registered range of @body; its netmap_if is the one. */
static int take_all(struct ptnet_port *p, const struct nmreq_register *body)
{
	int err = 0;

	p->memory.config.nifp_ofs = body->nr_offset;
	if (!memory_fits(&p->memory))
		return -EPROTO;
	/* what a monitor would send goes nowhere */
	if (!is_monitor(body))
		err = take_rings(p, DIR_TX);
	return err ? err : take_rings(p, DIR_RX);
}

/* The other queues, each with a descriptor; @first is queue 0's answer. */
static int bind_others(struct ptnet_port *p, struct nmreq_header *h,
		       const struct nmreq_register *first)
{
	unsigned queues = first->nr_tx_rings > first->nr_rx_rings
				  ? first->nr_tx_rings
				  : first->nr_rx_rings;
	int err = queues > PORT_QUEUES_MAX ? -E2BIG : 0;

	for (unsigned i = 1; i < queues && !err; i++) {
		struct nmreq_register body = {
			.nr_mode = NR_REG_ONE_NIC,
			.nr_ringid = (uint16_t)i,
			.nr_flags = first->nr_flags,
		};

		err = bind_rings(p, h, &body);
		if (!err && (body.nr_mem_id != first->nr_mem_id ||
			     body.nr_memsize != first->nr_memsize))
			err = -EPROTO;
		if (!err)
			err = take_all(p, &body);
	}
	p->memory.config.nifp_ofs = first->nr_offset;
	return err;
}

static int open_queues(struct ptnet_port *p, struct nmreq_header *h,
		       struct nmreq_register *first)
{
	bool single = first->nr_mode == NR_REG_ALL_NIC && !is_monitor(first);
	int err;

	/* a poll for frames sends none that another thread still writes */
	first->nr_flags |= NR_NO_TX_POLL;
	if (single)
		first->nr_mode = NR_REG_ONE_NIC;
	err = bind_rings(p, h, first);
	if (!err)
		err = map_memory(p, h, first);
	if (!err)
		err = take_all(p, first);
	if (!err && single)
		err = bind_others(p, h, first);
	return err;
}

/* The address of the network device of this name, if there is one. */
static void find_mac(const char *name, uint8_t mac[6])
{
	struct ifreq req = {.ifr_name = ""};
	size_t length = strlen(name);
	int fd;

	name_mac(name, mac);
	if (length >= sizeof(req.ifr_name))
		return;
	memcpy(req.ifr_name, name, length);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	if (!ioctl(fd, SIOCGIFHWADDR, &req) &&
	    req.ifr_hwaddr.sa_family == ARPHRD_ETHER)
		memcpy(mac, req.ifr_hwaddr.sa_data, 6);
	close(fd);
}

int port_open_device(struct ptnet_port *p, const char *name,
		     const struct ptnet_options *options)
{
	struct nmreq_register body;
	struct nmreq_header h;
	int err;

	p->ops = &device_ops;
	err = name_request(name, options, &h, &body);
	if (!err)
		err = open_queues(p, &h, &body);
	if (err)
		return err;
	memcpy(p->memory.config.name, h.nr_name, sizeof(h.nr_name));
	find_mac(h.nr_name, p->memory.config.mac);
	return 0;
}

static void device_close(struct ptnet_port *p)
{
	while (p->devices)
		close(p->device[--p->devices]);
}

/* Syncing */

/* The rings that a descriptor has are [*from, *to) of this direction. */
static void rings_of(const struct ptnet_port *p, unsigned dir, unsigned device,
		     unsigned *from, unsigned *to)
{
	const unsigned n = p->queues[dir];

	*from = p->devices == 1 ? 0 : device;
	*to = p->devices == 1 ? n : device + 1;
	if (*to > n)
		*from = *to = n;
}

/* What an error of the device means in ptnet.h's terms. */
static int meaning(struct ptnet_port *p, int error)
{
	if (error != ENXIO)
		return -error;
	port_store(p->gone, true);
	return -ECONNRESET;
}

/* The kernel would put a ring that is wrong into its first state. */
static bool rings_right(const struct ptnet_port *p, unsigned dir,
			unsigned device)
{
	unsigned i, to;

	for (rings_of(p, dir, device, &i, &to); i < to; i++) {
		const struct port_ring *r = &p->ring[dir][i];

		if (!port_may_move(r, port_load(r->ring->head),
				   port_load(r->ring->cur)))
			return false;
	}
	return true;
}

static int learn_all(struct ptnet_port *p, unsigned dir, unsigned device)
{
	unsigned i, to;
	int err = 0;

	for (rings_of(p, dir, device, &i, &to); i < to && !err; i++)
		err = learn(&p->ring[dir][i]);
	return err;
}

static int device_sync(struct ptnet_port *p, unsigned dir, unsigned device)
{
	int err = 0, wrong;

	if (port_load(p->gone))
		return -ECONNRESET;
	if (!rings_right(p, dir, device))
		return -EINVAL;
	if (ioctl(p->device[device], dir == DIR_TX ? NIOCTXSYNC : NIOCRXSYNC))
		err = meaning(p, errno);
	wrong = learn_all(p, dir, device);
	return err ? err : wrong;
}

static int sync_ring(struct ptnet_port *p, unsigned dir, unsigned queue)
{
	const struct port_ring *r = &p->ring[dir][queue];
	int err = device_sync(p, dir, p->devices == 1 ? 0 : queue);

	return err ? err : (int)port_distance(r->head, r->tail, r->slots);
}

static bool flushed(struct ptnet_port *p, unsigned queue)
{
	const struct port_ring *r = &p->ring[DIR_TX][queue];

	return port_distance(r->head, r->tail, r->slots) + 1 == r->slots;
}

/* Waiting */

static short events(const struct ptnet_port *p, int what, unsigned device)
{
	unsigned from, to;
	short e = 0;

	for (unsigned dir = 0; dir < DIRS; dir++) {
		rings_of(p, dir, device, &from, &to);
		if (port_asked(what, dir) && from < to)
			e |= dir == DIR_TX ? POLLOUT : POLLIN;
	}
	return e;
}

/*
 * poll() syncs the rings that are at their end. One that is not is ready, and
 * what its program has done with it is told by a sync.
 */
static bool must_sync(const struct ptnet_port *p, unsigned dir, unsigned device)
{
	unsigned i, to;

	for (rings_of(p, dir, device, &i, &to); i < to; i++) {
		const struct port_ring *r = &p->ring[dir][i];

		if (port_load(r->ring->head) != r->head &&
		    port_load(r->ring->cur) != r->tail)
			return true;
	}
	return false;
}

static int before_poll(struct ptnet_port *p, int what)
{
	int err = port_load(p->gone) ? -ECONNRESET : 0;

	for (unsigned dir = 0; dir < DIRS; dir++) {
		if (!port_asked(what, dir))
			continue;
		for (unsigned i = 0; i < p->devices && !err; i++) {
			if (!rings_right(p, dir, i))
				return -EINVAL;
			if (must_sync(p, dir, i))
				err = device_sync(p, dir, i);
		}
	}
	return err;
}

/* Why poll() says that a descriptor has an error: a sync tells. */
static int fault(struct ptnet_port *p, unsigned device)
{
	for (unsigned dir = 0; dir < DIRS; dir++) {
		unsigned from, to;
		int err;

		rings_of(p, dir, device, &from, &to);
		err = from < to ? device_sync(p, dir, device) : 0;
		if (err)
			return err;
	}
	return -EIO;
}

/* What is ready now in the directions asked for, or -errno. */
static int look(struct ptnet_port *p, int what)
{
	int ready = 0, err = 0;

	for (unsigned dir = 0; dir < DIRS; dir++) {
		if (!port_asked(what, dir))
			continue;
		for (unsigned i = 0; i < p->queues[dir] && !err; i++) {
			struct port_ring *r = &p->ring[dir][i];

			err = learn(r);
			if (r->cur != r->tail)
				ready |= dir == DIR_TX ? PTNET_TX : PTNET_RX;
		}
	}
	return err ? err : ready;
}

static int poll_once(struct ptnet_port *p, int what, int timeout_ms)
{
	struct pollfd pfd[PORT_QUEUES_MAX];
	int err = before_poll(p, what);

	if (err)
		return err;
	for (unsigned i = 0; i < p->devices; i++)
		pfd[i] = (struct pollfd){.fd = p->device[i],
					 .events = events(p, what, i)};
	if (poll(pfd, p->devices, timeout_ms) < 0)
		return -errno;
	for (unsigned i = 0; i < p->devices; i++)
		if (pfd[i].revents & (POLLERR | POLLHUP | POLLNVAL))
			return fault(p, i);
	return look(p, what);
}

static int device_wait(struct ptnet_port *p, int what, int timeout_ms)
{
	int64_t deadline = deadline_in(timeout_ms);
	int ready;

	do {
		ready = poll_once(p, what, deadline_left(deadline));
	} while (!ready && deadline_left(deadline));
	return ready;
}

/* The descriptor that programs poll tells of @what only. */
static int listen_for(struct ptnet_port *p, int what, int op)
{
	for (unsigned i = 0; i < p->devices; i++) {
		const short e = events(p, what, i);
		struct epoll_event ee = {
			.events = (e & POLLIN ? EPOLLIN : 0) |
				  (e & POLLOUT ? EPOLLOUT : 0),
		};

		if (epoll_ctl(p->both, op, p->device[i], &ee))
			return -errno;
	}
	return 0;
}

static int device_fd(struct ptnet_port *p)
{
	int err;

	if (p->both >= 0)
		return p->both;
	p->both = epoll_create1(EPOLL_CLOEXEC);
	if (p->both < 0)
		return -errno;
	err = listen_for(p, p->armed, EPOLL_CTL_ADD);
	if (!err)
		return p->both;
	close(p->both);
	p->both = -1;
	return err;
}

static int device_arm(struct ptnet_port *p, int what)
{
	int ready = device_wait(p, what, 0);

	if (ready)
		return ready;
	if (p->both >= 0 && p->armed != what)
		ready = listen_for(p, what, EPOLL_CTL_MOD);
	p->armed = what;
	return ready;
}

const struct port_ops device_ops = {
	.close = device_close,
	.sync = sync_ring,
	.wait = device_wait,
	.arm = device_arm,
	.fd = device_fd,
	.flushed = flushed,
};
