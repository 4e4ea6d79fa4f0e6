/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * traffic send: frames of a stream, or of a capture, at a rate or as fast as
 * the host takes them. Waits for room; nothing is lost here.
 */
#include "traffic.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "frame/frame.h"

enum {
	BATCH = 256,
	BATCH_NETMAP = 512, /* each sync is a system call */
	FLUSH_MS = 10000,
	BURST_NS = 500000, /* at a high rate, what is due in this time */
	DEBT_NS = 50000000, /* what is later than that is not made up for */
};

/* Where frames come from. */
struct source {
	struct frame_shape shape;
	struct traffic_pcap pcap;
	uint64_t next, limit; /* frames; limit 0: none */
};

/* When frames are due. */
struct pace {
	double per_ns; /* 0: at once */
	int64_t start;
	uint64_t burst;
};

struct sender {
	struct traffic *t;
	struct traffic_port port;
	struct netmap_ring *ring;
	unsigned queue;
	struct source source;
	struct pace pace;
	struct traffic_tally tally;
	int64_t deadline;
};

static const struct traffic_packet *packet(const struct source *s)
{
	return &s->pcap.packet[s->next % s->pcap.count];
}

static size_t source_len(const struct source *s)
{
	return s->pcap.count ? packet(s)->len : s->shape.size;
}

static void source_fill(const struct source *s, uint8_t *out)
{
	if (s->pcap.count)
		memcpy(out, packet(s)->data, packet(s)->len);
	else
		frame_build(&s->shape, s->next, out);
}

static uint64_t limit_of(const struct traffic *t, size_t packets)
{
	uint64_t all = 0;

	if (packets && t->loop > UINT64_MAX / packets)
		return t->count;
	if (packets)
		all = t->loop * packets;
	if (!t->count || !all)
		return t->count + all;
	return t->count < all ? t->count : all;
}

static int source_open(struct source *s, const struct traffic *t,
		       const struct traffic_port *p)
{
	const size_t least = FRAME_HEADER + (t->vlan ? FRAME_VLAN : 0);
	static const uint8_t nobody[MAC_LEN];
	bool own = !memcmp(t->src, nobody, MAC_LEN);
	size_t longest = t->size;

	memcpy(s->shape.dst, t->dst, MAC_LEN);
	memcpy(s->shape.src, own ? ptnet_mac(p->port) : t->src, MAC_LEN);
	s->shape.vlan = (uint16_t)t->vlan;
	s->shape.size = t->size;
	if (getrandom(&s->shape.stream, sizeof(s->shape.stream), 0) < 0)
		return ctl_error("no random number: %s", strerror(errno));
	if (t->pcap) {
		if (traffic_pcap_load(&s->pcap, t->pcap))
			return CTL_ERROR;
		longest = s->pcap.longest;
	}
	s->limit = limit_of(t, s->pcap.count);
	if (longest < least)
		return ctl_usage(t->ctl, "--size with --vlan is at least %zu",
				 least);
	if (longest > p->frame_max ||
	    traffic_slots(p, longest) >= ptnet_tx_ring(p->port, 0)->num_slots)
		return ctl_error("a frame of %zu bytes does not fit into port "
				 "%s: at most %zu",
				 longest, p->name, p->frame_max);
	return CTL_OK;
}

static void pace_init(struct pace *p, const struct traffic *t)
{
	p->per_ns = (double)t->rate / 1e9;
	p->start = traffic_now();
	p->burst = (uint64_t)(p->per_ns * BURST_NS);
	if (p->burst > t->batch)
		p->burst = t->batch;
	if (!p->burst)
		p->burst = 1;
}

/* Frames that are due now, of which @sent have gone. The first is at once. */
static uint64_t pace_due(struct pace *p, uint64_t sent)
{
	double late, due;

	if (p->per_ns == 0)
		return UINT64_MAX;
	due = (double)(traffic_now() - p->start) * p->per_ns + 1;
	late = (due - (double)sent) / p->per_ns;
	if (late > DEBT_NS + 1 / p->per_ns) {
		p->start += (int64_t)(late - DEBT_NS - 1 / p->per_ns);
		due = (double)(traffic_now() - p->start) * p->per_ns + 1;
	}
	return due > (double)sent ? (uint64_t)due - sent : 0;
}

/* Until a burst is due, or the end, or a signal. */
static void pace_sleep(const struct pace *p, uint64_t sent, int64_t deadline)
{
	int64_t at = p->start +
		     (int64_t)((double)(sent + p->burst - 1) / p->per_ns) + 1;
	struct timespec ts;

	if (at > deadline)
		at = deadline;
	ts = (struct timespec){at / 1000000000, at % 1000000000};
	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
}

