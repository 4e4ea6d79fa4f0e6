// SPDX-License-Identifier: BSD-2-Clause
/*
 * VALE switches as programs see them: who gets which frames, in how many
 * slots, in which order; the walk over ports; ports that stay.
 */
#include "abi.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit/packet.h"

struct three {
	struct abi_port p[3]; /* addresses 1, 2, 3 */
};

static int setup(void **state)
{
	static struct three three;

	abi_open(&three.p[0], "vale0:a");
	abi_open(&three.p[1], "vale0:b");
	abi_open(&three.p[2], "vale0:c");
	*state = &three;
	return 0;
}

static int teardown(void **state)
{
	struct three *x = *state;

	for (int i = 0; i < 3; i++)
		abi_shut(&x->p[i]);
	return 0;
}

static void expect(struct three *x, unsigned a, unsigned b, unsigned c)
{
	assert_int_equal(abi_drain(&x->p[0]), a);
	assert_int_equal(abi_drain(&x->p[1]), b);
	assert_int_equal(abi_drain(&x->p[2]), c);
}

static void test_learning(void **state)
{
	struct three *x = *state;

	abi_send(&x->p[0], FRAME_MIN, 2, 1, 0); /* not known: to all */
	expect(x, 0, 1, 1);
	abi_send(&x->p[1], FRAME_MIN, 1, 2, 0);
	expect(x, 1, 0, 0);
	abi_send(&x->p[0], FRAME_MIN, 2, 1, 0);
	expect(x, 0, 1, 0);
	abi_send(&x->p[2], FRAME_MIN, TO_ALL, 3, 0);
	expect(x, 1, 1, 0);
	abi_send(&x->p[0], FRAME_MIN, 1, 1, 0); /* to itself */
	expect(x, 0, 0, 0);
	abi_send(&x->p[2], FRAME_MIN, 3, 2, 0); /* 2 has moved */
	expect(x, 0, 0, 0);
	abi_send(&x->p[0], FRAME_MIN, 2, 1, 0);
	expect(x, 0, 0, 1);
}

static void test_what_a_leaver_was_known_for_is_forgotten(void **state)
{
	struct three *x = *state;

	abi_send(&x->p[2], FRAME_MIN, TO_ALL, 3, 0);
	expect(x, 1, 1, 0);
	abi_send(&x->p[0], FRAME_MIN, 3, 1, 0);
	expect(x, 0, 0, 1);
	abi_shut(&x->p[2]);
	abi_open(&x->p[2], "vale0:d");
	abi_send(&x->p[0], FRAME_MIN, 3, 1, 0);
	expect(x, 0, 1, 1);
}

static void test_no_learn(void **state)
{
	struct three *x = *state;
	struct netmap_ring *tx = abi_tx(&x->p[1], 0);
	const uint32_t at = tx->head;

	abi_put(tx, FRAME_MIN, TO_ALL, 2, 0);
	tx->slot[at].flags |= NS_NO_LEARN;
	assert_int_equal(abi_txsync(&x->p[1]), 0);
	expect(x, 1, 0, 1);
	abi_send(&x->p[0], FRAME_MIN, 2, 1, 0);
	expect(x, 0, 1, 1);
}

static void test_switches_are_apart(void **state)
{
	struct three *x = *state;
	struct abi_port other;

	abi_open(&other, "vale1:a");
	abi_send(&other, FRAME_MIN, TO_ALL, 9, 0);
	expect(x, 0, 0, 0);
	abi_send(&x->p[0], FRAME_MIN, TO_ALL, 1, 0);
	assert_int_equal(abi_drain(&other), 0);
	expect(x, 0, 1, 1);
	abi_shut(&other);
}

static void test_two_programs_of_one_port(void **state)
{
	struct three *x = *state;
	struct abi_port same;

	abi_open(&same, "vale0:a");
	abi_send(&same, FRAME_MIN, 2, 1, 1);
	expect(x, 0, 1, 1);
	abi_send(&x->p[1], FRAME_MIN, 1, 2, 1);
	assert_int_equal(abi_drain(&same), 1);
	abi_shut(&same);
	/* the port is still there */
	abi_send(&x->p[1], FRAME_MIN, 1, 2, 1);
	expect(x, 1, 0, 0);
}

