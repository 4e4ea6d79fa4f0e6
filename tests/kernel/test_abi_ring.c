// SPDX-License-Identifier: BSD-2-Clause
/*
 * What a sync does with the indices of a ring, good ones and bad ones, and
 * with what stands in its slots.
 */
#include "abi.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { SLOTS = 64 };

static const struct nmreq_register small = {.nr_tx_slots = SLOTS,
					    .nr_rx_slots = SLOTS};

static int setup(void **state)
{
	return abi_pair_open(state, "vale0:a", "vale0:b", &small, NULL);
}

static void test_a_switch_takes_all(void **state)
{
	struct abi_pair *x = *state;
	struct netmap_ring *tx = abi_tx(&x->a, 0);

	for (unsigned n = 1; n < SLOTS; n++) {
		for (unsigned i = 0; i < n; i++)
			abi_put(tx, FRAME_MIN, 2, 1, i);
		assert_int_equal(abi_txsync(&x->a), 0);
		assert_int_equal(abi_space(tx), SLOTS - 1);
		assert_int_equal(abi_drain(&x->b), n);
	}
}

static void test_a_sync_of_nothing(void **state)
{
	struct abi_pair *x = *state;
	struct netmap_ring *tx = abi_tx(&x->a, 0), *rx = abi_rx(&x->a, 0);

	for (int i = 0; i < 3; i++) {
		assert_int_equal(abi_txsync(&x->a), 0);
		assert_int_equal(abi_rxsync(&x->a), 0);
	}
	assert_int_equal(tx->tail, SLOTS - 1);
	assert_int_equal(rx->tail, 0);
}

/* What a program sees of a ring changes in its own calls only. */
static void test_a_ring_stands_still_between_syncs(void **state)
{
	struct abi_pair *x = *state;
	struct netmap_ring *tx = abi_tx(&x->a, 0), *rx = abi_rx(&x->b, 0);
	const struct netmap_ring before = *rx;

	for (unsigned i = 0; i < 10; i++)
		abi_send(&x->a, FRAME_MIN, 2, 1, i);
	assert_memory_equal(rx, &before, sizeof(before));
	abi_put(tx, FRAME_MIN, 2, 1, 10);
	usleep(50000);
	assert_int_equal(abi_drain(&x->b), 10);
	assert_int_equal(abi_txsync(&x->a), 0);
	assert_int_equal(abi_drain(&x->b), 1);
}

/* A sync is one of all rings that the descriptor has, and of no other. */
static void test_rings_of_a_descriptor(void **state)
{
	const struct nmreq_register two = {.nr_tx_rings = 2, .nr_rx_rings = 2};
	struct nmreq_register one = two;
	struct abi_pair *x = *state;
	struct abi_port all, second;

	one.nr_mode = NR_REG_ONE_NIC;
	one.nr_ringid = 1;
	abi_open_as(&all, "vale0:two", two);
	abi_open_as(&second, "vale0:two", one);
	for (unsigned i = 0; i < 2; i++)
		abi_put(abi_tx(&all, i), FRAME_MIN, 2, 3, i);
	assert_int_equal(abi_txsync(&second), 0);
	assert_int_equal(abi_drain(&x->b), 1);
	assert_int_equal(abi_txsync(&all), 0);
	assert_int_equal(abi_drain(&x->b), 1);
	for (unsigned i = 0; i < 2; i++)
		abi_put(abi_tx(&all, i), FRAME_MIN, 2, 3, i);
	assert_int_equal(abi_txsync(&all), 0);
	assert_int_equal(abi_drain(&x->b), 2);
	abi_shut(&second);
	abi_shut(&all);
}

static void test_time_stamps(void **state)
{
	struct abi_pair *x = *state;
	struct netmap_ring *rx = abi_rx(&x->b, 0);
	struct timespec before, after;

	assert_int_equal(abi_rxsync(&x->b), 0);
	assert_true(rx->ts.tv_sec == 0 && rx->ts.tv_usec == 0);
	rx->flags = NR_TIMESTAMP;
	for (int i = 0; i < 2; i++) {
		clock_gettime(CLOCK_REALTIME, &before);
		if (i)
			abi_poll(&x->b, POLLIN, 0);
		else
			assert_int_equal(abi_rxsync(&x->b), 0);
		clock_gettime(CLOCK_REALTIME, &after);
		assert_in_range(rx->ts.tv_sec, before.tv_sec, after.tv_sec);
		assert_in_range(rx->ts.tv_usec, 0, 999999);
		rx->ts.tv_sec = 0;
	}
	rx->flags = 0;
	assert_int_equal(abi_rxsync(&x->b), 0);
	assert_int_equal(rx->ts.tv_sec, 0);
}

