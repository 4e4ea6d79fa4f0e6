// SPDX-License-Identifier: BSD-2-Clause
/* Pipes: two ends that share a memory, no copies, no drops. */
#include "abi.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void test_ends_share_their_memory(void **state)
{
	struct abi_pair *x = *state;
	struct abi_port parent;

	assert_int_equal(x->a.reg.nr_mem_id, x->b.reg.nr_mem_id);
	assert_int_equal(x->a.reg.nr_memsize, x->b.reg.nr_memsize);
	assert_int_not_equal(x->a.reg.nr_offset, x->b.reg.nr_offset);
	abi_open(&parent, "vale0:p");
	assert_int_equal(parent.reg.nr_mem_id, x->a.reg.nr_mem_id);
	abi_shut(&parent);
}

static void test_frames_go_both_ways(void **state)
{
	struct abi_pair *x = *state;

	for (unsigned i = 0; i < 3000; i++) {
		abi_send(&x->a, 60 + i % 1000, 2, 1, i);
		assert_int_equal(abi_rxsync(&x->b), 0);
		assert_int_equal(abi_take(abi_rx(&x->b, 0)), i);
		abi_send(&x->b, 60 + i % 900, 1, 2, i);
		assert_int_equal(abi_rxsync(&x->a), 0);
		assert_int_equal(abi_take(abi_rx(&x->a, 0)), i);
	}
}

static void test_nothing_is_copied(void **state)
{
	struct abi_pair *x = *state;
	struct netmap_ring *tx = abi_tx(&x->a, 0), *rx = abi_rx(&x->b, 0);
	const uint32_t sent = tx->slot[0].buf_idx, empty = rx->slot[0].buf_idx;

	abi_send(&x->a, FRAME_MIN, 2, 1, 9);
	assert_int_equal(abi_rxsync(&x->b), 0);
	assert_int_equal(rx->slot[0].buf_idx, sent);
	assert_int_equal(abi_take(rx), 9);
	assert_int_equal(abi_rxsync(&x->b), 0);
	assert_int_equal(abi_txsync(&x->a), 0);
	assert_int_equal(tx->slot[0].buf_idx, empty);
}

/*
 * All of a slot goes to the other end: length, ptr, and the program's own
 * flags. Back come the empty buffer and its ptr, and nothing of an older frame
 * that could join the next one.
 */
static void test_slots_go_with_their_buffers(void **state)
{
	const uint16_t flags = NS_REPORT | NS_FORWARD | NS_NO_LEARN | 0x1700;
	struct abi_pair *x = *state;
	struct netmap_ring *tx = abi_tx(&x->a, 0), *rx = abi_rx(&x->b, 0);

	for (unsigned i = 0; i < 3000; i++) {
		struct netmap_slot *s = &tx->slot[tx->head];
		struct netmap_slot *r =
			&rx->slot[(rx->tail + (i % 3 == 2)) % rx->num_slots];
		const uint16_t more = i % 3 == 1 ? NS_MOREFRAG : 0;

		abi_put(tx, 60 + i % 900, 2, 1, i);
		s->flags = i % 2 ? flags | more : more;
		s->ptr = i;
		r->flags = NS_MOREFRAG | NS_REPORT;
		r->len = 77;
		r->ptr = ~(uint64_t)i;
		assert_int_equal(abi_txsync(&x->a), 0);
		assert_int_equal(abi_rxsync(&x->b), 0);
		if (more)
			continue;
		assert_int_equal(abi_space(rx), i % 3 == 2 ? 2 : 1);
		for (unsigned first = i - (abi_space(rx) - 1); first <= i;
		     first++) {
			r = &rx->slot[rx->head];
			assert_int_equal(r->len, 60 + first % 900);
			assert_int_equal(r->ptr, first);
			assert_int_equal(r->flags & ~NS_BUF_CHANGED,
					 (first % 2 ? flags : 0) |
						 (first < i ? NS_MOREFRAG : 0));
			rx->head = rx->cur = abi_next(rx, rx->head);
		}
		assert_int_equal(s->flags, NS_BUF_CHANGED);
		assert_int_equal(s->len, 0);
		assert_true(s->ptr == ~(uint64_t)i);
	}
}