static void test_a_full_receiver_drops(void **state)
{
	struct three *x = *state;
	struct netmap_ring *tx = abi_tx(&x->p[0], 0);
	unsigned got, sent = 0;

	abi_send(&x->p[1], FRAME_MIN, TO_ALL, 2, 0);
	expect(x, 1, 0, 1);
	for (int round = 0; round < 5; round++) {
		for (unsigned i = 0; i < 500; i++)
			abi_put(tx, FRAME_MIN, 2, 1, sent++);
		assert_int_equal(abi_txsync(&x->p[0]), 0);
		assert_int_equal(abi_space(tx), tx->num_slots - 1);
	}
	assert_int_equal(abi_rxsync(&x->p[1]), 0);
	got = abi_space(abi_rx(&x->p[1], 0));
	assert_in_range(got, 1000, tx->num_slots - 1);
	/* the oldest, in order */
	for (unsigned i = 0; i < got; i++)
		assert_int_equal(abi_take(abi_rx(&x->p[1], 0)), i);
	assert_int_equal(abi_drain(&x->p[1]), 0);
	abi_send(&x->p[0], FRAME_MIN, 2, 1, 0);
	expect(x, 0, 1, 0);
}

static void test_one_flow_keeps_its_order(void **state)
{
	struct three *x = *state;
	struct netmap_ring *tx = abi_tx(&x->p[0], 0), *rx;
	uint64_t next = 0, sent = 0;

	abi_send(&x->p[1], FRAME_MIN, TO_ALL, 2, 0);
	expect(x, 1, 0, 1);
	rx = abi_rx(&x->p[1], 0);
	srand(7);
	for (int round = 0; round < 300; round++) {
		for (int i = rand() % 200; i; i--)
			abi_put(tx, 60 + (size_t)rand() % 1000, 2, 1, sent++);
		assert_int_equal(abi_txsync(&x->p[0]), 0);
		assert_int_equal(abi_rxsync(&x->p[1]), 0);
		while (abi_space(rx))
			assert_int_equal(abi_take(rx), next++);
	}
	assert_int_equal(next, sent);
}

/* Fragments */

static void put_fragments(struct netmap_ring *tx, unsigned n, size_t each,
			  char *whole)
{
	for (unsigned i = 0; i < n; i++) {
		struct netmap_slot *s = &tx->slot[tx->head];

		memcpy(abi_buf(tx, s->buf_idx), whole + i * each, each);
		s->len = (uint16_t)each;
		s->flags = i + 1 < n ? NS_MOREFRAG : 0;
		tx->head = tx->cur = abi_next(tx, tx->head);
	}
}

static void check_fragments(struct netmap_ring *rx, unsigned n, size_t bytes,
			    const char *whole)
{
	size_t at = 0;

	assert_true(abi_space(rx) >= n);
	for (unsigned i = 0; i < n; i++) {
		const struct netmap_slot *s = &rx->slot[rx->head];

		assert_int_equal(NS_RFRAGS(s), n);
		assert_int_equal(!!(s->flags & NS_MOREFRAG), i + 1 < n);
		assert_memory_equal(abi_buf(rx, s->buf_idx), whole + at,
				    s->len);
		at += s->len;
		rx->head = rx->cur = abi_next(rx, rx->head);
	}
	assert_int_equal(at, bytes);
}

static void test_fragments(void **state)
{
	static const unsigned counts[] = {1, 2, 3, 17, 63, 64};
	static char whole[64 * 2048];
	struct three *x = *state;
	struct netmap_ring *tx = abi_tx(&x->p[0], 0);
	struct netmap_ring *rx = abi_rx(&x->p[1], 0);

	abi_frame(whole, sizeof(whole), 2, 1, 42);
	for (size_t i = 0; i < COUNT(counts); i++) {
		const unsigned n = counts[i];

		put_fragments(tx, n, 1000, whole);
		assert_int_equal(abi_txsync(&x->p[0]), 0);
		assert_int_equal(abi_rxsync(&x->p[1]), 0);
		if (abi_space(rx) == n)
			check_fragments(rx, n, n * 1000, whole);
		else /* or packed into as few as it takes */
			check_fragments(rx, abi_space(rx), n * 1000, whole);
		assert_int_equal(abi_space(rx), 0);
		abi_rxsync(&x->p[1]);
	}
}

