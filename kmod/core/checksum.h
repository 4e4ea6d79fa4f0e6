/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * The Internet's checksum (RFC 1071): the ones' complement of the ones'
 * complement sum of 16-bit words. Sums are of words as they lie in memory, and
 * are written as such: the order of the bytes does not matter then.
 */
#ifndef PTN_CHECKSUM_H
#define PTN_CHECKSUM_H

#include "ptn_os.h"

static inline u64 ptn_sum_add(u64 a, u64 b)
{
	a += b;
	return a + (a < b); /* end-around */
}

/** ptn_sum - add @n bytes; the first one is at an even place */
u64 ptn_sum(u64 sum, const void *at, u32 n);

/** ptn_sum_fold - in 16 bits */
u16 ptn_sum_fold(u64 sum);

/** ptn_sum_swap - of bytes whose first one is at an odd place after all */
static inline u64 ptn_sum_swap(u64 sum)
{
	return __builtin_bswap16(ptn_sum_fold(sum));
}

#endif
