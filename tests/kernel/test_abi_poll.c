// SPDX-License-Identifier: BSD-2-Clause
/*
 * poll, select and epoll on ports: when they are ready, what they sync, what
 * the flags of REGISTER change.
 */
#include "abi.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

static void test_what_is_not_bound(void **state)
{
	struct abi_port p = {.fd = abi_device()};

	(void)state;
	assert_true(abi_poll(&p, POLLIN | POLLOUT, 0) & POLLERR);
	abi_close(p.fd);
}

static void test_ready_when_cur_is_not_at_tail(void **state)
{
	struct abi_pair *x = *state;
	struct netmap_ring *tx = abi_tx(&x->a, 0);

	assert_int_equal(abi_poll(&x->b, POLLIN, 0), 0);
	assert_int_equal(abi_poll(&x->b, POLLIN, 20), 0);
	assert_int_equal(abi_poll(&x->b, POLLOUT, 0), POLLOUT);
	assert_int_equal(abi_poll(&x->b, POLLIN | POLLOUT, -1), POLLOUT);

	abi_send(&x->a, FRAME_MIN, 2, 1, 1);
	assert_int_equal(abi_poll(&x->b, POLLIN, 5000), POLLIN);
	/* poll has synced: the frame is there */
	assert_int_equal(abi_space(abi_rx(&x->b, 0)), 1);
	assert_int_equal(abi_take(abi_rx(&x->b, 0)), 1);
	assert_int_equal(abi_poll(&x->b, POLLIN, 0), 0);

	/* cur at the tail asks for more room than there is; a switch takes
	 * all, so that it comes */
	tx->cur = tx->tail;
	assert_int_equal(abi_poll(&x->a, POLLOUT, 0), 0);
	tx->cur = tx->head;
	assert_int_equal(abi_poll(&x->a, POLLOUT, 0), POLLOUT);
}

/* Whatever is asked for, what waits to be sent is sent. */
static void test_poll_sends(void **state)
{
	struct abi_pair *x = *state;

	abi_put(abi_tx(&x->a, 0), FRAME_MIN, 2, 1, 5);
	assert_int_equal(abi_poll(&x->a, POLLIN, 0), 0);
	assert_int_equal(abi_drain(&x->b), 1);

	abi_put(abi_tx(&x->a, 0), FRAME_MIN, 2, 1, 6);
	assert_int_equal(abi_poll(&x->a, POLLOUT, 0), POLLOUT);
	assert_int_equal(abi_drain(&x->b), 1);
}

/* All rings are flushed; one that is ready is enough. */
static void test_several_rings(void **state)
{
	const struct nmreq_register wish = {.nr_tx_rings = 3, .nr_rx_rings = 3};
	struct abi_port a, b;

	(void)state;
	abi_open_as(&a, "vale1:a", wish);
	abi_open_as(&b, "vale1:b", wish);
	for (unsigned i = 0; i < 3; i++)
		abi_put(abi_tx(&a, i), FRAME_MIN, 2, 1, i);
	assert_int_equal(abi_poll(&a, POLLIN, 0), 0);
	assert_int_equal(abi_poll(&b, POLLIN, 5000), POLLIN);
	for (unsigned i = 0; i < 3; i++)
		assert_int_equal(abi_take(abi_rx(&b, i)), i);
	assert_int_equal(abi_poll(&b, POLLIN, 0), 0);
	abi_put(abi_tx(&a, 2), FRAME_MIN, 2, 1, 7);
	assert_int_equal(abi_txsync(&a), 0);
	assert_int_equal(abi_poll(&b, POLLIN, 5000), POLLIN);
	assert_int_equal(abi_take(abi_rx(&b, 2)), 7);
	for (unsigned i = 0; i < 2; i++)
		abi_tx(&a, i)->cur = abi_tx(&a, i)->tail;
	assert_int_equal(abi_poll(&a, POLLOUT, 0), POLLOUT);
	abi_shut(&a);
	abi_shut(&b);
}

