/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What backends tell unasked, in the control family's words: read, and said in
 * the log. Whose socket it is and what it is told is the backend's business.
 *
 * A VM can be stopped and come back a thousand times a minute: of what VMs and
 * programs can cause, one line of each port and kind is said in a period, and
 * when that is over, how many more there were.
 */
#ifndef PTNETD_BACKEND_EVENTS_H
#define PTNETD_BACKEND_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limit.h"
#include "nl/message.h"

/* Of more than these at a time there is one line, for all others. */
enum { EVENTS_LINES = 64 };

struct events_line {
	uint32_t type; /* enum ptn_event; 0: none */
	object_name name;
	struct limit limit;
};

/* What was said lately. Zero-initialised: nothing. */
struct events {
	struct events_line line[EVENTS_LINES];
	struct limit others;
};

/**
 * events_hear - read and log all that has come, and what is to be closed
 * @ended: set to whether the other side has closed the connection
 *
 * Returns whether the backend may hold something else now.
 */
bool events_hear(struct events *e, int fd, int64_t now_ms, bool *ended);

/** events_wait_ms - events_hear() has something to say after this; -1: no */
int events_wait_ms(const struct events *e, int64_t now_ms);

/** events_end - say how many more there were of all */
void events_end(struct events *e);

#endif
