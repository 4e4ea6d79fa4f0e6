// SPDX-License-Identifier: BSD-2-Clause
/*
 * Monitors: what passes through another port's rings. Copies before frames are
 * consumed, the buffers themselves after they were released.
 */
#include "abi.h"
#include "csb.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COPY = 0, SWAP = NR_ZCOPY_MON };

static int try_monitor(struct abi_port *m, const char *name, uint64_t flags,
		       uint32_t slots)
{
	const struct nmreq_register reg = {.nr_flags = flags,
					   .nr_rx_slots = slots};

	return abi_try_open(m, name, &reg);
}

static void monitor(struct abi_port *m, const char *name, uint64_t flags)
{
	assert_int_equal(try_monitor(m, name, flags, 0), 0);
}

/* Frames [from, from + n) are there in order, and no more. */
static void assert_seen(struct abi_port *m, uint64_t from, unsigned n)
{
	struct netmap_ring *rx = abi_rx(m, 0);

	assert_int_equal(abi_rxsync(m), 0);
	assert_int_equal(abi_space(rx), n);
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(abi_take(rx), from + i);
	assert_int_equal(abi_rxsync(m), 0);
	assert_int_equal(abi_space(rx), 0);
}

static void send(struct abi_pair *x, uint64_t from, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		abi_put(abi_tx(&x->a, 0), 60 + (from + i) % 1000, TO_ALL, 1,
			from + i);
	assert_int_equal(abi_txsync(&x->a), 0);
}

static void receive(struct abi_pair *x, uint64_t from, unsigned n)
{
	assert_seen(&x->b, from, n);
}

/* Asking */

static void test_only_of_what_is_open(void **state)
{
	static const uint64_t kinds[] = {NR_MONITOR_TX, NR_MONITOR_RX,
					 NR_MONITOR_TX | NR_MONITOR_RX};
	struct abi_port m;

	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		assert_error(try_monitor(&m, "vale0:nobody", kinds[i], 0),
			     EINVAL);
		assert_error(try_monitor(&m, "vale9:nobody", kinds[i] | SWAP,
					 0),
			     EINVAL);
		assert_error(try_monitor(&m, "vale0:a{7", kinds[i], 0), EINVAL);
	}
	/* and none was made by asking */
	assert_error(try_monitor(&m, "vale0:nobody", NR_MONITOR_TX, 0), EINVAL);
}

static void test_they_only_receive(void **state)
{
	struct abi_port m;

	(void)state;
	monitor(&m, "vale0:a", NR_MONITOR_TX | NR_MONITOR_RX);
	assert_error(abi_txsync(&m), EIO);
	assert_int_equal(abi_rxsync(&m), 0);
	assert_null(abi_tx(&m, 0));
	assert_non_null(abi_rx(&m, 0));
	assert_int_equal(abi_poll(&m, POLLIN, 10), 0);
	abi_shut(&m);
}

static void test_memory(void **state)
{
	struct abi_pair *x = *state;
	struct abi_port m;

	monitor(&m, "vale0:a", NR_MONITOR_TX | SWAP);
	assert_int_equal(m.reg.nr_mem_id, x->a.reg.nr_mem_id);
	abi_shut(&m);
	monitor(&m, "vale0:a", NR_MONITOR_TX);
	assert_int_not_equal(m.reg.nr_mem_id, 0);
	assert_int_not_equal(m.reg.nr_mem_id, x->a.reg.nr_mem_id);
	abi_shut(&m);
}

/* A copy may be made in any memory, also in one that was asked for. */
static void test_memory_that_is_asked_for(void **state)
{
	struct abi_pair *x = *state;
	struct nmreq_register copy = {.nr_flags = NR_MONITOR_TX,
				      .nr_mem_id = x->b.reg.nr_mem_id};
	struct nmreq_register swap = {.nr_flags = NR_MONITOR_TX | SWAP,
				      .nr_mem_id = x->b.reg.nr_mem_id};
	struct abi_port m;

	abi_open_as(&m, "vale0:a", copy);
	assert_int_equal(m.reg.nr_mem_id, x->b.reg.nr_mem_id);
	send(x, 0, 10);
	assert_seen(&m, 0, 10);
	receive(x, 0, 10);
	abi_shut(&m);
	copy.nr_mem_id = 60000;
	assert_error(abi_try_open(&m, "vale0:a", &copy), EINVAL);
	/* buffers can be had of the parent's memory only */
	assert_error(abi_try_open(&m, "vale0:a", &swap), EINVAL);
	swap.nr_mem_id = x->a.reg.nr_mem_id;
	abi_open_as(&m, "vale0:a", swap);
	abi_shut(&m);
}