/* 65 slots are no frame any more. */
static void test_too_many_fragments(void **state)
{
	static char whole[65 * 100];
	struct three *x = *state;
	struct netmap_ring *tx = abi_tx(&x->p[0], 0);

	abi_frame(whole, sizeof(whole), 2, 1, 42);
	put_fragments(tx, 65, 100, whole);
	assert_int_equal(abi_txsync(&x->p[0]), 0);
	assert_int_equal(abi_rxsync(&x->p[1]), 0);
	assert_int_equal(abi_space(abi_rx(&x->p[1], 0)), 0);
	abi_send(&x->p[0], FRAME_MIN, TO_ALL, 1, 0);
	expect(x, 0, 1, 1);
}

/* A chain without an end takes no port down. */
static void test_an_endless_chain(void **state)
{
	struct three *x = *state;
	struct netmap_ring *tx = abi_tx(&x->p[0], 0);

	for (int round = 0; round < 3; round++) {
		while (abi_space(tx)) {
			const uint32_t at = tx->head;

			abi_put(tx, FRAME_MIN, 2, 1, 0);
			tx->slot[at].flags = NS_MOREFRAG;
		}
		assert_int_equal(abi_txsync(&x->p[0]), 0);
		assert_int_equal(abi_rxsync(&x->p[1]), 0);
		assert_int_equal(abi_space(abi_rx(&x->p[1], 0)), 0);
	}
	/* what ends the chain may be its last slot */
	abi_send(&x->p[0], FRAME_MIN, TO_ALL, 1, 0);
	abi_send(&x->p[0], FRAME_MIN, TO_ALL, 1, 0);
	assert_in_range(abi_drain(&x->p[1]), 1, 2);
}

/* The walk */

static int walk(int fd, uint16_t *bridge, uint32_t *port, char *name)
{
	struct nmreq_vale_list body = {.nr_bridge_idx = *bridge,
				       .nr_port_idx = *port};
	struct nmreq_header h = {.nr_version = NETMAP_API,
				 .nr_reqtype = NETMAP_REQ_VALE_LIST,
				 .nr_body = (uintptr_t)&body};
	int err = abi_call(fd, &h);

	*bridge = body.nr_bridge_idx;
	*port = body.nr_port_idx;
	memcpy(name, h.nr_name, sizeof(h.nr_name));
	return err;
}

static void test_the_walk_over_all_ports(void **state)
{
	static const char *const mine[] = {"vale0:a", "vale0:b", "vale0:c",
					   "vale7:z"};
	unsigned seen[COUNT(mine)] = {0}, steps = 0;
	char name[NETMAP_REQ_IFNAMSIZ];
	struct abi_port other;
	uint16_t bridge = 0;
	uint32_t port = 0;
	int err, fd = abi_device();

	(void)state;
	abi_open(&other, "vale7:z");
	while (!(err = walk(fd, &bridge, &port, name))) {
		assert_true(++steps < 100);
		for (size_t i = 0; i < COUNT(mine); i++)
			seen[i] += !strcmp(name, mine[i]);
		port++;
	}
	assert_error(err, ENOENT);
	for (size_t i = 0; i < COUNT(mine); i++)
		assert_int_equal(seen[i], 1);
	bridge = UINT16_MAX;
	port = UINT32_MAX;
	assert_error(walk(fd, &bridge, &port, name), ENOENT);
	abi_shut(&other);
	abi_close(fd);
}

static void test_one_port_is_looked_up(void **state)
{
	struct nmreq_vale_list a = {0}, b = {0};
	int fd = abi_device();

	(void)state;
	assert_int_equal(
		abi_ctrl(fd, "vale0:a", NETMAP_REQ_VALE_LIST, &a, NULL), 0);
	assert_int_equal(
		abi_ctrl(fd, "vale0:b", NETMAP_REQ_VALE_LIST, &b, NULL), 0);
	assert_int_equal(a.nr_bridge_idx, b.nr_bridge_idx);
	assert_int_not_equal(a.nr_port_idx, b.nr_port_idx);
	assert_fails(
		abi_ctrl(fd, "vale0:nobody", NETMAP_REQ_VALE_LIST, &a, NULL));
	assert_fails(abi_ctrl(fd, "vale9:a", NETMAP_REQ_VALE_LIST, &a, NULL));
	abi_close(fd);
}

/* Headers */