/* As many as there is room for, and not one is lost. */
static void test_a_full_pipe_makes_the_sender_wait(void **state)
{
	struct abi_pair *x = *state;
	struct netmap_ring *tx = abi_tx(&x->a, 0), *rx = abi_rx(&x->b, 0);
	uint64_t sent = 0, got = 0;

	while (abi_poll(&x->a, POLLOUT, 0) & POLLOUT) {
		assert_true(sent < 100000);
		while (abi_space(tx))
			abi_put(tx, FRAME_MIN, 2, 1, sent++);
		assert_int_equal(abi_txsync(&x->a), 0);
	}
	assert_true(sent >= rx->num_slots - 1);
	assert_int_equal(abi_poll(&x->a, POLLOUT, 50), 0);
	/* one is read, and there is room for it */
	assert_int_equal(abi_poll(&x->b, POLLIN, 0), POLLIN);
	assert_int_equal(abi_take(rx), got++);
	assert_int_equal(abi_rxsync(&x->b), 0);
	assert_int_equal(abi_poll(&x->a, POLLOUT, 5000), POLLOUT);
	while (got < sent) {
		assert_int_equal(abi_poll(&x->b, POLLIN, 5000), POLLIN);
		while (abi_space(rx))
			assert_int_equal(abi_take(rx), got++);
		assert_int_equal(abi_rxsync(&x->b), 0);
		assert_int_equal(abi_txsync(&x->a), 0);
	}
	assert_int_equal(abi_space(rx), 0);
	assert_int_equal(abi_space(tx), tx->num_slots - 1);
}

static void fill(struct abi_port *p, unsigned n)
{
	while (n--)
		abi_put(abi_tx(p, 0), FRAME_MIN, 2, 1, n);
	assert_int_equal(abi_txsync(p), 0);
}

/*
 * Both directions are full, and one end has made room for more than one sync
 * brings: its next frames wait, and the call does not wait with them.
 */
static void test_a_full_pipe_with_room_the_other_way(void **state)
{
	struct abi_pair *x = *state;
	struct netmap_ring *rx = abi_rx(&x->a, 0);
	const uint32_t all = rx->num_slots - 1;

	fill(&x->b, all);
	assert_int_equal(abi_rxsync(&x->a), 0);
	fill(&x->b, all);
	while (abi_space(rx))
		abi_take(rx);
	assert_int_equal(abi_rxsync(&x->a), 0);
	fill(&x->a, all);
	alarm(60); /* what hangs here ends here */
	fill(&x->a, 10);
	alarm(0);
	assert_int_equal(abi_space(abi_tx(&x->a, 0)), all - 10);
}

static void *drain_all(void *arg)
{
	struct abi_pair *x = arg;
	struct netmap_ring *rx = abi_rx(&x->b, 0);
	uint64_t got = 0;

	while (got < 50000) {
		struct pollfd pfd = {.fd = x->b.fd, .events = POLLIN};

		if (poll(&pfd, 1, 60000) != 1)
			return x;
		while (abi_space(rx))
			if (abi_take(rx) != got++)
				return x;
	}
	return NULL;
}

static void test_two_that_sleep(void **state)
{
	struct abi_pair *x = *state;
	struct netmap_ring *tx = abi_tx(&x->a, 0);
	pthread_t t;
	void *failed;

	pthread_create(&t, NULL, drain_all, x);
	for (uint64_t sent = 0; sent < 50000;) {
		assert_int_equal(abi_poll(&x->a, POLLOUT, 60000), POLLOUT);
		for (int i = 0; i < 100 && abi_space(tx) && sent < 50000; i++)
			abi_put(tx, FRAME_MIN, 2, 1, sent++);
		assert_int_equal(abi_txsync(&x->a), 0);
	}
	pthread_join(t, &failed);
	assert_null(failed);
}

static void test_only_whole_packets(void **state)
{
	struct abi_pair *x = *state;
	struct netmap_ring *tx = abi_tx(&x->a, 0), *rx = abi_rx(&x->b, 0);

	abi_put(tx, FRAME_MIN, 2, 1, 0);
	for (unsigned i = 0; i < 3; i++) {
		abi_put(tx, FRAME_MIN, 2, 1, 1 + i);
		tx->slot[1 + i].flags = NS_MOREFRAG;
		assert_int_equal(abi_txsync(&x->a), 0);
		assert_int_equal(abi_rxsync(&x->b), 0);
		assert_int_equal(abi_space(rx), 1);
	}
	abi_put(tx, FRAME_MIN, 2, 1, 4);
	assert_int_equal(abi_txsync(&x->a), 0);
	assert_int_equal(abi_rxsync(&x->b), 0);
	assert_int_equal(abi_space(rx), 5);
	for (unsigned i = 0; i < 5; i++)
		assert_int_equal(!!(rx->slot[i].flags & NS_MOREFRAG),
				 i >= 1 && i < 4);
}

/* What was sent before the other end was opened waits for it. */
static void test_the_other_end_comes_late(void **state)
{
	struct abi_pair *x = *state;

	abi_shut(&x->b);
	for (unsigned i = 0; i < 10; i++)
		abi_send(&x->a, FRAME_MIN, 2, 1, i);
	abi_open(&x->b, "vale0:p}1");
	assert_int_equal(abi_txsync(&x->a), 0);
	assert_int_equal(abi_rxsync(&x->b), 0);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(abi_take(abi_rx(&x->b, 0)), i);
}

