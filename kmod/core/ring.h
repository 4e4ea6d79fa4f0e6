/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The inside of ports and rings, shared by the core's own files only.
 *
 * Everything here is private memory. What lies in shared memory is read by
 * ptn_load() into a local, checked, and used from there; the host's own
 * indices (hwcur, hwtail, lease) are never read back.
 */
#ifndef PTN_RING_H
#define PTN_RING_H

#include "port.h"
#include "region.h"

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "slots and addresses are read as little-endian words"
#endif

struct ptn_region;
struct ptn_device_ops;
struct ptn_link_ops;
struct ptn_nif;

/* Flags of a slot that mean something from a program. */
#define PTN_TX_FLAGS (NS_MOREFRAG | NS_NO_LEARN | NS_INDIRECT)

/*
 * Transmit: [hwcur, head) waits to be sent. Receive: [head, hwtail) is the
 * program's, [hwtail, lease) is being filled by senders, the rest is free.
 */
struct ptn_ring {
	/* set at open, constant until close, but for addresses in the region:
	 * what they point to may be shown at others, ptn_region_reach() */
	struct ptn_port *port;
	struct netmap_ring *shared;
	struct netmap_slot *slot;
	struct nm_csb_atok *atok;
	struct nm_csb_ktoa *ktoa;
	char *bufs; /* buffer 0 */
	u32 num_slots;
	u32 buf_size;
	u32 buf_count; /* of the region, as many as are there */
	u32 number; /* ring object in the region */
	u32 vector;
	u32 *buf; /* by slot: the buffer that the host's books put there */
	u32 shown; /* the tail that the ring's header shows, for header.c */
	bool in_header; /* ... and that is all the program knows */
	u32 taken; /* receive: slots that a device has, for device.c */
	/* written under lock, while nothing is leased and nobody syncs */
	struct ptn_offsets offset;

	/* transmit: the syncing thread's; receive: under lock */
	ptn_spin_t lock __attribute__((aligned(64)));
	u32 hwcur;
	u32 hwtail;
	u32 head; /* receive: what the program has given back */
	u32 lease; /* receive */
	u32 held; /* receive: by so many, who want no slot to be filled */
	u32 seen; /* transmit: the head up to which nothing can be done */
	u32 unshown; /* transmit: slots done that the program was not told */
	u32 quiet; /* transmit: looks since then that found nothing new */
	u32 gate; /* transmit: frames from here on stay; num_slots: none */
	u32 kicked; /* appl_need_kick that was answered last */
	u64 last_src; /* transmit: the address learned last ... */
	u32 last_epoch; /* ... and when that still holds */
	u32 last_tick;
	bool skipping; /* transmit: inside a chain that was dropped */
	bool has_offsets; /* offset is not all zero */
	u64 count[PTN_C_MAX + 1];
} __attribute__((aligned(64)));

/* What a port is connected to. All are called by the port's sync thread. */
struct ptn_link_ops {
	u32 (*tx)(struct ptn_port *p, u32 queue, struct ptn_work *w);
	u32 (*rx)(struct ptn_port *p, u32 queue, struct ptn_work *w);
	/* Ask for kicks; true when nothing can be done now. */
	bool (*arm)(struct ptn_port *p, u32 queue);
	void (*disarm)(struct ptn_port *p, u32 queue);
	/* Show senders how far the queue is. */
	void (*settle)(struct ptn_port *p, u32 queue);
	/* Frames of a device that is the port's program. */
	void (*inject)(struct ptn_port *p, u32 queue, struct ptn_work *w);
	/* Frames may be brought to the port, or not any more. */
	void (*up)(struct ptn_port *p);
	void (*down)(struct ptn_port *p);
};

enum ptn_port_phase {
	PTN_PORT_CLOSED,
	PTN_PORT_READY,
	PTN_PORT_RUNNING,
};

