/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A moment until which something may take, on the monotonic clock. For the
 * files of libptnet only.
 */
#ifndef PTNET_PORT_DEADLINE_H
#define PTNET_PORT_DEADLINE_H

#include <limits.h>
#include <stdint.h>
#include <time.h>

static inline int64_t deadline_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* @ms negative: never. */
static inline int64_t deadline_in(int ms)
{
	return ms < 0 ? INT64_MAX : deadline_now() + ms;
}

/* What poll() takes: milliseconds that are left, 0 when over, -1 for ever. */
static inline int deadline_left(int64_t deadline)
{
	int64_t left;

	if (deadline == INT64_MAX)
		return -1;
	left = deadline - deadline_now();
	return left <= 0 ? 0 : left > INT_MAX ? INT_MAX : (int)left;
}

#endif
