// SPDX-License-Identifier: BSD-2-Clause
/*
 * The sync loop: how it begins and ends, who wakes whom, and that no wake-up
 * is lost: programs here wait for eventfds without an end. seconds: 600
 */
#include "csb.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Of ping-pong, or frames in a row; fewer where the CPU is emulated. */
static uint64_t many(void)
{
	char *line = NULL;
	size_t size = 0;
	FILE *f = fopen("/proc/cpuinfo", "r");
	bool native = false;

	assert_non_null(f);
	while (!native && getline(&line, &size, f) > 0)
		native = strstr(line, "User Mode Linux");
	free(line);
	fclose(f);
	return native ? 100000 : 5000;
}

static int teardown(void **state)
{
	(void)state;
	abi_census(NULL);
	return 0;
}

static int stop(const struct csb_app *p)
{
	return abi_ctrl(p->port.fd, p->port.name, NETMAP_REQ_SYNC_KLOOP_STOP,
			NULL, NULL);
}

static int start_with(const struct csb_app *p, uint32_t us, void *options)
{
	struct nmreq_sync_kloop_start start = {.sleep_us = us};

	return abi_ctrl(p->port.fd, p->port.name, NETMAP_REQ_SYNC_KLOOP_START,
			&start, options);
}

static void no_eventfds(struct csb_app *p, bool io, bool irq)
{
	for (int i = 0; i < 2; i++) {
		if (io) {
			close(p->io[i]);
			p->io[i] = -1;
		}
		if (irq) {
			close(p->irq[i]);
			p->irq[i] = -1;
		}
	}
}

/* Beginning and end */

static void test_needs_csb_mode(void **state)
{
	struct nmreq_sync_kloop_start start = {0};
	struct abi_port p;
	int fd = abi_device();

	(void)state;
	assert_error(abi_ctrl(fd, "", NETMAP_REQ_SYNC_KLOOP_START, &start,
			      NULL),
		     EINVAL);
	abi_close(fd);
	abi_open_as(&p, "vale0:k",
		    (struct nmreq_register){.nr_flags = NR_EXCLUSIVE});
	assert_error(abi_ctrl(p.fd, p.name, NETMAP_REQ_SYNC_KLOOP_START, &start,
			      NULL),
		     EINVAL);
	abi_shut(&p);
}

static void test_stop_is_sticky(void **state)
{
	struct csb_app p;

	(void)state;
	csb_open(&p, "vale0:k");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(stop(&p), 0);
		assert_int_equal(csb_run(&p), 0);
	}
	assert_int_equal(stop(&p), 0);
	assert_int_equal(stop(&p), 0);
	assert_int_equal(csb_run(&p), 0);
	/* once */
	csb_start(&p);
	assert_int_equal(csb_stop(&p), 0);
	csb_start(&p);
	assert_int_equal(csb_stop(&p), 0);
	csb_shut(&p);
}

static void test_one_of_two_is_refused(void **state)
{
	struct csb_app p;

	(void)state;
	csb_open(&p, "vale0:k");
	csb_start(&p);
	for (int i = 0; i < 100; i++)
		assert_error(csb_run(&p), EBUSY);
	assert_int_equal(csb_stop(&p), 0);
	csb_shut(&p);
}

struct both {
	struct csb_app *app;
	pthread_barrier_t *at_once;
	int result;
};

static void *start_at_once(void *arg)
{
	struct both *b = arg;

	pthread_barrier_wait(b->at_once);
	b->result = csb_run(b->app);
	return NULL;
}

static void test_two_at_once(void **state)
{
	struct csb_app p;

	(void)state;
	csb_open(&p, "vale0:k");
	for (int i = 0; i < 50; i++) {
		pthread_barrier_t at_once;
		struct both b[2] = {{&p, &at_once, 1}, {&p, &at_once, 1}};
		pthread_t t[2];

		pthread_barrier_init(&at_once, NULL, 2);
		for (int k = 0; k < 2; k++)
			pthread_create(&t[k], NULL, start_at_once, &b[k]);
		while (__atomic_load_n(&b[0].result, __ATOMIC_ACQUIRE) == 1 &&
		       __atomic_load_n(&b[1].result, __ATOMIC_ACQUIRE) == 1)
			sched_yield();
		assert_int_equal(stop(&p), 0);
		for (int k = 0; k < 2; k++)
			pthread_join(t[k], NULL);
		assert_int_equal(b[0].result + b[1].result, -EBUSY);
		pthread_barrier_destroy(&at_once);
	}
	csb_shut(&p);
}

