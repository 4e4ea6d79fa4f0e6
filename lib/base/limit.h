/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of the log that somebody else can cause as often as he likes: one in a
 * while is said, so that they do not fill a disk, and the others are counted.
 */
#ifndef PTNET_BASE_LIMIT_H
#define PTNET_BASE_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

enum { LIMIT_PERIOD_MS = 10 * 1000 };

/* Of one line about one thing. Zero-initialised: it was never said. */
struct limit {
	int64_t said; /* ms; 0: never */
	uint32_t more; /* that were not, since then */
};

/** limit_may_say - whether to say it now; otherwise it is counted */
bool limit_may_say(struct limit *l, int64_t now_ms);

/** limit_left_ms - until it may be said again; 0: it may be now */
int64_t limit_left_ms(const struct limit *l, int64_t now_ms);

#endif
