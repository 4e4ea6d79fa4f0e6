/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ptn_os.h for user space: what the data path needs, by compiler builtins,
 * the C library, and a grace period by quiescent states (os.h).
 */
#ifndef PTN_OS_IMPL_H
#define PTN_OS_IMPL_H

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

#define ptn_likely(x) __builtin_expect(!!(x), 1)
#define ptn_unlikely(x) __builtin_expect(!!(x), 0)

/* Memory */

static inline void *ptn_alloc(size_t bytes)
{
	size_t rounded = (bytes + 63) & ~(size_t)63;
	void *mem = rounded < bytes ? NULL : calloc(1, rounded + 64);
	void **aligned;

	if (!mem)
		return NULL;
	/* a cache line of its own, with the way back in front of it */
	aligned = (void **)(((uintptr_t)mem + 64) & ~(uintptr_t)63);
	aligned[-1] = mem;
	return aligned;
}

static inline void ptn_free(void *mem)
{
	if (mem)
		free(((void **)mem)[-1]);
}

/* Shared memory */

#define ptn_load(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define ptn_store(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELAXED)
#define ptn_load_acquire(x) __atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define ptn_store_release(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELEASE)

static inline void ptn_mb(void)
{
#if defined(__x86_64__)
	/* a locked add costs half of mfence, which clang would emit */
	__asm__ volatile("lock; addl $0, -4(%%rsp)" ::: "memory", "cc");
#else
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

void ptn_mb_heavy(void);

/* Locks */

static inline void ptn_relax(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#endif
}

typedef struct {
	u32 locked;
} ptn_spin_t;

static inline void ptn_spin_init(ptn_spin_t *l)
{
	ptn_store_release(l->locked, 0);
}

static inline bool ptn_spin_trylock(ptn_spin_t *l)
{
	return !__atomic_exchange_n(&l->locked, 1, __ATOMIC_ACQUIRE);
}

static inline void ptn_spin_lock(ptn_spin_t *l)
{
	while (!ptn_spin_trylock(l)) {
		/* the holder may have lost its CPU: do not spin for ever */
		for (int i = 0; ptn_load(l->locked); i++) {
			if (i > 200)
				sched_yield();
			else
				ptn_relax();
		}
	}
}

static inline void ptn_spin_lock_inner(ptn_spin_t *l)
{
	ptn_spin_lock(l);
}

static inline void ptn_spin_unlock(ptn_spin_t *l)
{
	ptn_store_release(l->locked, 0);
}

/* Publish: reading needs no action, see os_quiescent() */

static inline void ptn_rcu_read_lock(void)
{
}

static inline void ptn_rcu_read_unlock(void)
{
}

void ptn_rcu_synchronize(void);

/* Copy */

static inline void ptn_prefetch(const void *p)
{
	__builtin_prefetch(p, 0, 3);
}

static inline void ptn_prefetchw(const void *p)
{
	__builtin_prefetch(p, 1, 3);
}

/*
 * Short copies as a pair of overlapping blocks: no call, no loop, and never a
 * byte beyond @len, because what lies there is not the receiver's business.
 */
static inline void ptn_copy(void *dst, const void *src, size_t len)
{
	char *d = dst;
	const char *s = src;

	if (len > 256) {
		memcpy(d, s, len);
		return;
	}
	if (ptn_likely(len > 32)) {
		char last[32];

		memcpy(last, s + len - 32, 32);
		for (size_t i = 0; i + 32 < len; i += 32)
			memcpy(d + i, s + i, 32);
		memcpy(d + len - 32, last, 32);
		return;
	}
	if (len >= 16) {
		char last[16];

		memcpy(last, s + len - 16, 16);
		memcpy(d, s, 16);
		memcpy(d + len - 16, last, 16);
		return;
	}
	for (size_t i = 0; i < len; i++)
		d[i] = s[i];
}

/* World */

enum { PTN_ERR = 3, PTN_WARN = 4, PTN_INFO = 6 };

u64 ptn_now_ms(void);
void ptn_random(void *buf, size_t len);
__attribute__((format(printf, 2, 3))) void ptn_log(int level,
						   const char *format, ...);

#endif
