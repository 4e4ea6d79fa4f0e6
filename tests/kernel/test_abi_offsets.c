// SPDX-License-Identifier: BSD-2-Clause
/*
 * NETMAP_REQ_OPT_OFFSETS: frames that begin anywhere in their buffers, where
 * the low bits of their slots' ptr say.
 */
#include "abi.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { MAX = 512, INITIAL = 128, GAP = 64, BITS = 16, ALIGN = 64 };

static struct nmreq_opt_offsets wish(void)
{
	return (struct nmreq_opt_offsets){
		.nro_opt = {.nro_reqtype = NETMAP_REQ_OPT_OFFSETS},
		.nro_max_offset = MAX,
		.nro_initial_offset = INITIAL,
		.nro_offset_bits = BITS,
		.nro_tx_align = ALIGN,
		.nro_min_gap = GAP,
	};
}

static int try_with(struct abi_port *p, const char *name,
		    struct nmreq_register body, struct nmreq_opt_offsets o)
{
	int err = abi_try_open_with(p, name, &body, &o);

	assert_int_equal(o.nro_opt.nro_status, -err);
	return err;
}

static void open_with(struct abi_port *p, const char *name)
{
	assert_int_equal(try_with(p, name, (struct nmreq_register){0}, wish()),
			 0);
}

static int on_a_switch(void **state)
{
	struct nmreq_opt_offsets o = wish();

	return abi_pair_open(state, "vale0:a", "vale0:b", NULL, &o);
}

static int on_a_pipe(void **state)
{
	struct nmreq_opt_offsets o = wish();

	return abi_pair_open(state, "vale0:p{1", "vale0:p}1", NULL, &o);
}

/* A frame at an offset, in the next slot; the word's other bits are @word's. */
static void put_at(struct netmap_ring *r, uint64_t word, uint64_t ofs,
		   size_t len, uint64_t n, uint16_t flags)
{
	struct netmap_slot *s = &r->slot[r->head];

	assert_true(abi_space(r) > 0);
	abi_frame(abi_buf(r, s->buf_idx) + ofs, len, TO_ALL, 1, n);
	s->len = (uint16_t)len;
	s->flags = flags;
	s->ptr = word | ofs;
	r->head = r->cur = abi_next(r, r->head);
}

/* The next frame, where its slot says. */
static uint64_t take_at(struct netmap_ring *r, uint64_t *ofs)
{
	const struct netmap_slot *s = &r->slot[r->head];

	assert_true(abi_space(r) > 0);
	*ofs = s->ptr & r->offset_mask;
	assert_true(*ofs <= MAX);
	r->head = r->cur = abi_next(r, r->head);
	return abi_frame_number(abi_buf(r, s->buf_idx) + *ofs, s->len);
}

static void sync_both(const struct abi_port *a, const struct abi_port *b)
{
	assert_int_equal(abi_txsync(a), 0);
	assert_int_equal(abi_rxsync(b), 0);
}

/* Asking */

static void test_what_is_granted(void **state)
{
	struct nmreq_opt_offsets o = wish();
	struct abi_port p;

	(void)state;
	assert_int_equal(abi_try_open_with(&p, "vale0:a", NULL, &o), 0);
	assert_int_equal(o.nro_opt.nro_status, 0);
	assert_int_equal(o.nro_max_offset, MAX);
	assert_int_equal(o.nro_initial_offset, INITIAL);
	assert_int_equal(o.nro_offset_bits, BITS);
	assert_int_equal(o.nro_tx_align, ALIGN);
	assert_int_equal(o.nro_min_gap, GAP);
	assert_int_equal(abi_tx(&p, 0)->offset_mask, (1 << BITS) - 1);
	assert_int_equal(abi_rx(&p, 0)->offset_mask, (1 << BITS) - 1);
	assert_int_equal(abi_tx(&p, 0)->buf_align, ALIGN);
	for (uint32_t i = 0; i < abi_tx(&p, 0)->num_slots; i++) {
		assert_int_equal(abi_tx(&p, 0)->slot[i].ptr, INITIAL);
		assert_int_equal(abi_rx(&p, 0)->slot[i].ptr, INITIAL);
	}
	abi_shut(&p);
	abi_open(&p, "vale0:a");
	assert_int_equal(abi_tx(&p, 0)->offset_mask, 0);
	assert_int_equal(abi_rx(&p, 0)->slot[7].ptr, 0);
	abi_shut(&p);
}

