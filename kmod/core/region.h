/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * Regions: netmap memory with its three pools, and who owns which buffer.
 *
 * The memory itself belongs to the home (a memfd, kernel pages, a program's
 * own mapping); everything that must be trusted (free lists, homes of
 * buffers) is in private memory. Control calls come from one thread at a
 * time.
 */
#ifndef PTN_REGION_H
#define PTN_REGION_H

#include "ptn_os.h"

struct ptn_ring;

/* How many objects of which size a region holds. */
struct ptn_shape {
	u32 if_count, if_size;
	u32 ring_count, ring_size;
	u32 buf_count, buf_size; /* count includes the two reserved ones */
};

enum {
	PTN_IF_SIZE_MAX = 4096,
	PTN_RING_SIZE_MAX = 128 * 1024,
	PTN_BUF_SIZE_MIN = 64,
	PTN_BUF_SIZE_MAX = 65536,
	PTN_BUF_SIZE_DEFAULT = 2048,
	PTN_BUF_COUNT_MAX = 1 << 24,
};

struct ptn_region;

struct ptn_census {
	u64 buffers; /* that may be given out */
	u64 free;
	u64 slots; /* in exactly one slot */
	u64 extra; /* in exactly one extra list */
	u64 lost; /* nowhere */
	u64 twice; /* in more than one place */
};

/**
 * ptn_shape_for_params - the same for a port with these parameters
 *
 * Rings of both directions have the size that the longer one needs.
 */
struct ptn_port_params;
void ptn_shape_for_params(struct ptn_shape *shape,
			  const struct ptn_port_params *params, u32 buf_size);

/** ptn_ring_bytes - size of a ring object with that many slots */
u32 ptn_ring_bytes(u32 slots);

/**
 * ptn_shape_for_port - the smallest shape that holds one port
 *
 * @rings counts each direction; buffers: one a slot and @extra.
 */
void ptn_shape_for_port(struct ptn_shape *shape, u32 rings, u32 slots,
			u32 buf_size, u32 extra);

/** ptn_shape_bytes - what the shape needs; 0 when it is not possible */
size_t ptn_shape_bytes(const struct ptn_shape *shape);

/** ptn_shape_pool - offset of a pool: 0 interfaces, 1 rings, 2 buffers */
size_t ptn_shape_pool(const struct ptn_shape *shape, unsigned pool);

/**
 * ptn_region_new - take over zeroed memory
 * @mem: page-aligned, ptn_shape_bytes() long; stays the caller's to release
 *
 * Returns 0, -EINVAL for a shape that is not possible, -ENOMEM.
 */
int ptn_region_new(struct ptn_region **out, void *mem,
		   const struct ptn_shape *shape);

/**
 * ptn_region_grow_by - memory that is there only in part
 * @there: by pool, how many objects are there now, from the first one on
 * @grow: called by control calls, may sleep: see that at least @count objects
 *	of each pool are there, and say ptn_region_reach(). 0 or -ENOMEM.
 *
 * Without it all memory is there.
 */
void ptn_region_grow_by(struct ptn_region *r, const u32 there[3],
			int (*grow)(void *home, const u32 count[3]),
			void *home);

/**
 * ptn_region_reach - so many objects of each pool are there now, perhaps at
 *	another address
 *
 * No program of the region may be syncing; frames may arrive meanwhile, the
 * old address and the new one show the same until this returns. May sleep.
 */
void ptn_region_reach(struct ptn_region *r, void *mem, const u32 there[3]);

/**
 * ptn_region_reserve - see that so many more objects of each pool can be taken
 *
 * Before objects are taken: later their addresses change. 0 or -ENOMEM.
 */
int ptn_region_reserve(struct ptn_region *r, u32 ifs, u32 rings, u32 bufs);

/** ptn_region_free - when no port has it open. Takes NULL. */
void ptn_region_free(struct ptn_region *r);

const struct ptn_shape *ptn_region_shape(const struct ptn_region *r);

/** ptn_region_pool - offset of a pool: 0 interfaces, 1 rings, 2 buffers */
size_t ptn_region_pool(const struct ptn_region *r, unsigned pool);

/**
 * ptn_region_census - count where every buffer is
 *
 * By the host's own books and, for free and extra lists, by walking them; the
 * ports must not be syncing meanwhile.
 */
void ptn_region_census(const struct ptn_region *r, struct ptn_census *out);

#endif