static void test_an_end_goes_and_comes(void **state)
{
	struct abi_pair *x = *state;

	for (unsigned i = 0; i < 20; i++) {
		abi_send(&x->a, FRAME_MIN, 2, 1, i);
		if (i % 2)
			abi_shut(&x->b);
		abi_shut(&x->a);
		if (i % 2)
			abi_open(&x->b, "vale0:p}1");
		abi_open(&x->a, "vale0:p{1");
		abi_drain(&x->b);
		abi_send(&x->a, FRAME_MIN, 2, 1, i);
		assert_int_equal(abi_drain(&x->b), 1);
	}
}

static void test_bad_slots_harm_only_their_frame(void **state)
{
	struct abi_pair *x = *state;
	struct netmap_ring *tx = abi_tx(&x->a, 0);
	const uint32_t size = tx->nr_buf_size;
	const struct {
		uint32_t idx;
		uint16_t len;
	} bad[] = {{0, 60},	   {1, 60},    {UINT32_MAX, 60},
		   {1U << 24, 60}, {0, 65535}, {2, (uint16_t)(size + 1)}};

	for (size_t i = 0; i < COUNT(bad); i++) {
		struct netmap_slot *s = &tx->slot[tx->head];
		const uint32_t own = s->buf_idx;

		if (bad[i].idx != 2)
			s->buf_idx = bad[i].idx;
		s->len = bad[i].len;
		s->flags = NS_BUF_CHANGED;
		tx->head = tx->cur = abi_next(tx, tx->head);
		abi_txsync(&x->a);
		assert_int_equal(abi_rxsync(&x->b), 0);
		assert_int_equal(abi_space(abi_rx(&x->b, 0)), 0);
		s->buf_idx = own;
		s->flags = NS_BUF_CHANGED;
		abi_send(&x->a, FRAME_MIN, 2, 1, i);
		assert_int_equal(abi_drain(&x->b), 1);
	}
	abi_census(NULL);
}

/* Forwarding without a copy, from one pipe into another of the parent. */
static void test_buffers_move_on(void **state)
{
	struct abi_pair *x = *state;
	struct abi_port c, d;
	struct netmap_ring *rx, *tx;

	abi_open(&c, "vale0:p{2");
	abi_open(&d, "vale0:p}2");
	assert_int_equal(c.reg.nr_mem_id, x->b.reg.nr_mem_id);
	rx = abi_rx(&x->b, 0);
	tx = abi_tx(&c, 0);
	for (unsigned i = 0; i < 3000; i++) {
		struct netmap_slot *from, *to;
		uint32_t idx;

		abi_send(&x->a, FRAME_MIN, 2, 1, i);
		assert_int_equal(abi_rxsync(&x->b), 0);
		from = &rx->slot[rx->head];
		to = &tx->slot[tx->head];
		idx = from->buf_idx;
		from->buf_idx = to->buf_idx;
		to->buf_idx = idx;
		to->len = from->len;
		from->flags = to->flags = NS_BUF_CHANGED;
		rx->head = rx->cur = abi_next(rx, rx->head);
		tx->head = tx->cur = abi_next(tx, tx->head);
		assert_int_equal(abi_txsync(&c), 0);
		assert_int_equal(abi_rxsync(&d), 0);
		assert_int_equal(abi_take(abi_rx(&d, 0)), i);
	}
	abi_shut(&c);
	abi_shut(&d);
	abi_census(NULL);
}

/* Names and modes */