/* Frames that were not read stay, as many as are given back are free. */
static void test_reading_in_parts(void **state)
{
	struct abi_pair *x = *state;
	struct netmap_ring *rx = abi_rx(&x->b, 0);

	for (unsigned i = 0; i < 30; i++)
		abi_send(&x->a, FRAME_MIN, 2, 1, i);
	assert_int_equal(abi_rxsync(&x->b), 0);
	assert_int_equal(abi_space(rx), 30);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(abi_take(rx), i);
	/* seen, not given back */
	rx->cur = 25;
	assert_int_equal(abi_rxsync(&x->b), 0);
	assert_int_equal(rx->head, 10);
	assert_int_equal(rx->cur, 25);
	assert_int_equal(abi_space(rx), 20);
	for (unsigned i = 10; i < 30; i++)
		assert_int_equal(abi_take(rx), i);
	assert_int_equal(abi_rxsync(&x->b), 0);
	assert_int_equal(abi_space(rx), 0);
}

/* Indices that may not be; head is 10, tail SLOTS - 1 + 10 modulo SLOTS. */
static const struct {
	uint32_t head, cur;
} bad[] = {
	{SLOTS, SLOTS},	  {SLOTS, 10},	    {10, SLOTS},
	{UINT32_MAX, 10}, {10, UINT32_MAX}, {0x80000000, 0x80000000},
	{12, 11},	  {5, 10},
};

static void test_transmit_rings_that_are_wrong(void **state)
{
	struct abi_pair *x = *state;

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct netmap_ring *tx;

		abi_pair_shut(state);
		setup(state);
		tx = abi_tx(&x->a, 0);
		for (unsigned n = 0; n < 10; n++)
			abi_put(tx, FRAME_MIN, 2, 1, n);
		assert_int_equal(abi_txsync(&x->a), 0);
		assert_int_equal(tx->tail, 9);
		tx->head = bad[i].head;
		tx->cur = bad[i].cur;
		/* {5, 10} goes back: that, as modulo goes, is far ahead */
		assert_fails(abi_txsync(&x->a));
		/* it is as it was at the beginning of a round: it works */
		assert_true(tx->head < SLOTS && tx->cur < SLOTS &&
			    tx->tail < SLOTS);
		assert_int_equal(tx->head, tx->cur);
		assert_int_equal(abi_drain(&x->b), 10);
		abi_send(&x->a, FRAME_MIN, 2, 1, 4);
		assert_int_equal(abi_drain(&x->b), 1);
	}
}

static void test_receive_rings_that_are_wrong(void **state)
{
	struct abi_pair *x = *state;

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct netmap_ring *rx;

		abi_pair_shut(state);
		setup(state);
		rx = abi_rx(&x->b, 0);
		for (unsigned n = 0; n < 10; n++)
			abi_send(&x->a, FRAME_MIN, 2, 1, n);
		assert_int_equal(abi_drain(&x->b), 10);
		for (unsigned n = 0; n < 3; n++)
			abi_send(&x->a, FRAME_MIN, 2, 1, n);
		assert_int_equal(abi_rxsync(&x->b), 0);
		assert_int_equal(rx->head, 10);
		assert_int_equal(rx->tail, 13);
		rx->head = bad[i].head;
		rx->cur = bad[i].cur;
		assert_fails(abi_rxsync(&x->b));
		assert_true(rx->head < SLOTS && rx->cur < SLOTS &&
			    rx->tail < SLOTS);
		abi_drain(&x->b);
		abi_send(&x->a, FRAME_MIN, 2, 1, 4);
		assert_int_equal(abi_drain(&x->b), 1);
	}
}

/* A program may not give back, or hand over, what is beyond the tail. */
static void test_beyond_the_tail(void **state)
{
	struct abi_pair *x = *state;
	struct netmap_ring *tx = abi_tx(&x->a, 0), *rx = abi_rx(&x->b, 0);

	for (unsigned n = 0; n < 10; n++)
		abi_put(tx, FRAME_MIN, 2, 1, n);
	assert_int_equal(abi_txsync(&x->a), 0);
	abi_drain(&x->b);
	rx->head = rx->cur = abi_next(rx, rx->tail);
	assert_fails(abi_rxsync(&x->b));
	abi_drain(&x->b);
}

