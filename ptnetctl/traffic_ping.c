/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * traffic ping: one marked frame at a time to a port where `traffic forward`
 * sends it back, and how long that took.
 */
#include "traffic.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "frame/frame.h"

enum {
	ANSWER_MS = 1000,
	COUNT_MAX = 10000000, /* times that are kept */
};

struct pinger {
	struct traffic *t;
	struct traffic_port port;
	struct frame_shape shape;
	struct traffic_tally tally; /* of the answers */
	uint64_t sent;
	int64_t *times; /* of the answers, nanoseconds */
};

static int shape_init(struct pinger *p)
{
	static const uint8_t nobody[MAC_LEN];
	const struct traffic *t = p->t;
	bool own = !memcmp(t->src, nobody, MAC_LEN);

	memcpy(p->shape.dst, t->dst, MAC_LEN);
	memcpy(p->shape.src, own ? ptnet_mac(p->port.port) : t->src, MAC_LEN);
	p->shape.vlan = (uint16_t)t->vlan;
	p->shape.size = t->size;
	if (t->size < frame_size_min(&p->shape, true))
		return ctl_usage(t->ctl, "--size is at least %zu here",
				 frame_size_min(&p->shape, true));
	if (t->size > p->port.frame_max)
		return ctl_error("a frame of %zu bytes does not fit into port "
				 "%s: at most %zu",
				 p->shape.size, p->port.name,
				 p->port.frame_max);
	if (getrandom(&p->shape.stream, sizeof(p->shape.stream), 0) < 0)
		return ctl_error("no random number: %s", strerror(errno));
	return CTL_OK;
}

/* Take all frames of a ring; whether the answer was among them. */
static bool find_answer(struct pinger *p, struct netmap_ring *r)
{
	struct traffic_frame f;
	bool found = false;

	while (traffic_peek(&p->port, r, &f)) {
		struct frame_mark m;

		if (!f.broken && !frame_check(f.data, f.len, &m) &&
		    m.stream == p->shape.stream && m.seq + 1 == p->sent)
			found = true;
		traffic_skip(r, f.slots);
	}
	r->cur = r->tail;
	return found;
}

/* 1: it came; 0: it did not in time; -errno. */
static int await_answer(struct pinger *p, int64_t deadline)
{
	while (!traffic_stopped()) {
		bool found = false;
		int ready = traffic_wait(&p->port, PTNET_RX, deadline,
					 p->t->poll, &p->tally);

		if (ready < 0)
			return ready;
		for (unsigned i = 0; ready && i < ptnet_rx_queues(p->port.port);
		     i++)
			found |= find_answer(p, ptnet_rx_ring(p->port.port, i));
		if (found)
			return 1;
		if (traffic_now() >= deadline)
			return 0;
	}
	return 0;
}

/* 1: on its way; 0: no room in time; -errno. */
static int put_frame(struct pinger *p, struct netmap_ring *r, int64_t deadline)
{
	uint8_t *data;
	int room;

	while (!(room = traffic_begin(&p->port, r, p->shape.size, &data)) &&
	       traffic_now() < deadline && !traffic_stopped()) {
		r->cur = r->tail;
		room = traffic_wait(&p->port, PTNET_TX, deadline, false,
				    &p->tally);
		if (room < 0)
			return room;
	}
	if (room <= 0)
		return room;
	frame_build(&p->shape, p->sent++, data);
	traffic_commit(&p->port, r, data, p->shape.size);
	return 1;
}

static int ping_once(struct pinger *p)
{
	unsigned queue = (unsigned)p->t->queue;
	int64_t begin = traffic_now();
	int64_t patience =
		(p->t->timeout_ms ? p->t->timeout_ms : ANSWER_MS) * 1000000LL;
	int err = put_frame(p, ptnet_tx_ring(p->port.port, queue),
			    begin + patience);

	if (err <= 0)
		return err;
	begin = traffic_now();
	err = ptnet_sync_tx(p->port.port, queue);
	if (err >= 0)
		err = await_answer(p, begin + patience);
	if (err <= 0)
		return err;
	p->times[p->tally.frames++] = traffic_now() - begin;
	p->tally.bytes += p->shape.size;
	return 0;
}

static void pause_for(unsigned ms)
{
	struct timespec ts = {ms / 1000, ms % 1000 * 1000000L};

	if (ms)
		nanosleep(&ts, NULL);
}

static int compare(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static double microseconds(const struct pinger *p, double part)
{
	uint64_t n = p->tally.frames;

	return n ? (double)p->times[(uint64_t)(part * (double)(n - 1) + 0.5)] /
			       1e3
		 : 0;
}

static json_t *result_of(struct pinger *p)
{
	json_t *o = traffic_result(p->port.name, &p->tally);

	if (!o)
		return NULL;
	qsort(p->times, p->tally.frames, sizeof(*p->times), compare);
	json_object_set_new(o, "sent", json_integer((json_int_t)p->sent));
	json_object_set_new(
		o, "lost",
		json_integer((json_int_t)(p->sent - p->tally.frames)));
	json_object_set_new(o, "min_us", json_real(microseconds(p, 0)));
	json_object_set_new(o, "median_us", json_real(microseconds(p, 0.5)));
	json_object_set_new(o, "p99_us", json_real(microseconds(p, 0.99)));
	json_object_set_new(o, "max_us", json_real(microseconds(p, 1)));
	return o;
}

static int ping_all(struct pinger *p)
{
	uint64_t count = p->t->count;
	int err = 0, status;

	p->tally.begin = traffic_now();
	for (uint64_t i = 0; i < count && !err && !traffic_stopped(); i++) {
		if (i)
			pause_for(p->t->interval_ms);
		err = ping_once(p);
	}
	p->tally.end = traffic_now();
	if (err)
		traffic_failed(&p->port, err);
	status = traffic_report(p->t, result_of(p));
	return err || status || !p->tally.frames ? CTL_ERROR : CTL_OK;
}

static int prepare(struct pinger *p)
{
	if (!ptnet_tx_ring(p->port.port, (unsigned)p->t->queue))
		return traffic_no_queue(&p->port, (unsigned)p->t->queue);
	p->times = calloc(p->t->count, sizeof(*p->times));
	if (!p->times)
		return ctl_error("out of memory");
	for (unsigned i = 0; i < ptnet_tx_queues(p->port.port); i++) {
		struct netmap_ring *r = ptnet_tx_ring(p->port.port, i);

		if (i != p->t->queue)
			r->cur = r->tail;
	}
	return shape_init(p);
}

int traffic_ping(struct traffic *t)
{
	struct pinger p = {.t = t};
	int status;

	if (!t->count || t->count > COUNT_MAX)
		return ctl_usage(t->ctl, "ping takes a --count from 1 to %d",
				 COUNT_MAX);
	status = traffic_open(t, t->port, &p.port);
	if (status)
		return status;
	status = prepare(&p);
	if (!status)
		status = ping_all(&p);
	free(p.times);
	traffic_close(&p.port);
	return status;
}