/* Frames */

static void test_what_is_sent(void **state)
{
	static const uint64_t kinds[] = {COPY, SWAP};
	struct abi_pair *x = *state;

	for (size_t i = 0; i < COUNT(kinds); i++) {
		struct abi_port m;

		monitor(&m, x->a.name, NR_MONITOR_TX | kinds[i]);
		for (unsigned round = 0; round < 30; round++) {
			send(x, round * 100, 100);
			/* to who is meant by it, and to who watches */
			receive(x, round * 100, 100);
			assert_seen(&m, round * 100, 100);
		}
		/* what comes is not what is sent */
		abi_send(&x->b, FRAME_MIN, TO_ALL, 2, 1);
		assert_int_equal(abi_drain(&x->a), 1);
		assert_seen(&m, 0, 0);
		abi_shut(&m);
	}
}

static void test_what_is_received(void **state)
{
	struct abi_pair *x = *state;
	struct abi_port copy, swap;

	monitor(&copy, x->b.name, NR_MONITOR_RX);
	monitor(&swap, x->b.name, NR_MONITOR_RX | SWAP);
	for (unsigned round = 0; round < 30; round++) {
		struct netmap_ring *rx = abi_rx(&x->b, 0);

		send(x, round * 10, 10);
		assert_int_equal(abi_rxsync(&x->b), 0);
		/* before it is consumed, and once it is released */
		assert_seen(&copy, round * 10, 10);
		assert_seen(&swap, 0, 0);
		for (unsigned i = 0; i < 10; i++)
			assert_int_equal(abi_take(rx), round * 10 + i);
		assert_seen(&swap, 0, 0);
		assert_int_equal(abi_rxsync(&x->b), 0);
		assert_seen(&swap, round * 10, 10);
		assert_seen(&copy, 0, 0);
	}
	abi_shut(&swap);
	abi_shut(&copy);
}

static void test_both_directions(void **state)
{
	struct abi_pair *x = *state;
	struct abi_port m;

	monitor(&m, x->a.name, NR_MONITOR_TX | NR_MONITOR_RX);
	for (unsigned i = 0; i < 100; i++) {
		send(x, i, 1);
		assert_seen(&m, i, 1);
		assert_int_equal(abi_drain(&x->b), 1);
		abi_send(&x->b, FRAME_MIN, TO_ALL, 2, i);
		assert_int_equal(abi_drain(&x->a), 1);
		assert_seen(&m, i, 1);
	}
	abi_shut(&m);
}

static void test_several_at_once(void **state)
{
	struct abi_pair *x = *state;
	struct abi_port m[6];

	for (unsigned i = 0; i < COUNT(m); i++)
		monitor(&m[i], x->a.name,
			NR_MONITOR_TX | (i == 3 ? SWAP : COPY));
	for (unsigned round = 0; round < 20; round++) {
		send(x, round * 50, 50);
		for (unsigned i = 0; i < COUNT(m); i++)
			assert_seen(&m[i], round * 50, 50);
		receive(x, round * 50, 50);
	}
	for (unsigned i = 0; i < COUNT(m); i++) {
		abi_shut(&m[i]);
		send(x, i, 1);
		receive(x, i, 1);
	}
}

