// SPDX-License-Identifier: BSD-2-Clause
/*
 * Sleeping until the host has moved a ring. Each direction has an epoll
 * descriptor of its own, so that a thread that receives and one that sends do
 * not take each other's wake-ups. The eventfds are edge-triggered there: none
 * is ever read, which saves a system call at each wake-up.
 *
 * No wake-up is lost: appl_need_kick is set, then a full barrier, then the
 * rings are looked at once more; the host publishes, full barrier, looks at
 * appl_need_kick. A kick that comes too late makes one sleep too short.
 */
#include "port.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "deadline.h"

enum {
	KIND_BELL, /* edge-triggered: that it is reported is all */
	KIND_SOCKET,
	EVENTS_MAX = PTN_RINGS_MAX + 2,
};

static int add(int epoll, int fd, uint32_t events, uint32_t kind)
{
	struct epoll_event e = {.events = events, .data.u32 = kind};

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e) ? -errno : 0;
}

int bell_open(struct ptnet_port *p, unsigned dir)
{
	struct port_bell *b = &p->bell[dir];
	const int *own = p->attach.own;
	int err;

	b->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (b->epoll < 0)
		return -errno;
	err = add(b->epoll, p->attach.sock, EPOLLIN | EPOLLRDHUP, KIND_SOCKET);
	if (!err)
		err = add(b->epoll, own[PTN_VECTOR_CONTROL], EPOLLIN | EPOLLET,
			  KIND_BELL);
	for (unsigned i = 0; i < p->queues[dir] && !err; i++)
		err = add(b->epoll,
			  own[dir == DIR_TX ? PTN_VECTOR_TX(i)
					    : PTN_VECTOR_RX(i)],
			  EPOLLIN | EPOLLET, KIND_BELL);
	return err;
}

void bell_close(struct port_bell *b)
{
	if (b->epoll >= 0)
		close(b->epoll);
	b->epoll = -1;
}

int port_check(struct ptnet_port *p)
{
	uint32_t state = port_load(p->memory.live->state);

	if (state == PTN_STATE_FAULTED)
		return -EIO;
	if (state == PTN_STATE_GONE || attach_alive(&p->attach)) {
		port_store(p->gone, true);
		return -ECONNRESET;
	}
	return 0;
}

/* Sync the rings of the directions asked for: what is ready, or -errno. */
static int look(struct ptnet_port *p, int what)
{
	int ready = 0;

	for (unsigned dir = 0; dir < DIRS; dir++) {
		if (!port_asked(what, dir))
			continue;
		for (unsigned i = 0; i < p->queues[dir]; i++) {
			struct port_ring *r = &p->ring[dir][i];
			int n = ring_sync(p, r);

			if (n < 0)
				return n;
			if (r->cur != r->tail)
				ready |= dir == DIR_TX ? PTNET_TX : PTNET_RX;
		}
	}
	return ready;
}

/* 0: no kicks. 1 would be a kick at every occasion; the others are for one. */
static void ask(struct port_ring *r)
{
	if (++r->ask < 2)
		r->ask = 2;
	port_store(r->atok->appl_need_kick, r->ask);
}

static void arm(struct ptnet_port *p, int what)
{
	for (unsigned dir = 0; dir < DIRS; dir++) {
		if (!port_asked(what, dir))
			continue;
		for (unsigned i = 0; i < p->queues[dir]; i++)
			ask(&p->ring[dir][i]);
		p->bell[dir].armed = true;
	}
	port_mb();
}

static void disarm(struct ptnet_port *p, int what)
{
	for (unsigned dir = 0; dir < DIRS; dir++) {
		if (!port_asked(what, dir) || !p->bell[dir].armed)
			continue;
		for (unsigned i = 0; i < p->queues[dir]; i++)
			port_store(p->ring[dir][i].atok->appl_need_kick, 0);
		p->bell[dir].armed = false;
	}
}

/* Sleep on one direction, and take what was signalled. */
static int sleep_on(struct ptnet_port *p, unsigned dir, int timeout_ms)
{
	struct epoll_event e[EVENTS_MAX];
	int n = epoll_wait(p->bell[dir].epoll, e, EVENTS_MAX, timeout_ms);

	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++)
		if (e[i].data.u32 == KIND_SOCKET)
			return port_check(p);
	return 0;
}

static int sleep_on_both(struct ptnet_port *p, int timeout_ms)
{
	struct epoll_event e[DIRS];
	int err = 0, fd = wait_fd(p);

	if (fd < 0)
		return fd;
	if (epoll_wait(fd, e, DIRS, timeout_ms) < 0)
		return -errno;
	for (unsigned dir = 0; dir < DIRS && !err; dir++)
		err = sleep_on(p, dir, 0);
	return err;
}

static int sleep_for(struct ptnet_port *p, int what, int timeout_ms)
{
	if (what == (PTNET_RX | PTNET_TX))
		return sleep_on_both(p, timeout_ms);
	return sleep_on(p, what == PTNET_TX ? DIR_TX : DIR_RX, timeout_ms);
}

int wait_arm(struct ptnet_port *p, int what)
{
	int ready = look(p, what);

	if (ready)
		return ready;
	ready = port_check(p);
	if (ready)
		return ready;
	arm(p, what);
	ready = look(p, what);
	if (ready)
		disarm(p, what);
	return ready;
}

/*
 * Without sleeping; after a program's own poll loop has slept. What has made
 * its descriptor readable may belong to the other direction.
 */
static int only_look(struct ptnet_port *p, int what)
{
	int err = 0;

	if (p->bell[DIR_TX].armed || p->bell[DIR_RX].armed)
		err = p->both >= 0 ? sleep_on_both(p, 0)
				   : sleep_for(p, what, 0);
	disarm(p, what);
	return err ? err : look(p, what);
}

int wait_ready(struct ptnet_port *p, int what, int timeout_ms)
{
	int64_t deadline;
	int ready, err;

	if (!timeout_ms)
		return only_look(p, what);
	ready = look(p, what);
	if (ready)
		return ready;
	deadline = deadline_in(timeout_ms);
	do {
		ready = wait_arm(p, what);
		if (ready)
			return ready;
		err = sleep_for(p, what, deadline_left(deadline));
		disarm(p, what);
		if (err)
			return err;
		ready = look(p, what);
	} while (!ready && deadline_left(deadline));
	return ready;
}

int wait_fd(struct ptnet_port *p)
{
	int err = 0;

	if (p->both >= 0)
		return p->both;
	p->both = epoll_create1(EPOLL_CLOEXEC);
	if (p->both < 0)
		return -errno;
	for (unsigned dir = 0; dir < DIRS && !err; dir++)
		err = add(p->both, p->bell[dir].epoll, EPOLLIN, dir);
	if (!err)
		return p->both;
	close(p->both);
	p->both = -1;
	return err;
}