static void test_a_tail_that_was_overwritten_is_restored(void **state)
{
	static const uint32_t lies[] = {0, 5, SLOTS, UINT32_MAX};
	struct abi_pair *x = *state;
	struct netmap_ring *tx = abi_tx(&x->a, 0), *rx = abi_rx(&x->b, 0);

	for (size_t i = 0; i < COUNT(lies); i++) {
		uint32_t head = tx->head;

		tx->tail = lies[i];
		assert_int_equal(abi_txsync(&x->a), 0);
		assert_int_equal(tx->head, head);
		assert_int_equal(abi_space(tx), SLOTS - 1);

		abi_send(&x->a, FRAME_MIN, 2, 1, i);
		assert_int_equal(abi_rxsync(&x->b), 0);
		rx->tail = lies[i];
		assert_int_equal(abi_rxsync(&x->b), 0);
		assert_int_equal(abi_space(rx), 1);
		assert_int_equal(abi_take(rx), i);
	}
}

/* The rest of the header is the program's to spoil, and nobody else's loss. */
static void test_the_rest_of_the_header(void **state)
{
	struct abi_pair *x = *state;
	struct netmap_ring *tx = abi_tx(&x->a, 0), saved = *tx;

	tx->num_slots = UINT32_MAX;
	tx->nr_buf_size = UINT32_MAX;
	tx->buf_ofs = INT64_MIN;
	tx->ringid = 99;
	tx->dir = 7;
	tx->flags = ~(uint32_t)(NR_TIMESTAMP | NR_FORWARD);
	memset(tx->sem, 0xff, sizeof(tx->sem));
	assert_int_equal(abi_txsync(&x->a), 0);
	tx->num_slots = saved.num_slots;
	tx->nr_buf_size = saved.nr_buf_size;
	tx->buf_ofs = saved.buf_ofs;
	tx->flags = 0;
	abi_send(&x->a, FRAME_MIN, 2, 1, 1);
	assert_int_equal(abi_drain(&x->b), 1);
}

static void test_the_interface_object_is_the_programs(void **state)
{
	struct abi_pair *x = *state;
	const struct netmap_if saved = *x->a.nifp;

	memset(x->a.nifp, 0xff, sizeof(*x->a.nifp));
	assert_int_equal(abi_txsync(&x->a), 0);
	assert_int_equal(abi_rxsync(&x->a), 0);
	assert_true(abi_poll(&x->a, POLLOUT, 0) & POLLOUT);
	*x->a.nifp = saved;
}

/* Slots */

static void put_raw(struct abi_pair *x, uint32_t idx, uint16_t len,
		    uint16_t flags)
{
	struct netmap_ring *tx = abi_tx(&x->a, 0);
	struct netmap_slot *s = &tx->slot[tx->head];
	const uint32_t own = s->buf_idx;

	s->buf_idx = idx;
	s->len = len;
	s->flags = flags;
	tx->head = tx->cur = abi_next(tx, tx->head);
	abi_txsync(&x->a);
	s->buf_idx = own;
	s->flags = NS_BUF_CHANGED;
}

/* Frames with such slots go nowhere; the port, and the next frame, go on. */
static void test_buffers_that_there_are_not(void **state)
{
	struct abi_pair *x = *state;
	static const uint32_t lies[] = {0, 1, UINT32_MAX, 1U << 31, 1U << 20};

	for (size_t i = 0; i < COUNT(lies); i++) {
		put_raw(x, lies[i], FRAME_MIN, 0);
		put_raw(x, lies[i], FRAME_MIN, NS_BUF_CHANGED);
		assert_int_equal(abi_rxsync(&x->b), 0);
		assert_int_equal(abi_space(abi_rx(&x->b, 0)), 0);
		abi_send(&x->a, FRAME_MIN, 2, 1, i);
		assert_int_equal(abi_drain(&x->b), 1);
	}
}

static void skip_frames(const struct abi_port *p)
{
	struct netmap_ring *rx = abi_rx(p, 0);

	assert_int_equal(abi_rxsync(p), 0);
	rx->head = rx->cur = rx->tail;
	assert_int_equal(abi_rxsync(p), 0);
}

/*
 * Slots that name a buffer of another port in the same memory: that one's
 * frames are as ever, and no buffer is lost or in two places.
 */
static void test_buffers_of_others(void **state)
{
	struct abi_pair *x = *state;
	struct abi_port c;
	uint32_t others[3];
	uint64_t before, after;

	abi_open_as(&c, "vale0:c",
		    (struct nmreq_register){.nr_mem_id = x->a.reg.nr_mem_id,
					    .nr_tx_slots = SLOTS,
					    .nr_rx_slots = SLOTS,
					    .nr_extra_bufs = 1});
	others[0] = abi_tx(&c, 0)->slot[3].buf_idx;
	others[1] = abi_rx(&c, 0)->slot[3].buf_idx;
	others[2] = c.nifp->ni_bufs_head;
	abi_census(&before);
	for (unsigned i = 0; i < 3 * SLOTS; i++) {
		put_raw(x, others[i % 3], FRAME_MIN, NS_BUF_CHANGED);
		abi_send(&c, FRAME_MIN, TO_ALL, 3, i);
		skip_frames(&x->b);
		skip_frames(&c);
		assert_int_equal(abi_drain(&x->a), 1);
	}
	abi_census(&after);
	assert_int_equal(before, after);
	abi_send(&x->a, FRAME_MIN, TO_ALL, 1, 7);
	assert_int_equal(abi_rxsync(&c), 0);
	assert_int_equal(abi_take(abi_rx(&c, 0)), 7);
	abi_shut(&c);
}

