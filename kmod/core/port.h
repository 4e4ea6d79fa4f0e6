/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Ports: rings of both directions that a program, a VM or a device works on,
 * and what they are connected to (a switch, a pipe, or nothing yet).
 *
 *	new --open(region)--> ready --start--> running
 *	 ^                     |  ^--stop---------'
 *	 '-------close---------'
 *
 * Control calls (everything but the sync group) come from one thread at a
 * time. Sync calls for one queue come from one thread at a time, and from
 * none once ptn_port_stop() has returned: the home takes the port from its
 * workers first. Frames arrive in the port's receive rings from any thread;
 * stop waits for these (it sleeps).
 */
#ifndef PTN_PORT_H
#define PTN_PORT_H

#include "ptn_os.h"

#include <ptnet/control.h>
#include <ptnet/netmap.h>
#include <ptnet/region.h>

#include "offset.h"

struct ptn_port;
struct ptn_region;
struct ptn_work;

struct ptn_port_params {
	const char *name; /* copied, under PTN_NAME_MAX */
	u32 queues; /* 1 to PTN_RINGS_MAX rings of each direction */
	u32 slots; /* PTN_SLOTS_MIN to PTN_SLOTS_MAX in each ring */
	u32 extra_bufs;
	u32 rx_queues; /* 0: as many as transmit queues */
	u32 rx_slots; /* 0: as many as in transmit rings */
	/* More rings of each direction, after the others, that a device joins
	 * to the host's stack; 0 to PTN_RINGS_MAX. */
	u32 host_queues;
	u32 hdr_len; /* of the virtio-net header before each frame: 0, 10, 12 */
};

/* What a port asks of its home; called on the data path, must not sleep. */
struct ptn_port_ops {
	/* Tell the program that the ring of this vector has moved. */
	void (*notify)(void *home, u32 vector);
	/*
	 * Look at this queue again soon: another port made room or brought
	 * frames that this queue's own sync must move.
	 */
	void (*wake)(void *home, u32 queue);
	/* A ring's shared part is corrupt; @total times on this ring so far. */
	void (*fault)(void *home, u32 vector, u64 total);
	/*
	 * What the program sends cannot be meant: headers that contradict
	 * their frame, frames without an end. Each is counted as a drop; NULL
	 * where that is all.
	 */
	void (*abuse)(void *home);
};

/**
 * ptn_port_new - a port that is not open yet
 * @home: passed to @ops
 *
 * Returns 0, -EINVAL for parameters out of range, -ENOMEM.
 */
int ptn_port_new(struct ptn_port **out, const struct ptn_port_params *params,
		 const struct ptn_port_ops *ops, void *home);

/** ptn_port_free - a port that is closed and detached. Takes NULL. */
void ptn_port_free(struct ptn_port *p);

/**
 * ptn_port_open - take rings and buffers of a region, and an interface object
 *	that shows all of them (nif.h has those that show some)
 * @atok, @ktoa: CSB arrays of one entry a ring, transmit rings first, in
 *	shared memory or in the home's own (header.h)
 *
 * Returns 0, -EBUSY when open, -ENOMEM when a pool of the region is used up;
 * nothing has changed then.
 */
int ptn_port_open(struct ptn_port *p, struct ptn_region *r,
		  struct nm_csb_atok *atok, struct nm_csb_ktoa *ktoa);

/**
 * ptn_port_set_csb - let one ring's indices travel through other memory
 *
 * The new pair is initialised from the ring's own indices. The ring must not
 * be syncing, and frames may arrive meanwhile. May sleep: when it returns
 * nobody uses the old pair any more.
 */
void ptn_port_set_csb(struct ptn_port *p, u32 vector, struct nm_csb_atok *atok,
		      struct nm_csb_ktoa *ktoa);

/**
 * ptn_port_set_offsets - where the frames of a ring begin in their buffers
 * @o: checked by ptn_offsets_possible(); all zero: at the buffers' beginning
 *
 * Slots that hold no frame get the initial offset; frames that the ring holds
 * already begin at their buffers' beginning afterwards. The ring must not be
 * syncing; what arrives meanwhile may be dropped and counted. May sleep.
 */