/* What waits in a full pipe passes once. */
static void test_nothing_is_seen_twice(void **state)
{
	struct abi_pair *x = *state;
	struct netmap_ring *tx = abi_tx(&x->a, 0);
	unsigned sent = 0, seen[2] = {0}, got = 0;
	struct abi_port m[2];

	monitor(&m[0], x->a.name, NR_MONITOR_TX);
	monitor(&m[1], x->a.name, NR_MONITOR_TX | SWAP);
	while (got < 5000) {
		for (unsigned i = 0; abi_space(tx) && i < 100; i++)
			abi_put(tx, FRAME_MIN, TO_ALL, 1, sent++);
		assert_int_equal(abi_txsync(&x->a), 0);
		for (int i = 0; i < 2; i++) {
			assert_int_equal(abi_rxsync(&m[i]), 0);
			while (abi_space(abi_rx(&m[i], 0)))
				assert_int_equal(abi_take(abi_rx(&m[i], 0)),
						 seen[i]++);
			assert_true(seen[i] <= sent);
		}
		assert_int_equal(abi_rxsync(&x->b), 0);
		for (int i = 0; sent > 2000 && i < 90; i++)
			assert_int_equal(abi_take(abi_rx(&x->b, 0)), got++);
	}
	abi_shut(&m[1]);
	abi_shut(&m[0]);
}

/* One that sleeps is woken by what others do. */
static void test_poll(void **state)
{
	struct abi_pair *x = *state;
	struct abi_port m;

	for (int i = 0; i < 2; i++) {
		monitor(&m, x->a.name, NR_MONITOR_TX | (i ? SWAP : COPY));
		assert_int_equal(abi_poll(&m, POLLIN, 0), 0);
		send(x, 7, 3);
		assert_int_equal(abi_poll(&m, POLLIN, 10000), POLLIN);
		assert_int_equal(abi_space(abi_rx(&m, 0)), 3);
		receive(x, 7, 3);
		abi_shut(&m);
	}
}

static void *wait_for_frames(void *arg)
{
	const struct abi_port *m = arg;

	return (void *)(intptr_t)abi_poll(m, POLLIN, 60000);
}

static void test_woken(void **state)
{
	struct abi_pair *x = *state;
	struct abi_port m;

	for (int i = 0; i < 2; i++) {
		pthread_t t;
		void *answer;

		monitor(&m, x->a.name, NR_MONITOR_TX | (i ? SWAP : COPY));
		pthread_create(&t, NULL, wait_for_frames, &m);
		usleep(50000);
		send(x, 9, 1);
		pthread_join(t, &answer);
		assert_int_equal((intptr_t)answer, POLLIN);
		receive(x, 9, 1);
		abi_shut(&m);
	}
}

/* Overflow */

static void test_a_copy_that_is_full_keeps_the_oldest(void **state)
{
	struct abi_pair *x = *state;
	struct abi_port m;

	assert_int_equal(try_monitor(&m, x->a.name, NR_MONITOR_TX, 64), 0);
	for (unsigned i = 0; i < 300; i++) {
		send(x, i, 1);
		receive(x, i, 1);
	}
	assert_seen(&m, 0, abi_rx(&m, 0)->num_slots - 1);
	send(x, 300, 5);
	assert_seen(&m, 300, 5);
	receive(x, 300, 5);
	abi_shut(&m);
}

static void test_a_swap_that_is_full_keeps_the_newest(void **state)
{
	struct abi_pair *x = *state;
	struct abi_port m;
	unsigned held;

	assert_int_equal(try_monitor(&m, x->a.name, NR_MONITOR_TX | SWAP, 64),
			 0);
	held = abi_rx(&m, 0)->num_slots - 1;
	for (unsigned i = 0; i < 300; i++) {
		send(x, i, 1);
		receive(x, i, 1);
	}
	assert_seen(&m, 300 - held, held);
	/* in one sync as well */
	send(x, 300, 200);
	receive(x, 300, 200);
	assert_seen(&m, 500 - held, held);
	abi_shut(&m);
}

/* Slots that the program was shown are its own. */
static void test_what_was_shown_stays(void **state)
{
	struct abi_pair *x = *state;
	struct netmap_ring *rx;
	struct abi_port m;
	unsigned held;

	assert_int_equal(try_monitor(&m, x->a.name, NR_MONITOR_TX | SWAP, 64),
			 0);
	rx = abi_rx(&m, 0);
	held = rx->num_slots - 1;
	send(x, 0, 10);
	assert_int_equal(abi_rxsync(&m), 0);
	receive(x, 0, 10);
	for (unsigned i = 10; i < 200; i++) {
		send(x, i, 1);
		receive(x, i, 1);
	}
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(abi_take(rx), i);
	assert_int_equal(abi_rxsync(&m), 0);
	assert_int_equal(abi_space(rx), held - 10);
	for (unsigned i = 0; i < held - 10; i++)
		assert_int_equal(abi_take(rx), 200 - (held - 10) + i);
	abi_shut(&m);
}

