/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
/*
 * All that the data path needs of the world. Each home (kernel, engine,
 * tests) brings a ptn_os_impl.h, found by the include path, with exactly
 * these:
 *
 * Types		u8 u16 u32 u64 s32 s64 bool size_t, errno values
 *
 * Memory		void *ptn_alloc(size_t)		zeroed; may sleep
 *			void ptn_free(void *)		takes NULL
 *
 * Locks		ptn_spin_t, ptn_spin_init(l), ptn_spin_lock(l),
 *			bool ptn_spin_trylock(l), ptn_spin_unlock(l)
 *			ptn_spin_lock_inner(l)	one more of the same kind
 *
 * Publish		ptn_rcu_read_lock(), ptn_rcu_read_unlock()
 *			ptn_rcu_synchronize()		may sleep
 *
 * Shared memory	ptn_load(x), ptn_store(x, v)	once, untorn
 *			ptn_load_acquire(x), ptn_store_release(x, v)
 *			ptn_mb()			full
 *			ptn_mb_heavy()	full, and where the home offers
 *				PTN_REGION_HEAVY_SLEEP full on the CPUs of
 *				the programs too; before sleeping only
 *
 * Copy			ptn_copy(dst, src, len)		len bytes, not one more
 *			ptn_prefetch(p), ptn_prefetchw(p)
 *			memcpy, memmove, memset, strlen, strcpy
 *
 * World		u64 ptn_now_ms()		monotonic
 *			ptn_random(buf, len)
 *			ptn_log(level, fmt, ...)	PTN_ERR, PTN_WARN,
 *PTN_INFO
 *
 * Compiler		ptn_likely(x), ptn_unlikely(x)
 */
#ifndef PTN_OS_H
#define PTN_OS_H

#include "ptn_os_impl.h"

#endif