static void test_modes(void **state)
{
	static const struct {
		uint32_t mode;
		uint16_t ringid;
		int error;
	} modes[] = {
		{NR_REG_DEFAULT, 0, 0},	    {NR_REG_ALL_NIC, 0, 0},
		{NR_REG_ONE_NIC, 0, 0},	    {NR_REG_ONE_NIC, 1, EINVAL},
		{NR_REG_SW, 0, EINVAL},	    {NR_REG_NIC_SW, 0, EINVAL},
		{NR_REG_ONE_SW, 0, EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(modes); i++) {
		const struct nmreq_register wish = {
			.nr_mode = modes[i].mode, .nr_ringid = modes[i].ringid};
		struct abi_port p;

		assert_error(abi_try_open(&p, "vale0:m{1", &wish),
			     modes[i].error);
		abi_shut(&p);
	}
}

/* The deprecated way: the parent's name, and the number as a ring's. */
static void test_ends_by_mode(void **state)
{
	struct abi_port a, b, c;

	(void)state;
	abi_open_as(&a, "vale0:o",
		    (struct nmreq_register){.nr_mode = NR_REG_PIPE_MASTER,
					    .nr_ringid = 7});
	abi_open_as(&b, "vale0:o",
		    (struct nmreq_register){.nr_mode = NR_REG_PIPE_SLAVE,
					    .nr_ringid = 7});
	assert_int_equal(a.reg.nr_mode, NR_REG_PIPE_MASTER);
	assert_int_equal(b.reg.nr_mode, NR_REG_PIPE_SLAVE);
	assert_int_equal(b.reg.nr_ringid, 7);
	abi_send(&a, FRAME_MIN, 2, 1, 1);
	assert_int_equal(abi_drain(&b), 1);
	abi_open(&c, "vale0:o{7");
	abi_send(&b, FRAME_MIN, 2, 1, 2);
	assert_int_equal(abi_drain(&c), 1);
	abi_shut(&c);
	abi_shut(&b);
	abi_shut(&a);
}

static bool exists(const char *name)
{
	struct nmreq_vale_list body = {0};
	int fd = abi_device();
	int err = abi_ctrl(fd, name, NETMAP_REQ_VALE_LIST, &body, NULL);

	abi_close(fd);
	return !err;
}

static void test_the_parent_is_made_and_goes(void **state)
{
	struct abi_port a, b;

	(void)state;
	assert_false(exists("vale0:q"));
	abi_open(&a, "vale0:q{x1");
	assert_true(exists("vale0:q"));
	abi_open(&b, "vale0:q}x1");
	abi_shut(&a);
	assert_true(exists("vale0:q"));
	abi_shut(&b);
	assert_false(exists("vale0:q"));
}

static void test_a_parent_that_is_no_switch_port(void **state)
{
	struct abi_port a, b;

	(void)state;
	abi_open(&a, "loose{1");
	abi_open(&b, "loose}1");
	abi_send(&a, FRAME_MIN, 2, 1, 1);
	assert_int_equal(abi_drain(&b), 1);
	abi_shut(&a);
	abi_shut(&b);
	/* nothing is left of it */
	assert_fails(abi_try_open(&a, "loose", NULL));
}

static void test_pipes_are_apart(void **state)
{
	struct abi_pair *x = *state;
	struct abi_port other, sw;

	abi_open(&other, "vale0:p}2");
	abi_open(&sw, "vale0:s");
	abi_send(&x->a, FRAME_MIN, TO_ALL, 1, 1);
	assert_int_equal(abi_drain(&other), 0);
	assert_int_equal(abi_drain(&sw), 0);
	assert_int_equal(abi_drain(&x->b), 1);
	abi_shut(&other);
	abi_shut(&sw);
}

static void test_several_queues(void **state)
{
	static const struct nmreq_register wish = {.nr_tx_rings = 4,
						   .nr_rx_rings = 4};
	struct abi_port parent, a, b;

	(void)state;
	abi_open_as(&parent, "vale0:w", wish);
	abi_open_as(&a, "vale0:w{1", wish);
	abi_open(&b, "vale0:w}1");
	assert_int_equal(a.reg.nr_tx_rings, 4);
	assert_int_equal(b.reg.nr_tx_rings, 4);
	for (unsigned i = 0; i < 4; i++)
		abi_put(abi_tx(&a, i), FRAME_MIN, 2, 1, i);
	assert_int_equal(abi_txsync(&a), 0);
	assert_int_equal(abi_rxsync(&b), 0);
	for (unsigned i = 0; i < 4; i++)
		assert_int_equal(abi_take(abi_rx(&b, i)), i);
	abi_shut(&a);
	abi_shut(&b);
	abi_shut(&parent);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ABI_ON_A_PIPE(test_ends_share_their_memory),
		ABI_ON_A_PIPE(test_frames_go_both_ways),
		ABI_ON_A_PIPE(test_nothing_is_copied),
		ABI_ON_A_PIPE(test_slots_go_with_their_buffers),
		ABI_ON_A_PIPE(test_a_full_pipe_makes_the_sender_wait),
		ABI_ON_A_PIPE(test_a_full_pipe_with_room_the_other_way),
		ABI_ON_A_PIPE(test_two_that_sleep),
		ABI_ON_A_PIPE(test_only_whole_packets),
		ABI_ON_A_PIPE(test_the_other_end_comes_late),
		ABI_ON_A_PIPE(test_an_end_goes_and_comes),
		ABI_ON_A_PIPE(test_bad_slots_harm_only_their_frame),
		ABI_ON_A_PIPE(test_buffers_move_on),
		cmocka_unit_test(test_modes),
		cmocka_unit_test(test_ends_by_mode),
		cmocka_unit_test(test_the_parent_is_made_and_goes),
		cmocka_unit_test(test_a_parent_that_is_no_switch_port),
		ABI_ON_A_PIPE(test_pipes_are_apart),
		cmocka_unit_test(test_several_queues),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
