/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * traffic recv: count what arrives on all queues of a port, check it, write
 * it to a file.
 */
#include "traffic.h"

#include <errno.h>
#include <stdio.h>

#include "frame/frame.h"
#include "frame/track.h"

struct receiver {
	struct traffic *t;
	struct traffic_port port;
	struct traffic_tally tally;
	int64_t deadline;
	uint64_t corrupt, unmarked;
	struct track *track; /* NULL: do not check */
	struct traffic_dump *dump; /* NULL: do not write */
};

static void check(struct receiver *r, const struct traffic_frame *f)
{
	struct frame_mark m;
	int err = frame_check(f->data, f->len, &m);

	if (!err)
		track_add(r->track, m.stream, m.seq);
	else if (err == -ENOMSG)
		r->unmarked++;
	else
		r->corrupt++;
}

static void take(struct receiver *r, const struct traffic_frame *f)
{
	if (f->broken) {
		r->corrupt++;
		return;
	}
	r->tally.frames++;
	r->tally.bytes += f->len;
	if (r->track)
		check(r, f);
	if (r->dump)
		traffic_dump_frame(r->dump, f->data, f->len);
}

static bool enough(const struct receiver *r)
{
	return r->t->count && r->tally.frames >= r->t->count;
}

static void drain(struct receiver *r, struct netmap_ring *ring)
{
	struct traffic_frame f;

	while (!enough(r) && traffic_peek(&r->port, ring, &f)) {
		take(r, &f);
		traffic_skip(ring, f.slots);
	}
	/* The beginning of a frame alone is nothing to wake up for again. */
	ring->cur = ring->tail;
}

static int receive_some(struct receiver *r)
{
	int64_t now;
	int ready = traffic_wait(&r->port, PTNET_RX, r->deadline, r->t->poll,
				 &r->tally);

	if (ready <= 0)
		return ready;
	now = traffic_now();
	if (!r->tally.frames)
		r->tally.begin = now;
	for (unsigned i = 0; i < ptnet_rx_queues(r->port.port); i++)
		drain(r, ptnet_rx_ring(r->port.port, i));
	r->tally.end = traffic_now();
	return 0;
}

static json_t *result_of(const struct receiver *r, int64_t begin)
{
	json_t *o = traffic_result(r->port.name, &r->tally);
	struct track_result tr;

	if (!o)
		return NULL;
	json_object_set_new(o, "elapsed",
			    json_real((double)(traffic_now() - begin) / 1e9));
	if (!r->track)
		return o;
	track_result(r->track, &tr);
	json_object_set_new(o, "lost", json_integer((json_int_t)tr.lost));
	json_object_set_new(o, "reordered",
			    json_integer((json_int_t)tr.reordered));
	json_object_set_new(o, "duplicated",
			    json_integer((json_int_t)tr.duplicated));
	json_object_set_new(o, "corrupt", json_integer((json_int_t)r->corrupt));
	json_object_set_new(
		o, "unmarked",
		json_integer((json_int_t)(r->unmarked + tr.ignored)));
	return o;
}

static int receive_all(struct receiver *r)
{
	int64_t begin = traffic_now();
	int err = 0, status;

	r->tally.begin = r->tally.end = begin;
	r->deadline = r->t->timeout_ms ? begin + r->t->timeout_ms * 1000000LL
				       : INT64_MAX;
	fprintf(stderr, "ready\n");
	while (!err && !traffic_stopped() && !enough(r) &&
	       (r->deadline == INT64_MAX || traffic_now() < r->deadline))
		err = receive_some(r);
	if (!r->tally.frames)
		r->tally.end = traffic_now();
	if (err)
		traffic_failed(&r->port, err);
	status = traffic_report(r->t, result_of(r, begin));
	return err || status || (r->t->count && !enough(r)) ? CTL_ERROR
							    : CTL_OK;
}

static int prepare(struct receiver *r)
{
	if (r->t->check) {
		r->track = track_new();
		if (!r->track)
			return ctl_error("out of memory");
	}
	if (r->t->pcap_write) {
		r->dump = traffic_dump_open(r->t->pcap_write);
		if (!r->dump)
			return CTL_ERROR;
	}
	return traffic_open(r->t, r->t->port, &r->port);
}

int traffic_recv(struct traffic *t)
{
	struct receiver r = {.t = t};
	int status = prepare(&r);

	if (!status)
		status = receive_all(&r);
	if (traffic_dump_close(r.dump))
		status = CTL_ERROR;
	track_free(r.track);
	traffic_close(&r.port);
	return status;
}
