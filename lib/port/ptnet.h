/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libptnet: open a ptnet port from a host program or a container, and work
 * directly on its netmap rings. No copies, no daemon on the path.
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

struct ptnet_options {
	int timeout_ms; /* for attaching; 0: 2,000 */
};

/* What to wait for. */
enum {
	PTNET_RX = 1, /* a frame to read on any queue */
	PTNET_TX = 2, /* room to write on any queue */
};

/**
 * ptnet_open - attach to a port by its socket
 * @path: socket of the port
 * @options: NULL for defaults
 *
 * Returns 0 and a port that ptnet_close() frees; -EBUSY: another program is
 * attached; -EAGAIN: the last one did harm, try again in ten seconds; -ENOENT,
 * -ECONNREFUSED, -EACCES from the socket; -EPROTO: the other side does not
 * speak this protocol; -ECONNRESET: it hung up in the middle; -ETIMEDOUT;
 * -EINTR.
 */
int ptnet_open(struct ptnet_port **out, const char *path,
	       const struct ptnet_options *options);

/**
 * ptnet_close - detach. Takes NULL.
 *
 * Frames not yet read are lost, and so are frames that the host has not taken
 * yet: see ptnet_flush().
 */
void ptnet_close(struct ptnet_port *p);

/** ptnet_if - the netmap_if of the port */
struct netmap_if *ptnet_if(struct ptnet_port *p);

/** ptnet_name, ptnet_mac, ptnet_queues - what the host says of the port */
const char *ptnet_name(const struct ptnet_port *p);
const uint8_t *ptnet_mac(const struct ptnet_port *p);
unsigned ptnet_queues(const struct ptnet_port *p);

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

/** ptnet_tx_ring, ptnet_rx_ring - ring of a queue */
struct netmap_ring *ptnet_tx_ring(struct ptnet_port *p, unsigned queue);
struct netmap_ring *ptnet_rx_ring(struct ptnet_port *p, unsigned queue);

/**
 * ptnet_sync_tx - hand over [.., head) of a transmit ring, learn the new tail
 *
 * A system call only when the host sleeps. Returns the number of slots that
 * are free now, or -errno: -EINVAL when head or cur is not in [head, tail] of
 * the last sync, or not head <= cur.
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
 * the program did. One thread may wait for PTNET_RX while another waits for
 * PTNET_TX.
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