static void test_all_bits(void **state)
{
	struct nmreq_opt_offsets o = wish();
	struct abi_port p;

	(void)state;
	o.nro_offset_bits = 0;
	assert_int_equal(abi_try_open_with(&p, "vale0:a", NULL, &o), 0);
	assert_int_equal(o.nro_offset_bits, 64);
	assert_true(abi_tx(&p, 0)->offset_mask == UINT64_MAX);
	abi_shut(&p);
}

static void test_what_does_not_fit(void **state)
{
	static const struct {
		uint64_t max, initial;
		uint32_t bits, align;
		uint64_t gap;
	} wishes[] = {
		{2048, 0, 0, 0, 0},
		{UINT64_MAX, 0, 0, 0, 0},
		{0x100000080, 0, 0, 0, 0}, /* 128, were it cut */
		{128, 129, 0, 0, 0},
		{128, 0x100000000, 0, 0, 0},
		{256, 0, 8, 0, 0},
		{128, 0, 65, 0, 0},
		{128, 0, UINT32_MAX, 0, 0},
		{128, 0, 0, 3, 0},
		{128, 0, 0, 1u << 31, 0},
		{128, 0, 0, 0, 1920},
		{128, 0, 0, 0, UINT64_MAX},
		{128, 0, 0, 0, 0x100000000},
		{1024, 0, 0, 0, 1024},
		{2040, 0, 0, 0, 0}, /* no room for a frame */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(wishes); i++) {
		struct nmreq_opt_offsets o = wish();
		struct abi_port p;

		o.nro_max_offset = wishes[i].max;
		o.nro_initial_offset = wishes[i].initial;
		o.nro_offset_bits = wishes[i].bits;
		o.nro_tx_align = wishes[i].align;
		o.nro_min_gap = wishes[i].gap;
		assert_error(abi_try_open_with(&p, "vale0:a", NULL, &o),
			     EINVAL);
		assert_int_equal(o.nro_opt.nro_status, EINVAL);
	}
	abi_census(NULL);
}

static void test_only_where_rings_are_bound(void **state)
{
	struct nmreq_port_info_get info = {0};
	struct nmreq_opt_offsets o = wish();
	int fd = abi_device();

	(void)state;
	assert_error(abi_ctrl(fd, "vale0:a", NETMAP_REQ_PORT_INFO_GET, &info,
			      &o),
		     EOPNOTSUPP);
	assert_int_equal(o.nro_opt.nro_status, EOPNOTSUPP);
	abi_close(fd);
}

static void test_rings_are_shared_by_equals(void **state)
{
	struct nmreq_opt_offsets other = wish();
	struct abi_port p, q;

	(void)state;
	open_with(&p, "vale0:a");
	open_with(&q, "vale0:a");
	abi_shut(&p);
	other.nro_initial_offset = 0;
	assert_error(try_with(&p, "vale0:a", (struct nmreq_register){0}, other),
		     EBUSY);
	other = wish();
	other.nro_offset_bits = 17;
	assert_error(try_with(&p, "vale0:a", (struct nmreq_register){0}, other),
		     EBUSY);
	assert_error(abi_try_open(&p, "vale0:a", NULL), EBUSY);
	open_with(&p, "vale0:a");
	abi_shut(&q);
	abi_shut(&p);
	abi_open(&p, "vale0:a");
	assert_error(try_with(&q, "vale0:a", (struct nmreq_register){0},
			      wish()),
		     EBUSY);
	abi_shut(&p);
}