static void test_header_lengths(void **state)
{
	static const struct {
		uint32_t length;
		int error;
	} lengths[] = {{0, 0},	      {10, 0},
		       {12, 0},	      {1, EINVAL},
		       {11, EINVAL},  {13, EINVAL},
		       {256, EINVAL}, {UINT32_MAX, EINVAL}};
	int fd = abi_device();

	(void)state;
	for (size_t i = 0; i < COUNT(lengths); i++) {
		struct nmreq_port_hdr set = {.nr_hdr_len = lengths[i].length};
		struct nmreq_port_hdr get = {.nr_hdr_len = 99};

		assert_error(abi_ctrl(fd, "vale0:a", NETMAP_REQ_PORT_HDR_SET,
				      &set, NULL),
			     lengths[i].error);
		assert_int_equal(abi_ctrl(fd, "vale0:a",
					  NETMAP_REQ_PORT_HDR_GET, &get, NULL),
				 0);
		assert_int_equal(get.nr_hdr_len,
				 lengths[i].error ? 12 : lengths[i].length);
	}
	abi_close(fd);
}

static void test_headers_of_nobody(void **state)
{
	struct nmreq_port_hdr hdr = {.nr_hdr_len = 0};
	int fd = abi_device();

	(void)state;
	assert_fails(abi_ctrl(fd, "vale0:nobody", NETMAP_REQ_PORT_HDR_GET, &hdr,
			      NULL));
	assert_fails(
		abi_ctrl(fd, "nosuchdev", NETMAP_REQ_PORT_HDR_SET, &hdr, NULL));
	abi_close(fd);
}

static void set_header(const char *name, uint32_t len)
{
	struct nmreq_port_hdr hdr = {.nr_hdr_len = len};
	int fd = abi_device();

	assert_int_equal(
		abi_ctrl(fd, name, NETMAP_REQ_PORT_HDR_SET, &hdr, NULL), 0);
	abi_close(fd);
}

static void send_behind(struct abi_port *p, size_t hdr, unsigned dst,
			unsigned src, char first)
{
	struct netmap_ring *r = abi_tx(p, 0);
	struct netmap_slot *s = &r->slot[r->head];
	char *buf = abi_buf(r, s->buf_idx);

	memset(buf, 0x11, hdr);
	buf[0] = first;
	buf[1] = 0;
	abi_frame(buf + hdr, 100, dst, src, 5);
	s->len = (uint16_t)(hdr + 100);
	s->flags = 0;
	r->head = r->cur = abi_next(r, r->head);
	assert_int_equal(abi_txsync(p), 0);
}

/* One frame, behind a header of that length. */
static void take_behind(struct abi_port *p, size_t hdr)
{
	struct netmap_ring *r = abi_rx(p, 0);
	const struct netmap_slot *s = &r->slot[r->head];

	assert_int_equal(abi_rxsync(p), 0);
	assert_int_equal(abi_space(r), 1);
	assert_int_equal(s->len, hdr + 100);
	assert_int_equal(abi_frame_number(abi_buf(r, s->buf_idx) + hdr, 100),
			 5);
	r->head = r->cur = r->tail;
	assert_int_equal(abi_rxsync(p), 0);
}

/* The switch looks past headers, and each port has frames with its own. */
static void test_frames_with_headers(void **state)
{
	struct three *x = *state;

	set_header("vale0:a", 12);
	set_header("vale0:b", 10);
	send_behind(&x->p[0], 12, TO_ALL, 1, 0);
	take_behind(&x->p[1], 10);
	take_behind(&x->p[2], 0);
	send_behind(&x->p[2], 0, 1, 3, 2);
	take_behind(&x->p[0], 12);
	expect(x, 0, 0, 0);
	/* learnt from behind the header as well */
	send_behind(&x->p[1], 10, 1, 2, 0);
	take_behind(&x->p[0], 12);
	expect(x, 0, 0, 0);
	/* a header that cannot be is nobody's */
	send_behind(&x->p[1], 10, TO_ALL, 2, 1);
	expect(x, 0, 0, 0);
}

static void send_chain(struct abi_port *p, const uint8_t *data, uint32_t len)
{
	struct netmap_ring *r = abi_tx(p, 0);

	while (len) {
		struct netmap_slot *s = &r->slot[r->head];
		const uint32_t n = len < r->nr_buf_size ? len : r->nr_buf_size;

		assert_true(abi_space(r) > 0);
		memcpy(abi_buf(r, s->buf_idx), data, n);
		data += n;
		len -= n;
		s->len = (uint16_t)n;
		s->flags = len ? NS_MOREFRAG : 0;
		r->head = r->cur = abi_next(r, r->head);
	}
	assert_int_equal(abi_txsync(p), 0);
}