static void test_lengths(void **state)
{
	struct abi_pair *x = *state;
	struct netmap_ring *tx = abi_tx(&x->a, 0), *rx = abi_rx(&x->b, 0);
	const uint32_t size = tx->nr_buf_size;
	const uint16_t bad_lengths[] = {0, 1, 13, (uint16_t)(size + 1), 65535};

	for (size_t i = 0; i < COUNT(bad_lengths); i++) {
		const uint32_t idx = tx->slot[tx->head].buf_idx;

		put_raw(x, idx, bad_lengths[i], 0);
		assert_int_equal(abi_drain(&x->b), 0);
	}
	abi_send(&x->a, size, 2, 1, 77);
	assert_int_equal(abi_rxsync(&x->b), 0);
	assert_int_equal(rx->slot[rx->head].len, size);
	assert_int_equal(abi_take(rx), 77);
}

/* Two slots of a ring exchange their buffers. */
static void test_exchanged_buffers(void **state)
{
	struct abi_pair *x = *state;
	struct netmap_ring *tx = abi_tx(&x->a, 0);

	for (unsigned i = 0; i < 40; i++) {
		struct netmap_slot *s = &tx->slot[tx->head];
		struct netmap_slot *o =
			&tx->slot[(tx->head + 17) % tx->num_slots];
		const uint32_t idx = s->buf_idx;

		s->buf_idx = o->buf_idx;
		o->buf_idx = idx;
		s->flags = o->flags = NS_BUF_CHANGED;
		abi_frame(abi_buf(tx, s->buf_idx), FRAME_MIN, 2, 1, i);
		s->len = FRAME_MIN;
		tx->head = tx->cur = abi_next(tx, tx->head);
		assert_int_equal(abi_txsync(&x->a), 0);
		assert_int_equal(abi_rxsync(&x->b), 0);
		assert_int_equal(abi_take(abi_rx(&x->b, 0)), i);
	}
}

/* An extra buffer goes into a slot, the slot's into the list. */
static void test_extra_buffers_are_sent(void **state)
{
	struct abi_pair *x = *state;
	struct netmap_ring *tx;
	struct abi_port p;

	abi_open_as(&p, "vale0:c", (struct nmreq_register){.nr_extra_bufs = 5});
	tx = abi_tx(&p, 0);
	for (unsigned i = 0; i < 20; i++) {
		struct netmap_slot *s = &tx->slot[tx->head];
		uint32_t extra = p.nifp->ni_bufs_head, own = s->buf_idx;

		p.nifp->ni_bufs_head = *(uint32_t *)(void *)abi_buf(tx, extra);
		s->buf_idx = extra;
		s->flags = NS_BUF_CHANGED;
		abi_frame(abi_buf(tx, extra), FRAME_MIN, 2, 3, i);
		s->len = FRAME_MIN;
		tx->head = tx->cur = abi_next(tx, tx->head);
		assert_int_equal(abi_txsync(&p), 0);
		assert_int_equal(abi_rxsync(&x->b), 0);
		assert_int_equal(abi_take(abi_rx(&x->b, 0)), i);
		*(uint32_t *)(void *)abi_buf(tx, own) = p.nifp->ni_bufs_head;
		p.nifp->ni_bufs_head = own;
	}
	abi_shut(&p);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, setup, abi_pair_shut)
	const struct CMUnitTest tests[] = {
		TEST(test_a_switch_takes_all),
		TEST(test_a_sync_of_nothing),
		TEST(test_a_ring_stands_still_between_syncs),
		TEST(test_rings_of_a_descriptor),
		TEST(test_time_stamps),
		TEST(test_reading_in_parts),
		TEST(test_transmit_rings_that_are_wrong),
		TEST(test_receive_rings_that_are_wrong),
		TEST(test_beyond_the_tail),
		TEST(test_a_tail_that_was_overwritten_is_restored),
		TEST(test_the_rest_of_the_header),
		TEST(test_the_interface_object_is_the_programs),
		TEST(test_buffers_that_there_are_not),
		TEST(test_buffers_of_others),
		TEST(test_lengths),
		TEST(test_exchanged_buffers),
		TEST(test_extra_buffers_are_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
