// SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause
#include "gregion.h"

#include <linux/kernel.h>
#include <linux/overflow.h>

enum {
	RING_ALIGN = 128,
	BUF_SIZE_MIN = 64,
	BUF_SIZE_MAX = 65536,
	HOST_RINGS_MAX = 256,
};

bool gregion_part_possible(u64 ofs, u64 len, u64 align, u64 limit)
{
	return !(ofs % align) && ofs <= limit && len <= limit - ofs;
}

bool gregion_pools_possible(const struct gregion *r)
{
	const struct ptn_pool_info *buf = &r->buf_pool;

	return r->ring_pool.offset <= buf->offset &&
	       buf->size >= BUF_SIZE_MIN && buf->size <= BUF_SIZE_MAX &&
	       buf->count > NM_BUF_RESERVED &&
	       gregion_part_possible(buf->offset, (u64)buf->count * buf->size,
				     1, r->bytes);
}

bool gregion_nifp_possible(const struct gregion *r)
{
	const u64 len = sizeof(struct netmap_if) + 2 * r->rings * sizeof(__s64);

	return gregion_part_possible(r->nifp_ofs, len, sizeof(u64), r->bytes);
}

/* Of a ring among all of the interface: the host's own are between ours. */
static u32 place_of(const struct netmap_if *nifp, const struct gregion *r,
		    enum gregion_direction dir, u32 queue)
{
	const u32 between = READ_ONCE(nifp->ni_host_tx_rings);

	return dir == GREGION_TX ? queue : r->rings + between + queue;
}

/* Where a ring is in the memory; U64_MAX: nowhere. */
static u64 ring_ofs(const struct gregion *r, enum gregion_direction dir,
		    u32 queue)
{
	const struct netmap_if *nifp = (void *)(r->mem + r->nifp_ofs);
	const u32 place = place_of(nifp, r, dir, queue);
	s64 at;

	if (place >= 2 * r->rings + HOST_RINGS_MAX ||
	    !gregion_part_possible(r->nifp_ofs,
				   struct_size(nifp, ring_ofs, place + 1),
				   sizeof(u64), r->bytes))
		return U64_MAX;
	at = READ_ONCE(nifp->ring_ofs[place]);
	return at ? r->nifp_ofs + at : U64_MAX;
}

static bool header_right(const struct netmap_ring *ring, u64 ofs,
			 enum gregion_direction dir, const struct gregion *r)
{
	return READ_ONCE(ring->num_slots) == gregion_slots(r, dir) &&
	       READ_ONCE(ring->dir) == dir &&
	       READ_ONCE(ring->nr_buf_size) == r->buf_pool.size &&
	       ofs + READ_ONCE(ring->buf_ofs) == r->buf_pool.offset;
}

struct netmap_ring *gregion_ring(const struct gregion *r,
				 enum gregion_direction dir, u32 queue)
{
	const u64 ofs = ring_ofs(r, dir, queue);
	struct netmap_ring *ring;

	if (ofs < r->ring_pool.offset ||
	    !gregion_part_possible(
		    ofs, struct_size(ring, slot, gregion_slots(r, dir)),
		    RING_ALIGN, r->bytes))
		return NULL;
	ring = (void *)(r->mem + ofs);
	return header_right(ring, ofs, dir, r) ? ring : NULL;
}
