/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port as the files of libptnet see it; nobody else includes this. How a
 * port is reached is the transport's: a socket of ptnet-engine (socket.c,
 * ring.c, wait.c) or /dev/netmap (device.c).
 */
#ifndef PTNET_PORT_PORT_H
#define PTNET_PORT_PORT_H

#include "attach.h"
#include "memory.h"
#include "ptnet.h"

enum {
	DIR_TX,
	DIR_RX,
	DIRS,
	PORT_QUEUES_MAX = 2 * PTN_RINGS_MAX, /* with those of the host stack */
};

/* A ring; used by one thread. */
struct port_ring {
	struct netmap_ring *ring;
	struct nm_csb_atok *atok;
	const struct nm_csb_ktoa *ktoa;
	uint32_t slots;
	/* what the host was told, and what it said, last */
	uint32_t head, cur, tail;
	uint32_t idle; /* syncs in a row that found nothing new */
	uint32_t ask; /* the last appl_need_kick that was not 0 */
	bool light; /* the host's sleep is a barrier here, too */
	int doorbell;
} __attribute__((aligned(64)));

/* Waiting in one direction; used by one thread. */
struct port_bell {
	int epoll; /* the rings' eventfds, control, the socket */
	bool armed;
};

/* What a transport does. All return as the functions of ptnet.h do. */
struct port_ops {
	void (*close)(struct ptnet_port *p);
	int (*sync)(struct ptnet_port *p, unsigned dir, unsigned queue);
	int (*wait)(struct ptnet_port *p, int what, int timeout_ms);
	int (*arm)(struct ptnet_port *p, int what);
	int (*fd)(struct ptnet_port *p);
	/* whether the host has taken all of a transmit ring that was synced */
	bool (*flushed)(struct ptnet_port *p, unsigned queue);
};

extern const struct port_ops socket_ops, device_ops;

struct ptnet_port {
	const struct port_ops *ops;
	bool gone; /* the attachment has ended: atomic */
	unsigned queues[DIRS];
	struct port_ring ring[DIRS][PORT_QUEUES_MAX];
	struct memory memory;
	int both; /* an epoll of all that is waited for; made when asked for */
	/* by a socket */
	bool light; /* for all rings */
	struct port_bell bell[DIRS];
	struct attach attach;
	/* by /dev/netmap: a descriptor a queue, or one for all */
	int device[PORT_QUEUES_MAX];
	unsigned devices;
	int armed; /* what the epoll tells of */
};

#define port_load(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define port_load_acquire(x) __atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define port_store(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)
#define port_store_release(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELEASE)

/* Full. Not the __atomic one, which the thread sanitizer refuses. */
#define port_mb() __sync_synchronize()

/* Order for the compiler; the CPU's comes from the host's membarrier(). */
#define port_order() __atomic_signal_fence(__ATOMIC_SEQ_CST)

static inline bool port_asked(int what, unsigned dir)
{
	return what & (dir == DIR_TX ? PTNET_TX : PTNET_RX);
}

static inline uint32_t port_distance(uint32_t from, uint32_t to, uint32_t slots)
{
	return to >= from ? to - from : to + slots - from;
}

/* Whether a program may go to @head and @cur from where the ring is. */
static inline bool port_may_move(const struct port_ring *r, uint32_t head,
				 uint32_t cur)
{
	uint32_t ahead;

	if (head >= r->slots || cur >= r->slots)
		return false;
	ahead = port_distance(r->head, cur, r->slots);
	return port_distance(r->head, head, r->slots) <= ahead &&
	       ahead <= port_distance(r->head, r->tail, r->slots);
}

/** port_open_socket - attach by a socket; ops->close() is due in any case */
int port_open_socket(struct ptnet_port *p, const char *path, int timeout_ms);

/** port_open_device - attach by /dev/netmap; ops->close() is due in any case */
int port_open_device(struct ptnet_port *p, const char *name,
		     const struct ptnet_options *options);

/** port_kick - wake the host by an eventfd */
void port_kick(int fd);

/** port_check - 0, or why the port does not work any more */
int port_check(struct ptnet_port *p);

/** ring_sync - tell and learn; slots in [head, tail), or -errno */
int ring_sync(struct ptnet_port *p, struct port_ring *r);

/** bell_open, bell_close - the epoll descriptor of one direction */
int bell_open(struct ptnet_port *p, unsigned dir);
void bell_close(struct port_bell *b);

/** wait_ready, wait_arm, wait_fd - ptnet_wait() and its like, by a socket */
int wait_ready(struct ptnet_port *p, int what, int timeout_ms);
int wait_arm(struct ptnet_port *p, int what);
int wait_fd(struct ptnet_port *p);

#endif