/* The parent leaves */

static void test_an_orphan(void **state)
{
	static const uint64_t kinds[] = {COPY, SWAP};
	struct abi_pair *x = *state;

	for (size_t i = 0; i < COUNT(kinds); i++) {
		const struct nmreq_register reg = {0};
		struct abi_port m, again;

		monitor(&m, x->a.name, NR_MONITOR_TX | kinds[i]);
		send(x, 0, 5);
		assert_int_equal(abi_rxsync(&m), 0);
		assert_int_equal(abi_drain(&x->b), 5);
		abi_shut(&x->a);
		assert_error(abi_rxsync(&m), EIO);
		assert_error(abi_txsync(&m), EIO);
		assert_true(abi_poll(&m, POLLIN, 10000) & POLLERR);
		/* a new parent of this name is another one */
		abi_open_as(&again, x->a.name, reg);
		assert_error(abi_rxsync(&m), EIO);
		x->a = again;
		send(x, 0, 5);
		assert_error(abi_rxsync(&m), EIO);
		/* its memory is there still */
		memset(m.nifp, 0, sizeof(*m.nifp));
		abi_shut(&m);
		abi_drain(&x->b);
	}
}

/* As long as one of its programs is there, the parent is. */
static void test_not_an_orphan_yet(void **state)
{
	struct abi_pair *x = *state;
	struct abi_port m, same;

	abi_open(&same, x->a.name);
	monitor(&m, x->a.name, NR_MONITOR_TX);
	abi_shut(&same);
	send(x, 3, 4);
	assert_seen(&m, 3, 4);
	receive(x, 3, 4);
	abi_shut(&m);
}

static void test_an_orphan_is_woken(void **state)
{
	struct abi_pair *x = *state;
	struct abi_port m;
	void *answer;
	pthread_t t;

	monitor(&m, x->b.name, NR_MONITOR_RX);
	pthread_create(&t, NULL, wait_for_frames, &m);
	usleep(50000);
	abi_shut(&x->b);
	pthread_join(t, &answer);
	assert_true((intptr_t)answer & POLLERR);
	abi_shut(&m);
}

/* Rings */

static void test_of_one_ring(void **state)
{
	const struct nmreq_register two = {.nr_tx_rings = 2, .nr_rx_rings = 2};
	const struct nmreq_register one = {.nr_mode = NR_REG_ONE_NIC,
					   .nr_ringid = 1,
					   .nr_flags = NR_MONITOR_TX};
	struct abi_port p, m;

	(void)state;
	abi_open_as(&p, "vale0:two", two);
	abi_open_as(&m, "vale0:two", one);
	assert_null(abi_rx(&m, 0));
	abi_put(abi_tx(&p, 0), FRAME_MIN, TO_ALL, 1, 10);
	abi_put(abi_tx(&p, 1), FRAME_MIN, TO_ALL, 1, 11);
	assert_int_equal(abi_txsync(&p), 0);
	assert_int_equal(abi_rxsync(&m), 0);
	assert_int_equal(abi_take(abi_rx(&m, 1)), 11);
	assert_int_equal(abi_space(abi_rx(&m, 1)), 0);
	abi_shut(&m);
	abi_shut(&p);
}

/* Others at work meanwhile */

enum {
	AHEAD = 400, /* frames that a monitor's ring holds with ease */
	FRAMES = 20000,
};

struct stream {
	struct csb_app *csb; /* the sender, or NULL */
	struct abi_port *port; /* the sender, if it is not in CSB mode */
	struct abi_port *to; /* takes all the time */
	unsigned seen; /* by the monitor */
	bool over;
};

static void wait_for_the_monitor(const struct stream *s, unsigned n)
{
	while (n - __atomic_load_n(&s->seen, __ATOMIC_ACQUIRE) > AHEAD)
		sched_yield();
}