/* Returns 0 when there is no frame. */
static uint32_t take_chain(struct abi_port *p, uint8_t *data)
{
	struct netmap_ring *r = abi_rx(p, 0);
	uint32_t len = 0;
	bool more = true;

	assert_int_equal(abi_rxsync(p), 0);
	while (more && abi_space(r)) {
		const struct netmap_slot *s = &r->slot[r->head];

		memcpy(data + len, abi_buf(r, s->buf_idx), s->len);
		len += s->len;
		more = s->flags & NS_MOREFRAG;
		r->head = r->cur = abi_next(r, r->head);
	}
	assert_int_equal(abi_rxsync(p), 0);
	return len;
}

/* 64 KiB of TCP: as they are for who has a header, else cut and summed. */
static void test_large_frames(void **state)
{
	static uint8_t sent[PACKET_MAX], got[PACKET_MAX], want[PACKET_MAX];
	const struct packet p = {
		.dst = 0xffffffffffffULL,
		.src = 0x020000000102ULL,
		.flags = PACKET_ACK | PACKET_PSH,
		.payload = 65535 - 40,
		.seed = 5,
	};
	struct three *x = *state;
	uint32_t len, n = 0;

	set_header("vale0:a", 12);
	set_header("vale0:b", 12);
	len = packet_write_vnet(&p, 12, 1460, sent);
	send_chain(&x->p[0], sent, len);
	assert_int_equal(take_chain(&x->p[1], got), len);
	assert_memory_equal(got, sent, len);
	for (; (len = packet_segment(&p, 1460, n, want)); n++) {
		assert_int_equal(take_chain(&x->p[2], got), len);
		assert_memory_equal(got, want, len);
	}
	assert_int_equal(n, 45);
	expect(x, 0, 0, 0);
}

/* Attaching */

static void test_attaching_what_there_is_not(void **state)
{
	struct nmreq_vale_attach attach = {.reg = {.nr_mode = NR_REG_ALL_NIC}};
	struct nmreq_vale_detach detach = {0};
	int fd = abi_device();

	(void)state;
	assert_error(abi_ctrl(fd, "vale0:nosuchdev", NETMAP_REQ_VALE_ATTACH,
			      &attach, NULL),
		     ENXIO);
	assert_error(abi_ctrl(fd, "vale0:nosuchdev", NETMAP_REQ_VALE_DETACH,
			      &detach, NULL),
		     ENXIO);
	assert_fails(abi_ctrl(fd, "vale9:nosuchdev", NETMAP_REQ_VALE_DETACH,
			      &detach, NULL));
	assert_fails(abi_ctrl(fd, "lo", NETMAP_REQ_VALE_ATTACH, &attach, NULL));
	abi_close(fd);
}

static void test_polling_needs_a_device(void **state)
{
	static const struct nmreq_vale_polling wishes[] = {
		{.nr_mode = NETMAP_POLLING_MODE_SINGLE_CPU,
		 .nr_num_polling_cpus = 1},
		{.nr_mode = NETMAP_POLLING_MODE_MULTI_CPU,
		 .nr_num_polling_cpus = 1},
		{.nr_mode = 0},
		{.nr_mode = 3, .nr_num_polling_cpus = 1},
		{.nr_mode = NETMAP_POLLING_MODE_SINGLE_CPU,
		 .nr_first_cpu_id = UINT32_MAX,
		 .nr_num_polling_cpus = UINT32_MAX},
	};
	int fd = abi_device();

	(void)state;
	for (size_t i = 0; i < COUNT(wishes); i++) {
		struct nmreq_vale_polling body = wishes[i];

		assert_fails(abi_ctrl(fd, "vale0:a",
				      NETMAP_REQ_VALE_POLLING_ENABLE, &body,
				      NULL));
		assert_fails(abi_ctrl(fd, "vale0:nobody",
				      NETMAP_REQ_VALE_POLLING_ENABLE, &body,
				      NULL));
		assert_fails(abi_ctrl(fd, "vale0:a",
				      NETMAP_REQ_VALE_POLLING_DISABLE, &body,
				      NULL));
	}
	abi_close(fd);
}

/* Persistent ports */

