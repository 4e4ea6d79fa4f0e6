/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A port as the files of libptnet see it; nobody else includes this.
 */
#ifndef PTNET_PORT_PORT_H
#define PTNET_PORT_PORT_H

#include "attach.h"
#include "memory.h"
#include "ptnet.h"

enum { DIR_TX, DIR_RX, DIRS };

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

struct ptnet_port {
	bool gone; /* the attachment has ended: atomic */
	bool light; /* for all rings */
	unsigned queues;
	struct port_ring ring[DIRS][PTN_RINGS_MAX];
	struct port_bell bell[DIRS];
	int both; /* an epoll of the two epolls; made when first asked for */
	struct attach attach;
	struct memory memory;
};

#define port_load(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define port_load_acquire(x) __atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define port_store(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)
#define port_store_release(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELEASE)

/* Full. Not the __atomic one, which the thread sanitizer refuses. */
#define port_mb() __sync_synchronize()

/* Order for the compiler; the CPU's comes from the host's membarrier(). */
#define port_order() __atomic_signal_fence(__ATOMIC_SEQ_CST)

/** port_kick - wake the host by an eventfd */
void port_kick(int fd);

/** port_check - 0, or why the port does not work any more */
int port_check(struct ptnet_port *p);

/** ring_sync - tell and learn; slots in [head, tail), or -errno */
int ring_sync(struct ptnet_port *p, struct port_ring *r);

/** bell_open, bell_close - the epoll descriptor of one direction */
int bell_open(struct ptnet_port *p, unsigned dir);
void bell_close(struct port_bell *b);

#endif
