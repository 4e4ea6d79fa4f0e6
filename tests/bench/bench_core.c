/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The data path core alone, all roles in one thread, against its limit loop.
 *
 *	bench_core [WINDOWS]
 *
 * Limit and core take turns in short windows; printed are medians and the
 * median of the ratios pair by pair.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "limit.h"
#include "unit/rig.h"

enum { WINDOWS_MAX = 101, WINDOW_MS = 30 };

struct setup {
	struct rig tx, rx;
	struct ptn_vale *vale;
	struct ptn_pipe *pipe;
	struct ptn_work *work;
	uint64_t sum;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static const struct rig_params params = { 1, LIMIT_SLOTS, LIMIT_BUF, 0 };

static void open_vale(struct setup *s)
{
	const struct ptn_vale_params v = { "vale0", 8192, 300000 };
	static const u8 mac[6] = { 2, 0, 0, 0, 0, 2 };

	if (ptn_vale_new(&s->vale, &v))
		abort();
	rig_open(&s->tx, "tx", &params);
	rig_open(&s->rx, "rx", &params);
	ptn_vale_attach(s->vale, s->tx.port);
	ptn_vale_attach(s->vale, s->rx.port);
	ptn_vale_static(s->vale, mac, s->rx.port);
}

static void open_pipe(struct setup *s)
{
	if (ptn_pipe_new(&s->pipe, "p0"))
		abort();
	rig_open_pair(&s->tx, &s->rx, &params);
	ptn_pipe_attach(s->pipe, 0, s->tx.port);
	ptn_pipe_attach(s->pipe, 1, s->rx.port);
}

static void close_setup(struct setup *s)
{
	void (*detach)(struct ptn_port *) =
		s->pipe ? ptn_pipe_detach : ptn_vale_detach;

	rig_close(&s->rx, detach);
	rig_close(&s->tx, detach);
	ptn_vale_free(s->vale);
	ptn_pipe_free(s->pipe);
	ptn_work_free(s->work);
}

static void produce(struct setup *s, u32 n, u32 len)
{
	struct netmap_ring *r = rig_tx(&s->tx, 0);

	for (u32 i = 0; i < n; i++) {
		struct netmap_slot *slot = &r->slot[r->head];

		limit_write(rig_buf(r, slot->buf_idx), len, i);
		slot->len = (u16)len;
		slot->flags = 0;
		r->head = rig_next(r, r->head);
	}
	r->cur = r->head;
	rig_sync_tx(&s->tx, 0);
}

static u32 consume(struct setup *s)
{
	struct netmap_ring *r = rig_rx(&s->rx, 0);
	u32 n;

	rig_sync_rx(&s->rx, 0);
	n = rig_space(r);
	for (u32 i = 0; i < n; i++) {
		s->sum += limit_read(rig_buf(r, r->slot[r->head].buf_idx));
		r->head = rig_next(r, r->head);
	}
	r->cur = r->head;
	rig_sync_rx(&s->rx, 0);
	return n;
}

static uint64_t run_core(struct setup *s, uint64_t frames, u32 batch, u32 len)
{
	uint64_t got = 0;

	for (uint64_t at = 0; at < frames; at += batch) {
		produce(s, batch, len);
		ptn_port_sync(s->tx.port, 0, s->work);
		got += consume(s);
	}
	return got;
}

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, int n)
{
	qsort(v, (size_t)n, sizeof(*v), by_value);
	return v[n / 2];
}

static void compare(bool pipe, u32 batch, u32 len, int windows)
{
	struct setup s = { .work = ptn_work_new() };
	struct limit *l = limit_new();
	double limit[WINDOWS_MAX], core[WINDOWS_MAX], ratio[WINDOWS_MAX];
	const uint64_t frames = (len > 1000 ? 100000 : 500000) / 256 * 256;

	(pipe ? open_pipe : open_vale)(&s);
	for (int i = -1; i < windows; i++) {
		double t0 = now(), t1, t2;

		(pipe ? limit_pipe : limit_vale)(l, frames, batch, len);
		t1 = now();
		if (run_core(&s, frames, batch, len) != frames)
			abort();
		t2 = now();
		if (i < 0)
			continue;
		limit[i] = (double)frames / (t1 - t0) / 1e6;
		core[i] = (double)frames / (t2 - t1) / 1e6;
		ratio[i] = core[i] / limit[i];
	}
	printf("%-5s %5u B  batch %3u  limit %7.1f Mpps  core %7.1f Mpps  ratio %.2f\n",
	       pipe ? "pipe" : "vale", len, batch, median(limit, windows),
	       median(core, windows), median(ratio, windows));
	fflush(stdout);
	close_setup(&s);
	limit_free(l);
}

int main(int argc, char **argv)
{
	static const u32 batches[] = { 256, 32, 1 };
	int windows = argc > 1 ? atoi(argv[1]) : 15;

	if (windows < 1 || windows > WINDOWS_MAX)
		windows = 15;
	for (int pipe = 0; pipe < 2; pipe++) {
		for (int i = 0; i < 3; i++)
			compare(pipe, batches[i], 60, windows);
		compare(pipe, 256, 1514, windows);
	}
	return 0;
}
