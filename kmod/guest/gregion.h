/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * The netmap memory of a port, and its CSB, wherever a transport found them.
 * What the host says of places and counts is copied once, checked against what
 * is mapped, and used from the copy. Knows no ring's state, no network device,
 * and no transport.
 */
#ifndef PTN_GREGION_H
#define PTN_GREGION_H

#include <linux/types.h>

#include <ptnet/netmap.h>
#include <ptnet/region.h>

enum gregion_direction { GREGION_TX, GREGION_RX };

struct gregion {
	char *mem; /* the netmap memory: offsets are from here */
	phys_addr_t phys; /* where it is for the processor */
	u64 bytes; /* of it, mapped */
	u64 nifp_ofs;
	u32 rings; /* of each direction */
	u32 tx_slots, rx_slots;
	struct ptn_pool_info ring_pool, buf_pool;
	struct nm_csb_atok *atok;
	const struct nm_csb_ktoa *ktoa;
};

/** gregion_part_possible - @len bytes at @ofs are aligned and below @limit */
bool gregion_part_possible(u64 ofs, u64 len, u64 align, u64 limit);

/** gregion_pools_possible - both lie in the memory, and can be what they say */
bool gregion_pools_possible(const struct gregion *r);

/** gregion_nifp_possible - so does the port's interface object */
bool gregion_nifp_possible(const struct gregion *r);

/**
 * gregion_ring - a ring of the port, checked; when the host has made it
 *
 * Returns NULL when it is not where, or not what it has to be.
 */
struct netmap_ring *gregion_ring(const struct gregion *r,
				 enum gregion_direction dir, u32 queue);

/** gregion_bufs - where buffer 0 is */
static inline char *gregion_bufs(const struct gregion *r)
{
	return r->mem + r->buf_pool.offset;
}

static inline u32 gregion_slots(const struct gregion *r,
				enum gregion_direction dir)
{
	return dir == GREGION_TX ? r->tx_slots : r->rx_slots;
}

/** gregion_csb - the number of a ring's entries in the CSB */
static inline u32 gregion_csb(const struct gregion *r,
			      enum gregion_direction dir, u32 queue)
{
	return dir == GREGION_TX ? queue : r->rings + queue;
}

#endif