struct ptn_port {
	const struct ptn_link_ops *link; /* NULL: not connected */
	void *peer; /* the switch or pipe, or the device's home */
	const struct ptn_device_ops *device; /* back to back with it */
	u32 index; /* on the switch, or the pipe's end */
	u32 queues; /* of transmit rings, without host queues */
	u32 rx_queues; /* of receive rings, without host queues */
	u32 tx_rings; /* with host queues, which come last */
	u32 rx_rings;
	u32 running; /* read by senders of other threads */
	u32 hdr_len;
	u32 slots;
	u32 rx_slots;
	u32 host_queues;
	u32 extra_bufs;
	enum ptn_port_phase phase;
	const struct ptn_port_ops *ops;
	void *home;
	struct ptn_region *region;
	struct ptn_nif *nif; /* of all rings */
	struct ptn_ring *tx; /* [tx_rings], then rx [rx_rings] */
	struct ptn_ring *rx;
	u32 *books; /* memory of the rings' buf arrays */
	char name[PTN_NAME_MAX];
};

static inline u32 ptn_port_rings(const struct ptn_port *p)
{
	return p->tx_rings + p->rx_rings;
}

/** ptn_port_ring - by its vector; NULL: no such ring */
static inline struct ptn_ring *ptn_port_ring(const struct ptn_port *p,
					     u32 vector)
{
	const bool is_rx = !(vector & 1);
	const u32 queue = (vector - 1) / 2;

	if (!p->tx || vector == PTN_VECTOR_CONTROL ||
	    queue >= (is_rx ? p->rx_rings : p->tx_rings))
		return NULL;
	return is_rx ? &p->rx[queue] : &p->tx[queue];
}

static inline bool ptn_ring_is_rx(const struct ptn_ring *r)
{
	return !(r->vector & 1);
}

static inline u32 ptn_ring_next(const struct ptn_ring *r, u32 i)
{
	return i + 1 == r->num_slots ? 0 : i + 1;
}

static inline u32 ptn_ring_prev(const struct ptn_ring *r, u32 i)
{
	return i ? i - 1 : r->num_slots - 1;
}

/* Slots from @from up to, not with, @to. */
static inline u32 ptn_ring_span(const struct ptn_ring *r, u32 from, u32 to)
{
	return to >= from ? to - from : to + r->num_slots - from;
}

static inline u32 ptn_ring_add(const struct ptn_ring *r, u32 i, u32 n)
{
	i += n;
	return i >= r->num_slots ? i - r->num_slots : i;
}

static inline char *ptn_ring_buf(const struct ptn_ring *r, u32 idx)
{
	return ptn_load(r->bufs) + (size_t)idx * r->buf_size;
}

/* What one slot can hold: its len has 16 bits. */
static inline u32 ptn_ring_capacity(const struct ptn_ring *r)
{
	return r->buf_size < 65536 ? r->buf_size : 65535;
}

static inline bool ptn_buf_valid(const struct ptn_ring *r, u32 idx)
{
	return idx - NM_BUF_RESERVED < ptn_load(r->buf_count) - NM_BUF_RESERVED;
}

/* Where a slot says that its frame begins: anything, until it is checked. */
static inline u64 ptn_slot_offset(const struct ptn_ring *r,
				  const struct netmap_slot *s)
{
	return ptn_load(s->ptr) & r->offset.mask;
}

/* Eight bytes from anywhere. Not memcpy(), which is a call in some kernels. */
struct ptn_unaligned {
	u64 word;
} __attribute__((packed, may_alias));

static inline u64 ptn_word(const void *at)
{
	return ((const struct ptn_unaligned *)at)->word;
}

/* The first eight bytes of a slot, read and written in one piece. */
static inline u64 ptn_slot_read(const struct netmap_slot *s)
{
	return ptn_load(*(const u64 *)(const void *)s);
}

static inline void ptn_slot_write(struct netmap_slot *s, u32 idx, u32 len,
				  u32 flags)
{
	ptn_store(*(u64 *)(void *)s,
		  (u64)idx | (u64)len << 32 | (u64)flags << 48);
}

static inline u32 ptn_slot_idx(u64 word)
{
	return (u32)word;
}

