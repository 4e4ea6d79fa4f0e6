/* SPDX-License-Identifier: BSD-2-Clause */
#include "rig.h"

#include <stdio.h>

static void on_notify(void *home, u32 vector)
{
	((struct rig *)home)->notified[vector]++;
}

static void on_wake(void *home, u32 queue)
{
	(void)queue;
	((struct rig *)home)->woken++;
}

static void on_fault(void *home, u32 vector, u64 total)
{
	(void)vector;
	(void)total;
	((struct rig *)home)->faults++;
}

static void on_abuse(void *home)
{
	((struct rig *)home)->abuses++;
}

static const struct ptn_port_ops rig_ops = {
	.notify = on_notify,
	.wake = on_wake,
	.fault = on_fault,
	.abuse = on_abuse,
};

static void must(bool ok, const char *what)
{
	if (!ok) {
		fprintf(stderr, "rig: %s failed\n", what);
		abort();
	}
}

static void make_region(struct rig *g, const struct ptn_shape *shape)
{
	const size_t size = ptn_shape_bytes(shape);

	must(size != 0, "shape");
	/* from the heap: sanitizers watch its borders */
	g->mem = aligned_alloc(4096, size);
	must(g->mem != NULL, "memory");
	memset(g->mem, 0, size);
	must(!ptn_region_new(&g->region, g->mem, shape), "region");
}

static void open_port(struct rig *g, const struct ptn_port_params *p,
		      const struct ptn_port_ops *ops)
{
	const u32 rx_queues = p->rx_queues ? p->rx_queues : p->queues;
	u32 rings;

	g->queues = p->queues;
	g->tx_rings = p->queues + p->host_queues;
	g->rx_rings = rx_queues + p->host_queues;
	rings = g->tx_rings + g->rx_rings;
	g->atok = ptn_alloc(rings * sizeof(*g->atok));
	g->ktoa = ptn_alloc(rings * sizeof(*g->ktoa));
	must(g->atok && g->ktoa, "memory");
	must(!ptn_port_new(&g->port, p, ops, g), "port");
	must(!ptn_port_open(g->port, g->region, g->atok, g->ktoa), "open");
	must(!ptn_port_start(g->port), "start");
	g->nifp = (struct netmap_if *)((char *)g->region_mem +
				       ptn_port_nifp_ofs(g->port));
}

static void make_port(struct rig *g, const char *name,
		      const struct rig_params *params,
		      const struct ptn_port_ops *ops)
{
	const struct ptn_port_params p = {
		.name = name,
		.queues = params->queues,
		.slots = params->slots,
		.extra_bufs = params->extra,
	};

	open_port(g, &p, ops);
}

void rig_open_region(struct rig *g, const struct ptn_shape *shape)
{
	memset(g, 0, sizeof(*g));
	make_region(g, shape);
	g->region_mem = g->mem;
}

void rig_close_region(struct rig *g)
{
	ptn_region_free(g->region);
	free(g->mem);
}

void rig_open_port(struct rig *g, const struct ptn_port_params *params,
		   u32 buf_size, struct rig *host)
{
	struct ptn_shape shape;

	memset(g, 0, sizeof(*g));
	if (host) {
		g->region = host->region;
		g->region_mem = host->region_mem;
	} else {
		ptn_shape_for_params(&shape, params, buf_size);
		make_region(g, &shape);
		g->region_mem = g->mem;
	}
	open_port(g, params, &rig_ops);
}

void rig_open_with(struct rig *g, const char *name,
		   const struct rig_params *params,
		   const struct ptn_port_ops *ops)
{
	struct ptn_shape shape;

	memset(g, 0, sizeof(*g));
	ptn_shape_for_port(&shape, params->queues, params->slots,
			   params->buf_size, params->extra);
	make_region(g, &shape);
	g->region_mem = g->mem;
	make_port(g, name, params, ops);
}

void rig_open(struct rig *g, const char *name, const struct rig_params *params)
{
	rig_open_with(g, name, params, &rig_ops);
}

void rig_open_in(struct rig *g, const char *name,
		 const struct rig_params *params, struct ptn_region *region,
		 void *mem)
{
	memset(g, 0, sizeof(*g));
	g->region = region;
	g->region_mem = mem;
	make_port(g, name, params, &rig_ops);
}

static u32 larger(u32 a, u32 b)
{
	return a > b ? a : b;
}

