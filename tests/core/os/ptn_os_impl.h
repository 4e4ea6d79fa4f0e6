/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The third world of the core: user space with a clock that a test moves,
 * memory that runs out when a test says so, and a hook in the middle of every
 * copy, where a sender can be made to stall.
 */
#ifndef PTN_TEST_OS_IMPL_H
#define PTN_TEST_OS_IMPL_H

#define ptn_alloc ptn_alloc_engine
#define ptn_copy ptn_copy_engine
#include "../../../lib/engine/os/ptn_os_impl.h"
#undef ptn_alloc
#undef ptn_copy

/* Allocations until one fails; negative: none does. */
extern int test_alloc_budget;

/* Milliseconds; only tests move it. */
extern u64 test_now_ms;

/* Called before each copy when set. */
extern void (*test_in_copy)(void);

static inline void *ptn_alloc(size_t bytes)
{
	if (test_alloc_budget >= 0 && !test_alloc_budget--)
		return NULL;
	return ptn_alloc_engine(bytes);
}

static inline void ptn_copy(void *dst, const void *src, size_t len)
{
	void (*hook)(void) = ptn_load(test_in_copy);

	if (hook)
		hook();
	ptn_copy_engine(dst, src, len);
}

#endif
