/* SPDX-License-Identifier: BSD-2-Clause */
#include "backend/events.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/log.h"
#include "nl/message.h"

/* The engine puts as many messages into a datagram as find room. */
enum { EVENT_BYTES = MESSAGE_DATAGRAM_MAX };

/* Returns whether there is something to do. */
static bool tell(const struct message_event *e)
{
	switch ((enum ptn_event)e->type) {
	case PTN_EVENT_PORT_FAULT:
		log_warn("port %s: process %u has corrupted a ring", e->port,
			 e->pid);
		return false;
	case PTN_EVENT_PORT_STOPPED:
		log_warn("port %s: stopped: process %u has corrupted its rings "
			 "too often",
			 e->port, e->pid);
		return false;
	case PTN_EVENT_NIC_GONE:
		log_warn("port %s: its network device went away", e->port);
		return false;
	case PTN_EVENT_NIC_BACK:
		log_info("port %s: there is a network device of its name again",
			 e->port);
		return true;
	case PTN_EVENT_STORM:
		log_warn("switch %s floods %u frames a second", e->sw, e->rate);
		return false;
	case PTN_EVENT_CHANGED:
	case PTN_EVENT_PORT_UP:
	case PTN_EVENT_PORT_DOWN:
	case PTN_EVENT_PORT_NEW:
	case PTN_EVENT_PORT_GONE:
		break;
	}
	return false;
}

static bool hear_datagram(const uint8_t *at, size_t len)
{
	bool to_do = false;
	int got = 1;

	while (got > 0) {
		struct message m;

		got = message_next(&at, &len, &m);
		if (got > 0 && (m.has & MESSAGE_HAS(PTN_A_EVENT)))
			to_do |= tell(&m.event);
		message_fini(&m);
	}
	return to_do;
}

bool events_hear(int fd, bool *ended)
{
	uint8_t bytes[EVENT_BYTES];
	bool to_do = false;

	for (;;) {
		ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

		*ended = n == 0;
		if (n > 0)
			to_do |= hear_datagram(bytes, (size_t)n);
		else if (n < 0 && errno == ENOBUFS)
			to_do = true; /* some were lost: any of them */
		else if (n == 0 || errno != EINTR)
			return to_do;
	}
}
