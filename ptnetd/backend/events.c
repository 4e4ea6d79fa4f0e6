/* SPDX-License-Identifier: BSD-2-Clause */
#include "backend/events.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"

/* The engine puts as many messages into a datagram as find room. */
enum { EVENT_BYTES = MESSAGE_DATAGRAM_MAX };

/* How many more */

/*
 * Of what VMs and programs can cause as often as they like; NULL of all else,
 * which is the host's own.
 */
static const char *again(uint32_t type)
{
	static const char *const words[] = {
		[PTN_EVENT_PORT_FAULT] = "a ring was corrupted",
		[PTN_EVENT_PORT_STOPPED] = "it was stopped",
		[PTN_EVENT_STORM] = "it flooded",
	};

	return type < sizeof(words) / sizeof(*words) ? words[type] : NULL;
}

static void end_line(struct events_line *l)
{
	if (l->limit.more)
		log_warn("%s %s: %s %u more times",
			 l->type == PTN_EVENT_STORM ? "switch" : "port",
			 l->name, again(l->type), l->limit.more);
	l->type = 0;
}

static void end_others(struct limit *others)
{
	if (others->more)
		log_warn("%u more events of other ports and switches",
			 others->more);
	*others = (struct limit){0};
}

static void end_old(struct events *e, int64_t now)
{
	for (int i = 0; i < EVENTS_LINES; i++) {
		struct events_line *l = &e->line[i];

		if (l->type && !limit_left_ms(&l->limit, now))
			end_line(l);
	}
	if (!limit_left_ms(&e->others, now))
		end_others(&e->others);
}

void events_end(struct events *e)
{
	for (int i = 0; i < EVENTS_LINES; i++)
		if (e->line[i].type)
			end_line(&e->line[i]);
	end_others(&e->others);
}

static int64_t sooner(int64_t wait, const struct limit *l, int64_t now)
{
	const int64_t left = limit_left_ms(l, now);

	return l->more && (wait < 0 || left < wait) ? left : wait;
}

int events_wait_ms(const struct events *e, int64_t now)
{
	int64_t wait = sooner(-1, &e->others, now);

	for (int i = 0; i < EVENTS_LINES; i++)
		if (e->line[i].type)
			wait = sooner(wait, &e->line[i].limit, now);
	return (int)wait;
}

/* Saying it */

static struct limit *limit_of(struct events *e, uint32_t type, const char *name)
{
	struct events_line *free = NULL;

	for (int i = 0; i < EVENTS_LINES; i++) {
		struct events_line *l = &e->line[i];

		if (l->type == type && strcmp(l->name, name) == 0)
			return &l->limit;
		if (!l->type && !free)
			free = l;
	}
	if (!free)
		return &e->others;
	*free = (struct events_line){.type = type};
	snprintf(free->name, sizeof(free->name), "%s", name);
	return &free->limit;
}

static void say(const struct message_event *e)
{
	switch ((enum ptn_event)e->type) {
	case PTN_EVENT_PORT_FAULT:
		log_warn("port %s: process %u has corrupted a ring", e->port,
			 e->pid);
		break;
	case PTN_EVENT_PORT_STOPPED:
		log_warn("port %s: stopped: process %u has corrupted its rings "
			 "too often",
			 e->port, e->pid);
		break;
	case PTN_EVENT_NIC_GONE:
		log_warn("port %s: its network device went away", e->port);
		break;
	case PTN_EVENT_NIC_BACK:
		log_info("port %s: there is a network device of its name again",
			 e->port);
		break;
	case PTN_EVENT_STORM:
		log_warn("switch %s floods %u frames a second", e->sw, e->rate);
		break;
	case PTN_EVENT_CHANGED:
	case PTN_EVENT_PORT_UP:
	case PTN_EVENT_PORT_DOWN:
	case PTN_EVENT_PORT_NEW:
	case PTN_EVENT_PORT_GONE:
		break;
	}
}

/* Returns whether there is something to do. */
static bool tell(struct events *e, const struct message_event *event,
		 int64_t now)
{
	const char *name = event->type == PTN_EVENT_STORM ? event->sw
							  : event->port;

	if (!again(event->type) ||
	    limit_may_say(limit_of(e, event->type, name), now))
		say(event);
	return event->type == PTN_EVENT_NIC_BACK;
}

/* Hearing it */

static bool hear_datagram(struct events *e, const uint8_t *at, size_t len,
			  int64_t now)
{
	bool to_do = false;
	int got = 1;

	while (got > 0) {
		struct message m;

		got = message_next(&at, &len, &m);
		if (got > 0 && (m.has & MESSAGE_HAS(PTN_A_EVENT)))
			to_do |= tell(e, &m.event, now);
		else if (got > 0 && m.type == NLMSG_ERROR)
			to_do |= m.error == -ENOBUFS; /* some were lost */
		message_fini(&m);
	}
	return to_do;
}

bool events_hear(struct events *e, int fd, int64_t now, bool *ended)
{
	uint8_t bytes[EVENT_BYTES];
	bool to_do = false;

	end_old(e, now);
	for (;;) {
		ssize_t n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT);

		*ended = n == 0;
		if (n > 0)
			to_do |= hear_datagram(e, bytes, (size_t)n, now);
		else if (n < 0 && errno == ENOBUFS)
			to_do = true; /* some were lost: any of them */
		else if (n == 0 || errno != EINTR)
			return to_do;
	}
}
