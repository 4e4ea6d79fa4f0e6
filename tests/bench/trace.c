// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
#include "trace.h"

#include "core/pipe.h"
#include "core/port.h"
#include "core/region.h"
#include "core/vale.h"

enum { SLOTS = 1024, BUF = 2048, PAGE = 4096 };

struct end {
	struct ptn_port *port;
	struct ptn_region *region;
	struct nm_csb_atok atok[2];
	struct nm_csb_ktoa ktoa[2];
};

struct trace {
	struct end tx, rx;
	void *mem[2]; /* of the regions */
	struct ptn_region *region[2];
	struct ptn_vale *vale;
	struct ptn_pipe *pipe;
	struct ptn_work *work;
	u32 len;
	u64 sum; /* what was read */
};

static void nothing(void *home, u32 number)
{
	(void)home;
	(void)number;
}

static const struct ptn_port_ops ops = {.notify = nothing, .wake = nothing};

static void *page_of(void *mem)
{
	return (char *)mem + (PAGE - (uintptr_t)mem % PAGE) % PAGE;
}

/* Memory for @ports ports in region @number. */
static int make_region(struct trace *t, u32 number, u32 ports)
{
	struct ptn_shape shape;
	size_t bytes;

	ptn_shape_for_port(&shape, ports, SLOTS, BUF, 0);
	shape.if_count = ports;
	bytes = ptn_shape_bytes(&shape);
	t->mem[number] = ptn_alloc(bytes + PAGE);
	if (!t->mem[number])
		return -ENOMEM;
	return ptn_region_new(&t->region[number], page_of(t->mem[number]),
			      &shape);
}

static int make_end(struct end *e, const char *name, struct ptn_region *region)
{
	const struct ptn_port_params params = {
		.name = name,
		.queues = 1,
		.slots = SLOTS,
	};
	int err = ptn_port_new(&e->port, &params, &ops, e);

	if (err)
		return err;
	err = ptn_port_open(e->port, region, e->atok, e->ktoa);
	return err ? err : ptn_port_start(e->port);
}

static int connect_pipe(struct trace *t)
{
	int err = ptn_pipe_new(&t->pipe, "p0");

	if (err)
		return err;
	ptn_pipe_attach(t->pipe, 0, t->tx.port);
	return ptn_pipe_attach(t->pipe, 1, t->rx.port);
}

static int connect_vale(struct trace *t)
{
	const struct ptn_vale_params params = {"vale0", 8192, 300000};
	static const u8 mac[6] = {2, 0, 0, 0, 0, 2};
	int err = ptn_vale_new(&t->vale, &params);

	if (err)
		return err;
	ptn_vale_attach(t->vale, t->tx.port);
	err = ptn_vale_attach(t->vale, t->rx.port);
	return err ? err : ptn_vale_static(t->vale, mac, t->rx.port);
}

static int make(struct trace *t, bool pipe)
{
	int err = make_region(t, 0, pipe ? 2 : 1);

	if (!err && !pipe)
		err = make_region(t, 1, 1);
	if (!err)
		err = make_end(&t->tx, "tx", t->region[0]);
	if (!err)
		err = make_end(&t->rx, "rx", t->region[!pipe]);
	if (err)
		return err;
	return pipe ? connect_pipe(t) : connect_vale(t);
}

struct trace *trace_new(bool pipe, u32 len)
{
	struct trace *t = ptn_alloc(sizeof(*t));

	if (!t)
		return NULL;
	t->len = len;
	t->work = ptn_work_new();
	if (t->work && !make(t, pipe))
		return t;
	trace_free(t);
	return NULL;
}

static void free_end(struct trace *t, struct end *e)
{
	if (!e->port)
		return;
	ptn_port_stop(e->port);
	if (t->pipe)
		ptn_pipe_detach(e->port);
	else
		ptn_vale_detach(e->port);
	ptn_port_close(e->port);
	ptn_port_free(e->port);
}

void trace_free(struct trace *t)
{
	free_end(t, &t->tx);
	free_end(t, &t->rx);
	ptn_vale_free(t->vale);
	ptn_pipe_free(t->pipe);
	for (int i = 0; i < 2; i++) {
		ptn_region_free(t->region[i]);
		ptn_free(t->mem[i]);
	}
	ptn_work_free(t->work);
	ptn_free(t);
}

/* The program's part, as one written for speed would do it. */

static struct netmap_ring *ring_of(const struct trace *t, const struct end *e,
				   bool rx)
{
	void *mem = page_of(t->mem[e == &t->rx && !t->pipe]);
	struct netmap_if *nifp =
		(void *)((char *)mem + ptn_port_nifp_ofs(e->port));

	return (void *)((char *)nifp + nifp->ring_ofs[rx]);
}

static char *bufs_of(struct netmap_ring *r)
{
	return (char *)r + r->buf_ofs;
}

/* By words, as memset() is a call in one home and none in another. */
static void write_frame(char *buf, u32 len, u32 mark)
{
	u32 *const words = (u32 *)(void *)buf;

	words[0] = 0x00000002;
	words[1] = 0x00020200;
	words[2] = 0x00000003;
	for (u32 i = 3; i < (len + 3) / 4; i++)
		words[i] = mark;
}

static void produce(struct trace *t, u32 n)
{
	struct netmap_ring *r = ring_of(t, &t->tx, false);
	char *bufs = bufs_of(r);
	u32 head = t->tx.atok[0].head;

	for (u32 i = 0; i < n; i++) {
		struct netmap_slot *slot = &r->slot[head];

		write_frame(bufs + (size_t)slot->buf_idx * BUF, t->len, i);
		slot->len = (u16)t->len;
		slot->flags = 0;
		head = head + 1 == SLOTS ? 0 : head + 1;
	}
	t->tx.atok[0].cur = head;
	ptn_store_release(t->tx.atok[0].head, head);
}

static u32 consume(struct trace *t)
{
	struct netmap_ring *r = ring_of(t, &t->rx, true);
	char *bufs = bufs_of(r);
	const u32 tail = ptn_load_acquire(t->rx.ktoa[1].hwtail);
	u32 head = t->rx.atok[1].head, n = 0;

	for (; head != tail; n++) {
		const u64 *words =
			(const void *)(bufs +
				       (size_t)r->slot[head].buf_idx * BUF);

		t->sum += words[2];
		head = head + 1 == SLOTS ? 0 : head + 1;
	}
	t->rx.atok[1].cur = head;
	ptn_store_release(t->rx.atok[1].head, head);
	return n;
}

u64 trace_run(struct trace *t, u64 frames, u32 batch)
{
	u64 got = 0;

	for (u64 at = 0; at < frames; at += batch) {
		produce(t, batch);
		ptn_rcu_read_lock();
		ptn_port_sync(t->tx.port, 0, t->work);
		ptn_rcu_read_unlock();
		got += consume(t);
	}
	return got;
}