/* Of one port, each ring has its own, as long as somebody has it. */
static void test_from_the_first_binding_to_the_last(void **state)
{
	struct nmreq_register one = {.nr_mode = NR_REG_ONE_NIC,
				     .nr_tx_rings = 2,
				     .nr_rx_rings = 2,
				     .nr_ringid = 0};
	struct abi_port keeper, p;

	(void)state;
	abi_open_as(&keeper, "vale0:two", one);
	one.nr_ringid = 1;
	assert_int_equal(try_with(&p, "vale0:two", one, wish()), 0);
	assert_int_equal(abi_tx(&p, 1)->slot[0].ptr, INITIAL);
	assert_int_equal(abi_tx(&keeper, 0)->offset_mask, 0);
	abi_shut(&p);
	abi_open_as(&p, "vale0:two", one);
	assert_int_equal(abi_tx(&p, 1)->offset_mask, 0);
	assert_int_equal(abi_tx(&p, 1)->slot[0].ptr, 0);
	abi_shut(&p);
	assert_int_equal(try_with(&p, "vale0:two", one, wish()), 0);
	abi_shut(&p);
	abi_shut(&keeper);
}

/* Frames */

static void test_frames_on_a_switch(void **state)
{
	struct abi_pair *x = *state;
	struct netmap_ring *tx = abi_tx(&x->a, 0), *rx = abi_rx(&x->b, 0);
	struct abi_port plain;
	uint64_t ofs;

	abi_open(&plain, "vale0:c");
	for (unsigned i = 0; i < 5000; i++) {
		const uint64_t wanted = (i * 7) % (MAX + 1);

		rx->slot[rx->head == rx->tail ? rx->head : 0].ptr = wanted;
		put_at(tx, 0xabc0000, (i * 5) % (MAX + 1), 60 + i % 1000, i, 0);
		sync_both(&x->a, &x->b);
		assert_int_equal(take_at(rx, &ofs), i);
		assert_int_equal(abi_rxsync(&plain), 0);
		assert_int_equal(abi_take(abi_rx(&plain, 0)), i);
	}
	abi_shut(&plain);
}

/* What a program leaves in a slot before it gives it back counts. */
static void test_the_receiver_says_where(void **state)
{
	struct abi_pair *x = *state;
	struct netmap_ring *rx = abi_rx(&x->b, 0);
	struct abi_port plain;
	unsigned sent = 0;
	uint64_t ofs;

	abi_open(&plain, "vale0:c");
	for (int round = 0; round < 3; round++)
		for (unsigned i = 0; i < rx->num_slots; i++) {
			const uint32_t at = rx->head;

			abi_send(&plain, FRAME_MIN, TO_ALL, 1, sent);
			assert_int_equal(abi_rxsync(&x->b), 0);
			assert_int_equal(take_at(rx, &ofs), sent++);
			assert_int_equal(ofs, round ? i % MAX : INITIAL);
			rx->slot[at].ptr = i % MAX;
			assert_int_equal(abi_rxsync(&x->b), 0);
		}
	abi_shut(&plain);
}

static void test_chains(void **state)
{
	struct abi_pair *x = *state;
	struct netmap_ring *tx = abi_tx(&x->a, 0), *rx = abi_rx(&x->b, 0);
	uint64_t ofs;

	put_at(tx, 0, 1, 300, 1, NS_MOREFRAG);
	put_at(tx, 0, MAX, 400, 2, NS_MOREFRAG);
	put_at(tx, 0, 0, 500, 3, 0);
	sync_both(&x->a, &x->b);
	assert_int_equal(abi_space(rx), 3);
	for (unsigned i = 1; i <= 3; i++) {
		const struct netmap_slot *s = &rx->slot[rx->head];

		assert_int_equal(NS_RFRAGS(s), 3);
		assert_int_equal(!!(s->flags & NS_MOREFRAG), i < 3);
		assert_int_equal(take_at(rx, &ofs), i);
	}
}