static int newif(int fd, const char *name)
{
	struct nmreq_vale_newif body = {0};

	return abi_ctrl(fd, name, NETMAP_REQ_VALE_NEWIF, &body, NULL);
}

static int delif(int fd, const char *name)
{
	return abi_ctrl(fd, name, NETMAP_REQ_VALE_DELIF, NULL, NULL);
}

/* No more than what can be told from pipes, switches and patterns. */
static void test_names_of_persistent_ports(void **state)
{
	static const char *const bad[] = {
		"",	   "{",	      "}",	    "p{1",
		"vale5:p", "p%d",     "a b",	    "\xe4",
		"a^",	   ".hidden", "with/slash", "0123456789abcdef"};
	int fd = abi_device();

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_error(newif(fd, bad[i]), EINVAL);
	assert_int_equal(newif(fd, "0123456789_a-.b"), 0);
	assert_error(newif(fd, "0123456789_a-.b"), EEXIST);
	assert_int_equal(delif(fd, "0123456789_a-.b"), 0);
	assert_error(delif(fd, "0123456789_a-.b"), ENXIO);
	abi_close(fd);
}

/* What was asked for, to be seen before anybody opens it. */
static void test_persistent_ports_as_wished(void **state)
{
	struct nmreq_vale_newif body = {.nr_tx_slots = 128,
					.nr_rx_slots = 256,
					.nr_tx_rings = 2,
					.nr_rx_rings = 3};
	struct nmreq_port_info_get info = {0};
	struct abi_port port;
	int fd = abi_device();

	(void)state;
	assert_int_equal(
		abi_ctrl(fd, "pers0", NETMAP_REQ_VALE_NEWIF, &body, NULL), 0);
	assert_int_equal(body.nr_tx_slots, 128);
	assert_int_equal(body.nr_rx_slots, 256);
	assert_int_equal(body.nr_tx_rings, 2);
	assert_int_equal(body.nr_rx_rings, 3);
	assert_int_not_equal(if_nametoindex("pers0"), 0);
	assert_int_equal(abi_ctrl(fd, "pers0", NETMAP_REQ_PORT_INFO_GET, &info,
				  NULL),
			 0);
	assert_int_equal(info.nr_tx_slots, 128);
	assert_int_equal(info.nr_rx_rings, 3);
	assert_int_equal(info.nr_host_tx_rings, 1);
	abi_open(&port, "pers0");
	assert_int_equal(port.reg.nr_rx_slots, 256);
	assert_int_equal(port.reg.nr_tx_rings, 2);
	abi_shut(&port);
	assert_int_equal(delif(fd, "pers0"), 0);
	assert_int_equal(if_nametoindex("pers0"), 0);
	body = (struct nmreq_vale_newif){0};
	assert_int_equal(
		abi_ctrl(fd, "pers0", NETMAP_REQ_VALE_NEWIF, &body, NULL), 0);
	assert_int_equal(body.nr_tx_slots, 1024);
	assert_int_equal(body.nr_rx_rings, 1);
	assert_int_equal(delif(fd, "pers0"), 0);
	body.nr_mem_id = 60000;
	assert_error(abi_ctrl(fd, "pers0", NETMAP_REQ_VALE_NEWIF, &body, NULL),
		     EINVAL);
	assert_int_equal(if_nametoindex("pers0"), 0);
	abi_close(fd);
}

/* The host's stack would not look past them. */
static void test_devices_have_no_headers(void **state)
{
	struct nmreq_port_hdr hdr = {.nr_hdr_len = 12};
	int fd = abi_device();

	(void)state;
	assert_int_equal(newif(fd, "pers0"), 0);
	assert_error(abi_ctrl(fd, "pers0", NETMAP_REQ_PORT_HDR_SET, &hdr, NULL),
		     EOPNOTSUPP);
	assert_int_equal(
		abi_ctrl(fd, "pers0", NETMAP_REQ_PORT_HDR_GET, &hdr, NULL), 0);
	assert_int_equal(hdr.nr_hdr_len, 0);
	assert_int_equal(delif(fd, "pers0"), 0);
	abi_close(fd);
}

static uint32_t index_of(int fd, const char *name)
{
	struct nmreq_vale_list at = {0};

	assert_int_equal(abi_ctrl(fd, name, NETMAP_REQ_VALE_LIST, &at, NULL),
			 0);
	return at.nr_port_idx;
}