static inline u32 ptn_slot_len(u64 word)
{
	return (u32)(word >> 32) & 0xffff;
}

static inline u32 ptn_slot_flags(u64 word)
{
	return (u32)(word >> 48);
}

/* csb.c: the program's indices in, the host's out */

/**
 * ptn_csb_tx_head - the program's head of a transmit ring, checked
 *
 * The window is [hwcur, hwtail]; returns false after counting a fault. Frames
 * behind the ring's gate are not told.
 */
bool ptn_csb_tx_head(struct ptn_ring *r, u32 *head);

/** ptn_csb_tx_gated - whether there are frames behind the gate */
bool ptn_csb_tx_gated(const struct ptn_ring *r);

/**
 * ptn_csb_rx_refresh - take back what the program gave back, under the lock
 */
void ptn_csb_rx_refresh(struct ptn_ring *r);

/** ptn_csb_rx_publish - show what a receive ring got, under its lock */
void ptn_csb_rx_publish(struct ptn_ring *r);

/**
 * ptn_csb_tx_done - @n more slots of a transmit ring are the program's again
 *
 * Shown at once when the program waits for them, else a quarter of a ring at
 * a time: each showing takes the line from the program's cache. The rest is
 * shown by ptn_csb_tx_settle().
 */
void ptn_csb_tx_done(struct ptn_ring *r, u32 n);

/** ptn_csb_show - the host's indices, all of them, under the ring's lock */
void ptn_csb_show(struct ptn_ring *r);

/** ptn_csb_tx_idle - nothing new came: show all after a while; true: notify */
bool ptn_csb_tx_idle(struct ptn_ring *r);

/** ptn_csb_tx_settle - show all now; true: notify */
bool ptn_csb_tx_settle(struct ptn_ring *r);

/** ptn_csb_settle - the same of a queue that nobody else syncs, and notify */
void ptn_csb_settle(struct ptn_port *p, u32 queue);

/**
 * ptn_csb_must_notify - the program sleeps and has something beyond its cur
 *
 * After the index was published and a full barrier. Two threads may both be
 * told so for one sleep: a wake-up too many, never one too few.
 */
bool ptn_csb_must_notify(struct ptn_ring *r);

/** ptn_csb_want_kicks - set or clear kern_need_kick */
void ptn_csb_want_kicks(struct ptn_ring *r, bool want);

/** ptn_csb_exchange - from now on by this pair, which is written first */
void ptn_csb_exchange(struct ptn_ring *r, struct nm_csb_atok *atok,
		      struct nm_csb_ktoa *ktoa);

/** ptn_ring_notify - tell the program, outside all locks */
static inline void ptn_ring_notify(struct ptn_ring *r)
{
	r->port->ops->notify(r->port->home, r->vector);
}

/** ptn_ring_fault - count that a ring's shared part is corrupt */
void ptn_ring_fault(struct ptn_ring *r);

/**
 * ptn_ring_abuse - what was sent cannot be meant; a drop, counted there
 *
 * What a device brought into a receive ring is not the program's doing.
 */
static inline void ptn_ring_abuse(const struct ptn_ring *r)
{
	const struct ptn_port *p = r->port;

	if (p->ops->abuse && !ptn_ring_is_rx(r))
		p->ops->abuse(p->home);
}

/* region.c: objects and books */

/* Where a buffer is, by the host's books. */
enum {
	PTN_HOME_FREE = 0,
	PTN_HOME_SLOT_BITS = 13,
};

/* Homes of the slots of ring @number; slot numbers stay below 4096, and
 * PTN_HOME_EXTRA is "slot" of the extra buffers of interface object @number. */
#define PTN_HOME(number, slot)                                                 \
	((((u32)(number) + 1) << PTN_HOME_SLOT_BITS) | (slot))
#define PTN_HOME_EXTRA 0x1000
#define PTN_HOME_LISTED 0x1001 /* the same, while a list is looked through */
#define PTN_HOME_NUMBER(home) (((home) >> PTN_HOME_SLOT_BITS) - 1)
#define PTN_HOME_SLOT(home) ((home) & ((1u << PTN_HOME_SLOT_BITS) - 1))