static void test_no_tx_poll(void **state)
{
	struct abi_port a, b;

	(void)state;
	abi_open_as(&a, "vale1:a",
		    (struct nmreq_register){.nr_flags = NR_NO_TX_POLL});
	abi_open(&b, "vale1:b");
	assert_int_equal(a.reg.nr_flags, NR_NO_TX_POLL);
	abi_put(abi_tx(&a, 0), FRAME_MIN, 2, 1, 5);
	assert_int_equal(abi_poll(&a, POLLIN, 0), 0);
	assert_int_equal(abi_drain(&b), 0);
	assert_int_equal(abi_txsync(&a), 0);
	assert_int_equal(abi_drain(&b), 1);
	/* who asks for room to send has it made */
	abi_put(abi_tx(&a, 0), FRAME_MIN, 2, 1, 6);
	assert_int_equal(abi_poll(&a, POLLOUT, 0), POLLOUT);
	assert_int_equal(abi_drain(&b), 1);
	abi_shut(&a);
	abi_shut(&b);
}

/* With it a poll that asks for nothing to read receives, too. */
static void test_do_rx_poll(void **state)
{
	static const struct nmreq_register flags[] = {
		{.nr_flags = 0}, {.nr_flags = NR_DO_RX_POLL}};

	(void)state;
	for (unsigned i = 0; i < COUNT(flags); i++) {
		struct abi_port a, b;

		abi_open(&a, "vale1:a");
		abi_open_as(&b, "vale1:b", flags[i]);
		abi_send(&a, FRAME_MIN, 2, 1, 5);
		assert_int_equal(abi_poll(&b, POLLOUT, 0), POLLOUT);
		assert_int_equal(abi_space(abi_rx(&b, 0)), i);
		abi_shut(&a);
		abi_shut(&b);
	}
}

static void *send_later(void *arg)
{
	struct abi_pair *x = arg;

	usleep(50000);
	abi_send(&x->a, FRAME_MIN, 2, 1, 9);
	return NULL;
}

static void test_a_frame_ends_the_sleep(void **state)
{
	struct abi_pair *x = *state;
	pthread_t t;

	pthread_create(&t, NULL, send_later, x);
	assert_int_equal(abi_poll(&x->b, POLLIN, 10000), POLLIN);
	pthread_join(t, NULL);
	assert_int_equal(abi_take(abi_rx(&x->b, 0)), 9);
}

static void nothing(int number)
{
	(void)number;
}

static void test_a_signal_ends_the_sleep(void **state)
{
	struct abi_pair *x = *state;
	struct pollfd pfd = {.fd = x->b.fd, .events = POLLIN};
	struct sigaction sa = {.sa_handler = nothing}, old;
	timer_t timer;
	struct sigevent ev = {.sigev_notify = SIGEV_SIGNAL,
			      .sigev_signo = SIGALRM};
	struct itimerspec soon = {.it_value = {.tv_nsec = 50000000}};

	sigaction(SIGALRM, &sa, &old);
	timer_create(CLOCK_MONOTONIC, &ev, &timer);
	timer_settime(timer, 0, &soon, NULL);
	assert_int_equal(poll(&pfd, 1, 10000), -1);
	assert_int_equal(errno, EINTR);
	timer_delete(timer);
	sigaction(SIGALRM, &old, NULL);
}

static void test_select(void **state)
{
	struct abi_pair *x = *state;
	struct timeval none = {0}, some = {.tv_sec = 5};
	fd_set in, out;

	FD_ZERO(&in);
	FD_ZERO(&out);
	FD_SET(x->b.fd, &in);
	FD_SET(x->b.fd, &out);
	assert_int_equal(select(x->b.fd + 1, &in, &out, NULL, &none), 1);
	assert_false(FD_ISSET(x->b.fd, &in));
	assert_true(FD_ISSET(x->b.fd, &out));
	abi_send(&x->a, FRAME_MIN, 2, 1, 1);
	FD_SET(x->b.fd, &in);
	assert_int_equal(select(x->b.fd + 1, &in, NULL, NULL, &some), 1);
	assert_true(FD_ISSET(x->b.fd, &in));
}

static int epoll_of(const struct abi_port *p, uint32_t events)
{
	struct epoll_event e = {.events = events};
	int fd = epoll_create1(EPOLL_CLOEXEC);

	assert_int_equal(epoll_ctl(fd, EPOLL_CTL_ADD, p->fd, &e), 0);
	return fd;
}

