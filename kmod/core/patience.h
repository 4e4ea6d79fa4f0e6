/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * How long a thread looks for work in vain before it asks for kicks and
 * sleeps: as long as it would have paid lately. Nanoseconds of any clock.
 */
#ifndef PTN_PATIENCE_H
#define PTN_PATIENCE_H

#include "ptn_os.h"

enum {
	PTN_PATIENCE_MIN = 10 * 1000,
	PTN_PATIENCE_START = 50 * 1000,
	PTN_PATIENCE_MAX = 200 * 1000,
	/* A kick this long after arming: looking longer would not have paid. */
	PTN_PATIENCE_WASTED = 10 * PTN_PATIENCE_MAX,
};

/**
 * ptn_patience_adapt - what it should be, after a kick ended a sleep
 *
 * Had it looked a little longer, the program would not have had to kick; was
 * it long, the looking was for nothing.
 */
static inline u64 ptn_patience_adapt(u64 patience, u64 slept)
{
	if (slept + patience < PTN_PATIENCE_MAX)
		return 2 * patience < PTN_PATIENCE_MAX ? 2 * patience
						       : PTN_PATIENCE_MAX;
	if (slept > PTN_PATIENCE_WASTED)
		return patience / 2 > PTN_PATIENCE_MIN ? patience / 2
						       : PTN_PATIENCE_MIN;
	return patience;
}

#endif