static void send_one(const struct abi_port *p, unsigned n)
{
	struct netmap_ring *tx = abi_tx(p, 0);

	while (!abi_space(tx))
		assert_int_equal(abi_txsync(p), 0);
	abi_put(tx, FRAME_MIN, TO_ALL, 1, n);
	if (n % 7 == 6 || n + 1 == FRAMES)
		assert_int_equal(abi_txsync(p), 0);
}

/* What waits in a full pipe: another monitor would see it as well. */
static void send_the_rest(const struct abi_port *p)
{
	const struct netmap_ring *tx = abi_tx(p, 0);

	while (abi_space(tx) < tx->num_slots - 1)
		assert_int_equal(abi_txsync(p), 0);
}

static void *send_all(void *arg)
{
	struct stream *s = arg;

	for (unsigned n = 0; n < FRAMES; n++) {
		wait_for_the_monitor(s, n);
		if (s->csb)
			csb_send(s->csb, FRAME_MIN, n);
		else
			send_one(s->port, n);
	}
	if (s->port)
		send_the_rest(s->port);
	return NULL;
}

static void *take_all(void *arg)
{
	struct stream *s = arg;

	while (!__atomic_load_n(&s->over, __ATOMIC_ACQUIRE))
		abi_drain(s->to);
	return NULL;
}

/* The monitor sees each frame once, in order, whoever else is at work. */
static void assert_sees_all(struct abi_port *m, struct stream *s)
{
	struct netmap_ring *rx = abi_rx(m, 0);

	while (s->seen < FRAMES) {
		assert_true(abi_poll(m, POLLIN, 20000) & POLLIN);
		while (abi_space(rx)) {
			assert_int_equal(abi_take(rx), s->seen);
			__atomic_store_n(&s->seen, s->seen + 1,
					 __ATOMIC_RELEASE);
		}
	}
}

static void watch(struct stream *s, const char *name, uint64_t kind)
{
	pthread_t sender, taker;
	struct abi_port m;

	monitor(&m, name, NR_MONITOR_TX | kind);
	pthread_create(&taker, NULL, take_all, s);
	pthread_create(&sender, NULL, send_all, s);
	assert_sees_all(&m, s);
	pthread_join(sender, NULL);
	__atomic_store_n(&s->over, true, __ATOMIC_RELEASE);
	pthread_join(taker, NULL);
	abi_shut(&m);
}

static void test_while_others_sync(void **state)
{
	struct abi_pair *x = *state;

	for (int i = 0; i < 2; i++) {
		struct stream s = {.port = &x->a, .to = &x->b};

		watch(&s, x->a.name, i ? SWAP : COPY);
	}
}

/* The program hands over more while the kernel syncs, and fills what it sent.
 */
static void watch_csb(const char *from, const char *to)
{
	for (int i = 0; i < 2; i++) {
		struct csb_app a;
		struct abi_port b;
		struct stream s = {.csb = &a, .to = &b};

		csb_open(&a, from);
		abi_open(&b, to);
		csb_start(&a);
		watch(&s, from, i ? SWAP : COPY);
		assert_int_equal(csb_stop(&a), 0);
		csb_shut(&a);
		abi_shut(&b);
	}
}

static void test_what_is_sent_by_csb(void **state)
{
	(void)state;
	watch_csb("vale0:c", "vale0:d");
	abi_census(NULL);
}

static void test_what_is_sent_by_csb_into_a_pipe(void **state)
{
	(void)state;
	watch_csb("vale0:q{1", "vale0:q}1");
	abi_census(NULL);
}

