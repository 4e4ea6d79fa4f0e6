/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libptnet: open a ptnet port from a host program or a container, and work
 * directly on its netmap rings. No copies, no daemon on the path. A port is
 * one of ptnet-engine, by its socket, or one of the kernel module, by
 * /dev/netmap; the functions are the same.
 *
 *	struct ptnet_port *p;
 *	int err = ptnet_open(&p, "/run/ptnet/ports/probe.sock", NULL);
 *	struct netmap_ring *tx = ptnet_tx_ring(p, 0);
 *	while (ptnet_wait(p, PTNET_TX, -1) > 0) {
 *		struct netmap_slot *s = &tx->slot[tx->head];
 *		memcpy(ptnet_buf(tx, s->buf_idx), frame, s->len = sizeof frame);
 *		tx->head = tx->cur = ptnet_next(tx, tx->head);
 *		ptnet_sync_tx(p, 0);
 *	}
 *
 * A port is used by one thread at a time, except that different queues may
 * be used by different threads (each queue, and each direction of it, by
 * one). All functions return 0 or a count, or a negative errno:
 * -ECONNRESET once the host side has ended the attachment.
 */
#ifndef PTNET_H
#define PTNET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <ptnet/netmap.h>

#ifdef __cplusplus
extern "C" {
#endif

struct ptnet_port;

/* Options of ports that /dev/netmap opens. */
enum {
	PTNET_EXCLUSIVE = 1 << 0, /* nobody else may open these rings */
	PTNET_HOST_RINGS = 1 << 1, /* the host stack's rings too, as the last */
	PTNET_HOST_RINGS_ONLY = 1 << 2,
	PTNET_MONITOR_TX = 1 << 3, /* copies of what others send through it */
	PTNET_MONITOR_RX = 1 << 4, /* copies of what it receives */
	PTNET_MONITOR_ZERO_COPY = 1 << 5, /* with one of the two */
	PTNET_VNET_HDR = 1 << 6, /* accept that frames have such headers */
};

/* All zeros are the defaults. */
struct ptnet_options {
	int timeout_ms; /* for attaching by a socket; 0: 2,000 */
	/* Only for /dev/netmap: */
	unsigned flags; /* PTNET_EXCLUSIVE ... */
	/* wanted of a port that is made by opening it; 0: what is usual */
	uint32_t tx_slots, rx_slots;
	uint32_t tx_rings, rx_rings;
	uint32_t memory_id; /* share the memory with this id */
	uint32_t extra_buffers; /* a list from ptnet_if()->ni_bufs_head on */
};

/* What to wait for. */
enum {
	PTNET_RX = 1, /* a frame to read on any queue */
	PTNET_TX = 2, /* room to write on any queue */
};

/**
 * ptnet_open - attach to a port
 * @name: the path of its socket; or netmap:NAME or valeSWITCH:PORT, which
 *	/dev/netmap opens
 * @options: NULL for defaults
 *
 * NAME is a network device, a port, or a pipe's end (PARENT{ID, PARENT}ID),
 * and may end as netmap's libraries know it: -K ring pair K; ^ host rings, ^K
 * host ring K; * all rings; @ID memory id; /LETTERS t, r and z for monitors,
 * x exclusive, T and R rings of one direction only.
 *
 * Returns 0 and a port that ptnet_close() frees; -EBUSY: another program is
 * attached; -EAGAIN: the last one did harm, try again in ten seconds; -ENOENT,
 * -ECONNREFUSED, -EACCES from the socket; -EPROTO: the other side does not
 * speak this protocol; -ECONNRESET: it hung up in the middle; -ETIMEDOUT;
 * -EINTR; -ENODEV: there is no /dev/netmap; -ENXIO: it knows no such port;
 * -EINVAL: a name or options that it does not take, or that contradict each
 * other; -EOPNOTSUPP: options that a socket cannot have; -EACCES, -ENOMEM.
 */
int ptnet_open(struct ptnet_port **out, const char *name,
	       const struct ptnet_options *options);

/** ptnet_is_netmap - whether @name is one that /dev/netmap opens */
bool ptnet_is_netmap(const char *name);

/**
 * ptnet_close - detach. Takes NULL.
 *
 * Frames not yet read are lost, and so are frames that the host has not taken
 * yet: see ptnet_flush().
 */
void ptnet_close(struct ptnet_port *p);

/**
 * ptnet_if - the netmap_if of the port
 *
 * Of /dev/netmap: of the first queue; use ptnet_tx_ring(), ptnet_rx_ring().
 */
struct netmap_if *ptnet_if(struct ptnet_port *p);

/**
 * ptnet_name, ptnet_mac - what the host says of the port
 *
 * Of /dev/netmap: the name without "netmap:" and suffix; the address of the
 * network device of that name, else a local one that is made from the name.
 */
const char *ptnet_name(const struct ptnet_port *p);
const uint8_t *ptnet_mac(const struct ptnet_port *p);

/** ptnet_queues - how many queues have rings of both directions */
unsigned ptnet_queues(const struct ptnet_port *p);

/** ptnet_tx_queues, ptnet_rx_queues - how many have one of this direction */
unsigned ptnet_tx_queues(const struct ptnet_port *p);
unsigned ptnet_rx_queues(const struct ptnet_port *p);

/**
 * ptnet_buffers - number of buffers; a slot's buf_idx is below
 *
 * ptnet_buf() does not check: a program that does not trust its host, or the
 * other programs of its domain, does.
 */
uint32_t ptnet_buffers(const struct ptnet_port *p);

/**
 * ptnet_same_memory - whether two ports are of one region
 *
 * Slots of such ports may exchange their buffers (buf_idx): frames move
 * without a copy.
 */
bool ptnet_same_memory(const struct ptnet_port *a, const struct ptnet_port *b);

/** ptnet_tx_ring, ptnet_rx_ring - ring of a queue; NULL: it has none */
struct netmap_ring *ptnet_tx_ring(struct ptnet_port *p, unsigned queue);
struct netmap_ring *ptnet_rx_ring(struct ptnet_port *p, unsigned queue);

/**
 * ptnet_sync_tx - hand over [.., head) of a transmit ring, learn the new tail
 *
 * A system call only when the host sleeps; /dev/netmap: always one. Returns
 * the number of slots that are free now, or -errno: -EINVAL when head or cur is
 * not in [head, tail] of the last sync, or not head <= cur.
 */
int ptnet_sync_tx(struct ptnet_port *p, unsigned queue);

/**
 * ptnet_sync_rx - give back [.., head) of a receive ring, learn the new tail
 *
 * Returns the number of slots to read now, or -errno.
 */
int ptnet_sync_rx(struct ptnet_port *p, unsigned queue);

/**
 * ptnet_wait - sleep until a ring is ready (its cur differs from tail)
 * @what: PTNET_RX, PTNET_TX or both
 * @timeout_ms: -1 for ever, 0 only looks
 *
 * Syncs all rings concerned first. Returns what is ready, 0 after the time,
 * -EINTR, or -errno: -EIO when the host has disabled the port because of what
 * the program did, or when what a monitor watches has gone. One thread may wait
 * for PTNET_RX while another waits for PTNET_TX.
 */
int ptnet_wait(struct ptnet_port *p, int what, int timeout_ms);

/**
 * ptnet_flush - wait until the host has taken every frame handed over
 *
 * Of all transmit rings. Returns 0, -ETIMEDOUT, -EINTR, or -errno.
 */
int ptnet_flush(struct ptnet_port *p, int timeout_ms);

/**
 * ptnet_fd - an epoll descriptor to put into a program's own poll loop
 *
 * Arm with ptnet_arm() before polling; when readable, call
 * ptnet_wait(p, what, 0), which may find nothing: arm and poll again then.
 * Owned by the port. A program that uses it does all its waiting in one
 * thread.
 */
int ptnet_fd(struct ptnet_port *p);

/**
 * ptnet_arm - ask the host for a wake-up before sleeping
 *
 * Returns what is ready already (then do not sleep), 0 when it is right to
 * sleep, or -errno.
 */
int ptnet_arm(struct ptnet_port *p, int what);

/** ptnet_next - the slot after @i */
static inline uint32_t ptnet_next(const struct netmap_ring *r, uint32_t i)
{
	return i + 1 == r->num_slots ? 0 : i + 1;
}

/** ptnet_space - slots that the program owns, [head, tail) */
static inline uint32_t ptnet_space(const struct netmap_ring *r)
{
	return r->tail >= r->head ? r->tail - r->head
				  : r->tail + r->num_slots - r->head;
}

/** ptnet_buf - where buffer @idx is */
static inline char *ptnet_buf(struct netmap_ring *r, uint32_t idx)
{
	return (char *)r + r->buf_ofs + (size_t)idx * r->nr_buf_size;
}

#ifdef __cplusplus
}
#endif

#endif
