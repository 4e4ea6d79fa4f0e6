// SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0
#include "checksum.h"

#include "ring.h"

/* The last bytes, fewer than eight, as a word with zeros after them. */
static u64 rest(const u8 *at, u32 n)
{
	u64 word = 0;

	for (u32 i = 0; i < n; i++)
		word |= (u64)at[i] << 8 * i;
	return word;
}

u64 ptn_sum(u64 sum, const void *at, u32 n)
{
	const u8 *p = at;

	for (; n >= 8; n -= 8, p += 8)
		sum = ptn_sum_add(sum, ptn_word(p));
	return ptn_sum_add(sum, rest(p, n));
}

u16 ptn_sum_fold(u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (u16)((sum & 0xffff) + (sum >> 16));
}