static bool finished(const struct sender *s)
{
	return traffic_stopped() ||
	       (s->source.limit && s->source.next >= s->source.limit) ||
	       (s->deadline != INT64_MAX && traffic_now() >= s->deadline);
}

/* As many of @budget frames as there is room for; or -errno. */
static int64_t put_frames(struct sender *s, uint64_t budget)
{
	uint64_t n;

	for (n = 0; n < budget; n++) {
		size_t len = source_len(&s->source);
		uint8_t *data;
		int room = traffic_begin(&s->port, s->ring, len, &data);

		if (room < 0)
			return room;
		if (!room)
			break;
		source_fill(&s->source, data);
		traffic_commit(&s->port, s->ring, data, len);
		s->source.next++;
		s->tally.frames++;
		s->tally.bytes += len;
	}
	return (int64_t)n;
}

static uint64_t budget_of(struct sender *s)
{
	uint64_t n = pace_due(&s->pace, s->source.next);

	if (n > s->t->batch)
		n = s->t->batch;
	if (s->source.limit && n > s->source.limit - s->source.next)
		n = s->source.limit - s->source.next;
	return n;
}

/* Hand over what is due; when not all had room, wait for some. */
static int send_some(struct sender *s)
{
	uint64_t budget = budget_of(s);
	int64_t n;
	int err;

	if (!budget) {
		pace_sleep(&s->pace, s->source.next, s->deadline);
		return 0;
	}
	n = put_frames(s, budget);
	if (n < 0)
		return (int)n;
	if (n == (int64_t)budget) {
		s->tally.syncs++;
		err = ptnet_sync_tx(s->port.port, s->queue);
		return err < 0 ? err : 0;
	}
	s->ring->cur = s->ring->tail;
	err = traffic_wait(&s->port, PTNET_TX, s->deadline, false, &s->tally);
	return err < 0 ? err : 0;
}

/* What the host has not taken was not sent. */
static int untaken(struct sender *s)
{
	const struct netmap_ring *r = s->ring;
	uint64_t frames = 0;

	for (uint32_t i = ptnet_next(r, r->tail); i != r->head;
	     i = ptnet_next(r, i)) {
		frames += !(r->slot[i].flags & NS_MOREFRAG);
		s->tally.bytes -= r->slot[i].len;
	}
	s->tally.frames -= frames;
	ctl_error("the host has not taken %llu frames of port %s: is somebody "
		  "attached to the other end?",
		  (unsigned long long)frames, s->port.name);
	return 1;
}

static int flush(struct sender *s)
{
	int err = ptnet_flush(s->port.port,
			      traffic_stopped() ? FLUSH_MS / 10 : FLUSH_MS);

	if (err == -EINTR)
		err = ptnet_flush(s->port.port, FLUSH_MS / 10);
	return err == -ETIMEDOUT || err == -EINTR ? untaken(s) : err;
}

static int send_all(struct sender *s)
{
	int err = 0, status = CTL_OK;

	s->tally.begin = traffic_now();
	pace_init(&s->pace, s->t);
	if (s->t->duration_ms)
		s->deadline = s->tally.begin + s->t->duration_ms * 1000000LL;
	while (!err && !finished(s))
		err = send_some(s);
	if (!err)
		err = flush(s);
	s->tally.end = traffic_now();
	if (err < 0)
		traffic_failed(&s->port, err);
	status = traffic_report(s->t, traffic_result(s->port.name, &s->tally));
	return err ? CTL_ERROR : status;
}

/* Room on queues that are not used must not end a sleep. */
static void ignore_other_queues(struct sender *s)
{
	for (unsigned i = 0; i < ptnet_tx_queues(s->port.port); i++) {
		struct netmap_ring *r = ptnet_tx_ring(s->port.port, i);

		if (i != s->queue)
			r->cur = r->tail;
	}
}

static int prepare(struct sender *s)
{
	s->ring = ptnet_tx_ring(s->port.port, s->queue);
	if (!s->ring)
		return traffic_no_queue(&s->port, s->queue);
	ignore_other_queues(s);
	if (s->port.netmap && !s->t->batch)
		s->t->batch = BATCH_NETMAP;
	else if (!s->t->batch)
		s->t->batch = BATCH;
	return source_open(&s->source, s->t, &s->port);
}

int traffic_send(struct traffic *t)
{
	struct sender s = {
		.t = t, .queue = (unsigned)t->queue, .deadline = INT64_MAX};
	int status = traffic_open(t, t->port, &s.port);

	if (status)
		return status;
	status = prepare(&s);
	if (!status)
		status = send_all(&s);
	traffic_pcap_free(&s.source.pcap);
	traffic_close(&s.port);
	return status;
}