static void test_epoll(void **state)
{
	struct abi_pair *x = *state;
	struct epoll_event e;
	int fd = epoll_of(&x->b, EPOLLIN);
	pthread_t t;

	assert_int_equal(epoll_wait(fd, &e, 1, 0), 0);
	pthread_create(&t, NULL, send_later, x);
	assert_int_equal(epoll_wait(fd, &e, 1, 10000), 1);
	assert_int_equal(e.events, EPOLLIN);
	pthread_join(t, NULL);
	/* level-triggered: as long as it is not read */
	assert_int_equal(epoll_wait(fd, &e, 1, 0), 1);
	abi_take(abi_rx(&x->b, 0));
	assert_int_equal(epoll_wait(fd, &e, 1, 0), 0);
	close(fd);
}

static void test_epoll_by_edges(void **state)
{
	struct abi_pair *x = *state;
	struct epoll_event e;
	int fd = epoll_of(&x->b, EPOLLIN | EPOLLET);

	for (unsigned i = 0; i < 10; i++) {
		abi_send(&x->a, FRAME_MIN, 2, 1, i);
		assert_int_equal(epoll_wait(fd, &e, 1, 10000), 1);
		assert_int_equal(epoll_wait(fd, &e, 1, 0), 0);
		assert_int_equal(abi_rxsync(&x->b), 0);
		assert_int_equal(abi_take(abi_rx(&x->b, 0)), i);
		assert_int_equal(abi_rxsync(&x->b), 0);
	}
	close(fd);
}

static void test_rings_of_one_direction(void **state)
{
	struct abi_port r, t;

	(void)state;
	abi_open_as(&r, "vale1:r",
		    (struct nmreq_register){.nr_flags = NR_RX_RINGS_ONLY});
	abi_open_as(&t, "vale1:t",
		    (struct nmreq_register){.nr_flags = NR_TX_RINGS_ONLY});
	assert_int_equal(abi_poll(&r, POLLOUT, 0), 0);
	assert_int_equal(abi_poll(&t, POLLIN, 0), 0);
	assert_int_equal(abi_poll(&t, POLLOUT, 0), POLLOUT);
	abi_send(&t, FRAME_MIN, 2, 1, 1);
	assert_int_equal(abi_poll(&r, POLLIN, 5000), POLLIN);
	abi_shut(&r);
	abi_shut(&t);
}

enum { ROUNDS = 2000 };

static void *echo(void *arg)
{
	struct abi_pair *x = arg;
	struct netmap_ring *rx = abi_rx(&x->b, 0);

	for (unsigned i = 0; i < ROUNDS; i++) {
		struct pollfd pfd = {.fd = x->b.fd, .events = POLLIN};

		if (poll(&pfd, 1, -1) != 1)
			return x;
		rx->head = rx->cur = abi_next(rx, rx->head);
		abi_send(&x->b, FRAME_MIN, 1, 2, i);
	}
	return NULL;
}

/* Each sleeps without a time until the other's frame comes. */
static void test_no_wake_up_is_lost(void **state)
{
	struct abi_pair *x = *state;
	pthread_t t;
	void *failed;

	pthread_create(&t, NULL, echo, x);
	for (unsigned i = 0; i < ROUNDS; i++) {
		abi_send(&x->a, FRAME_MIN, 2, 1, i);
		assert_int_equal(abi_poll(&x->a, POLLIN, 60000), POLLIN);
		assert_int_equal(abi_take(abi_rx(&x->a, 0)), i);
	}
	pthread_join(t, &failed);
	assert_null(failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_not_bound),
		ABI_ON_A_SWITCH(test_ready_when_cur_is_not_at_tail),
		ABI_ON_A_SWITCH(test_poll_sends),
		cmocka_unit_test(test_several_rings),
		cmocka_unit_test(test_no_tx_poll),
		cmocka_unit_test(test_do_rx_poll),
		ABI_ON_A_SWITCH(test_a_frame_ends_the_sleep),
		ABI_ON_A_SWITCH(test_a_signal_ends_the_sleep),
		ABI_ON_A_SWITCH(test_select),
		ABI_ON_A_SWITCH(test_epoll),
		ABI_ON_A_SWITCH(test_epoll_by_edges),
		cmocka_unit_test(test_rings_of_one_direction),
		ABI_ON_A_SWITCH(test_no_wake_up_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