/* Such a slot's ptr is the payload's address, all of it. */
static void test_indirect(void **state)
{
	static char payload[1000];
	struct abi_pair *x = *state;
	struct netmap_ring *tx = abi_tx(&x->a, 0), *rx = abi_rx(&x->b, 0);
	uint64_t ofs;

	for (unsigned i = 0; i < 100; i++) {
		struct netmap_slot *s = &tx->slot[tx->head];

		abi_frame(payload, sizeof(payload), TO_ALL, 1, i);
		s->len = sizeof(payload);
		s->flags = NS_INDIRECT;
		s->ptr = (uintptr_t)payload;
		tx->head = tx->cur = abi_next(tx, tx->head);
		sync_both(&x->a, &x->b);
		assert_int_equal(take_at(rx, &ofs), i);
	}
	/* as long as what is behind the offset, and not longer */
	tx->slot[tx->head].len = 2048 - INITIAL + 1;
	tx->slot[tx->head].flags = NS_INDIRECT;
	tx->slot[tx->head].ptr = (uintptr_t)abi_device; /* readable */
	tx->head = tx->cur = abi_next(tx, tx->head);
	put_at(tx, 0, 0, FRAME_MIN, 1000, 0);
	sync_both(&x->a, &x->b);
	assert_int_equal(take_at(rx, &ofs), 1000);
	assert_int_equal(abi_space(rx), 0);
}

static void test_pipes(void **state)
{
	struct abi_pair *x = *state;
	struct netmap_ring *tx = abi_tx(&x->a, 0), *rx = abi_rx(&x->b, 0);
	uint64_t ofs;

	for (unsigned i = 0; i < 5000; i++) {
		const uint32_t sent = tx->slot[tx->head].buf_idx;
		const struct netmap_slot *s = &rx->slot[rx->head];

		put_at(tx, 0xabc0000, i % (MAX + 1), 60 + i % 1000, i, 0);
		sync_both(&x->a, &x->b);
		assert_int_equal(s->buf_idx, sent);
		assert_int_equal(s->ptr, 0xabc0000 | i % (MAX + 1));
		assert_int_equal(take_at(rx, &ofs), i);
	}
	abi_shut(&x->b);
	/* who knows no offsets gets frames where he looks for them */
	abi_open(&x->b, "vale0:p}1");
	rx = abi_rx(&x->b, 0);
	put_at(tx, 0, 333, 777, 5, 0);
	sync_both(&x->a, &x->b);
	assert_int_equal(abi_take(rx), 5);
}

/* The word of a slot is the program's own where it is no offset. */
static void test_a_pipe_carries_the_word(void **state)
{
	struct abi_pair *x = *state;
	struct netmap_ring *tx = abi_tx(&x->a, 0), *rx = abi_rx(&x->b, 0);

	for (unsigned i = 0; i < 3000; i++) {
		const uint32_t at = tx->head;
		const uint64_t back = rx->slot[rx->head].ptr = ~0ULL - i;

		abi_put(tx, FRAME_MIN, 2, 1, i);
		tx->slot[at].ptr = 0x123456789abcdef0U + i;
		sync_both(&x->a, &x->b);
		assert_true(rx->slot[rx->head].ptr == 0x123456789abcdef0U + i);
		assert_true(tx->slot[at].ptr == back);
		assert_int_equal(abi_take(rx), i);
	}
}

static void test_monitors(void **state)
{
	struct nmreq_register copy = {.nr_flags = NR_MONITOR_TX};
	struct nmreq_register zero = {.nr_flags = NR_MONITOR_TX | NR_ZCOPY_MON};
	struct abi_pair *x = *state;
	struct abi_port plain, offset, swap;
	struct netmap_ring *tx = abi_tx(&x->a, 0);
	uint64_t ofs;

	abi_open_as(&plain, "vale0:a", copy);
	assert_int_equal(try_with(&offset, "vale0:a", copy, wish()), 0);
	assert_int_equal(try_with(&swap, "vale0:a", zero, wish()), 0);
	for (unsigned i = 0; i < 100; i++) {
		put_at(tx, 0, 200 + i, 500, i, 0);
		assert_int_equal(abi_txsync(&x->a), 0);
		assert_int_equal(abi_rxsync(&plain), 0);
		assert_int_equal(abi_take(abi_rx(&plain, 0)), i);
		assert_int_equal(abi_rxsync(&offset), 0);
		assert_int_equal(take_at(abi_rx(&offset, 0), &ofs), i);
		assert_int_equal(ofs, INITIAL);
		assert_int_equal(abi_rxsync(&swap), 0);
		assert_int_equal(take_at(abi_rx(&swap, 0), &ofs), i);
		assert_int_equal(ofs, 200 + i);
	}
	abi_shut(&swap);
	abi_shut(&offset);
	abi_shut(&plain);
}