static void handler(int number)
{
	(void)number;
}

static void test_a_signal_ends_it(void **state)
{
	const struct sigaction act = {.sa_handler = handler};
	struct csb_app p;

	(void)state;
	sigaction(SIGUSR1, &act, NULL);
	csb_open(&p, "vale0:k");
	csb_start(&p);
	pthread_kill(p.thread, SIGUSR1);
	pthread_join(p.thread, NULL);
	assert_error(p.result, EINTR);
	/* and it can begin anew */
	csb_start(&p);
	assert_int_equal(csb_stop(&p), 0);
	csb_shut(&p);
}

static void be_killed(void *arg)
{
	struct csb_app p, *peer = arg;

	csb_open(&p, "vale0:victim");
	csb_start(&p);
	assert_int_equal(write(peer->irq[0], &(uint64_t){1}, 8), 8);
	for (uint64_t n = 0;; n++)
		csb_send(&p, FRAME_MIN, n);
}

/* In the loop, with frames under way, at any moment. */
static void test_killed_in_the_loop(void **state)
{
	struct csb_app peer;

	(void)state;
	csb_open(&peer, "vale0:peer");
	csb_start(&peer);
	for (int i = 0; i < 20; i++) {
		const struct timespec ms = {.tv_nsec = i * 1000000L};
		struct abi_port again;
		uint64_t count;
		int status;
		pid_t pid = fork();

		if (!pid) {
			setenv("CMOCKA_TEST_ABORT", "1", 1);
			be_killed(&peer);
		}
		assert_int_equal(read(peer.irq[0], &count, 8), 8);
		nanosleep(&ms, NULL);
		assert_int_equal(kill(pid, SIGKILL), 0);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFSIGNALED(status));
		while (csb_space(&peer, CSB_RECEIVE))
			csb_take(&peer);
		abi_open_as(&again, "vale0:victim",
			    (struct nmreq_register){.nr_flags = NR_EXCLUSIVE});
		abi_send(&again, FRAME_MIN, TO_ALL, 1, 77);
		assert_int_equal(csb_take(&peer), 77);
		abi_shut(&again);
	}
	assert_int_equal(csb_stop(&peer), 0);
	csb_shut(&peer);
}

/* Options */

static void test_the_size_of_eventfds(void **state)
{
	struct csb_app p;
	char bytes[256] = {0};
	struct nmreq_option *o = (void *)bytes;

	(void)state;
	csb_open(&p, "vale0:k");
	for (uint64_t size = 0; size < 100; size++) {
		memset(bytes + sizeof(*o), 0xff, sizeof(bytes) - sizeof(*o));
		*o = (struct nmreq_option){
			.nro_reqtype = NETMAP_REQ_OPT_SYNC_KLOOP_EVENTFDS,
			.nro_size = size,
		};
		assert_int_equal(stop(&p), 0);
		if (size == 24 + 8 * 2) {
			assert_int_equal(start_with(&p, 1, o), 0);
			assert_int_equal(o->nro_status, 0);
			continue;
		}
		assert_error(start_with(&p, 1, o), EINVAL);
		assert_int_equal(o->nro_status, EINVAL);
	}
	o->nro_size = UINT64_MAX;
	assert_fails(start_with(&p, 1, o));
	csb_shut(&p);
}

static void test_what_is_no_eventfd(void **state)
{
	struct csb_app p;
	int pipes[2];

	(void)state;
	assert_int_equal(pipe(pipes), 0);
	csb_open(&p, "vale0:k");
	for (int i = 0; i < 4; i++) {
		int *const fd = i & 1 ? &p.io[i / 2] : &p.irq[i / 2];
		const int good = *fd;

		*fd = 9999;
		assert_error(csb_run(&p), EBADF);
		*fd = pipes[1];
		assert_fails(csb_run(&p));
		*fd = p.port.fd;
		assert_fails(csb_run(&p));
		*fd = good;
	}
	csb_start(&p);
	assert_int_equal(csb_stop(&p), 0);
	csb_shut(&p);
	close(pipes[0]);
	close(pipes[1]);
}

static void test_modes(void **state)
{
	struct csb_app p;

	(void)state;
	csb_open(&p, "vale0:k");
	p.mode = 4;
	assert_error(csb_run(&p), EINVAL);
	p.mode = 0x80000001;
	assert_error(csb_run(&p), EINVAL);
	for (p.mode = 1; p.mode <= 3; p.mode++) {
		csb_start(&p);
		assert_int_equal(csb_stop(&p), 0);
	}
	close(p.io[1]);
	p.io[1] = -1;
	for (p.mode = 1; p.mode <= 3; p.mode++)
		assert_error(csb_run(&p), EINVAL);
	csb_shut(&p);
}

