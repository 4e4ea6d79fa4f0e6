/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A program's side of a core port, in the same process: memory, CSB and the
 * moves that a program makes. For tests and benchmarks of the core.
 */
#ifndef PTNET_TESTS_RIG_H
#define PTNET_TESTS_RIG_H

#include "core/header.h"
#include "core/pipe.h"
#include "core/port.h"
#include "core/region.h"
#include "core/vale.h"

struct rig {
	struct ptn_port *port;
	struct ptn_region *region;
	void *mem; /* NULL when the region is another rig's */
	struct nm_csb_atok *atok;
	struct nm_csb_ktoa *ktoa;
	void *region_mem;
	struct netmap_if *nifp;
	u32 queues;
	u32 tx_rings, rx_rings; /* with the host's */
	u32 notified[PTN_VECTOR_RX(2 * PTN_RINGS_MAX)];
	u32 woken;
	u64 faults, abuses;
};

struct rig_params {
	u32 queues, slots, buf_size, extra;
};

/* A running port with its own region. */
void rig_open(struct rig *g, const char *name, const struct rig_params *params);

/* The same with a home of the test's own: @ops are called with the rig. */
void rig_open_with(struct rig *g, const char *name,
		   const struct rig_params *params,
		   const struct ptn_port_ops *ops);

/* A running port in a region of the test's own, which is at @mem. */
void rig_open_in(struct rig *g, const char *name,
		 const struct rig_params *params, struct ptn_region *region,
		 void *mem);

/* Two running ports in one region, for pipes. */
void rig_open_pair(struct rig *a, struct rig *b,
		   const struct rig_params *params);

/* @n running ports in one region, each with rings of its own size. */
void rig_open_domain(struct rig *const g[], u32 n,
		     const struct rig_params *params);

/* A running port of any kind, with its own region or in that of @host. */
void rig_open_port(struct rig *g, const struct ptn_port_params *params,
		   u32 buf_size, struct rig *host);

/* A region that is shared: @g has no port of its own. */
void rig_open_region(struct rig *g, const struct ptn_shape *shape);
void rig_close_region(struct rig *g);

/* Stops, detaches by @detach, frees. Of a pair close a last, of a domain the
 * first. */
void rig_close(struct rig *g, void (*detach)(struct ptn_port *));

struct netmap_ring *rig_tx(struct rig *g, u32 queue);
struct netmap_ring *rig_rx(struct rig *g, u32 queue);

/* The program's sync calls: publish head, learn tail. */
void rig_sync_tx(struct rig *g, u32 queue);
void rig_sync_rx(struct rig *g, u32 queue);

/* A sync call of a program whose indices are in the ring's header. */
int rig_call(struct rig *g, u32 vector, struct ptn_work *w);

static inline u32 rig_next(const struct netmap_ring *r, u32 i)
{
	return i + 1 == r->num_slots ? 0 : i + 1;
}

static inline u32 rig_space(const struct netmap_ring *r)
{
	return r->tail >= r->head ? r->tail - r->head
				  : r->tail + r->num_slots - r->head;
}

static inline char *rig_buf(struct netmap_ring *r, u32 idx)
{
	return (char *)r + r->buf_ofs + (size_t)idx * r->nr_buf_size;
}

/* Put a frame (in fragments of at most @frag bytes) on queue 0; false: full. */
bool rig_send(struct rig *g, const void *frame, u32 len, u32 frag);

/* Take the next frame off queue @queue into @frame; its length or -1. */
int rig_recv(struct rig *g, u32 queue, void *frame, u32 size);

/* An Ethernet frame of @len bytes whose payload repeats @mark. */
void rig_frame(void *frame, u32 len, u64 dst, u64 src, u8 mark);

u64 rig_count(const struct rig *g, enum ptn_counter c);
u64 rig_drops(const struct rig *g);

#endif