void ptn_port_set_offsets(struct ptn_port *p, u32 vector,
			  const struct ptn_offsets *o);

/** ptn_port_offsets - as they were set; NULL: no such ring */
const struct ptn_offsets *ptn_port_offsets(const struct ptn_port *p,
					   u32 vector);

/** ptn_port_set_hdr_len - of the virtio-net header, from now on. 0, -EINVAL. */
int ptn_port_set_hdr_len(struct ptn_port *p, u32 hdr_len);

/** ptn_port_close - stop, and give everything back to the region */
void ptn_port_close(struct ptn_port *p);

/** ptn_port_nifp_ofs - offset of the netmap_if in the region's memory */
size_t ptn_port_nifp_ofs(const struct ptn_port *p);

/**
 * ptn_port_reset - put rings, slots and CSB of a stopped port into their
 * initial state; every slot has a buffer of the port's own
 */
void ptn_port_reset(struct ptn_port *p);

/** ptn_port_start - let frames flow. 0, or -ENXIO when not open. */
int ptn_port_start(struct ptn_port *p);

/** ptn_port_stop - let none flow; when it returns nothing touches the rings */
void ptn_port_stop(struct ptn_port *p);

bool ptn_port_running(const struct ptn_port *p);

/* The sync group. */

enum {
	/* Slots one ptn_port_sync() call moves at most in each direction. */
	PTN_BATCH = 256,
};

/**
 * ptn_work_new - scratch memory for a thread that syncs
 *
 * Returns NULL without memory; ptn_work_free() takes NULL.
 */
struct ptn_work *ptn_work_new(void);
void ptn_work_free(struct ptn_work *w);

/**
 * ptn_work_limit - move at most so many slots at once on a switch, from 1 to
 *	PTN_BATCH, which it is at first
 *
 * A frame of more slots is moved nevertheless.
 */
void ptn_work_limit(struct ptn_work *w, u32 slots);

/**
 * ptn_port_sync - move what can be moved now on a queue, CSB mode
 *
 * Looks at the program's indices once, moves at most PTN_BATCH slots,
 * publishes and notifies. Inside ptn_rcu_read_lock(). Returns slots moved.
 */
u32 ptn_port_sync(struct ptn_port *p, u32 queue, struct ptn_work *w);

/**
 * ptn_port_sync_tx, ptn_port_sync_rx - one direction of that
 *
 * For homes whose programs sync by calling. Transmit moves at most PTN_BATCH
 * slots; call it again until it moves none. Receive takes back what the
 * program gave back, and on a pipe moves what waits at the other end.
 */
u32 ptn_port_sync_tx(struct ptn_port *p, u32 queue, struct ptn_work *w);
u32 ptn_port_sync_rx(struct ptn_port *p, u32 queue, struct ptn_work *w);

/**
 * ptn_port_release - notify whom syncs of this queue with w->hold set did not
 *
 * Inside the same ptn_rcu_read_lock(). Clears w->hold.
 */
void ptn_port_release(struct ptn_port *p, u32 queue, struct ptn_work *w);

/**
 * ptn_port_arm - ask the program for kicks on a queue before sleeping
 *
 * Sets kern_need_kick, full barrier, looks again. Returns true when there is
 * nothing to do; else kicks are off again and the caller must sync.
 */
bool ptn_port_arm(struct ptn_port *p, u32 queue);

/**
 * ptn_port_settle - before a sleep from which no kick wakes: whoever waits for
 *	his frames to be gone is told how far they are
 */
void ptn_port_settle(struct ptn_port *p, u32 queue);

/** ptn_port_disarm - the queue is looked at without kicks from now on */
void ptn_port_disarm(struct ptn_port *p, u32 queue);

/** ptn_port_heard - count a doorbell of this queue */
void ptn_port_heard(struct ptn_port *p, u32 queue);

/** ptn_port_counters - sums over the rings, by enum ptn_counter */
void ptn_port_counters(const struct ptn_port *p, u64 out[PTN_C_MAX + 1]);

const char *ptn_port_name(const struct ptn_port *p);

#endif