/* It has the number that the walk shows, and by either name it is the same. */
static void test_attached_by_its_name(void **state)
{
	static const char *const names[] = {"vale0:pers0", "pers0"};
	struct nmreq_vale_attach attach = {.reg = {.nr_mode = NR_REG_ALL_NIC}};
	struct nmreq_vale_detach detach = {.port_index = 99};
	struct three *x = *state;
	int fd = abi_device();

	assert_int_equal(newif(fd, "pers0"), 0);
	attach.reg.nr_mode = NR_REG_ONE_NIC;
	assert_error(abi_ctrl(fd, "vale0:pers0", NETMAP_REQ_VALE_ATTACH,
			      &attach, NULL),
		     EINVAL);
	attach.reg.nr_mode = NR_REG_DEFAULT;
	attach.port_index = 99;
	assert_int_equal(abi_ctrl(fd, "vale0:pers0", NETMAP_REQ_VALE_ATTACH,
				  &attach, NULL),
			 0);
	assert_int_equal(attach.port_index, index_of(fd, "vale0:pers0"));
	assert_error(abi_ctrl(fd, "vale0:pers0", NETMAP_REQ_VALE_ATTACH,
			      &attach, NULL),
		     EBUSY);
	assert_error(abi_ctrl(fd, "vale0:a", NETMAP_REQ_VALE_ATTACH, &attach,
			      NULL),
		     EBUSY);
	for (size_t i = 0; i < COUNT(names); i++) {
		struct abi_port port;

		abi_open(&port, names[i]);
		abi_send(&port, FRAME_MIN, TO_ALL, 4, i);
		expect(x, 1, 1, 1);
		assert_int_not_equal(if_nametoindex("pers0"), 0);
		assert_int_equal(if_nametoindex(names[0]), 0);
		assert_int_equal(index_of(fd, "vale0:pers0"),
				 attach.port_index);
		abi_shut(&port);
		assert_int_not_equal(if_nametoindex("pers0"), 0);
	}
	assert_int_equal(abi_ctrl(fd, "vale0:pers0", NETMAP_REQ_VALE_DETACH,
				  &detach, NULL),
			 0);
	assert_int_equal(detach.port_index, attach.port_index);
	assert_error(abi_ctrl(fd, "vale0:pers0", NETMAP_REQ_VALE_DETACH,
			      &detach, NULL),
		     ENXIO);
	assert_int_equal(delif(fd, "pers0"), 0);
	abi_close(fd);
}

static void test_persistent_ports_in_use_stay(void **state)
{
	struct nmreq_vale_attach attach = {.reg = {.nr_mode = NR_REG_ALL_NIC}};
	struct nmreq_vale_detach detach = {0};
	struct abi_port port;
	int fd = abi_device();

	(void)state;
	assert_int_equal(newif(fd, "pers0"), 0);
	assert_int_equal(abi_ctrl(fd, "vale0:pers0", NETMAP_REQ_VALE_ATTACH,
				  &attach, NULL),
			 0);
	assert_error(delif(fd, "pers0"), EBUSY);
	assert_int_equal(abi_ctrl(fd, "vale0:pers0", NETMAP_REQ_VALE_DETACH,
				  &detach, NULL),
			 0);
	abi_open(&port, "pers0");
	assert_error(delif(fd, "pers0"), EBUSY);
	abi_shut(&port);
	assert_int_equal(delif(fd, "pers0"), 0);
	abi_close(fd);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_learning),
		TEST(test_what_a_leaver_was_known_for_is_forgotten),
		TEST(test_no_learn),
		TEST(test_switches_are_apart),
		TEST(test_two_programs_of_one_port),
		TEST(test_a_full_receiver_drops),
		TEST(test_one_flow_keeps_its_order),
		TEST(test_fragments),
		TEST(test_too_many_fragments),
		TEST(test_an_endless_chain),
		TEST(test_the_walk_over_all_ports),
		TEST(test_one_port_is_looked_up),
		TEST(test_header_lengths),
		TEST(test_frames_with_headers),
		TEST(test_large_frames),
		TEST(test_headers_of_nobody),
		TEST(test_attaching_what_there_is_not),
		TEST(test_polling_needs_a_device),
		TEST(test_names_of_persistent_ports),
		TEST(test_persistent_ports_as_wished),
		TEST(test_devices_have_no_headers),
		TEST(test_attached_by_its_name),
		TEST(test_persistent_ports_in_use_stay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