static void test_sleeps(void **state)
{
	struct csb_app p;

	(void)state;
	csb_open(&p, "vale0:k");
	assert_error(start_with(&p, 1000001, NULL), EINVAL);
	assert_error(start_with(&p, UINT32_MAX, NULL), EINVAL);
	no_eventfds(&p, true, true);
	p.sleep_us = 1000000; /* a STOP ends it at once */
	for (int i = 0; i < 20; i++) {
		csb_start(&p);
		assert_int_equal(csb_stop(&p), 0);
	}
	csb_shut(&p);
}

/* Traffic */

static void exchange(struct csb_app *a, struct csb_app *b, uint64_t rounds)
{
	for (uint64_t n = 0; n < rounds; n++) {
		csb_send(a, 60 + n % 500, n);
		assert_int_equal(csb_take(b), n);
		csb_send(b, 60 + n % 400, n);
		assert_int_equal(csb_take(a), n);
	}
}

static void assert_asks_no_kick(const struct csb_app *p, int ring)
{
	assert_false(__atomic_load_n(&p->csb.ktoa[ring].kern_need_kick,
				     __ATOMIC_ACQUIRE));
}

/* Without kicks: the loop looks by itself, and asks for none. */
static void test_without_ioeventfds(void **state)
{
	struct csb_app a, b;

	(void)state;
	csb_open(&a, "vale0:a");
	csb_open(&b, "vale0:b");
	no_eventfds(&a, true, false);
	no_eventfds(&b, true, true);
	a.sleep_us = b.sleep_us = 100;
	csb_begin(&a); /* and nobody else has been at its rings */
	csb_begin(&b);
	for (uint64_t n = 0; n < 300; n++) {
		exchange(&a, &b, 1);
		for (int i = 0; i < 2; i++)
			assert_asks_no_kick(&a, i);
	}
	assert_int_equal(csb_stop(&a), 0);
	assert_int_equal(csb_stop(&b), 0);
	csb_shut(&a);
	csb_shut(&b);
}

static void test_without_irqfds(void **state)
{
	struct csb_app a, b;

	(void)state;
	csb_open(&a, "vale0:a");
	csb_open(&b, "vale0:b");
	no_eventfds(&a, false, true);
	no_eventfds(&b, false, true);
	csb_start(&a);
	csb_start(&b);
	exchange(&a, &b, 1000);
	assert_int_equal(csb_stop(&a), 0);
	assert_int_equal(csb_stop(&b), 0);
	csb_shut(&a);
	csb_shut(&b);
}

/* Who has not asked for it is not told; a kick without need does no harm. */
static void test_who_is_awake_is_not_notified(void **state)
{
	struct csb_app a, b;
	uint64_t count = 1;

	(void)state;
	csb_open(&a, "vale0:a");
	csb_open(&b, "vale0:b");
	assert_int_equal(fcntl(b.irq[CSB_RECEIVE], F_SETFL, O_NONBLOCK), 0);
	csb_start(&a);
	csb_start(&b);
	for (uint64_t n = 0; n < 100; n++) {
		assert_int_equal(write(a.io[n & 1], &count, 8), 8);
		csb_send(&a, FRAME_MIN, n);
		while (!csb_space(&b, CSB_RECEIVE))
			sched_yield();
		assert_int_equal(csb_take(&b), n);
	}
	assert_int_equal(read(b.irq[CSB_RECEIVE], &count, 8), -1);
	assert_int_equal(csb_stop(&a), 0);
	assert_int_equal(csb_stop(&b), 0);
	csb_shut(&a);
	csb_shut(&b);
}

struct sender {
	struct csb_app *app;
	uint64_t frames;
};

static void *send_all(void *arg)
{
	struct sender *s = arg;

	for (uint64_t n = 0; n < s->frames; n++)
		csb_send(s->app, 60 + n % 1000, n);
	return NULL;
}

