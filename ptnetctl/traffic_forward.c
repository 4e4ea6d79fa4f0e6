/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * traffic forward: frames that arrive go back where they came from, or out of
 * another port. Waits for room instead of dropping. Two ports of one memory
 * exchange buffers; so does a port with itself; else frames are copied.
 */
#include "traffic.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "frame/frame.h"

enum { SLICE_MS = 250 };

/* One way of frames: from all receive queues of a port into another. */
struct lane {
	struct traffic_port *from, *to;
	bool swap; /* buffers, instead of copying */
	bool full; /* a frame waits for room */
};

struct forwarder {
	struct traffic *t;
	struct traffic_port port[2];
	struct lane lane[2];
	unsigned ports; /* and lanes */
	struct traffic_tally tally;
	uint64_t dropped; /* frames that make no sense */
};

static void swap_slots(struct netmap_ring *rx, struct netmap_ring *tx)
{
	struct netmap_slot *a = &rx->slot[rx->head], *b = &tx->slot[tx->head];
	uint32_t idx = a->buf_idx;

	a->buf_idx = b->buf_idx;
	b->buf_idx = idx;
	b->len = a->len;
	b->flags = (a->flags & NS_MOREFRAG) | NS_BUF_CHANGED;
	a->flags = NS_BUF_CHANGED;
	rx->head = rx->cur = ptnet_next(rx, rx->head);
	tx->head = tx->cur = ptnet_next(tx, tx->head);
}

/* The header is in the first slot, or the frame is none to turn. */
static void turn(const struct lane *l, struct netmap_ring *rx,
		 const struct traffic_frame *f)
{
	const struct netmap_slot *s = &rx->slot[rx->head];

	if (l->from != l->to)
		return;
	if (l->swap && f->slots > 1)
		frame_turn((uint8_t *)ptnet_buf(rx, s->buf_idx), s->len,
			   ptnet_mac(l->to->port));
	else
		frame_turn(f->data, f->len, ptnet_mac(l->to->port));
}

/* 1: moved; 0: no room; -errno. */
static int move_frame(struct lane *l, struct netmap_ring *rx,
		      struct netmap_ring *tx, const struct traffic_frame *f)
{
	uint8_t *data;
	int room;

	if (l->swap) {
		if (ptnet_space(tx) < f->slots)
			return 0;
		turn(l, rx, f);
		for (uint32_t i = 0; i < f->slots; i++)
			swap_slots(rx, tx);
		return 1;
	}
	room = traffic_begin(l->to, tx, f->len, &data);
	if (room <= 0)
		return room;
	turn(l, rx, f);
	traffic_commit(l->to, tx, f->data, f->len);
	traffic_skip(rx, f->slots);
	return 1;
}

/* A frame that the other port can never send. */
static bool hopeless(const struct lane *l, const struct netmap_ring *tx,
		     const struct traffic_frame *f)
{
	uint32_t need = l->swap ? f->slots : traffic_slots(l->to, f->len);

	return f->broken || !f->len || need > NETMAP_MAX_FRAGS ||
	       need >= tx->num_slots;
}

static bool enough(const struct forwarder *w)
{
	return w->t->count && w->tally.frames >= w->t->count;
}

/* Frames moved, or -errno. */
static int move_queue(struct forwarder *w, struct lane *l,
		      struct netmap_ring *rx, struct netmap_ring *tx)
{
	struct traffic_frame f;
	int moved = 0;

	while (!enough(w) && traffic_peek(l->from, rx, &f)) {
		int room = hopeless(l, tx, &f) ? -ENOMSG
					       : move_frame(l, rx, tx, &f);

		if (room == -ENOMSG) {
			traffic_skip(rx, f.slots);
			w->dropped++;
			continue;
		}
		if (room < 0)
			return room;
		if (!room) {
			l->full = true;
			break;
		}
		moved++;
		w->tally.frames++;
		w->tally.bytes += f.len;
	}
	/* Woken by what comes from now on; by room only when it is needed. */
	rx->cur = rx->tail;
	tx->cur = tx->tail;
	return moved;
}

static int failed(const struct traffic_port *p, int err)
{
	traffic_failed(p, err);
	return err;
}

static int sync_out(struct forwarder *w, const struct lane *l, unsigned queue)
{
	w->tally.syncs++;
	return ptnet_sync_tx(l->to->port, queue);
}

