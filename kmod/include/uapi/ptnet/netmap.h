/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The shared memory of a netmap port (NETMAP_API 14): interface, rings, slots.
 *
 * A region holds three pools in this order: interface objects, ring objects,
 * packet buffers. A program finds its interface object at an offset that it
 * was told, its rings by the offsets in there, and buffer i of a ring at
 * ring + buf_ofs + i * nr_buf_size. Buffers 0 and 1 are never given out.
 *
 * A program owns the slots [head, tail) of a ring; the other side owns the
 * rest and touches them only inside a sync.
 */
#ifndef PTNET_UAPI_NETMAP_H
#define PTNET_UAPI_NETMAP_H

#include <linux/types.h>

#define NETMAP_API 14

enum {
	NETMAP_MAX_FRAGS = 64, /* slots of one frame, at most */
	NM_BUF_RESERVED = 2, /* buffers 0 and 1 belong to nobody */
};

/* Flags of a slot. */
enum {
	NS_BUF_CHANGED = 0x0001, /* the program changed buf_idx */
	NS_REPORT = 0x0002, /* report when this slot was sent */
	NS_FORWARD = 0x0004, /* pass to the other side of the port */
	NS_NO_LEARN = 0x0008, /* do not learn this source address */
	NS_INDIRECT = 0x0010, /* the payload is at ptr */
	NS_MOREFRAG = 0x0020, /* the frame goes on in the next slot */
	NS_TXMON = 0x0040, /* a monitor saw it on transmit */
	NS_PORT_SHIFT = 8,
	NS_PORT_MASK = 0xff00,
};

/* Number of fragments of a received frame, from its first slot's flags. */
#define NS_RFRAGS(slot) (((slot)->flags & NS_PORT_MASK) >> NS_PORT_SHIFT)

/* Flags of a ring. */
enum {
	NR_TIMESTAMP = 0x0002,
	NR_FORWARD = 0x0004,
};

struct netmap_slot {
	__u32 buf_idx;
	__u16 len;
	__u16 flags;
	__u64 ptr;
};

struct netmap_timeval {
	__s64 tv_sec;
	__s64 tv_usec;
};

struct netmap_ring {
	__s64 buf_ofs; /* from this ring to buffer 0 */
	__u32 num_slots;
	__u32 nr_buf_size;
	__u16 ringid;
	__u16 dir; /* 0 transmit, 1 receive */
	__u32 head; /* first slot that the program owns */
	__u32 cur; /* wake up when tail passes this */
	__u32 tail; /* first slot that the other side owns */
	__u32 flags;
	__u32 pad0;
	struct netmap_timeval ts;
	__u64 offset_mask;
	__u64 buf_align;
	__u8 pad1[56];
	__u8 sem[128] __attribute__((aligned(128)));
	struct netmap_slot slot[];
};

enum { NI_PRIV_MEM = 1 };

struct netmap_if {
	char ni_name[16];
	__u32 ni_version;
	__u32 ni_flags;
	__u32 ni_tx_rings;
	__u32 ni_rx_rings;
	__u32 ni_bufs_head; /* list of extra buffers, 0 ends it */
	__u32 ni_host_tx_rings;
	__u32 ni_host_rx_rings;
	__u32 ni_spare1[3];
	/* from this object: NIC tx, host tx, NIC rx, host rx; 0: not bound */
	__s64 ring_ofs[];
};

/*
 * The communication status block: two arrays with an entry a ring, transmit
 * rings first. The program writes cur, then head; the host hwcur, then
 * hwtail; each side reads the other's pair in the opposite order.
 */
struct nm_csb_atok { /* application to kernel */
	__u32 head;
	__u32 cur;
	__u32 appl_need_kick;
	__u32 sync_flags;
	__u32 pad[12];
} __attribute__((aligned(64)));

struct nm_csb_ktoa { /* kernel to application */
	__u32 hwcur;
	__u32 hwtail;
	__u32 kern_need_kick;
	__u32 pad[13];
} __attribute__((aligned(64)));

#endif
