/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two processes exchange frames through /dev/netmap: ports of a VALE switch,
 * the ends of a pipe; by syncs, poll() and epoll. seconds: 300
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "kernel/program.h"

enum { LEN = 60, FRAMES = 20000, BATCH = 100, PATIENCE_MS = 20000 };

/* A process of its own that must come to its end. */
static pid_t begin(void (*run)(const char *port), const char *port)
{
	const pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid)
		return pid;
	alarm(200);
	run(port);
	_exit(0);
}

static void end(pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* As fast as the other takes them: a pipe loses nothing. */
static void send_all(const char *port)
{
	struct program p;
	uint64_t next = 0;

	program_open(&p, port);
	while (next < FRAMES) {
		if (program_poll(&p, POLLOUT, PATIENCE_MS) != POLLOUT)
			_exit(1);
		program_send(&p, BATCH, LEN, &next);
	}
	/* a full pipe: what is left goes when there is room */
	while (program_tx(&p, 0)->head !=
	       (program_tx(&p, 0)->tail + 1) % program_tx(&p, 0)->num_slots) {
		usleep(1000);
		ioctl(p.fd, NIOCTXSYNC);
	}
	program_close(&p);
}

static void pipe_loses_nothing(void **state)
{
	struct program p;
	uint64_t next = 0;
	pid_t sender;

	(void)state;
	program_open(&p, "p{1");
	sender = begin(send_all, "p}1");
	while (next < FRAMES) {
		assert_int_equal(program_poll(&p, POLLIN, PATIENCE_MS), POLLIN);
		program_receive(&p, LEN, &next);
	}
	end(sender);
	assert_int_equal(program_poll(&p, POLLIN, 50), 0);
	program_close(&p);
}

/* One frame there, one back: each waits for the other's. */
static void answer(const char *port)
{
	struct program p;
	uint64_t in = 0, out = 0;

	program_open(&p, port);
	while (out < FRAMES / 4) {
		if (program_poll(&p, POLLIN, PATIENCE_MS) != POLLIN)
			_exit(1);
		if (program_receive(&p, LEN, &in))
			program_send(&p, 1, LEN, &out);
	}
	program_close(&p);
}

static void ping_pong(const char *here, const char *there)
{
	struct program p;
	uint64_t in = 0, out = 0;
	pid_t other;

	program_open(&p, here);
	other = begin(answer, there);
	/* a frame for a port that is not there yet is lost on a switch */
	while (!in) {
		if (out == in)
			usleep(200 * 1000);
		out = 0;
		program_send(&p, 1, LEN, &out);
		if (program_poll(&p, POLLIN, PATIENCE_MS / 2) == POLLIN)
			program_receive(&p, LEN, &in);
	}
	while (in < FRAMES / 4) {
		program_send(&p, 1, LEN, &out);
		do
			assert_int_equal(program_poll(&p, POLLIN, PATIENCE_MS),
					 POLLIN);
		while (!program_receive(&p, LEN, &in));
	}
	end(other);
	program_close(&p);
}

static void ping_pong_on_switch(void **state)
{
	(void)state;
	ping_pong("vale0:a", "vale0:b");
}

static void ping_pong_on_pipe(void **state)
{
	(void)state;
	ping_pong("vale0:a{x", "vale0:a}x");
}

static void switch_floods(void **state)
{
	struct program from, to[2];
	uint64_t sent = 0, got[2] = {0, 0};

	(void)state;
	program_open(&from, "vale:from");
	program_open(&to[0], "vale:to0");
	program_open(&to[1], "vale:to1");
	assert_int_equal(program_send(&from, BATCH, LEN, &sent), BATCH);
	/* a switch takes everything at once */
	assert_int_equal(program_tx(&from, 0)->tail,
			 (program_tx(&from, 0)->head + 1023) % 1024);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(program_poll(&to[i], POLLIN, 0), POLLIN);
		assert_int_equal(program_receive(&to[i], LEN, &got[i]), BATCH);
		program_close(&to[i]);
	}
	program_close(&from);
}

static void epoll_tells_of_edges(void **state)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET};
	struct program from, to;
	uint64_t sent = 0, got = 0;
	const int set = epoll_create1(EPOLL_CLOEXEC);

	(void)state;
	program_open(&from, "vale0:from");
	program_open(&to, "vale0:to");
	assert_int_equal(epoll_ctl(set, EPOLL_CTL_ADD, to.fd, &event), 0);
	for (unsigned i = 1; i <= 100; i++) {
		assert_int_equal(epoll_wait(set, &event, 1, 0), 0);
		program_send(&from, 1, LEN, &sent);
		assert_int_equal(epoll_wait(set, &event, 1, PATIENCE_MS), 1);
		assert_int_equal(event.events, EPOLLIN);
		assert_int_equal(program_receive(&to, LEN, &got), 1);
		assert_int_equal(program_receive(&to, LEN, &got), 0);
	}
	close(set);
	program_close(&from);
	program_close(&to);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(switch_floods),
		cmocka_unit_test(ping_pong_on_switch),
		cmocka_unit_test(pipe_loses_nothing),
		cmocka_unit_test(ping_pong_on_pipe),
		cmocka_unit_test(epoll_tells_of_edges),
	};

	alarm(280);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
