/* SPDX-License-Identifier: GPL-2.0 OR BSD-2-Clause */
/*
 * ptn_os.h for the Linux kernel. Frames come in softirqs too, so that the
 * core's locks keep these away while they are held.
 */
#ifndef PTN_OS_IMPL_H
#define PTN_OS_IMPL_H

#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/prefetch.h>
#include <linux/random.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/version.h>

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 12, 0)
#include <asm/unaligned.h>
#else
#include <linux/unaligned.h>
#endif

#define ptn_likely(x) likely(x)
#define ptn_unlikely(x) unlikely(x)

/* Memory */

/* On a cache line of its own, as kmalloc() gives it only for powers of two. */
static inline void *ptn_alloc(size_t bytes)
{
	return kvzalloc(ALIGN(bytes, L1_CACHE_BYTES), GFP_KERNEL_ACCOUNT);
}

static inline void ptn_free(void *mem)
{
	kvfree(mem);
}

/* Locks */

typedef spinlock_t ptn_spin_t;

/* A macro, so that lockdep tells the locks of different places apart. */
#define ptn_spin_init(l) spin_lock_init(l)

static inline void ptn_spin_lock(ptn_spin_t *l)
{
	spin_lock_bh(l);
}

/* Lockdep is told that it lies inside the one that is held. */
static inline void ptn_spin_lock_inner(ptn_spin_t *l)
{
	local_bh_disable();
	spin_lock_nested(l, SINGLE_DEPTH_NESTING);
}

static inline bool ptn_spin_trylock(ptn_spin_t *l)
{
	return spin_trylock_bh(l);
}

static inline void ptn_spin_unlock(ptn_spin_t *l)
{
	spin_unlock_bh(l);
}

/* Publish */

static inline void ptn_rcu_read_lock(void)
{
	rcu_read_lock();
}

static inline void ptn_rcu_read_unlock(void)
{
	rcu_read_unlock();
}

/* Control calls wait for this, many of them in a transaction. */
static inline void ptn_rcu_synchronize(void)
{
	synchronize_rcu_expedited();
}

/* Shared memory */

#define ptn_load(x) READ_ONCE(x)
#define ptn_store(x, v) WRITE_ONCE(x, v)
#define ptn_load_acquire(x) smp_load_acquire(&(x))
#define ptn_store_release(x, v) smp_store_release(&(x), (v))

static inline void ptn_mb(void)
{
	smp_mb();
}

/* Programs that work with the kernel have their own full barrier. */
static inline void ptn_mb_heavy(void)
{
	smp_mb();
}

/* Copy */

static inline void ptn_prefetch(const void *p)
{
	prefetch(p);
}

static inline void ptn_prefetchw(const void *p)
{
	prefetchw(p);
}

/* All of it in registers at once: no loop, whose end costs as much as a word.
 */
static inline void ptn_copy_block(char *d, const char *s)
{
	const u64 a = get_unaligned((const u64 *)s);
	const u64 b = get_unaligned((const u64 *)(s + 8));
	const u64 c = get_unaligned((const u64 *)(s + 16));
	const u64 e = get_unaligned((const u64 *)(s + 24));

	put_unaligned(a, (u64 *)d);
	put_unaligned(b, (u64 *)(d + 8));
	put_unaligned(c, (u64 *)(d + 16));
	put_unaligned(e, (u64 *)(d + 24));
}

/*
 * Short copies by words, the last of them overlapping, and never a byte beyond
 * @len: a call of memcpy() and its "rep movs" cost more than a small frame is
 * worth.
 */
static inline void ptn_copy(void *dst, const void *src, size_t len)
{
	char *d = dst, *const end = d + len;
	const char *s = src, *const tail = s + len;

	if (unlikely(len > 256 || len < 32)) {
		memcpy(d, s, len);
		return;
	}
	for (; d + 32 < end; d += 32, s += 32)
		ptn_copy_block(d, s);
	ptn_copy_block(end - 32, tail - 32);
}

/* World */

enum { PTN_ERR = 3, PTN_WARN = 4, PTN_INFO = 6 };

static inline u64 ptn_now_ms(void)
{
	return ktime_get_ns() / NSEC_PER_MSEC;
}

static inline void ptn_random(void *buf, size_t len)
{
	get_random_bytes(buf, len);
}

__printf(2, 3) void ptn_log(int level, const char *format, ...);

#endif
