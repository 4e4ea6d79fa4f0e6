/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The core's world as a kernel would give it: exactly what ptn_os.h promises,
 * no libc, and in the way what a kernel has by the same names. Only compiled,
 * by tests/lint/run.
 */
#ifndef PTN_OS_IMPL_H
#define PTN_OS_IMPL_H

#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;
typedef __s32 s32;
typedef __s64 s64;
typedef _Bool bool;
typedef __SIZE_TYPE__ size_t;

enum { false, true };
enum { ENOENT = 2, EIO = 5, ENXIO = 6, ENOMEM = 12, EBUSY = 16, EXDEV = 18 };
enum { EOPNOTSUPP = 95, ECONNRESET = 104 };
enum { EINVAL = 22, ENOSPC = 28 };

#define NULL ((void *)0)

/* Names that are taken. */
#define round_up(x, y) ((((x)-1) | ((y)-1)) + 1)
#define round_down(x, y) ((x) & ~((y)-1))
#define min(x, y) ((x) < (y) ? (x) : (y))
#define max(x, y) ((x) > (y) ? (x) : (y))
#define swap(a, b) ((void)(a), (void)(b))
#define current ((void *)0)
#define likely(x) (x)
#define offsetof(type, member) __builtin_offsetof(type, member)
void sort(void *base, size_t num, size_t size,
	  int (*cmp)(const void *, const void *),
	  void (*swap_func)(void *, void *, int));
unsigned long find_next_bit(const unsigned long *addr, unsigned long size,
			    unsigned long offset);

/* What ptn_os.h lists. */
void *ptn_alloc(size_t bytes);
void ptn_free(void *mem);

typedef struct {
	u32 locked;
} ptn_spin_t;

void ptn_spin_init(ptn_spin_t *l);
void ptn_spin_lock(ptn_spin_t *l);
void ptn_spin_lock_inner(ptn_spin_t *l);
bool ptn_spin_trylock(ptn_spin_t *l);
void ptn_spin_unlock(ptn_spin_t *l);

void ptn_rcu_read_lock(void);
void ptn_rcu_read_unlock(void);
void ptn_rcu_synchronize(void);

#define ptn_load(x) (*(const volatile __typeof__(x) *)&(x))
#define ptn_store(x, v) (*(volatile __typeof__(x) *)&(x) = (v))
#define ptn_load_acquire(x) __atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#define ptn_store_release(x, v) __atomic_store_n(&(x), (v), __ATOMIC_RELEASE)
void ptn_mb(void);
void ptn_mb_heavy(void);

void ptn_copy(void *dst, const void *src, size_t len);
void ptn_prefetch(const void *p);
void ptn_prefetchw(const void *p);
void *memcpy(void *dst, const void *src, size_t len);
void *memmove(void *dst, const void *src, size_t len);
void *memset(void *dst, int c, size_t len);
size_t strlen(const char *s);
char *strcpy(char *dst, const char *src);

enum { PTN_ERR = 3, PTN_WARN = 4, PTN_INFO = 6 };
u64 ptn_now_ms(void);
void ptn_random(void *buf, size_t len);
void ptn_log(int level, const char *format, ...);

#define ptn_likely(x) __builtin_expect(!!(x), 1)
#define ptn_unlikely(x) __builtin_expect(!!(x), 0)

#endif