/* Headers before frames are part of what begins at the offset. */
static void test_headers(void **state)
{
	struct nmreq_port_hdr hdr = {.nr_hdr_len = 12};
	struct abi_pair *x = *state;
	struct netmap_ring *tx = abi_tx(&x->a, 0), *rx = abi_rx(&x->b, 0);
	struct abi_port plain;
	struct netmap_slot *s;

	abi_open(&plain, "vale0:c");
	for (int i = 0; i < 2; i++)
		assert_int_equal(abi_ctrl(x->a.fd, i ? "vale0:a" : "vale0:b",
					  NETMAP_REQ_PORT_HDR_SET, &hdr, NULL),
				 0);
	for (unsigned i = 0; i < 100; i++) {
		const uint32_t at = tx->head;
		char *buf = abi_buf(tx, tx->slot[at].buf_idx) + 100 + i;

		put_at(tx, 0, 100 + i + 12, 500, i, 0);
		memset(buf, 0, 12);
		tx->slot[at].ptr = 100 + i;
		tx->slot[at].len = 512;
		sync_both(&x->a, &x->b);
		assert_int_equal(abi_space(rx), 1);
		s = &rx->slot[rx->head];
		assert_int_equal(s->len, 512);
		assert_int_equal(s->ptr, INITIAL);
		assert_int_equal(
			abi_frame_number(abi_buf(rx, s->buf_idx) + INITIAL + 12,
					 500),
			i);
		rx->head = rx->cur = rx->tail;
		assert_int_equal(abi_rxsync(&plain), 0);
		assert_int_equal(abi_take(abi_rx(&plain, 0)), i);
	}
	abi_shut(&plain);
}

/* Any word at any time: frames may be lost, nothing else. */
static void test_liars(void **state)
{
	struct abi_pair *x = *state;
	struct netmap_ring *tx = abi_tx(&x->a, 0), *rx = abi_rx(&x->b, 0);

	srand(5);
	for (unsigned i = 0; i < 20000; i++) {
		const uint32_t at = tx->head;

		if (abi_space(tx))
			put_at(tx, 0, 0, FRAME_MIN, i, 0);
		tx->slot[at].ptr = (uint64_t)rand() << (rand() % 33);
		tx->slot[at].len = (uint16_t)rand();
		rx->slot[(uint32_t)rand() % rx->num_slots].ptr =
			(uint64_t)rand() << (rand() % 33);
		sync_both(&x->a, &x->b);
		rx->head = rx->cur = rx->tail;
	}
	/* and all is well again */
	for (uint32_t i = 0; i < rx->num_slots; i++)
		rx->slot[i].ptr = tx->slot[i].ptr = 0;
	sync_both(&x->a, &x->b);
	rx->head = rx->cur = rx->tail;
	put_at(tx, 0, 1, FRAME_MIN, 7, 0);
	sync_both(&x->a, &x->b);
	assert_int_equal(take_at(rx, &(uint64_t){0}), 7);
}

int main(void)
{
#define SWITCH(test)                                                           \
	cmocka_unit_test_setup_teardown(test, on_a_switch, abi_pair_shut)
#define PIPE(test)                                                             \
	{                                                                      \
#test " on a pipe", test, on_a_pipe, abi_pair_shut, NULL       \
	}
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_granted),
		cmocka_unit_test(test_all_bits),
		cmocka_unit_test(test_what_does_not_fit),
		cmocka_unit_test(test_only_where_rings_are_bound),
		cmocka_unit_test(test_rings_are_shared_by_equals),
		cmocka_unit_test(test_from_the_first_binding_to_the_last),
		SWITCH(test_frames_on_a_switch),
		SWITCH(test_the_receiver_says_where),
		SWITCH(test_chains),
		SWITCH(test_indirect),
		PIPE(test_pipes),
		ABI_ON_A_PIPE(test_a_pipe_carries_the_word),
		SWITCH(test_monitors),
		SWITCH(test_headers),
		SWITCH(test_liars),
		PIPE(test_liars),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