/* A program that takes frames by its CSB has them before anybody looks. */
static void test_not_what_is_received_by_csb(void **state)
{
	static const uint64_t kinds[] = {COPY, SWAP};
	const struct nmreq_register only = {.nr_flags = NR_EXCLUSIVE};
	struct nmreq_opt_csb o;
	struct abi_port p, m;
	struct csb_app a;

	(void)state;
	csb_open(&a, "vale0:c");
	for (size_t i = 0; i < COUNT(kinds); i++)
		assert_error(try_monitor(&m, "vale0:c",
					 NR_MONITOR_RX | kinds[i], 0),
			     EOPNOTSUPP);
	csb_shut(&a);
	abi_open_as(&p, "vale0:c", only);
	monitor(&m, "vale0:c", NR_MONITOR_RX);
	csb_map(&a.csb);
	o = csb_option(&a.csb);
	assert_error(abi_ctrl(p.fd, p.name, NETMAP_REQ_CSB_ENABLE, NULL, &o),
		     EBUSY);
	abi_shut(&m);
	assert_int_equal(
		abi_ctrl(p.fd, p.name, NETMAP_REQ_CSB_ENABLE, NULL, &o), 0);
	abi_shut(&p);
	csb_unmap(&a.csb);
}

/* What a monitor does with its buffers, in the parent's memory, breaks none. */
static void test_liars(void **state)
{
	struct abi_pair *x = *state;
	struct netmap_ring *rx, *tx = abi_tx(&x->a, 0);
	struct abi_port m;

	monitor(&m, x->a.name, NR_MONITOR_TX | SWAP);
	rx = abi_rx(&m, 0);
	srand(9);
	for (unsigned i = 0; i < 3000; i++) {
		struct netmap_slot *s =
			&rx->slot[(uint32_t)rand() % rx->num_slots];

		s->buf_idx = i & 1 ? (uint32_t)rand()
				   : tx->slot[(uint32_t)rand() % 1024].buf_idx;
		s->len = (uint16_t)rand();
		s->ptr = (uint64_t)rand() << 20;
		send(x, i, 3);
		assert_int_equal(abi_rxsync(&x->b), 0);
		abi_rx(&x->b, 0)->head = abi_rx(&x->b, 0)->cur =
			abi_rx(&x->b, 0)->tail;
		assert_int_equal(abi_rxsync(&m), 0);
		rx->head = rx->cur = rx->tail;
		if (i % 100 == 0)
			rx->head = (uint32_t)rand();
		abi_rxsync(&m);
	}
	abi_shut(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		ABI_ON_A_SWITCH(test_only_of_what_is_open),
		ABI_ON_A_SWITCH(test_they_only_receive),
		ABI_ON_A_SWITCH(test_memory),
		ABI_ON_A_SWITCH(test_memory_that_is_asked_for),
		ABI_ON_A_SWITCH(test_what_is_sent),
		ABI_ON_A_PIPE(test_what_is_sent),
		ABI_ON_A_SWITCH(test_what_is_received),
		ABI_ON_A_PIPE(test_what_is_received),
		ABI_ON_A_SWITCH(test_both_directions),
		ABI_ON_A_PIPE(test_both_directions),
		ABI_ON_A_SWITCH(test_several_at_once),
		ABI_ON_A_PIPE(test_several_at_once),
		ABI_ON_A_PIPE(test_nothing_is_seen_twice),
		ABI_ON_A_SWITCH(test_poll),
		ABI_ON_A_PIPE(test_poll),
		ABI_ON_A_SWITCH(test_woken),
		ABI_ON_A_SWITCH(test_a_copy_that_is_full_keeps_the_oldest),
		ABI_ON_A_SWITCH(test_a_swap_that_is_full_keeps_the_newest),
		ABI_ON_A_PIPE(test_a_swap_that_is_full_keeps_the_newest),
		ABI_ON_A_SWITCH(test_what_was_shown_stays),
		ABI_ON_A_SWITCH(test_an_orphan),
		ABI_ON_A_PIPE(test_an_orphan),
		ABI_ON_A_SWITCH(test_not_an_orphan_yet),
		ABI_ON_A_SWITCH(test_an_orphan_is_woken),
		ABI_ON_A_SWITCH(test_of_one_ring),
		ABI_ON_A_SWITCH(test_while_others_sync),
		ABI_ON_A_PIPE(test_while_others_sync),
		cmocka_unit_test(test_what_is_sent_by_csb),
		cmocka_unit_test(test_what_is_sent_by_csb_into_a_pipe),
		cmocka_unit_test(test_not_what_is_received_by_csb),
		ABI_ON_A_SWITCH(test_liars),
		ABI_ON_A_PIPE(test_liars),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