/* A pipe loses nothing: its sender sleeps whenever it is full. */
static void test_a_stream_through_a_pipe(void **state)
{
	struct csb_app a, b;
	struct sender s = {&a, many()};
	pthread_t t;

	(void)state;
	csb_open(&a, "vale0:p{1");
	csb_open(&b, "vale0:p}1");
	csb_start(&a);
	csb_start(&b);
	pthread_create(&t, NULL, send_all, &s);
	for (uint64_t n = 0; n < s.frames; n++)
		assert_int_equal(csb_take(&b), n);
	pthread_join(t, NULL);
	assert_int_equal(csb_stop(&a), 0);
	assert_int_equal(csb_stop(&b), 0);
	csb_shut(&b);
	csb_shut(&a);
}

/* Ping-pong: each round takes four wake-ups, none of which may be lost. */

static void *echo(void *arg)
{
	struct sender *s = arg;

	for (uint64_t n = 0; n < s->frames; n++) {
		if (csb_take(s->app) != n)
			abort();
		csb_send(s->app, FRAME_MIN, n);
	}
	return NULL;
}

static void ping_pong(const char *one, const char *other, uint32_t mode,
		      uint64_t rounds)
{
	struct csb_app a, b;
	struct sender s = {&b, rounds};
	pthread_t t;

	csb_open(&a, one);
	csb_open(&b, other);
	a.mode = b.mode = mode;
	csb_start(&a);
	csb_start(&b);
	pthread_create(&t, NULL, echo, &s);
	for (uint64_t n = 0; n < s.frames; n++) {
		csb_send(&a, FRAME_MIN, n);
		assert_int_equal(csb_take(&a), n);
	}
	pthread_join(t, NULL);
	assert_int_equal(csb_stop(&a), 0);
	assert_int_equal(csb_stop(&b), 0);
	csb_shut(&b);
	csb_shut(&a);
}

static void test_ping_pong_on_a_switch(void **state)
{
	(void)state;
	ping_pong("vale0:a", "vale0:b", 0, many());
}

static void test_ping_pong_on_a_pipe(void **state)
{
	(void)state;
	ping_pong("vale0:p{1", "vale0:p}1", 0, many());
}

static void test_ping_pong_directly(void **state)
{
	(void)state;
	ping_pong("vale0:a", "vale0:b", NM_OPT_SYNC_KLOOP_DIRECT_TX,
		  many() / 5);
	ping_pong("vale0:p{1", "vale0:p}1",
		  NM_OPT_SYNC_KLOOP_DIRECT_TX | NM_OPT_SYNC_KLOOP_DIRECT_RX,
		  many() / 5);
}

/* A program that writes anything into its arrays harms itself alone. */
static void test_arrays_that_lie(void **state)
{
	struct csb_app bad, a, b;

	(void)state;
	csb_open(&bad, "vale0:bad");
	csb_open(&a, "vale0:p{1");
	csb_open(&b, "vale0:p}1");
	no_eventfds(&bad, true, false);
	bad.sleep_us = 10;
	csb_start(&bad);
	csb_start(&a);
	csb_start(&b);
	srand(11);
	for (uint64_t n = 0; n < 20000; n++) {
		struct nm_csb_atok *at = &bad.csb.atok[n & 1];

		at->cur = (uint32_t)rand() % 2000;
		at->head = n % 3 ? (uint32_t)rand() % 2000 : (uint32_t)rand();
		bad.csb.ktoa[n & 1].hwtail = (uint32_t)rand();
		if (n % 20 == 0) {
			csb_send(&a, FRAME_MIN, n);
			assert_int_equal(csb_take(&b), n);
		}
	}
	assert_int_equal(csb_stop(&bad), 0);
	assert_int_equal(csb_stop(&a), 0);
	assert_int_equal(csb_stop(&b), 0);
	csb_shut(&bad);
	csb_shut(&b);
	csb_shut(&a);
}

int main(void)
{
#define TEST(test) cmocka_unit_test_teardown(test, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_needs_csb_mode),
		TEST(test_stop_is_sticky),
		TEST(test_one_of_two_is_refused),
		TEST(test_two_at_once),
		TEST(test_a_signal_ends_it),
		TEST(test_killed_in_the_loop),
		TEST(test_the_size_of_eventfds),
		TEST(test_what_is_no_eventfd),
		TEST(test_modes),
		TEST(test_sleeps),
		TEST(test_without_ioeventfds),
		TEST(test_without_irqfds),
		TEST(test_who_is_awake_is_not_notified),
		TEST(test_a_stream_through_a_pipe),
		TEST(test_ping_pong_on_a_switch),
		TEST(test_ping_pong_on_a_pipe),
		TEST(test_ping_pong_directly),
		TEST(test_arrays_that_lie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
