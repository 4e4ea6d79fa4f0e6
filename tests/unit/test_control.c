/* SPDX-License-Identifier: BSD-2-Clause */
/* Who listens to the engine's events, and who does not read them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/netlink.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/control.h"
#include "engine/engine.h"
#include "engine/state.h"
#include "nl/message.h"

enum {
	EVENTS = 100000, /* more than the socket and the engine keep */
	GROWTH_MAX = 1 << 20, /* bytes: of the engine, by all that is unread */
};

static struct {
	char dir[32];
	struct engine *engine;
} w;

static int begin(void **state)
{
	char text[256];

	(void)state;
	strcpy(w.dir, "/tmp/ptnet-control.XXXXXX");
	if (!mkdtemp(w.dir))
		return -1;
	return engine_new(&w.engine,
			  &(struct engine_config){.run_dir = w.dir,
						  .workers = 1},
			  text, sizeof(text));
}

static int end(void **state)
{
	char path[64];

	(void)state;
	engine_free(w.engine);
	snprintf(path, sizeof(path), "%s/ports", w.dir);
	return rmdir(path) || rmdir(w.dir);
}

/* A turn that surely has something to do. */
static void turn(void)
{
	assert_int_equal(loop_turn(&w.engine->loop), 0);
}

static void ask(int fd, enum ptn_cmd cmd)
{
	const struct message m = {.type = PTN_ENGINE_FAMILY,
				  .flags = NLM_F_REQUEST,
				  .seq = 5,
				  .cmd = (uint8_t)cmd};
	struct message_buf out = {0};

	assert_int_equal(message_put(&out, &m), 0);
	assert_int_equal(send(fd, out.data, out.len, 0), out.len);
	message_buf_fini(&out);
	turn();
}

static int listener(void)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	const int fd = socket(AF_UNIX,
			      SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s/engine.sock", w.dir);
	assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
	turn();
	ask(fd, PTN_CMD_EVENT);
	return fd;
}

static void happens(uint32_t n)
{
	const struct message_event event = {
		.type = PTN_EVENT_PORT_STOPPED, .port = "a", .pid = n};

	control_tell(w.engine->control, &event);
}

/* What one datagram brought. */
struct heard {
	uint32_t events, last; /* how many, and the last one's number */
	uint32_t lost; /* times that it was told so */
	uint32_t answers;
};

static bool hear(int fd, struct heard *h)
{
	uint8_t bytes[MESSAGE_DATAGRAM_MAX] __attribute__((aligned(8)));
	const uint8_t *at = bytes;
	ssize_t n = recv(fd, bytes, sizeof(bytes), 0);
	size_t left = n > 0 ? (size_t)n : 0;
	struct message m;

	while (message_next(&at, &left, &m) > 0) {
		if (m.has & MESSAGE_HAS(PTN_A_EVENT)) {
			/* in order, and none after they were lost */
			assert_true(m.event.pid > h->last);
			h->events++;
			h->last = m.event.pid;
		} else if (m.type == NLMSG_ERROR && m.error == -ENOBUFS) {
			assert_int_equal(m.seq, 0);
			h->lost++;
		} else {
			h->answers++;
		}
		message_fini(&m);
	}
	return n > 0;
}

static void hear_all(int fd, struct heard *h)
{
	while (hear(fd, h))
		continue;
}

static void who_does_not_read_loses_events_alone(void **state)
{
	struct heard fast = {0}, slow = {0};
	const int reads = listener(), sleeps = listener();
	size_t before = mallinfo2().uordblks;

	(void)state;
	hear_all(reads, &fast);
	for (uint32_t i = 1; i <= EVENTS; i++) {
		happens(i);
		turn();
		hear_all(reads, &fast);
		assert_true(mallinfo2().uordblks < before + GROWTH_MAX);
	}
	assert_int_equal(fast.events, EVENTS);
	assert_int_equal(fast.lost, 0);
	/* it reads again, and learns that there were more, once */
	hear(sleeps, &slow);
	assert_int_equal(slow.lost, 0);
	while (!slow.lost) {
		hear_all(sleeps, &slow);
		if (!slow.lost)
			turn();
	}
	hear_all(sleeps, &slow);
	assert_int_equal(slow.lost, 1);
	assert_in_range(slow.events, 1, EVENTS - 1);
	assert_int_equal(slow.last, slow.events);
	/* and is a listener as before, that may ask */
	happens(EVENTS + 1);
	turn();
	hear_all(sleeps, &slow);
	assert_int_equal(slow.last, EVENTS + 1);
	ask(sleeps, PTN_CMD_INFO_GET);
	slow.answers = 0;
	hear_all(sleeps, &slow);
	assert_int_equal(slow.answers, 1);
	assert_int_equal(slow.lost, 1);
	close(reads);
	close(sleeps);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			who_does_not_read_loses_events_alone, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