void rig_open_domain(struct rig *const g[], u32 n,
		     const struct rig_params *params)
{
	struct ptn_shape all = {.buf_count = NM_BUF_RESERVED};

	for (u32 i = 0; i < n; i++) {
		const struct rig_params *p = &params[i];
		struct ptn_shape one;

		ptn_shape_for_port(&one, p->queues, p->slots, p->buf_size,
				   p->extra);
		all.if_count += one.if_count;
		all.ring_count += one.ring_count;
		all.buf_count += one.buf_count - NM_BUF_RESERVED;
		all.if_size = larger(all.if_size, one.if_size);
		all.ring_size = larger(all.ring_size, one.ring_size);
		all.buf_size = larger(all.buf_size, one.buf_size);
		memset(g[i], 0, sizeof(*g[i]));
	}
	make_region(g[0], &all);
	for (u32 i = 0; i < n; i++) {
		const char name[] = {(char)('a' + i), 0};

		g[i]->region_mem = g[0]->mem;
		g[i]->region = g[0]->region;
		make_port(g[i], name, &params[i], &rig_ops);
	}
}

void rig_open_pair(struct rig *a, struct rig *b,
		   const struct rig_params *params)
{
	rig_open_domain((struct rig *[]){a, b}, 2,
			(struct rig_params[]){*params, *params});
}

void rig_close(struct rig *g, void (*detach)(struct ptn_port *))
{
	ptn_port_stop(g->port);
	if (detach)
		detach(g->port);
	ptn_port_close(g->port);
	ptn_port_free(g->port);
	ptn_free(g->atok);
	ptn_free(g->ktoa);
	if (!g->mem)
		return;
	ptn_region_free(g->region);
	free(g->mem);
}

static struct netmap_ring *ring_at(struct rig *g, u32 i)
{
	return (struct netmap_ring *)((char *)g->nifp + g->nifp->ring_ofs[i]);
}

struct netmap_ring *rig_tx(struct rig *g, u32 queue)
{
	return ring_at(g, queue);
}

struct netmap_ring *rig_rx(struct rig *g, u32 queue)
{
	return ring_at(g, g->tx_rings + queue);
}

static void sync_ring(struct rig *g, u32 i)
{
	struct netmap_ring *r = ring_at(g, i);

	ptn_store(g->atok[i].cur, r->cur);
	ptn_store_release(g->atok[i].head, r->head);
	r->tail = ptn_load_acquire(g->ktoa[i].hwtail);
}

void rig_sync_tx(struct rig *g, u32 queue)
{
	sync_ring(g, queue);
}

void rig_sync_rx(struct rig *g, u32 queue)
{
	sync_ring(g, g->tx_rings + queue);
}

int rig_call(struct rig *g, u32 vector, struct ptn_work *w)
{
	const u32 queue = (vector - 1) / 2;
	int err = ptn_header_begin(g->port, vector);

	if (err)
		return err;
	if (vector & 1)
		while (ptn_port_sync_tx(g->port, queue, w))
			;
	else
		ptn_port_sync_rx(g->port, queue, w);
	ptn_header_end(g->port, vector);
	return 0;
}

bool rig_send(struct rig *g, const void *frame, u32 len, u32 frag)
{
	struct netmap_ring *r = rig_tx(g, 0);
	const u32 need = len ? (len + frag - 1) / frag : 1;
	const char *from = frame;

	rig_sync_tx(g, 0);
	if (rig_space(r) < need)
		return false;
	do {
		struct netmap_slot *s = &r->slot[r->head];

		s->len = (u16)(len < frag ? len : frag);
		memcpy(rig_buf(r, s->buf_idx), from, s->len);
		from += s->len;
		len -= s->len;
		s->flags = len ? NS_MOREFRAG : 0;
		r->head = r->cur = rig_next(r, r->head);
	} while (len);
	rig_sync_tx(g, 0);
	return true;
}

int rig_recv(struct rig *g, u32 queue, void *frame, u32 size)
{
	struct netmap_ring *r = rig_rx(g, queue);
	u32 len = 0;
	bool more = true;

	rig_sync_rx(g, queue);
	if (!rig_space(r))
		return -1;
	while (more) {
		struct netmap_slot *s = &r->slot[r->head];

		must(rig_space(r) > 0, "whole frames are visible");
		must(len + s->len <= size, "frame fits the test's buffer");
		memcpy((char *)frame + len, rig_buf(r, s->buf_idx), s->len);
		len += s->len;
		more = s->flags & NS_MOREFRAG;
		r->head = r->cur = rig_next(r, r->head);
	}
	rig_sync_rx(g, queue);
	return (int)len;
}

void rig_frame(void *frame, u32 len, u64 dst, u64 src, u8 mark)
{
	memset(frame, mark, len);
	memcpy(frame, &dst, len < 6 ? len : 6);
	if (len >= 12)
		memcpy((char *)frame + 6, &src, 6);
}

u64 rig_count(const struct rig *g, enum ptn_counter c)
{
	u64 all[PTN_C_MAX + 1];

	ptn_port_counters(g->port, all);
	return all[c];
}

u64 rig_drops(const struct rig *g)
{
	u64 all[PTN_C_MAX + 1], sum = 0;

	ptn_port_counters(g->port, all);
	for (int c = PTN_C_DROP_RX_FULL; c <= PTN_C_DROP_LAST; c++)
		sum += all[c];
	return sum;
}
