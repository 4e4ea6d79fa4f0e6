/* SPDX-License-Identifier: BSD-2-Clause */
/* What ptnetd's log says of events, and how often. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "backend/events.h"
#include "base/file.h"
#include "nl/message.h"

enum { TIMES = 1000, START_MS = 5000 };

static struct {
	struct events events;
	int fd[2]; /* the backend's end, and ours */
	int log, err; /* what is logged, and where it went before */
	int64_t now;
	bool to_do; /* as the last one said */
} w;

static int begin(void **state)
{
	(void)state;
	memset(&w, 0, sizeof(w));
	w.now = START_MS;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, w.fd))
		return -1;
	w.err = dup(STDERR_FILENO);
	w.log = memfd_create("log", MFD_CLOEXEC);
	return dup2(w.log, STDERR_FILENO) < 0;
}

static int end(void **state)
{
	(void)state;
	dup2(w.err, STDERR_FILENO);
	close(w.err);
	close(w.log);
	close(w.fd[0]);
	return close(w.fd[1]);
}

static void hear(void)
{
	bool ended;

	w.to_do = events_hear(&w.events, w.fd[1], w.now, &ended);
	assert_false(ended);
}

static void comes(const struct message *m)
{
	struct message_buf out = {0};

	assert_int_equal(message_put(&out, m), 0);
	assert_int_equal(send(w.fd[0], out.data, out.len, 0), out.len);
	message_buf_fini(&out);
	hear();
}

static void happens(enum ptn_event type, const char *name)
{
	struct message m = {.type = PTN_ENGINE_FAMILY,
			    .cmd = PTN_CMD_EVENT,
			    .has = MESSAGE_HAS(PTN_A_EVENT),
			    .event = {.type = type, .pid = 7}};

	if (type == PTN_EVENT_STORM)
		strcpy(m.event.sw, name);
	else
		strcpy(m.event.port, name);
	comes(&m);
}

/* All that was logged since the last time. */
static void assert_log(const char *want)
{
	char *text;
	size_t len;

	assert_int_equal(lseek(w.log, 0, SEEK_SET), 0);
	assert_int_equal(fd_read_all(w.log, 1 << 20, &text, &len), 0);
	assert_string_equal(text, want);
	free(text);
	assert_int_equal(ftruncate(w.log, 0), 0);
	assert_int_equal(lseek(w.log, 0, SEEK_SET), 0);
}

#define STOPPED(port)                                                          \
	"warning: port " port ": stopped: process 7 has corrupted its rings "  \
	"too often\n"

static void a_port_is_stopped_without_end(void **state)
{
	(void)state;
	for (int i = 0; i < TIMES; i++)
		happens(PTN_EVENT_PORT_STOPPED, "a");
	assert_log(STOPPED("a"));
	/* that is closed when its time is over, without another event */
	w.now += LIMIT_PERIOD_MS - 1;
	hear();
	assert_log("");
	assert_int_equal(events_wait_ms(&w.events, w.now), 1);
	w.now++;
	assert_int_equal(events_wait_ms(&w.events, w.now), 0);
	hear();
	assert_log("warning: port a: it was stopped 999 more times\n");
	assert_int_equal(events_wait_ms(&w.events, w.now), -1);
	happens(PTN_EVENT_PORT_STOPPED, "a");
	assert_log(STOPPED("a"));
}

static void what_comes_once_has_no_more(void **state)
{
	(void)state;
	happens(PTN_EVENT_PORT_STOPPED, "a");
	assert_log(STOPPED("a"));
	assert_int_equal(events_wait_ms(&w.events, w.now), -1);
	w.now += LIMIT_PERIOD_MS;
	hear();
	events_end(&w.events);
	assert_log("");
}

static void each_port_and_kind_has_its_own(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		happens(PTN_EVENT_PORT_STOPPED, "a");
		happens(PTN_EVENT_PORT_STOPPED, "b");
		happens(PTN_EVENT_PORT_FAULT, "a");
		happens(PTN_EVENT_STORM, "a");
	}
	assert_log(STOPPED("a") STOPPED(
		"b") "warning: port a: process 7 has corrupted a ring\n"
		     "warning: switch a floods 0 frames a second\n");
	events_end(&w.events);
	assert_log("warning: port a: it was stopped 2 more times\n"
		   "warning: port b: it was stopped 2 more times\n"
		   "warning: port a: a ring was corrupted 2 more times\n"
		   "warning: switch a: it flooded 2 more times\n");
}

/* Names are without end, too: a program makes ports of any. */
static void more_ports_than_lines(void **state)
{
	char name[16];
	char *text;
	size_t len, lines = 0;

	(void)state;
	for (int i = 0; i < TIMES; i++) {
		snprintf(name, sizeof(name), "p%d", i);
		happens(PTN_EVENT_PORT_FAULT, name);
	}
	assert_int_equal(lseek(w.log, 0, SEEK_SET), 0);
	assert_int_equal(fd_read_all(w.log, 1 << 20, &text, &len), 0);
	for (size_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	free(text);
	assert_int_equal(lines, EVENTS_LINES + 1);
	assert_int_equal(ftruncate(w.log, 0), 0);
	assert_int_equal(lseek(w.log, 0, SEEK_SET), 0);
	assert_int_equal(events_wait_ms(&w.events, w.now), LIMIT_PERIOD_MS);
	w.now += LIMIT_PERIOD_MS;
	hear();
	assert_log("warning: 935 more events of other ports and switches\n");
	happens(PTN_EVENT_PORT_STOPPED, "a");
	assert_log(STOPPED("a"));
}

/* Each time: these are the host's own. */
static void devices_are_told_each_time(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		happens(PTN_EVENT_NIC_GONE, "a");
		assert_false(w.to_do);
		happens(PTN_EVENT_NIC_BACK, "a");
		assert_true(w.to_do);
		assert_log("warning: port a: its network device went away\n"
			   "port a: there is a network device of its name "
			   "again\n");
	}
}

/* Any of them: what the backend holds is looked at. Refusals are none. */
static void lost_ones_are_something_to_do(void **state)
{
	struct message m = {.type = NLMSG_ERROR, .error = -ENOBUFS};

	(void)state;
	comes(&m);
	assert_true(w.to_do);
	m.error = -EOPNOTSUPP;
	comes(&m);
	assert_false(w.to_do);
	assert_log("");
}

#define EVENTS_TEST(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVENTS_TEST(a_port_is_stopped_without_end),
		EVENTS_TEST(what_comes_once_has_no_more),
		EVENTS_TEST(each_port_and_kind_has_its_own),
		EVENTS_TEST(more_ports_than_lines),
		EVENTS_TEST(devices_are_told_each_time),
		EVENTS_TEST(lost_ones_are_something_to_do),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
