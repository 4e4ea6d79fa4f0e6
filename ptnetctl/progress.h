/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A line on a terminal while something takes time; nothing in a pipe.
 */
#ifndef PTNETCTL_PROGRESS_H
#define PTNETCTL_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>

struct progress {
	const char *what; /* kept, not copied */
	size_t total; /* bytes to send */
	bool enabled; /* stderr is a terminal */
	bool shown;
};

/** progress_init - @now: show it at once, not only when it lasts */
void progress_init(struct progress *p, const char *what, size_t total,
		   bool now);

/** progress_show - draw the line anew; for struct client_call */
void progress_show(void *progress, size_t sent, unsigned elapsed_ms);

/** progress_clear - leave no trace of it */
void progress_clear(struct progress *p);

#endif
