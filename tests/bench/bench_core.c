/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The data path core alone, all roles in one thread, against its limit loop.
 *
 *	bench_core [ROUNDS]
 *
 * Limit and core take turns in short windows; printed are medians and the
 * median of the ratios pair by pair.
 */
#include <stdio.h>
#include <stdlib.h>

#include "bench.h"
#include "limit.h"
#include "unit/rig.h"

enum { WINDOWS_MAX = 500, WINDOWS = 5 };

struct setup {
	struct rig tx, rx;
	struct ptn_vale *vale;
	struct ptn_pipe *pipe;
	struct ptn_work *work;
	uint64_t sum;
};

static const struct rig_params params = {1, LIMIT_SLOTS, LIMIT_BUF, 0};

static void open_vale(struct setup *s)
{
	const struct ptn_vale_params v = {"vale0", 8192, 300000};
	static const u8 mac[6] = {2, 0, 0, 0, 0, 2};

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
	void (*detach)(struct ptn_port *) = s->pipe ? ptn_pipe_detach
						    : ptn_vale_detach;

	rig_close(&s->rx, detach);
	rig_close(&s->tx, detach);
	ptn_vale_free(s->vale);
	ptn_pipe_free(s->pipe);
	ptn_work_free(s->work);
}

/* As a program written for speed would: nothing is loaded twice. */
static void produce(struct setup *s, u32 n, u32 len)
{
	struct netmap_ring *r = rig_tx(&s->tx, 0);
	char *bufs = rig_buf(r, 0);
	u32 head = r->head;

	for (u32 i = 0; i < n; i++) {
		struct netmap_slot *slot = &r->slot[head];

		limit_write(bufs + (size_t)slot->buf_idx * LIMIT_BUF, len, i);
		slot->len = (u16)len;
		slot->flags = 0;
		head = head + 1 == LIMIT_SLOTS ? 0 : head + 1;
	}
	r->head = r->cur = head;
	rig_sync_tx(&s->tx, 0);
}

static u32 consume(struct setup *s)
{
	struct netmap_ring *r = rig_rx(&s->rx, 0);
	const char *bufs = rig_buf(r, 0);
	u32 head = r->head, tail, n = 0;
	uint64_t sum = 0;

	rig_sync_rx(&s->rx, 0);
	for (tail = r->tail; head != tail; n++) {
		sum += limit_read(bufs +
				  (size_t)r->slot[head].buf_idx * LIMIT_BUF);
		head = head + 1 == LIMIT_SLOTS ? 0 : head + 1;
	}
	s->sum += sum;
	r->head = r->cur = head;
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

struct samples {
	double limit[WINDOWS_MAX], core[WINDOWS_MAX], ratio[WINDOWS_MAX];
	int n;
};

/* New memory for each round: where its pages lie in the caches is luck. */
static void run_round(struct samples *out, bool pipe, u32 batch, u32 len,
		      int windows)
{
	struct setup s = {.work = ptn_work_new()};
	struct limit *l = limit_new();
	const uint64_t frames = (len > 1000 ? 50000 : 250000) / 256 * 256;

	(pipe ? open_pipe : open_vale)(&s);
	for (int i = -1; i < windows; i++) {
		double t0 = bench_now(), t1, t2;

		(pipe ? limit_pipe : limit_vale)(l, frames, batch, len);
		t1 = bench_now();
		if (run_core(&s, frames, batch, len) != frames)
			abort();
		t2 = bench_now();
		if (i < 0)
			continue;
		out->limit[out->n] = (double)frames / (t1 - t0) / 1e6;
		out->core[out->n] = (double)frames / (t2 - t1) / 1e6;
		out->ratio[out->n] = out->core[out->n] / out->limit[out->n];
		out->n++;
	}
	close_setup(&s);
	limit_free(l);
}

static const char *goal(bool pipe, u32 batch, u32 len)
{
	if (batch != 256 || len != 60)
		return "";
	return pipe ? "  goal 0.60" : "  goal 0.55";
}

static void compare(bool pipe, u32 batch, u32 len, int rounds)
{
	struct samples s = {.n = 0};

	for (int i = 0; i < rounds; i++)
		run_round(&s, pipe, batch, len, WINDOWS);
	printf("%-5s %5u B  batch %3u  limit %7.1f Mpps  core %7.1f Mpps  ratio %.2f%s\n",
	       pipe ? "pipe" : "vale", len, batch, bench_median(s.limit, s.n),
	       bench_median(s.core, s.n), bench_median(s.ratio, s.n),
	       goal(pipe, batch, len));
	fflush(stdout);
}

int main(int argc, char **argv)
{
	static const u32 batches[] = {256, 32, 1};
	int rounds = argc > 1 ? atoi(argv[1]) : 9;

	if (rounds < 1 || rounds > WINDOWS_MAX / WINDOWS)
		rounds = 9;
	for (int pipe = 0; pipe < 2; pipe++) {
		for (int i = 0; i < 3; i++)
			compare(pipe, batches[i], 60, rounds);
		compare(pipe, 256, 1514, rounds);
	}
	return 0;
}