static int move_lane(struct forwarder *w, struct lane *l)
{
	unsigned out = ptnet_tx_queues(l->to->port);
	int moved = 0, err = 0;

	l->full = false;
	for (unsigned i = 0; i < ptnet_rx_queues(l->from->port); i++) {
		struct netmap_ring *rx = ptnet_rx_ring(l->from->port, i);
		struct netmap_ring *tx = ptnet_tx_ring(l->to->port, i % out);
		int n;

		err = ptnet_sync_rx(l->from->port, i);
		w->tally.syncs++;
		if (err < 0)
			return failed(l->from, err);
		if (!err)
			continue;
		if (ptnet_space(tx) < (uint32_t)err)
			err = sync_out(w, l, i % out);
		n = err < 0 ? err : move_queue(w, l, rx, tx);
		if (n > 0)
			err = sync_out(w, l, i % out);
		if (n < 0 || err < 0)
			return failed(l->to, n < 0 ? n : err);
		moved += n;
	}
	return moved;
}

/* What a port should wake us for. */
static int wanted(const struct forwarder *w, const struct traffic_port *p)
{
	int what = 0;

	for (unsigned i = 0; i < w->ports; i++) {
		if (w->lane[i].from == p)
			what |= PTNET_RX;
		if (w->lane[i].to == p && w->lane[i].full)
			what |= PTNET_TX;
	}
	return what;
}

/* Sleep until a port has something to do; 0 or -errno. */
static int rest(struct forwarder *w)
{
	struct pollfd pfd[2];
	int ready = 0;

	w->tally.waits++;
	for (unsigned i = 0; i < w->ports; i++) {
		struct ptnet_port *p = w->port[i].port;
		int n = ptnet_arm(p, wanted(w, &w->port[i]));

		pfd[i] = (struct pollfd){.fd = ptnet_fd(p), .events = POLLIN};
		if (n < 0)
			return failed(&w->port[i], n);
		ready |= n;
	}
	if (!ready)
		poll(pfd, w->ports, SLICE_MS);
	for (unsigned i = 0; i < w->ports; i++) {
		int n = ptnet_wait(w->port[i].port, PTNET_RX | PTNET_TX, 0);

		if (n < 0)
			return failed(&w->port[i], n);
	}
	return 0;
}

static int forward_all(struct forwarder *w)
{
	int64_t end = INT64_MAX;
	int n = 0;

	w->tally.begin = traffic_now();
	if (w->t->duration_ms)
		end = w->tally.begin + w->t->duration_ms * 1000000LL;
	fprintf(stderr, "ready\n");
	while (n >= 0 && !traffic_stopped() && !enough(w) &&
	       (end == INT64_MAX || traffic_now() < end)) {
		int moved = 0;

		for (unsigned i = 0; i < w->ports && n >= 0; i++) {
			n = move_lane(w, &w->lane[i]);
			moved += n;
		}
		if (n >= 0 && !moved && !w->t->poll)
			n = rest(w);
	}
	for (unsigned i = 0; i < w->ports && n >= 0; i++)
		ptnet_flush(w->port[i].port, 1000);
	w->tally.end = traffic_now();
	return n < 0 ? CTL_ERROR : CTL_OK;
}

static int report(const struct forwarder *w)
{
	json_t *o = traffic_result(w->port[0].name, &w->tally);

	if (o) {
		if (w->ports == 2)
			json_object_set_new(o, "to",
					    json_string(w->port[1].name));
		json_object_set_new(o, "dropped",
				    json_integer((json_int_t)w->dropped));
	}
	return traffic_report(w->t, o);
}

static int open_ports(struct forwarder *w)
{
	struct traffic_port *a = &w->port[0], *b = &w->port[1];
	int status = traffic_open(w->t, w->t->port, a);

	if (status)
		return status;
	w->ports = 1;
	w->lane[0] = (struct lane){.from = a, .to = a, .swap = true};
	if (!w->t->to)
		return CTL_OK;
	status = traffic_open(w->t, w->t->to, b);
	if (status)
		return status;
	if (!ptnet_tx_queues(a->port) || !ptnet_tx_queues(b->port))
		return traffic_no_queue(ptnet_tx_queues(a->port) ? b : a, 0);
	w->ports = 2;
	w->lane[0] = (struct lane){
		.from = a,
		.to = b,
		.swap = ptnet_same_memory(a->port, b->port),
	};
	w->lane[1] = (struct lane){.from = b, .to = a, .swap = w->lane[0].swap};
	return CTL_OK;
}

int traffic_forward(struct traffic *t)
{
	struct forwarder w = {.t = t};
	int status = open_ports(&w);

	if (!status) {
		status = forward_all(&w);
		if (report(&w))
			status = CTL_ERROR;
	}
	traffic_close(&w.port[0]);
	traffic_close(&w.port[1]);
	return status;
}