/* An interface object with @extra buffers, whose home it is: both or none. */
int ptn_region_if_get(struct ptn_region *r, u32 extra, u32 *number);
/* With the extra buffers, by the books. */
void ptn_region_if_put(struct ptn_region *r, u32 number);
int ptn_region_ring_get(struct ptn_region *r, u32 *number);
void ptn_region_ring_put(struct ptn_region *r, u32 number);
/* From now on other rings may trade buffers with it; NULL: not any more, once
 * a grace period has passed. */
void ptn_region_ring_publish(struct ptn_region *r, u32 number,
			     struct ptn_ring *user);
int ptn_region_buf_get(struct ptn_region *r, u32 home, u32 *idx);
void ptn_region_buf_put(struct ptn_region *r, u32 idx);
void *ptn_region_object(const struct ptn_region *r, unsigned pool, u32 number);
/* Buffers that are there: no other number may be taken from a slot. */
u32 ptn_region_bufs(const struct ptn_region *r);
u32 *ptn_region_homes(struct ptn_region *r);
/* Numbers of rings and buffers that are or were in use are below these. */
u32 ptn_region_rings(const struct ptn_region *r);
u32 ptn_region_bufs_used(const struct ptn_region *r);
struct ptn_ring *ptn_region_ring_user(const struct ptn_region *r, u32 number);
/* The extra list of interface @number written anew into the buffers; its head.
 */
u32 ptn_region_extra_chain(struct ptn_region *r, u32 number);
/* Held while a buffer leaves an extra list or joins one; taken last. */
ptn_spin_t *ptn_region_extra_lock(struct ptn_region *r);

/* ring.c: a ring's objects and its initial state */

/** ptn_ring_init - ring @i of the port, transmit rings first; no objects yet */
void ptn_ring_init(struct ptn_ring *r, struct ptn_port *p, u32 i);

/** ptn_ring_take - a ring object and its buffers. 0, -ENOMEM: put it back. */
int ptn_ring_take(struct ptn_ring *r);

/** ptn_ring_put - undo ptn_ring_take(), however far it came */
void ptn_ring_put(struct ptn_ring *r);

/** ptn_ring_reset - indices, slots and header as they are at open */
void ptn_ring_reset(struct ptn_ring *r);

/** ptn_ring_drop - count what is pending as lost; the slots are free again */
void ptn_ring_drop(struct ptn_ring *r);

/* offset.c */

/** ptn_offset_set - see ptn_port_set_offsets() */
void ptn_offset_set(struct ptn_ring *r, const struct ptn_offsets *o);

/** ptn_offset_write - let a slot say where its frame begins */
void ptn_offset_write(const struct ptn_ring *r, struct netmap_slot *s, u64 ofs);

/** ptn_offset_to_fill - where a slot of a receive ring wants its frame */
u64 ptn_offset_to_fill(struct ptn_ring *r, const struct netmap_slot *s);

/**
 * ptn_offset_pass - a frame goes with its buffer to a slot of another ring
 * @data: the buffer
 * @len: what the sender's slot says; returned in the bounds of the buffer
 *
 * Slot @to says then where the frame begins. Where its ring knows no such
 * offset the frame is moved.
 */
u32 ptn_offset_pass(const struct ptn_ring *from, const struct netmap_slot *f,
		    const struct ptn_ring *to, struct netmap_slot *t,
		    char *data, u32 len);

/** ptn_offset_take_back - what a slot got in exchange says the word @ptr */
void ptn_offset_take_back(const struct ptn_ring *r, struct netmap_slot *s,
			  u64 ptr);

/* nif.c */

/** ptn_nif_follow - let the books follow where its extra buffers are */
void ptn_nif_follow(struct ptn_nif *n);

/** ptn_nif_reset - the interface object as it is at open */
void ptn_nif_reset(struct ptn_nif *n);

#endif
